"""A browser, the built book in it, and the faults that a page can have, each as a sentence.

Fixtures and judges for the tests of pages and of labs, which import what they need.
"""

import functools
import gzip
import http.server
import os
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import offline
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from built_book import HTML, ROOT, fail_unless_built
from lab_script import NAMES
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from convlib.labs._lab import Lab, page_script, style

WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
TABLET = {"width": 768, "height": 1024}  # a wide window is made so narrow at the end of its visit
VIEWS = {
    "light-wide": ("light", WIDE),
    "dark-wide": ("dark", WIDE),
    "light-phone": ("light", PHONE),
    "dark-phone": ("dark", PHONE),
}
LARGEST_LAYOUT_SHIFT = 0.02
LARGEST_PAGE = 300_000  # bytes, images apart
IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg", ".ico"}

# Apart from the first: nothing that the browser itself wants may hide or imitate a request of a page.
FLAGS = [
    offline.LETTERS_WHERE_THEY_ARE,
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def find_browser() -> str:
    """The path of a Chromium; without one the test skips, but in CI it fails."""
    if found := offline.chromium():
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
            executable_path=executable, chromium_sandbox=not is_root, args=FLAGS
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

# As before printing: those too that nobody has come near.
MAKE_ALL_LABS = "() => { dispatchEvent(new Event('beforeprint')); }"

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
# become plain text and empty boxes of the same size, and a formula's copy that is only heard becomes text:
# they hold nothing else that could be wrong.
AXE_FAULTS = """async ([coloursOnly, part]) => {
    const backgrounds = new Map();
    const behind = element => {
        if (!element) return "";
        if (!backgrounds.has(element)) {
            const {backgroundColor, backgroundImage, opacity, filter} = getComputedStyle(element);
            const own = [backgroundColor, backgroundImage, opacity, filter].join();
            const below = behind(element.parentElement);
            backgrounds.set(element, own === "rgba(0, 0, 0, 0),none,1,none" ? below : `${below} ${own}`);
        }
        return backgrounds.get(element);
    };
    const kinds = new Set();
    document.querySelectorAll("[data-judged]").forEach(element => delete element.dataset.judged);
    for (const element of document.querySelectorAll(`${part} *:not(.katex-mathml *)`)) {
        const texts = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
        // Axe has no verdict on a single letter, so it cannot stand for others.
        if (texts.map(text => text.data).join("").trim().length < 2 || !element.checkVisibility()) continue;
        const {color, fontSize, fontWeight, textShadow, textDecorationLine} = getComputedStyle(element);
        // A link is to stand out from the text around it.
        const around = element.closest("a") && getComputedStyle(element.closest("a").parentElement).color;
        const look = [color, fontSize, fontWeight, textShadow, textDecorationLine, around];
        const kind = [...look, behind(element)].join();
        if (!kinds.has(kind)) element.dataset.judged = "";
        kinds.add(kind);
    }
    const known = selector => [...document.querySelectorAll(selector)].filter(
        one => !one.querySelector("[data-judged]"));
    known("pre").forEach(code => code.textContent = code.textContent);
    document.querySelectorAll(".katex-mathml math").forEach(copy => copy.textContent = copy.textContent);
    const formulas = known(".katex-html").map(formula => [formula, formula.getBoundingClientRect()]);
    formulas.forEach(([formula, {width, height}]) => {
        formula.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px`;
        formula.replaceChildren();
    });
    // Without preload axe reads no file by itself, which pages opened as files are refused.
    const always = {resultTypes: ["violations"], preload: false};
    const colours = ["color-contrast", "link-in-text-block"];
    const others = {rules: Object.fromEntries(colours.map(rule => [rule, {enabled: false}]))};
    const found = coloursOnly ? [] : (await axe.run(part, {...always, ...others})).violations;
    // For colours axe first finds out what lies above what on the whole page, so the parts without a word to
    // judge become empty boxes meanwhile.
    const emptied = [];
    const empty = element => [...element.children].forEach(part => {
        const {display} = getComputedStyle(part);
        if (part.matches("[data-judged]") || part.querySelector("[data-judged]")) empty(part);
        else if (part.childElementCount && /^(block|flow-root|flex|grid|list-item|table)$/.test(display)) {
            const {width, height} = part.getBoundingClientRect();
            emptied.push([part, part.style.cssText, [...part.childNodes]]);
            part.style.cssText += `; display: ${display.replace("table", "block")}; box-sizing: border-box;
                width: ${width}px; height: ${height}px`;
            part.replaceChildren();
        }
    });
    empty(document.body);
    axe.configure({rules: [{id: "color-contrast", selector: "[data-judged], [data-judged] *"}]});
    found.push(...(await axe.run(part, {...always, runOnly: colours})).violations);
    emptied.reverse().forEach(([part, style, nodes]) => {
        part.replaceChildren(...nodes);
        part.style.cssText = style;
    });
    return found.flatMap(
        ({id, nodes}) => nodes.map(({target, html}) => `axe ${id}: ${target} ${html.slice(0, 120)}`));
}"""

# Run after a press of Tab: from then on the browser treats focus moved by a script as keyboard focus.
UNSEEN_FOCUS = """() => {
    document.head.insertAdjacentHTML("beforeend", "<style>* {transition: none !important}</style>");
    const look = element => [element, element.parentElement].flatMap(one => {
        const {outline, boxShadow, border, backgroundColor, textDecoration} = getComputedStyle(one);
        return [outline, boxShadow, border, backgroundColor, textDecoration];
    }).join();
    const path = one => one && `${path(one.parentElement)}>${one.tagName}.${one.className}`;
    const faults = [], kinds = new Set();
    const focusable = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    for (const element of document.querySelectorAll(focusable)) {
        if (!element.checkVisibility({visibilityProperty: true}) || element.disabled) continue;
        // One cell stands for its grid: such an element, in such a place, with the same attributes.
        const kind = [path(element), element.type, ...element.getAttributeNames()].join();
        if (kinds.has(kind)) continue;
        kinds.add(kind);
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
    return page.evaluate(AXE_FAULTS, [colours_only, "html"])


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

        page.evaluate(MAKE_ALL_LABS)
        page.evaluate(OPEN_AND_CHOOSE_ALL)
        faults += page.evaluate(OVERFLOW)
        faults += accessibility_faults(page, colours_only=theme == "dark")  # all else was judged in the light
        page.keyboard.press("Tab")
        faults += page.evaluate(UNSEEN_FOCUS)
        if page.viewport_size == WIDE:
            page.set_viewport_size(TABLET)
            faults += page.evaluate(OVERFLOW)
            faults += page.evaluate(AXE_FAULTS, [theme == "dark", "html"])
        return sorted(set(faults))
    finally:
        page.close()


LABS_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><style>{}</style></head>
<body><main><article><h1>A page</h1>{}</article></main><script>{}</script></body></html>"""


def write_labs_page(folder: Path, *shown: Lab) -> Site:
    """`page.html` with labs as the book has them, for the browser to open as a file."""
    book_style = (ROOT / "book/_static/book.css").read_text("utf8")
    parts = "".join(lab._repr_mimebundle_()[0]["text/html"] for lab in shown)
    (folder / "page.html").write_text(
        LABS_PAGE.format(book_style + style(*NAMES), parts, page_script(NAMES)), "utf8"
    )
    return Site(folder, folder.as_uri())


def stop_the_clock(page: Page) -> None:
    """From here on time passes only where a test says so, however long its comparisons take."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)


# Of a copy: a canvas that is read becomes another kind, and the console says so. As text: it goes at once.
PIXELS = """canvas => {
    const {width, height} = canvas;
    const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const {data} = copy.getImageData(0, 0, width, height);
    return [height, width, btoa(Array.from(data, one => String.fromCharCode(one)).join(""))];
}"""


def painted(canvas: Locator) -> np.ndarray:
    """What a canvas shows: rows x columns x (red, green, blue, opacity), each from 0 to 255."""
    height, width, data = canvas.evaluate(PIXELS)
    return np.frombuffer(b64decode(data), np.uint8).reshape(height, width, 4).astype(int)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens labs on a page of their own; a word in the console or a request from outside fails the test."""
    contexts, faults = [], []

    def opened(*shown: Lab, width: int = 720, theme: str = "light", touch: bool = False) -> Page:
        # Without transitions, so that colours are judged where they end.
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            has_touch=touch,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        site = write_labs_page(tmp_path, *shown)
        faults.append(watch(page, site)[0])
        page.goto(site.address("page.html"))
        page.evaluate(MAKE_ALL_LABS)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not any(faults)
