"""The transposed convolution lab in a real browser: every control, by mouse and by keyboard."""

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
from convlib.labs import TransposedConvolutionLab
from convlib.labs.transposed_convolution import MEANING, VIEWS

__all__ = ["browser", "opened"]  # fixtures

SETTINGS = ("stride", "padding", "output_padding", "dilation")


def texts(cells: Locator) -> list[float]:
    """The numbers in full: where a square shows a rounded one, its title holds it; an empty one is 0."""
    values = cells.evaluate_all(
        """all => all.map(one => one.matches("input") ? one.value
            : /^−?[0-9.e−]+$/.test(one.title) ? one.title : one.textContent)"""
    )
    return [float(value.replace("−", "-") or 0) for value in values]


def close(one: list[float], other: Any) -> bool:
    return len(one) == np.size(other) and np.allclose(one, np.ravel(other), 1e-3, 1e-9)


def cells(page: Page, name: str) -> Locator:
    found = page.locator(f".lab-grid[aria-label='{name}']")
    expect(found).to_be_visible()
    return found.locator("> *")


def marked(page: Page, name: str, mark: str = ".under") -> list[int]:
    return cells(page, name).evaluate_all(
        "(all, mark) => all.flatMap((one, at) => one.matches(mark) ? [at] : [])", mark
    )


def flat(places: Any, width: int) -> list[int]:
    return sorted(r * width + c for r, c in places)


def agrees(page: Page, lab: TransposedConvolutionLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    i, j = lab._present
    whose = "pixel" if lab.view == "scatter" else "output"
    expect(page.locator(".lab-sum")).to_have_text(f"{whose} row {i}, column {j}: {lab.point_in_words()}")
    expect(page.locator(".lab-whole")).to_have_text(lab.whole_in_words())
    expect(page.locator(".lab-meaning")).to_have_text(MEANING[lab.view])
    for axis, word in enumerate(("rows", "columns")):
        expect(page.locator(".lab-formula").nth(axis)).to_have_text(f"{word}: {lab.size_in_words(axis)}")
    expect(page.get_by_label(lab.view, exact=True)).to_be_checked()
    expect(page.locator(".lab-problem")).to_be_empty()
    for label, what in {"output padding": "output_padding", **{one: one for one in SETTINGS}}.items():
        if "_" not in label:
            for axis, word in enumerate(("rows", "columns")):
                expect(page.get_by_label(f"{label}, {word}", exact=True)).to_have_value(
                    str(getattr(lab, what)[axis])
                )
    width, across = lab.output.shape[1], len(lab.image[0])
    assert texts(cells(page, "input")) == np.ravel(lab.image).tolist()
    assert texts(cells(page, "kernel")) == np.ravel(lab.kernel).tolist()
    assert close(texts(cells(page, "output")), lab.output)
    {"scatter": scatter, "gather": gather, "matrix": matrix, "overlap": overlap}[lab.view](page, lab)
    if lab.view == "scatter":
        assert marked(page, "input") == marked(page, "input", "[aria-current]") == [i * across + j]
        return
    assert marked(page, "output") == marked(page, "output", "[aria-current]") == [i * width + j]
    readers = lab._readers()
    assert marked(page, "input") == flat([pixel for pixel, _ in readers], across)
    assert marked(page, "kernel") == flat([tap for _, tap in readers], len(lab.kernel[0]))
    expect(page.locator(".lab-turned")).to_be_visible(visible=lab.view == "matrix")


def scatter(page: Page, lab: TransposedConvolutionLab) -> None:
    i, j = lab._present
    assert close(texts(cells(page, "the copy")), lab.image[i][j] * np.array(lab.kernel))
    laid, (height, width), (down, across) = lab.laid, lab.output.shape, lab.padding
    assert close(texts(cells(page, "copies laid so far")), laid)
    landing = list(lab._landing())
    inside = [(r, c) for r, c in landing if 0 <= r < height and 0 <= c < width]
    assert marked(page, "output") == flat(inside, width)
    assert marked(page, "copies laid so far") == flat(
        [(r + down, c + across) for r, c in landing], laid.shape[1]
    )
    rows, columns = np.indices(laid.shape)
    kept = (rows >= down) & (rows < down + height) & (columns >= across) & (columns < across + width)
    assert marked(page, "copies laid so far", ".ignored") == np.flatnonzero(~kept).tolist()
    added = [n - e for n, e in zip(laid.shape, lab.output_padding, strict=True)]
    assert (
        marked(page, "copies laid so far", ".beyond")
        == np.flatnonzero((rows >= added[0]) | (columns >= added[1])).tolist()
    )
    place = i * len(lab.image[0]) + j + 1
    copies = (
        f"copies 1 to {place} of {np.size(lab.image)}" if place > 1 else f"copy 1 of {np.size(lab.image)}"
    )
    expect(page.locator("figcaption", has_text=copies)).to_be_visible()


def gather(page: Page, lab: TransposedConvolutionLab) -> None:
    assert close(texts(cells(page, "kernel, turned by 180 degrees")), np.array(lab.kernel)[::-1, ::-1])
    name = "input, spread out"
    spread = np.array(texts(cells(page, name)))
    cut = marked(page, name, ".ignored")
    assert np.array_equal(np.delete(spread, cut), lab.spread.ravel())
    size = " × ".join(map(str, lab.spread.shape))
    expect(page.locator("figcaption", has_text=f"{name} to {size}")).to_be_visible()
    framed = marked(page, name)
    assert not set(framed) & set(cut)
    turned = np.ravel(lab.kernel)[::-1]
    assert (spread[framed] * turned).sum() == pytest.approx(lab.output[lab._present])
    zeros = set(marked(page, name, ".between")) | set(marked(page, name, ".outside"))
    assert len(spread) - len(zeros) == np.size(lab.image)
    assert not spread[list(zeros)].any()
    meets = [at for at, place in enumerate(framed) if place not in zeros]
    assert marked(page, "kernel, turned by 180 degrees") == meets


def matrix(page: Page, lab: TransposedConvolutionLab) -> None:
    i, j = lab._present
    row = i * lab.output.shape[1] + j
    drawn = cells(page, "the row of the turned matrix, as a picture")
    assert close(texts(drawn), lab.matrix[row])
    taps = lab._matrix_of(np.ones(np.shape(lab.kernel))) != 0
    free = np.flatnonzero(taps[row]).tolist()
    assert marked(page, "the row of the turned matrix, as a picture") == free
    expect(page.locator("figcaption", has_text=f"row {row} of Cᵀ")).to_be_visible()
    before, turned = page.locator(".lab-turned svg").all()
    rows, columns = lab.matrix.shape
    read = """svg => [...svg.querySelectorAll("rect")].map(one => [
        one.getAttribute("class"),
        ...["x", "y", "width", "height"].map(name => Number(one.getAttribute(name)))])"""
    boxes = turned.evaluate(read)
    ground = next(box for name, *box in boxes if name == "ground")
    wide, high = ground[2] / columns, ground[3] / rows
    entries = [
        (round((y - ground[1]) / high), round((x - ground[0]) / wide))
        for name, x, y, _, _ in boxes
        if name == "entry"
    ]
    assert entries == [tuple(at) for at in np.argwhere(taps).tolist()]
    mark = next(box for name, *box in boxes if name == "mark")
    assert round((mark[1] - ground[1]) / high) == row
    boxes = before.evaluate(read)
    entries = [(x, y) for name, x, y, _, _ in boxes if name == "entry"]
    assert entries == [tuple(at) for at in np.argwhere(taps).tolist()]
    assert boxes[-1] == ["mark", row, 0, 1, columns]
    if "numbered" in (turned.get_attribute("class") or ""):
        numbers = [
            float(text.replace("−", "-"))
            for text in turned.locator("text").all_text_contents()
            if text != "y"
        ]
        written = [*np.ravel(lab.image), *lab.matrix[taps], *lab.output.ravel()]
        assert np.allclose(numbers, written, atol=0.0051)


def overlap(page: Page, lab: TransposedConvolutionLab) -> None:
    i, j = lab._present
    for name, numbers in {
        "copies that reach each pixel": lab.overlap,
        "what an input of ones becomes": lab.even,
    }.items():
        assert close(texts(cells(page, name)), numbers)
        assert marked(page, name) == [i * lab.output.shape[1] + j]


def slide(page: Page, name: str, value: int) -> None:
    page.get_by_label(name, exact=True).fill(str(value))


@pytest.mark.parametrize("view", VIEWS)
def test_every_slider_in_every_view(view: str, opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution(view=view)
    page = opened(labs.transposed_convolution())
    page.get_by_label(view, exact=True).check()
    agrees(page, lab)
    slide(page, "padding, rows", 1)  # with the columns
    lab.padding = [1, 1]
    agrees(page, lab)
    page.get_by_label("rows and columns together").uncheck()
    slide(page, "input, rows", 2)
    slide(page, "input, columns", 4)
    lab.image = np.arange(1.0, 9).reshape(2, 4).tolist()
    agrees(page, lab)
    slide(page, "kernel, columns", 4)
    slide(page, "kernel, rows", 2)
    lab.kernel = np.ones((2, 4)).tolist()
    agrees(page, lab)
    slide(page, "stride, rows", 1)
    slide(page, "stride, columns", 3)
    lab.stride = [1, 3]
    agrees(page, lab)
    slide(page, "output padding, columns", 2)
    lab.output_padding = [0, 2]
    agrees(page, lab)
    slide(page, "dilation, rows", 3)
    slide(page, "dilation, columns", 2)
    lab.dilation = [3, 2]
    agrees(page, lab)
    slide(page, "output padding, rows", 1)  # beyond the stride, below the dilation
    lab.output_padding = [1, 2]
    agrees(page, lab)
    slide(page, "padding, columns", 3)
    slide(page, "padding, rows", 0)
    lab.padding = [0, 3]
    agrees(page, lab)
    page.get_by_label("rows and columns together").check()
    slide(page, "stride, columns", 4)
    slide(page, "kernel, columns", 3)
    lab.stride, lab.kernel = [4, 4], np.ones((3, 3)).tolist()
    agrees(page, lab)
    slide(page, "input, rows", 4)  # the input stays as it is along the other side
    lab.image = np.arange(1.0, 17).reshape(4, 4).tolist()
    agrees(page, lab)


@pytest.mark.parametrize("view", VIEWS)
def test_every_place_can_be_chosen(view: str, opened: Callable[..., Page]) -> None:
    settings: dict[str, Any] = {"padding": 1, "kernel": [[1, 2], [-3, 4]], "output_padding": (1, 0)}
    lab = labs.transposed_convolution(**settings, view=view)
    page = opened(lab)
    name = "input" if view == "scatter" else "output"
    rows, columns = lab._input if view == "scatter" else lab._output
    for i, j in np.ndindex(rows, columns):
        cells(page, name).nth(i * columns + j).click()
        lab.position = [i, j]
        agrees(page, lab)


def test_place_by_touch(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution()
    page = opened(lab, width=390, touch=True)
    page.get_by_label("pixel, row 1, column 2").tap()
    lab.position = [1, 2]
    agrees(page, lab)
    page.get_by_label("gather", exact=True).tap()
    page.locator("button[aria-label^='output, row 4, column 3']").tap()
    lab.view, lab.position = "gather", [4, 3]
    agrees(page, lab)
    page.get_by_role("button", name="next pixel").tap()
    lab.position = [4, 4]
    agrees(page, lab)


def test_chosen_place_is_not_forgotten_where_it_is_outside(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution(view="overlap", position=(6, 5))
    page = opened(lab)
    for view in ("scatter", "matrix", "gather"):
        page.get_by_label(view, exact=True).check()
        lab.view = view
        agrees(page, lab)
    slide(page, "input, rows", 1)
    lab.image = [[1.0, 2.0, 3.0]]
    agrees(page, lab)
    slide(page, "input, rows", 3)
    lab.image = np.arange(1.0, 10).reshape(3, 3).tolist()
    agrees(page, lab)
    assert lab._present == (6, 5)


def test_a_click_into_the_matrices_chooses_a_row(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution(view="matrix", padding=1)
    page = opened(lab)
    for svg, x, y, row in ((1, 0.2, 0.99, 24), (1, 0.9, 0.07, 0), (0, 0.5, 0.5, 12), (0, 0.99, 0.1, 24)):
        matrix = page.locator(".lab-turned svg").nth(svg)
        box = matrix.bounding_box()
        matrix.click(position={"x": x * box["width"], "y": y * box["height"]})
        lab.position = [row // 5, row % 5]
        agrees(page, lab)
    matrix = page.locator(".lab-turned svg").last
    matrix.click(position={"x": 5, "y": 4})  # on x: nothing
    agrees(page, lab)


def test_a_weight_of_zero_is_a_weight(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution(kernel=[[0, 1], [2, 0]], stride=1, view="matrix", position=(1, 1))
    assert (lab.matrix[lab._present[0] * 4 + 1] == 0).sum() == 9 - 2 and lab.overlap[1, 1] == 4
    agrees(opened(lab), lab)


def test_usual_settings(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution()
    page = opened(lab)
    usual = page.get_by_label("usual settings")
    expect(usual).to_have_value("3 2 0 0")
    for key, size in {
        "2 2 0 0": 6, "3 2 1 1": 6, "4 2 1 0": 6, "3 1 1 0": 3, "4 4 0 0": 12, "3 2 0 0": 7,
    }.items():  # fmt: skip
        usual.select_option(key)
        k, s, p, e = map(int, key.split())
        lab.kernel, lab.stride = np.ones((k, k)).tolist(), [s, s]
        lab.padding, lab.output_padding = [p, p], [e, e]
        assert lab.output.shape == (size, size)
        agrees(page, lab)
        expect(usual).to_have_value(key)
    slide(page, "dilation, rows", 2)
    expect(usual).to_have_value("")
    usual.select_option("2 2 0 0")
    lab.kernel, lab.stride = np.ones((2, 2)).tolist(), [2, 2]
    agrees(page, lab)  # with dilation 1


def test_presets_and_typed_numbers(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution(view="gather", position=(3, 3))
    page = opened(lab)
    rows, columns = np.indices((3, 3))
    images, kernels = (
        page.get_by_label(name, exact=True).and_(page.locator("select")) for name in ("input", "kernel")
    )
    for key, image in {
        "ones": np.ones((3, 3)), "pixel": (rows == 1) * (columns == 1), "edge": columns >= 2,
        "counted": 3 * rows + columns + 1,
    }.items():  # fmt: skip
        images.select_option(key)
        lab.image = image.astype(float).tolist()
        agrees(page, lab)
    for key, kernel in {
        "counted": 3 * rows + columns + 1, "corner": rows + columns == 0, "ones": np.ones((3, 3)),
        "bilinear": np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]),
    }.items():  # fmt: skip
        kernels.select_option(key)
        lab.kernel = kernel.astype(float).tolist()
        agrees(page, lab)
        expect(kernels).to_have_value(key)
    slide(page, "kernel, rows", 4)  # stays bilinear
    quarters = np.array([0.25, 0.75, 0.75, 0.25])
    lab.kernel = np.outer(quarters, quarters).tolist()
    agrees(page, lab)
    expect(kernels).to_have_value("bilinear")
    page.get_by_label("pixel, row 0, column 0").fill("−2,5")
    page.get_by_label("weight, row 3, column 1").fill("12")
    page.get_by_label("pixel, row 1, column 1").focus()  # only then is it written anew
    lab.image = [[-2.5, *lab.image[0][1:]], *lab.image[1:]]
    lab.kernel = [*lab.kernel[:3], [0.0625, 12.0, *lab.kernel[3][2:]]]
    agrees(page, lab)
    expect(images).to_have_value("")
    expect(kernels).to_have_value("")
    slide(page, "kernel, columns", 3)  # other numbers stay where they are
    lab.kernel = [row[:3] for row in lab.kernel[:3]]
    agrees(page, lab)
    page.get_by_label("weight, row 0, column 0").fill("x")
    expect(page.get_by_label("weight, row 0, column 0")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("pixel, row 1, column 1").focus()
    expect(page.get_by_label("weight, row 0, column 0")).to_have_value("0.0625")
    agrees(page, lab)


def test_typing_into_a_chosen_pixel_changes_its_copy(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution()
    page = opened(lab)
    page.get_by_label("pixel, row 2, column 0").fill("-40")
    lab.position, lab.image = [2, 0], [*lab.image[:2], [-40.0, *lab.image[2][1:]]]
    page.get_by_label("weight, row 0, column 0").focus()
    agrees(page, lab)


def test_walking_and_playing_through_the_pixels(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution()
    page = opened(lab)
    back, following = (page.get_by_role("button", name=name) for name in ("back one pixel", "next pixel"))
    total = page.locator(".lab-sum")
    expect(back).to_be_disabled()
    for place in (1, 2, 3):
        following.click()
        lab.position = [place // 3, place % 3]
        agrees(page, lab)
    back.click()
    lab.position = [0, 2]
    agrees(page, lab)
    page.get_by_label("pixel, row 2, column 1").focus()
    stop_the_clock(page)
    page.get_by_role("button", name="play through all pixels").click()
    expect(total).to_have_attribute("aria-live", "off")
    page.clock.run_for(800)
    lab.position = [2, 2]
    agrees(page, lab)
    assert np.array_equal(lab.laid, lab.output)  # all copies are laid
    expect(following).to_be_disabled()
    page.clock.run_for(800)
    expect(total).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="play through all pixels").click()  # from the beginning
    lab.position = [0, 0]
    agrees(page, lab)
    page.clock.run_for(1500)
    lab.position = [0, 2]
    agrees(page, lab)
    page.get_by_role("button", name="pause").click()
    page.clock.run_for(3000)
    agrees(page, lab)
    page.get_by_role("button", name="play through all pixels").click()
    page.get_by_label("overlap", exact=True).check()  # another view stops it
    expect(total).to_have_attribute("aria-live", "polite")
    page.clock.run_for(3000)
    lab.view = "overlap"
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution()
    page = opened(lab)

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        ).startswith(name)

    keys("Tab", "ArrowLeft")
    focused("input, rows")
    lab.image = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    agrees(page, lab)
    keys("Tab", "Tab", "ArrowLeft")
    focused("kernel, rows")
    lab.kernel = np.ones((2, 2)).tolist()
    keys("Tab", "Tab", "ArrowRight")
    focused("stride, rows")
    lab.stride = [3, 3]
    keys("Tab", "Tab", "ArrowRight")
    focused("padding, rows")
    lab.padding = [1, 1]
    keys("Tab", "Tab", "ArrowRight", "ArrowRight")
    focused("output padding, rows")
    lab.output_padding = [2, 2]
    keys("Tab", "Tab", "Tab")
    focused("dilation, columns")
    keys("ArrowRight", "Tab")
    lab.dilation = [2, 2]
    agrees(page, lab)
    focused("rows and columns together")
    keys("Space", "Tab")
    focused("usual settings")
    keys("Tab")
    focused("input")
    keys("Tab", "ArrowDown")
    focused("kernel")
    lab.kernel = [[1.0, 2.0], [3.0, 4.0]]
    agrees(page, lab)
    keys("Tab")
    focused("scatter")
    keys("Tab", "ArrowRight", "ArrowDown")
    focused("pixel, row 1, column 1")
    lab.position = [1, 1]
    agrees(page, lab)
    keys("7")
    lab.image = [lab.image[0], [4.0, 7.0, 6.0]]  # the field was selected
    keys("Tab", "ArrowRight")
    focused("weight, row 0, column 1")
    agrees(page, lab)
    keys("Tab", "Enter")
    focused("back one pixel")
    lab.position = [1, 0]
    agrees(page, lab)
    for _ in range(3):
        keys("Shift+Tab")
    focused("scatter")
    keys("ArrowRight")
    focused("gather")
    lab.view = "gather"
    agrees(page, lab)
    keys("Tab", "Tab", "Tab", "ArrowRight", "ArrowDown")
    focused("output, row 2, column 1")
    lab.position = [2, 1]
    agrees(page, lab)
    keys("Tab", "Tab", "Tab", "Enter")
    focused("next pixel")
    lab.position = [2, 2]
    agrees(page, lab)


def test_impossible_settings_give_a_sentence_and_possible_ones_bring_all_back(
    opened: Callable[..., Page],
) -> None:
    lab = labs.transposed_convolution(view="matrix", position=(2, 4))
    page = opened(lab)
    problem = page.locator(".lab-problem")
    slide(page, "output padding, rows", 2)
    lab.output_padding = [2, 2]
    expect(problem).to_have_text(lab.problem)
    assert lab.problem.startswith("Output padding 2 is too much for the rows: it must be smaller than")
    expect(
        page.locator(".lab-grid:visible, .lab-sum:visible, .lab-whole:visible, svg:visible")
    ).to_have_count(0)
    for axis, word in enumerate(("rows", "columns")):
        expect(page.locator(".lab-formula").nth(axis)).to_have_text(f"{word}: {lab.size_in_words(axis)}")
    slide(page, "dilation, rows", 3)
    lab.dilation = [3, 3]
    agrees(page, lab)
    for name, value in (("output padding", 0), ("dilation", 1), ("kernel", 1), ("padding", 3)):
        slide(page, f"{name}, rows", value)
    lab.output_padding, lab.dilation, lab.kernel, lab.padding = [0, 0], [1, 1], [[1.0]], [3, 3]
    expect(problem).to_have_text(
        "Padding 3 leaves nothing: it takes away 3 rows on either side, and the copies span 5."
    )
    page.get_by_label("scatter", exact=True).check()  # views can be changed meanwhile
    expect(problem).to_have_text(lab.problem)
    slide(page, "padding, rows", 2)
    lab.padding, lab.view = [2, 2], "scatter"
    agrees(page, lab)


def test_play_stops_where_nothing_is_left(opened: Callable[..., Page]) -> None:
    page = opened(labs.transposed_convolution())
    page.get_by_role("button", name="play through all pixels").click()
    slide(page, "output padding, rows", 3)
    expect(page.locator(".lab-problem")).not_to_be_empty()
    assert page.locator(".lab-steps button").nth(1).text_content() == "play"  # at once


def test_controls_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.transposed_convolution(), width=390)
    top = "one => one.getBoundingClientRect().top + scrollY"
    for label in ("input", "kernel", "stride", "padding", "output padding", "dilation"):
        control = page.get_by_label(f"{label}, rows", exact=True)
        value, tops = control.input_value(), set()
        for one in (control.get_attribute("min"), control.get_attribute("max"), value):
            control.fill(one)
            tops.add(control.evaluate(top))
        assert len(tops) == 1, label
    tops = set()
    for view in VIEWS:
        page.get_by_label(view, exact=True).check()
        tops.add(page.get_by_label("scatter", exact=True).evaluate(top))
    assert len(tops) == 1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    lab = labs.transposed_convolution(view="gather")
    page = opened(lab)
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("button", name="next pixel").click()
    lab.position = [0, 1]
    agrees(page, lab)
    assert page.evaluate("said") == [f"output row 0, column 1: {lab.point_in_words()}"]


def test_labs_on_one_page_do_not_share_their_choices(opened: Callable[..., Page]) -> None:
    page = opened(labs.transposed_convolution(), labs.transposed_convolution(view="matrix"))
    first, second = page.locator(".lab").all()
    first.get_by_label("overlap", exact=True).check()
    expect(second.get_by_label("matrix", exact=True)).to_be_checked()
    expect(second.locator(".lab-turned")).to_be_visible()
    expect(first.locator(".lab-turned")).not_to_be_visible()


LABS: dict[str, dict[str, Any]] = {
    "to begin with": {},
    "padded": {"padding": 1, "output_padding": 1, "position": (1, 1)},
    "dilated": {"dilation": 2, "stride": 3, "output_padding": (2, 0), "position": (1, 1)},
    "small": {"image": [[3]], "kernel": [[-2]], "stride": 1},
    "large": {
        "image": (np.arange(16).reshape(4, 4) - 4) * 1.25, "kernel": np.arange(16).reshape(4, 4) - 7,
        "stride": 4, "dilation": 3, "output_padding": 3, "position": (2, 2),
    },
    "much padding": {"kernel": np.ones((2, 2)), "padding": 2, "position": (1, 1)},
}  # fmt: skip
STATES = {f"{name}, {view}": {**settings, "view": view} for name, settings in LABS.items() for view in VIEWS}
STATES["small, gather"]["position"] = 0


@pytest.mark.parametrize("settings", STATES.values(), ids=STATES)
def test_phone_shows_all_without_scrolling_the_page(
    settings: dict[str, Any], opened: Callable[..., Page]
) -> None:
    lab = labs.transposed_convolution(**settings)
    page = opened(lab, width=360)
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
    outside = page.locator(".lab-turned svg:visible text").evaluate_all("""all => all.filter(one => {
        const [text, svg] = [one, one.ownerSVGElement].map(each => each.getBoundingClientRect());
        return text.left < svg.left - 1 || text.right > svg.right + 1;
    }).map(one => one.textContent)""")
    assert outside == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", STATES.values(), ids=STATES)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.transposed_convolution(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.transposed_convolution())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


@pytest.mark.parametrize("view", VIEWS)
def test_without_scripts_the_still_result_is_there(view: str, browser: Browser, tmp_path: Path) -> None:
    lab = labs.transposed_convolution(padding=1, view=view, position=(1, 1))
    with browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for words in (MEANING[view], lab.point_in_words(), lab.whole_in_words(), lab.size_in_words(0)):
            expect(page.get_by_text(words).first).to_be_visible()
        table = page.locator("table", has=page.locator("caption:text('Output 5 × 5')"))
        numbers = [float(text) for text in table.locator("td").all_inner_texts()]
        assert numbers == np.ravel(lab.output).tolist()
        assert page.evaluate(OVERFLOW) == []
