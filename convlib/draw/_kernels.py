"""A bank of kernels."""

from __future__ import annotations

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from convlib.draw._style import (
    DPI,
    INK,
    LINES,
    SIGNED,
    WIDTH,
    axes_at,
    draw_cells,
    fitting_fontsize,
    largest,
    number_texts,
)

HEIGHT = 0.9 * WIDTH  # inches, at most
SMALLEST_LETTERS = 8.0  # points
LEFT, TOP, BAR, EDGE = 0.3, 0.5, 0.8, 0.03  # inches: for the names of the channels, the bar, the last line


def kernels(weight: NDArray[Any]) -> None:
    """A bank of kernels: a row for each output channel, in it a kernel for each input channel.

    All are on one scale about zero. Where there is room the numbers are written down; elsewhere a bar says
    what the colours mean, and a minus marks the negative taps, so that a print without colours can be read
    (none where a tap is too small to hold one, or nearly white). Many output channels go on in further
    columns.

    Parameters
    ----------
    weight : array (O, C, kh, kw)

    Raises
    ------
    ValueError
        A weight with other than four axes, an empty one, or one too large for a page.

    See Also
    --------
    grids : for single kernels. Chapters 11 and 13.

    Examples
    --------
    >>> kernels(np.array([[[[-1, 1]], [[0, 2]]]]))  # one output channel, two input channels
    """
    weight = np.asarray(weight)
    if weight.ndim != 4 or 0 in weight.shape:
        raise ValueError(f"kernels: weight must be an array (O, C, kh, kw), got {weight.shape}")
    outputs, inputs, kh, kw = weight.shape
    gap = int(kh * kw > 1)  # cells between two kernels; pointwise ones are a matrix
    label = 0.12 + 0.08 * len(str(outputs - 1))  # inches, for the number of an output channel

    def dots(columns: int, width: float) -> int:
        """The side of a cell, whole, so that all taps come out alike."""
        across = ((width - LEFT - EDGE) / columns - label) / (inputs * (kw + gap))
        down = (HEIGHT - TOP - EDGE) / (-(-outputs // columns) * (kh + gap))
        return int(min(across, down, 0.55) * DPI)

    def best(width: float) -> int:
        return max(range(1, outputs + 1), key=lambda columns: dots(columns, width))

    columns = best(WIDTH)
    fontsize = fitting_fontsize(number_texts(weight), dots(columns, WIDTH) / DPI)
    numbers = fontsize >= SMALLEST_LETTERS
    width = WIDTH if numbers else WIDTH - BAR
    columns = best(width)
    side = dots(columns, width)
    if side < 1:
        raise ValueError(
            f"kernels: weight {weight.shape} has more taps than a page has dots; draw a part of it"
        )

    rows, limit = -(-outputs // columns), largest(weight)
    inch = DPI / side  # in cells
    block = inputs * (kw + gap) + label * inch  # cells across, for all channels of one output
    across = LEFT * inch + columns * block - gap + EDGE * inch
    down = TOP * inch + rows * (kh + gap) - gap + EDGE * inch
    page = (across / inch + (0 if numbers else BAR), down / inch)
    figure = plt.figure(figsize=page)
    axes = axes_at(figure, 0, 0, across * side, down * side)
    axes.set(xlim=(0, across), ylim=(down, 0))
    axes.axis("off")
    axes.text(LEFT * inch + label * inch, 0.05 * inch, "input channel", va="top")
    axes.text(0.05 * inch, TOP * inch, "output channel", va="top", rotation=90)
    for column in range(columns):
        some = weight[column * rows : (column + 1) * rows]
        x, y = LEFT * inch + column * block + label * inch, TOP * inch
        _numbers_along(axes, x, y, some, column * rows, gap, inch)
        if not numbers:
            shown = _taps(axes, some, x, y, gap, limit, side)
        for o, c in np.ndindex(some.shape[:2]):
            corner = x + c * (kw + gap), y + o * (kh + gap)
            if numbers:
                draw_cells(axes, some[o, c], *corner, fontsize, limit)
            elif gap and side >= 5:  # dots; below that the frame would hide the taps
                axes.add_patch(Rectangle(corner, kw, kh, fill=False, edgecolor=LINES, linewidth=0.8))
    if not numbers:
        tall = (down - TOP * inch) * side
        bar = axes_at(figure, (across + 0.1 * inch) * side, TOP * DPI + 0.1 * tall, 0.12 * DPI, 0.8 * tall)
        figure.colorbar(shown, cax=bar)


def _numbers_along(
    axes: Axes, x: float, y: float, weight: NDArray[Any], first: int, gap: int, inch: float
) -> None:
    """The number of each channel; of every second, third, ... where they are narrow."""
    outputs, inputs, kh, kw = weight.shape
    room = (0.05 + 0.08 * len(str(inputs - 1))) * inch
    for c in range(0, inputs, math.ceil(room / (kw + gap))):
        axes.text(x + c * (kw + gap) + kw / 2, y - 0.03 * inch, str(c), ha="center", va="bottom", fontsize=9)
    for o in range(0, outputs, math.ceil(0.16 * inch / (kh + gap))):
        place = x - 0.05 * inch, y + o * (kh + gap) + kh / 2
        axes.text(*place, str(first + o), ha="right", va="center_baseline", fontsize=9)


def _taps(axes: Axes, weight: NDArray[Any], x: float, y: float, gap: int, limit: float, side: int) -> Any:
    """All kernels as one picture, with gaps that are no number."""
    spaced = np.pad(weight.astype(float), ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=np.nan)
    outputs, inputs, down, across = spaced.shape
    taps = spaced.transpose(0, 2, 1, 3).reshape(outputs * down, inputs * across)
    extent = (x, x + taps.shape[1], y + taps.shape[0], y)
    for colour, negative in (
        ("white", taps < -limit / 2),
        (INK, (taps < -limit / 50) & (taps >= -limit / 2)),
    ):
        if side >= 8:  # dots; below that a minus is a speck
            rows, columns = np.nonzero(negative)
            size = 0.4 * side / DPI * 72
            axes.plot(
                x + columns + 0.5,
                y + rows + 0.5,
                "_",
                color=colour,
                markersize=size,
                markeredgewidth=size / 5,
            )
    return axes.imshow(
        taps, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest", extent=extent, aspect="auto"
    )
