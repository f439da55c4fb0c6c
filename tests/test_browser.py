"""Every page of the built book in a real browser, light and dark, on a wide screen and on a phone.

The faults of a page are collected as sentences, so that one visit reports all of them. The same code visits
deliberately broken pages (at the end), which shows that each kind of fault is really seen.
"""

import functools
import gzip
import http.server
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from built_book import CHAPTERS, GENERATED_PAGES, HTML, PAGES, fail_unless_built
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
VIEWS = {
    "light-wide": ("light", WIDE),
    "dark-wide": ("dark", WIDE),
    "light-phone": ("light", PHONE),
    "dark-phone": ("dark", PHONE),
}
LARGEST_LAYOUT_SHIFT = 0.02
LARGEST_PAGE = 300_000  # bytes, images apart
IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg", ".ico"}

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Nothing that the browser itself wants from the network may hide or imitate a request of a page.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def find_browser() -> str:
    """The path of a Chromium; without one the test skips, but in CI it fails."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found
    reason = "no Chromium found: install one (Debian: apt-get install chromium) or name it in CHROMIUM"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


# Module scope, not session: while Playwright's loop runs, code that starts its own event loop fails.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_browser()
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, chromium_sandbox=not is_root, args=QUIET
        )
        yield browser
        browser.close()


@dataclass(frozen=True)
class Site:
    """A folder of pages and the address at which the browser finds it."""

    folder: Path
    home: str

    def address(self, name: str) -> str:
        return f"{self.home}/{name}"

    def holds(self, address: str) -> bool:
        return address.startswith(f"{self.home}/")

    def file(self, address: str) -> Path:
        return self.folder / unquote(urlsplit(address.removeprefix(f"{self.home}/")).path)


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def book_files() -> Site:
    fail_unless_built()
    return Site(HTML, HTML.as_uri())


@pytest.fixture(scope="module")
def book(book_files: Site) -> Iterator[Site]:
    handler = functools.partial(SilentHandler, directory=book_files.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(book_files.folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def context_of(browser: Browser) -> Callable[[str], BrowserContext]:
    """One context per view, kept open, so that styles and fonts are read from disk once."""

    @functools.cache
    def context_of(view: str) -> BrowserContext:
        theme, size = VIEWS[view]
        return browser.new_context(viewport=size, color_scheme=theme)

    return context_of


@pytest.fixture
def wide(browser: Browser) -> Iterator[Page]:
    """A fresh wide window in which nothing has been chosen or stored yet."""
    with browser.new_context(viewport=WIDE) as context:
        yield context.new_page()


# What the page shows before anybody touches it.
SETTLE = """async () => {
    await document.fonts.ready;
    const frame = () => new Promise(requestAnimationFrame);
    await frame(); await frame(); await frame();
}"""

LAYOUT_SHIFT = """() => new Promise(resolve => {
    let sum = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) sum += entry.hadRecentInput ? 0 : entry.value;
    }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => resolve(sum), 50);
})"""

BROKEN_IMAGES = """async () => {
    const faults = [];
    for (const image of document.images) {
        image.loading = "eager";
        await image.decode().catch(() => {});
        if (!image.naturalWidth) faults.push(`image not loaded: ${image.outerHTML.slice(0, 120)}`);
    }
    return faults;
}"""

WRONG_THEME = """theme => {
    const background = getComputedStyle(document.body).backgroundColor;
    const [red, green, blue] = background.match(/[\\d.]+/g).map(Number);
    const shown = red + green + blue > 3 * 127 ? "light" : "dark";
    return shown === theme ? [] : [`${theme} wanted, but the background is ${background}`];
}"""

OVERFLOW = """() => {
    const {scrollWidth} = document.scrollingElement;
    if (scrollWidth <= innerWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(
        element => element.getBoundingClientRect().right > innerWidth + 1);
    const culprit = wide.length ? wide.at(-1).outerHTML.slice(0, 120) : "";
    return [`horizontal overflow: ${scrollWidth} px in a window of ${innerWidth}: ${culprit}`];
}"""

# Without their common name, all options of a question can be chosen at once.
OPEN_AND_CHOOSE_ALL = """() => {
    // Sections off the screen too, which the browser would not lay out and axe would not see.
    const all = "<style>* {content-visibility: visible !important}</style>";
    document.head.insertAdjacentHTML("beforeend", all);
    document.querySelectorAll("details").forEach(details => details.open = true);
    document.querySelectorAll("input[type=radio]").forEach(option => {
        option.removeAttribute("name");
        option.checked = true;
    });
}"""

# Axe needs ten seconds for the contrast of a chapter's ten thousand elements. Words that share their colour,
# size and backgrounds share the verdict, so one of each kind is judged. Code and formulas without such a word
# become plain text and empty boxes of the same size: they hold nothing else that could be wrong.
AXE_FAULTS = """async coloursOnly => {
    const backgrounds = new Map();
    const behind = element => {
        if (!element) return "";
        if (!backgrounds.has(element)) {
            const {backgroundColor, backgroundImage, opacity, filter} = getComputedStyle(element);
            const own = [backgroundColor, backgroundImage, opacity, filter].join();
            backgrounds.set(element, `${behind(element.parentElement)} ${own}`);
        }
        return backgrounds.get(element);
    };
    const kinds = new Set();
    for (const element of document.body.querySelectorAll("*")) {
        const texts = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
        // Axe has no verdict on a single letter, so it cannot stand for others.
        if (texts.map(text => text.data).join("").trim().length < 2 || !element.checkVisibility()) continue;
        const {color, fontSize, fontWeight, textShadow} = getComputedStyle(element);
        const kind = [color, fontSize, fontWeight, textShadow, behind(element)].join();
        if (!kinds.has(kind)) element.dataset.judged = "";
        kinds.add(kind);
    }
    const known = selector => [...document.querySelectorAll(selector)].filter(
        one => !one.querySelector("[data-judged]"));
    known("pre").forEach(code => code.textContent = code.textContent);
    const formulas = known(".katex-html").map(formula => [formula, formula.getBoundingClientRect()]);
    formulas.forEach(([formula, {width, height}]) => {
        formula.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px`;
        formula.replaceChildren();
    });
    // Without preload axe reads no file by itself, which pages opened as files are refused.
    const always = {resultTypes: ["violations"], preload: false};
    const judge = (part, options) => axe.run(part, {...always, ...options});
    const results = [await judge("[data-judged]", {runOnly: ["color-contrast"]})];
    if (!coloursOnly) results.push(await judge(document, {rules: {"color-contrast": {enabled: false}}}));
    return results.flatMap(result => result.violations).flatMap(
        ({id, nodes}) => nodes.map(({target, html}) => `axe ${id}: ${target} ${html.slice(0, 120)}`));
}"""

# Run after a press of Tab: from then on the browser treats focus moved by a script as keyboard focus.
UNSEEN_FOCUS = """() => {
    document.head.insertAdjacentHTML("beforeend", "<style>* {transition: none !important}</style>");
    const look = element => [element, element.parentElement].flatMap(one => {
        const {outline, boxShadow, border, backgroundColor, textDecoration} = getComputedStyle(one);
        return [outline, boxShadow, border, backgroundColor, textDecoration];
    }).join();
    const faults = [];
    const focusable = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    for (const element of document.querySelectorAll(focusable)) {
        if (!element.checkVisibility({visibilityProperty: true}) || element.disabled) continue;
        document.activeElement.blur();
        const before = look(element);
        element.focus({preventScroll: true});
        if (document.activeElement !== element) continue;
        if (look(element) === before) faults.push(`focus not visible: ${element.outerHTML.slice(0, 120)}`);
    }
    return faults;
}"""


def watch(page: Page, site: Site) -> tuple[list[str], set[str]]:
    """Two collections that fill while the page lives: its faults and the addresses that it read."""
    faults: list[str] = []
    read: set[str] = set()

    def note_request(address: str) -> None:
        if site.holds(address):
            read.add(address)
        elif not address.startswith(("data:", "blob:")):
            faults.append(f"external request: {address}")

    def note_answer(status: int, address: str) -> None:
        if status >= 400:
            faults.append(f"failed request: {status} {address}")

    def note_failure(reason: str | None, address: str) -> None:
        if reason != "net::ERR_ABORTED":  # the page was left before its last file had come
            faults.append(f"failed request: {reason} {address}")

    def note_message(kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            faults.append(f"console {kind}: {text}")

    page.on("request", lambda request: note_request(request.url))
    page.on("websocket", lambda socket: note_request(socket.url))
    page.on("requestfailed", lambda request: note_failure(request.failure, request.url))
    page.on("response", lambda answer: note_answer(answer.status, answer.url))
    page.on("console", lambda message: note_message(message.type, message.text))
    page.on("pageerror", lambda error: note_message("error", str(error)))
    return faults, read


@functools.cache
def sent_size(file: Path) -> int:
    """Bytes on the wire from a host that compresses, as all that serve books do; images count nothing."""
    if file.suffix in IMAGES or not file.is_file():
        return 0
    return len(gzip.compress(file.read_bytes()))


def accessibility_faults(page: Page, colours_only: bool = False) -> list[str]:
    page.evaluate(AXE_SCRIPT)
    return page.evaluate(AXE_FAULTS, colours_only)


def faults_of(context: BrowserContext, site: Site, name: str, theme: str = "light") -> list[str]:
    """All that is wrong with one page: on arrival, and with everything opened and every option chosen."""
    page = context.new_page()
    try:
        faults, read = watch(page, site)
        page.goto(site.address(name))
        page.evaluate(SETTLE)
        shift = page.evaluate(LAYOUT_SHIFT)
        if shift > LARGEST_LAYOUT_SHIFT:
            faults.append(f"layout shift: {shift:.3f}")
        faults += page.evaluate(WRONG_THEME, theme)
        faults += page.evaluate(OVERFLOW)
        faults += page.evaluate(BROKEN_IMAGES)
        size = sum(sent_size(site.file(address)) for address in read)
        if size > LARGEST_PAGE:
            faults.append(f"page weight: {size} bytes")

        page.evaluate(OPEN_AND_CHOOSE_ALL)
        faults += page.evaluate(OVERFLOW)
        faults += accessibility_faults(page, colours_only=theme == "dark")  # all else was judged in the light
        page.keyboard.press("Tab")
        faults += page.evaluate(UNSEEN_FOCUS)
        return sorted(set(faults))
    finally:
        page.close()


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


@pytest.mark.parametrize("chapter", CHAPTERS)
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


@pytest.mark.parametrize("chapter", CHAPTERS[:1])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_link_to_a_section_ends_at_its_heading(
    viewport: dict[str, int], chapter: str, book: Site, browser: Browser
) -> None:
    with browser.new_context(viewport=viewport) as context:
        page = context.new_page()
        page.goto(book.address(f"{chapter}.html"))
        sections = page.eval_on_selector_all("article > section > section", "all => all.map(one => one.id)")
        for section in (sections[-1], sections[len(sections) // 2], sections[-2]):
            page.evaluate("id => location.hash = id", section)
            page.wait_for_timeout(1500)  # a smooth scroll would take so long, and end elsewhere
            top = page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", section)
            assert 40 < top < 120, f"#{section} is {top:.0f} pixels from the top"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_print_shows_what_the_screen_hides(chapter: str, book: Site, wide: Page) -> None:
    wide.goto(book.address(f"{chapter}.html"))
    wide.emulate_media(media="print")
    unseen = wide.evaluate("""() => [...document.querySelectorAll(
            "article details > :not(summary), article fieldset *")]
        .filter(content => !content.checkVisibility() || !content.getBoundingClientRect().height)
        .map(content => content.outerHTML.slice(0, 120))""")
    assert unseen == []
    expect(wide.locator("header:visible, nav:visible, button:visible")).to_have_count(0)


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
