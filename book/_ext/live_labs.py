"""Puts a lab's script on the pages that have this lab, and on no other."""

import re
from hashlib import sha256
from pathlib import Path

from docutils import nodes

from convlib.labs import LABS
from convlib.labs._lab import page_script, style

NAMES = [lab.name for lab in LABS]
FILES = {f"lab-{name}.js": page_script([name]) for name in NAMES} | {"labs.css": style(*NAMES)}


def add_to_page(app, pagename, templatename, context, doctree) -> None:
    if doctree is None:
        return
    raw = " ".join(node.astext() for node in doctree.findall(nodes.raw))
    shown = sorted(set(re.findall(r'data-lab="(\w+)"', raw)))

    def address(name: str) -> str:
        version = sha256(FILES[name].encode()).hexdigest()[:8]
        return f"{context['pathto'](f'_static/{name}', 1)}?v={version}"

    context["lab_scripts"] = [address(f"lab-{name}.js") for name in shown]
    context["lab_style"] = address("labs.css") if shown else ""


def write_files(app, exception) -> None:
    if exception or app.builder.format != "html":
        return
    for name, text in FILES.items():
        Path(app.outdir, "_static", name).write_text(text, "utf8")


def setup(app):
    app.connect("html-page-context", add_to_page)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
