"""What stands beside the figures: source code and tables."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def source(function: Callable[..., Any], docstring: bool = False) -> Any:
    """The source of a function, straight from the package, as a block of Python.

    Examples
    --------
    >>> from convlib.shapes import effective_kernel_size
    >>> print(source(effective_kernel_size).data)
    ```python
    def effective_kernel_size(kernel_size: int, dilation: int = 1) -> int:
        k = as_integer(kernel_size, "kernel_size", "effective_kernel_size")
        d = as_integer(dilation, "dilation", "effective_kernel_size")
        return d * (k - 1) + 1
    ```
    """
    from IPython.display import Markdown

    lines = textwrap.dedent(inspect.getsource(inspect.unwrap(function))).splitlines()
    first = ast.parse("\n".join(lines)).body[0].body[0]  # type: ignore[attr-defined]
    if not docstring and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        del lines[first.lineno - 1 : first.end_lineno]
    code = "\n".join(line.removesuffix("  # fmt: skip") for line in lines)
    return Markdown(f"```python\n{code}\n```")  # type: ignore[no-untyped-call]


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Any:
    """A table of numbers, computed by the cell that shows it.

    Integers get thousands separators, floats four significant digits; all columns but the first are set to
    the right.

    Raises
    ------
    ValueError
        A row that has more or fewer entries than there are headings.

    Examples
    --------
    >>> print(table(["layer", "weights"], [["conv1_1", 1728]]).data)
    | layer | weights |
    |:--|--:|
    | conv1_1 | 1,728 |
    """
    from IPython.display import Markdown

    for row in rows:
        if len(row) != len(headings):
            raise ValueError(f"table: {len(headings)} headings {list(headings)} but the row {list(row)}")
    ruler = ":--|" + "--:|" * (len(headings) - 1)
    lines = ["| " + " | ".join(headings) + " |", "|" + ruler]
    lines += ["| " + " | ".join(_cell_text(entry) for entry in row) + " |" for row in rows]
    return Markdown("\n".join(lines))  # type: ignore[no-untyped-call]


def _cell_text(entry: object) -> str:
    if isinstance(entry, bool | np.bool_):
        return "yes" if entry else "no"
    if isinstance(entry, int | np.integer):
        return f"{entry:,}"
    if isinstance(entry, float | np.floating):
        return f"{entry:.4g}"
    return str(entry)
