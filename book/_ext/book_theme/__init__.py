"""The book's own pages: one template, one style sheet, one short script.

The usual theme asks four other sites for scripts, brings 2 MB of icons and needs a dozen repairs before an
accessibility check passes. This one has nothing to repair: native `<details>` and popovers instead of a
framework, drawn icons instead of a font, and HTML that says what it is.
"""

import posixpath
import re
from hashlib import sha256
from pathlib import Path

from docutils import nodes
from live_labs import FILES
from sphinx.environment.adapters.toctree import document_toc
from sphinx.util.images import get_image_size
from sphinx.writers.html5 import HTML5Translator
from static_math import is_formula

from . import social_card

HERE = Path(__file__).parent
ABOVE_THE_FOLD = 1  # how many figures of a page load at once; the others wait until they are near the screen


def without_plain_spans(code: str, coloured: set[str]) -> str:
    """Pygments marks every bracket and space: half of a chapter's elements, most of them for nothing."""
    span = re.compile(r'<span class="(\w+)">([^<]*)</span>')
    return span.sub(lambda match: match[0] if match[1] in coloured else match[2], code)


class PlainTranslator(HTML5Translator):
    """HTML as docutils writes it, less what trips screen readers and phones."""

    figures = 0

    def visit_image(self, node):
        source = Path(self.builder.srcdir, node["uri"])
        super().visit_image(node)
        size = get_image_size(str(source)) if source.exists() else None
        # The size keeps the place free while the picture is on its way.
        place = f' width="{size[0]}" height="{size[1]}"' if size and "width=" not in self.body[-1] else ""
        wait = ' loading="lazy"' if self.figures >= ABOVE_THE_FOLD else ""
        self.figures += 1
        self.body[-1] = self.body[-1].replace("<img ", f'<img decoding="async"{place}{wait} ', 1)

    def visit_literal_block(self, node):
        start = len(self.body)
        try:
            super().visit_literal_block(node)
        finally:  # Sphinx leaves by an exception, with the code already written
            style = Path(self.builder.srcdir, "book", "_static", "book.css").read_text("utf8")
            coloured = set(re.findall(r"\.highlight \.(\w+)", style))
            self.body[start:] = [without_plain_spans(part, coloured) for part in self.body[start:]]

    def visit_table(self, node):
        self.body.append('<div class="table-scroll">')
        super().visit_table(node)

    def depart_table(self, node):
        super().depart_table(node)
        self.body.append("<wbr></div>\n")  # the mark of a table that has come to its end, for book.css

    def visit_entry(self, node):
        super().visit_entry(node)
        if self.body[-1].startswith("<th") and not node.astext():
            self.body[-1] = self.body[-1].replace("<th", "<td", 1)  # an empty corner heads nothing
            self.context[-1] = self.context[-1].replace("</th", "</td")
        elif self.body[-1].startswith("<th"):
            scope = "col" if isinstance(node.parent.parent, nodes.thead) else "row"
            self.body[-1] = self.body[-1].replace("<th", f'<th scope="{scope}"', 1)

    # docutils gives bibliographies a deprecated role, and its `aside` would be a landmark inside `main`.
    def visit_citation(self, node):
        super().visit_citation(node)
        self.body[-1] = self.body[-1].replace("doc-biblioentry", "listitem")

    def visit_footnote(self, node):
        super().visit_footnote(node)
        self.body[-2:] = [part.replace("<aside", "<div") for part in self.body[-2:]]

    def depart_footnote(self, node):
        start = len(self.body)
        super().depart_footnote(node)
        self.body[start:] = [part.replace("</aside>", "</div>") for part in self.body[start:]]


def describe(doctree) -> str:
    """The first real paragraph, cut at a word, for search engines and link previews."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) >= 40:
            return text if len(text) <= 160 else text[:159].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return ""


def contents_of(app, pagename: str) -> str:
    """The sections of a page as nested lists, without the page's own title."""
    if pagename not in app.env.tocs:
        return ""
    for title in document_toc(app.env, pagename, app.builder.tags).children:
        if len(title.children) > 1 and isinstance(title[1], nodes.bullet_list):
            return app.builder.render_partial(title[1])["fragment"]
    return ""


def actions_of(app, pagename: str, context) -> list[dict]:
    """What to do with a notebook: take it home or, once the book has an address, run it elsewhere."""
    if not context.get("sourcename", "").endswith(".ipynb"):
        return []
    source = posixpath.join("_sources", context["sourcename"])
    actions = [{"text": "Download this notebook", "url": context["pathto"](source, 1), "download": True}]
    if repository := app.config.book_repository.rstrip("/"):
        place = re.sub(r"^https://github\.com/", "", repository)
        actions += [
            {
                "text": "Open in Colab",
                "url": f"https://colab.research.google.com/github/{place}/blob/main/{pagename}.ipynb",
            },
            {
                "text": "Open in Binder",
                "url": f"https://mybinder.org/v2/gh/{place}/main?labpath={pagename}.ipynb",
            },
            {"text": "Report a mistake", "url": f"{repository}/issues"},
        ]
    return actions


def address_of(app) -> str:
    """Where the book will be found, with a slash at its end; nothing while it has no address."""
    return app.config.html_baseurl and app.config.html_baseurl.rstrip("/") + "/"


def lead_from_anywhere(app, context) -> None:
    """A host shows `404.html` at every wrong address, so its links name the book's, if there is one."""
    relative, base = context["pathto"], address_of(app)
    context["pathto"] = lambda *arguments: base + relative(*arguments)
    context["chapters"] = context["chapters"].replace(' href="', f' href="{base}')
    context["content_root"] = base or "./"
    context["pageurl"] = None


def fill_page(app, pagename, templatename, context, doctree) -> None:
    # Sphinx calls the captions headings; they would come before the page's own.
    chapters = context["toctree"](maxdepth=1, collapse=False, includehidden=True, titles_only=True)
    context["chapters"] = re.sub(r' (aria-level="\d"|role="heading")', "", chapters)
    if pagename == "404":
        lead_from_anywhere(app, context)
    pathto = context["pathto"]

    def asset(name: str) -> str:
        """A file's address with its content's hash: a browser must not mix two versions of the book."""
        file = Path(app.srcdir, "book", "_static", name)
        version = f"?v={sha256(file.read_bytes()).hexdigest()[:8]}" if file.exists() else ""
        return pathto(f"_static/{name}", 1) + version

    context["asset"] = asset
    mark = Path(app.srcdir, app.config.html_favicon).read_text("utf8")
    context["mark"] = re.sub(r"</?svg[^>]*>", "", mark)
    context["has_math"] = doctree is not None and any(doctree.findall(is_formula))
    context["page_contents"] = contents_of(app, pagename)
    context["page_actions"] = actions_of(app, pagename, context)
    context["docstitle"] = app.config.html_title
    if doctree is not None and 'name="description"' not in context.get("metatags", ""):
        context["description"] = describe(doctree)
    if base := address_of(app):
        if pagename == "index":  # the front door introduces itself as the page that it leads to
            first = app.config.root_doc
            context["pageurl"] = base + app.builder.get_target_uri(first)
            context["title"] = app.config.html_title
            context["description"] = describe(app.env.get_doctree(first))
        context["social_card"] = base + (app.config.book_social_card or f"_static/{social_card.FILE}")
        context["social_card_alt"] = "" if app.config.book_social_card else social_card.ALT


def rewrite_neighbours(app, env) -> list[str]:
    """The order of the chapters stands on every page, also on those whose text has not changed."""
    before, env.book_order = getattr(env, "book_order", None), env.collect_relations()
    return [] if before in (None, env.book_order) else sorted(env.found_docs)


def front_door(app):
    """`index.html`, `404.html`, and `sitemap.xml` once the book has an address."""
    yield "index", {}, "redirect.html"
    yield "404", {}, "404.html"
    if base := address_of(app):
        pages = "".join(
            f"<url><loc>{base}{app.builder.get_target_uri(name)}</loc></url>\n"
            for name in sorted(app.env.found_docs)
        )
        Path(app.outdir, "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n',
            "utf8",
        )


def finish_files(app, exception) -> None:
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    # Left over from the base theme and from extensions; no page asks for them.
    for pattern in ("basic.css", "pygments.css", "*.png", "mystnb.*.css"):
        for file in static.glob(pattern):
            file.unlink()
    if address_of(app) and not app.config.book_social_card:
        social_card.draw(static / social_card.FILE, app.config.html_title)


def looks(srcdir: str) -> str:
    """A digest of what all pages are made with, apart from the templates, which Sphinx itself watches."""
    files = [file for folder in ("_static", "_ext") for file in Path(srcdir, "book", folder).rglob("*")]
    parts = [file.read_bytes() for file in sorted(files) if file.is_file() and file.suffix != ".pyc"]
    return sha256(b"".join([*parts, *map(str.encode, FILES.values())])).hexdigest()


def setup(app):
    app.add_html_theme("book_theme", str(HERE))
    app.add_config_value("book_repository", "", "html")
    app.add_config_value("book_social_card", "", "html")
    app.add_config_value("book_looks", looks(app.srcdir), "html")  # a new one: all pages are written again
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it for an extension left out
    app.set_translator("html", PlainTranslator)
    app.connect("env-updated", rewrite_neighbours)
    app.connect("html-page-context", fill_page)
    app.connect("html-collect-pages", front_door)
    app.connect("build-finished", finish_files, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
