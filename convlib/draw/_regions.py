"""Regions of a picture, such as what the units of a network see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from convlib._checks import shown
from convlib.draw._before_after import LETTER, PAGE
from convlib.draw._pictures import draw_picture, require_pictures
from convlib.draw._style import DPI, LINES, MOST_FRAMES, axes_at, frame_look
from convlib.shapes import as_tuple

EDGE = 6  # dots around it, for frames that run along its border
SAMPLE = 90  # dots for the piece of line before a name, and the gaps about it
TALLEST = 0.75  # of the page's width


def regions(picture: NDArray[Any], framed: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """A picture with the frames of some regions; where one hangs over the border, the outside is hatched.

    Each frame has a colour and a line of its own, and its name stands beside the picture.

    Parameters
    ----------
    picture : array (H, W), (1, H, W) or (3, H, W)
        From 0 to 1, clipped there.
    framed : mapping from name to ((top, bottom), (left, right))
        First and last row, first and last column, both counted, as `convlib.receptive_field.stack` tells
        them. They may lie outside: below zero, or beyond the last pixel.

    Raises
    ------
    ValueError
        An array that is no picture, a region that ends before it begins, or more than can be told apart.

    See Also
    --------
    windows : for arrays so small that their numbers can be read. Chapter 10.

    Examples
    --------
    >>> import numpy as np
    >>> regions(np.eye(4), {"a corner": ((-1, 1), (-1, 1)), "a pixel": ((2, 2), (2, 2))})
    """
    name = "regions"
    require_pictures(name, {"picture": picture})
    if not 1 <= len(framed) <= MOST_FRAMES:
        raise ValueError(f"{name}: from 1 to {MOST_FRAMES} regions can be told apart, got {len(framed)}")
    places = {title: _edges(title, region) for title, region in framed.items()}
    height, width = picture.shape[-2:]
    tops, bottoms, lefts, rights = zip((0, height, 0, width), *places.values(), strict=True)
    top, bottom, left, right = min(tops), max(bottoms), min(lefts), max(rights)

    names = SAMPLE + LETTER * max(map(len, framed))
    scale = min((PAGE - names - 2 * EDGE) / (right - left), TALLEST * PAGE / (bottom - top))
    scale = int(scale) if scale >= 2 else scale  # all pixels alike where they can be told apart
    across, down = round((right - left) * scale), round((bottom - top) * scale)
    page = (across + names + 2 * EDGE) / DPI, (down + 2 * EDGE) / DPI
    figure = plt.figure(figsize=page)
    axes = axes_at(figure, EDGE, EDGE, across, down)
    draw_picture(axes, picture, dots=scale * width)
    axes.set(xlim=(left - 0.5, right - 0.5), ylim=(bottom - 0.5, top - 0.5), xticks=[], yticks=[])
    axes.set_aspect("auto")  # the box has the right shape
    axes.spines[:].set_visible(False)
    if (top, bottom, left, right) != (0, height, 0, width):
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": LINES, "hatch": "//", "linewidth": 0}
        sheet = (left - 0.5, top - 0.5), right - left, bottom - top
        axes.add_patch(Rectangle(*sheet, zorder=-1, **look))

    lines = []
    for number, (first, end, begin, stop) in enumerate(places.values()):
        frame = frame_look(number) | {"linewidth": 2}
        halo = [withStroke(linewidth=4.5, foreground="white")]
        corner = (begin - 0.5, first - 0.5)
        size = stop - begin, end - first
        axes.add_patch(Rectangle(corner, *size, path_effects=halo, clip_on=False, **frame))
        lines.append(Line2D([], [], color=frame["edgecolor"], linestyle=frame["linestyle"], linewidth=2.5))
    axes.legend(lines, list(framed), loc="upper left", bbox_to_anchor=(1, 1), frameon=False, handlelength=2.2)


def _edges(title: str, region: Any) -> tuple[int, int, int, int]:
    """Top, bottom, left and right, the pixel behind the last one."""
    if len(region) != 2 or any(one is None or len(one) != 2 or one[0] > one[1] for one in region):
        raise ValueError(f"regions: {title!r} must be ((top, bottom), (left, right)), got {shown(region)}")
    (top, bottom), (left, right) = (
        as_tuple(one, 2, "a region", at_least=-(10**9), function="regions") for one in region
    )
    return top, bottom + 1, left, right + 1
