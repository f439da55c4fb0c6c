"""Every page of the built book in a real browser, light and dark, on a wide screen and on a phone.

The faults of a page are collected as sentences, so that one visit reports all of them. The same code visits
deliberately broken pages (at the end), which shows that each kind of fault is really seen.
"""

import functools
import http.server
import math
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import (  # noqa: F401  (fixtures)
    LAYOUT_SHIFT,
    MAKE_ALL_LABS,
    OVERFLOW,
    PHONE,
    SETTLE,
    VIEWS,
    WIDE,
    WRONG_THEME,
    SilentHandler,
    Site,
    accessibility_faults,
    book,
    book_files,
    browser,
    context_of,
    faults_of,
    find_browser,
    watch,
    wide,
)
from bs4 import BeautifulSoup
from built_book import CHAPTERS, GENERATED_PAGES, HTML, PAGES, TEACHING
from playwright.sync_api import Browser, BrowserContext, Page, expect


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PAGES + GENERATED_PAGES)
def test_page_has_no_fault(
    name: str, view: str, book: Site, context_of: Callable[[str], BrowserContext]
) -> None:
    assert faults_of(context_of(view), book, name, VIEWS[view][0]) == []


@pytest.mark.parametrize("name", [PAGES[0], *(f"{chapter}.html" for chapter in CHAPTERS[:1]), "search.html"])
def test_page_opened_as_a_file_has_no_fault(
    name: str, book_files: Site, context_of: Callable[[str], BrowserContext]
) -> None:
    assert faults_of(context_of("light-wide"), book_files, name) == []


# --- what a reader does ---


def test_address_of_the_book_leads_to_its_first_page(book: Site, wide: Page) -> None:
    wide.goto(f"{book.home}/")
    wide.wait_for_url(book.address(PAGES[0]))


def test_first_tab_stop_leads_past_the_navigation(book: Site, wide: Page) -> None:
    wide.goto(book.address(PAGES[0]))
    wide.keyboard.press("Tab")
    link = wide.locator(":focus")
    expect(link).to_have_attribute("href", "#main")
    expect(link).to_be_in_viewport(ratio=1)
    wide.keyboard.press("Enter")
    wide.keyboard.press("Tab")
    assert wide.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize(("system", "chosen"), [("light", "dark"), ("dark", "light")])
def test_colours_chosen_by_button_win_over_the_system_and_stay_on_the_next_page(
    system: str, chosen: str, book: Site, wide: Page
) -> None:
    wide.emulate_media(color_scheme=system)
    wide.goto(book.address(PAGES[0]))
    assert wide.evaluate(WRONG_THEME, system) == []
    for _ in range(3):
        if wide.locator("html").get_attribute("data-theme") != chosen:
            wide.locator("header button.theme").click()
    assert wide.evaluate(WRONG_THEME, chosen) == []
    wide.goto(book.address(PAGES[1]))
    assert wide.evaluate(WRONG_THEME, chosen) + accessibility_faults(wide, colours_only=True) == []


def test_chapter_list_of_a_phone_opens_and_closes_by_keyboard(
    book: Site, context_of: Callable[[str], BrowserContext]
) -> None:
    page = context_of("light-phone").new_page()
    page.goto(book.address(PAGES[0]))
    link = page.locator(f"nav#chapters a[href$='{Path(PAGES[1]).name}']")
    expect(link).not_to_be_in_viewport()
    page.locator("header button[popovertarget=chapters]").focus()
    page.keyboard.press("Enter")
    expect(link).to_be_in_viewport()
    assert accessibility_faults(page) + page.evaluate(OVERFLOW) == []
    page.keyboard.press("Escape")
    expect(link).not_to_be_in_viewport()
    page.close()


def a_word_of(chapter: str) -> str:
    """The longest word of a chapter's prose: rare, and never a word that a search ignores."""
    page = BeautifulSoup((HTML / f"{chapter}.html").read_text(encoding="utf-8"), "html.parser")
    texts = [
        text
        for paragraph in page.select("article p")
        for text in paragraph.find_all(string=True, recursive=False)
    ]
    return max(re.findall(r"\b[a-z]+\b", " ".join(texts)), key=len)


def search(page: Page, site: Site, word: str) -> None:
    page.goto(site.address(PAGES[0]))
    page.keyboard.press("Control+k")
    page.keyboard.type(word)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_search_finds_the_chapter_by_a_word_in_it(chapter: str, book: Site, wide: Page) -> None:
    faults, _ = watch(wide, book)
    search(wide, book, a_word_of(chapter))
    expect(wide.locator(f"#search-results a[href*='{chapter}.html']").first).to_be_visible()
    assert faults + accessibility_faults(wide) == []


@pytest.mark.parametrize("chapter", CHAPTERS[:1])
def test_search_finds_the_chapter_in_a_book_opened_as_a_file(
    chapter: str, book_files: Site, wide: Page
) -> None:
    faults, _ = watch(wide, book_files)
    search(wide, book_files, a_word_of(chapter))
    expect(wide.locator(f"#search-results a[href*='{chapter}.html']").first).to_be_visible()
    assert faults == []


@pytest.mark.parametrize("chapter", CHAPTERS[:1])
def test_details_open_and_close_by_keyboard(chapter: str, book: Site, wide: Page) -> None:
    wide.goto(book.address(f"{chapter}.html"))
    details = wide.locator("article details:visible").first
    expect(details).not_to_have_attribute("open", "")
    details.locator("summary").focus()
    wide.keyboard.press("Enter")
    expect(details).to_have_attribute("open", "")
    wide.keyboard.press("Space")
    expect(details).not_to_have_attribute("open", "")


# For each question and each option: which of the texts that were hidden at first can be seen now.
SEEN_EXPLANATIONS = """() => [...document.querySelectorAll("article fieldset")].map(group => {
    const seen = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
    const inside = [...group.querySelectorAll("*")];
    const hidden = inside.filter(one => !seen(one) && seen(one.parentElement));
    return [...group.querySelectorAll("input[type=radio]")].map(option => {
        option.click();
        return hidden.map((one, index) => seen(one) && one.innerText.trim() ? index : -1).filter(i => i >= 0);
    });
})"""


@pytest.mark.parametrize("chapter", TEACHING)
def test_each_option_of_a_prediction_shows_its_own_explanation_only(
    chapter: str, book_files: Site, browser: Browser
) -> None:
    # As a file and without scripts: the hardest place, and the question must work there.
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(book_files.address(f"{chapter}.html"))
        questions = page.evaluate(SEEN_EXPLANATIONS)
        assert questions
        for question in questions:
            assert question == [[index] for index in range(len(question))]


@pytest.mark.parametrize("chapter", CHAPTERS[:1])
def test_arrow_keys_move_between_the_options_of_a_prediction(chapter: str, book: Site, wide: Page) -> None:
    address = book.address(f"{chapter}.html")
    wide.goto(address)
    group = wide.locator("article fieldset").first
    options = group.locator("input[type=radio]")
    options.nth(0).focus()
    wide.keyboard.press("Space")
    wide.keyboard.press("ArrowRight")
    expect(options.nth(1)).to_be_checked()
    assert wide.url == address


ARRIVED = """id => {
    const {top} = document.getElementById(id).getBoundingClientRect();
    return 40 < top && top < 120;
}"""


# Notes how many elements each step lays out; a part that is larger than a step is one of its own.
STEPS = """
globalThis.steps = [];
globalThis.requestIdleCallback = step => setTimeout(() => {
    const waiting = [...document.querySelectorAll(".later")];
    step();
    const done = waiting.filter(part => !part.matches(".later"));
    const elements = done.map(part => 1 + part.getElementsByTagName("*").length);
    if (done.length > 1) steps.push(elements.reduce((sum, count) => sum + count));
});
"""
LAID_OUT = """() => !document.querySelector(".later")
    && !document.querySelector("article > section > section:not([style*='visibility: visible'])")"""


def test_a_page_soon_knows_how_long_it_is_and_never_stalls_for_it(wide: Page, book: Site) -> None:
    wide.add_init_script(STEPS)
    wide.goto(book.address("book/12-fully-convolutional.html"))
    wide.wait_for_function(LAID_OUT)
    length = wide.evaluate("document.documentElement.scrollHeight")
    wide.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    wide.wait_for_timeout(500)
    assert wide.evaluate("document.documentElement.scrollHeight") == length
    steps = wide.evaluate("steps")
    assert len(steps) > 10 and 0 < max(steps) <= 40


def test_a_link_followed_while_the_page_is_laid_out_ends_at_its_heading(wide: Page, book: Site) -> None:
    wide.add_init_script("globalThis.requestIdleCallback = step => { globalThis.step = step; }")
    wide.goto(book.address("book/12-fully-convolutional.html"))
    wide.wait_for_function("Boolean(globalThis.step)")
    wide.evaluate("() => { while (!document.querySelector('.later')) step(); }")
    end = wide.evaluate("() => [...document.querySelectorAll('article > section > section')].at(-4).id")
    wide.evaluate("id => { location.hash = id; }", end)
    wide.wait_for_function(ARRIVED, arg=end)
    assert wide.evaluate("""() => [...document.querySelectorAll(".later:not(details) > *")].every(
        part => part.checkVisibility({contentVisibilityAuto: true}))""")
    place = wide.evaluate("scrollY")
    wide.evaluate("() => { while (document.querySelector('.later')) step(); }")
    wide.evaluate(SETTLE)
    assert wide.evaluate("scrollY") == place and wide.evaluate(ARRIVED, end)


# The paragraphs that are read, and where on the screen they are.
READ = """() => [...document.querySelectorAll("article section > p")].flatMap(one => {
    const {top, bottom} = one.getBoundingClientRect();
    return bottom > 0 && top < innerHeight ? [[one.textContent, Math.round(top)]] : [];
})"""


@pytest.mark.parametrize("come_again", ["reload", "go back"])
@pytest.mark.parametrize("chapter", ["book/03-size-arithmetic", "book/11-handcrafted-kernels"])
def test_a_reader_who_comes_again_is_where_the_page_was_left(
    chapter: str, come_again: str, book: Site, wide: Page
) -> None:
    wide.goto(book.address(f"{chapter}.html"))
    wide.wait_for_function(LAID_OUT)
    wide.evaluate(MAKE_ALL_LABS)
    wide.evaluate("scrollTo(0, 0.6 * document.documentElement.scrollHeight)")
    wide.wait_for_timeout(500)
    left = wide.evaluate(READ)
    assert left
    if come_again == "reload":
        wide.reload()
    else:
        wide.goto(book.address("book/index.html"))
        wide.go_back()
    wide.wait_for_timeout(2000)  # whatever might still move
    found = dict(wide.evaluate(READ))
    assert [text for text, top in left if abs(found.get(text, math.inf) - top) > 8] == []


def test_the_end_of_a_link_is_the_browsers_where_nothing_changes(book: Site, wide: Page) -> None:
    """Else Firefox would go there again on the way back, and not to the place that was left."""
    wide.add_init_script("Element.prototype.scrollIntoView = () => { globalThis.interfered = true; };")
    wide.goto(book.address("book/11-handcrafted-kernels.html#by-hand"))
    wide.wait_for_function(ARRIVED, arg="by-hand")
    wide.evaluate("location.hash = 'recap'")
    wide.wait_for_function(ARRIVED, arg="recap")
    assert not wide.evaluate("globalThis.interfered")


@pytest.mark.parametrize("unlike", ["overflow-anchor", "-moz-appearance"])
def test_a_browser_that_does_not_hold_what_is_read_lays_out_all_at_once(
    unlike: str, book: Site, wide: Page
) -> None:
    answer = f"(name, value) => name === {unlike!r} ? name !== 'overflow-anchor' : ask(name, value)"
    wide.add_init_script(f"const ask = CSS.supports.bind(CSS); CSS.supports = {answer};")
    wide.add_init_script("globalThis.requestIdleCallback = () => {};")
    wide.goto(book.address("book/11-handcrafted-kernels.html"))
    expect(wide.locator(".lab")).to_contain_class("live")
    assert wide.evaluate("""() => [...document.querySelectorAll("article > section > section > *")].every(
        part => part.checkVisibility({contentVisibilityAuto: true}))""")


@pytest.mark.parametrize("chapter", CHAPTERS[:1])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_link_to_a_section_ends_at_its_heading(
    viewport: dict[str, int], chapter: str, book: Site, browser: Browser
) -> None:
    with browser.new_context(viewport=viewport) as context:
        page = context.new_page()
        slow = context.new_cdp_session(page)  # as on an old phone: what is laid out late comes late
        slow.send("Emulation.setCPUThrottlingRate", {"rate": 6})
        address = book.address(f"{chapter}.html")
        page.goto(address)
        sections = page.eval_on_selector_all("article > section > section", "all => all.map(one => one.id)")
        arrivals = [(sections[index], False) for index in (-1, len(sections) // 2, -2)]
        for section, is_new in [*arrivals, (sections[-2], True)]:
            if is_new:
                page.goto("about:blank")
                page.goto(f"{address}#{section}")
            else:
                page.evaluate("id => location.hash = id", section)
            page.wait_for_function(ARRIVED, arg=section)
            page.wait_for_timeout(500)
            assert page.evaluate(ARRIVED, section), f"#{section} does not stay where the link ended"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_print_shows_what_the_screen_hides(chapter: str, book: Site, wide: Page) -> None:
    wide.goto(book.address(f"{chapter}.html"))
    wide.evaluate(MAKE_ALL_LABS)
    wide.emulate_media(media="print")
    unseen = wide.evaluate("""() => [...document.querySelectorAll(
            "article details:not(.lab *) > :not(summary), article fieldset *")]
        .filter(content => !content.checkVisibility() || !content.getBoundingClientRect().height)
        .map(content => content.outerHTML.slice(0, 120))""")
    assert unseen == []
    # The cells of a lab's grid are buttons, too, but they hold numbers.
    controls = wide.locator("header, nav, button:not(.lab-grid *), input[type=range]")
    expect(controls.filter(visible=True)).to_have_count(0)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_summary_prints_on_one_sheet(paper: str, book: Site, wide: Page) -> None:
    wide.goto(book.address("book/summary.html"))
    margin = dict.fromkeys(("top", "right", "bottom", "left"), "12mm")
    sheet = wide.pdf(format=paper, margin=margin)
    assert len(re.findall(rb"/Type /Page\b", sheet)) == 1


COVERED_NUMBERS = """() => [...document.querySelectorAll(".katex-display .tag")].flatMap(tag => {
    const parts = [...tag.parentElement.querySelectorAll(":scope > .base")];
    const end = Math.max(...parts.map(part => part.getBoundingClientRect().right));
    const over = end - tag.getBoundingClientRect().left;
    return over > 3 ? [`${tag.textContent}: ${Math.round(over)} px`] : [];
})"""


@pytest.mark.parametrize("view", ["light-phone", "light-wide"])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_number_of_an_equation_is_not_over_it(
    chapter: str, view: str, book: Site, context_of: Callable[[str], BrowserContext]
) -> None:
    page = context_of(view).new_page()
    page.goto(book.address(f"{chapter}.html"))
    page.add_style_tag(content="* {content-visibility: visible !important}")
    assert page.evaluate(COVERED_NUMBERS) == []
    page.close()


MOVEMENT = """() => [...document.querySelectorAll("*")].flatMap(element => {
    const {transitionDuration, animationDuration, animationName, scrollBehavior} = getComputedStyle(element);
    const lasting = durations => Math.max(...durations.split(",").map(parseFloat)) > 0.01;
    const moves = lasting(transitionDuration) || (animationName !== "none" && lasting(animationDuration))
        || scrollBehavior === "smooth";
    return moves ? [element.outerHTML.slice(0, 120)] : [];
})"""


def test_page_does_not_move_for_readers_who_asked_for_that(book: Site, browser: Browser) -> None:
    with browser.new_context(viewport=WIDE, reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(book.address(PAGES[0]))
        assert page.evaluate(MOVEMENT) == []


# --- comforts ---


@pytest.mark.parametrize("address", ["book", "book_files"])
def test_a_figure_opens_large_by_keyboard_and_by_click(
    address: str, wide: Page, request: pytest.FixtureRequest
) -> None:
    site: Site = request.getfixturevalue(address)
    faults, _ = watch(wide, site)
    wide.goto(site.address(f"{CHAPTERS[1]}.html"))
    figure = wide.locator("main .figure").first
    image, button = figure.locator("img"), figure.get_by_role("button", name="Enlarge this figure")
    image.scroll_into_view_if_needed()
    before = image.bounding_box()
    button.focus()
    wide.keyboard.press("Enter")
    dialog = wide.get_by_role("dialog", name="Enlarged figure")
    large = dialog.get_by_role("img", name=image.get_attribute("alt"))
    expect(large).to_be_visible()
    assert large.bounding_box()["width"] > 1.2 * before["width"]
    assert accessibility_faults(wide) == []
    wide.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(button).to_be_focused()
    assert image.bounding_box() == before
    image.click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    assert faults == []


def test_a_figure_is_larger_than_a_phone_and_can_be_moved_there(book: Site, browser: Browser) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.goto(book.address(f"{CHAPTERS[1]}.html"))
        page.locator("main .figure img").first.click()
        frame = page.get_by_role("group", name="Figure, the arrow keys move it")
        expect(frame).to_be_focused()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("frame => frame.scrollLeft > 0", arg=frame.element_handle())


def test_labs_are_not_enlarged(book: Site, wide: Page) -> None:
    wide.goto(book.address(f"{CHAPTERS[1]}.html"))
    assert wide.locator("main .figure").count() and not wide.locator(".lab .figure, .lab .enlarge").count()


READ_ALL = """async () => {
    for (const part of document.querySelectorAll("article > section, article > section > section")) {
        part.lastElementChild.scrollIntoView({block: "center"});
        await new Promise(done => setTimeout(done, 60));
        part.lastElementChild.scrollIntoView({block: "center"}); // what is laid out late moves
        await new Promise(done => setTimeout(done, 60));
    }
}"""


@pytest.mark.parametrize("address", ["book", "book_files"])
def test_a_page_that_was_read_gets_a_tick_until_the_reader_wants_none(
    address: str, wide: Page, request: pytest.FixtureRequest
) -> None:
    site: Site = request.getfixturevalue(address)
    name = "book/17-errata.html"
    ticked = wide.locator("nav#chapters a:has(.read)")
    wide.goto(site.address(name))
    wide.keyboard.press("End")
    wide.wait_for_timeout(200)
    expect(ticked).to_have_count(0)  # the end alone is not the page
    wide.evaluate(READ_ALL)
    expect(ticked).to_have_count(1)
    wide.goto(site.address(PAGES[1]))
    expect(ticked).to_have_attribute("href", "17-errata.html")
    expect(ticked.get_by_role("img", name="read")).to_be_visible()
    assert accessibility_faults(wide) == []
    wide.get_by_role("checkbox", name="Tick what I have read").uncheck()
    expect(ticked).to_have_count(0)
    wide.goto(site.address(name))
    wide.evaluate(READ_ALL)
    wide.wait_for_timeout(200)
    expect(ticked).to_have_count(0)
    assert wide.evaluate("localStorage.getItem('convolutions-read')") == "false"


def test_a_browser_that_stores_nothing_shows_no_switch_and_no_error(book: Site, wide: Page) -> None:
    faults, _ = watch(wide, book)
    wide.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('refused') }})"
    )
    wide.goto(book.address(f"{CHAPTERS[-1]}.html"))
    wide.evaluate(READ_ALL)
    expect(wide.get_by_role("checkbox", name="Tick what I have read")).to_have_count(0)
    assert faults == []


def test_the_page_at_a_wrong_address_finds_the_chapter(book: Site, wide: Page) -> None:
    wide.goto(book.address("404.html"))
    wide.get_by_role("searchbox", name="Words to search for").fill(a_word_of(CHAPTERS[0]))
    wide.keyboard.press("Enter")
    expect(wide.locator(f"#search-results a[href*='{CHAPTERS[0]}.html']").first).to_be_visible()


class SlowHandler(SilentHandler):
    """Sends a page row by row, as a slow line does, or as a busy processor reads it."""

    def do_GET(self) -> None:
        if not self.path.endswith(".html"):
            return super().do_GET()
        page = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        head, text = page[: page.index(b"<main")], page[page.index(b"<main") :]
        self.wfile.write(head)
        for number, part in enumerate(re.split(rb"(?=<tr|<p>|<h2)", text)):
            self.wfile.write(part)
            if number < 40:
                self.wfile.flush()
                time.sleep(0.03)


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("name", ["book/notation.html", "book/summary.html", "book/teaching.html"])
def test_a_page_that_comes_row_by_row_does_not_move(
    name: str, viewport: dict[str, int], book: Site, browser: Browser
) -> None:
    handler = functools.partial(SlowHandler, directory=book.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with browser.new_context(viewport=viewport) as context:
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/{name}")
                assert page.evaluate(LAYOUT_SHIFT) <= 0.005
                page.goto(book.address(name))
                assert page.locator(".table-scroll").first.is_visible()
        finally:
            server.shutdown()


TAB_STOPS = """() => {
    const stop = document.activeElement;
    const {width, height} = stop.getBoundingClientRect();
    return [stop.tagName, stop.checkVisibility({visibilityProperty: true}) && width * height > 0];
}"""


def stops_of_tab(page: Page) -> list[str]:
    """What the Tab key comes by until it has left the page."""
    stops: list[str] = []
    for _ in range(400):
        page.keyboard.press("Tab")
        tag, seen = page.evaluate(TAB_STOPS)
        if tag == "BODY":
            return stops
        assert seen, f"stop {len(stops)}, a {tag}, cannot be seen"
        stops.append(tag)
    raise AssertionError("the keyboard does not leave the page again")


@pytest.mark.parametrize("name", [*PAGES[:2], "search.html", "404.html"])
def test_the_tab_key_walks_through_the_page_and_out_of_it(name: str, book: Site, wide: Page) -> None:
    wide.goto(book.address(name))
    wide.evaluate("document.querySelectorAll('article details').forEach(one => one.open = true)")
    stops_of_tab(wide)  # from where the page begins: in its search field, if it is there to search
    assert len(stops_of_tab(wide)) > 10


# --- each kind of fault is found in a page that has it ---

SOUND = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>A page</title><link rel="icon" href="data:,">
<style>body {background: white}</style></head>
<body><main><article><h1>A page</h1>%s</article></main></body></html>"""

BROKEN = {
    "external image": (
        '<img alt="a" src="http://elsewhere.invalid/a.png">',
        "external request: http://elsewhere",
    ),
    "external script": ("<script src='//elsewhere.invalid/a.js'></script>", "external request"),
    "external fetch": (
        "<script>fetch('https://elsewhere.invalid').catch(() => {})</script>",
        "external request",
    ),
    "external socket": ("<script>new WebSocket('ws://elsewhere.invalid')</script>", "external request: ws:"),
    "missing file": ('<img alt="a" src="missing.png">', "failed request: .*missing.png"),
    "image that is none": ('<img alt="a" src="data:image/png;base64,AAAA">', "image not loaded"),
    "console error": ("<script>console.error('broken')</script>", "console error: broken"),
    "console warning": ("<script>console.warn('careless')</script>", "console warning: careless"),
    "exception": ("<script>throw new Error('unexpected')</script>", "console error: unexpected"),
    "no alternative text": (
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">',
        "axe image-alt",
    ),
    "pale text": ('<p style="color: #ccc">pale</p>', "axe color-contrast"),
    "pale text in closed details": (
        '<details><summary>More</summary><p style="color: #ccc">pale</p></details>',
        "axe color-contrast",
    ),
    "pale word in code": (
        '<pre>plain <b>bold</b> <b style="color: #ccc">(</b> <b style="color: #ccc">pale</b></pre>',
        "axe color-contrast",
    ),
    "pale name in a formula": (
        '<p class="katex-html">x <i>sin</i> <i style="color: #ccc">cos</i></p>',
        "axe color-contrast",
    ),
    "pale formula with a copy that is only heard": (
        '<p style="color: #ccc"><span class="katex-mathml" style="position: absolute; clip: rect(0 0 0 0)">'
        '<math>cos</math></span><span class="katex-html"><i>cos</i></span></p>',
        "axe color-contrast",
    ),
    "link that looks like the text around it": (
        '<p>words <a href="#top" style="color: #333; text-decoration: none">here</a> and more words</p>',
        "axe link-in-text-block",
    ),
    "one of two links that looks like the text around it": (
        "<style>a {color: black; text-decoration: none} p {color: #333} i {color: #767676}</style>"
        '<p>plain</p><p><i>words <a href="#top">here</a> and more</i></p>'
        '<p>words <a href="#top">here</a> and more</p>',
        "axe link-in-text-block",
    ),
    "word on the darker of two backgrounds": (
        '<p>plain</p><div style="background: #666"><section><p>plain</p></section></div>',
        "axe color-contrast",
    ),
    "pale text behind the second option": (
        "<style>p {display: none; color: #ccc} :checked + p {display: block}</style>"
        "<fieldset><legend>Which?</legend>"
        '<input type="radio" name="q" aria-label="first"><p></p>'
        '<input type="radio" name="q" aria-label="second"><p>pale</p></fieldset>',
        "axe color-contrast",
    ),
    "too wide": ('<div style="width: 2000px">wide</div>', "horizontal overflow: 20"),
    "too wide in closed details": (
        '<details><summary>More</summary><div style="width: 2000px">wide</div></details>',
        "horizontal overflow: 20",
    ),
    "invisible focus": (
        '<style>:focus {outline: none}</style><a href="#top">here</a>',
        "focus not visible: <a",
    ),
    "invisible focus in one of two places": (
        "<style>:focus-visible {outline: 2px solid} section :focus-visible {outline: none}</style>"
        '<a href="#top">here</a> <a href="#top">here</a><section><a href="#top">there</a></section>',
        "focus not visible: <a",
    ),
    "late content": (
        "<script>requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector('h1')"
        ".insertAdjacentHTML('beforebegin', '<div style=\"height: 400px\">late</div>')))</script>",
        "layout shift: 0",
    ),
    "wrong colours": ("<style>body {background: black; color: white}</style>", "light wanted, but"),
    "heavy": ("<script src='heavy.js'></script>", "page weight: 3"),
}


def visit_written_page(body: str, folder: Path, context: BrowserContext) -> list[str]:
    (folder / "page.html").write_text(SOUND % body, encoding="utf-8")
    (folder / "heavy.js").write_bytes(b"//" + os.urandom(300_000).hex().encode())
    return faults_of(context, Site(folder, folder.as_uri()), "page.html")


def test_sound_page_has_no_fault(tmp_path: Path, context_of: Callable[[str], BrowserContext]) -> None:
    body = '<p>text</p><details><summary>More</summary><p>more</p></details><a href="#top">here</a>'
    assert visit_written_page(body, tmp_path, context_of("light-wide")) == []


@pytest.mark.parametrize(("body", "fault"), BROKEN.values(), ids=BROKEN)
def test_broken_page_is_found_out(
    body: str, fault: str, tmp_path: Path, context_of: Callable[[str], BrowserContext]
) -> None:
    faults = visit_written_page(body, tmp_path, context_of("light-wide"))
    assert any(re.match(fault, found) for found in faults), faults


def test_without_a_browser_tests_skip_but_in_ci_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        find_browser()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        find_browser()
