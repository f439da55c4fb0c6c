"""What all labs are: a live view in a running notebook, and a result made by Python for everybody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import anywidget

from convlib._numbers import shown as shown

HERE = Path(__file__).parent


def source(name: str) -> str:
    return (HERE / name).read_text(encoding="utf8")


def module(name: str) -> str:
    """The ES module of a lab: what all labs share, then the lab."""
    return source("parts.js") + source(f"{name}.js")


def page_script(names: Iterable[str]) -> str:
    """One classic script that brings the labs of a static page to life.

    A page that was opened as a file may not load modules, so each becomes a function that returns its export.
    """
    labs = [
        f'labs["{name}"] = (() => {{\n{source(f"{name}.js")}}})();'.replace("export default", "return")
        for name in names
    ]
    return "\n".join(
        [
            "(() => {",
            '"use strict";',
            source("parts.js"),
            "const labs = {};",
            *labs,
            source("page.js") + "})();\n",
        ]
    )


def style(*names: str) -> str:
    """What all labs share, and the rules of the named ones, each for itself alone."""
    own = {name: HERE / f"{name}.css" for name in names}
    return source("labs.css") + "".join(
        f":where(.lab-{name}) {{\n{file.read_text(encoding='utf8')}}}\n"
        for name, file in own.items()
        if file.exists()
    )


class Lab(anywidget.AnyWidget):
    """A live lab. Its traits are the state: the view changes them, and so can Python.

    Where no kernel runs, `still` is shown: the same result, computed by convlib, as HTML that needs neither
    script nor style sheet. In the book a script then brings it to life, with the same ES module.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    still: Callable[[], Iterable[str]]  # lines of HTML

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        state = {name: getattr(self, name) for name in self.trait_names(state=True)}
        attributes = (
            f'class="lab lab-{self.name}" data-lab="{self.name}" data-state="{escape(json.dumps(state))}"'
        )
        html = "\n".join(
            [f"<div {attributes}>", f"<p><strong>{self.title}</strong></p>", *self.still(), "</div>"]
        )
        view, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return view | {"text/html": html, "text/plain": repr(self)}, metadata


def plural(count: int, word: str, several: str = "") -> str:
    """`several` where an s does not do.

    Examples
    --------
    >>> plural(1, "way"), plural(1024, "way"), plural(2, "copy", "copies")
    ('1 way', '1,024 ways', '2 copies')
    """
    return f"{count:,} {word if count == 1 else several or f'{word}s'}"


def listed(words: Iterable[object], last: str = "and") -> str:
    """Words as a sentence has them.

    Examples
    --------
    >>> listed([1, 2, 3]), listed(["rows", "columns"], "or"), listed([7])
    ('1, 2 and 3', 'rows or columns', '7')
    """
    *first, final = map(str, words)
    return f"{', '.join(first)} {last} {final}" if first else final


def by(size: Iterable[int]) -> str:
    """As in 3 × 4."""
    return " × ".join(map(str, size))


def in_bytes(value: int) -> str:
    """Memory, in powers of 1024, with four digits.

    Examples
    --------
    >>> in_bytes(64 * 224 * 224 * 4), in_bytes(1000)
    ('12.25 MiB', '1000 bytes')
    """
    power = min(max(value.bit_length() - 1, 0) // 10, 4)
    return f"{shown(value / 1024**power)} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def html_table(caption: str, rows: Iterable[Iterable[str]], headings: Iterable[str] = ()) -> str:
    """A table of cells; a cell may hold HTML. The corner above the names of rows has no heading."""
    head = "".join(f'<th scope="col">{heading}</th>' if heading else "<td></td>" for heading in headings)
    lines = ["".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in [head, *lines] if line)
    return f"<table><caption>{caption}</caption>{body}</table>"
