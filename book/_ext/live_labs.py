"""Puts the labs' script and style on the pages that have a lab, and on no other."""

from hashlib import sha256
from pathlib import Path

from docutils import nodes

from convlib.labs import LABS
from convlib.labs._lab import page_script, style

NAMES = [lab.name for lab in LABS]
FILES = {"labs.js": page_script(NAMES), "labs.css": style(*NAMES)}


def add_to_page(app, pagename, templatename, context, doctree) -> None:
    if doctree is None or not any("data-lab=" in raw.astext() for raw in doctree.findall(nodes.raw)):
        return
    for name, text in FILES.items():
        version = sha256(text.encode()).hexdigest()[:8]
        context[name.replace(".", "_")] = f"{context['pathto'](f'_static/{name}', 1)}?v={version}"


def write_files(app, exception) -> None:
    if exception or app.builder.format != "html":
        return
    for name, text in FILES.items():
        Path(app.outdir, "_static", name).write_text(text, "utf8")


def setup(app):
    app.connect("html-page-context", add_to_page)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
