"""The exercises of the chapter "Thing name"."""

from __future__ import annotations

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

# --- thing_name(row) ---


def thing_name(row: Array) -> Array:
    return np.array([row[i + 1] - row[i] for i in range(len(row) - 1)])


declare(
    "thing-name",
    thing_name,
    cases=[
        (np.array([1.0, 3, 7]),),
        (np.array([5.0, 5]),),
        (np.array([2.0, -1, 4, 4, 0]),),
        (np.array([3, 1, 4, 1, 5]),),
    ],
    mistakes=[
        Mistake(
            "the sign is turned: take the earlier pixel from the later one",
            lambda row: -thing_name(row),
        ),
        Mistake(
            "the first pixel has none before it: there is one step less than there are pixels",
            lambda row: np.append(row[:1], thing_name(row)),
            shape_is_enough=True,
        ),
    ],
)
