"""The pooling lab in a real browser: every control, by mouse and by keyboard, against convlib's numbers."""

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
from convlib.labs import PoolingLab
from convlib.labs.pooling import KINDS

__all__ = ["browser", "opened"]  # fixtures

SETTINGS = {"window": "kernel_size", "stride": "stride", "padding": "padding"}


def texts(cells: Locator) -> list[float]:
    """The numbers in full: where a square shows a rounded one, its title holds it."""
    values = cells.evaluate_all(
        """all => all.map(one => one.matches("input") ? one.value
            : /^−?[0-9.e−]+$/.test(one.title) ? one.title : one.textContent)"""
    )
    return [float(value.replace("−", "-").replace("NaN", "nan")) for value in values]


def close(one: list[float], other: Any) -> bool:
    return len(one) == np.size(other) and np.allclose(one, np.ravel(other), 1e-3, 1e-9, equal_nan=True)


def marked(page: Page, cells: str, mark: str) -> list[int]:
    return page.locator(cells).evaluate_all(
        "(all, mark) => all.flatMap((one, at) => one.matches(mark) ? [at] : [])", mark
    )


def figure(page: Page, caption: str) -> Locator:
    found = page.locator(".lab-arrays figure:visible", has=page.locator(f"figcaption:text('{caption}')"))
    expect(found).to_have_count(1)
    return found


def agrees(page: Page, lab: PoolingLab) -> None:
    """All that the page shows is what Python computes for the same state."""
    i, j = lab._present
    sums = page.locator(".lab-sum")
    expect(sums.first).to_have_text(f"row {i}, column {j}: {lab.window_in_words()}")
    for axis, word in enumerate(("rows", "columns")):
        expect(page.locator(".lab-formula").nth(axis)).to_have_text(f"{word}: {lab.size_in_words(axis)}")
    pixels, output = page.locator("input[aria-label^='pixel']"), page.locator("button[aria-label^='output']")
    assert texts(pixels) == np.ravel(lab.image).tolist()
    expect(output).to_have_count(lab.output.size)
    assert close(texts(output), lab.output)
    rows, columns = np.shape(lab.image)
    window = [r * columns + c for r, c in lab._window(i, j).pixels]
    assert marked(page, "input[aria-label^='pixel']", ".under") == window
    assert marked(page, "button[aria-label^='output']", "[aria-current].chosen") == [
        i * lab.output.shape[1] + j
    ]
    unread = lab._unread
    ignored = [
        r * columns + c for r in range(rows) for c in range(columns) if r in unread[0] or c in unread[1]
    ]
    assert marked(page, "input[aria-label^='pixel']", ".ignored[title='in no window']") == ignored
    maximum, view = lab.kind.endswith("max"), lab.view
    if maximum:
        shared = view == "gradient" and lab.ties == "shared"
        winners = lab._winners(i, j) if shared else lab._winners(i, j)[:1]
        chosen = [r * columns + c for r, c in winners]
        assert marked(page, "input[aria-label^='pixel']", ".chosen") == chosen
        won = np.flatnonzero(lab._senders()) if view == "gradient" else np.unique(lab.indices)
        assert marked(page, "input[aria-label^='pixel']", ".winner") == won.tolist()
    else:
        expect(page.locator("input:is(.winner, [aria-label^='pixel'].chosen)")).to_have_count(0)
    padding = page.locator(".lab-grid .outside:not(.beyond)")
    assert set(padding.all_inner_texts()) <= {"−∞" if maximum else "0"}
    uncounted = lab.kind == "average" and not lab.count_include_pad
    expect(padding.locator("s")).to_have_count(padding.count() if uncounted else 0)
    down, across = lab._options[2]
    assert padding.count() == (rows + 2 * down) * (columns + 2 * across) - rows * columns
    if view == "gradient":
        assert close(texts(figure(page, "gradient at the input").locator("span")), lab.grad_input)
        assert close(texts(figure(page, "gradient of the output").locator("input")), lab.grad_output)
        expect(sums.last).to_have_text(lab.sending_in_words())
        expect(page.locator(".lab-share")).to_have_text(lab.share_in_words())
    elif view == "indices" and maximum:
        wins = np.bincount(lab.indices.ravel(), minlength=rows * columns)
        assert texts(figure(page, "windows that each pixel wins").locator("span")) == wins.tolist()
        assert close(texts(figure(page, "flat index of each maximum").locator("span")), lab.indices)
    else:
        expect(page.locator(".lab-arrays figure:visible")).to_have_count(2)
    if view != "gradient":
        expect(page.locator(".lab-share:visible, .lab-sum:visible")).to_have_count(1)


def slide(page: Page, name: str, value: int) -> None:
    page.get_by_label(name, exact=True).fill(str(value))


def test_every_slider(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.pooling(view="indices")), labs.pooling(view="indices")
    agrees(page, lab)
    page.get_by_label("rows and columns together").uncheck()
    slide(page, "window, rows", 3)  # the stride goes along
    lab.kernel_size = lab.stride = [3, 2]
    agrees(page, lab)
    page.get_by_label("stride = window").uncheck()
    slide(page, "window, columns", 4)
    lab.kernel_size = [3, 4]
    agrees(page, lab)
    slide(page, "stride, rows", 1)
    slide(page, "stride, columns", 3)
    lab.stride = [1, 3]
    agrees(page, lab)
    slide(page, "padding, rows", 1)
    slide(page, "padding, columns", 2)
    lab.padding = [1, 2]
    agrees(page, lab)
    slide(page, "input, rows", 4)
    slide(page, "input, columns", 8)
    lab.image = labs.pooling(input_size=(4, 8)).image
    agrees(page, lab)
    page.get_by_label("round up").check()
    lab.ceil_mode = True
    agrees(page, lab)
    page.get_by_label("stride = window").check()
    lab.stride = [3, 4]
    agrees(page, lab)
    page.get_by_label("rows and columns together").check()
    slide(page, "window, rows", 4)
    lab.kernel_size = lab.stride = [4, 4]
    agrees(page, lab)
    slide(page, "padding, columns", 0)
    lab.padding = [0, 0]
    agrees(page, lab)
    slide(page, "stride, rows", 2)
    lab.stride = [2, 2]
    expect(page.get_by_label("stride = window")).not_to_be_checked()
    agrees(page, lab)
    slide(page, "stride, rows", 4)
    expect(page.get_by_label("stride = window")).to_be_checked()


@pytest.mark.parametrize("view", ["values", "indices", "gradient"])
def test_every_kind_in_every_view(view: str, opened: Callable[..., Page]) -> None:
    settings: dict[str, Any] = {"kernel_size": 3, "stride": 2, "padding": 1, "input_size": (6, 5)}
    page, lab = opened(labs.pooling(**settings)), labs.pooling(**settings, view=view)
    page.get_by_label(view, exact=True).click()
    for kind in ("average", "Lp", "global max", "global average", "max"):
        page.get_by_label(kind, exact=True).click()
        lab.kind = kind
        agrees(page, lab)
        whole, padded = kind.startswith("global"), kind in ("max", "average")
        for label, enabled in (
            ("window, rows", not whole),
            ("stride, columns", not whole),
            ("padding, rows", padded),
            ("stride = window", not whole),
            ("round up", not whole),
            ("indices", kind.endswith("max")),
        ):
            expect(page.get_by_label(label)).to_be_enabled(enabled=enabled)
    expect(page.get_by_label("count padding")).to_be_disabled()
    page.get_by_label("average", exact=True).click()
    page.get_by_label("count padding").uncheck()
    page.get_by_label("round up").check()
    lab.kind, lab.count_include_pad, lab.ceil_mode = "average", False, True
    agrees(page, lab)
    page.get_by_label("Lp", exact=True).click()
    lab.kind = "Lp"
    for p in (1, 3, 4, 2):
        slide(page, "p of the Lp norm", p)
        lab.norm_type = p
        agrees(page, lab)


def test_presets_and_typed_numbers(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.pooling()), labs.pooling()
    small = np.array(lab.image)
    across = np.indices(small.shape)[1]
    for key, image in {
        "equal": small * 0 + 3,
        "negative": -1 - small,
        "relu": np.maximum(0, small - 5),
        "line": 8.0 * (across == 3),
        "digits": small,
    }.items():
        page.get_by_label("input", exact=True).select_option(key)
        lab.image = image.tolist()
        agrees(page, lab)
    page.get_by_label("pixel, row 0, column 0").fill("−2,5")
    page.get_by_label("pixel, row 5, column 5").fill("12")
    page.get_by_label("pixel, row 1, column 1").focus()  # only then is it written anew
    lab.image = [[-2.5, *lab.image[0][1:]], *lab.image[1:5], [*lab.image[5][:5], 12.0]]
    agrees(page, lab)
    expect(page.get_by_label("input", exact=True)).to_have_value("")
    page.get_by_label("pixel, row 0, column 0").fill("x")
    expect(page.get_by_label("pixel, row 0, column 0")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("pixel, row 1, column 1").focus()
    expect(page.get_by_label("pixel, row 0, column 0")).to_have_value("−2.5")
    agrees(page, lab)


def test_gradient_and_its_controls(opened: Callable[..., Page]) -> None:
    ties = np.full((5, 5), 3.0)
    page, lab = opened(labs.pooling(ties)), labs.pooling(ties, view="gradient")
    page.get_by_label("gradient", exact=True).click()
    agrees(page, lab)
    page.get_by_label("shared among them").click()
    lab.ties = "shared"
    agrees(page, lab)
    page.get_by_label("stride = window").uncheck()
    slide(page, "stride, rows", 1)  # now windows overlap
    lab.stride = [1, 1]
    agrees(page, lab)
    for upstream in ("counted", "ones", "counted"):
        page.get_by_role("combobox", name="gradient of the output").select_option(upstream)
        lab.upstream = upstream
        agrees(page, lab)
    page.get_by_label("gradient of the output, row 1, column 2").fill("−20")
    lab.gradient, lab.upstream = lab.grad_output.tolist(), "own"
    lab.gradient[1][2] = -20.0
    lab.position = [1, 2]
    agrees(page, lab)
    expect(page.get_by_role("combobox", name="gradient of the output")).to_have_value("own")
    page.get_by_label("to the first").click()
    lab.ties = "first"
    agrees(page, lab)
    page.get_by_label("average", exact=True).click()
    lab.kind = "average"
    expect(page.get_by_label("to the first")).not_to_be_visible()
    agrees(page, lab)


def test_walking_and_playing_through_the_windows(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.pooling()), labs.pooling(view="gradient")
    page.get_by_label("gradient", exact=True).click()
    back, following = (page.get_by_role("button", name=name) for name in ("back one window", "next window"))
    expect(back).to_be_disabled()
    for place in (1, 2, 3):
        following.click()
        lab.position = [place // 3, place % 3]
        agrees(page, lab)
    back.click()
    lab.position = [0, 2]
    agrees(page, lab)
    page.locator("button[aria-label^='output, row 2, column 1']").click()
    lab.position = [2, 1]
    agrees(page, lab)
    stop_the_clock(page)
    page.get_by_role("button", name="play through all windows").click()
    expect(page.locator(".lab-sum").first).to_have_attribute("aria-live", "off")
    page.clock.run_for(800)
    lab.position = [2, 2]
    agrees(page, lab)
    expect(following).to_be_disabled()
    page.clock.run_for(800)
    expect(page.locator(".lab-sum").first).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="play through all windows").click()  # from the beginning
    lab.position = [0, 0]
    agrees(page, lab)
    page.clock.run_for(1500)
    lab.position = [0, 2]
    agrees(page, lab)
    page.get_by_role("button", name="pause").click()
    page.clock.run_for(3000)
    agrees(page, lab)


def test_keyboard_alone_reaches_everything(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.pooling()), labs.pooling()

    def keys(*names: str) -> None:
        for name in names:
            page.keyboard.press(name)

    def focused(name: str) -> None:
        assert page.evaluate(
            "(one => one.ariaLabel ?? one.labels[0].innerText.trim())(document.activeElement)"
        ).startswith(name)

    keys("Tab", "ArrowRight", "ArrowLeft")
    focused("max")
    agrees(page, lab)
    keys("Tab", "Tab")
    focused("input, columns")
    keys("ArrowLeft", "Tab", "ArrowRight")
    focused("window, rows")
    lab.image, lab.kernel_size, lab.stride = labs.pooling(input_size=(6, 5)).image, [3, 3], [3, 3]
    agrees(page, lab)
    keys("Tab", "Tab", "ArrowLeft", "Tab", "Tab", "ArrowRight")
    focused("padding, rows")
    lab.stride, lab.padding = [2, 2], [1, 1]
    agrees(page, lab)
    keys("Tab", "Tab")
    focused("rows and columns together")
    keys("Tab", "Tab", "Space")
    focused("round up")
    lab.ceil_mode = True
    agrees(page, lab)
    keys("Tab")
    focused("input")
    keys("Tab", "ArrowRight", "ArrowRight")
    focused("gradient")
    lab.view = "gradient"
    agrees(page, lab)
    keys("Tab", "ArrowDown")
    focused("gradient of the output")
    lab.upstream = "counted"
    keys("Tab", "ArrowRight")
    focused("shared")
    lab.ties = "shared"
    agrees(page, lab)
    keys("Tab", "ArrowDown", "ArrowRight", "9", "9")
    focused("pixel, row 1, column 1")
    lab.image = [lab.image[0], [lab.image[1][0], 99.0, *lab.image[1][2:]], *lab.image[2:]]
    agrees(page, lab)
    keys("Tab", "ArrowRight", "ArrowDown")
    focused("output, row 1, column 1")
    lab.position = [1, 1]
    agrees(page, lab)
    keys("Tab", "ArrowRight", "7")
    focused("gradient of the output, row 0, column 1")
    lab.position, lab.gradient = [0, 1], lab.grad_output.tolist()
    lab.gradient[0][1], lab.upstream = 7.0, "own"
    keys("Tab", "Tab", "Tab", "Enter")
    focused("next window")
    lab.position = [0, 2]
    agrees(page, lab)


def test_impossible_settings_give_a_sentence_and_possible_ones_bring_all_back(
    opened: Callable[..., Page],
) -> None:
    page, lab = opened(labs.pooling(view="gradient")), labs.pooling(view="gradient")
    problem = page.locator(".lab-problem")
    slide(page, "padding, rows", 2)
    lab.padding = [2, 2]
    expect(problem).to_have_text(lab.problem)
    assert lab.problem == (
        "Padding 2 is too much: it can be at most half of the window, which is 1 for 2 rows."
    )
    expect(page.locator(".lab-grid:visible, .lab-sum:visible, .lab-share:visible")).to_have_count(0)
    slide(page, "padding, rows", 0)
    slide(page, "window, rows", 4)
    slide(page, "input, columns", 3)
    lab.padding, lab.kernel_size, lab.stride = [0, 0], [4, 4], [4, 4]
    lab.image = labs.pooling(input_size=(6, 3), kernel_size=1).image
    expect(problem).to_have_text("No window fits: it spans 4 columns, the padded input has 3.")
    page.get_by_label("round up").check()
    lab.ceil_mode = True  # one window, less than a stride beyond the input
    expect(problem).not_to_be_visible()
    agrees(page, lab)


def test_controls_stay_where_they_are_while_they_are_used(opened: Callable[..., Page]) -> None:
    page = opened(labs.pooling(), width=390)
    for label, values in (
        ("input, rows", ["1", "10", "6"]),
        ("window, rows", "1432"),
        ("stride, rows", "142"),
        ("padding, columns", "210"),
    ):
        slider = page.get_by_label(label)
        tops = set()
        for value in values:
            slider.fill(value)
            tops.add(slider.evaluate("one => one.getBoundingClientRect().top + scrollY"))
        assert len(tops) == 1, label
    tops = set()
    for label in (*KINDS, "values", "gradient", "indices"):
        page.get_by_label(label, exact=True).click(force=True)
        tops.add(page.get_by_label("values").evaluate("one => one.getBoundingClientRect().top + scrollY"))
    assert len(tops) == 1


def test_only_sentences_that_change_are_said_again(opened: Callable[..., Page]) -> None:
    page, lab = opened(labs.pooling(view="gradient")), labs.pooling(view="gradient")
    page.evaluate("""() => {
        window.said = [];
        for (const one of document.querySelectorAll("[role=status], [aria-live]"))
            new MutationObserver(() => said.push(one.textContent)).observe(
                one, {childList: true, characterData: true, subtree: true});
    }""")
    page.get_by_role("button", name="next window").click()
    lab.position = [0, 1]
    agrees(page, lab)
    assert page.evaluate("said") == [f"row 0, column 1: {lab.window_in_words()}", lab.sending_in_words()]


def test_labs_on_one_page_do_not_share_their_choices(opened: Callable[..., Page]) -> None:
    page = opened(labs.pooling(), labs.pooling(kind="average", view="gradient"))
    first, second = page.locator(".lab").all()
    first.get_by_label("Lp", exact=True).click()
    expect(second.get_by_label("average", exact=True)).to_be_checked()
    expect(first.get_by_label("values", exact=True)).to_be_checked()


LABS: dict[str, dict[str, Any]] = {
    "to begin with": {},
    "small": {"input_size": 1, "kernel_size": 1},
    "indices": {"input_size": 10, "kernel_size": 4, "stride": 1, "padding": 2, "view": "indices"},
    "gradient": {"input_size": 7, "kernel_size": 3, "stride": 2, "padding": 1, "view": "gradient"},
    "average": {
        "kind": "average", "input_size": (7, 10), "kernel_size": (2, 3), "stride": (3, 4), "padding": 1,
        "ceil_mode": True, "count_include_pad": False, "view": "gradient",
    },
    "norm": {"kind": "Lp", "ceil_mode": True, "input_size": 5, "view": "gradient"},
    "global": {"kind": "global max", "view": "indices"},
}  # fmt: skip


@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_phone_shows_all_without_scrolling_the_page(
    settings: dict[str, Any], opened: Callable[..., Page]
) -> None:
    lab = labs.pooling(**settings)
    page = opened(lab, width=350)
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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("settings", LABS.values(), ids=LABS)
def test_axe_finds_nothing(theme: str, settings: dict[str, Any], opened: Callable[..., Page]) -> None:
    page = opened(labs.pooling(**settings), theme=theme)
    assert accessibility_faults(page, colours_only=theme == "dark") == []
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []


def test_page_comes_to_life_without_a_jump_of_what_is_above(opened: Callable[..., Page]) -> None:
    page = opened(labs.pooling())
    assert page.evaluate(LAYOUT_SHIFT) < 0.02


def test_without_scripts_the_still_result_is_there(browser: Browser, tmp_path: Path) -> None:
    lab = labs.pooling(kernel_size=3, stride=2, padding=1, view="gradient")
    with browser.new_context(java_script_enabled=False, viewport={"width": 720, "height": 900}) as context:
        page = context.new_page()
        page.goto(write_labs_page(tmp_path, lab).address("page.html"))
        for words in (
            lab.window_in_words(),
            lab.sending_in_words(),
            lab.share_in_words(),
            lab.size_in_words(0),
        ):
            expect(page.get_by_text(words).first).to_be_visible()
        for caption, values in (("Output 3 × 3", lab.output), ("Gradient at the input", lab.grad_input)):
            table = page.locator("table", has=page.locator(f"caption:text('{caption}')"))
            assert [float(text) for text in table.locator("td").all_inner_texts()] == np.ravel(
                values
            ).tolist()
