"""The book's machinery: what `book/_ext` makes of formulas, cells and addresses, seen in a small book."""

import base64
import html
import io
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from fontTools.ttLib import TTFont
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import book_theme  # noqa: E402
import public_api  # noqa: E402
import static_math  # noqa: E402

TEXT = r"""# A page

The first paragraph says what the page is about, and it says so at some length, because search engines show it
to people who have not decided yet whether they want to read on.

$$y_i = \sum_u w_u x_{i+u}$$ (sum)

\begin{align}
a &= 1 \\
b &= 2
\end{align}

## A section

Equation {eq}`sum` is from {cite}`dumoulin2016guide`, see [the section](#a-section).

|   | count |
|:--|------:|
| a |     1 |
"""


DRAWING = Image.new("RGB", (30, 20), "white")
PHOTOGRAPH = Image.effect_noise((300, 200), 50)  # 60 kB as PNG


def picture(image: Image.Image = DRAWING) -> dict[str, str]:
    file = io.BytesIO()
    image.save(file, "PNG")
    return {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "<Figure>"}


def cell(code: str, *tags: str, alt: str = "", **data: str):
    metadata = {"tags": list(tags)} | ({"mystnb": {"image": {"alt": alt}}} if alt else {})
    output = new_output("display_data", data=data or {"text/plain": f"output of {code}"})
    name = code.replace("_", "-")
    return new_code_cell(code, metadata=metadata, outputs=[output], execution_count=1, id=name)


def write_book(folder: Path, text: str = TEXT, **config: str) -> None:
    """A book of one notebook, with this repository's own settings and extensions."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for part in ("_ext", "_static"):
        shutil.copytree(ROOT / "book" / part, folder / "book" / part, ignore=no_caches)
    shutil.copy(ROOT / "book" / "references.bib", folder / "book")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    settings["sphinx"]["config"].update(config)
    (folder / "_config.yml").write_text(yaml.safe_dump(settings), "utf8")
    toc = {"format": "jb-book", "root": "book/page", "chapters": [{"file": "book/sources"}]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), "utf8")
    (folder / "book" / "sources.md").write_text("# Sources\n\n```{bibliography}\n```\n", "utf8")
    cells = [
        new_markdown_cell(text, id="text"),
        cell("plain_code"),
        cell("with_hidden_input", "hide-input"),
        cell("with_hidden_output", "hide-output"),
        cell("wholly_hidden", "hide-cell"),
        cell("the_solution", "solution"),
        cell("the_experiment", "predict"),
        cell("first_figure", alt="A first figure", **picture()),
        cell("second_figure", alt="A second figure", **picture()),
        cell("photograph", alt="A photograph", **picture(PHOTOGRAPH)),
        cell(
            "a_lab",
            **{
                "application/vnd.jupyter.widget-view+json": '{"model_id": "1", "version_major": 2}',
                "text/html": "<p>still picture</p>",
                "text/plain": "lab",
            },
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "book" / "page.ipynb")


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("jupyter-book"), "build", folder, "-W", "-n", "--keep-going"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    write_book(folder)
    result = build(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def page(book) -> str:
    return (book / "book" / "page.html").read_text("utf8")


def summary_above(page: str, code: str) -> str:
    """What is written on the fold that holds this cell's code, or nothing where it lies open."""
    before = page[: page.index(f">{code}<") if f">{code}<" in page else page.index(code)]
    if before.rfind("<details") <= before.rfind("</details>"):
        return ""
    return re.findall(r"<summary>(.*?)</summary>", before)[-1]


# Figures


def test_a_large_figure_becomes_smaller_and_loses_no_pixel(book, page):
    [source] = re.findall(r'<img [^>]*alt="A photograph"[^>]*src="([^"]*)"', page)
    shown = book / "book" / source
    assert shown.suffix == ".webp"
    assert shown.stat().st_size < len(base64.b64decode(picture(PHOTOGRAPH)["image/png"]))
    assert Image.open(shown).convert("L").tobytes() == PHOTOGRAPH.tobytes()
    assert 'width="300" height="200"' in re.search(r'<img [^>]*alt="A photograph"[^>]*>', page)[0]
    assert list((book / "_images").glob("*.webp")) == [shown.resolve()]


def test_a_small_figure_stays_as_it_is(book, page):
    [source] = re.findall(r'<img [^>]*alt="A first figure"[^>]*src="([^"]*)"', page)
    assert (book / "book" / source).read_bytes() == base64.b64decode(picture()["image/png"])


# Formulas


def test_a_formula_becomes_html_for_eyes_and_mathml_for_ears():
    formula = static_math.render(r"a_b^2")
    assert "<msubsup><mi>a</mi><mi>b</mi><mn>2</mn></msubsup>" in formula
    assert 'class="katex-html" aria-hidden="true"' in formula
    assert "annotation" not in formula


def test_a_bad_formula_is_refused_in_few_words():
    with pytest.raises(static_math.BadFormula, match="Expected group after '_'") as caught:
        static_math.render("a_")
    assert len(str(caught.value)) < 200


def test_an_unknown_command_is_refused():
    with pytest.raises(static_math.BadFormula, match="Undefined control sequence"):
        static_math.render(r"\covn x")


# Left open, its thread keeps Python 3.13 from ending: a build would never be done.
AT_THE_END = """
import atexit, sys
sys.path.insert(0, sys.argv[1])
import static_math

@atexit.register
def ask():
    try:
        print(static_math.katex().eval("'open'"))
    except Exception:
        print("closed")

static_math.render("x")
"""


def test_the_engine_is_closed_when_the_build_ends():
    extensions = Path(static_math.__file__).parent
    done = subprocess.run([sys.executable, "-c", AT_THE_END, extensions], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("closed\n", "")


def test_only_the_fonts_that_the_formulas_need_travel():
    sheet = static_math.style_sheet([static_math.render(r"\mathbb{R}")])
    assert re.findall(r"font-family: (KaTeX_\w+); font-weight", sheet) == ["KaTeX_AMS", "KaTeX_Main"]
    sheet = static_math.style_sheet([static_math.render(r"x \mathbf{w}")])
    assert re.findall(r"font-family: (KaTeX_\w+); font-weight: (\w+)", sheet) == [
        ("KaTeX_Main", "bold"),
        ("KaTeX_Main", "normal"),
        ("KaTeX_Math", "normal"),
    ]


def test_a_font_keeps_only_the_characters_that_are_used():
    font = static_math.cut_font(static_math.katex_fonts()["KaTeX_Math-Italic"], {"x", "w"})
    assert sorted(TTFont(io.BytesIO(font)).getBestCmap()) == [ord("w"), ord("x")]
    assert len(font) < 2000


def test_the_page_asks_nobody_for_its_fonts():
    sheet = static_math.style_sheet([static_math.render("x")])
    assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", sheet))


def test_a_missing_style_sheet_is_said_plainly(monkeypatch, tmp_path):
    monkeypatch.setattr(static_math, "LAB_EXTENSION", tmp_path)
    with pytest.raises(static_math.ExtensionError, match="no KaTeX style sheet"):
        static_math.katex_style.__wrapped__()


def test_equations_are_numbered_and_can_be_referred_to(page):
    assert re.findall(r'<span class="equation-number">\((\d)\)</span>', page) == ["1", "2"]
    assert re.search(r'<a class="reference internal" href="#equation-sum">\(1\)</a>', page)
    assert 'id="equation-sum"' in page


# Cells


@pytest.mark.parametrize(
    ("code", "summary"),
    [
        ("plain_code", ""),
        ("with_hidden_input", "Show the code"),
        ("with_hidden_output", ""),
        ("output of with_hidden_output", "Show the output"),
        ("wholly_hidden", "Show"),
        ("output of wholly_hidden", "Show"),
        ("the_solution", "Solution"),
        ("output of the_solution", "Solution"),
        ("the_experiment", "Run it and see"),
        ("output of the_experiment", "Run it and see"),
    ],
)
def test_a_tag_folds_its_part_of_the_cell(page, code, summary):
    assert summary_above(page, code) == summary


def test_the_still_picture_of_a_lab_wins_over_its_live_view(page):
    assert "<p>still picture</p>" in page
    assert "widget-view" not in page


def test_a_figure_keeps_its_place_while_it_loads(page):
    first, second = re.findall(r"<img [^>]*figure[^>]*>", page)
    for figure in (first, second):
        assert 'width="30" height="20"' in figure
    assert 'alt="A first figure"' in first
    assert "lazy" not in first
    assert 'loading="lazy"' in second


def test_only_code_that_has_a_colour_keeps_a_mark():
    from book_theme import without_plain_spans

    code = '<span class="k">for</span> <span class="n">x</span><span class="p">:</span>'
    assert without_plain_spans(code, {"k"}) == '<span class="k">for</span> x:'


# Pages


def test_the_empty_corner_of_a_table_is_no_heading(page):
    corner, heading = r"<td [^>]*><p></p></td>", r'<th scope="col" [^>]*><p>count</p></th>'
    assert re.search(rf"<thead>\s*<tr[^>]*>{corner}\s*{heading}", page)


def test_a_source_is_an_item_of_a_list(book):
    sources = (book / "book" / "sources.html").read_text("utf8")
    assert re.search(r'<div role="list"[^>]*>\s*<div class="citation" [^>]*role="listitem"', sources)


def test_the_description_is_the_first_paragraph_cut_at_a_word(page):
    description = html.unescape(re.search(r'<meta name="description" content="([^"]*)">', page)[1])
    assert description.startswith("The first paragraph says what the page is about")
    assert description.endswith("…")
    assert re.search(re.escape(description.removesuffix("…")) + r"\W", " ".join(TEXT.split()))
    assert len(description) <= 160


def test_a_page_needs_nothing_from_elsewhere(book):
    for file in book.rglob("*.html"):
        assert not re.findall(r'(?:src|<link [^>]*href)="(?:https?:)?//[^"]*"', file.read_text("utf8")), file


def test_the_notebook_can_be_taken_home(book, page):
    link = re.search(r'<a href="([^"]*)" download>Download this notebook</a>', page)[1]
    source = book.parents[1] / "book" / "page.ipynb"
    assert (book / "book" / link).read_bytes() == source.read_bytes()


def test_the_front_door_leads_to_the_first_page(book):
    assert 'http-equiv="refresh" content="0; url=book/page.html"' in (book / "index.html").read_text("utf8")


def test_without_a_public_address_nothing_points_to_one(book, page):
    for word in ("canonical", "og:", "colab", "mybinder"):
        assert word not in page
    assert not (book / "sitemap.xml").exists()


def test_the_same_book_built_elsewhere_is_the_same_until_its_script_is_changed(book, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("a") / "deeper"
    shutil.copytree(book.parents[1], elsewhere, ignore=shutil.ignore_patterns("_build", "__pycache__"))
    assert build(elsewhere).returncode == 0
    contents = [
        {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        for root in (book, elsewhere / "_build" / "html")
    ]
    assert contents[0] == contents[1]

    script, changed = elsewhere / "book" / "_static" / "book.js", b"// another script\n"
    script.write_bytes(changed)
    assert build(elsewhere).returncode == 0
    built = elsewhere / "_build" / "html"
    assert (built / "_static" / "book.js").read_bytes() == changed
    assert f"book.js?v={sha256(changed).hexdigest()[:8]}" in (built / "book" / "page.html").read_text("utf8")


def test_a_new_chapter_is_the_neighbour_of_pages_whose_text_has_not_changed():
    order = {"one": [None, None, "two"], "two": [None, "one", None]}
    env = SimpleNamespace(found_docs={"two", "one"}, collect_relations=lambda: dict(order))
    assert book_theme.rewrite_neighbours(None, env) == []  # a first build writes all pages anyway
    assert book_theme.rewrite_neighbours(None, env) == []
    order["two"] = [None, "between", None]
    assert book_theme.rewrite_neighbours(None, env) == ["one", "two"]
    assert book_theme.rewrite_neighbours(None, env) == []


def test_what_is_found_at_a_wrong_address_leads_on(book):
    lost = (book / "404.html").read_text("utf8")
    assert 'href="book/page.html"' in lost and 'action="search.html"' in lost
    assert 'name="robots" content="noindex"' in lost


def test_a_public_address_is_one_switch_and_a_bad_formula_fails_the_build(tmp_path):
    write_book(
        tmp_path,
        TEXT + "\n\n$a_$\n",
        html_baseurl="https://example.org/book",
        book_repository="https://github.com/somebody/book",
    )
    result = build(tmp_path)
    page = (tmp_path / "_build" / "html" / "book" / "page.html").read_text("utf8")

    assert '<link rel="canonical" href="https://example.org/book/book/page.html">' in page
    assert "https://colab.research.google.com/github/somebody/book/blob/main/book/page.ipynb" in page
    assert "https://mybinder.org/v2/gh/somebody/book/main?labpath=book/page.ipynb" in page
    sitemap = (tmp_path / "_build" / "html" / "sitemap.xml").read_text("utf8")
    assert "<loc>https://example.org/book/book/page.html</loc>" in sitemap

    card = "https://example.org/book/_static/card.png"
    door = (tmp_path / "_build" / "html" / "index.html").read_text("utf8")
    for introduction in (page, door):
        assert f'<meta property="og:image" content="{card}">' in introduction
        assert '<meta property="og:url" content="https://example.org/book/book/page.html">' in introduction
        assert '<meta property="og:description" content="The first paragraph says' in introduction
    with Image.open(tmp_path / "_build" / "html" / "_static" / "card.png") as picture:
        assert picture.size == (1200, 630)

    # A host shows this page at any depth, so it may lead nowhere by a relative address.
    lost = (tmp_path / "_build" / "html" / "404.html").read_text("utf8")
    addresses = re.findall(r'(?:href|src|action|data-content_root)="([^"]*)"', lost)
    fragments = {"#main", "#mark"}
    assert {one for one in addresses if not one.startswith("https://example.org/book/")} == fragments
    assert "canonical" not in lost

    assert result.returncode != 0
    assert "bad formula: Expected group after '_'" in result.stderr


# The reference


def test_the_reference_has_every_public_name_and_no_private_one():
    import convlib

    entries = re.findall(r"^\.\. auto\w+:: (\S+)", public_api.reference(), flags=re.MULTILINE)
    functions = [name for name in convlib.__all__ if callable(getattr(convlib, name))]
    assert {f"convlib.{name}" for name in functions} <= set(entries)
    assert not [entry for entry in entries if any(part.startswith("_") for part in entry.split("."))]
    assert len(entries) == len(set(entries))


def test_the_reference_is_read_again_after_a_change_of_any_file_of_the_package():
    watched: list[str] = []
    app = SimpleNamespace(env=SimpleNamespace(note_dependency=watched.append))
    other = ["# Other\n"]
    public_api.write_reference(app, "other", other)
    assert (other, watched) == (["# Other\n"], [])
    page = [f"# API\n\n{public_api.MARK}\n"]
    public_api.write_reference(app, "api", page)
    assert "autofunction:: convlib.conv2d" in page[0]
    package = Path(__file__).resolve().parents[1] / "convlib"
    assert {Path(file) for file in watched} == set(package.rglob("*.py"))


def test_see_also_holds_sentences_whose_names_lead_to_the_reference():
    text = (
        "fold : the adjoint. conv2d, receptive_field. torch.nn.Fold : adds, too. Chapter 8; Dumoulin, page 4."
    )
    assert public_api.see_also(text, "convlib.receptive_field") == (
        ":py:obj:`fold <convlib.fold>`: the adjoint. :py:obj:`conv2d <convlib.conv2d>`, "
        ":py:obj:`receptive_field <convlib.receptive_field.receptive_field>`. "
        "``torch.nn.Fold``: adds, too. Chapter 8; Dumoulin, page 4."
    )


def test_see_also_is_all_that_changes_in_a_docstring():
    lines = [
        "One.",
        "",
        "See Also",
        "--------",
        "fold, unfold.",
        "    And more.",
        "",
        "Notes",
        "-----",
        "See Also",
    ]
    public_api.tell_what_to_see(None, "function", "convlib.pad", None, None, lines)
    links = ":py:obj:`fold <convlib.fold>`, :py:obj:`unfold <convlib.unfold>`"
    assert lines == [
        "One.",
        "",
        "See Also",
        "--------",
        f"{links}. And more.",
        "",
        "Notes",
        "-----",
        "See Also",
    ]
