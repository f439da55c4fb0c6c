"""The equivariance lab in a real browser: every control, by mouse and by keyboard, judged by convlib."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import (
    LAYOUT_SHIFT,
    OVERFLOW,
    UNSEEN_FOCUS,
    accessibility_faults,
    browser,
    opened,
    painted,
    write_labs_page,
)
from playwright.sync_api import Browser, Page, expect

from convlib import labs
from convlib.labs import EquivarianceLab
from convlib.labs._lab import shown
from convlib.labs.equivariance import DOWNSAMPLING, FACTORS, KERNELS, MODES, PICTURES, TURNS, percent

__all__ = ["browser", "opened"]  # fixtures

PAST = {"move": "moved", "turn": "turned", "rescale": "rescaled"}


def short_percent(share: float) -> str:
    return percent(share, 2 if share < 1 else 3)


def is_drawn(canvas: np.ndarray, name: str, numbers: np.ndarray, limit: float, signed: bool) -> None:
    """A canvas shows these numbers: as grey, or as orange and blue, the stronger the larger."""
    strength = 255 * np.abs(numbers) / (limit or 1)
    drawn = canvas[..., 3] if signed else canvas[..., 0]
    assert np.abs(drawn - strength).max() <= 1, name
    red_over_blue = canvas[..., 0] - canvas[..., 2]
    if signed:
        strong = strength > 8
        assert (np.sign(red_over_blue) == np.sign(numbers))[strong].all(), name
    else:
        assert not red_over_blue.any()
        assert (canvas[..., 3] == 255).all()
    side = len(numbers)
    assert name.endswith(f": {side} × {side} numbers from {shown(numbers.min())} to {shown(numbers.max())}")


def agrees(page: Page, lab: EquivarianceLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    sentences = page.locator(".lab-sum")
    expect(sentences.nth(0)).to_have_text(lab.finding_in_words())
    expect(sentences.nth(1)).to_have_text(lab.transform_in_words())
    expect(sentences.nth(2)).to_have_text(lab.numbers_in_words())
    past, difference = PAST[lab.transform], lab.difference
    expect(page.locator("figcaption")).to_have_text(
        ["picture", "answer", f"answer, {past}", f"{past} picture", f"answer to the {past} picture",
         "difference" if difference.any() else "no difference"]
    )  # fmt: skip
    answers = lab.answer, lab.answer_transformed, lab.transformed_answer
    limit = max(np.abs(one).max() for one in answers)
    signed = min(one.min() for one in answers) < 0
    canvases = [painted(one) for one in page.locator("canvas").all()]
    names = page.locator("canvas").evaluate_all("all => all.map(one => one.ariaLabel)")
    for at, numbers in ((0, lab.pixels), (3, lab.transformed)):
        is_drawn(canvases[at], names[at], numbers, lab.pixels.max(), signed=False)
    for at, numbers in zip((1, 2, 4), answers, strict=True):
        is_drawn(canvases[at], names[at], numbers, limit, signed)
    is_drawn(canvases[5], names[5], difference, np.abs(difference).max(), signed=True)

    frames = page.locator("figure span")
    expect(frames.filter(visible=True)).to_have_count(3 if difference.any() else 0)
    if difference.any():
        i, j = np.unravel_index(np.argmax(np.abs(difference)), difference.shape)
        style = frames.last.evaluate("one => [one.style.top, one.style.left].map(parseFloat)")
        assert style == pytest.approx([100 * at / len(difference) for at in (i, j)], abs=1e-3)

    errors = lab.errors
    lines = page.locator(".lab-errors tr")
    expect(lines.first.locator("th")).to_have_count(len(errors) + 1)
    assert lines.first.locator("th").all_inner_texts()[1:] == list(errors)
    now = {"move": str(lab.shift[1]), "turn": str(lab.turns), "rescale": FACTORS[lab.factor]}[lab.transform]
    expect(page.locator(".lab-errors [aria-current]")).to_have_text(now)
    border = lab.padding_mode != "circular"
    expect(lines).to_have_count(4 if border else 3)
    top = max(1, *(one for one, _ in errors.values()))
    for which, kind in enumerate(["everywhere", "inside"][: 2 if border else 1]):
        expected = [short_percent(both[which]) for both in errors.values()]
        assert lines.nth(2 + which).locator("td").all_inner_texts() == expected
        heights = page.locator(f".lab-errors td .lab-{kind}").evaluate_all(
            "all => all.map(one => parseFloat(one.style.height))"
        )
        assert heights == pytest.approx([100 * both[which] / top for both in errors.values()], abs=0.01)
    for name in ("kernel", "padding", "downsampling", "picture", "transform"):
        value = getattr(lab, {"padding": "padding_mode"}.get(name, name))
        expect(page.get_by_role("combobox", name=name, exact=True)).to_have_value(value)
    expect(page.get_by_label("ReLU")).to_be_checked(checked=lab.relu)


def choose(page: Page, lab: EquivarianceLab, menu: str, trait: str, value: Any, label: str = "") -> None:
    page.get_by_role("combobox", name=menu, exact=True).select_option(label=label or str(value))
    setattr(lab, trait, value)
    agrees(page, lab)


def test_every_control_by_mouse(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.equivariance()), labs.equivariance()
    agrees(page, lab)
    for kernel in KERNELS:
        choose(page, lab, "kernel", "kernel", kernel)
    for mode in reversed(MODES):
        choose(page, lab, "padding", "padding_mode", mode)
    page.get_by_label("move the picture to the right by").fill("3")
    page.get_by_label("move the picture down by").fill("8")
    lab.shift = [8, 3]
    agrees(page, lab)
    choose(page, lab, "padding", "padding_mode", "zeros")
    for name in reversed(DOWNSAMPLING):
        choose(page, lab, "downsampling", "downsampling", name)
    page.get_by_label("ReLU").click()
    lab.relu = True
    agrees(page, lab)
    for picture in reversed(PICTURES):
        choose(page, lab, "picture", "picture", picture)
    choose(page, lab, "transform", "transform", "turn")
    for turns, label in TURNS.items():
        choose(page, lab, "turn to the left", "turns", turns, label)
    choose(page, lab, "transform", "transform", "rescale")
    choose(page, lab, "downsampling", "downsampling", "stride 4")
    for factor, label in FACTORS.items():
        choose(page, lab, "size times", "factor", factor, label)
    page.get_by_label("ReLU").click()
    lab.relu = False
    choose(page, lab, "transform", "transform", "move")


def test_a_row_of_the_answers_opens_in_numbers_and_follows(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.equivariance()), labs.equivariance()
    page.locator("summary").click()
    for mode in ("circular", "zeros"):
        choose(page, lab, "padding", "padding_mode", mode)
        i = np.unravel_index(np.argmax(np.abs(lab.difference)), lab.difference.shape)[0]
        expect(page.locator("summary")).to_have_text(f"Row {i} of both answers in numbers")
        rows = page.locator("details tbody tr")
        expected = [
            [str(column), shown(one), shown(other), shown(one - other)]
            for column, (one, other) in enumerate(
                zip(lab.transformed_answer[i], lab.answer_transformed[i], strict=True)
            )
        ]
        assert [row.locator("td").all_inner_texts() for row in rows.all()] == expected
    expect(page.locator("details tr.under")).to_have_count(1)


def test_only_the_controls_of_the_chosen_transform_are_there(opened: Callable[..., Page]) -> None:
    page = opened(labs.equivariance())
    sliders = page.get_by_role("slider")
    turns, factor = (page.get_by_role("combobox", name=name) for name in ("turn to the left", "size times"))
    for transform, seen in (("turn", (0, 1, 0)), ("rescale", (0, 0, 1)), ("move", (2, 0, 0))):
        page.get_by_role("combobox", name="transform").select_option(transform)
        for control, count in zip((sliders, turns, factor), seen, strict=True):
            expect(control).to_have_count(count)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.equivariance()), labs.equivariance()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText") == name

    keys("Tab", "ArrowDown")
    focused("kernel")
    lab.kernel = "no symmetry"
    agrees(page, lab)
    keys("Tab", "ArrowDown")
    focused("padding")
    lab.padding_mode = "zeros"
    keys("Tab", "Space")
    lab.relu = True
    agrees(page, lab)
    keys("Tab", "ArrowDown", "ArrowDown")
    focused("downsampling")
    lab.downsampling = "stride 4"
    keys("Tab", "ArrowDown")
    focused("picture")
    lab.picture = "digit"
    agrees(page, lab)
    keys("Tab", "Tab", "ArrowRight", "ArrowRight")
    focused("move the picture to the right by")
    keys("Tab", "ArrowRight")
    focused("move the picture down by")
    lab.shift = [1, 3]
    agrees(page, lab)
    keys("Tab", "Enter")
    focused(page.locator("summary").inner_text())
    expect(page.locator("details td").first).to_be_visible()
    keys("Shift+Tab", "Shift+Tab", "Shift+Tab", "ArrowDown")
    focused("transform")
    keys("Tab", "ArrowDown")
    focused("turn to the left")
    lab.transform, lab.turns = "turn", 2
    agrees(page, lab)


def test_controls_and_pictures_stay_where_they_are_while_sliders_move(opened: Callable[..., Page]) -> None:
    for width in (350, 720):
        page = opened(labs.equivariance(padding_mode="zeros", downsampling="stride 2"), width=width)
        for label in ("move the picture to the right by", "move the picture down by"):
            slider, tops = page.get_by_label(label), set()
            for value in "04183":
                slider.fill(value)
                tops.add(
                    tuple(
                        page.locator("input[type=range], canvas").evaluate_all(
                            "all => all.map(one => one.getBoundingClientRect().top + scrollY)"
                        )
                    )
                )
            assert len(tops) == 1, label


def test_only_the_finding_is_said_and_only_when_it_changes(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.equivariance()), labs.equivariance()
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_label("move the picture to the right by").fill("5")  # moves along exactly, as before
    lab.shift = [0, 5]
    choose(page, lab, "padding", "padding_mode", "zeros")
    assert page.evaluate("said") == [lab.finding_in_words()]


def test_labs_on_one_page_are_apart(opened: Callable[..., Page]) -> None:
    page = opened(labs.equivariance(), labs.equivariance("dot", "blur", transform="turn"))
    first, second = page.locator(".lab").all()
    first.get_by_role("combobox", name="kernel").select_option("identity")
    expect(second.get_by_role("combobox", name="kernel")).to_have_value("blur")


LABS: dict[str, dict[str, Any]] = {
    "small": {},
    "long words": {"padding_mode": "reflect", "downsampling": "blur pool s2", "shift": (3, 5)},
    "turned": {"transform": "turn", "padding_mode": "zeros", "kernel": "no symmetry"},
    "large": {"transform": "rescale", "picture": "stripes, period 3", "relu": True},
}


@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling(settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.equivariance(**settings), width=350)
    page.locator("summary").click()
    assert page.evaluate(OVERFLOW) == []
    cells = page.locator(".lab-errors :is(td, th)").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
    )
    assert cells == []
    boxes = page.locator(".lab :is(select, input:not([type=checkbox]), summary, label)").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
            const {width, height} = one.getBoundingClientRect();
            return [Math.min(width, height), one.outerHTML];
        })"""
    )
    assert [html for size, html in boxes if size < 24] == []
    assert page.locator("canvas").last.bounding_box()["width"] > 80  # type: ignore[index]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.equivariance(**settings), theme=theme)
    page.locator("summary").click()
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.equivariance())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_print_shows_the_pictures_and_no_controls(opened: Callable[..., Page]) -> None:
    page = opened(labs.equivariance())
    page.emulate_media(media="print")
    expect(page.locator("select, input, details").filter(visible=True)).to_have_count(0)
    expect(page.locator("canvas").filter(visible=True)).to_have_count(6)


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.equivariance(padding_mode="zeros", downsampling="blur pool s2", shift=(0, 3))
    with browser.new_context(java_script_enabled=False, viewport={"width": 350, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for sentence in (lab.transform_in_words(), lab.finding_in_words(), lab.numbers_in_words()):
            expect(page.get_by_text(sentence, exact=True)).to_be_visible()
        errors, row = page.locator("table").all()
        lines = [line.locator("td").all_inner_texts() for line in errors.locator("tr").all()[1:]]
        assert lines == [[label, *map(short_percent, both)] for label, both in lab.errors.items()]
        assert row.locator("tr").count() == 1 + 12
        assert page.locator("html").evaluate("one => one.scrollWidth") == 350
