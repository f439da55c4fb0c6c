"""The lab of tokens in a real browser: every control, by mouse, touch and keyboard, against convlib."""

import re
from collections.abc import Callable
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
    painted,
    write_labs_page,
)
from playwright.sync_api import Browser, Locator, Page, expect

import convlib
from convlib import labs
from convlib.labs import TokensLab
from convlib.labs._lab import shown

__all__ = ["browser", "opened"]  # fixtures

READ_GRIDS = """lab => Object.fromEntries([...lab.querySelectorAll(".lab-grid[role=group]")].map(grid => {
    const columns = Number(grid.style.getPropertyValue("--columns"));
    const cells = [...grid.children].map(cell => ({
        text: cell.textContent, name: cell.ariaLabel, classes: [...cell.classList],
        current: cell.matches("[aria-current=true]"), stop: cell.tabIndex === 0,
        colour: cell.style.backgroundColor,
    }));
    const row = i => cells.slice(i * columns, (i + 1) * columns);
    return [grid.ariaLabel, Array.from({length: cells.length / columns}, (_, i) => row(i))];
}))"""
NAMES = ("red", "green", "blue")


def written(lab: TokensLab, value: int) -> str:
    return str(value) if lab.picture == "cat" else f"{value:03}"


def agrees(page: Page, lab: TokensLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    for name, words in (
        ("sum", lab.token_in_words()), ("formula", lab.memory_in_words()), ("wrong", lab.reshape_in_words()),
        ("back", lab.back_in_words()), ("attention", lab.attention_in_words()),
        ("answer", lab.answer_in_words()), ("shuffled", lab.shuffle_in_words()),
    ):  # fmt: skip
        expect(page.locator(f"p.lab-{name}")).to_have_text(words)
    grids_agree(page, lab)
    pictures_agree(page, lab)
    expect(page.get_by_role("combobox", name="map")).to_have_value(lab.picture)
    expect(page.get_by_label("channels")).to_be_visible(visible=lab.picture == "numbers")
    for name, number in zip(("channels", "rows", "columns"), lab.size, strict=True):
        expect(page.get_by_label(name, exact=True)).to_have_value(str(number))
    for name in ("sharpness", "positions"):
        expect(page.get_by_label(name)).to_have_value(f"{getattr(lab, name):g}")
    expect(page.get_by_label("put them back, the pixels")).to_be_enabled(enabled=lab.shuffle > 0)
    expect(page.get_by_label("back one token")).to_be_enabled(enabled=lab._index > 0)
    expect(page.get_by_label("next token")).to_be_enabled(enabled=lab._index < lab._length - 1)


def grids_agree(page: Page, lab: TokensLab) -> None:
    """The map and both lists hold convlib's numbers, and the chosen token is marked in all of them."""
    grids, (before, after), i = page.locator(".lab").evaluate(READ_GRIDS), lab._offsets, lab._index
    channels, height, width = lab.map.shape
    cat = lab.picture == "cat"
    names = [f"channel {NAMES[c] if cat else c}" for c in range(channels)]
    assert list(grids) == [*names, "tokens by transpose", "tokens by reshape"]
    for c, name in enumerate(names):
        rows = grids[name]
        assert np.shape(rows) == (height, width)
        for (y, x), value in np.ndenumerate(lab.map[c]):
            cell, offset = rows[y][x], (c * height + y) * width + x
            assert cell["text"] == ("" if cat else written(lab, value))
            assert cell["name"] == f"{name}, row {y}, column {x}: {written(lab, value)}"
            assert ("lab-own" in cell["classes"]) == cell["current"] == cell["stop"] == (offset in before)
            assert ("lab-taken" in cell["classes"]) == (offset in after)
    right = convlib.to_tokens(lab.map[None])[0]
    for name, expected in (("transpose", right), ("reshape", lab.map.reshape(right.shape))):
        rows = grids[f"tokens by {name}"]
        assert [row[0]["text"] for row in rows] == [str(at) for at in range(len(expected))]
        told = [[cell["text"] for cell in row[1 : channels + 1]] for row in rows]
        assert told == [[written(lab, value) for value in row] for row in expected]
        if cat:  # its three numbers as one colour
            colours = [[int(part) for part in re.findall(r"\d+", row[-1]["colour"])] for row in rows]
            assert colours == expected.tolist()
        for at, row in enumerate(rows):
            assert all(("lab-row-chosen" in cell["classes"]) == (at == i) for cell in row)
            assert row[0]["current"] == row[0]["stop"] == (at == i)
        box = page.locator(f".lab-{name} .lab-scroll")
        page.evaluate(SETTLE)  # the scrolling comes after the layout
        hidden = box.evaluate("""box => {
            const parts = [box.querySelector(".lab-row-chosen"), box];
            const [row, seen] = parts.map(one => one.getBoundingClientRect());
            return row.top < seen.top - 1 || row.bottom > seen.bottom + 1;
        }""")
        assert not hidden


def pictures_agree(page: Page, lab: TokensLab) -> None:
    """The memory, the map there and back, and the attention are drawn as the numbers say."""
    channels, height, width = lab.map.shape
    cat, (before, after) = lab.picture == "cat", lab._offsets
    strips = [painted(one)[0, :, :3] for one in page.locator(".lab-memory canvas").all()]
    right = convlib.to_tokens(np.arange(lab.map.size).reshape(1, *lab.map.shape)).ravel()
    assert np.array_equal(strips[0][right], strips[1])
    if cat:
        assert strips[0].max(axis=1).tolist() == lab.map.ravel().tolist()
    wires = page.locator(".lab-memory line.lab-own").evaluate_all(
        "all => all.map(one => ['x1', 'x2'].map(name => parseFloat(one.getAttribute(name))))"
    )
    assert np.allclose(wires, 100 * (np.transpose([before, after]) + 0.5) / lab.map.size, atol=1e-3)
    straight = page.locator(".lab-memory line.lab-taken").evaluate_all(
        "all => all.map(one => ['x1', 'x2'].map(name => parseFloat(one.getAttribute(name))))"
    )
    edges = np.array([after[0], after[-1] + 1]) * 100 / lab.map.size
    assert np.allclose(straight, np.transpose([edges, edges]), atol=1e-3)
    labels = page.locator(".lab-memory text").all_text_contents()
    assert labels == [*map(str, before), f"{after[0]} to {after[-1]}"]

    for figure, back in zip(page.locator(".lab-backs figure").all(), lab.there_and_back, strict=True):
        picture, expected = painted(figure.locator("canvas")), lab._drawn(back.source)
        seen = picture[..., 3] > 0
        assert np.abs(picture[..., :3] - expected)[seen].max() <= 1
        assert (expected[~seen] == 255).all()
        kept = f"all {back.kept}" if back.kept == lab.map.size else f"{back.kept} of {lab.map.size}"
        expect(figure.locator("figcaption")).to_have_text(f"{back.made}, then {back.laid}{kept} in place")
        assert f"{kept} numbers" in (figure.locator("canvas").get_attribute("aria-label") or "")

    order, weights = lab.order, lab.weights.ravel()
    figures = page.locator(".lab-three figure").all()
    shuffled = lab.shuffle > 0
    titles = [
        f"pixels{'shuffled' if shuffled else 'in place'}",
        f"weightsup to {shown(float(f'{weights.max():.2g}'))}",
        f"answers{'put back' if shuffled else 'to all pixels'}",
    ]
    for figure, title in zip(figures, titles, strict=True):
        expect(figure.locator("figcaption")).to_have_text(title)
    pixels, weighed, answers = (painted(figure.locator("canvas")) for figure in figures)
    opacity = 255 * weights[order].reshape(height, width) / weights.max()
    assert np.abs(weighed[..., 3] - opacity).max() <= 0.51
    for picture, numbers in (
        (pixels, lab.map.reshape(channels, -1)[:, order].reshape(lab.map.shape)), (answers, lab.answers),
    ):  # fmt: skip
        if cat:
            assert np.abs(picture[..., :3] - np.moveaxis(numbers, 0, -1)).max() <= 0.51
        else:  # the larger, the stronger
            share = numbers[0] / lab.map[0].max()
            assert np.abs(picture[..., 2] - (255 - share * (255 - 24))).max() <= 0.51
    own, most = order.index(lab._index), order.index(int(np.argmax(weights > weights.max() * (1 - 1e-9))))
    if weights[lab._index] > weights.max() * (1 - 1e-9):
        most = own
    for figure, place in zip(figures, (own, own, lab._index), strict=True):
        assert marks(figure.locator(".lab-frame")) == pytest.approx(share_of(place, height, width), abs=0.01)
    ring = figures[1].locator(".lab-ring")
    expect(ring).to_be_visible(visible=most != own)
    if most != own:
        assert marks(ring) == pytest.approx(share_of(most, height, width), abs=0.01)


def marks(one: Locator) -> list[float]:
    return one.evaluate(  # type: ignore[no-any-return]
        "one => ['top', 'left', 'width', 'height'].map(name => parseFloat(one.style[name]))"
    )


def share_of(place: int, height: int, width: int) -> list[float]:
    y, x = divmod(place, width)
    return [100 * y / height, 100 * x / width, 100 / width, 100 / height]


def pixel(page: Page, c: object, y: int, x: int) -> Locator:
    return page.get_by_label(re.compile(f"^channel {c}, row {y}, column {x}:"))


def away(page: Page) -> None:
    page.mouse.move(1, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"size": (6, 8, 8), "pixel": (7, 7), "positions": 0.5, "shuffle": 2},
        {"size": (2, 2, 2), "pixel": (0, 0), "sharpness": 0},
        {"picture": "cat"},
        {"picture": "cat", "pixel": (11, 15), "sharpness": 2.5, "positions": 1.2, "shuffle": 99},
    ],
    ids=str,
)
def test_first_sight_is_what_python_computes(settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    lab = labs.tokens(**settings)
    agrees(opened(lab), lab)


def test_every_slider_and_menu(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens(shuffle=5)), labs.tokens(shuffle=5)
    for axis, (name, value) in enumerate((("channels", 6), ("rows", 5), ("columns", 2))):
        page.get_by_label(name, exact=True).fill(str(value))
        lab.size = [value if one == axis else old for one, old in enumerate(lab.size)]
        agrees(page, lab)  # with two columns, the pixel in column 2 is gone, and that in column 1 is shown
    for name, value in (("sharpness", 4), ("positions", 0.7), ("sharpness", 0), ("sharpness", 1.3)):
        page.get_by_label(name).fill(str(value))
        setattr(lab, name, float(value))
        agrees(page, lab)
    page.get_by_role("combobox", name="map").select_option("cat")
    lab.picture = "cat"
    agrees(page, lab)
    page.get_by_role("combobox", name="map").select_option("numbers")
    lab.picture = "numbers"
    agrees(page, lab)


@pytest.mark.parametrize("picture", ["numbers", "cat"])
def test_pixels_are_shuffled_and_put_back(picture: str, opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens(picture)), labs.tokens(picture)
    before = painted(page.locator(".lab-three canvas").nth(2))
    for lab.shuffle in (1, 2):
        page.get_by_role("button", name="shuffle the pixels").click()
        agrees(page, lab)
        assert np.array_equal(painted(page.locator(".lab-three canvas").nth(2)), before)  # equivariance
    page.get_by_label("positions").fill("2")
    assert not np.array_equal(painted(page.locator(".lab-three canvas").nth(2)), before)
    lab.positions = 2
    agrees(page, lab)
    page.get_by_label("put them back, the pixels").click()
    lab.shuffle = 0
    agrees(page, lab)


def test_after_the_last_order_comes_the_first(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens(shuffle=99)), labs.tokens(shuffle=1)
    page.get_by_role("button", name="shuffle the pixels").click()
    agrees(page, lab)


def test_a_click_on_a_pixel_or_a_token_chooses_it(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens()), labs.tokens()
    pixel(page, 2, 0, 3).click()
    away(page)
    lab.pixel = [0, 3]
    agrees(page, lab)
    for way, i in (("reshape", 9), ("transpose", 4)):
        page.get_by_role("button", name=f"token {i} by {way}", exact=True).click()
        away(page)
        lab.pixel = list(divmod(i, 4))
        agrees(page, lab)
    page.get_by_role("combobox", name="map").select_option("cat")
    pixel(page, "blue", 9, 14).click()
    away(page)
    lab.picture, lab.pixel = "cat", [9, 14]
    agrees(page, lab)
    page.get_by_role("button", name="token 191 by transpose", exact=True).click()
    away(page)
    lab.pixel = [11, 15]
    agrees(page, lab)


def test_a_pixel_under_the_mouse_shows_itself_until_the_mouse_has_left(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens()), labs.tokens()
    said = page.locator(".lab-sum")
    expect(said).to_have_attribute("aria-live", "polite")
    pixel(page, 1, 2, 1).hover()
    agrees(page, labs.tokens(pixel=(2, 1)))
    expect(said).to_have_attribute("aria-live", "off")  # a screen reader could not keep up
    away(page)
    agrees(page, lab)
    expect(said).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="token 11 by reshape", exact=True).hover()
    agrees(page, labs.tokens(pixel=(2, 3)))
    page.locator(".lab-transpose .lab-scroll .lab-grid > span").nth(0).hover()  # a number of token 0
    agrees(page, labs.tokens(pixel=(0, 0)))
    page.get_by_label("next token").click()  # from the chosen one, not from the one that was pointed at
    agrees(page, labs.tokens(pixel=(1, 3)))


def test_tokens_are_walked_through_in_reading_order(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens(pixel=(0, 2))), labs.tokens(pixel=(0, 2))
    for lab.pixel in ([0, 3], [1, 0], [1, 1]):
        page.get_by_label("next token").click()
        agrees(page, lab)
    for lab.pixel in ([1, 0], [0, 3]):
        page.get_by_label("back one token").click()
        agrees(page, lab)


@pytest.mark.parametrize("shuffle", [0, 7])
def test_a_pixel_is_chosen_in_the_pictures_of_attention(shuffle: int, opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens("cat", shuffle=shuffle)), labs.tokens("cat", shuffle=shuffle)
    for at, (y, x) in enumerate([(10, 2), (0, 15), (6, 6)]):
        canvas = page.locator(".lab-three canvas").nth(at)
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        place = {"x": (x + 0.5) * box["width"] / 16, "y": (y + 0.5) * box["height"] / 12}
        canvas.click(position=place)
        there = y * 16 + x if at == 2 else lab.order[y * 16 + x]
        lab.pixel = list(divmod(there, 16))
        agrees(page, lab)
    box = page.locator(".lab-three canvas").nth(2).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 5)
    page.mouse.up()
    lab.pixel = [0, 15]
    agrees(page, lab)
    page.mouse.move(box["x"] + 5, box["y"] + 5)  # without a button nothing is chosen
    agrees(page, lab)


def test_a_touch_chooses(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens(), width=390, touch=True), labs.tokens(pixel=(2, 0))
    pixel(page, 0, 2, 0).tap()
    agrees(page, lab)
    lab.pixel = [0, 1]
    page.get_by_role("button", name="token 1 by reshape", exact=True).tap()
    agrees(page, lab)


def test_everything_can_be_done_by_keyboard(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.tokens()), labs.tokens()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText") == name

    keys("Tab")
    focused("map")
    keys("Tab", "Tab", "Tab", "ArrowRight")
    focused("columns")
    lab.size = [3, 3, 5]
    agrees(page, lab)
    keys("Tab", "ArrowRight", "ArrowDown")  # into channel 0, where the chosen pixel is
    focused("channel 0, row 2, column 3: 023")
    lab.pixel = [2, 3]
    agrees(page, lab)
    keys("Tab")  # one stop for each grid
    focused("channel 1, row 2, column 3: 123")
    keys("Tab", "Tab")
    focused("token 13 by transpose")
    keys("ArrowUp")
    lab.pixel = [2, 2]
    agrees(page, lab)
    keys("Tab", "ArrowDown", "ArrowDown")
    focused("token 14 by reshape")
    lab.pixel = [2, 4]
    agrees(page, lab)
    keys("Tab", "Enter")  # "next token" is not there at the last one
    focused("back one token")
    lab.pixel = [2, 3]
    agrees(page, lab)
    keys("Tab", "Enter", "Shift+Tab")
    lab.pixel = [2, 4]
    agrees(page, lab)
    page.get_by_label("sharpness").focus()
    keys("ArrowRight", "Tab", "ArrowRight", "Tab", "Enter", "Tab")
    focused("put them back, the pixels")
    lab.sharpness, lab.positions, lab.shuffle = 1.1, 0.1, 1
    agrees(page, lab)
    keys("Enter")
    lab.shuffle = 0
    agrees(page, lab)


def test_python_may_change_several_things_at_once(opened: Callable[..., Page]) -> None:
    page = opened(labs.tokens())
    page.evaluate("""() => {
        document.querySelector("select").value = "cat";
        document.querySelector("select").dispatchEvent(new Event("change"));
        const sharpness = document.querySelector("[aria-label=sharpness]");
        sharpness.value = 2;
        sharpness.dispatchEvent(new Event("input"));
    }""")
    agrees(page, labs.tokens("cat", pixel=(1, 2), sharpness=2))


@pytest.mark.parametrize("width", [350, 720])
@pytest.mark.parametrize("picture", ["numbers", "cat"])
def test_pictures_and_controls_stay_where_they_are(
    picture: str, width: int, opened: Callable[..., Page]
) -> None:
    page, tops = opened(labs.tokens(picture), width=width), set()
    for sharpness, positions in ((1, 0), (0, 0), (4, 0), (0.3, 2), (2, 1)):
        page.get_by_label("sharpness").fill(str(sharpness))
        page.get_by_label("positions").fill(str(positions))
        tops.add(str(page.locator(".lab :is(input, canvas, button)").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().top + scrollY)")))  # fmt: skip
    page.get_by_role("button", name="shuffle the pixels").click()
    tops.add(str(page.locator(".lab :is(input, canvas, button)").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().top + scrollY)")))  # fmt: skip
    assert len(tops) == 1
    last = 191 if picture == "cat" else 11
    places = set()
    for i in (0, last // 2, last):  # while a token is chosen in the pictures, they do not move either
        page.get_by_role("button", name=f"token {i} by transpose", exact=True).click()
        away(page)
        places.add(str(page.locator(".lab-three canvas, .lab-backs canvas, .lab-memory canvas").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().top + scrollY)")))  # fmt: skip
    assert len(places) == 1


def test_labs_on_one_page_are_apart(opened: Callable[..., Page]) -> None:
    page = opened(labs.tokens(), labs.tokens("cat"))
    first, second = page.locator(".lab").all()
    first.get_by_label("next token").click()
    first.get_by_label("sharpness").fill("3")
    expect(first.locator(".lab-sum")).to_have_text(labs.tokens(pixel=(1, 3)).token_in_words())
    expect(second.locator(".lab-sum")).to_have_text(labs.tokens("cat").token_in_words())
    expect(second.get_by_label("sharpness")).to_have_value("1")


LABS: dict[str, dict[str, Any]] = {
    "small": {},
    "largest": {"size": (6, 8, 8), "pixel": (7, 7), "positions": 1.5, "shuffle": 9},
    "cat": {"picture": "cat", "shuffle": 3, "positions": 1},
}


@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling_sideways(
    settings: dict[str, Any], opened: Callable[..., Page]
) -> None:
    page = opened(labs.tokens(**settings), width=350, touch=True)
    assert page.evaluate(OVERFLOW) == []
    sizes = page.locator(".lab :is(select, input, .lab-steps button)").evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 24
    cut = page.locator(".lab :is(p, figcaption, .lab-scroll, .lab-keys)").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.className)"
    )
    assert cut == []
    small = page.locator(".lab-three canvas").first.bounding_box()
    assert small is not None and small["width"] > 80


def test_beside_the_map_lie_its_tokens_where_there_is_room(opened: Callable[..., Page]) -> None:
    for settings in LABS.values():
        page = opened(labs.tokens(**settings))
        map_, right, wrong = (
            page.locator(name).bounding_box() for name in (".lab-maps", ".lab-transpose", ".lab-reshape")
        )
        assert map_ is not None and right is not None and wrong is not None
        assert map_["x"] + map_["width"] <= right["x"]
        assert right["x"] + right["width"] <= wrong["x"]
        assert map_["y"] == right["y"] == wrong["y"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.tokens(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.tokens())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_print_shows_the_pictures_and_no_controls(opened: Callable[..., Page]) -> None:
    page = opened(labs.tokens())
    page.emulate_media(media="print")
    expect(page.locator("select, input, button:not(.lab-grid > *)").filter(visible=True)).to_have_count(0)
    expect(page.locator("canvas").filter(visible=True)).to_have_count(2 + 4 + 3)
    expect(page.locator(".lab-key").filter(visible=True)).to_have_count(2)


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    shown_labs = labs.tokens(), labs.tokens("cat", shuffle=2)
    with browser.new_context(java_script_enabled=False, viewport={"width": 350, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, *shown_labs).address("page.html"))
        for lab in shown_labs:
            for words in (lab.token_in_words(), lab.reshape_in_words(), lab.attention_in_words()):
                expect(page.get_by_text(words, exact=True)).to_be_visible()
        expect(page.locator("img")).to_have_count(4 + 5)
        sizes = page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)")
        assert sizes == [3 * 5 - 1] * 4 + [16] * 5
        assert page.evaluate(OVERFLOW) == []
