"""Mathematics as finished HTML and MathML: KaTeX runs while the book is built, a page needs no script for it.

No KaTeX is kept in this repository. Its program comes out of the wheel of sphinxcontrib-katex, its style
sheet and fonts out of the wheel of jupyterlab-myst; V8 comes with mini-racer. Fonts are cut down to the
characters the book uses and embedded in the style sheet: so nothing moves when they arrive, and Firefox,
which refuses font files on `file://`, shows them too.
"""

import atexit
import base64
import io
import json
import re
import sys
from contextlib import suppress
from functools import lru_cache
from html import escape, unescape
from pathlib import Path

import sphinxcontrib
from docutils import nodes
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from py_mini_racer import MiniRacer
from sphinx.errors import ExtensionError
from sphinx.util import logging

logger = logging.getLogger(__name__)

LAB_EXTENSION = Path(sys.prefix, "share", "jupyter", "labextensions", "jupyterlab-myst", "static")
STYLE_SHEET = "math.css"


class BadFormula(ValueError):
    """KaTeX could not read a formula."""


@lru_cache(1)
def katex() -> MiniRacer:
    """A V8 with KaTeX loaded and a `render` function that returns its errors as text."""
    programs = [Path(folder, "katex.min.js") for folder in sphinxcontrib.__path__]
    program = next((path for path in programs if path.exists()), None)
    if program is None:
        raise ExtensionError("static_math: the package sphinxcontrib-katex no longer brings katex.min.js")
    engine = MiniRacer()
    atexit.register(engine.close)  # left to itself it keeps Python 3.13 from ending
    engine.eval(program.read_text("utf8"))
    # An error that leaves V8 would carry KaTeX's whole source in its message.
    engine.eval("""
        function render(formula, displayMode) {
            const options = {displayMode, throwOnError: true, strict: "error"};
            try { return {html: katex.renderToString(formula, options)} }
            catch (error) { return {error: error.message} }
        }""")
    return engine


@lru_cache(None)
def render(formula: str, display: bool = False) -> str:
    """The formula as HTML for eyes and MathML for ears."""
    call = f"JSON.stringify(render({json.dumps(formula)}, {json.dumps(display)}))"
    answer = json.loads(str(katex().eval(call)))
    if "error" in answer:
        raise BadFormula(answer["error"].removeprefix("KaTeX parse error: "))
    # The MathML goes without its second copy in TeX, which is weight, and which some screen readers read out.
    html = re.sub(r"<annotation.*?</annotation>", "", answer["html"], flags=re.DOTALL)
    return html.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")


def is_formula(node: nodes.Node) -> bool:
    return isinstance(node, nodes.math | nodes.math_block)


def formula_of(node: nodes.Element) -> str:
    """What to give to KaTeX: as in Sphinx, blank lines separate equations and `\\\\` alone means `split`."""
    text = node.astext()
    if not isinstance(node, nodes.math_block) or node.get("nowrap"):
        # The number comes from the book, in the same place for every equation.
        return re.sub(r"\\(begin|end)\{(align|equation|gather|alignat|multline)\}", r"\\\1{\2*}", text)
    parts = [
        rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part and r"\begin" not in part else part
        for part in re.split(r"\n\s*\n", text.strip())
    ]
    return parts[0] if len(parts) == 1 else r"\begin{gathered}" + r"\\".join(parts) + r"\end{gathered}"


def html_or_warning(node: nodes.Element) -> str:
    try:
        return render(formula_of(node), isinstance(node, nodes.math_block))
    except BadFormula as error:
        logger.warning("bad formula: %s", error, location=node, type="static_math")
        return f"<code>{escape(node.astext())}</code>"


def visit_math(translator, node) -> None:
    translator.body.append(f'<span class="math">{html_or_warning(node)}</span>')
    raise nodes.SkipNode


def visit_math_block(translator, node) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math-block"))
    translator.body.append(f'<div class="math-scroll">{html_or_warning(node)}</div>')
    if node["number"]:
        translator.body.append(f'<span class="equation-number">({node["number"]})</span>')
    translator.body.append("</div>")
    raise nodes.SkipNode


def name_equations(app, doctree) -> None:
    """A numbered `align` has a random label in MyST-Parser; two builds must give the same page."""
    for position, node in enumerate(doctree.findall(nodes.math_block)):
        if "amsmath" in node["classes"] and node.get("label"):
            old, new = f"equation-{node['label']}", f"equation-amsmath-{position}"
            for holder in doctree.findall(nodes.Element):
                for key in ("ids", "refid"):
                    if key == "ids" and old in holder["ids"]:
                        holder["ids"] = [new if name == old else name for name in holder["ids"]]
                    elif key == "refid" and holder.get("refid") == old:
                        holder["refid"] = new


@lru_cache(1)
def katex_style() -> str:
    """KaTeX's own rules, without fonts: a template literal in one of the scripts of jupyterlab-myst."""
    for script in sorted(LAB_EXTENSION.glob("*.js")):
        if literal := re.search(r"\.katex \{(?:[^`\\]|\\.)*", script.read_text("utf8")):
            return str(MiniRacer().eval(f"`{literal[0]}`"))
    raise ExtensionError(f"static_math: no KaTeX style sheet in {LAB_EXTENSION}: where is jupyterlab-myst?")


@lru_cache(1)
def katex_fonts() -> dict[str, Path]:
    """Where each font is, by its own name (`KaTeX_Main-Regular`): the files are named after their hashes."""
    return {str(TTFont(path)["name"].getDebugName(6)): path for path in sorted(LAB_EXTENSION.glob("*.woff2"))}


def fonts_for(classes: set[str]) -> set[str]:
    """The fonts that KaTeX's rules give to elements of these classes."""
    fonts = {"KaTeX_Main-Regular"}
    rules = re.sub(r"/\*.*?\*/", "", katex_style(), flags=re.DOTALL)
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", rules):
        family = re.search(r"font-family: (KaTeX_\w+)", body)
        bold, italic = "font-weight: bold" in body, "font-style: italic" in body
        face = "Bold" * bold + "Italic" * italic
        if not family and not face:
            continue
        for selector in selectors.split(","):
            if set(re.findall(r"\.([\w-]+)", selector)) - {"katex"} <= classes:
                fonts.add(f"{family[1] if family else 'KaTeX_Main'}-{face or 'Regular'}")
    return fonts


def cut_font(path: Path, characters: set[str]) -> bytes:
    """The font with only these characters, as woff2."""
    font = TTFont(path, recalcTimestamp=False)
    subsetter = Subsetter(Options(hinting=False, layout_features=[], notdef_outline=True))
    subsetter.populate(text="".join(sorted(characters)))
    subsetter.subset(font)
    font.flavor = "woff2"
    cut = io.BytesIO()
    font.save(cut)
    return cut.getvalue()


def style_sheet(pages: list[str]) -> str:
    """KaTeX's rules and the fonts that these pieces of KaTeX's HTML need."""
    visible = [page.split('class="katex-html"', 1)[-1] for page in pages]
    classes = {
        name
        for page in visible
        for attribute in re.findall(r'class="([^"]*)"', page)
        for name in attribute.split()
    }
    characters = {letter for page in visible for letter in unescape(re.sub(r"<[^>]*>", "", page))}
    rules = []
    for name in sorted(fonts_for(classes)):
        if name not in katex_fonts():
            raise ExtensionError(f"static_math: the font {name} is not in {LAB_EXTENSION}")
        family, face = name.split("-")
        data = base64.b64encode(cut_font(katex_fonts()[name], characters)).decode()
        weight = "bold" if "Bold" in face else "normal"
        style = "italic" if "Italic" in face else "normal"
        rules.append(
            f"@font-face {{ font-family: {family}; font-weight: {weight}; font-style: {style};"
            f" src: url(data:font/woff2;base64,{data}) format('woff2') }}\n"
        )
    return "".join(rules) + katex_style()


def write_style_sheet(app, exception) -> None:
    if exception or app.builder.format != "html":
        return
    pages = []
    for docname in sorted(app.env.found_docs):
        for node in app.env.get_doctree(docname).findall(is_formula):
            with suppress(BadFormula):  # already reported where it stands
                pages.append(render(formula_of(node), isinstance(node, nodes.math_block)))
    Path(app.outdir, "_static", STYLE_SHEET).write_text(style_sheet(pages), "utf8")


def setup(app):
    app.add_html_math_renderer("katex", (visit_math, None), (visit_math_block, None))
    app.connect("doctree-read", name_equations)
    app.connect("build-finished", write_style_sheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
