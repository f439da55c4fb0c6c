"""Curves with their names beside them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from convlib.draw._style import DASHES, LINES, PALETTE, WIDTH

MARKERS = "os^Dv"
MOST_CURVES = 10
MOST_MARKERS = 20  # along a curve; more would hide its line


def curves(
    x: NDArray[Any],
    series: Mapping[str, NDArray[Any]],
    xlabel: str = "",
    ylabel: str = "",
    log: str = "",
) -> None:
    """Curves over a common axis, each with its name at its right end.

    They differ in colour and in their lines, and where there are few points in their marks, too.

    Parameters
    ----------
    x : array (n,)
    series : mapping from name to array (n,)
        NaN and infinity leave a gap.
    xlabel, ylabel : str
        What the axes measure, with its unit.
    log : {"", "x", "y", "xy"}
        Axes that are logarithmic. Where x runs from one power of 2 to another, its ticks are powers of 2.

    Raises
    ------
    ValueError
        A curve of another length than `x` or without a finite number, more than 10 curves, or something not
        positive on a logarithmic axis.

    Examples
    --------
    >>> curves(np.arange(3), {"stride 1": np.zeros(3), "stride 2": np.array([0, 1, 0])}, "shift in pixels")
    """
    x = np.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"curves: x must be an array (n,), got {x.shape}")
    if not 1 <= len(series) <= MOST_CURVES:
        raise ValueError(f"curves: from 1 to {MOST_CURVES} curves can be told apart, got {len(series)}")
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f'curves: log must be "", "x", "y" or "xy", got {log!r}')
    given = {name: np.asarray(y) for name, y in series.items()}
    lines = {name: np.where(np.isfinite(y), y, np.nan) for name, y in given.items()}
    for name, y in lines.items():
        if y.shape != x.shape:
            raise ValueError(f"curves: {name!r} must be of x's shape {x.shape}, got {y.shape}")
        if np.isnan(y).all():
            raise ValueError(f"curves: {name!r} has no finite number")
    for axis, values in [("x", x)] + [("y", y) for y in lines.values()]:
        if axis in log and (values <= 0).any():
            raise ValueError(
                f"curves: a logarithmic {axis} axis shows what is above 0, got {np.nanmin(values)}"
            )

    _, axes = plt.subplots(figsize=(WIDTH, 0.55 * WIDTH), layout="constrained")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set(xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=LINES, linewidth=0.5, alpha=0.5)
    if "x" not in log and np.issubdtype(x.dtype, np.integer):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if "x" in log and (np.log2([x.min(), x.max()]) % 1 == 0).all():
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    looks = [
        {
            "color": PALETTE[number % len(PALETTE)],
            "linestyle": DASHES[number % len(DASHES)],
            "marker": MARKERS[number % len(MARKERS)] if len(x) <= MOST_MARKERS else None,
            "markersize": 5,
            "linewidth": 2,
        }
        for number in range(len(lines))
    ]
    for look, y in zip(looks, lines.values(), strict=True):
        axes.plot(x, y, **look)
    _name_lines(axes, x, lines, looks)


def _name_lines(
    axes: Axes, x: NDArray[Any], lines: Mapping[str, NDArray[Any]], looks: Sequence[dict[str, Any]]
) -> None:
    """A piece of each line and its name, level with the line's end or moved where two would meet."""
    axes.autoscale_view()  # otherwise it waits for the drawing
    last = [(x[~np.isnan(y)][-1], y[~np.isnan(y)][-1]) for y in lines.values()]
    ends = axes.transAxes.inverted().transform(axes.transData.transform(last))
    heights = ends[:, 1].copy()
    order = np.argsort(heights, kind="stable")
    for below, above in itertools.pairwise(order):
        heights[above] = max(heights[above], heights[below] + 1 / MOST_CURVES)
    heights[order[-1]] = min(heights[order[-1]], 1)
    for above, below in itertools.pairwise(order[::-1]):
        heights[below] = min(heights[below], heights[above] - 1 / MOST_CURVES)
    beside: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    for name, look, (right, end), height in zip(lines, looks, ends, heights, strict=True):
        axes.plot([right, 1.03], [end, height], color=LINES, linewidth=0.8, zorder=1, **beside)
        axes.plot([1.03, 1.065, 1.1], [height] * 3, markevery=[1], **look, **beside)
        axes.text(1.115, height, name, color=look["color"], va="center", **beside)
