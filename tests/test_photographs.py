from pathlib import Path

import numpy as np
import pytest

from convlib.photographs import CREDITS, photograph

SOURCES = Path(__file__).resolve().parents[1] / "book" / "bibliography.md"


@pytest.mark.parametrize("name", CREDITS)
def test_a_photograph_is_channels_first_and_runs_from_black_to_white(name):
    image = photograph(name)
    assert image.ndim == 3 and image.shape[0] == (1 if name == "camera" else 3)
    assert image.dtype == np.float64 and image.min() >= 0 and 0.9 < image.max() <= 1


def test_shrinking_averages_blocks_and_cuts_off_what_fills_none():
    image = photograph("chelsea")  # (3, 300, 451)
    small = photograph("chelsea", shrink=4)
    assert small.shape == (3, 75, 112)
    assert small[1, 2, 3] == pytest.approx(image[1, 8:12, 12:16].mean())


@pytest.mark.parametrize("name", CREDITS)
def test_every_author_is_named_in_the_book(name):
    assert CREDITS[name] in SOURCES.read_text(encoding="utf-8")


def test_an_unknown_photograph_names_those_that_there_are():
    with pytest.raises(
        ValueError, match="name must be one of chelsea, camera, astronaut, coffee, got 'lena'"
    ):
        photograph("lena")


def test_a_picture_is_not_enlarged():
    with pytest.raises(ValueError, match="shrink must be at least 1, got 0"):
        photograph("chelsea", shrink=0)
