"""Where the built book lies, and which pages it should have according to its table of contents."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"


def listed_files(entry: object) -> Iterator[str]:
    """Every document that a (part of a) table of contents names, in reading order."""
    if isinstance(entry, dict):
        for key, value in entry.items():
            if key in ("root", "file"):
                yield value
            else:
                yield from listed_files(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from listed_files(value)


def without_suffix(document: str) -> str:
    return document.removesuffix(".ipynb").removesuffix(".md")


TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
DOCUMENTS = [without_suffix(document) for document in listed_files(TOC)]
NOTEBOOKS = [document for document in DOCUMENTS if (ROOT / f"{document}.ipynb").exists()]
CHAPTERS = [notebook for notebook in NOTEBOOKS if re.match(r"book/\d\d-", notebook)]
TEACHING = [chapter for chapter in CHAPTERS if not re.match("book/1[67]-", chapter)]  # those ask and correct
PAGES = [f"{document}.html" for document in DOCUMENTS]
GENERATED_PAGES = ["search.html", "404.html"]


def fail_unless_built() -> None:
    if not HTML.is_dir():
        pytest.fail("there is no built book: run `make book` first")
