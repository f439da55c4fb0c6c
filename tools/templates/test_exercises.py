"""The checkers of the chapter "Thing name" accept every right answer and name what is wrong."""

import numpy as np
import pytest

from convlib import exercises

# --- thing_name ---


@pytest.mark.parametrize(
    "answer",
    [
        np.diff,
        lambda row: row[1:] - row[:-1],
        lambda row: np.convolve(row, [1, -1], mode="valid"),
        lambda row: [row[i] - row[i - 1] for i in range(1, len(row))],
    ],
)
def test_thing_name_accepts_every_way(answer):
    verdict = exercises.check("thing-name", answer)
    assert repr(verdict) == "thing-name: right - 4 cases agree with the definition"


@pytest.mark.parametrize(
    ("answer", "diagnosis"),
    [
        (lambda row: row[:-1] - row[1:], "the sign is turned"),
        (lambda row: np.diff(row, prepend=0), "one step less than there are pixels"),
        (lambda row: 0 * row[1:], "every number is zero"),
        (lambda row: ..., "not tried yet"),
    ],
)
def test_thing_name_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("thing-name", answer)
    assert not verdict
    assert diagnosis in str(verdict)
