"""The filters lab in a real browser: every control, by mouse and by keyboard, judged by convlib."""

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
from convlib.filtering import PADDING_MODES
from convlib.labs import FiltersLab
from convlib.labs._lab import shown
from convlib.labs.filters import EDITED, OWN, PICTURES, PRESETS, SIDE, in_words, signed_palette

__all__ = ["browser", "opened"]  # fixtures

FRAME = """one => ["top", "left", "height", "width"].map(side => parseFloat(one.style[side]))"""
BEFORE, AFTER = ".lab-pictures .lab-scene >> nth=0", ".lab-pictures .lab-scene >> nth=1"


def opaque(page: Page, canvas: str) -> np.ndarray:
    """Its red, green and blue."""
    made = painted(page.locator(canvas))
    assert (made[..., 3] == 255).all()
    return made[..., :3]


def is_signed(drawn: np.ndarray, numbers: np.ndarray, limit: float) -> None:
    """Colours of the palette, the darkest at the limit."""
    places = np.rint(127 + 127 * numbers / (limit or 1)).astype(int)
    assert np.abs(drawn - signed_palette()[places].astype(int)).max() <= 4


def is_grey(drawn: np.ndarray, numbers: np.ndarray) -> None:
    assert np.abs(drawn - 255 * np.clip(numbers, 0, 1)[..., None]).max() <= 1


def agrees(page: Page, lab: FiltersLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    expect(page.locator(".lab-total")).to_have_text(f"{lab.sum_in_words()} {lab.flip_in_words()}")
    expect(page.locator(".lab-result")).to_have_text(lab.result_in_words())
    expect(page.locator(".lab-pixel")).to_have_text(lab.pixel_in_words())
    expect(page.locator(".lab-frequency")).to_have_text(lab.frequency_in_words())
    expect(page.locator(".lab-rank")).to_have_text(lab.rank_in_words())
    expect(page.locator(".lab-product")).to_have_text(lab.column_and_row_in_words())
    assert page.locator(".lab-more td").all_inner_texts() == [shown(one) for one in lab.on_waves.values()]

    is_grey(opaque(page, f"{BEFORE} >> canvas"), lab.image)
    after, output = opaque(page, f"{AFTER} >> canvas"), lab.output
    numbers = page.locator(".lab-below .lab-scale span")
    if lab.view == "signed":
        limit = float(np.abs(output).max())
        is_signed(after, output, limit)
        assert numbers.all_inner_texts() == [f"−{shown(limit)}", "0", shown(limit)]
    else:
        is_grey(after, output)
        assert numbers.all_inner_texts() == ["0", "", "1"]
    strength = np.abs(lab.response)
    is_signed(opaque(page, ".lab-plane canvas"), strength, strength.max())

    kernel = lab.kernel
    height, width = kernel.shape
    caption = page.locator(".lab-kernel-figure figcaption")
    if max(height, width) <= EDITED:
        expect(caption).to_have_text(f"kernel {height} × {width}")
        cells = page.locator(".lab-kernel input").evaluate_all("all => all.map(one => one.value)")
        typed = [float(one.replace("−", "-").replace(",", ".")) for one in cells]
        shown_weights = np.reshape(typed, kernel.shape)
        assert np.allclose(shown_weights, kernel, rtol=0.05, atol=1e-9)
    else:
        is_signed(opaque(page, ".lab-kernel canvas"), kernel, np.abs(kernel).max())
        expect(caption).to_contain_text(f"kernel {height} × {width}, ")
    expect(page.locator(".lab-product-picture")).to_be_visible(visible=lab.way.rank == 1)

    i, j = lab.position
    top, left = i - lab.times * ((height - 1) // 2), j - lab.times * ((width - 1) // 2)
    window = [top, left, lab.times * (height - 1) + 1, lab.times * (width - 1) + 1]
    assert page.locator(f"{BEFORE} >> span").evaluate(FRAME) == pytest.approx(
        [100 * one / SIDE for one in window], abs=1e-3
    )
    assert page.locator(f"{AFTER} >> span").evaluate(FRAME) == pytest.approx(
        [100 * one / SIDE for one in (i, j, 1, 1)], abs=1e-3
    )

    for name, value in (
        ("kernel", lab.preset),
        ("picture", lab.picture),
        ("border", lab.padding_mode),
        ("result", lab.view),
    ):
        expect(page.get_by_role("combobox", name=name, exact=True)).to_have_value(value)
    parameters = page.locator(".lab-parameters > :visible")
    expect(parameters).to_have_count(len(PRESETS.get(lab.preset, ())))
    for name in PRESETS.get(lab.preset, ()):
        value = lab.settings[name]
        if name in ("axis", "diagonal", "neighbors"):
            expect(
                page.get_by_role("radiogroup", name=name).get_by_label(str(value), exact=True)
            ).to_be_checked()
        else:
            slider = page.get_by_role("slider", name=name, exact=True)
            assert float(slider.input_value()) == value
            expect(slider.locator("xpath=following-sibling::output")).to_have_text(shown(float(value)))
    assert float(page.get_by_role("slider", name="bias").input_value()) == pytest.approx(lab.bias)
    assert float(page.get_by_role("slider", name="how often").input_value()) == lab.times
    for k in (1, 3, 5, 7):
        size = page.get_by_role("radiogroup", name="rows and columns").get_by_label(str(k))
        expect(size).to_be_checked(checked=kernel.shape == (k, k))


def follows(lab: FiltersLab, preset: str) -> None:
    """What choosing a preset does to the state."""
    lab.preset = preset
    lab.view = "picture" if lab._total == 1 else "signed"


def test_every_preset_and_every_setting_by_mouse(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters()), labs.filters()
    agrees(page, lab)
    moved = {"size": 4, "sigma": 1.7, "ratio": 1.3, "length": 14, "angle": 75, "wavelength": 5.5, "phase": 30,
             "amount": 2.25, "x": -0.5, "y": 1.75, "axis": "y", "diagonal": "up", "neighbors": 8}  # fmt: skip
    for preset in reversed(PRESETS):
        page.get_by_role("combobox", name="kernel", exact=True).select_option(label=in_words(preset))
        follows(lab, preset)
        agrees(page, lab)
        for name in PRESETS[preset]:
            value = moved[name]
            if name in ("axis", "diagonal", "neighbors"):
                page.get_by_role("radiogroup", name=name).get_by_label(str(value), exact=True).click()
            else:
                page.get_by_role("slider", name=name, exact=True).fill(str(value))
            lab.settings = lab.settings | {name: value}
            agrees(page, lab)


def test_every_other_control_by_mouse(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters("box", size=3)), labs.filters("box", size=3)
    for picture in reversed(PICTURES):
        page.get_by_role("combobox", name="picture", exact=True).select_option(picture)
        lab.picture = picture
        agrees(page, lab)
    lab.position = [0, 95]
    page.locator(AFTER).click(position={"x": page.locator(AFTER).bounding_box()["width"] - 4, "y": 2})  # type: ignore[index]
    for mode in reversed(PADDING_MODES):
        page.get_by_role("combobox", name="border", exact=True).select_option(mode)
        lab.padding_mode = mode
        agrees(page, lab)
    for view in ("signed", "picture"):
        page.get_by_role("combobox", name="result", exact=True).select_option(view)
        lab.view = view
        agrees(page, lab)
    page.get_by_role("slider", name="bias").fill("-0.35")
    lab.bias = -0.35
    agrees(page, lab)
    page.get_by_role("slider", name="how often").fill("3")
    lab.times = 3
    agrees(page, lab)


def test_weights_are_typed_and_the_kernel_is_then_your_own(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters()), labs.filters()
    weights = lab.kernel
    field = page.get_by_label("weight, row 1, column 2")
    for text, value in (("-2.5", -2.5), ("0,125", 0.125), ("7", 7)):
        field.fill(text)
        weights[1, 2] = value
        lab.weights, lab.preset = weights.tolist(), OWN
        agrees(page, lab)
    field.fill("3x")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.blur()
    expect(field).to_have_value("7")  # what is no number is forgotten
    expect(field).not_to_have_attribute("aria-invalid", "true")
    agrees(page, lab)
    page.get_by_role("combobox", name="kernel", exact=True).select_option("sobel")
    follows(lab, "sobel")
    agrees(page, lab)
    page.get_by_role("combobox", name="kernel", exact=True).select_option(OWN)  # begins with what is there
    lab.weights, lab.preset = lab.kernel.tolist(), OWN
    agrees(page, lab)


def test_sizes_keep_the_middle(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters("roberts")), labs.filters("roberts")
    for k in (7, 5, 1, 3):
        page.get_by_role("radiogroup", name="rows and columns").get_by_label(str(k)).click()
        made = np.zeros((k, k))
        made[k // 2, k // 2] = -1
        if k == 7 or k == 5:
            made[k // 2 + 1, k // 2 + 1] = 1
        lab.weights, lab.preset = made.tolist(), OWN
        agrees(page, lab)


def test_mixes(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters("emboss", x=2, y=0)), labs.filters("emboss", x=2, y=0)
    for name, mixed in (("transpose", np.transpose), ("flip", lambda kernel: kernel[::-1, ::-1])):
        page.get_by_role("button", name=name).click()
        lab.weights, lab.preset = mixed(lab.kernel).tolist(), OWN
        agrees(page, lab)
    page.get_by_role("combobox", name="kernel", exact=True).select_option("scharr")
    follows(lab, "scharr")
    page.get_by_role("button", name="normalise").click()
    lab.weights, lab.preset = (lab.kernel / 32).tolist(), OWN
    agrees(page, lab)
    page.get_by_role("combobox", name="kernel", exact=True).select_option("gaussian")
    follows(lab, "gaussian")
    for name in ("flip", "transpose", "normalise"):  # change nothing, so the kernel keeps its name
        page.get_by_role("button", name=name).click()
        agrees(page, lab)
    page.get_by_role("combobox", name="kernel", exact=True).select_option("motion_blur")
    page.get_by_role("slider", name="angle").fill("30")
    lab.settings = lab.settings | {"angle": 30}
    follows(lab, "motion_blur")
    page.get_by_role("button", name="transpose").click()  # larger than what is written as numbers
    lab.weights, lab.preset = lab.kernel.T.tolist(), OWN
    agrees(page, lab)


def test_the_pixel_under_the_mouse_is_written_out_and_a_click_keeps_it(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters(position=(10, 20))), labs.filters(position=(10, 20))
    for scene in (BEFORE, AFTER):
        box = page.locator(scene).bounding_box()
        assert box
        step = (box["width"] - 2) / SIDE
        page.mouse.move(box["x"] + 1 + 40.5 * step, box["y"] + 1 + 60.5 * step)
        expect(page.locator(".lab-pixel")).to_contain_text("Row 60, column 40: ")
        expect(page.locator(".lab-pixel")).to_have_attribute("aria-live", "off")
        page.mouse.move(box["x"] + 1 + 40.5 * step, box["y"] - 60)
        agrees(page, lab)
        page.mouse.click(box["x"] + 1 + 95.5 * step, box["y"] + 1 + 0.5 * step)
        page.mouse.move(0, 0)
        lab.position = [0, 95]
        agrees(page, lab)
        page.mouse.move(box["x"] + 1 + 10.5 * step, box["y"] + 1 + 10.5 * step)
        page.mouse.down()
        page.mouse.move(box["x"] + 1 + 20.5 * step, box["y"] + 1 + 10.5 * step)
        page.mouse.up()
        page.mouse.move(0, 0)
        lab.position = [10, 20]
        agrees(page, lab)


def test_a_touch_chooses_a_pixel(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters(), width=390, touch=True), labs.filters()
    box = page.locator(AFTER).bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2 + 0.5, box["y"] + box["height"] / 2 + 0.5)
    lab.position = [48, 48]
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters()), labs.filters()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.value") == name

    keys("Tab", "ArrowDown")
    focused("kernel")
    follows(lab, "scharr")
    agrees(page, lab)
    keys("Tab", "ArrowDown")
    focused("y")
    lab.settings = lab.settings | {"axis": "y"}
    keys("Tab", "ArrowDown")
    focused("picture")
    lab.picture = "photographer"
    keys("Tab", "ArrowDown")
    focused("border")
    lab.padding_mode = "replicate"
    agrees(page, lab)
    keys("Tab", "ArrowDown")
    focused("result")
    lab.view = "picture"
    keys("Tab", "ArrowUp", "Shift+ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft")
    focused("result: choose a pixel with the arrow keys")
    lab.position = [lab.position[0] + 1, lab.position[1] + 9]
    agrees(page, lab)
    expect(page.locator(".lab-pixel")).to_have_attribute("aria-live", "polite")
    keys(*["Shift+ArrowRight"] * 10, *["Shift+ArrowUp"] * 5)
    lab.position = [0, 95]
    agrees(page, lab)
    keys("Tab", "ArrowDown", "ArrowRight")
    focused("weight, row 1, column 1")
    page.keyboard.type("4")
    weights = lab.kernel
    weights[1, 1] = 4
    lab.weights, lab.preset = weights.tolist(), OWN
    keys("Tab", "ArrowRight")
    focused("5")
    lab.weights = np.pad(weights, 1).tolist()
    agrees(page, lab)
    keys("Tab", "ArrowRight")
    focused("bias")
    lab.bias = 0.05
    keys("Tab", "ArrowRight")
    focused("how often it is applied")
    lab.times = 2
    agrees(page, lab)
    keys("Tab", "Enter")
    lab.weights = lab.kernel[::-1, ::-1].tolist()
    agrees(page, lab)
    keys("Tab", "Space")
    lab.weights = lab.kernel.T.tolist()
    keys("Tab", "Enter")
    total = lab.kernel.sum()
    assert total == 4
    lab.weights = (lab.kernel / total).tolist()
    agrees(page, lab)


def test_nothing_moves_while_sliders_move(opened: Callable[..., Page]) -> None:
    for width in (350, 720):
        page = opened(labs.filters("gaussian", sigma=1.2, picture="coffee"), width=width)
        tops = set()
        for label, values in (("sigma", "1.1 2 3"), ("bias", "-1 0.5 0"), ("how often", "3 1")):
            for value in values.split():
                page.get_by_role("slider", name=label).fill(value)
                tops.add(
                    tuple(
                        page.locator("input, select, canvas, table").evaluate_all(
                            """all => all.filter(one => one.checkVisibility() && !one.closest(".lab-passes"))
                                .map(one => Math.round(one.getBoundingClientRect().top + scrollY))"""
                        )
                    )
                )
        assert len(tops) == 1, tops


@pytest.mark.parametrize("width", [350, 720])
def test_nothing_moves_while_pixels_are_looked_at(width: int, opened: Callable[..., Page]) -> None:
    page = opened(labs.filters("box", size=3), width=width)
    box = page.locator(AFTER).bounding_box()
    assert box
    tops = set()
    for share in (0.01, 0.5, 0.99):  # a corner, where pixels lie beyond the border, and the middle
        page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
        expect(page.locator(".lab-pixel")).to_contain_text(f"Row {int(share * SIDE)}, ")
        tops.add(page.locator(".lab-more").bounding_box()["y"])  # type: ignore[index]
    assert len(tops) == 1


def test_only_the_sum_is_said_by_itself_and_only_when_it_changes(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.filters("box", size=3)), labs.filters("box", size=3)
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("slider", name="size").fill("7")  # adds up to 1, as before
    lab.settings = {"size": 7}
    page.get_by_role("combobox", name="picture", exact=True).select_option("coffee")
    lab.picture = "coffee"
    page.get_by_role("combobox", name="kernel", exact=True).select_option("laplacian")
    follows(lab, "laplacian")
    agrees(page, lab)
    assert page.evaluate("said") == [f"{lab.sum_in_words()} {lab.flip_in_words()}"]


def test_labs_on_one_page_are_apart(opened: Callable[..., Page]) -> None:
    page = opened(labs.filters(), labs.filters("sobel", axis="y"))
    first, second = page.locator(".lab").all()
    first.get_by_role("combobox", name="kernel").select_option("gabor")
    expect(second.get_by_role("combobox", name="kernel")).to_have_value("sobel")
    first.get_by_role("combobox", name="kernel").select_option("sobel")
    expect(first.get_by_role("radio", name="x", exact=True)).to_be_checked()
    expect(second.get_by_role("radio", name="y", exact=True)).to_be_checked()


SETTINGS: dict[str, dict[str, Any]] = {
    "small": {},
    "written": {"kernel": "gaussian", "sigma": 0.7, "position": (0, 0), "bias": -0.35},
    "long sum": {
        "kernel": np.linspace(-1.23, 1, 9).reshape(3, 3),
        "position": (0, 0),
        "times": 3,
        "bias": -0.35,
    },
    "three sliders": {"kernel": "gabor", "picture": "rings", "angle": 30, "view": "picture"},
    "large": {"kernel": "difference_of_gaussians", "sigma": 3, "ratio": 2, "picture": "astronaut"},
    "seven": {"kernel": "binomial", "size": 7, "picture": "coffee"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_phone_shows_all_without_scrolling(settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.filters(**settings), width=350)
    assert page.evaluate(OVERFLOW) == []
    cut = page.locator(
        ".lab :is(td, th, figcaption, output, button, select, label, .lab-kernel input)"
    ).evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.outerHTML)"
    )
    assert cut == []
    boxes = page.locator(".lab :is(select, input:not([type=radio]), button, label)").evaluate_all(
        """all => all.filter(one => one.checkVisibility()).map(one => {
            const {width, height} = one.getBoundingClientRect();
            return [Math.min(width, height), one.outerHTML];
        })"""
    )
    assert [html for size, html in boxes if size < 24] == []
    assert page.locator(f"{AFTER} >> canvas").bounding_box()["width"] > 120  # type: ignore[index]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.filters(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.filters())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_print_shows_pictures_and_weights_and_no_controls(opened: Callable[..., Page]) -> None:
    page = opened(labs.filters())
    page.emulate_media(media="print")
    expect(
        page.locator("select, button, input[type=range], input[type=radio]").filter(visible=True)
    ).to_have_count(0)
    expect(page.locator("canvas").filter(visible=True)).to_have_count(4)
    expect(page.locator(".lab-kernel input").filter(visible=True)).to_have_count(9)


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.filters("emboss", picture="photographer")
    with browser.new_context(java_script_enabled=False, viewport={"width": 350, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for sentence in (
            lab.sum_in_words(),
            lab.result_in_words(),
            lab.pixel_in_words(),
            lab.frequency_in_words(),
        ):
            expect(page.get_by_text(sentence, exact=True)).to_be_visible()
        kernel, waves = page.locator("table").all()
        assert kernel.locator("td").count() == lab.kernel.size
        assert waves.locator("td").all_inner_texts()[1::2] == [shown(one) for one in lab.on_waves.values()]
        sizes = page.locator("img").evaluate_all(
            "all => all.map(one => [one.naturalWidth, one.naturalHeight])"
        )
        assert sizes == [[SIDE, SIDE]] * 2
        assert page.locator("html").evaluate("one => one.scrollWidth") == 350
