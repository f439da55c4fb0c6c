"""The book to take along: the zip works as a folder of files, and the PDF holds all that the pages hold."""

import re
import subprocess
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import offline
import pytest
from browsing import Site, browser, watch
from bs4 import BeautifulSoup
from built_book import HTML, ROOT, fail_unless_built
from playwright.sync_api import Browser, expect
from pypdf import PdfReader
from pypdf.generic import Destination

__all__ = ["browser"]
PRINTED = ["book/index.html", "book/02-convolution.html", "book/06-channels.html", "book/bibliography.html"]
DATE = 1_700_000_000  # 14 November 2023


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    fail_unless_built()


@pytest.fixture(autouse=True)
def commit_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(DATE))


def dense(text: str) -> str:
    """Without spaces and ligatures: where lines end is the printer's choice, and whether fi is one sign."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


# ---------------------------------------------------------------- the zip


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(DATE))
        target = tmp_path_factory.mktemp("zip") / "convolutions-1.zip"
        offline.pack(HTML, target)
    return target


def test_the_zip_holds_every_file_of_the_book_in_one_folder(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    files = [path.relative_to(HTML).as_posix() for path in HTML.rglob("*") if path.is_file()]
    assert names == [f"convolutions-1/{name}" for name in sorted(files, key=lambda name: name.split("/"))]


def test_the_same_book_is_the_same_zip(tmp_path: Path) -> None:
    for name, letters in (("one", "ab"), ("two", "ba")):
        (tmp_path / name).mkdir()
        for letter in letters:
            (tmp_path / name / letter).write_text(letter)
    (tmp_path / "two/a").chmod(0o600)
    packs = []
    for name in ("one", "two"):
        offline.pack(tmp_path / name, tmp_path / "book.zip")
        packs.append((tmp_path / "book.zip").read_bytes())
    assert packs[0] == packs[1]
    with zipfile.ZipFile(tmp_path / "book.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


def test_the_unpacked_zip_is_searched_and_its_labs_move(
    packed: Path, tmp_path: Path, browser: Browser
) -> None:
    folder = tmp_path / "a place with spaces"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    site = Site(folder / packed.stem, (folder / packed.stem).as_uri())
    page = browser.new_page()
    faults, _ = watch(page, site)
    page.goto(site.address("index.html"))
    page.wait_for_url("**/book/index.html")
    page.get_by_label("Search the book").filter(visible=True).first.fill("padding")
    page.keyboard.press("Enter")
    expect(page.locator("ul.search > li").first).to_be_visible()
    page.goto(site.address("book/02-convolution.html"))
    lab = page.locator(".lab.live").filter(has=page.locator("input[type=range]")).first
    before = lab.inner_text()
    lab.locator("input[type=range]").first.press("ArrowRight")
    expect(lab).not_to_have_text(before, use_inner_text=True)
    page.close()
    assert faults == []


# ---------------------------------------------------------------- the PDF


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> PdfReader:
    target = tmp_path_factory.mktemp("pdf") / "book.pdf"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(DATE))
        offline.print_book(browser, HTML, target, PRINTED)
    return PdfReader(target)


@pytest.fixture(scope="module")
def texts(book: PdfReader) -> list[str]:
    return [page.extract_text() for page in book.pages]


def page_of(name: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / name).read_text("utf8"), "html.parser")


def title(name: str) -> str:
    heading = page_of(name).h1
    heading.select_one(".headerlink").decompose()
    return heading.get_text().strip()


def flat(outline: list[object]) -> Iterator[Destination]:
    for entry in outline:
        if isinstance(entry, list):
            yield from flat(entry)
        else:
            yield entry


def test_the_title_page_says_which_book_this_is(book: PdfReader, texts: list[str]) -> None:
    assert "Convolutions in NumPy and torch" in texts[0]
    assert f"Version {offline.version()}, 14 November 2023" in texts[0]
    assert book.metadata.title == "Convolutions in NumPy and torch"
    assert book.metadata.creation_date.timestamp() == book.metadata.modification_date.timestamp() == DATE


def test_the_book_is_tagged_and_names_its_language(book: PdfReader) -> None:
    root = book.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root


def test_outline_and_contents_lead_to_the_page_where_the_chapter_begins(
    book: PdfReader, texts: list[str]
) -> None:
    starts = {entry.title: book.get_destination_page_number(entry) for entry in flat(book.outline)}
    for name in PRINTED:
        number = starts[title(name)]
        assert dense(title(name)) in dense(texts[number])[: 3 * len(title(name)) + 20]
        assert dense(title(name)) + str(number + 1) in dense(texts[1])
    chapters = [starts[title(name)] for name in PRINTED]
    assert chapters == sorted(set(chapters))
    assert {"Exercises", "Contents"} <= starts.keys()


def test_every_sheet_has_its_number_and_the_title_of_its_chapter(texts: list[str], book: PdfReader) -> None:
    starts = {entry.title: book.get_destination_page_number(entry) for entry in flat(book.outline)}
    first, end = starts[title(PRINTED[2])], starts[title(PRINTED[3])]
    assert end - first > 15
    for number in range(first, end):
        lines = texts[number].strip().splitlines()
        assert dense(title(PRINTED[2])) in dense(texts[number]), number
        assert str(number + 1) in (lines[0].strip(), lines[-1].strip(), lines[1].strip()), number


def test_links_lead_to_a_place_in_the_book_or_to_the_world(book: PdfReader) -> None:
    places, inside = book.named_destinations, 0
    for page in book.pages:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if "/Dest" in link:
                assert str(link["/Dest"]) in places or str(link["/Dest"]).lstrip("/") in places
                inside += 1
            elif "/A" in link:
                assert re.match(r"https?:|mailto:", link["/A"]["/URI"])
    assert inside > 10


def test_folded_code_and_its_output_are_printed(texts: list[str]) -> None:
    text, lines = dense("".join(texts)), []
    for name in PRINTED:
        for code in page_of(name).select("details.fold pre"):
            lines += [dense(line) for line in code.get_text().splitlines() if line.strip()]
    assert len(lines) > 50
    assert [line for line in lines if line not in text] == []


def test_a_prediction_is_a_question_and_its_answers_come_after_it(texts: list[str]) -> None:
    text = dense("".join(texts))
    questions = page_of(PRINTED[1]).select("fieldset.predict")
    assert questions
    for question in questions:
        option = dense(question.select("label")[-1].get_text())
        because = dense(question.select_one(".because").get_text())
        start = text.index(dense(question.legend.get_text()))
        assert start < text.index(option, start) < text.index("a)" + because, start)


def test_every_font_is_in_the_file(book: PdfReader) -> None:
    fonts = {}
    for page in book.pages:
        for reference in page["/Resources"].get("/Font", {}).values():
            font = reference.get_object()
            for part in font.get("/DescendantFonts", [font]):
                descriptor = part.get_object().get("/FontDescriptor", {})
                fonts[font["/BaseFont"]] = any(key.startswith("/FontFile") for key in descriptor)
    assert any("KaTeX" in name for name in fonts)
    assert all(fonts.values()), fonts


WIDE = """<!DOCTYPE html><html lang="en"><head><title>Wide</title>
<link rel="stylesheet" href="../_static/book.css"></head><body><nav class="chapters"></nav><main>
<article><section><h1 id="wide">Wide</h1>{}</section></article></main></body></html>"""
TABLE = f"<table><tr>{'<td><code>a_long_name_without_a_break</code></td>' * 12}</tr></table>"
CELLS = "<td>a_long_name_without_a_break</td>" * 12
UNBROKEN = f"<table style='white-space: nowrap'><tr>{CELLS}</tr></table>"
CODE = f"<pre>{'x = ' + '1 + ' * 100}end</pre><pre>{'y' * 300}</pre>"


@pytest.fixture
def wide_book(tmp_path: Path) -> Path:
    for folder in ("book", "_static"):
        (tmp_path / folder).mkdir()
    (tmp_path / "_static/book.css").write_bytes((ROOT / "book/_static/book.css").read_bytes())
    return tmp_path


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_wide_tables_and_long_lines_stay_on_the_paper(paper: str, wide_book: Path, browser: Browser) -> None:
    (wide_book / "book/index.html").write_text(WIDE.format(TABLE + UNBROKEN + CODE), "utf8")
    prints = []
    for _ in range(2):
        offline.print_book(browser, wide_book, wide_book / "book.pdf", paper=paper)
        prints.append((wide_book / "book.pdf").read_bytes())
    assert prints[0] == prints[1]
    page = PdfReader(wide_book / "book.pdf").pages[2]
    assert dense(page.extract_text()).count("a_long_name_without_a_break") == 2 * 12
    assert dense(page.extract_text()).count("y") >= 300
    starts: list[float] = []
    page.extract_text(
        visitor_text=lambda text, cm, tm, *_: starts.append(cm[0] * tm[4] + cm[4]) if text.strip() else None
    )
    assert max(starts) < float(page.mediabox.width) - offline.SIDE_MARGIN / 25.4 * 72


def test_what_is_wider_than_the_paper_is_refused(wide_book: Path, browser: Browser) -> None:
    (wide_book / "book/index.html").write_text(WIDE.format('<p style="width: 99rem">x</p>'), "utf8")
    with pytest.raises(offline.NotMade, match="wider than the paper: <p"):
        offline.print_book(browser, wide_book, wide_book / "book.pdf")
    assert not (wide_book / "book.pdf").exists()


# ---------------------------------------------------------------- what can be wrong before


@pytest.mark.parametrize("moment", ["yesterday", "-1", "0", "99999999999", "1.5"])
def test_a_date_that_is_none_is_refused(moment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
    with pytest.raises(offline.NotMade, match=f"not '{moment}'"):
        offline.pack(tmp_path, tmp_path / "book.zip")
    assert not (tmp_path / "book.zip").exists()


def test_without_a_given_date_it_is_that_of_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    told = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    made = offline.date()
    assert (str(int(made.timestamp())) if made else "") == told.strip()


@pytest.mark.parametrize("what", ["zip", "pdf"])
def test_without_a_book_one_is_told_to_make_it(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(offline, "HTML", tmp_path / "html")
    with pytest.raises(SystemExit, match="run 'make book' first"):
        offline.main([what])


def test_without_a_browser_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "chromium", lambda: None)
    with pytest.raises(offline.NotMade, match="install one"), offline.browser():
        pass
