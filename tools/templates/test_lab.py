"""The lab "Thing name": what its page computes is what convlib computes."""

import re
from typing import Any

import pytest
from lab_script import call, state_of

from convlib import labs

STRIDES = range(1, 7)


@pytest.mark.parametrize("stride", STRIDES)
def test_the_page_counts_the_windows(stride: int) -> None:
    lab = labs.thing_name(stride)
    first_pixels = [i for i in range(12) if i % stride == 0 and i + 3 <= 12]
    assert call("thing_name", "windowsOf", state_of(lab)) == lab.windows == len(first_pixels)


@pytest.mark.parametrize("stride", STRIDES)
def test_the_page_and_the_still_result_say_the_same(stride: int) -> None:
    lab = labs.thing_name(stride)
    assert call("thing_name", "inWords", state_of(lab)) == lab.in_words()
    table, sentence = lab.still()
    assert sentence == f"<p>{lab.in_words()}</p>"
    assert re.findall(r"<td>(\d+)", table) == [str(i) for i in range(0, 12 - 3 + 1, stride)]


@pytest.mark.parametrize(
    ("stride", "error", "message"),
    [
        (0, ValueError, "thing_name: stride must be at least 1, got 0"),
        (7, ValueError, "thing_name: stride can be at most 6 here, got 7"),
        (1.5, TypeError, "thing_name: stride must be an integer, got 1.5"),
    ],
)
def test_a_stride_that_the_slider_does_not_have_is_refused(stride: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        labs.thing_name(stride)
