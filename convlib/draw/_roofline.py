"""What a machine can do at best, and what was done."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from convlib.draw._style import ACCENT, INK, LINES, QUIET, WIDTH, plain_numbers

MOST_LINES = 10  # of names beside the roof, before they come closer


def roofline(peak: float, bandwidth: float, points: Mapping[str, tuple[float, float]]) -> None:
    """The roof of a machine, and below it computations with their names.

    Left of the corner the memory limits: the roof rises with the multiply-adds that are made of each byte.
    Right of it the arithmetic does.

    Parameters
    ----------
    peak : float
        Multiply-adds a second.
    bandwidth : float
        Bytes a second.
    points : mapping from name to (float, float)
        Multiply-adds for each byte that has to be moved, and multiply-adds a second that were reached.

    Raises
    ------
    ValueError
        No point, or something that is not above 0.

    Examples
    --------
    >>> roofline(peak=5e10, bandwidth=1e10, points={"depthwise": (1, 5e9), "dense": (100, 4e10)})
    """
    numbers = [peak, bandwidth, *(number for point in points.values() for number in point)]
    if not points or not all(np.isfinite(number) and number > 0 for number in numbers):
        raise ValueError(f"roofline: there must be points, and all numbers above 0, got {numbers}")
    intensities, rates = (np.array(each) for each in zip(*points.values(), strict=True))
    corner = peak / bandwidth

    _, axes = plt.subplots(figsize=(WIDTH, 0.6 * WIDTH), layout="constrained")
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        plain_numbers(axis)
    axes.set(xlabel="multiply-adds for each byte", ylabel="10⁹ multiply-adds a second")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=LINES, linewidth=0.5, alpha=0.5)
    along = np.array([min(intensities.min(), corner) / 2, corner, max(intensities.max(), corner) * 2])
    axes.plot(along, np.minimum(peak, bandwidth * along) / 1e9, color=INK, linewidth=2)
    axes.plot([corner] * 2, [rates.min() / 2e9, peak / 1e9], color=QUIET, linewidth=1, linestyle=":")
    axes.plot(intensities, rates / 1e9, "o", color=ACCENT, markersize=13)
    for number, (name, x, y) in enumerate(zip(points, intensities, rates / 1e9, strict=True), start=1):
        axes.text(x, y, str(number), color="white", ha="center", va="center", fontsize=8)
        height = 1 - (number - 0.5) / max(len(points), MOST_LINES)
        axes.text(1.03, height, f"{number}  {name}", va="center", transform=axes.transAxes, fontsize=10)
