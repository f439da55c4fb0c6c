"""One scene in several sizes, pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from convlib.draw._pictures import ON_A_PICTURE, draw_picture, require_pictures
from convlib.draw._style import ACCENT, DPI, LINES, WIDTH, axes_at, in_a_row

PAGE = int(WIDTH * DPI)  # dots; all lengths below are, so that every pixel gets the same whole number of them
SPACE, TITLE, LETTER = 24, 38, 13  # between two pictures, above each, for a letter of a title


Edges: TypeAlias = tuple[float, float, float, float]  # top, bottom, left, right, in pixels


class View(NamedTuple):
    """A part of a picture, its edges in pixels from the corner, and the dots of one pixel."""

    top: float
    bottom: float
    left: float
    right: float
    scale: float

    @property
    def across(self) -> int:
        return round((self.right - self.left) * self.scale)

    @property
    def down(self) -> int:
        return round((self.bottom - self.top) * self.scale)


def before_after(
    pictures: Mapping[str, NDArray[Any]],
    same: str = "extent",
    zoom: tuple[slice, slice] | None = None,
    columns: int | None = None,
) -> None:
    """Pictures of one scene in several sizes, drawn pixel by pixel: no dot is a mixture.

    Parameters
    ----------
    pictures : mapping from title to array (H, W), (1, H, W) or (3, H, W)
        From 0 to 1, clipped there.
    same : {"extent", "pixel"}
        Whether all are drawn equally wide, so that a picture with fewer pixels has larger ones; or all pixels
        are of one size, so that a picture with fewer is smaller.
    zoom : pair of slices, optional
        Rows and columns of the first picture, written with `numpy.s_`. This region is framed in each picture,
        in proportion to its size, and shown larger below it.
    columns : int, optional
        Pictures in a row; all of them by default.

    Raises
    ------
    ValueError
        An array that is no picture, a region that is empty or not in the first picture, or more pixels side
        by side than there are dots.

    See Also
    --------
    images : for pictures of one size. Chapters 7 and 8.

    Examples
    --------
    >>> small = np.eye(4)
    >>> large = small.repeat(2, axis=0).repeat(2, axis=1)
    >>> before_after({"4 × 4": small, "8 × 8": large}, zoom=np.s_[0:2, 1:3])
    """
    name = "before_after"
    require_pictures(name, pictures)
    if same not in ("extent", "pixel"):
        raise ValueError(f'{name}: same must be "extent" or "pixel", got {same!r}')
    sizes = [np.shape(picture)[-2:] for picture in pictures.values()]
    columns = min(in_a_row(name, columns, len(pictures)), len(pictures))
    room = (PAGE - SPACE * (columns - 1)) // columns  # an equal share of the width
    titles = [min(len(title) * LETTER, room) for title in pictures]
    whole = [(0.0, float(height), 0.0, float(width)) for height, width in sizes]
    if same == "extent":
        lines = [_equally_wide(whole, room)]
    else:
        scale = _common_scale(sizes, [room] * len(sizes) if zoom else titles, columns)
        lines = [[View(*edges, scale) for edges in whole]]
    if zoom:
        lines.append(_equally_wide([_edges(zoom, sizes[0], size) for size in sizes], room))
    if min(view.scale for line in lines for view in line) < 1:
        raise ValueError(
            f"{name}: a page is {PAGE} dots wide, too few for pictures of {sizes}, {columns} in a row; "
            "choose fewer columns, or draw a part of them"
        )

    rooms = [
        max(title, *(view.across for view in views)) for title, *views in zip(titles, *lines, strict=True)
    ]
    places, page, top = [], 0, 0  # in the order of reading
    for start in range(0, len(pictures), columns):
        row = range(start, min(start + columns, len(pictures)))
        top += TITLE
        for line, magnified in zip(lines, (False, True), strict=False):
            left = 0
            for i in row:
                places.append((i, line[i], magnified, left + (rooms[i] - line[i].across) // 2, top))
                left += rooms[i] + SPACE
            page = max(page, left - SPACE)
            top += max(line[i].down for i in row) + SPACE // 2

    figure = plt.figure(figsize=(page / DPI, top / DPI))
    for i, view, magnified, x, y in places:
        title, picture = list(pictures.items())[i]
        axes = axes_at(figure, x, y, view.across, view.down)
        draw_picture(axes, picture)
        axes.set(xlim=(view.left - 0.5, view.right - 0.5), ylim=(view.bottom - 0.5, view.top - 0.5))
        axes.set(xticks=[], yticks=[], aspect="auto")  # the box has the right shape, to the dot
        axes.spines[:].set(color=ACCENT if magnified else LINES, linewidth=2 if magnified else 0.8)
        if not magnified:
            axes.set_title(title, pad=4)
        if zoom and not magnified:
            seen = lines[1][i]
            size = seen.right - seen.left, seen.bottom - seen.top
            axes.add_patch(Rectangle((seen.left - 0.5, seen.top - 0.5), *size, **ON_A_PICTURE))


def _equally_wide(edges: Sequence[Edges], room: int) -> list[View]:
    """As wide as the room allows; where it can be, a pixel of each picture has a whole number of dots."""
    widths = [right - left for _, _, left, right in edges]
    step = math.lcm(*map(int, widths)) if all(width.is_integer() for width in widths) else room
    return [
        View(*each, (room // step * step or room) / width) for each, width in zip(edges, widths, strict=True)
    ]


def _common_scale(sizes: Sequence[tuple[int, ...]], rooms: Sequence[int], columns: int) -> int:
    """The most dots for each pixel of all pictures, in rows that fit; 0 where not even one does."""

    def fits(scale: int) -> bool:
        across = [max(width * scale, room) for (_, width), room in zip(sizes, rooms, strict=True)]
        rows = [across[start : start + columns] for start in range(0, len(across), columns)]
        return all(sum(row) + SPACE * (len(row) - 1) <= PAGE for row in rows)

    return max(filter(fits, range(1, PAGE)), default=0)


def _edges(zoom: tuple[slice, slice], first: tuple[int, ...], size: tuple[int, ...]) -> Edges:
    edges: list[float] = []
    for along, pixels, now in zip(zoom, first, size, strict=True):
        start, stop, step = along.indices(pixels)
        if step != 1 or start >= stop:
            raise ValueError(f"before_after: zoom {zoom} is no region of the first picture {first}")
        edges += [start * now / pixels, stop * now / pixels]
    top, bottom, left, right = edges
    return top, bottom, left, right
