"""The built pages, read without a browser: what they hold, where links lead, what must not show."""

import base64
import functools
import io
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from built_book import DOCUMENTS, GENERATED_PAGES, HTML, NOTEBOOKS, PAGES, ROOT, TEACHING, fail_unless_built
from PIL import Image

NOT_PROSE = ["code", "pre", "script", "style"]
ROLES_AND_DIRECTIVES = r"\{(cite|numref|ref|eq|doc|term|math|code-cell)\b[^}]*\}|:::|```"
LEFT_OVER = re.compile(ROLES_AND_DIRECTIVES + r"|\$\$|\\\(|\\\[|WARNING")
ALARM = re.compile(r"Traceback|\b\w*Warning:")
MACHINE_PATH = re.compile(
    rf"{re.escape(str(ROOT))}|(?<![\w.:/-])/(home|Users|root|tmp|var|opt)/\w|[A-Z]:\\Users|site-packages/|ipykernel_\d"
)
MEMORY_ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
ADDRESS_ATTRIBUTES = ["href", "src", "srcset", "poster", "data", "action", "style", "content", "xlink:href"]
EXTERNAL = re.compile(r"(?<![\w:])(https?:|wss?:)?//\w", re.IGNORECASE)


@pytest.fixture(scope="module", autouse=True)
def the_book_is_built():
    fail_unless_built()


@functools.cache
def tree(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    return frozenset(element["id"] for element in tree(page).select("[id]"))


def shown(element: Tag) -> str:
    return element.get_text().strip()[:100]


# --- each of these finds one kind of fault in a page, and says it in a sentence ---


def external_addresses(page: Path) -> list[str]:
    """Only an anchor may name another host: nothing else of the page may come from there."""
    faults = []
    for element in tree(page).find_all(True):
        for name in ADDRESS_ATTRIBUTES:
            value = re.sub(r"data:image/[\w+;,/=]+", "", str(element.get(name, "")))  # it names no host
            if EXTERNAL.search(value) and (element.name, name) != ("a", "href"):
                faults.append(f"<{element.name} {name}> names another host: {value}")
        if element.name in ("script", "style") and EXTERNAL.search(element.string or ""):
            faults.append(f"<{element.name}> names another host: {element.string.strip()[:100]}")
    return faults


def broken_links(page: Path) -> list[str]:
    faults = []
    for element in tree(page).select("[href], [src]"):
        address = element.get("href") or element.get("src")
        if re.match(r"[a-z]+:|//", address):
            continue
        path, fragment = urldefrag(address)
        target = (page.parent / unquote(path.split("?")[0])).resolve() if path else page
        if not target.is_file():
            faults.append(f"link to nothing: {address}")
        elif fragment and unquote(fragment) not in anchors(target):
            faults.append(f"link to a missing place: {address}")
    return faults


def repeated_ids(page: Path) -> list[str]:
    counts = Counter(element["id"] for element in tree(page).select("[id]"))
    return [f"id used {count} times: {name}" for name, count in counts.items() if count > 1]


def left_overs(page: Path) -> list[str]:
    """Markup that was meant for the builder, and what a builder or a run complained about."""
    complaints = tree(page).select(".problematic, .system-message")
    faults = [f"builder's complaint: {shown(complaint)}" for complaint in complaints]
    meant_so = {"class_": ["tag_raises-exception", "cell_input"]}
    for text in tree(page).find_all(string=True):
        if type(text) is not NavigableString:  # comments and the like are not shown
            continue
        for pattern, elsewhere in ((LEFT_OVER, {"name": NOT_PROSE}), (ALARM, meant_so)):
            if (found := pattern.search(text)) and not text.find_parent(**elsewhere):
                faults.append(f"left over: {found[0]} in: {text.strip()[:100]}")
    return faults


def machine_paths(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [
        f"of one machine only: {text[max(0, found.start() - 40) : found.end() + 40]}"
        for pattern in (MACHINE_PATH, MEMORY_ADDRESS)
        for found in pattern.finditer(text)
    ]


def headless(page: Path) -> list[str]:
    """What search engines, tabs and screen readers need to know about a page."""
    html, wanted = tree(page), {}
    wanted["language"] = html.html and html.html.get("lang")
    wanted["title"] = html.title and html.title.get_text().strip()
    description = html.select_one("meta[name=description]")
    wanted["description"] = description and description.get("content", "").strip()
    icon = html.select_one("link[rel~=icon]")
    wanted["icon"] = icon and icon.get("href")
    return [f"page without {name}" for name, value in wanted.items() if not value]


def disordered_headings(page: Path) -> list[str]:
    levels = [int(heading.name[1]) for heading in tree(page).select("h1, h2, h3, h4, h5, h6")]
    faults = [] if levels.count(1) == 1 else [f"{levels.count(1)} top headings"]
    for above, below in zip([0, *levels], levels, strict=False):
        if below > above + 1:
            faults.append(f"heading of level {below} under level {above}")
    return faults


def undescribed_images(page: Path) -> list[str]:
    faults = []
    for image in tree(page).select("img, svg[role=img]"):
        text = (image.get("alt") or image.get("aria-label") or "").strip()
        decorative = image.get("role") in ("presentation", "none") and image.get("alt") == ""
        if not decorative and (not text or re.search(r"_images/|\.(png|svg|jpe?g)\b", text)):
            faults.append(f"image without alternative text: {str(image)[:100]}")
    return faults


def missing_in_styles(sheet: Path) -> list[str]:
    """Fonts, pictures and further sheets that a style sheet names but that do not lie beside it."""
    address = re.compile(r"""(?:url\(|@import\s+(?!url))\s*["']?([^"')\s;]+)""")
    named = address.findall(sheet.read_text(encoding="utf-8"))
    local = [name for name in named if not name.startswith(("data:", "#"))]
    return [name for name in local if not (sheet.parent / re.split("[?#]", name)[0]).is_file()]


CHECKS = [
    external_addresses,
    broken_links,
    repeated_ids,
    left_overs,
    machine_paths,
    headless,
    disordered_headings,
    undescribed_images,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", PAGES + GENERATED_PAGES)
def test_page_is_free_of(name, check):
    assert check(HTML / name) == []


SOUND = """<!DOCTYPE html><html lang="en"><head><title>A page</title>
<meta name="description" content="About it."><link rel="icon" href="page.html"></head>
<body><h1 id="top">A page</h1>{}</body></html>"""
BROKEN = [
    (
        external_addresses,
        '<script src="https://cdn.invalid/a.js"></script>',
        "<script src> names another host",
    ),
    (external_addresses, '<script src="//cdn.invalid/a.js"></script>', "<script src> names another host"),
    (
        external_addresses,
        '<link rel="preconnect" href="https://cdn.invalid">',
        "<link href> names another host",
    ),
    (external_addresses, '<img srcset="https://cdn.invalid/a.png 2x">', "<img srcset> names another host"),
    (external_addresses, '<p style="background: url(http://cdn.invalid)">', "<p style> names another host"),
    (external_addresses, '<script>import "https://cdn.invalid/a.js"</script>', "<script> names another host"),
    (external_addresses, "<style>@import url(//cdn.invalid/a.css)</style>", "<style> names another host"),
    (broken_links, '<a href="missing.html">there</a>', "link to nothing: missing.html"),
    (broken_links, '<img src="missing.png">', "link to nothing: missing.png"),
    (broken_links, '<a href="#nowhere">there</a>', "link to a missing place: #nowhere"),
    (broken_links, '<a href="page.html#nowhere">there</a>', "link to a missing place: page.html#nowhere"),
    (repeated_ids, '<p id="top">', "id used 2 times: top"),
    (left_overs, "<p>see {cite}`lecun`</p>", "left over: {cite}"),
    (left_overs, "<p>see {numref}`figure`</p>", "left over: {numref}"),
    (left_overs, "<p>$$x^2$$</p>", "left over: $$"),
    (left_overs, "<p>\\(x^2\\)</p>", "left over: \\("),
    (left_overs, "<p>WARNING: unknown</p>", "left over: WARNING"),
    (left_overs, "<pre>Traceback (most recent call last)</pre>", "left over: Traceback"),
    (left_overs, "<pre>UserWarning: careful</pre>", "left over: UserWarning:"),
    (left_overs, '<span class="problematic">`x`</span>', "builder's complaint: `x`"),
    (machine_paths, "<pre>/home/ada/course/a.py</pre>", "of one machine only"),
    (machine_paths, f"<!-- {ROOT}/book -->", "of one machine only"),
    (machine_paths, "<pre>&lt;object at 0x7f1c2a3b4d50&gt;</pre>", "of one machine only"),
    (disordered_headings, "<h1>Another</h1>", "2 top headings"),
    (disordered_headings, "<h3>Too deep</h3>", "heading of level 3 under level 1"),
    (undescribed_images, '<img src="page.html">', "image without alternative text"),
    (undescribed_images, '<img src="page.html" alt="">', "image without alternative text"),
    (undescribed_images, '<img alt="../_images/a81f.png">', "image without alternative text"),
]


@pytest.mark.parametrize(("check", "body", "fault"), BROKEN)
def test_broken_page_is_found_out(check, body, fault, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(SOUND.format(body), encoding="utf-8")
    assert any(found.startswith(fault) for found in check(page)), check(page)


@pytest.mark.parametrize(
    "rule",
    [
        "@import 'https://else.invalid/a.css';",
        "@import url(//else.invalid/a.css);",
        "@font-face { src: url('missing.woff2?v=1') }",
        "p { background: url( https://else.invalid/a.png ) }",
    ],
)
def test_style_sheet_that_needs_what_is_not_there_is_found_out(rule, tmp_path):
    sheet = tmp_path / "page.css"
    sheet.write_text(
        "a { background: url(data:image/png;base64,AA) } b { mask: url(#part) url('page.css?v=2') }"
    )
    assert missing_in_styles(sheet) == []
    sheet.write_text(rule)
    assert len(missing_in_styles(sheet)) == 1


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_sound_page_passes(check, tmp_path):
    body = (
        '<h2>Part</h2><p><a href="https://else.invalid/">there</a>, <a href="#top">up</a> <code>$$</code></p>'
        '<h3>Deeper</h3><img src="page.html" alt="a line"><img src="page.html" alt="" role="none">'
        '<div class="tag_raises-exception"><pre>Traceback</pre></div><h2>Next part</h2>'
    )
    page = tmp_path / "page.html"
    page.write_text(SOUND.format(body), encoding="utf-8")
    assert check(page) == []


@pytest.mark.parametrize("missing", ["language", "title", "description", "icon"])
def test_page_without_its_head_is_found_out(missing, tmp_path):
    part = {"language": ' lang="en"', "title": "<title>A page", "description": "About it.", "icon": "icon"}
    page = tmp_path / "page.html"
    page.write_text(SOUND.replace(part[missing], ""), encoding="utf-8")
    assert headless(page) == [f"page without {missing}"]


# --- the book as a whole ---


def test_every_page_of_the_table_of_contents_is_built_and_nothing_else():
    pages = (page.relative_to(HTML).as_posix() for page in HTML.rglob("*.html"))
    built = {page for page in pages if not page.startswith("_static/")}
    assert built == {"index.html", *PAGES, *GENERATED_PAGES}


def test_every_document_of_the_book_is_in_the_table_of_contents():
    written = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in (ROOT / "book").rglob("*")
        if path.suffix in (".ipynb", ".md") and not any(part.startswith((".", "_")) for part in path.parts)
    }
    assert written == set(DOCUMENTS)


def test_front_door_leads_to_the_first_page():
    refresh = tree(HTML / "index.html").select_one("meta[http-equiv=refresh i]")
    assert refresh["content"].split("url=")[1] == PAGES[0]


def test_next_links_walk_through_the_whole_book_and_previous_links_back():
    walked = [HTML / PAGES[0]]
    while link := tree(walked[-1]).select_one("nav.neighbours a.next"):
        walked.append((walked[-1].parent / link["href"]).resolve())
        back = tree(walked[-1]).select_one("nav.neighbours a.previous")
        assert (walked[-1].parent / back["href"]).resolve() == walked[-2]
    assert walked == [HTML / page for page in PAGES]


@pytest.mark.parametrize("what", ["title", "meta[name=description]"])
def test_no_two_pages_introduce_themselves_alike(what):
    introductions = [str(tree(HTML / page).select_one(what)) for page in PAGES]
    assert len(set(introductions)) == len(PAGES)


def test_style_sheets_need_nothing_that_is_not_there():
    sheets = list(HTML.rglob("*.css"))
    assert sheets
    assert [fault for sheet in sheets for fault in missing_in_styles(sheet)] == []


def letters(text: str) -> str:
    """What is left of a title when markup, accents' notation and spacing are taken away."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\\[a-zA-Z]+", "", text).lower())


def test_every_source_of_the_bibliography_is_shown():
    source = (ROOT / "book/references.bib").read_text(encoding="utf-8")
    titles = re.findall(r"^\s*title\s*=\s*[{\"](.+?)[}\"]\s*,?\s*$", source, flags=re.MULTILINE)
    assert len(titles) == len(re.findall(r"^@\w+\{", source, flags=re.MULTILINE))
    page = letters(shown_text(HTML / "book/bibliography.html"))
    assert [title for title in titles if letters(title) not in page] == []


def shown_text(page: Path) -> str:
    return tree(page).select_one("article").get_text()


# --- a page against its notebook ---


@functools.cache
def cells(notebook: str) -> list[dict]:
    return json.loads((ROOT / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def shown_outputs(notebook: str) -> list[dict]:
    removed = {"remove-cell", "remove-output"}
    shown_cells = [cell for cell in cells(notebook) if not removed & set(tags(cell))]
    return [output for cell in shown_cells for output in cell.get("outputs", [])]


def plain_text(output: dict) -> str:
    """What an output shows as text: nothing where it has something richer to show."""
    if "text" in output:
        return "".join(output["text"])
    return "".join(output["data"]["text/plain"]) if output["data"].keys() == {"text/plain"} else ""


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_page_shows_the_text_outputs_of_the_notebook(notebook):
    stored = [line for output in shown_outputs(notebook) for line in lines(plain_text(output))]
    on_page = tree(HTML / f"{notebook}.html").select(".output.stream pre, .output.text_plain pre")
    assert [line for output in on_page for line in lines(output.get_text())] == stored


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_page_shows_the_figures_of_the_notebook(notebook):
    stored = [
        base64.b64decode("".join(output["data"]["image/png"]))
        for output in shown_outputs(notebook)
        if "image/png" in output.get("data", {})
    ]
    page = HTML / f"{notebook}.html"
    images = tree(page).select(".cell_output img[src$='.png'], .cell_output img[src$='.webp']")
    assert len(images) == len(stored)
    for image, png in zip(images, stored, strict=True):
        shown, kept = Image.open(page.parent / image["src"]), Image.open(io.BytesIO(png))
        assert np.array_equal(np.asarray(shown.convert("RGBA")), np.asarray(kept.convert("RGBA")))


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_formula_is_also_mathml(notebook):
    page = tree(HTML / f"{notebook}.html")
    formulas = page.select("article .katex")
    assert [formula for formula in formulas if not shown(formula.math)] == []
    assert not page.select("article .katex-error, article merror")


def exercise_names(cell: dict) -> list[str]:
    return re.findall(r"""exercises\.check\(\s*["']([\w.-]+)["']""", source(cell))


@pytest.mark.parametrize("chapter", TEACHING)
def test_chapter_has_figures_formulas_and_text_outputs(chapter):
    page = tree(HTML / f"{chapter}.html")
    assert all(page.select_one(part) for part in (".cell_output img", ".katex math", ".output.stream pre"))


@pytest.mark.parametrize("chapter", TEACHING)
def test_each_exercise_has_statement_hint_stub_and_hidden_solution(chapter):
    stubs: list[str] = []
    solutions: list[str] = []
    for before, cell in zip(cells(chapter), cells(chapter)[1:], strict=False):
        if "solution" in tags(cell):
            solutions += exercise_names(cell)
            assert "not tried yet" not in json.dumps(cell["outputs"])
            assert cell["metadata"]["jupyter"]["source_hidden"]
        elif exercise_names(cell):
            stubs += exercise_names(cell)
            assert "not tried yet" in json.dumps(cell["outputs"])
            head = r"^### Exercise \d.*\n\n\*Level: (recall|apply|combine)\. About \d+ minutes\.\*\n"
            assert re.search(head + r"[\s\S]*<details>\s*<summary>", source(before), re.M), source(before)
    assert stubs == solutions
    assert stubs

    page = tree(HTML / f"{chapter}.html")
    hidden = page.select(".tag_solution > details:not([open])")
    assert len(hidden) == len(page.select(".tag_solution")) == len(stubs)
    assert {shown(solution.summary) for solution in hidden} == {"Solution"}
    summaries = [shown(summary) for summary in page.select("article details:not([open]) > summary")]
    assert sum("Hint" in summary for summary in summaries) >= len(stubs)


def test_no_sentence_of_the_reference_is_taken_for_a_list_of_names() -> None:
    page = tree(HTML / "book/api.html")
    titles = [one for one in page.select("p.rubric") if one.get_text() == "See Also"]
    said = [" ".join(title.find_next_sibling("p").get_text().split()) for title in titles]
    assert len(said) > 100
    assert any(one.endswith("Dumoulin and Visin (2016), relation 14.") for one in said)
    assert page.select(".seealso") == []
