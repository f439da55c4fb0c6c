"""The upsampling lab in a real browser: every control, by mouse, touch and keyboard, against convlib."""

import re
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
    stop_the_clock,
    write_labs_page,
)
from playwright.sync_api import Browser, Locator, Page, expect

from convlib import labs
from convlib.labs import UpsamplingLab
from convlib.labs.upsampling import MODES

__all__ = ["browser", "opened"]  # fixtures

PIXELS, OUTPUT = "input[aria-label^='pixel']", "button[aria-label^='output']"
PRESETS: dict[str, Callable[[int, int, int, int], int]] = {
    "edge": lambda i, j, h, w: int(j >= w / 2),
    "dot": lambda i, j, h, w: int((i, j) == ((h - 1) // 2, (w - 1) // 2)),
    "ramp": lambda i, j, h, w: j,
    "checkerboard": lambda i, j, h, w: (i + j) % 2,
}
# The strip in numbers: the horizontal in percent of its width, the vertical in pixels.
STRIP = """strip => {
    const wire = ["x1", "x2", "stroke-width"];
    const curve = strip.querySelector(".lab-curve").getAttribute("points");
    const of = (selector, ...names) => [...strip.querySelectorAll(selector)].map(
        one => names.map(name => parseFloat(one.getAttribute(name))));
    return {
        rings: of(".lab-ring", "cx", "cy"), chosen: of(".lab-ring.chosen", "cx", "cy"),
        dots: of(".lab-source", "cx", "cy"), band: of(".lab-band", "y", "height")[0],
        above: of(".lab-above", ...wire), below: of(".lab-below", ...wire),
        weights: [...strip.querySelectorAll(".lab-halo")].map(one => one.textContent),
        marked: strip.querySelectorAll(".lab-pixel.chosen").length,
        curve: curve.split(" ").map(one => one.split(",").map(Number)),
    };
}"""


def preset(key: str, rows: int, columns: int) -> list[list[float]]:
    return [[float(PRESETS[key](i, j, rows, columns)) for j in range(columns)] for i in range(rows)]


def texts(cells: Locator) -> list[float]:
    """The numbers in full: where a square shows a rounded one, its title holds it."""
    values = cells.evaluate_all(
        """all => all.map(one => one.matches("input") ? one.value
            : /^−?[0-9.e−]+$/.test(one.title) ? one.title : one.textContent)"""
    )
    return [float(value.replace("−", "-")) for value in values]


def close(one: list[float], other: Any) -> bool:
    return len(one) == np.size(other) and np.allclose(one, np.ravel(other), 1e-3, 1e-9)


def marked(page: Page, cells: str, mark: str) -> list[int]:
    return page.locator(cells).evaluate_all(
        "(all, mark) => all.flatMap((one, at) => one.matches(mark) ? [at] : [])", mark
    )


def agrees(page: Page, lab: UpsamplingLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    i, j = lab._present
    expect(page.locator(".lab-sum")).to_have_text(f"row {i}, column {j}: {lab.sum_in_words()}")
    expect(page.locator(".lab-mode")).to_have_text(lab.mode_in_words())
    expect(page.locator(".lab-reading")).to_have_text(lab.reading_in_words())
    expect(page.locator(".lab-range")).to_have_text(lab.range_in_words())
    for axis in (0, 1):
        expect(page.locator(".lab-formula").nth(axis)).to_have_text(lab.place_in_words(axis))
    rows, columns = np.shape(lab.image)
    output = lab.output
    assert texts(page.locator(PIXELS)) == np.ravel(lab.image).tolist()
    expect(page.locator(OUTPUT)).to_have_count(output.size)
    assert close(texts(page.locator(OUTPUT)), output)
    assert marked(page, PIXELS, ".under") == np.flatnonzero(lab.weights).tolist()
    assert marked(page, PIXELS, ".ignored") == np.flatnonzero(lab.unread).tolist()
    assert marked(page, OUTPUT, "[aria-current].chosen") == [i * output.shape[1] + j]
    over = (output > np.max(lab.image) + 1e-9) | (output < np.min(lab.image) - 1e-9)
    assert marked(page, OUTPUT, ".beyond") == np.flatnonzero(over).tolist()
    table = page.get_by_role("group", name="weights", exact=True).locator("span")
    numbers = texts(table.filter(has_not_text=re.compile("^·$")))
    down, across = (matrix[at] for matrix, at in zip(lab.matrices, (i, j), strict=True))
    expected = np.zeros((rows + 1, columns + 1))
    expected[0, 1:], expected[1:, 0], expected[1:, 1:] = across, down, np.outer(down, across)
    assert close(numbers, expected.ravel()[1:])
    controls = {"image, rows": rows, "image, columns": columns,
                "output, rows": lab.size[0], "output, columns": lab.size[1]}  # fmt: skip
    for name, number in controls.items():
        expect(page.get_by_label(name, exact=True)).to_have_value(str(number))
    for name, on in (("align_corners", lab.align_corners), ("antialias", lab.antialias)):
        expect(page.get_by_label(name)).to_be_checked(checked=on)
        expect(page.get_by_label(name)).to_be_enabled(enabled=lab._smooth)
    strip_agrees(page, lab)


def strip_agrees(page: Page, lab: UpsamplingLab) -> None:
    """Dots, rings, curve and lines lie where the numbers say."""
    strip = page.locator(".lab-strip")
    expect(strip).to_have_attribute("aria-label", lab.strip_in_words())
    drawn, (i, j) = strip.evaluate(STRIP), lab._present
    n, across = np.shape(lab.image)[1], lab._lines[1]
    places = [lab._place(1, column) for column in range(lab.size[1])]
    low, high = -0.5, n - 0.5
    if lab._corners:
        low, high = min(-0.35, *places), max(n - 0.65, *places)

    def x(place: Any) -> Any:
        return 2.5 + 95 * (np.array(place) - low) / (high - low)

    image = np.array(lab.image)
    top, height = drawn["band"]

    def y(value: Any) -> Any:
        return top + (image.max() - np.array(value)) * height / ((image.max() - image.min()) or 1)

    rings, dots = np.array(drawn["rings"]), np.array(drawn["dots"])
    assert np.allclose(rings[:, 0], x(places), atol=0.01)
    assert np.allclose(rings[:, 1], y(lab.output[i]), atol=0.01)
    assert drawn["chosen"] == [drawn["rings"][j]]
    assert np.allclose(dots[:, 0], x(range(n)), atol=0.01)
    assert np.allclose(dots[:, 1], y(lab._mixed), atol=0.01)
    for sign, lines in ((1, drawn["above"]), (-1, drawn["below"])):
        pixels = np.flatnonzero(sign * across > 0)
        assert np.allclose([line[0] for line in lines], x(pixels), atol=0.01)
        assert np.allclose([line[1] for line in lines], x(places[j]), atol=0.01)
        assert np.allclose(
            [line[2] for line in lines], 1.5 + 7 * np.minimum(abs(across[pixels]), 1), atol=0.01
        )
    labels = [float(label.replace("−", "-")) for label in drawn["weights"]]
    assert np.allclose(labels, across[across != 0], atol=0.006)
    assert drawn["marked"] == np.count_nonzero(across) + 1
    curve = np.array(drawn["curve"]) / [10, 1]
    if lab._smooth:
        steps = np.abs(np.diff(curve[:, 1])).max()
        inside = (rings[:, 0] >= curve[0, 0]) & (rings[:, 0] <= curve[-1, 0])
        read = np.interp(rings[inside, 0], curve[:, 0], curve[:, 1])
        assert (np.abs(read - rings[inside, 1]) <= steps + 0.02).all()
    else:
        values = lab.output[i] if lab.mode == "area" else lab._mixed
        assert np.allclose(curve[:, 1], np.repeat(y(values), 2), atol=0.01)
    heights = np.concatenate([curve[:, 1], rings[:, 1], dots[:, 1]])
    assert heights.min() >= 19 and heights.max() <= 149  # nothing is cut off


def slide(page: Page, name: str, value: int) -> None:
    page.get_by_label(name, exact=True).fill(str(value))


def test_every_slider(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.upsampling(mode="bicubic")), labs.upsampling(mode="bicubic")
    agrees(page, lab)
    slide(page, "output, rows", 11)
    lab.size = [11, 11]
    agrees(page, lab)
    page.get_by_label("rows and columns together").uncheck()
    slide(page, "output, columns", 1)
    lab.size = [11, 1]
    agrees(page, lab)
    slide(page, "output, columns", 12)
    slide(page, "output, rows", 3)
    lab.size = [3, 12]
    agrees(page, lab)
    slide(page, "image, columns", 6)
    lab.image = preset("edge", 4, 6)  # the edge stays in the middle
    agrees(page, lab)
    slide(page, "image, rows", 2)
    lab.image = preset("edge", 2, 6)
    agrees(page, lab)
    page.get_by_label("rows and columns together").check()
    slide(page, "image, columns", 5)
    lab.image = preset("edge", 5, 5)
    agrees(page, lab)


@pytest.mark.parametrize("size", [(8, 8), (2, 3), (1, 12), (12, 1), (5, 5)], ids=str)
def test_every_mode_and_option(size: tuple[int, int], opened: Callable[..., Page]) -> None:
    image = np.array([[3, -1, 4, 1, 5]] * 2 + [[-2, 0, 6, 2, 1]] * 3)
    place = (size[0] - 1, size[1] // 2)
    page, lab = opened(labs.upsampling(image, size, position=place)), labs.upsampling(image, size)
    lab.position = list(place)
    for mode in (*MODES, "nearest"):
        page.get_by_label(mode, exact=True).click()
        lab.mode = mode
        agrees(page, lab)
        if mode in ("bilinear", "bicubic"):
            for corners, wide in ((True, False), (True, True), (False, True), (False, False)):
                page.get_by_label("align_corners").set_checked(corners)
                page.get_by_label("antialias").set_checked(wide)
                lab.align_corners, lab.antialias = corners, wide
                agrees(page, lab)


def test_options_come_back_with_their_mode(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.upsampling(mode="bilinear")), labs.upsampling(mode="bilinear")
    page.get_by_label("align_corners").check()
    page.get_by_label("antialias").check()
    page.get_by_label("area", exact=True).click()
    lab.mode, lab.align_corners, lab.antialias = "area", True, True
    agrees(page, lab)
    page.get_by_label("bicubic", exact=True).click()
    lab.mode = "bicubic"
    agrees(page, lab)


def test_presets_and_typed_numbers(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.upsampling(mode="bicubic")), labs.upsampling(mode="bicubic")
    numbers = page.get_by_label("numbers", exact=True)
    expect(numbers).to_have_value("edge")
    for key in ("dot", "ramp", "checkerboard", "edge"):
        numbers.select_option(key)
        lab.image = preset(key, 4, 4)
        agrees(page, lab)
        expect(numbers).to_have_value(key)
    numbers.select_option("")  # there are none of their own yet
    expect(numbers).to_have_value("edge")
    page.get_by_label(re.compile("^pixel, row 0, column 0")).fill("−2,5")
    page.get_by_label(re.compile("^pixel, row 3, column 3")).fill("12")
    page.get_by_label(re.compile("^pixel, row 1, column 1")).focus()  # only then is it written anew
    lab.image = [[-2.5, *lab.image[0][1:]], *lab.image[1:3], [*lab.image[3][:3], 12.0]]
    agrees(page, lab)
    expect(numbers).to_have_value("")
    page.get_by_label(re.compile("^pixel, row 0, column 0")).fill("x")
    expect(page.get_by_label(re.compile("^pixel, row 0, column 0"))).to_have_attribute("aria-invalid", "true")
    page.get_by_label(re.compile("^pixel, row 1, column 1")).focus()
    expect(page.get_by_label(re.compile("^pixel, row 0, column 0"))).to_have_value("−2.5")
    agrees(page, lab)


def test_numbers_that_were_cut_off_or_replaced_come_back(opened: Callable[..., Page]) -> None:
    own = np.arange(36.0).reshape(6, 6)
    page, lab = opened(labs.upsampling(own)), labs.upsampling(own)
    slide(page, "image, rows", 2)
    lab.image = own[:2, :2].tolist()
    agrees(page, lab)
    page.get_by_label("numbers", exact=True).select_option("ramp")
    slide(page, "image, rows", 3)
    lab.image = preset("ramp", 3, 3)
    agrees(page, lab)
    page.get_by_label("numbers", exact=True).select_option("")
    lab.image = own[:3, :3].tolist()
    agrees(page, lab)
    slide(page, "image, columns", 6)
    lab.image = own.tolist()
    agrees(page, lab)


def test_small_images_that_look_alike_grow_back_to_what_they_were(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.upsampling()), labs.upsampling()
    numbers = page.get_by_label("numbers", exact=True)
    numbers.select_option("ramp")
    slide(page, "image, rows", 2)
    lab.image = [[0.0, 1.0]] * 2  # an edge, too
    agrees(page, lab)
    expect(numbers).to_have_value("ramp")
    slide(page, "image, rows", 5)
    lab.image = preset("ramp", 5, 5)
    agrees(page, lab)
    page.get_by_label(re.compile("^pixel, row 4, column 4")).fill("9")
    slide(page, "image, rows", 2)  # the reader's own are an edge as well
    slide(page, "image, rows", 5)
    lab.image[4][4] = 9.0
    agrees(page, lab)


def test_walking_and_playing_through_the_output(opened: Callable[..., Page]) -> None:
    settings: dict[str, Any] = {"size": (2, 3), "mode": "area"}
    page, lab = opened(labs.upsampling(**settings)), labs.upsampling(**settings)
    back, following = (page.get_by_role("button", name=name) for name in ("back one pixel", "next pixel"))
    expect(back).to_be_disabled()
    for place in (1, 2, 3):
        following.click()
        lab.position = [place // 3, place % 3]
        agrees(page, lab)
    back.click()
    lab.position = [0, 2]
    agrees(page, lab)
    page.locator("button[aria-label^='output, row 1, column 1']").click()
    lab.position = [1, 1]
    agrees(page, lab)
    stop_the_clock(page)
    page.get_by_role("button", name="play through all output pixels").click()
    expect(page.locator(".lab-sum")).to_have_attribute("aria-live", "off")
    page.clock.run_for(800)
    lab.position = [1, 2]
    agrees(page, lab)
    expect(following).to_be_disabled()
    page.clock.run_for(800)
    expect(page.locator(".lab-sum")).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="play through all output pixels").click()  # from the beginning
    lab.position = [0, 0]
    agrees(page, lab)
    page.clock.run_for(1500)
    lab.position = [0, 2]
    agrees(page, lab)
    page.get_by_role("button", name="pause").click()
    page.clock.run_for(3000)
    agrees(page, lab)
    slide(page, "output, rows", 1)
    slide(page, "output, columns", 1)
    lab.size = [1, 1]  # its only pixel is chosen
    agrees(page, lab)
    expect(page.get_by_role("button", name="play through all output pixels")).to_be_disabled()
    slide(page, "output, columns", 3)
    lab.size = [1, 3]
    agrees(page, lab)


@pytest.mark.parametrize("corners", [False, True])
def test_strip_is_dragged_along(corners: bool, opened: Callable[..., Page]) -> None:
    settings: dict[str, Any] = {"mode": "bilinear", "align_corners": corners, "position": (2, 0)}
    page, lab = opened(labs.upsampling(**settings)), labs.upsampling(**settings)
    strip = page.locator(".lab-strip")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box

    def ring(column: int) -> tuple[float, float]:
        at = strip.evaluate(STRIP)["rings"][column]
        return box["x"] + box["width"] * at[0] / 100, box["y"] + 80

    page.mouse.move(*ring(5))  # a hand that only passes by
    agrees(page, lab)
    page.mouse.down()
    lab.position = [2, 5]
    agrees(page, lab)
    for column in (6, 2, 7):
        page.mouse.move(*ring(column))
        lab.position = [2, column]
        agrees(page, lab)
    page.mouse.move(box["x"] + box["width"] + 40, box["y"] + 80)
    agrees(page, lab)
    page.mouse.up()
    page.mouse.move(*ring(1))
    agrees(page, lab)


def test_fingers_choose_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.upsampling(), width=390, touch=True), labs.upsampling()
    page.get_by_label("bicubic", exact=True).tap()
    lab.mode = "bicubic"
    page.locator("button[aria-label^='output, row 4, column 2']").tap()
    lab.position = [4, 2]
    agrees(page, lab)
    strip = page.locator(".lab-strip")
    box = strip.bounding_box()
    assert box
    strip.tap(position={"x": box["width"] * strip.evaluate(STRIP)["rings"][6][0] / 100, "y": 100})
    lab.position = [4, 6]
    agrees(page, lab)
    page.get_by_label("align_corners").tap()
    lab.align_corners = True
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.upsampling(mode="bilinear")), labs.upsampling(mode="bilinear")

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        ).startswith(name)

    keys("Tab", "ArrowRight")
    focused("bicubic")
    lab.mode = "bicubic"
    agrees(page, lab)
    keys("Tab", "Space")
    focused("align_corners")
    keys("Tab", "Space")
    focused("antialias")
    lab.align_corners, lab.antialias = True, True
    agrees(page, lab)
    keys("Tab", "ArrowRight")
    focused("image, rows")
    lab.image = preset("edge", 5, 5)
    keys("Tab", "Tab", "ArrowLeft", "ArrowLeft")
    focused("output, rows")
    lab.size = [6, 6]
    agrees(page, lab)
    keys("Tab", "Tab", "ArrowDown")
    focused("numbers")
    lab.image = preset("dot", 5, 5)
    agrees(page, lab)
    keys("Tab", "Space")
    focused("rows and columns together")
    keys("Tab", "ArrowDown", "ArrowRight", "9", "9")
    focused("pixel, row 1, column 1")
    lab.image[1][1] = 99.0
    agrees(page, lab)
    keys("Tab", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp")
    focused("output, row 1, column 1")
    lab.position = [1, 1]
    agrees(page, lab)
    keys("Tab", "Tab", "Tab", "Enter")
    focused("next pixel")
    lab.position = [1, 2]
    agrees(page, lab)


def test_controls_and_strip_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.upsampling(mode="bicubic"), width=390)

    def tops(element: Locator, act: Callable[[Any], None], values: Any) -> set[float]:
        found = set()
        for value in values:
            act(value)
            found.add(element.evaluate("one => one.getBoundingClientRect().top + scrollY"))
        return found

    for label in ("image, rows", "output, rows", "image, columns"):
        one = page.get_by_label(label)
        assert len(tops(one, one.fill, ("2", "6", "4"))) == 1, label
    radio = page.get_by_label("nearest", exact=True)
    assert len(tops(radio, lambda mode: page.get_by_label(mode, exact=True).click(), MODES)) == 1
    page.get_by_label("bicubic", exact=True).click()
    following = page.get_by_role("button", name="next pixel")
    for element in (page.locator(".lab-strip"), following):
        assert len(tops(element, lambda _: following.click(), range(7))) == 1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    settings: dict[str, Any] = {"mode": "bilinear", "size": (4, 7)}
    page, lab = opened(labs.upsampling(**settings)), labs.upsampling(**settings)
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("button", name="next pixel").click()
    lab.position = [0, 1]
    agrees(page, lab)
    assert set(page.evaluate("said")) == {
        f"row 0, column 1: {lab.sum_in_words()}", lab.reading_in_words(), lab.place_in_words(1),
    }  # fmt: skip


def test_labs_on_one_page_do_not_share_their_choices(opened: Callable[..., Page]) -> None:
    page = opened(labs.upsampling(), labs.upsampling(mode="area"))
    first, second = page.locator(".lab").all()
    first.get_by_label("bicubic", exact=True).click()
    expect(second.get_by_label("area", exact=True)).to_be_checked()
    expect(first.get_by_label("bicubic", exact=True)).to_be_checked()


LABS: dict[str, dict[str, Any]] = {
    "to begin with": {},
    "large": {"image": np.random.default_rng(3).normal(size=(6, 6)).round(2), "size": 12, "mode": "bicubic",
              "position": (5, 6)},
    "corners": {"image": [[0, 1]] * 2, "size": 12, "mode": "bilinear", "align_corners": True},
    "small": {"size": 1, "mode": "area"},
    "shrunk": {"image": np.indices((6, 6)).sum(axis=0) % 2, "size": (2, 3), "mode": "bilinear"},
    "flat": {"image": np.zeros((2, 3)), "size": (3, 2), "mode": "bicubic"},
    "both options": {"size": (12, 2), "mode": "bicubic", "align_corners": True, "antialias": True},
}  # fmt: skip


@pytest.mark.parametrize("width", [350, 360, 720])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_all_is_shown_without_scrolling_the_page(
    settings: dict[str, Any], width: int, opened: Callable[..., Page]
) -> None:
    lab = labs.upsampling(**settings)
    page = opened(lab, width=width)
    agrees(page, lab)
    assert page.evaluate(OVERFLOW) == []
    boxes = page.locator(
        ".lab :is(button, select, input:not([type=checkbox], [type=radio])):not(.lab-grid *), .lab label"
    ).evaluate_all("""all => all.filter(one => one.checkVisibility()).map(one => {
        const {width, height} = one.getBoundingClientRect();
        return [Math.min(width, height), one.outerHTML];
    })""")
    assert [html for size, html in boxes if size < 24] == []
    clipped = page.locator(".lab-grid > *").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.outerHTML)"
    )
    assert clipped == []
    if width == 720:  # the output beside the image
        tops = page.locator(".lab-arrays figure").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().top)"
        )
        assert tops[0] == tops[2] < tops[1]
    hidden = page.locator(".lab-arrays").evaluate("one => one.scrollWidth - one.clientWidth")
    assert hidden <= 0
    # Numbers of the strip stand apart, and inside it.
    boxes = page.locator(".lab-strip text").evaluate_all(
        """all => all.map(one => {
            const {left, right, top, bottom} = one.getBoundingClientRect();
            return [left, right, top, bottom, one.textContent];
        })"""
    )
    for at, (left, right, top, bottom, text) in enumerate(boxes):
        assert left >= 0 and right <= width
        for other_left, other_right, other_top, other_bottom, other in boxes[:at]:
            assert (
                right <= other_left + 1 or other_right <= left + 1
                or bottom <= other_top + 4 or other_bottom <= top + 4
            ), (text, other)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.upsampling(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_marks_of_the_strip_are_drawn_in_colours(opened: Callable[..., Page]) -> None:
    for theme in ("light", "dark"):
        page = opened(labs.upsampling(mode="bicubic", position=(3, 3)), theme=theme)
        look = page.locator(".lab-strip").evaluate("""strip => Object.fromEntries(
            ["curve", "source", "ring", "ring.chosen", "above", "below", "pixel", "guide"].map(one => {
                const {stroke, fill, strokeDasharray} = getComputedStyle(strip.querySelector(`.lab-${one}`));
                return [one, [stroke, fill, strokeDasharray]];
            }))""")
        strokes = {name: stroke for name, (stroke, _, _) in look.items() if name != "source"}
        assert "none" not in strokes.values()
        assert len({strokes[name] for name in ("curve", "ring", "ring.chosen")}) == 3
        assert strokes["above"] != strokes["below"]
        assert look["source"][1] not in ("none", look["ring"][1])
        assert look["above"][2] == "none" != look["below"][2]  # not by colour alone


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.upsampling())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.upsampling(size=(3, 5), mode="bicubic", position=(1, 2))
    with browser.new_context(java_script_enabled=False, viewport={"width": 720, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for words in (
            lab.mode_in_words(), lab.sum_in_words(), lab.reading_in_words(), lab.range_in_words(),
            lab.place_in_words(0), lab.place_in_words(1), lab.strip_in_words(),
        ):  # fmt: skip
            expect(page.get_by_text(words).first).to_be_visible()
        table = page.locator("table", has=page.locator("caption:text('Output 3 × 5')"))
        numbers = [float(text.replace("−", "-")) for text in table.locator("td").all_inner_texts()]
        assert close(numbers, lab.output)
