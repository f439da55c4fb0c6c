"""Figures for the page at half the size: WebP, without losing a pixel, in place of large PNGs.

The notebooks keep PNG, which JupyterLab and code hosting sites show.
"""

from pathlib import Path

from docutils import nodes
from PIL import Image  # matplotlib brings it

LARGE = 50_000  # bytes; drawings are smaller, photographs larger


def shrink(app, doctree) -> None:
    """Before Sphinx looks which files the page needs."""
    for node in doctree.findall(nodes.image):
        file = Path(app.env.relfn2path(node["uri"])[1])
        if file.suffix == ".png" and file.exists() and file.stat().st_size >= LARGE:
            smaller = file.with_suffix(".webp")
            if not smaller.exists():  # a figure's name is made of its content
                # A little effort: more takes twice as long and saves a hundredth.
                partly = file.with_suffix(".partly")  # an interrupted build leaves no half of a figure
                Image.open(file).save(partly, "WEBP", lossless=True, method=1, quality=50)
                partly.replace(smaller)
            node["uri"] = node["uri"].removesuffix(".png") + ".webp"


def setup(app):
    app.connect("doctree-read", shrink, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
