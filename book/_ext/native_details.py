"""What a chapter folds away, folded by the browser: cells become `<details>`, with no script.

`hide-input`, `hide-output` and `hide-cell` are Jupyter Book's tags. Two more belong to this book: `solution`,
and `predict`, a cell that stays shut until the reader has committed to an answer.
"""

from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

WHOLE_CELL = {"tag_solution": "Solution", "tag_predict": "Run it and see"}
PART = {"input": "Show the code", "output": "Show the output", "all": "Show", "input+output": "Show"}


class NameWhatIsHidden(SphinxPostTransform):
    """Tell MyST-NB's own transform, which runs next, what to fold and what to write on it."""

    default_priority = 198
    formats = ("html",)

    def run(self, **kwargs) -> None:
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") != "cell_code":
                continue
            for tag in WHOLE_CELL.keys() & set(cell["classes"]):
                cell["hide_mode"] = "all"
                cell["prompt_show"] = WHOLE_CELL[tag]
            if cell.get("hide_mode") and not WHOLE_CELL.keys() & set(cell["classes"]):
                cell["prompt_show"] = PART[cell["hide_mode"]]
            cell["prompt_hide"] = ""


def visit_hidden(translator, node) -> None:
    translator.body.append(f'<details class="fold"><summary>{escape(node["prompt_show"])}</summary>\n')


def depart_hidden(translator, node) -> None:
    translator.body.append("</details>\n")


def setup(app):
    app.add_post_transform(NameWhatIsHidden)
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden, depart_hidden))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
