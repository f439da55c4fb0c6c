import sys

import pytest

from convlib import timing
from convlib.timing import Race, machine, race


class Clock:
    """Time that passes only when something runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(timing, "time", made)
    return made


def test_the_first_round_does_not_count(clock):
    ran = []

    def slow():
        ran.append("slow")
        clock.now += 100 if len(ran) < 3 else 2

    def quick():
        ran.append("quick")
        clock.now += 1

    result = race({"slow": slow, "quick": quick}, rounds=5)
    assert sorted(ran) == ["quick"] * 6 + ["slow"] * 6
    assert result.seconds == {"slow": [2] * 5, "quick": [1] * 5}
    assert result.ratio("slow", to="quick") == 2 and result.median("slow") == 2


def test_each_round_has_an_order_of_its_own(clock):
    ran = []
    names = ["a", "b", "c"]
    race({name: lambda name=name: ran.append(name) for name in names}, rounds=20)
    rounds = ["".join(ran[start : start + 3]) for start in range(0, len(ran), 3)]
    assert all(sorted(one) == names for one in rounds)
    assert len(set(rounds)) > 3
    again: list[str] = []
    race({name: lambda name=name: again.append(name) for name in names}, rounds=20)
    assert again == ran


def test_a_slow_moment_hits_both_and_changes_no_ratio():
    result = Race({"one": [2.0, 2.0, 20.0, 20.0, 2.0], "other": [1.0, 1.0, 10.0, 10.0, 1.0]})
    assert result.ratio("one", to="other") == 2
    assert Race({"one": [1.0, 9.0, 3.0], "other": [1.0, 1.0, 1.0]}).ratio("one", to="other") == 3


@pytest.mark.parametrize(
    ("contestants", "rounds", "error", "message"),
    [
        ({}, 3, ValueError, "race: there is nothing to time"),
        ({"a": 3}, 3, TypeError, "race: 'a' must be a function without arguments, got int"),
        ({"a": int}, 0, ValueError, "race: rounds must be at least 1, got 0"),
    ],
)
def test_a_race_that_cannot_be_run_is_refused(contestants, rounds, error, message):
    with pytest.raises(error, match=message):
        race(contestants, rounds)


def test_the_machine_is_named():
    import numpy as np
    import torch

    words = machine()
    assert f"NumPy {np.__version__} with " in words and f"torch {torch.__version__}" in words
    assert "cores; Python" in words


def test_the_machine_is_named_without_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    assert "torch" not in machine()
