"""The labs in the pages of the book: every control is moved, and the numbers that appear are convlib's."""

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browsing import (  # noqa: F401  (fixtures)
    AXE_FAULTS,
    MAKE_ALL_LABS,
    OVERFLOW,
    PHONE,
    WIDE,
    Site,
    accessibility_faults,
    book_files,
    browser,
    stop_the_clock,
    watch,
    wide,
)
from built_book import CHAPTERS, HTML, ROOT
from lab_script import NAMES
from playwright.sync_api import Locator, Page, expect

from convlib.labs import ConvolutionExplorer

PAGES_WITH_LABS = [one for one in CHAPTERS if "data-lab=" in (ROOT / f"{one}.ipynb").read_text("utf8")]
EXPLORER = "book/02-convolution.html"

# Each grid of the explorer as its numbers, whether they stand in fields, buttons or plain cells.
READ_GRIDS = """lab => Object.fromEntries([...lab.querySelectorAll(".lab-grid")].map(grid => {
    const columns = Number(grid.style.getPropertyValue("--columns"));
    const texts = [...grid.children].map(cell => cell.matches("input") ? cell.value : cell.textContent);
    const numbers = texts.map(text => Number(text.replace("−", "-")));
    const row = i => numbers.slice(i * columns, (i + 1) * columns);
    const rows = Array.from({length: numbers.length / columns}, (_, i) => row(i));
    return [grid.getAttribute("aria-label"), rows];
}))"""
MARKED = """(lab, mark) => [...lab.querySelectorAll("[aria-label='padded image'] > *")].map(
    cell => cell.matches(mark))"""
SMALL_TARGETS = """lab => [...lab.querySelectorAll("input[type=range], select, button, label:has(input)")]
    .filter(one => one.checkVisibility() && !one.closest(".lab-grid"))
    .map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 90)])
    .filter(([box]) => box.height < 24 || box.width < 24).map(([, html]) => html)"""


@pytest.fixture
def explorer(wide: Page, book_files: Site) -> Iterator[Locator]:
    """The explorer of chapter 2, on a page that was opened as a file and must stay without a fault."""
    faults, _ = watch(wide, book_files)
    wide.goto(book_files.address(EXPLORER))
    lab = wide.locator(".lab[data-lab=convolution]")
    wide.evaluate(MAKE_ALL_LABS)
    lab.scroll_into_view_if_needed()
    yield lab
    assert faults == []


def grids(lab: Locator) -> dict[str, np.ndarray]:
    return {name: np.array(rows, dtype=float) for name, rows in lab.evaluate(READ_GRIDS).items()}


def as_python(lab: Locator) -> ConvolutionExplorer:
    """The state that the controls show, in Python."""
    value = {name: [int(lab.get_by_label(f"{name}, {axis}").input_value()) for axis in ("rows", "columns")]
             for name in ("image", "kernel", "stride", "padding", "dilation")}  # fmt: skip
    shown = grids(lab)
    (top, left), (height, width) = value["padding"], value["image"]
    image = shown["padded image"][top : top + height, left : left + width]
    assert shown["kernel"].shape == tuple(value["kernel"])
    return ConvolutionExplorer(
        image=image.tolist(),
        kernel=shown["kernel"].tolist(),
        padding_mode=lab.get_by_label("outside lie").input_value(),
        **{name: value[name] for name in ("stride", "padding", "dilation")},
    )


def expect_the_numbers_of_convlib(lab: Locator) -> ConvolutionExplorer:
    python = as_python(lab)
    shown = grids(lab)
    assert np.array_equal(shown["padded image"], python.padded)
    assert np.array_equal(shown["output"], python.output)
    ignored = lab.evaluate(MARKED, ".ignored")
    (top, left), (height, width) = python.padding, np.shape(python.image)
    inside = np.reshape(ignored, python.padded.shape)[top : top + height, left : left + width]
    assert np.array_equal(inside, python.uses == 0)
    i, j, *_ = map(int, re.findall(r"\d+", lab.locator(".lab-sum").inner_text()))
    under = np.zeros(python.padded.shape, dtype=bool)
    under[np.ix_(*python._taps(i, j))] = True
    assert np.array_equal(np.reshape(lab.evaluate(MARKED, ".under"), under.shape), under)
    for axis, count in zip(("rows", "columns"), python.output.shape, strict=True):
        expect(lab.locator(".lab-formula", has_text=f"{axis}: ")).to_contain_text(f"+ 1 = {count}")
    return python


def set_slider(lab: Locator, name: str, value: int) -> None:
    lab.get_by_label(name).fill(str(value))


def test_the_explorer_begins_with_the_example_of_the_text(explorer):
    python = expect_the_numbers_of_convlib(explorer)
    assert python.output.tolist() == [[3, 7, -1], [0, 0, 3]]
    expect(explorer.locator(".lab-sum")).to_have_text("row 0, column 0: 1 · 1 + 0 · 2 + (−1) · 0 + 2 · 1 = 3")


@pytest.mark.parametrize("axis", ["rows", "columns"])
@pytest.mark.parametrize(
    ("name", "values"),
    [("image", (12, 5)), ("kernel", (1, 3)), ("stride", (2, 4)), ("padding", (1, 4)), ("dilation", (2, 3))],
)
def test_every_slider_moves_one_axis_where_rows_and_columns_are_apart(explorer, name, values, axis):
    set_slider(explorer, "image, rows", 7)
    set_slider(explorer, "image, columns", 9)
    explorer.get_by_label("rows and columns together").uncheck()
    other = explorer.get_by_label(f"{name}, {'rows' if axis == 'columns' else 'columns'}").input_value()
    for value in values:
        set_slider(explorer, f"{name}, {axis}", value)
        python = expect_the_numbers_of_convlib(explorer)
        state = {
            "image": np.shape(python.image),
            "kernel": np.shape(python.kernel),
            "stride": python.stride,
            "padding": python.padding,
            "dilation": python.dilation,
        }[name]
        assert state[axis == "columns"] == value
        assert state[axis == "rows"] == int(other)


def test_rows_and_columns_move_together_where_that_is_ticked(explorer):
    set_slider(explorer, "image, columns", 9)
    set_slider(explorer, "padding, columns", 3)
    assert as_python(explorer).padding == [3, 3]
    set_slider(explorer, "kernel, rows", 3)
    assert np.shape(expect_the_numbers_of_convlib(explorer).kernel) == (3, 3)
    assert np.shape(as_python(explorer).image) == (3, 9)  # the image stays as it is


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_every_padding_mode_shows_what_lies_outside(explorer, mode):
    set_slider(explorer, "padding, rows", 2)
    explorer.get_by_label("outside lie").select_option(mode)
    assert expect_the_numbers_of_convlib(explorer).padding_mode == mode


@pytest.mark.parametrize("setting", ["1 1 0", "3 1 1", "3 2 1", "2 2 0", "7 4 3"])
def test_every_usual_setting_is_set_at_once(explorer, setting):
    set_slider(explorer, "image, rows", 8)
    explorer.get_by_label("usual settings").select_option(setting)
    python = expect_the_numbers_of_convlib(explorer)
    k, s, p = map(int, setting.split())
    assert (np.shape(python.kernel), python.stride, python.padding) == ((k, k), [s, s], [p, p])
    expect(explorer.get_by_label("usual settings")).to_have_value(setting)
    set_slider(explorer, "dilation, rows", 2)
    expect(explorer.get_by_label("usual settings")).to_have_value("" if k > 0 else setting)


@pytest.mark.parametrize(
    ("kernel", "rows"),
    [
        ("ones", [[1, 1], [1, 1]]),
        ("identity", [[0, 0], [0, 1]]),
        ("edges", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    ],
)
def test_every_kernel_of_the_menu_is_laid_in(explorer, kernel, rows):
    menu = explorer.get_by_role("combobox", name="kernel", exact=True)
    menu.select_option(kernel)
    assert expect_the_numbers_of_convlib(explorer).kernel == rows
    expect(menu).to_have_value(kernel)


@pytest.mark.parametrize(
    ("image", "rows"),
    [("digits", [[0, 3, 2, 1], [2, 2, 2, 2], [0, 1, 2, 3]]), ("edge", [[0, 0, 4, 4]] * 3),
     ("dot", [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]), ("ramp", [[0, 1, 2, 3]] * 3)],
)  # fmt: skip
def test_every_image_of_the_menu_is_laid_in(explorer, image, rows):
    menu = explorer.get_by_role("combobox", name="image", exact=True)
    menu.select_option(image)
    assert expect_the_numbers_of_convlib(explorer).image == rows
    expect(menu).to_have_value(image)


def test_numbers_can_be_typed_into_image_and_kernel(explorer):
    explorer.get_by_label("pixel, row 1, column 2").fill("-2.5")
    explorer.get_by_label("weight, row 0, column 1").fill("4")
    python = expect_the_numbers_of_convlib(explorer)
    assert python.image[1][2] == -2.5
    assert python.kernel[0][1] == 4
    field = explorer.get_by_label("pixel, row 0, column 0")
    field.fill("3x")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.blur()
    expect(field).to_have_value("1")  # what is no number is forgotten
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect_the_numbers_of_convlib(explorer)


def test_the_windows_are_walked_through_by_buttons(explorer):
    total, back, forward = (
        explorer.locator(".lab-sum"),
        explorer.get_by_label("back one window"),
        explorer.get_by_label("next window"),
    )
    expect(back).to_be_disabled()
    places = []
    for _ in range(6):
        text = total.inner_text().replace("−", "-")
        i, j, products, result = re.fullmatch(r"row (\d+), column (\d+): (.*) = (-?\d+)", text).groups()
        assert eval(products.replace("·", "*")) == int(result)
        assert as_python(explorer).output[int(i), int(j)] == int(result)
        marked = explorer.get_by_label(re.compile(f"^output, row {i}, column {j}:"))
        expect(marked).to_have_attribute("aria-current", "true")
        assert explorer.locator("[aria-label='padded image'] > .under").count() == 4
        places.append((int(i), int(j)))
        if forward.is_enabled():
            forward.click()
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    expect(forward).to_be_disabled()
    back.click()
    expect(total).to_contain_text("row 1, column 1: ")


def test_play_walks_to_the_end_and_can_be_paused(explorer):
    total = explorer.locator(".lab-sum")
    explorer.get_by_label("play through all windows").click()
    expect(total).to_have_attribute("aria-live", "off")  # a screen reader could not keep up
    expect(total).to_contain_text("row 0, column 2: ")
    explorer.get_by_label("pause").click()
    stopped = total.inner_text()
    explorer.page.wait_for_timeout(1600)
    assert total.inner_text() == stopped
    explorer.get_by_label("play through all windows").click()
    expect(total).to_contain_text("row 1, column 2: ", timeout=8000)
    expect(explorer.get_by_label("play through all windows")).to_be_enabled()
    expect(total).to_have_attribute("aria-live", "polite")
    explorer.get_by_label("play through all windows").click()  # from the beginning once more
    expect(total).to_contain_text("row 0, column 1: ")


def test_play_stops_where_there_is_no_window_left(explorer):
    explorer.get_by_label("play through all windows").click()
    set_slider(explorer, "dilation, rows", 4)
    expect(explorer.locator(".lab-problem")).not_to_be_empty()
    # At once: by itself it would stop at the last window, too.
    assert explorer.locator(".lab-steps button").nth(1).text_content() == "play"


def test_an_output_number_shows_its_window_when_it_is_touched(explorer):
    explorer.get_by_label(re.compile("^output, row 1, column 2:")).click()
    expect(explorer.locator(".lab-sum")).to_have_text("row 1, column 2: 1 · 3 + 0 · 1 + (−1) · 0 + 2 · 0 = 3")


def test_everything_can_be_done_by_keyboard(explorer):
    keyboard = explorer.page.keyboard
    explorer.get_by_label("image, rows").focus()
    keyboard.press("ArrowRight")
    assert np.shape(as_python(explorer).image) == (4, 4)
    pixel = explorer.get_by_label("pixel, row 0, column 0")
    pixel.focus()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowRight")
    keyboard.type("9")
    assert as_python(explorer).image[1][1] == 9
    keyboard.press("Tab")  # one stop for each grid
    assert explorer.page.evaluate("document.activeElement.ariaLabel") == "weight, row 0, column 0"
    keyboard.press("Tab")
    assert explorer.page.evaluate("document.activeElement.ariaLabel").startswith("output, row 0, column 0")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowDown")
    expect(explorer.locator(".lab-sum")).to_contain_text("row 1, column 1: ")
    expect_the_numbers_of_convlib(explorer)


def test_a_grid_is_one_stop_of_the_tab_key_and_remembers_its_place(explorer):
    for grid in explorer.locator(".lab-grid").all():
        assert grid.evaluate("grid => grid.querySelectorAll('[tabindex=\"0\"]').length") == 1
    explorer.get_by_label("pixel, row 1, column 2").click()
    explorer.page.keyboard.press("Tab")
    explorer.page.keyboard.press("Shift+Tab")
    assert explorer.page.evaluate("document.activeElement.ariaLabel") == "pixel, row 1, column 2"


def test_how_often_each_pixel_is_used_is_shown_in_its_place(explorer):
    set_slider(explorer, "image, rows", 6)
    set_slider(explorer, "image, columns", 7)
    explorer.get_by_label("usual settings").select_option("3 2 1")
    python = as_python(explorer)
    explorer.get_by_label("show how often each pixel is used").check()
    assert np.array_equal(grids(explorer)["padded image"][1:-1, 1:-1], python.uses)
    explorer.get_by_label("show how often each pixel is used").uncheck()
    assert as_python(explorer).image == python.image


def test_settings_without_a_window_are_explained_and_can_be_left_again(explorer):
    problem = explorer.locator(".lab-problem")
    set_slider(explorer, "dilation, rows", 4)
    expect(problem).to_have_text("No window fits: the kernel spans 5 rows, the padded image has 3.")
    expect(explorer.locator(".lab-arrays")).to_be_hidden()
    set_slider(explorer, "padding, rows", 3)
    expect(problem).to_be_empty()
    expect_the_numbers_of_convlib(explorer)
    explorer.get_by_label("outside lie").select_option("reflect")
    expect(problem).to_have_text(
        "Padding 3 does not go with “reflect”: an image of 3 rows has 2 to give on a side."
    )
    set_slider(explorer, "padding, rows", 2)
    expect_the_numbers_of_convlib(explorer)


# --- every lab ---


def html(chapter: str) -> str:
    return (HTML / f"{chapter}.html").read_text("utf8")


def test_every_lab_is_in_the_book():
    pages = " ".join(html(chapter) for chapter in PAGES_WITH_LABS)
    assert set(re.findall(r'data-lab="(\w+)"', pages)) == set(NAMES)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_page_loads_the_scripts_of_its_own_labs_and_no_other(chapter):
    loaded = re.findall(r'src="[^"]*_static/lab-(\w+)\.js', html(chapter))
    assert loaded == sorted(set(re.findall(r'data-lab="(\w+)"', html(chapter))))
    assert bool(loaded) == ("labs.css" in html(chapter)) == (chapter in PAGES_WITH_LABS)


# Every control gets its turn, as far as one can tell without knowing the lab.
USE_EVERYTHING = """lab => {
    const change = control => ["input", "change"].forEach(
        kind => control.dispatchEvent(new Event(kind, {bubbles: true})));
    const usable = one => one.checkVisibility() && one.matches(":enabled");
    const shown = selector => [...lab.querySelectorAll(selector)].filter(usable);
    for (const menu of shown("select")) {
        if (!usable(menu)) continue;  // one before it may have hidden it
        menu.selectedIndex = menu.options.length - 1;
        change(menu);
    }
    for (const range of shown("input[type=range]")) { range.stepUp(); change(range) }
    for (const box of shown("input[type=checkbox]")) box.click();
    for (const button of shown("button:not(.lab-grid *)").slice(0, 60))
        if (usable(button)) button.click();
    lab.querySelectorAll("details").forEach(details => details.open = true);
}"""
# The rest of a page has its own tests, and would be laid out again for every view.
NOTHING_BUT_LABS = """() => {
    const rest = document.querySelectorAll("article :not(.lab, .lab *, :has(.lab), h2, h3)");
    rest.forEach(one => one.remove());
}"""
VIEWS_OF_LABS = [(theme, width) for theme in ("light", "dark") for width in (1200, 768, 390)]


def look_at(page: Page, theme: str, width: int) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})


@pytest.mark.parametrize("chapter", [chapter for chapter in PAGES_WITH_LABS if "question-set" not in chapter])
def test_a_lab_that_was_used_keeps_nobody_out_at_any_width(chapter, book_files, browser):
    with browser.new_context(viewport=WIDE, reduced_motion="reduce") as context:
        page = context.new_page()
        faults, _ = watch(page, book_files)
        page.goto(book_files.address(f"{chapter}.html"))
        page.evaluate(MAKE_ALL_LABS)
        page.add_style_tag(content="* {content-visibility: visible !important}")
        for lab in page.locator(".lab").all():
            lab.evaluate(USE_EVERYTHING)
        for theme, width in VIEWS_OF_LABS:
            look_at(page, theme, width)
            faults += [f"{theme}, {width} px: {fault}" for fault in page.evaluate(OVERFLOW)]
        page.evaluate(NOTHING_BUT_LABS)
        page.evaluate(AXE_SCRIPT)
        for theme, width in VIEWS_OF_LABS:
            look_at(page, theme, width)
            found = page.evaluate(AXE_FAULTS, [theme == "dark", ".lab"])  # all else was judged in the light
            faults += [f"{theme}, {width} px: {fault}" for fault in found]
        assert faults == []


NEEDED = {
    "come near": lambda page, lab: lab.evaluate(
        "lab => scrollTo(0, scrollY + lab.getBoundingClientRect().top - 1.9 * innerHeight)"
    ),
    "follow a link": lambda page, lab: page.evaluate("location.hash = 'recap'"),
    "print": lambda page, lab: page.pdf(),
    "wait": lambda page, lab: page.clock.run_for(10_000),
}


@pytest.mark.parametrize("reader", NEEDED)
def test_a_lab_is_made_when_the_reader_needs_it_and_not_before(reader, wide, book_files):
    stop_the_clock(wide)
    wide.goto(book_files.address("book/11-handcrafted-kernels.html"))
    lab = wide.locator(".lab")
    expect(lab).to_have_count(1)
    wide.evaluate("scrollTo(0, 200)")
    wide.clock.run_for(1000)
    expect(lab.locator("table").first).to_contain_text(re.compile(r"\d"))
    expect(lab).not_to_contain_class("live")
    NEEDED[reader](wide, lab)
    expect(lab).to_contain_class("live")


def test_where_a_link_leads_the_labs_above_are_made_already(wide, book_files):
    wide.goto(book_files.address("book/11-handcrafted-kernels.html#recap"))
    expect(wide.locator(".lab")).to_contain_class("live")


@pytest.mark.parametrize("chapter", PAGES_WITH_LABS)
def test_without_scripts_every_lab_shows_its_first_numbers(chapter, book_files, browser):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(book_files.address(f"{chapter}.html"))
        for lab in page.locator(".lab").all():
            expect(lab.locator("table, .question").first).to_be_visible()
            assert re.search(r"\d", lab.text_content())
            assert lab.locator("input, button, select").count() == 0


@pytest.mark.parametrize("chapter", PAGES_WITH_LABS)
def test_a_lab_that_is_not_made_yet_keeps_nobody_out(chapter, book_files, wide):
    wide.route("**/lab-*.js*", lambda route: route.fulfill(body=""))
    wide.goto(book_files.address(f"{chapter}.html"))
    wide.evaluate(AXE_SCRIPT)
    found = wide.evaluate("async () => (await axe.run('.lab', {preload: false})).violations")
    assert wide.locator(".lab").count() and not wide.locator(".lab.live").count()
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize("chapter", PAGES_WITH_LABS)
def test_a_lab_fits_a_phone_and_its_targets_a_finger(chapter, book_files, browser):
    with browser.new_context(viewport=PHONE, has_touch=True) as context:
        page = context.new_page()
        page.goto(book_files.address(f"{chapter}.html"))
        page.evaluate(MAKE_ALL_LABS)
        for lab in page.locator(".lab").all():
            lab.scroll_into_view_if_needed()
            assert page.evaluate(OVERFLOW) == []
            assert lab.evaluate(SMALL_TARGETS) == []


@pytest.mark.parametrize("chapter", PAGES_WITH_LABS)
def test_the_state_in_the_page_is_plain_data(chapter):
    for state in re.findall(r'data-state="([^"]*)"', html(chapter)):
        assert isinstance(json.loads(state.replace("&quot;", '"').replace("&amp;", "&")), dict)
