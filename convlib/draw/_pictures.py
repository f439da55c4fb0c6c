"""Pictures: photographs and maps, all channels of a map, matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from convlib.draw._style import (
    ACCENT,
    DPI,
    LINES,
    SIGNED,
    UNSIGNED,
    WIDTH,
    Cells,
    axes_at,
    chosen,
    draw_cells,
    draw_frame,
    fitting_fontsize,
    in_a_row,
    largest,
    number_texts,
)

TITLE, BETWEEN, BAR = 0.3, 0.1, 0.8  # inches: above each picture, between two, for the bar of colours
ON_A_PICTURE: dict[str, Any] = {
    "fill": False,
    "edgecolor": ACCENT,
    "linewidth": 1.5,
    "path_effects": [withStroke(linewidth=3.5, foreground="white")],
}


def images(
    pictures: Mapping[str, NDArray[Any]],
    signed: bool = False,
    columns: int | None = None,
    marks: Mapping[str, Cells] | None = None,
) -> None:
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
    marks : mapping from title to index
        Pixels to frame, written with `numpy.s_`.

    Raises
    ------
    ValueError
        An array that is no picture, or marks for a title that does not occur.

    Examples
    --------
    >>> images({"left": np.zeros((4, 6)), "right": np.ones((4, 6))}, signed=True)
    >>> images({"a corner": np.zeros((4, 6))}, marks={"a corner": np.s_[:2, :3]})
    """
    require_pictures("images", pictures)
    marks = marks or {}
    if unknown := set(marks) - set(pictures):
        raise ValueError(f"images: marks for {sorted(unknown)}, but the pictures are {list(pictures)}")
    maps = [np.asarray(picture) for picture in pictures.values() if np.shape(picture)[:-2] != (3,)]
    limit = max(map(largest, maps), default=1.0) if signed else None
    height, width = np.shape(next(iter(pictures.values())))[-2:]
    columns = in_a_row("images", columns, len(pictures))
    axes = _panels(len(pictures), columns, height / width)
    bar = None
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.set_title(title)
        shown = draw_picture(axis, picture, limit, SIGNED, WIDTH * DPI / columns)
        bar = shown if np.shape(picture)[:-2] != (3,) else bar
        if title in marks:
            draw_frame(axis, *chosen(marks[title], *np.shape(picture)[-2:]), -0.5, -0.5, **ON_A_PICTURE)
    if signed and bar:
        plt.colorbar(bar, ax=plt.gcf().axes, shrink=0.8, pad=0.02, fraction=0.05)


def feature_maps(maps: NDArray[Any], signed: bool | None = None, columns: int | None = None) -> None:
    """All channels of a feature map on one scale, each under its number.

    Parameters
    ----------
    maps : array (C, H, W)
    signed : bool, optional
        From blue (negative) through white (0) to orange (positive); or, where there is nothing negative, as
        after a ReLU, from white (0) to orange. By default signed if there is a negative number.
    columns : int, optional
        Maps in a row; by default so many that they are large and the last row is full, or nearly so.

    Raises
    ------
    ValueError
        An array with other than three axes, an empty one, or negative numbers on an unsigned scale.

    See Also
    --------
    images : for maps with titles.

    Examples
    --------
    >>> feature_maps(np.arange(8).reshape(2, 2, 2))
    """
    maps = np.asarray(maps)
    if maps.ndim != 3 or 0 in maps.shape:
        raise ValueError(f"feature_maps: maps must be an array (C, H, W), got {maps.shape}")
    negative = bool((maps < 0).any())
    if negative and signed is False:
        raise ValueError(
            f"feature_maps: an unsigned scale begins at 0, but the least number is {maps.min():.3g}"
        )
    count, height, width = maps.shape
    columns = in_a_row("feature_maps", columns, _columns(count, height / width))
    room = int(min((WIDTH - BAR) / columns - BETWEEN, 0.4 * WIDTH) * DPI)
    dots = room / width
    dots = dots if dots < 3 else int(dots)  # where pixels can be told apart they come out alike
    across, down = round(width * dots), round(height * dots)
    pitch = across + round(BETWEEN * DPI), down + round(TITLE * DPI)
    bottom = -(-count // columns) * pitch[1]
    figure = plt.figure(figsize=(columns * pitch[0] / DPI + BAR, bottom / DPI))
    limit, colours = largest(maps), SIGNED if negative or signed else UNSIGNED
    for channel, plane in enumerate(maps):
        row, column = divmod(channel, columns)
        axes = axes_at(figure, column * pitch[0], row * pitch[1] + TITLE * DPI, across, down)
        axes.set_title(str(channel), fontsize=11 if columns <= 8 else 9, pad=3)
        shown = draw_picture(axes, plane, limit, colours, dots * width)
        axes.set(xticks=[], yticks=[], aspect="auto")
        axes.spines[:].set(color=LINES, linewidth=0.8)
    tall = bottom - TITLE * DPI
    figure.colorbar(
        shown, cax=axes_at(figure, columns * pitch[0], TITLE * DPI + 0.1 * tall, 0.12 * DPI, 0.8 * tall)
    )


def _columns(count: int, aspect: float) -> int:
    """Large pictures on at most a page; up to half as many columns again where that leaves fewer gaps."""

    def fits(columns: int) -> bool:
        return -(-count // columns) * ((WIDTH - BAR) / columns * aspect + TITLE) <= 1.3 * WIDTH

    first = next((columns for columns in range(min(count, 3), count) if fits(columns)), count)
    return min(range(first, min(count, math.ceil(1.5 * first)) + 1), key=lambda columns: -count % columns)


def _panels(count: int, columns: int, aspect: float) -> list[Axes]:
    rows = -(-count // columns)
    size = (WIDTH, rows * (WIDTH / columns * aspect + TITLE))
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(color=LINES, linewidth=0.8)
    for axis in axes.flat[count:]:
        axis.axis("off")
    return list(axes.flat[:count])


def require_pictures(function: str, pictures: Mapping[str, NDArray[Any]]) -> None:
    if not pictures:
        raise ValueError(f"{function}: no picture to draw")
    for title, picture in pictures.items():
        shape = np.shape(picture)
        if len(shape) != 2 and (len(shape) != 3 or shape[0] not in (1, 3)):
            raise ValueError(f"{function}: {title!r} must be (H, W), (1, H, W) or (3, H, W), got {shape}")


def draw_picture(
    axes: Axes,
    picture: NDArray[Any],
    limit: float | None = None,
    colours: Any = SIGNED,
    dots: float = math.inf,
) -> Any:
    """A photograph where there are three channels or no limit, else a map up to the limit.

    Where there are fewer dots than pixels across, every dot is a mean: to leave pixels out would show
    patterns that are not in the picture.
    """
    picture = np.asarray(picture)
    how = "nearest" if picture.shape[-1] <= dots else "hanning"
    if picture.ndim == 3 and len(picture) == 3:
        return axes.imshow(np.moveaxis(picture, 0, -1).clip(0, 1), interpolation=how)
    plane = picture.reshape(picture.shape[-2:])
    if limit is None:
        return axes.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation=how)
    least = -limit if colours is SIGNED else 0
    return axes.imshow(plane, cmap=colours, vmin=least, vmax=limit, interpolation=how)


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
    draw_picture(axes[0], image, None)
    kh, kw = np.shape(kernel)
    fontsize = fitting_fontsize(number_texts(np.asarray(kernel)), WIDTH * share / (2 + share) / kw)
    draw_cells(axes[1], np.asarray(kernel), 0, 0, fontsize, largest(np.asarray(kernel)))
    axes[1].set(xlim=(-0.1, kw + 0.1), ylim=(kh + 0.1, -0.1), aspect="equal")
    draw_picture(axes[2], response, largest(np.asarray(response)))


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
    limit = largest(array)
    axes.imshow(array, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
    _block_lines(axes, array.shape, blocks)
    axes.set(title=title, xticks=[], yticks=[])


def matrices(
    arrays: Mapping[str, NDArray[Any]], blocks: tuple[int, int] | None = None, columns: int | None = None
) -> None:
    """Matrices of one shape side by side, on one scale: blue below zero, white zero, orange above.

    Parameters
    ----------
    arrays : mapping from title to array (rows, columns)
    blocks : (int, int), optional
        Rows and columns of a block; a thin line is drawn between blocks.
    columns : int, optional
        Matrices in a row; all of them by default. With 1, equal places stand one below the other.

    Raises
    ------
    ValueError
        No array, an array that is no matrix, or matrices of different shapes.

    See Also
    --------
    matrix : for a large one. grids : for small ones, with their numbers. Chapter 1.

    Examples
    --------
    >>> matrices({"any": np.ones((4, 4)), "diagonal": np.eye(4)}, blocks=(2, 2))
    """
    if not arrays:
        raise ValueError("matrices: no matrix to draw")
    given = {title: np.asarray(array) for title, array in arrays.items()}
    shape = next(iter(given.values())).shape
    for title, array in given.items():
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(f"matrices: {title!r} must be an array (rows, columns), got {array.shape}")
        if array.shape != shape:
            raise ValueError(f"matrices: all must be of one shape, got {shape} and {array.shape}")
    limit = max(map(largest, given.values()))
    columns = in_a_row("matrices", columns, len(given))
    axes = _panels(len(given), columns, shape[0] / shape[1])
    for axis, (title, array) in zip(axes, given.items(), strict=True):
        axis.set_title(title)
        axis.imshow(array, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        _block_lines(axis, array.shape, blocks)


def _block_lines(axes: Axes, shape: tuple[int, ...], blocks: tuple[int, int] | None) -> None:
    if blocks:
        rows, columns = shape
        axes.set_xticks(np.arange(0, columns + 1, blocks[1]) - 0.5, minor=True)
        axes.set_yticks(np.arange(0, rows + 1, blocks[0]) - 0.5, minor=True)
        axes.grid(which="minor", color=LINES, linewidth=0.8)
        axes.tick_params(which="both", length=0)
