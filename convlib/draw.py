"""The figures of the book, each made by one call: arrays with their numbers, photographs, maps, matrices.

A figure shows the very numbers that it is given. Signed values run from blue through white to orange, always
symmetric about zero, which colour-blind readers can tell apart.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

INK = "#1f2430"
LINES = "#8a8f98"
ACCENT = "#b4540a"  # marks what the text speaks of
SIGNED = LinearSegmentedColormap.from_list("signed", ["#0b4f8a", "#6fa8d6", "#ffffff", "#f2a65e", "#b4540a"])
STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "font.size": 11,
    "axes.titlesize": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "figure.facecolor": "white",
}
WIDTH = 6.4  # inches; with 11 point letters this is still readable on a phone

plt.rcParams.update(STYLE)  # the notebook saves a figure after the function that drew it has returned

Cells = Any  # what np.s_[...] makes


def grids(
    arrays: Mapping[str, NDArray[Any]], between: str = "", marks: Mapping[str, Cells] | None = None
) -> None:
    """Small arrays side by side, every number written into its cell.

    Parameters
    ----------
    arrays : mapping from title to array (H, W)
    between : str
        One character for each gap, such as "⋆=" for image, kernel and output.
    marks : mapping from title to index
        Cells to frame, written with `numpy.s_`.

    Raises
    ------
    ValueError
        An array that is no grid, or marks for a title that does not occur.

    Examples
    --------
    >>> image, kernel = np.array([[1, 2, 3]]), np.array([[1, 1]])
    >>> grids({"image": image, "kernel": kernel}, between="⋆", marks={"image": np.s_[0, 0:2]})
    """
    marks = marks or {}
    unknown = set(marks) - set(arrays)
    if unknown:
        raise ValueError(f"grids: marks for {sorted(unknown)}, but the arrays are {list(arrays)}")
    for title, array in arrays.items():
        if np.ndim(array) != 2:
            raise ValueError(f"grids: {title!r} must be an array (H, W), got {np.shape(array)}")
    gap = 1.1
    total = sum(max(np.shape(a)[1], 0.26 * len(t)) for t, a in arrays.items()) + gap * (len(arrays) - 1)
    tallest = max(np.shape(a)[0] for a in arrays.values())
    cell = min(WIDTH / total, 0.55)  # inches
    figure, axes = plt.subplots(figsize=(total * cell, (tallest + 0.9) * cell))
    left = 0.0
    symbols = iter(between.ljust(len(arrays)))
    for title, array in arrays.items():
        height, width = np.shape(array)
        room = max(width, 0.26 * len(title))
        x, y = left + (room - width) / 2, (tallest - height) / 2
        _cells(axes, np.asarray(array), x, y, cell)
        if title in marks:
            _frame(axes, marks[title], height, width, x, y)
        axes.text(x + width / 2, y - 0.25, title, ha="center", va="bottom", fontsize=min(11, 20 * cell + 3))
        left += room + gap
        axes.text(left - gap / 2, tallest / 2, next(symbols), ha="center", va="center", fontsize=22)
    axes.set(xlim=(-0.1, total + 0.1), ylim=(tallest + 0.1, -0.8), aspect="equal")
    axes.axis("off")
    figure.tight_layout(pad=0.2)


def _cells(axes: Axes, array: NDArray[Any], x: float, y: float, cell: float) -> None:
    """One square for each entry, coloured by sign and size, with the number in it."""
    largest = float(np.abs(array).max()) or 1.0
    texts = [f"{value:.3g}".replace("-", "\N{MINUS SIGN}") for value in array.flat]
    fontsize = min(11, 72 * cell / (0.7 * max(map(len, texts)) + 0.5))
    for (row, column), text in zip(np.ndindex(array.shape), texts, strict=True):
        colour = SIGNED(0.5 + 0.3 * float(array[row, column]) / largest)  # light enough for dark letters
        square = Rectangle((x + column, y + row), 1, 1, facecolor=colour, edgecolor=LINES, linewidth=0.8)
        axes.add_patch(square)
        axes.text(x + column + 0.5, y + row + 0.5, text, ha="center", va="center", fontsize=fontsize)


def _frame(axes: Axes, cells: Cells, height: int, width: int, x: float, y: float) -> None:
    rows, columns = np.indices((height, width))
    rows, columns = np.atleast_1d(rows[cells]), np.atleast_1d(columns[cells])
    corner = (x + columns.min(), y + rows.min())
    across, down = float(np.ptp(columns) + 1), float(np.ptp(rows) + 1)
    axes.add_patch(Rectangle(corner, across, down, fill=False, edgecolor=ACCENT, linewidth=3))


def images(pictures: Mapping[str, NDArray[Any]], signed: bool = False, columns: int | None = None) -> None:
    """Photographs or feature maps side by side.

    Parameters
    ----------
    pictures : mapping from title to array (H, W), (1, H, W) or (3, H, W)
        Photographs run from 0 to 1 and are clipped there.
    signed : bool
        Show maps (H, W) from blue (negative) through white (0) to orange (positive), all on one scale with a
        bar beside them; a picture with three channels stays a photograph.
    columns : int, optional
        Pictures in a row; all of them by default.

    Raises
    ------
    ValueError
        An array that is no picture.

    Examples
    --------
    >>> images({"left": np.zeros((4, 6)), "right": np.ones((4, 6))}, signed=True)
    """
    for title, picture in pictures.items():
        shape = np.shape(picture)
        if len(shape) != 2 and (len(shape) != 3 or shape[0] not in (1, 3)):
            raise ValueError(f"images: {title!r} must be (H, W), (1, H, W) or (3, H, W), got {shape}")
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    height, width = np.shape(next(iter(pictures.values())))[-2:]
    size = (WIDTH, rows * (WIDTH / columns * height / width + 0.3))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    maps = [picture for picture in pictures.values() if np.shape(picture)[:-2] != (3,)]
    limit = max((float(np.abs(each).max()) for each in maps), default=0) or 1.0
    for axis in axes.flat[len(pictures) :]:
        axis.axis("off")
    for axis, (title, picture) in zip(axes.flat, pictures.items(), strict=False):
        axis.set(title=title, xticks=[], yticks=[])
        axis.spines[:].set(color=LINES, linewidth=0.8)
        shown = _picture(axis, picture, limit if signed else None)
    if signed:
        figure.colorbar(shown, ax=axes, shrink=0.8, pad=0.02, fraction=0.05)


def _picture(axes: Axes, picture: NDArray[Any], limit: float | None) -> Any:
    """A photograph where there are three channels or no limit, else a signed map from -limit to limit."""
    picture = np.asarray(picture)
    if picture.ndim == 3 and len(picture) == 3:
        return axes.imshow(np.moveaxis(picture, 0, -1).clip(0, 1), interpolation="nearest")
    plane = picture.reshape(picture.shape[-2:])
    if limit is None:
        return axes.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return axes.imshow(plane, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")


def filtering(image: NDArray[Any], kernel: NDArray[Any], response: NDArray[Any]) -> None:
    """A photograph, the kernel with its numbers, and what comes out, signed: left to right.

    Examples
    --------
    >>> filtering(np.zeros((6, 8)), np.array([[-1, 1]]), np.zeros((6, 7)))
    """
    height, width = np.shape(image)[-2:]
    share = 0.45  # the kernel's width beside a picture's
    size = (WIDTH, WIDTH / (2 + share) * height / width + 0.35)
    _, axes = plt.subplots(1, 3, figsize=size, width_ratios=[1, share, 1], layout="constrained")
    for axis, title in zip(axes, ("image", "kernel", "response"), strict=True):
        axis.set_title(title)
        axis.axis("off")
    _picture(axes[0], image, None)
    _cells(axes[1], np.asarray(kernel), 0, 0, WIDTH * share / (2 + share) / np.shape(kernel)[1])
    kh, kw = np.shape(kernel)
    axes[1].set(xlim=(-0.1, kw + 0.1), ylim=(kh + 0.1, -0.1), aspect="equal")
    _picture(axes[2], response, float(np.abs(response).max()) or 1.0)


def matrix(array: NDArray[Any], title: str = "", blocks: tuple[int, int] | None = None) -> None:
    """A large matrix as a picture: blue below zero, white zero, orange above.

    Parameters
    ----------
    array : array (rows, columns)
    title : str
    blocks : (int, int), optional
        Rows and columns of a block; a thin line is drawn between blocks.

    Examples
    --------
    >>> matrix(np.eye(6), blocks=(3, 3))
    """
    array = np.asarray(array)
    if array.ndim != 2:
        raise ValueError(f"matrix: a matrix has two axes, got {array.shape}")
    rows, columns = array.shape
    _, axes = plt.subplots(figsize=(WIDTH, WIDTH * rows / columns + 0.4), layout="constrained")
    limit = float(np.abs(array).max()) or 1.0
    axes.imshow(array, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
    if blocks:
        axes.set_xticks(np.arange(0, columns + 1, blocks[1]) - 0.5, minor=True)
        axes.set_yticks(np.arange(0, rows + 1, blocks[0]) - 0.5, minor=True)
        axes.grid(which="minor", color=LINES, linewidth=0.8)
        axes.tick_params(which="both", length=0)
    axes.set(title=title, xticks=[], yticks=[])


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
