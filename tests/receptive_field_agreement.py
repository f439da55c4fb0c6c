"""How tests compare the two answers: the graph's, and that of the gradient."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from torch import nn

from convlib.receptive_field import Report, Row, gradient_support, receptive_field


def projections(support: np.ndarray) -> list[np.ndarray]:
    """Whether any pixel of each row, and of each column, is seen."""
    axes = range(support.ndim)
    return [support.any(axis=tuple(other for other in axes if other != axis)) for axis in axes]


def some_units(sizes: Sequence[int], most: int = 3) -> Iterable[tuple[int, ...]]:
    """Both corners and units between them, along each axis."""
    each = [sorted({round(place * (n - 1) / (most - 1)) for place in range(most)}) for n in sizes]
    return product(*each)


def seen_by_all(row: Row) -> list[np.ndarray]:
    """What all units see between them."""
    each = [row.seen(unit) for unit in product(*map(range, row.output_size))]
    return [np.any(masks, axis=0) for masks in zip(*each, strict=True)]


def disagreements(model: nn.Module, size: Any, report: Report | None = None, most: int = 3) -> list[Any]:
    """Units for which graph and gradient differ, along any axis; an empty list is the fact wanted."""
    report = report or receptive_field(model, size)
    row = report.last
    spatial = len(row.shape) == len(report.image) + 2
    found = []
    for unit in some_units(row.output_size, most) if spatial else [None]:
        graph = row.seen(unit) if unit else seen_by_all(row)
        gradient = projections(gradient_support(model, size, unit))
        if not all(np.array_equal(one, other) for one, other in zip(graph, gradient, strict=True)):
            found.append(
                (unit, [np.flatnonzero(one) for one in graph], [np.flatnonzero(one) for one in gradient])
            )
    return found
