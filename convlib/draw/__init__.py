"""The figures of the book, each made by one call: arrays with their numbers, photographs, maps, matrices.

A figure shows the very numbers that it is given. Signed values run from blue through white to orange, always
symmetric about zero, which colour-blind readers can tell apart. Windows and curves differ in their lines as
well as in colour, padding and unused pixels in their shape, and numbers and kernels carry their sign. In maps
and matrices with more pixels than a sign has room for, colour alone tells it; printed in grey, both ends of
the scale are dark, the negative one more so, and the text beside the figure has to say which is which.
"""

from convlib.draw._before_after import before_after
from convlib.draw._curves import curves
from convlib.draw._dots import dots
from convlib.draw._kernels import kernels
from convlib.draw._numbers import grids, windows
from convlib.draw._pictures import feature_maps, filtering, images, matrices, matrix
from convlib.draw._regions import regions
from convlib.draw._roofline import roofline
from convlib.draw._style import ACCENT, INK, LINES, PALETTE, QUIET, SIGNED, STYLE, UNSIGNED, WIDTH
from convlib.draw._words import source, table

__all__ = [
    "ACCENT",
    "INK",
    "LINES",
    "PALETTE",
    "QUIET",
    "SIGNED",
    "STYLE",
    "UNSIGNED",
    "WIDTH",
    "before_after",
    "curves",
    "dots",
    "feature_maps",
    "filtering",
    "grids",
    "images",
    "kernels",
    "matrices",
    "matrix",
    "regions",
    "roofline",
    "source",
    "table",
    "windows",
]
