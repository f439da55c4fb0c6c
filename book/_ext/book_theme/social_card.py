"""The picture of link previews: the book's title, and what it is about in two pictures."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from convlib import correlate2d
from convlib.draw import INK, SIGNED
from convlib.filters import sobel
from convlib.photographs import photograph

FILE = "card.png"
ALT = "A photograph of a cat, and beside it the edges that a convolution finds in it."


def draw(file: Path, title: str) -> None:
    """1200 x 630 pixels, the size that previews are cut to."""
    cat = photograph("chelsea")
    edges = correlate2d(cat.mean(axis=0), sobel("x"), mode="valid")
    figure = Figure(figsize=(12, 6.3), dpi=100)
    figure.text(0.05, 0.83, title, size=44, weight="bold", va="center", color=INK)
    limit = 0.6 * abs(edges).max()
    for left, image, style in [
        (0.05, np.moveaxis(cat, 0, -1), {}),
        (0.52, edges, {"cmap": SIGNED, "vmin": -limit, "vmax": limit}),
    ]:
        axes = figure.add_axes((left, 0.06, 0.43, 0.64))
        axes.imshow(image, **style)
        axes.set_axis_off()
    figure.savefig(file, dpi=100, metadata={"Software": None})
