"""The receptive field lab in a real browser: every control, and what is drawn, against convlib's numbers."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import (
    LAYOUT_SHIFT,
    OVERFLOW,
    SETTLE,
    UNSEEN_FOCUS,
    accessibility_faults,
    browser,
    opened,
    stop_the_clock,
    write_labs_page,
)
from playwright.sync_api import Browser, Locator, Page, expect

from convlib import labs
from convlib.labs import ReceptiveFieldLab
from convlib.labs.receptive_field import KINDS, PRESETS

__all__ = ["browser", "opened"]  # fixtures

LIT = """canvas => {
    const {width, height} = canvas;
    const copy = Object.assign(document.createElement("canvas"), {width, height});
    const context = copy.getContext("2d", {willReadFrequently: true});
    context.drawImage(canvas, 0, 0);
    const {data} = context.getImageData(0, 0, width, height);
    const rows = new Set(), columns = new Set();
    let count = 0;
    for (let at = 0; at < width * height; at++) if (data[4 * at + 3] === 255) {
        rows.add(Math.floor(at / width)); columns.add(at % width); count++;
    }
    const sorted = set => [...set].sort((a, b) => a - b);
    return [width, sorted(rows), sorted(columns), count];
}"""
BOX = """one => {
    const {left, top, bottom, right} = one.getBoundingClientRect();
    return [top, bottom, left, right];
}"""
FRAMED = """one => {
    const {left, top, bottom, right} = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const border = side => parseFloat(style[`border${side}Width`]);
    return [top + border("Top"), bottom - border("Bottom"), left + border("Left"), right - border("Right")];
}"""
INSIDE = """one => {
    const {left, top} = one.getBoundingClientRect();
    const {clientLeft, clientTop, clientWidth, clientHeight} = one;
    return [top + clientTop, left + clientLeft, clientWidth, clientHeight];
}"""


def frame(page: Page, part: str, lab: ReceptiveFieldLab) -> list[float]:
    """Top, bottom, left and right of what a part frames of the photograph, in its pixels."""
    top, bottom, left, right = page.locator(f".lab-scene:not(.lab-map) > {part}").evaluate(FRAMED)
    first, _, start, end = page.locator(".lab-scene:not(.lab-map) > canvas").evaluate(BOX)
    pixel = (end - start) / lab.size
    return [(top - first) / pixel, (bottom - first) / pixel, (left - start) / pixel, (right - start) / pixel]


def agrees(page: Page, lab: ReceptiveFieldLab) -> None:
    """All that the page writes and draws is what Python computes for the same state."""
    expect(page.locator(".lab-unit-words")).to_have_text(lab.unit_in_words())
    expect(page.locator(".lab-pixel-words")).to_have_text(lab.pixel_in_words())
    expect(page.locator(".lab-summary")).to_have_text(lab.summary())
    formulas = [text for text in page.locator(".lab-formula").all_inner_texts() if text]
    assert formulas == (lab.recurrence() or ["A pixel sees itself: field 1, jump 1, start 0."])
    problem = f"Layer {len(lab.steps) + 1}: {lab.problem}" if lab.problem else ""
    expect(page.locator(".lab-problem")).to_have_text(problem)

    lines = page.locator(".lab-stack tbody tr").evaluate_all(
        "all => all.map(line => [...line.cells].filter(one => !one.hidden).map(one => one.textContent))"
    )
    assert len(lines) == len(lab.rows)
    for number, (line, row) in enumerate(zip(lines, lab.rows, strict=True)):
        assert line[:2] == [str(number), row.layer]
        if row.problem:
            assert line[2:] == [row.problem]
            continue
        values = [text.replace("−", "-").replace(",", "") for text in line[2:]]
        assert [int(values[0]), int(values[1]), Fraction(values[2]), int(values[3])] == list(row[1:5])
        assert float(values[4]) == pytest.approx(float(row.centre), rel=1e-3)
    chosen = page.locator(".lab-stack tr.chosen input:checked")
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_value(str(min(lab.layer, len(lab.layers))))

    photo, map_ = (
        page.locator(f".lab-scene{which} > canvas").evaluate(LIT) for which in (":not(.lab-map)", ".lab-map")
    )
    for drawn, size, both in ((photo, lab.size, lab.read), (map_, lab._map, None)):
        rows, columns = both or lab.readers
        assert drawn[0] == size
        if both and rows and columns:
            assert drawn == [size, rows, columns, len(rows) * len(columns)]
        elif both:
            assert drawn[3] == 0
        else:  # units that look into the padding have no grey to light up
            assert set(drawn[1]) <= set(rows) and set(drawn[2]) <= set(columns)
            looked = np.floor(float(lab._field.centre) + np.arange(size) * float(lab._field.jump) + 0.5)
            inside = (looked >= 0) & (looked < lab.size)
            assert drawn[3] == inside[rows].sum() * inside[columns].sum()
    field = page.locator(".lab-scene > .lab-field")
    (down, across), size = lab.region, lab.size
    expect(field).to_be_visible(visible=down is not None and across is not None)
    if down and across:
        view = [-size, 2 * size]  # at most as much padding as photograph
        expected = [max(down[0], view[0]), min(down[1] + 1, view[1])]
        expected += [max(across[0], view[0]), min(across[1] + 1, view[1])]
        assert np.allclose(frame(page, ".lab-field", lab), expected, rtol=0, atol=0.1)
    i, j = lab._unit
    for what, pair in (("unit", (i, j)), ("pixel", lab._looked_at)):
        for axis, value in zip(("row", "column"), pair, strict=True):
            expect(page.get_by_label(f"{what}, {axis}")).to_have_value(str(value))
    box = page.locator(".lab-map > .lab-chosen").evaluate(BOX)
    top, left, width, _ = page.locator(".lab-map").evaluate(INSIDE)
    middle = [((box[0] + box[1]) / 2 - top) / width, ((box[2] + box[3]) / 2 - left) / width]
    assert np.allclose(np.multiply(middle, lab._map), [i + 0.5, j + 0.5], atol=0.5 + 0.02 * lab._map)
    layer = lab.layers[lab.layer - 1] if 0 < lab.layer <= len(lab.layers) else None
    if layer:
        for name, label in SETTINGS.items():
            expect(page.get_by_label(label)).to_have_value(str(layer[name]))


SETTINGS = {"k": "kernel k", "s": "stride s", "p": "padding p", "d": "dilation d"}


def slide(page: Page, name: str, value: int) -> None:
    page.get_by_label(name, exact=True).fill(str(value))


def choose(page: Page, number: int) -> None:
    page.get_by_label(f"layer {number}: ").check()


def look(page: Page, lab: ReceptiveFieldLab) -> None:
    """Python's lab looks at the unit and pixel that the page has chosen."""
    lab.position = [int(page.get_by_label(f"unit, {axis}").input_value()) for axis in ("row", "column")]
    lab.pixel = [int(page.get_by_label(f"pixel, {axis}").input_value()) for axis in ("row", "column")]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_stack_of_the_menu(preset: str, opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field([("conv", 3)], size=32))
    menu = page.get_by_label("stack")
    expect(menu).to_have_value("")
    menu.select_option(preset)
    lab = labs.receptive_field(preset=preset)
    expect(page.locator(".lab-summary")).to_have_text(lab.summary())
    lab.size = PRESETS[preset][0]
    look(page, lab)
    agrees(page, lab)
    assert abs(float(lab._field.centre + lab.position[0] * lab._field.jump) + 0.5 - lab.size / 2) <= max(
        0.5, float(lab._field.jump) / 2
    )
    expect(menu).to_have_value(preset)


def test_every_setting_of_a_layer(opened: Callable[..., Page]) -> None:
    layers = [("conv", 3, 1, 1), ("conv", 3, 2, 1), ("pool", 2, 2)]
    page, lab = opened(labs.receptive_field(layers)), labs.receptive_field(layers)
    agrees(page, lab)
    choose(page, 2)
    lab.layer = 2
    look(page, lab)
    agrees(page, lab)
    for name, values in {"k": (5, 1, 7), "s": (1, 4, 2), "p": (0, 5, 2), "d": (3, 1, 2)}.items():
        for value in values:
            slide(page, SETTINGS[name], value)
            lab.layers = [lab.layers[0], {**lab.layers[1], name: value}, lab.layers[2]]
            look(page, lab)
            agrees(page, lab)
    for kind in KINDS:
        page.get_by_label("kind").select_option(kind)
        lab.layers = [lab.layers[0], {**lab.layers[1], "kind": kind}, lab.layers[2]]
        look(page, lab)
        agrees(page, lab)
        for name, label in SETTINGS.items():
            enabled = name == "s" or kind not in ("upsample", "bilinear")
            expect(page.get_by_label(label)).to_be_enabled(enabled=enabled)
    page.get_by_label("kind").select_option("conv")
    lab.layers = [lab.layers[0], {**lab.layers[1], "kind": "conv"}, lab.layers[2]]
    look(page, lab)
    agrees(page, lab)  # what upsampling has no use for was kept


def test_enlarging_begins_with_a_factor_of_two(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.receptive_field()), labs.receptive_field()
    page.get_by_label("kind").select_option("bilinear")
    lab.layers = [*lab.layers[:2], {**lab.layers[2], "kind": "bilinear", "s": 2}]
    look(page, lab)
    agrees(page, lab)


def test_layers_are_added_copied_moved_and_removed(opened: Callable[..., Page]) -> None:
    layers = [("conv", 3, 2, 1), ("pool", 2, 2), ("conv", 5, 1, 2)]
    page, lab = opened(labs.receptive_field(layers)), labs.receptive_field(layers)
    first, second, third = lab.layers
    fresh = {"kind": "conv", "k": 3, "s": 1, "p": 1, "d": 1}

    def becomes(layer: int, *stack: Any) -> None:
        lab.layers, lab.layer = list(stack), layer
        look(page, lab)
        agrees(page, lab)

    def press(name: str) -> None:
        page.get_by_role("button", name=name).click()

    up, down = (page.get_by_role("button", name=f"move this layer {way}") for way in ("up", "down"))
    expect(down).to_be_disabled()
    press("move this layer up")
    becomes(2, first, third, second)
    press("move this layer up")
    becomes(1, third, first, second)
    expect(up).to_be_disabled()
    press("move this layer down")
    becomes(2, first, third, second)
    press("copy this layer")
    becomes(3, first, third, third, second)
    press("add a layer after this one")
    becomes(4, first, third, third, fresh, second)
    press("remove this layer")
    becomes(3, first, third, third, second)
    choose(page, 0)
    becomes(0, first, third, third, second)
    for name in ("copy this layer", "move this layer up", "move this layer down", "remove this layer"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    for label in (*SETTINGS.values(), "kind"):
        expect(page.get_by_label(label)).to_be_disabled()
    press("add a layer after this one")
    becomes(1, fresh, first, third, third, second)
    for rest in ([first, third, third, second], [third, third, second], [third, second], [second]):
        press("remove this layer")
        becomes(1, *rest)
    press("remove this layer")
    becomes(0)
    expect(page.get_by_role("button", name="play through all layers")).to_be_disabled()
    for _ in range(20):
        press("add a layer after this one")
    becomes(20, *[fresh] * 20)
    expect(page.get_by_role("button", name="add a layer after this one")).to_be_disabled()
    expect(page.get_by_role("button", name="copy this layer")).to_be_disabled()


def test_unit_and_pixel_by_sliders(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.receptive_field(preset="AlexNet")), labs.receptive_field(preset="AlexNet")
    for value in (0, 5, 2):
        slide(page, "unit, row", value)
        lab.position = [value, lab.position[1]]
        agrees(page, lab)
        slide(page, "unit, column", 5 - value)
        lab.position = [value, 5 - value]
        agrees(page, lab)
    for value in (0, 223, 60):
        slide(page, "pixel, row", value)
        lab.pixel = [value, lab.pixel[1]]
        agrees(page, lab)
        slide(page, "pixel, column", 223 - value)
        lab.pixel = [value, 223 - value]
        agrees(page, lab)


def press_at(page: Page, where: str, down: float, across: float, touch: bool = False) -> None:
    """Click or tap at shares of a picture."""
    box = page.locator(where).evaluate("one => one.scrollIntoView({block: 'center'})")
    top, left, width, height = page.locator(where).evaluate(INSIDE)
    del box
    click = page.touchscreen.tap if touch else page.mouse.click
    click(left + across * width, top + down * height)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_unit_and_pixel_in_the_pictures(touch: bool, opened: Callable[..., Page]) -> None:
    layers = [("conv", 3, 2, 0), ("conv", 3, 2, 0)]  # 32, 15, 7: nothing is drawn beyond one pixel of padding
    lab = labs.receptive_field(layers, size=32)
    page = opened(lab, touch=touch)
    for i, j in ((0, 6), (6, 0), (2, 5)):
        press_at(page, ".lab-map", (i + 0.5) / 7, (j + 0.5) / 7, touch)
        lab.position = [i, j]
        agrees(page, lab)
    for r, c in ((0, 0), (31, 4), (20, 30)):
        press_at(page, ".lab-scene:not(.lab-map)", (r + 1.5) / 34, (c + 1.5) / 34, touch)
        lab.pixel = [r, c]
        agrees(page, lab)
    press_at(page, ".lab-scene:not(.lab-map)", 0.5 / 34, 33.5 / 34, touch)  # in the padding
    lab.pixel = [0, 31]
    agrees(page, lab)


def test_unit_follows_the_mouse_that_is_dragged(opened: Callable[..., Page]) -> None:
    lab = labs.receptive_field([("conv", 3, 2, 0), ("conv", 3, 2, 0)], size=32)
    page = opened(lab)
    press_at(page, ".lab-map", 0.5 / 7, 0.5 / 7)
    top, left, width, height = page.locator(".lab-map").evaluate(INSIDE)
    page.mouse.down()
    page.mouse.move(left + 3.5 / 7 * width, top + 2.5 / 7 * height)
    lab.position = [2, 3]
    agrees(page, lab)
    page.mouse.move(left + 2 * width, top + 0.5 / 7 * height)  # beyond the edge
    lab.position = [0, 6]
    agrees(page, lab)
    page.mouse.up()
    page.mouse.move(left + 1.5 / 7 * width, top + 1.5 / 7 * height)
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.receptive_field()), labs.receptive_field()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        ).startswith(name)

    keys("Tab", "Tab")
    focused("rows and columns of the photograph")
    keys("Tab")
    focused("photograph")
    lab.pixel = [19, 14]
    keys("ArrowDown", "ArrowRight", "Shift+ArrowDown", "ArrowLeft", "ArrowLeft")
    lab.pixel = [30, 13]
    agrees(page, lab)
    keys("Tab")
    focused("back one layer")
    keys("Enter", "Enter")
    lab.layer = 1
    agrees(page, lab)
    keys("Tab", "Tab", "Enter")
    focused("next layer")
    lab.layer = 2
    agrees(page, lab)
    keys("Tab")
    focused("units")
    keys("ArrowUp", "Shift+ArrowRight", "ArrowRight")
    lab.position = [23, 35]
    agrees(page, lab)
    keys("Tab", "ArrowDown")
    lab.layers = [lab.layers[0], {**lab.layers[1], "kind": "pool"}, lab.layers[2]]
    agrees(page, lab)
    keys("Tab", "Enter")
    focused("add a layer")
    lab.layers = [*lab.layers[:2], lab.layers[2], lab.layers[2]]
    lab.layer = 3
    agrees(page, lab)
    keys("Tab", "Tab", "Enter")
    focused("move this layer up")
    lab.layer, lab.layers = 2, [lab.layers[0], lab.layers[2], lab.layers[1], lab.layers[3]]
    agrees(page, lab)
    keys("Tab", "Tab", "Tab", "ArrowRight", "ArrowRight")
    focused("kernel k")
    keys("Tab", "Tab", "ArrowRight", "Tab", "ArrowRight")
    focused("dilation d")
    lab.layers = [lab.layers[0], {**lab.layers[1], "k": 5, "p": 2, "d": 2}, *lab.layers[2:]]
    look(page, lab)
    agrees(page, lab)
    keys("Tab", "ArrowRight", "Tab", "Tab", "Tab", "ArrowLeft")
    focused("pixel, column")
    lab.position, lab.pixel = [lab.position[0] + 1, lab.position[1]], [30, 12]
    agrees(page, lab)
    keys("Tab")
    focused("layer 2")
    keys("ArrowDown", "ArrowDown")
    focused("layer 4")
    lab.layer = 4
    look(page, lab)
    agrees(page, lab)


def test_the_place_is_kept_from_layer_to_layer(opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field(preset="VGG-16", layer=1, position=(50, 160), pixel=(10, 200)))
    lab = labs.receptive_field(preset="VGG-16")
    for number in (18, 5, 12, 0, 18):
        choose(page, number)
        lab.layer = number
        look(page, lab)
        agrees(page, lab)
        field, n = lab._field, lab._map
        centres = np.array([float(field.centre + unit * field.jump) for unit in range(n)])
        for at, place in zip(lab.position, (50, 160), strict=True):
            assert abs(centres[at] - place) == np.abs(centres - place).min()
    choose(page, 1)
    lab.layer = 1
    look(page, lab)
    assert (lab.position, lab.pixel) == ([50, 160], [10, 200])  # nothing was lost on the way
    slide(page, "rows and columns of the photograph", 112)
    lab.size = 112
    look(page, lab)
    assert (lab.position, lab.pixel) == ([25, 80], [5, 100])
    agrees(page, lab)
    slide(page, "rows and columns of the photograph", 16)
    slide(page, "rows and columns of the photograph", 224)
    lab.size = 224
    look(page, lab)
    assert (lab.position, lab.pixel) == ([50, 160], [10, 200])


def test_walking_and_playing_through_the_layers(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.receptive_field(layer=1)), labs.receptive_field(layer=1)
    back, following = (page.get_by_role("button", name=name) for name in ("back one layer", "next layer"))
    following.click()
    lab.layer = 2
    agrees(page, lab)
    back.click()
    back.click()
    lab.layer = 0
    agrees(page, lab)
    expect(back).to_be_disabled()
    stop_the_clock(page)
    page.get_by_role("button", name="play through all layers").click()
    expect(page.locator(".lab-unit-words")).to_have_attribute("aria-live", "off")
    page.clock.run_for(900)
    lab.layer = 1
    agrees(page, lab)
    page.get_by_role("button", name="pause").click()
    page.clock.run_for(3000)
    agrees(page, lab)
    page.get_by_role("button", name="play through all layers").click()
    page.clock.run_for(4000)
    lab.layer = 3
    agrees(page, lab)
    expect(following).to_be_disabled()
    expect(page.locator(".lab-unit-words")).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="play through all layers").click()  # from the photograph
    page.clock.run_for(100)
    lab.layer = 0
    agrees(page, lab)
    page.clock.run_for(900)
    choose(page, 3)  # another choice ends it
    page.clock.run_for(3000)
    lab.layer = 3
    agrees(page, lab)


def test_a_layer_that_does_not_fit_is_explained_and_can_be_mended(opened: Callable[..., Page]) -> None:
    layers = [("conv", 3, 2, 0), ("conv", 3, 1, 0), ("pool", 2, 2)]
    page, lab = opened(labs.receptive_field(layers, size=32)), labs.receptive_field(layers, size=32)
    choose(page, 2)
    lab.layer = 2
    slide(page, "dilation d", 8)
    lab.layers = [lab.layers[0], {**lab.layers[1], "d": 8}, lab.layers[2]]
    look(page, lab)
    agrees(page, lab)
    assert lab.problem == "No window fits: it spans 17 rows, the padded map has 15."
    expect(page.locator(".lab-stack tr.chosen")).to_contain_text("conv 3×3, s1 p0 d8")
    expect(page.get_by_role("button", name="next layer")).to_be_disabled()
    slide(page, "padding p", 1)
    lab.layers = [lab.layers[0], {**lab.layers[1], "p": 1}, lab.layers[2]]
    look(page, lab)
    assert lab.problem == "No window fits: it spans 2 rows, the padded map has 1."
    agrees(page, lab)
    slide(page, "padding p", 8)
    lab.layers = [lab.layers[0], {**lab.layers[1], "p": 8}, lab.layers[2]]
    look(page, lab)
    assert not lab.problem
    agrees(page, lab)


def test_what_is_not_drawn_is_said(opened: Callable[..., Page]) -> None:
    lab = labs.receptive_field([("conv", 16, 4, 8), ("conv", 16, 1, 8, 1), ("conv", 16, 1, 15, 2)], size=32)
    assert lab.region[0][0] < -32
    page = opened(lab)
    agrees(page, lab)
    expect(page.get_by_text("The field goes on beyond what is drawn.")).to_be_visible()
    choose(page, 1)
    expect(page.get_by_text("The field goes on beyond what is drawn.")).to_be_hidden()


def test_dots_lie_where_the_units_look(opened: Callable[..., Page]) -> None:
    lab = labs.receptive_field(preset="AlexNet", layer=5)
    page = opened(lab)
    expect(page.locator(".lab-dots")).to_be_visible()
    top, bottom, left, right = frame(page, ".lab-dots", lab)
    row = lab.rows[5]
    for first, last in ((top, bottom), (left, right)):
        tile = (last - first) / row.output_size
        assert tile == pytest.approx(row.jump, rel=0.01)
        assert first + tile / 2 == pytest.approx(float(row.centre) + 0.5, abs=0.5)
    choose(page, 1)  # 55 in a row would run into each other
    expect(page.locator(".lab-dots")).to_be_hidden()


def test_fields_of_the_layers_below_lie_within(opened: Callable[..., Page]) -> None:
    lab = labs.receptive_field(preset="VGG-16", layer=9)
    page = opened(lab)
    rings = page.locator(".lab-rings > :visible")
    expect(rings).to_have_count(8)
    boxes = [one.evaluate(BOX) for one in rings.all()]
    boxes.append(page.locator(".lab-field").evaluate(FRAMED))
    sizes = [box[1] - box[0] for box in boxes]
    assert sizes == sorted(sizes)
    pixel = (boxes[-1][1] - boxes[-1][0]) / lab.rows[9].size
    for box, row in zip(boxes, lab.rows[1:], strict=False):
        assert box[1] - box[0] == pytest.approx(row.size * pixel, abs=2.5)
        assert box[0] >= boxes[-1][0] - 1 and box[1] <= boxes[-1][1] + 1


def test_long_stacks_scroll_in_their_own_box(opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field(preset="VGG-16"))
    before = page.evaluate("scrollY")
    for number in (18, 1, 10):
        for _ in range(20):
            name = (
                "next layer"
                if int(page.locator(".lab-stack input:checked").input_value()) < number
                else "back one layer"
            )
            if page.locator(".lab-stack input:checked").input_value() == str(number):
                break
            page.get_by_role("button", name=name).click()
        page.evaluate(SETTLE)  # the scrolling comes after the layout
        box, line, head = (
            page.locator(where).evaluate(BOX)
            for where in (".lab-stack", ".lab-stack tr.chosen", ".lab-stack thead th >> nth=0")
        )
        assert head[1] - 1 <= line[0] and line[1] <= box[1] + 1
    assert page.evaluate("scrollY") == before


def test_controls_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field(preset="dilated 2, 2, 2", layer=2), width=390)

    def top(control: Locator) -> float:
        return float(control.evaluate("one => one.getBoundingClientRect().top + scrollY"))

    for label, values in (
        ("rows and columns of the photograph", ["16", "256", "48"]),
        ("kernel k", ["1", "16", "3"]),
        ("stride s", ["8", "1"]),
        ("padding p", ["0", "16", "2"]),
        ("dilation d", ["16", "1", "2"]),
        ("unit, row", ["0", "47"]),
        ("pixel, column", ["0", "47"]),
    ):
        control = page.get_by_label(label)
        tops = set()
        for value in values:
            control.fill(value)
            tops.add(top(control))
        assert len(tops) == 1, label
    step = page.get_by_role("button", name="back one layer")
    tops = {top(step)}
    for _ in range(2):
        step.click()
        tops.add(top(step))
    assert len(tops) == 1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.receptive_field()), labs.receptive_field()
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    slide(page, "unit, row", 0)
    lab.position = [0, 24]
    agrees(page, lab)
    assert page.evaluate("said") == [lab.unit_in_words()]


def test_labs_on_one_page_do_not_share_their_choices(opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field(), labs.receptive_field(preset="AlexNet"))
    first, second = page.locator(".lab").all()
    first.get_by_label("layer 1: ").check()
    expect(second.get_by_label("layer 8: ")).to_be_checked()
    expect(first.get_by_label("stack")).to_have_value("three 3×3")


LABS: dict[str, dict[str, Any]] = {
    "to begin with": {},
    "empty": {"preset": "empty"},
    "long": {"preset": "ResNet-18, its longest path", "layer": 11},
    "up": {"preset": "down and up again"},
    "gaps": {"preset": "dilated 2, 2, 2", "size": 32, "position": (1, 2)},
    "nothing seen": {"layers": [("transposed", 1, 4)], "size": 16, "position": (1, 2)},
    "fractions": {"layers": [("upsample", 3), ("conv", 5, 2, 4), ("bilinear", 7)], "size": 24},
}


@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling_the_page(
    settings: dict[str, Any], opened: Callable[..., Page]
) -> None:
    lab = labs.receptive_field(**settings)
    page = opened(lab, width=360)
    agrees(page, lab)
    assert page.evaluate(OVERFLOW) == []
    sideways = page.locator(".lab-stack").evaluate("one => one.scrollWidth - one.clientWidth")
    assert sideways <= 0
    boxes = page.locator(
        ".lab :is(button, select, input:not([type=checkbox], [type=radio])), .lab label"
    ).evaluate_all("""all => all.filter(one => one.checkVisibility()).map(one => {
        const {width, height} = one.getBoundingClientRect();
        return [Math.min(width, height), one.outerHTML];
    })""")
    assert [html for size, html in boxes if size < 24] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.receptive_field())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.receptive_field(preset="AlexNet", layer=3)
    with browser.new_context(java_script_enabled=False, viewport={"width": 720, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for sentence in (lab.summary(), lab.unit_in_words(), lab.pixel_in_words(), lab.recurrence()[0]):
            expect(page.get_by_text(sentence).first).to_be_visible()
        expect(page.locator("table tr")).to_have_count(1 + 9)
