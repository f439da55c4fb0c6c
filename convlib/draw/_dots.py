"""Rows of dots on a common scale: several numbers for each of several things."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

from convlib.draw._style import INK, LINES, PALETTE, WIDTH, plain_numbers

MARKERS = "os^DvP"
DOT = 0.09  # inches from one dot of a row down to the next, so that equal numbers do not hide each other


def dots(
    rows: Mapping[str, Mapping[str, float]], xlabel: str = "", log: bool = True, line: float | None = None
) -> None:
    """A row for each thing, in it a dot for each of its numbers; dots of one name have one mark and colour.

    Parameters
    ----------
    rows : mapping from name to mapping from name to number
        The first row is on top. Not every row needs every name.
    xlabel : str
        What is measured, with its unit.
    log : bool
        Whether the scale is logarithmic.
    line : float, optional
        A number to compare with, drawn as an upright line.

    Raises
    ------
    ValueError
        No number at all, more than six names of dots, or something not positive on a logarithmic scale.

    Examples
    --------
    >>> dots({"3 × 3": {"direct": 9, "Fourier": 40}, "31 × 31": {"direct": 961, "Fourier": 40}}, "products")
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    if not 1 <= len(names) <= len(MARKERS):
        raise ValueError(f"dots: from 1 to {len(MARKERS)} names can be told apart, got {len(names)}")
    for title, row in rows.items():
        for name, value in row.items():
            if not np.isfinite(value) or (log and value <= 0):
                raise ValueError(f"dots: {name!r} of {title!r} cannot be drawn: {value}")

    height = DOT * (len(names) + 1.5)  # of a row
    _, axes = plt.subplots(figsize=(WIDTH, height * len(rows) + 1.1), layout="constrained")
    axes.set(xlabel=xlabel, xscale="log" if log else "linear", ylim=(len(rows) - 0.5, -0.5))
    if log:
        plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=LINES, linewidth=0.5, alpha=0.5)
    if line is not None:
        axes.axvline(line, color=INK, linewidth=1)
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color=LINES, linewidth=0.5, alpha=0.5)
    for number, name in enumerate(names):
        lower = (number - (len(names) - 1) / 2) * DOT / height
        points = [(row[name], place + lower) for place, row in enumerate(rows.values()) if name in row]
        axes.plot(
            *zip(*points, strict=True), MARKERS[number], color=PALETTE[number % len(PALETTE)], label=name,
            markersize=6, clip_on=False,
        )  # fmt: skip
    if len(names) > 1:
        axes.figure.legend(loc="outside upper center", ncols=3, frameon=False)
