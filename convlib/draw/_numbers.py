"""Small arrays with every number written down: grids, and the windows of an operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from convlib.draw._style import (
    MOST_FRAMES,
    WIDTH,
    Cells,
    chosen,
    draw_cells,
    draw_frame,
    fitting_fontsize,
    frame_look,
    largest,
    number_texts,
)
from convlib.shapes import Ints, Padding, Pairs, as_tuple, resolve_padding, window_counts
from convlib.windows import pad, sliding_windows

AnyPadding: TypeAlias = Padding | Sequence[Sequence[int]]

GAP = 1.1  # cells between two grids; one below the other, the title of the second stands there
LETTER = 0.26  # cells, the width of a letter in a title


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
        _require_grid("grids", repr(title), array)
    shapes = [(title, np.shape(array)) for title, array in arrays.items()]
    axes, cell, corners = _side_by_side(shapes, between)
    for (title, array), (x, y) in zip(arrays.items(), corners, strict=True):
        _numbers(axes, np.asarray(array), x, y, cell)
        if title in marks:
            draw_frame(axes, *chosen(marks[title], *np.shape(array)), x, y)
    plt.tight_layout(pad=0.2)


def windows(
    image: NDArray[Any],
    kernel_size: Ints,
    stride: Ints = 1,
    padding: AnyPadding = 0,
    dilation: Ints = 1,
    *,
    at: Sequence[tuple[int, int]] = ((0, 0),),
    mode: str = "constant",
    value: float | None = None,
    output: NDArray[Any] | None = None,
    titles: tuple[str, str] = ("image", "output"),
) -> None:
    """A small image with its padding, and the windows that some output positions see.

    Each window has a colour and a line of its own; beside the image, its number in the output is framed in
    the same way. A dilated window is framed tap by tap. Padding is drawn as smaller, dashed cells, and
    what no window of the whole output reaches is hatched.

    Parameters
    ----------
    image : array (H, W)
    kernel_size, stride, dilation : int or pair of int
        In pixels, as in `convlib.conv2d` and the pooling functions.
    padding : int, pair of int, "same", "valid", or pair of pairs
        As in `convlib.conv2d`; or ((top, bottom), (left, right)), where the sides differ.
    at : sequence of (row, column)
        Positions in the output; negative ones count from the end.
    mode, value
        What the padding holds, as in `convlib.pad`.
    output : array, optional
        What the operation gave, one number for each window.
    titles : pair of str
        Above the image and above the output.

    Raises
    ------
    ValueError
        An image that is no grid, a kernel that does not fit, a position or an output that does not belong to
        these sizes, or more windows than can be told apart.

    See Also
    --------
    convlib.sliding_windows : says which pixels a window holds. Chapters 3, 5 and 9.

    Examples
    --------
    Sums of three, two pixels apart: 0 + 1 + 2 and 2 + 3 + 4. The 0 behind the row is in no window.

    >>> windows(np.array([[1, 2, 3, 4]]), (1, 3), stride=2, padding=(0, 1), output=np.array([[3, 9]]))
    """
    name = "windows"
    image = np.asarray(image)
    _require_grid(name, "the image", image)
    kernel = as_tuple(kernel_size, 2, "kernel_size", function=name)
    strides = as_tuple(stride, 2, "stride", function=name)
    dilations = as_tuple(dilation, 2, "dilation", function=name)
    pads = _sides(padding, kernel, strides, dilations)
    counts = window_counts(image.shape, kernel, strides, pads, dilations, name)
    if output is not None and np.shape(output) != counts:
        raise ValueError(f"{name}: these sizes give the output {counts}, got output {np.shape(output)}")
    for position in at:
        if len(position) != 2 or not all(-n <= i < n for i, n in zip(position, counts, strict=True)):
            raise ValueError(f"{name}: no position {position} in the output {counts}")
    if len(at) > MOST_FRAMES:
        raise ValueError(f"{name}: at most {MOST_FRAMES} windows can be told apart, got {len(at)}")

    padded = pad(image[None], (*pads[1], *pads[0]), mode, value)[0]  # a channel axis, for all modes
    outside = pad(np.zeros_like(image, dtype=bool), (*pads[1], *pads[0]), value=1)
    places = np.arange(padded.size).reshape(padded.shape)
    taps = sliding_windows(places, kernel, strides, dilations)  # (output h, output w, kh, kw)
    unused = ~np.isin(places, taps)

    notes = ["dashed: padding"] * bool(outside.any()) + ["hatched: in no window"] * bool(unused.any())
    shapes = [(titles[0], padded.shape)] + ([] if output is None else [(titles[1], counts)])
    if 3 * padded.shape[0] <= padded.shape[1]:
        axes, cell, corners = _one_below_the_other(shapes, pads[1][0], notes)
    else:
        axes, cell, corners = _side_by_side(shapes, "→", notes)
    _numbers(axes, padded, *corners[0], cell, largest(image), outside, unused)
    if output is not None:
        _numbers(axes, np.asarray(output), *corners[1], cell)
    for number, (row, column) in enumerate(at):
        look = frame_look(number)
        rows, columns = np.divmod(taps[row, column], padded.shape[1])
        inset = 0.05 + 0.07 * (number % 3)  # apart where windows share an edge
        _frame_taps(axes, rows, columns, *corners[0], look | {"inset": inset})
        if output is not None:
            frame = np.array(row % counts[0]), np.array(column % counts[1])
            draw_frame(axes, *frame, *corners[1], 0.05, **look)
    plt.tight_layout(pad=0.2)


def _sides(padding: Any, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Pairs:
    """Pixels added (before, after) each axis, also where they were given so."""
    if not isinstance(padding, Sequence) or not any(isinstance(sides, list | tuple) for sides in padding):
        return resolve_padding(padding, kernel, stride, dilation, "windows")
    if len(padding) != 2:
        raise ValueError(f"windows: padding must be ((top, bottom), (left, right)), got {padding!r}")
    rows, columns = (as_tuple(sides, 2, "padding", at_least=0, function="windows") for sides in padding)
    return (rows[0], rows[1]), (columns[0], columns[1])


def _frame_taps(
    axes: Axes, rows: NDArray[Any], columns: NDArray[Any], x: float, y: float, look: dict[str, Any]
) -> None:
    """One frame around a window without gaps, else one around each of its taps."""
    if rows.size == (np.ptp(rows) + 1) * (np.ptp(columns) + 1):
        draw_frame(axes, rows, columns, x, y, **look)
        return
    for row, column in zip(rows.flat, columns.flat, strict=True):
        draw_frame(axes, row, column, x, y, **look)


def _require_grid(function: str, what: str, array: NDArray[Any]) -> None:
    if np.ndim(array) != 2 or 0 in np.shape(array):
        raise ValueError(f"{function}: {what} must be an array (H, W), got {np.shape(array)}")


def _numbers(
    axes: Axes, array: NDArray[Any], x: float, y: float, cell: float, limit: float | None = None, *masks: Any
) -> None:
    fontsize = fitting_fontsize(number_texts(array), cell)
    draw_cells(axes, array, x, y, fontsize, limit or largest(array), *masks)


def _side_by_side(
    shapes: Sequence[tuple[str, tuple[int, ...]]], between: str = "", notes: Sequence[str] = ()
) -> tuple[Axes, float, list[tuple[float, float]]]:
    """Axes with titles and signs; the inches of a cell; the corner (x, y) of each grid, in cells."""
    rooms = [max(width, LETTER * len(title)) for title, (_, width) in shapes]
    tallest = max(height for _, (height, _) in shapes)
    axes, cell = _sheet(sum(rooms) + GAP * (len(shapes) - 1), tallest, notes)
    corners, left = [], 0.0
    signs = between[: len(shapes) - 1].ljust(len(shapes))
    for (title, (height, width)), room, sign in zip(shapes, rooms, signs, strict=True):
        corners.append((left + (room - width) / 2, (tallest - height) / 2))
        _title(axes, title, *corners[-1], width, cell)
        left += room + GAP
        axes.text(left - GAP / 2, tallest / 2, sign, ha="center", va="center", fontsize=22)
    return axes, cell, corners


def _one_below_the_other(
    shapes: Sequence[tuple[str, tuple[int, ...]]], indent: float, notes: Sequence[str]
) -> tuple[Axes, float, list[tuple[float, float]]]:
    """As `_side_by_side`, for grids so flat that they would be small there; the second one is indented."""
    (_, (height, width)), *second = shapes
    if second:
        indent = indent if indent + second[0][1][1] <= width else 0
    corners = [(0.0, 0.0), (indent, height + GAP)][: len(shapes)]
    axes, cell = _sheet(width, sum(shape[0] for _, shape in shapes) + GAP * len(second), notes)
    for (title, (_, width)), corner, sign in zip(shapes, corners, ("", "↓ "), strict=False):
        _title(axes, sign + title, *corner, width, cell)
    return axes, cell, corners


def _sheet(across: float, down: float, notes: Sequence[str]) -> tuple[Axes, float]:
    """Axes for so many cells, with notes below them; and the inches of a cell."""
    across = max([across, *(LETTER * len(note) for note in notes)])
    cell = min(WIDTH / across, 0.55)
    line = 0.2 / cell
    below = line * len(notes)
    _, axes = plt.subplots(figsize=(across * cell, (down + 0.9 + below) * cell))
    for number, note in enumerate(notes):
        axes.text(0, down + 0.2 + line * number, note, ha="left", va="top", fontsize=10)
    axes.set(xlim=(-0.1, across + 0.1), ylim=(down + 0.1 + below, -0.8), aspect="equal")
    axes.axis("off")
    return axes, cell


def _title(axes: Axes, title: str, x: float, y: float, width: float, cell: float) -> None:
    axes.text(x + width / 2, y - 0.25, title, ha="center", va="bottom", fontsize=min(11, 20 * cell + 3))
