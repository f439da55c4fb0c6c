"""The structure lab in a real browser: every control, by mouse and by keyboard, against convlib's numbers."""

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
    write_labs_page,
)
from playwright.sync_api import Browser, Locator, Page, expect

from convlib import labs
from convlib.labs import StructureLab
from convlib.labs._lab import in_bytes
from convlib.labs.structure import KINDS, LAYERS, layer_counts

__all__ = ["browser", "opened"]  # fixtures

MATRIX = ".lab-matrix button"


def number(text: str) -> float:
    return float(text.replace("−", "-") or 0)


def texts(cells: Locator) -> list[float]:
    values = cells.evaluate_all("all => all.map(one => one.matches('input') ? one.value : one.textContent)")
    return [number(value) for value in values]


def agrees(page: Page, lab: StructureLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    rows, columns = lab.matrix.shape
    expect(page.locator(MATRIX)).to_have_count(rows * columns)
    i, j = min(lab.selected[0], rows - 1), min(lab.selected[1], columns - 1)
    expect(page.locator(".lab-sum").first).to_have_text(lab.entry_in_words())
    expect(page.locator(".lab-sum").last).to_have_text(lab.moved_in_words())
    assert np.allclose(texts(page.locator(MATRIX)), lab.matrix.ravel())
    line = len(lab.image) == 1
    figures = page.locator(".lab-arrays figure")
    expect(figures).to_have_count(4 if line else 6)
    kernel = figures.filter(has_text="kernel").locator("input")
    assert texts(kernel) == np.ravel(lab.kernel).tolist()
    strips = page.locator(".lab-product > .lab-grid:not(.lab-numbers)")
    assert texts(strips.first.locator("> *")) == np.ravel(lab.image).tolist()
    assert np.allclose(texts(strips.last.locator("> *")), lab.output.ravel())
    if not line:
        assert texts(figures.first.locator("input")) == np.ravel(lab.image).tolist()
        assert np.allclose(texts(figures.nth(1).locator("span")), lab.output.ravel())
    moved = page.locator(".lab-arrays").last.locator("figure")
    rolled = np.roll(lab.image, lab.shift, (0, 1))
    assert texts(moved.first.locator("span")) == rolled.ravel().tolist()
    assert np.allclose(texts(moved.nth(1).locator("span")), lab.matrix @ rolled.ravel())
    here, real = page.locator(".lab-counts").all()
    _, *sizes = LAYERS[lab.layer]
    for shown, counts in ((here, lab.counts), (real, layer_counts(*sizes))):
        for kind, item in zip(KINDS, shown.locator("li").all(), strict=True):
            words = f"{counts[kind]:,} weight{'' if counts[kind] == 1 else 's'}"
            expect(item.locator("strong")).to_have_text(words)
            expect(item).to_contain_text(f"; {in_bytes(4 * counts[kind])}")
        expect(shown.locator("[aria-current]")).to_contain_text(lab.kind)
    marked = page.locator(f"{MATRIX}.under").evaluate_all(
        "all => all.map(one => [...one.parentElement.children].indexOf(one))"
    )
    same = "same weight" in lab.entry_in_words()
    assert len(marked) == (rows if same else 1)
    assert i * columns + j in marked
    expect(page.locator(f"{MATRIX}[aria-current]")).to_have_attribute("tabindex", "0")
    expect(page.locator(f"{MATRIX}[tabindex='0']")).to_have_count(1)
    must = page.locator(f"{MATRIX}.must")
    assert set(must.all_text_contents()) <= {""}
    dense = lab.kind == "fully connected"
    expect(must).to_have_count(0 if dense else rows * columns - lab.counts["locally connected"])
    window = strips.first.locator(".under")
    expect(window).to_have_count(columns if dense else np.size(lab.kernel))
    kernel_marked = figures.filter(has_text="kernel").locator(".under")
    expect(kernel_marked).to_have_count(1 if same else 0)


def test_every_control_by_mouse_on_a_line(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.structure()), labs.structure()
    agrees(page, lab)
    for kind in (KINDS[2], KINDS[1], KINDS[0], KINDS[2]):
        page.get_by_label(kind, exact=True).click()
        lab.kind = kind
        agrees(page, lab)
    page.locator(MATRIX).nth(3 * 8 + 5).click()
    lab.selected = [3, 5]
    agrees(page, lab)
    page.get_by_label("weight w[1]").fill("−2,5")
    page.get_by_label("weight w[0]").focus()  # only then is it written anew
    lab.kernel = [[4.0, -2.5, -3.0]]
    agrees(page, lab)
    page.get_by_label("pixel 4").fill("7")
    lab.image = [[*lab.image[0][:4], 7.0, *lab.image[0][5:]]]
    agrees(page, lab)
    page.get_by_label("move the input to the right by").fill("3")
    lab.shift = [0, 3]
    agrees(page, lab)
    page.get_by_label("windows go on around the end").click()
    lab.wrap = True
    agrees(page, lab)
    page.locator(MATRIX).last.click()
    page.get_by_label("pixels of the line").fill("5")
    lab.image, lab.selected = [lab.image[0][:5]], [7, 7]  # the mark goes to the corner that is left
    agrees(page, lab)
    page.get_by_label("kernel size").fill("2")
    lab.kernel = [lab.kernel[0][:2]]
    agrees(page, lab)
    for name, (title, *_) in LAYERS.items():
        page.get_by_role("combobox").select_option(title)
        lab.layer = name
        agrees(page, lab)


def test_every_control_by_mouse_on_a_picture(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure("convolution", 8, 2))
    page.get_by_label("picture", exact=True).click()
    lab = labs.structure("convolution", (5, 5), 2)
    agrees(page, lab)
    page.get_by_label("columns of the picture").fill("4")
    page.get_by_label("rows of the picture").fill("6")
    lab.image = labs.structure(size=(6, 5)).image
    lab.image = [row[:4] for row in lab.image]
    agrees(page, lab)
    page.get_by_label("weight w[1, 0]").fill("9")
    lab.kernel = [lab.kernel[0], [9.0, lab.kernel[1][1]]]
    page.get_by_label("pixel (2, 3)").fill("-1")
    lab.image = [[*row[:3], -1.0] if r == 2 else row for r, row in enumerate(lab.image)]
    agrees(page, lab)
    page.get_by_label("move the input down by").fill("4")
    page.get_by_label("move the input to the right by").fill("1")
    lab.shift = [4, 1]
    agrees(page, lab)
    page.get_by_label("windows go on around the end").click()
    lab.wrap = True
    agrees(page, lab)
    for kind in KINDS:
        page.get_by_label(kind, exact=True).click()
        lab.kind = kind
        agrees(page, lab)
    page.get_by_label("rows of the picture").fill("3")  # too few to be moved down by 4
    lab.image, lab.shift = lab.image[:3], [2, 1]
    agrees(page, lab)
    page.get_by_label("rows of the picture").fill("6")
    lab.image = [*lab.image, *labs.structure(size=(6, 4)).image[3:]]
    agrees(page, lab)
    page.get_by_label("line", exact=True).click()
    lab.image, lab.kernel = labs.structure().image, labs.structure(kernel_size=2).kernel
    lab.selected = lab.shift = [0, 0]
    agrees(page, lab)


def test_buttons_move_the_mark_and_stop_at_the_edges(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.structure("convolution")), labs.structure("convolution")
    for name, selected in (
        ("one row up", [0, 0]),
        ("one column to the left", [0, 0]),
        ("one column to the right", [0, 1]),
        ("one row down", [1, 1]),
        ("one row down", [2, 1]),
        ("one column to the left", [2, 0]),
        ("one row up", [1, 0]),
    ):
        page.get_by_role("button", name=name).click()
        lab.selected = selected
        agrees(page, lab)
    for name, n in (("one row down", 6), ("one column to the right", 8)):
        for _ in range(n):
            page.get_by_role("button", name=name).click()
    lab.selected = [5, 7]
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.structure()), labs.structure()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        ).startswith(name)

    keys("Tab", "ArrowRight", "ArrowRight")
    lab.kind = KINDS[2]
    agrees(page, lab)
    keys("Tab")
    focused("line")
    keys("Tab", "Space")
    lab.wrap = True
    agrees(page, lab)
    keys("Tab", "ArrowLeft")
    focused("kernel size")
    lab.kernel = [lab.kernel[0][:2]]
    keys("Tab", "ArrowLeft", "ArrowLeft")
    focused("pixels of the line")
    lab.image = [lab.image[0][:6]]
    agrees(page, lab)
    keys("Tab")
    focused("weight w[0]")
    keys("ArrowRight", "5")
    lab.kernel = [[lab.kernel[0][0], 5.0]]
    agrees(page, lab)
    keys("Tab")
    focused("pixel 0")
    keys("ArrowRight", "ArrowRight", "8")
    lab.image = [[*lab.image[0][:2], 8.0, *lab.image[0][3:]]]
    agrees(page, lab)
    keys("Tab")
    focused("row 0, column 0")
    keys(
        "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowUp"
    )
    lab.selected = [0, 2]
    agrees(page, lab)
    focused("row 0, column 2: must be 0")
    keys("Tab", "Tab", "Enter")
    focused("one column to the right")
    lab.selected = [0, 3]
    keys("Tab", "Tab", "Tab", "ArrowRight", "ArrowRight")
    focused("move the input to the right by")
    lab.shift = [0, 2]
    agrees(page, lab)
    keys("Tab", "Space")
    focused("bars to scale")
    keys("Tab", "ArrowUp")
    lab.layer = "small"
    agrees(page, lab)


def test_bars_are_logarithmic_or_to_scale(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure())
    bars = page.locator(".lab-counts").last.locator(".lab-bar")

    def shares() -> list[float]:
        whole, *others = bars.evaluate_all("all => all.map(one => parseFloat(one.style.width))")
        assert whole == pytest.approx(100)
        return list(others)

    counts = list(layer_counts(*LAYERS["vgg"][1:]).values())
    assert shares() == pytest.approx([100 * np.log(one) / np.log(counts[0]) for one in counts[1:]])
    page.get_by_label("bars to scale").check()
    assert shares() == pytest.approx([100 * one / counts[0] for one in counts[1:]], rel=1e-4)
    heights = bars.evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert min(heights) >= 1  # the smallest is still seen


def test_impossible_sizes_give_a_sentence_and_possible_ones_bring_all_back(
    opened: Callable[..., Page],
) -> None:
    page, lab = opened(labs.structure()), labs.structure()
    page.get_by_label("kernel size").fill("5")
    page.get_by_label("pixels of the line").fill("4")
    expect(page.locator(".lab-problem")).to_have_text(
        "No window fits: the kernel spans 5 pixels, the line has 4."
    )
    expect(page.locator(f"{MATRIX}:visible, .lab-sum:visible")).to_have_count(0)
    page.get_by_label("kernel size").fill("4")
    expect(page.locator(".lab-problem")).not_to_be_visible()
    lab.image, lab.kernel = [lab.image[0][:4]], labs.structure(kernel_size=4).kernel
    agrees(page, lab)


def test_what_is_no_number_is_marked_and_changes_nothing(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.structure("convolution")), labs.structure("convolution")
    weight = page.get_by_label("weight w[0]")
    weight.fill("x")
    expect(weight).to_have_attribute("aria-invalid", "true")
    page.get_by_label("pixel 0").focus()
    expect(weight).to_have_value("4")
    agrees(page, lab)


def test_what_is_being_typed_stays_until_the_cell_is_left(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure())
    weight = page.get_by_label("weight w[0]")
    weight.fill("2,50")
    expect(weight).to_have_value("2,50")
    page.get_by_label("pixel 0").focus()
    expect(weight).to_have_value("2.5")


def test_a_number_that_stays_becomes_paler_beside_a_larger_one(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure())
    cell = page.locator(".lab-arrays").last.locator("figure").first.locator("span").first
    colour = "one => getComputedStyle(one).backgroundColor"
    before = cell.evaluate(colour)
    page.get_by_label("pixel 4").fill("400")
    expect(cell).to_have_text("4")
    assert cell.evaluate(colour) != before


def test_controls_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure(), width=390)
    for label, values in (
        ("kernel size", "513"),
        ("pixels of the line", ["16", "4"]),
        ("move the input to the right by", "13"),
    ):
        slider = page.get_by_label(label)
        tops = set()
        for value in values:
            slider.fill(value)
            tops.add(slider.evaluate("one => one.getBoundingClientRect().top + scrollY"))
        assert len(tops) == 1, label


@pytest.mark.parametrize("width", [350, 430, 720])
def test_matrix_stays_where_it_is_while_its_structure_changes(
    width: int, opened: Callable[..., Page]
) -> None:
    page, tops = opened(labs.structure(), width=width), set()
    for kind in KINDS:
        page.get_by_label(kind, exact=True).click()
        expect(page.locator(f"{MATRIX}.must").first).to_be_visible(visible=kind != KINDS[0])
        tops.add(page.locator(MATRIX).first.evaluate("one => one.getBoundingClientRect().top + scrollY"))
    assert len(tops) == 1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure())
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.locator(MATRIX).nth(1).click()
    lab = labs.structure()
    lab.selected = [0, 1]
    expect(page.locator(".lab-sum").first).to_have_text(lab.entry_in_words())
    assert page.evaluate("said") == [lab.entry_in_words()]


def test_labs_on_one_page_do_not_share_their_choices(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure(), labs.structure("convolution", (4, 4), 2))
    first, second = page.locator(".lab").all()
    first.get_by_label("locally connected").click()
    expect(second.get_by_label("convolution", exact=True)).to_be_checked()
    expect(second.locator(MATRIX)).to_have_count(9 * 16)


LABS: dict[str, dict[str, Any]] = {
    "short line": {"size": 4, "kernel_size": 2},
    "long line": {"size": 16, "wrap": True},
    "picture": {"size": (5, 5)},
    "large picture": {"size": (6, 6), "wrap": True},
}


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[2]])
@pytest.mark.parametrize("sizes", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling_the_page(
    kind: str, sizes: dict[str, Any], opened: Callable[..., Page]
) -> None:
    page = opened(labs.structure(kind, **sizes), width=350)
    assert page.evaluate(OVERFLOW) == []
    boxes = page.locator(
        ".lab :is(button:not(.lab-matrix *), select, input:not([type=checkbox], [type=radio])), .lab label"
    ).evaluate_all("""all => all.filter(one => one.checkVisibility()).map(one => {
        const {width, height} = one.getBoundingClientRect();
        return [Math.min(width, height), one.outerHTML];
    })""")
    assert [html for size, html in boxes if size < 24] == []
    if "size" in sizes and isinstance(sizes["size"], int):
        assert page.locator(MATRIX).first.bounding_box()["width"] >= 24  # type: ignore[index]
    else:  # the whole pattern is in sight, and the buttons mark what fingers cannot
        assert page.locator(".lab-matrix").evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [8, (4, 4)], ids=["line", "picture"])
def test_axe_finds_nothing(theme: str, kind: str, size: Any, opened: Callable[..., Page]) -> None:
    lab = labs.structure(kind, size)
    lab.shift = [1 if size == (4, 4) else 0, 1]
    page = opened(lab, theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.structure())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.structure("convolution", (4, 4), 2)
    lab.shift = [0, 1]
    with browser.new_context(java_script_enabled=False, viewport={"width": 720, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        expect(page.get_by_text(lab.entry_in_words())).to_be_visible()
        expect(page.get_by_text(lab.moved_in_words())).to_be_visible()
        table = page.locator("table", has_text="The matrix")
        for row, weights in zip(table.locator("tr").all()[1:], lab.matrix, strict=True):
            assert [number(one) for one in row.locator("td").all_inner_texts()[1:]] == weights.tolist()
        expect(page.locator("table", has_text="Weights to learn")).to_contain_text("483,385,147,392")
