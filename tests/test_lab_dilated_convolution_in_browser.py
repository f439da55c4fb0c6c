"""The dilated convolution lab in a real browser: every control, by hand and by keyboard, against convlib."""

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
    painted,
    stop_the_clock,
    write_labs_page,
)
from lab_script import call
from playwright.sync_api import Browser, Page, expect

from convlib import labs
from convlib.labs import DilatedConvolutionLab

__all__ = ["browser", "opened"]  # fixtures

NAME = "dilated_convolution"
READ = """() => {
    const lab = document.querySelector(".lab");
    const path = name => lab.querySelector(`path.lab-${name}`).getAttribute("d") ?? "";
    const pixels = [...lab.querySelectorAll(".lab-pixels > span")];
    return {
        texts: pixels.map(one => one.querySelector("b").textContent),
        titles: pixels.map(one => one.title),
        bars: pixels.map(one => parseFloat(one.querySelector("i").style.height)),
        holes: pixels.map(one => one.matches(".hole")),
        shared: pixels.map(one => one.matches(".shared")),
        paths: Object.fromEntries(["all", "taps", "tap-dots", "beside", "beside-dots", "chosen"].map(
            name => [name, path(name)])),
    };
}"""


def in_numbers(path: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?[\d.]+", path)]


def dots(path: str) -> set[tuple[int, int]]:
    """Units and levels, from an SVG path of dots."""
    values = in_numbers(path)
    return {(int(x - 0.5), int(y)) for x, y in zip(values[::3], values[1::3], strict=True)}


def lines(path: str) -> set[tuple[int, int, int]]:
    """Levels, units above and units below, from an SVG path of lines."""
    values = in_numbers(path)
    ends = [values[at::4] for at in range(4)]
    assert all(down == up + 1 for up, down in zip(ends[1], ends[3], strict=True))
    return {(int(y), round(x - 0.5), round(to - 0.5)) for x, y, to in zip(*ends[:3], strict=True)}


def tree(lab: DilatedConvolutionLab, unit: int) -> tuple[set[tuple[int, int]], set[tuple[int, int, int]]]:
    """The units that are reached and the taps, counted by hand."""
    reached, found, taps = {unit}, {(unit, 0)}, set()
    for level, d in enumerate(reversed(lab.dilations)):
        before = d * (lab.kernel_size - 1) // (1 if lab.causal else 2)
        ends = {(one, one - before + t * d) for one in reached for t in range(lab.kernel_size)}
        taps |= {(level, one, to) for one, to in ends}
        reached = {to for _, to in ends if 0 <= to < lab.size}
        found |= {(one, level + 1) for one in reached}
    return found, taps


def agrees(page: Page, lab: DilatedConvolutionLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    unit, beside, n, ways = lab._unit, lab._beside, lab.size, lab.ways
    count = len(lab.dilations)
    expect(page.locator(".lab-sum")).to_have_text(lab.field_in_words())
    for words in (lab.unit_in_words(), lab.neighbour_in_words(), lab.ways_in_words(), lab.picture_in_words()):
        expect(page.get_by_text(words, exact=True)).to_be_visible()
    expect(page.locator(".lab-coverage strong")).to_have_text(lab.verdict_in_words())
    expect(page.locator(".lab-coverage")).to_have_text(f"{lab.verdict_in_words()} {lab.reason_in_words()}")
    expect(page.locator(".lab-weights")).to_have_text(lab.weights_in_words())
    # Controls and tables
    for name, value in (("kernel size", lab.kernel_size), ("layers", count), ("output unit", unit)):
        expect(page.get_by_role("slider", name=name, exact=True)).to_have_value(str(value))
    expect(page.get_by_label("output unit")).to_have_attribute("max", str(n - 1))
    expect(page.get_by_label("causal")).to_be_checked(checked=lab.causal)
    expect(page.get_by_label("draw the neighbour")).to_be_checked(checked=lab.neighbour)
    stacks = call(NAME, "(() => Object.entries(STACKS).map(([key, [, one]]) => [key, one]))")
    own = {"kernel_size": lab.kernel_size, "dilations": lab.dilations, "causal": lab.causal}
    chosen = next((key for key, settings in stacks if settings == own), "")
    expect(page.get_by_label("stack", exact=True)).to_have_value(chosen)
    rows = page.locator(".lab-layers tbody tr:visible")
    expect(rows).to_have_count(count)
    for at, row in enumerate(rows.all()):
        assert row.locator("input").input_value() == str(lab.dilations[at])
        cells = (at + 1, lab.dilations[at], lab.extents[at], lab.receptive_fields[at])
        assert row.locator("th, td").all_inner_texts() == [str(one) for one in cells]
    compared = page.locator(".lab-comparison")
    expect(compared.locator("caption")).to_have_text(lab._caption)
    assert compared.locator("tbody :is(th, td)").all_inner_texts() == [
        text for name, row in lab.comparison.items() for text in (name, *(f"{one:,}" for one in row))
    ]
    # The drawing
    shown = page.evaluate(READ)
    assert shown["texts"] == [f"{one:,}" if one else "" for one in ways.tolist()]
    assert shown["bars"] == pytest.approx((100 * ways / ways.max()).tolist(), rel=1e-4)
    read = np.flatnonzero(ways)
    inside = (np.arange(n) > read[0]) & (np.arange(n) < read[-1])
    assert shown["holes"] == (inside & (ways == 0)).tolist()
    assert shown["shared"] == (lab._ways_from(beside) * lab.neighbour > 0).tolist()
    for at, (title, one) in enumerate(zip(shown["titles"], ways.tolist(), strict=True)):
        words = f"{one:,} way{'' if one == 1 else 's'}" if one else "not read"
        assert title == f"pixel {at}: {words}"
    paths = shown["paths"]
    assert dots(paths["all"]) == {(at, level) for at in range(n) for level in range(count + 1)}
    assert dots(paths["chosen"]) == {(unit, 0)}
    assert (dots(paths["tap-dots"]), lines(paths["taps"])) == tree(lab, unit)
    neighbours = tree(lab, beside) if lab.neighbour else (set(), set())
    assert (dots(paths["beside-dots"]), lines(paths["beside"])) == neighbours
    assert page.locator(".lab-gutter span").all_inner_texts() == [
        f"unit {unit}", *(f"d = {d}" for d in reversed(lab.dilations)), "ways"
    ]  # fmt: skip
    legend = page.locator(".lab-note").first
    for word, is_there in (("hatched: a hole", any(shown["holes"])), ("blue: the neighbour", lab.neighbour)):
        assert (word in legend.inner_text()) == is_there
    # The map
    opacity = painted(page.locator("canvas"))[..., 3]
    block = -(-lab.receptive_field // 160)
    squares = np.add.reduceat(lab.coverage > 0, np.arange(0, lab.receptive_field, block)) > 0
    assert np.array_equal(opacity > 0, np.outer(squares, squares))
    assert opacity.max() == 255
    centre = page.locator(".lab-map").evaluate("one => one.style.getPropertyValue('--at')")
    assert float(centre) == pytest.approx((lab._home - 4) / block)
    expect(
        page.get_by_role("button", name=f"back to the {'end' if lab.causal else 'middle'}")
    ).to_be_visible()
    expect(page.locator("canvas")).to_have_attribute(
        "aria-label", re.compile(re.escape(lab.picture_in_words()))
    )
    scale = page.get_by_text("A square of the map is")
    expect(scale).to_have_count(int(block > 1))
    if block > 1:
        expect(scale).to_contain_text(f"{block} × {block} pixels")


def slide(page: Page, name: str, value: int) -> None:
    page.get_by_role("slider", name=name, exact=True).fill(str(value))


def test_every_slider(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution()), labs.dilated_convolution()
    agrees(page, lab)
    for k in (2, 4, 5, 3):
        slide(page, "kernel size", k)
        lab.kernel_size = k
        agrees(page, lab)
    for at, d in ((0, 3), (1, 16), (2, 1), (1, 9), (0, 1)):
        slide(page, f"dilation of layer {at + 1}", d)
        lab.dilations = [d if one == at else old for one, old in enumerate(lab.dilations)]
        agrees(page, lab)
    for unit in (0, 7, lab.size - 1, lab.size - 2):
        slide(page, "output unit", unit)
        lab.position = unit
        agrees(page, lab)


def test_layers_that_were_taken_away_come_back_as_they_were(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(dilations=(1, 3, 7))), labs.dilated_convolution()
    slide(page, "dilation of layer 3", 6)
    for count, dilations in (
        (1, [1]),
        (2, [1, 3]),
        (3, [1, 3, 6]),
        (4, [1, 3, 6, 12]),
        (6, [1, 3, 6, 12, 16, 16]),
        (2, [1, 3]),
        (5, [1, 3, 6, 12, 16]),
    ):
        slide(page, "layers", count)
        lab.dilations = dilations
        agrees(page, lab)


def test_every_stack_of_the_menu(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(position=2)), labs.dilated_convolution(position=2)
    stacks = call(NAME, "(() => STACKS)")
    assert len(stacks) == 6
    for key, (_, settings) in stacks.items():
        page.get_by_label("stack", exact=True).select_option(key)
        for name, value in settings.items():
            setattr(lab, name, value)
        lab.position = None
        agrees(page, lab)
    slide(page, "dilation of layer 2", 3)
    expect(page.get_by_label("stack", exact=True)).to_have_value("")
    page.get_by_label("stack", exact=True).select_option("doubling")
    lab = labs.dilated_convolution()
    agrees(page, lab)
    page.get_by_label("stack", exact=True).select_option("")  # no stack of its own: nothing changes
    agrees(page, lab)


def test_causal_and_neighbour(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(dilations=(2, 4))), labs.dilated_convolution(dilations=(2, 4))
    for causal, neighbour in ((True, False), (True, True), (False, True), (False, False)):
        page.get_by_label("causal").set_checked(causal)
        page.get_by_label("draw the neighbour").set_checked(neighbour)
        lab.causal, lab.neighbour = causal, neighbour
        agrees(page, lab)


def test_a_changed_stack_keeps_its_unit_as_seen_from_the_middle(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(position=13)), labs.dilated_convolution(position=13)
    assert lab._home == 11
    slide(page, "dilation of layer 3", 5)
    lab.dilations, lab.position = [1, 2, 5], 14
    agrees(page, lab)
    page.get_by_label("causal").check()
    lab.causal, lab.position = True, 22
    agrees(page, lab)
    slide(page, "output unit", 24)
    slide(page, "layers", 1)  # the line now ends before the unit's place
    lab.dilations, lab.position = [1], 10
    assert lab.size == 11
    agrees(page, lab)
    page.get_by_role("button", name="back to the end").click()
    lab.position = None
    agrees(page, lab)


@pytest.mark.parametrize("width", [360, 720])
def test_the_drawing_takes_the_unit_along(width: int, opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(), width=width), labs.dilated_convolution()
    box = page.locator(".lab-line svg").bounding_box()
    assert box
    step = box["width"] / (lab.size + 3)
    top, bottom = box["y"] + 5, box["y"] + box["height"] - 5

    def middle(unit: int) -> float:
        return box["x"] + step * (unit + 2)

    for unit in (0, 5, 22):
        page.mouse.click(middle(unit), bottom)
        lab.position = unit
        agrees(page, lab)
    page.mouse.move(middle(20), top)
    page.mouse.down()
    for unit in (17, 12, 3):
        page.mouse.move(middle(unit), top)
        lab.position = unit
        agrees(page, lab)
    page.mouse.move(1, top)  # beyond the line: its first unit
    lab.position = 0
    agrees(page, lab)
    page.mouse.up()
    page.mouse.move(middle(9), top)
    agrees(page, lab)


def test_a_finger_takes_the_unit_along(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(), width=360, touch=True), labs.dilated_convolution()
    box = page.locator(".lab-line svg").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] * (6 + 2) / (lab.size + 3), box["y"] + 30)
    lab.position = 6
    agrees(page, lab)


@pytest.mark.parametrize("settings", [{}, {"kernel_size": 5, "dilations": [16] * 6}, {"dilations": [1]}])
def test_slider_of_the_unit_stands_above_it(settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.dilated_convolution(**settings))
    slider, drawing = (page.locator(f".lab-line > {one}").bounding_box() or {} for one in ("input", "svg"))
    n = labs.dilated_convolution(**settings).size
    unit = drawing["width"] / (n + 3)
    thumb = 16
    assert slider["x"] + thumb / 2 == pytest.approx(drawing["x"] + 2 * unit, abs=1)
    assert slider["width"] - thumb == pytest.approx((n - 1) * unit, abs=1)
    first = page.locator(".lab-pixels > span").first.bounding_box() or {}
    assert first["x"] + first["width"] / 2 == pytest.approx(drawing["x"] + 2 * unit, abs=1)
    labels = page.locator(".lab-gutter span").all()
    assert all((one.bounding_box() or {})["width"] <= 56 for one in labels)


def test_some_pixels_have_their_number_below_them_fewer_on_a_long_line(opened: Callable[..., Page]) -> None:
    page = opened(labs.dilated_convolution(3, [1, 2, 4]))
    for last, step in ((4, 5), (16, 10), (4, 5)):
        slide(page, "dilation of layer 3", last)
        size = 2 * (1 + 2 + last) + 1 + 8
        pixels = page.locator(".lab-pixels > span")
        expect(pixels).to_have_count(size)
        below = [each.all_text_contents() for each in (pixels.nth(at).locator("small") for at in range(size))]
        assert below == [[str(at)] if at % step == 0 else [] for at in range(size)]


def test_long_lines_begin_where_their_unit_is_seen(opened: Callable[..., Page]) -> None:
    lab = labs.dilated_convolution(5, [16] * 6)
    page = opened(lab, width=360)
    agrees(page, lab)
    scroller = page.locator(".lab-scroller")

    def place() -> float:
        return scroller.evaluate(
            "(one, share) => (one.scrollWidth * share - one.scrollLeft) / one.clientWidth",
            (lab._unit + 2) / (lab.size + 3),
        )

    assert place() == pytest.approx(0.5, abs=0.02)
    slide(page, "output unit", 392)
    lab.position = 392
    agrees(page, lab)
    stop_the_clock(page)
    page.get_by_role("button", name="play along the line").click()
    page.clock.run_for(500)
    lab.position = 1
    agrees(page, lab)
    assert 0 < place() < 1


def test_playing_along_the_line(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution(dilations=[1])), labs.dilated_convolution(dilations=[1])
    stop_the_clock(page)
    play = page.get_by_role("button", name="play along the line")
    sentence = page.get_by_text("ways down from unit")
    play.click()
    expect(sentence).to_have_attribute("aria-live", "off")
    page.clock.run_for(900)
    lab.position = 7
    agrees(page, lab)
    page.get_by_role("button", name="pause").click()
    expect(sentence).to_have_attribute("aria-live", "polite")
    page.clock.run_for(2000)
    agrees(page, lab)
    play.click()
    page.clock.run_for(10_000)
    lab.position = 10
    agrees(page, lab)
    expect(sentence).to_have_attribute("aria-live", "polite")  # at the end it has stopped by itself
    play.click()  # and begins anew
    lab.position = 0
    agrees(page, lab)
    page.clock.run_for(500)
    lab.position = 1
    agrees(page, lab)
    slide(page, "output unit", 4)  # by hand: it stops
    lab.position = 4
    page.clock.run_for(2000)
    agrees(page, lab)
    page.get_by_role("button", name="back to the middle").click()
    lab.position = None
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution()), labs.dilated_convolution()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        ).startswith(name)

    keys("Tab")
    focused("stack")
    keys("ArrowUp")
    lab.dilations = [2, 2, 2]
    agrees(page, lab)
    keys("Tab", "Space")
    focused("causal")
    lab.causal = True
    keys("Tab", "ArrowRight")
    focused("kernel size")
    lab.kernel_size = 4
    keys("Tab", "ArrowLeft")
    focused("layers")
    lab.dilations = [2, 2]
    agrees(page, lab)
    keys("Tab", "ArrowLeft", "Tab", "ArrowRight", "ArrowRight")
    focused("dilation of layer 2")
    lab.dilations = [1, 4]
    agrees(page, lab)
    keys("Tab", "ArrowLeft", "ArrowLeft")
    focused("output unit")
    lab.position = lab._home - 2
    agrees(page, lab)
    keys("Home")
    lab.position = 0
    agrees(page, lab)
    keys("Tab")
    focused("play")
    keys("Tab", "Enter")
    focused("back to the end")
    lab.position = None
    agrees(page, lab)
    keys("Tab", "Space")
    lab.neighbour = True
    agrees(page, lab)


def test_controls_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.dilated_convolution(dilations=(2, 2, 2)), width=360)
    for label, values in (
        ("kernel size", "253"),
        ("layers", "1643"),
        ("dilation of layer 1", ["16", "1"]),
        ("dilation of layer 3", ["1", "16"]),
        ("output unit", ["0", "1", "20"]),
    ):
        slider = page.get_by_role("slider", name=label, exact=True)
        tops = set()
        for value in values:
            slider.fill(value)
            tops.add(slider.evaluate("one => one.getBoundingClientRect().top + scrollY"))
        assert len(tops) == 1, label
    box, tops = page.get_by_label("draw the neighbour"), set()
    for checked in (True, False):
        box.set_checked(checked)
        tops.add(box.evaluate("one => one.getBoundingClientRect().top + scrollY"))
    assert len(tops) == 1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.dilated_convolution()), labs.dilated_convolution()
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    slide(page, "output unit", 12)
    lab.position = 12
    agrees(page, lab)
    assert page.evaluate("said") == [lab.unit_in_words(), lab.neighbour_in_words()]


def test_labs_on_one_page_do_not_share_their_state(opened: Callable[..., Page]) -> None:
    page = opened(labs.dilated_convolution(), labs.dilated_convolution(dilations=(1, 3), causal=True))
    first, second = page.locator(".lab").all()
    first.get_by_label("stack", exact=True).select_option("gridding")
    first.get_by_label("dilation of layer 1").fill("5")
    first.get_by_label("stack", exact=True).select_option("doubling")
    first.get_by_label("stack", exact=True).select_option("gridding")
    expect(first.get_by_label("dilation of layer 1")).to_have_value("2")  # a stack is not what was made of it
    expect(second.get_by_label("causal")).to_be_checked()
    expect(second.locator(".lab-sum")).to_contain_text("(1 + 3) = 9 pixels")


LABS: dict[str, dict[str, Any]] = {
    "to begin with": {},
    "small": {"kernel_size": 2, "dilations": [1], "neighbour": True},
    "gridding": {"dilations": (2, 2, 2), "neighbour": True, "position": 0},
    "causal": {"kernel_size": 2, "dilations": (1, 2, 4, 8), "causal": True},
    "deep": {"dilations": (1, 2, 4, 8, 16, 1)},
    "largest": {"kernel_size": 5, "dilations": [16] * 6, "neighbour": True},
}


@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling_the_page(
    settings: dict[str, Any], opened: Callable[..., Page]
) -> None:
    lab = labs.dilated_convolution(**settings)
    page = opened(lab, width=350)
    agrees(page, lab)
    assert page.evaluate(OVERFLOW) == []
    boxes = page.locator(
        ".lab :is(button, select, input:not([type=checkbox], [type=radio])), .lab label"
    ).evaluate_all("""all => all.filter(one => one.checkVisibility()).map(one => {
        const {width, height} = one.getBoundingClientRect();
        return [Math.min(width, height), one.outerHTML];
    })""")
    assert [html for size, html in boxes if size < 24] == []
    wide = page.locator(".lab :is(table, p, .lab-map)").evaluate_all(
        """all => all.filter(one => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right
            > one.closest(".lab").getBoundingClientRect().right).map(one => one.outerHTML.slice(0, 90))"""
    )
    assert wide == []
    if settings == {}:
        assert page.locator(".lab-scroller").evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("width", [350, 720, 1000])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_numbers_are_whole_or_not_there(
    settings: dict[str, Any], width: int, opened: Callable[..., Page]
) -> None:
    page = opened(labs.dilated_convolution(**settings), width=width)
    clipped = page.locator(".lab-pixels b").evaluate_all("""all => all.filter(one => {
        const size = parseFloat(getComputedStyle(one).fontSize);
        return size > 0 && (size < 6.5 || one.scrollWidth > one.clientWidth + 1);
    }).map(one => one.outerHTML)""")
    assert clipped == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.dilated_convolution(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.dilated_convolution())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.dilated_convolution(dilations=(2, 2, 2))
    with browser.new_context(java_script_enabled=False, viewport={"width": 720, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for words in (
            lab.field_in_words(),
            lab.verdict_in_words(),
            lab.reason_in_words(),
            lab.unit_in_words(),
            lab.ways_in_words(),
            lab.neighbour_in_words(),
            lab.picture_in_words(),
        ):
            expect(page.get_by_text(words).first).to_be_visible()
        expect(page.locator("pre")).to_contain_text("■ · ■ · ■ · ■ · ■ · ■ · ■")
        rows = page.locator("table").first.locator("tr").all()[1:]
        assert [row.locator("td").all_inner_texts() for row in rows] == [
            ["1", "2", "5", "5"], ["2", "2", "5", "9"], ["3", "2", "5", "13"],
        ]  # fmt: skip
