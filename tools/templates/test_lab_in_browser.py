"""The lab "Thing name" in a real browser, by mouse and by keyboard."""

from collections.abc import Callable

import pytest
from browsing import OVERFLOW, accessibility_faults, browser, opened
from playwright.sync_api import Page, expect

from convlib import labs

__all__ = ["browser", "opened"]  # fixtures


def test_the_slider_is_moved_by_mouse_and_by_keyboard(opened: Callable[..., Page]) -> None:
    page = opened(labs.thing_name(stride=2))
    said, slider = page.locator(".lab-sum"), page.get_by_label("stride")
    expect(said).to_have_text(labs.thing_name(2).in_words())
    slider.fill("5")
    expect(said).to_have_text(labs.thing_name(5).in_words())
    slider.press("ArrowLeft")
    expect(said).to_have_text(labs.thing_name(4).in_words())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_lab_keeps_nobody_out_and_fits_a_phone(theme: str, opened: Callable[..., Page]) -> None:
    page = opened(labs.thing_name(), theme=theme, width=360)
    assert page.evaluate(OVERFLOW) == accessibility_faults(page) == []
