"""The built book to take along: all its pages in one zip, or printed as one PDF.

    python tools/offline.py zip    _build/convolutions-VERSION.zip: unpack it and open index.html
    python tools/offline.py pdf    _build/convolutions-VERSION.pdf: Chromium prints it

Both are made of `_build/html` as it lies there, and the same pages give the same bytes: every date in them is
that of the commit, or of SOURCE_DATE_EPOCH (seconds since 1970), or none.
"""

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
# The shell without a window, if there is one: it opens a page in half the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
LETTERS_WHERE_THEY_ARE = "--font-render-hinting=none"  # by itself the shell moves them to whole pixels
PAPERS = {"A4": 210, "Letter": 216}  # width in millimetres
SIDE_MARGIN = 18  # millimetres, as in the style sheet
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)  # what a zip can hold


class NotMade(Exception):
    """Says in the caller's words why there is no file."""


def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["version"]


def date() -> datetime | None:
    """When the state of the book was made: not now, or two runs would differ."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        git = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        try:
            given = subprocess.run(git, capture_output=True, text=True).stdout.strip()
        except FileNotFoundError:
            given = ""
        if not given:
            return None  # a copy without its history
    if not given.isdecimal() or not EARLIEST.timestamp() <= int(given) <= LATEST.timestamp():
        raise NotMade(f"SOURCE_DATE_EPOCH is to be seconds since 1970, from 1980 to 2107, not {given!r}")
    return datetime.fromtimestamp(int(given), UTC)


def chromium() -> str | None:
    """The path of a Chromium: the one that CHROMIUM names, or the first that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def pack(html: Path, target: Path) -> None:
    """One folder in one zip, the same bytes for the same files."""
    moment = (date() or EARLIEST).timetuple()[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(path for path in html.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{target.stem}/{file.relative_to(html).as_posix()}", moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # a plain file, on every system
            archive.writestr(entry, file.read_bytes())


# Puts all pages into one. What an id was in its page, `a-section`, is `03-size-arithmetic--a-section` here.
ASSEMBLE = """([pages, title, lines]) => {
    const element = (name, properties = {}, ...children) => {
        const made = Object.assign(document.createElement(name), properties);
        made.append(...children);
        return made;
    };
    const slug = name => name.replace(/^.*[/]|[.]html$/g, "");
    const names = new Set(Object.keys(pages).map(slug));
    const sheets = new Map(), parts = [], rules = [];
    const contents = element("nav", {className: "book-contents"}, element("h1", {textContent: "Contents"}));
    for (const [name, text] of Object.entries(pages)) {
        const own = new DOMParser().parseFromString(text, "text/html"), here = slug(name);
        for (const sheet of own.querySelectorAll("link[rel=stylesheet]"))
            sheets.set(sheet.getAttribute("href").split("?")[0], sheet);
        const article = own.querySelector("article");
        article.querySelectorAll("script, .page-actions, .headerlink").forEach(one => one.remove());
        // KaTeX writes a formula twice, for eyes and for ears. On paper what is shown is also read out.
        article.querySelectorAll(".katex-mathml").forEach(one => one.remove());
        article.querySelectorAll(".katex-html").forEach(one => one.removeAttribute("aria-hidden"));
        for (const image of article.querySelectorAll("img")) image.loading = "eager";
        for (const one of article.querySelectorAll("[id]")) one.id = `${here}--${one.id}`;
        for (const field of article.querySelectorAll("[name]")) field.name = `${here}--${field.name}`;
        for (const attribute of ["for", "headers", "aria-labelledby", "aria-describedby", "aria-controls"])
            for (const one of article.querySelectorAll(`[${attribute}]`))
                one.setAttribute(attribute, one.getAttribute(attribute).trim().split(/\\s+/)
                    .map(id => `${here}--${id}`).join(" "));
        for (const link of article.querySelectorAll("a[href]")) {
            const address = link.getAttribute("href");
            const [path, part] = address.split("#"), there = path ? slug(path) : here;
            if (/^(https?:|mailto:)/.test(address)) continue;
            if (names.has(there)) link.setAttribute("href", part ? `#${there}--${part}` : `#${there}`);
            else link.replaceWith(...link.childNodes);  // a file of the web site: no paper holds it
        }
        const heading = article.querySelector("h1").textContent.trim();
        article.id = here;
        article.className = "book-page";
        article.style.page = `page-${here}`;
        rules.push(`@page page-${here} { @top-left { content: ${JSON.stringify(heading)} } }`);
        parts.push(article);
    }
    const enter = (there, words) => contents.append(element("a", {href: `#${there}`},
        element("span", {textContent: words}),
        element("span", {className: "book-number", textContent: "000"})));
    if (names.has("index")) enter("index", parts[0].querySelector("h1").textContent);  // no list names itself
    for (const part of document.querySelector("nav.chapters").children) {
        const links = [...part.querySelectorAll("a")]
            .map(link => [slug(link.getAttribute("href")), link.textContent]);
        if (part.matches(".caption")) contents.append(element("p", {textContent: part.textContent.trim()}));
        for (const [there, words] of links) if (names.has(there)) enter(there, words.trim());
    }
    const front = element("header", {className: "book-title"}, element("h1", {textContent: title}));
    for (const line of lines) front.append(element("p", {textContent: line}));
    document.title = title;
    document.head.querySelectorAll("link[rel=stylesheet], script").forEach(one => one.remove());
    document.head.append(...sheets.values(), element("style", {textContent: rules.join("\\n")}));
    document.body.replaceChildren(element("main", {}, front, contents, ...parts));
}"""

# Opens what is folded, loads what is shown, and makes what is wider than the paper smaller.
SETTLE = """async () => {
    document.querySelectorAll("details").forEach(details => details.open = true);
    const sheets = [...document.querySelectorAll("link[rel=stylesheet]")];
    await Promise.all(sheets.map(sheet => sheet.sheet || new Promise(done => sheet.onload = done)));
    await Promise.all([...document.fonts].map(face => face.load()));  // those asked for only later, too
    await Promise.all([...document.images].map(image => image.decode()));
    const shrink = document.querySelectorAll("main table, .katex-display > .katex, .lab, .output");
    for (const one of shrink) {
        const room = one.parentElement.clientWidth, ratio = room / one.scrollWidth;
        if (room && ratio < 1) one.style.zoom = Math.floor(ratio * 1000) / 1000;
    }
    const end = document.scrollingElement.clientWidth + 2;  // after an index KaTeX has 2 pixels of nothing
    const wide = [...document.querySelectorAll("main *")]
        .filter(one => one.getBoundingClientRect().right > end);
    return document.scrollingElement.scrollWidth > end ? wide.at(-1)?.outerHTML.slice(0, 200) : "";
}"""

NUMBER = """numbers => document.querySelectorAll(".book-contents a").forEach(
    entry => entry.querySelector(".book-number").textContent = numbers[entry.hash.slice(1)])"""


def printed(page: Page, paper: str, *, draft: bool = False) -> bytes:
    """A draft lacks what only readers need, in half the time."""
    return page.pdf(format=paper, print_background=True, tagged=not draft, outline=not draft)


def page_numbers(book: bytes) -> dict[str, int]:
    """On which sheet each place is that a link leads to."""
    reader = PdfReader(io.BytesIO(book))
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, start=1)}
    places = reader.named_destinations
    return {name.lstrip("/"): numbers[place.raw_get("/Page").idnum] for name, place in places.items()}


@contextmanager
def browser() -> Iterator[Browser]:
    executable = chromium()
    if executable is None:
        raise NotMade(
            "no Chromium found: install one (Debian: apt-get install chromium) or name it in CHROMIUM"
        )
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=executable, chromium_sandbox=not is_root, args=[LETTERS_WHERE_THEY_ARE]
        )


def print_book(
    printer: Browser, html: Path, target: Path, names: list[str] | None = None, paper: str = "A4"
) -> None:
    """All pages, or those named as in `book/01-why-convolution.html`, as one PDF."""
    first = html / "book" / "index.html"
    when = date()
    lines = [f"Version {version()}" + (f", {when:%d %B %Y}".replace(" 0", " ") if when else "")]
    width = round((PAPERS[paper] - 2 * SIDE_MARGIN) / 25.4 * 96)
    with closing(printer.new_page(viewport={"width": width, "height": 1000}, color_scheme="light")) as page:
        page.goto(first.as_uri())
        page.emulate_media(media="print")
        listed = page.eval_on_selector_all(
            "nav.chapters a", "all => all.map(one => one.getAttribute('href'))"
        )
        order = [
            "book/index.html",
            *(f"book/{name}" for name in listed if re.fullmatch(r"[\w-]+\.html", name)),
        ]
        order = [name for name in dict.fromkeys(order) if names is None or name in names]
        pages = {name: (html / name).read_text("utf8") for name in order}
        page.evaluate(ASSEMBLE, [pages, "Convolutions in NumPy and torch", lines])
        if too_wide := page.evaluate(SETTLE):
            raise NotMade(f"wider than the paper: {too_wide}")
        page.evaluate(NUMBER, page_numbers(printed(page, paper, draft=True)))
        book = printed(page, paper)
    # Chromium writes the present moment, in plain sight.
    moment = (when or EARLIEST).strftime("D:%Y%m%d%H%M%S+00'00'").encode()
    book = re.sub(rb"(?<=Date \()D:\d{14}\+00'00'(?=\))", moment, book)
    target.write_bytes(book)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["zip", "pdf"])
    what = parser.parse_args(arguments).what
    try:
        if not (HTML / "index.html").is_file():
            raise NotMade("there is no book yet: run 'make book' first")
        target = HTML.parent / f"convolutions-{version()}.{what}"
        if what == "zip":
            pack(HTML, target)
        else:
            with browser() as printer:
                print_book(printer, HTML, target)
    except NotMade as reason:
        sys.exit(f"offline.py: {reason}")
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
