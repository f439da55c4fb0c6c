"""The API reference writes itself: what `convlib` exports, grouped by the module that holds it.

A page asks for it with the line `<!-- public api -->`; nobody keeps a list of functions by hand.
"""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

MARK = "<!-- public api -->"
SUBMODULES = (
    "convlib.algorithms",
    "convlib.digits",
    "convlib.draw",
    "convlib.edges",
    "convlib.equivariance",
    "convlib.exercises",
    "convlib.filtering",
    "convlib.filters",
    "convlib.labs",
    "convlib.layers",
    "convlib.networks",
    "convlib.oracles",
    "convlib.photographs",
    "convlib.receptive_field",
    "convlib.timing",
)


def public_names(module: ModuleType) -> list[str]:
    """Functions and classes of `__all__`, or those that are defined here without a leading underscore."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if documented(getattr(module, name))]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def documented(value: object) -> bool:
    """A constant has no docstring but that of its type."""
    return inspect.isroutine(value) or inspect.isclass(value)


def section(module: ModuleType, names: list[str]) -> str:
    """One heading, the module's first sentence, and each name as readers import it."""
    summary = (inspect.getdoc(module) or "").partition("\n\n")[0]
    entries = []
    for name in names:
        owner, _, own = name.rpartition(".")
        value = getattr(importlib.import_module(owner), own)
        kind = "autoclass" if inspect.isclass(value) else "autofunction"
        entries.append(f".. {kind}:: {name}\n" + ("   :members:\n" if kind == "autoclass" else ""))
    return f"## `{module.__name__}`\n\n{summary}\n\n```{{eval-rst}}\n" + "\n".join(entries) + "```\n"


def reference() -> str:
    """The whole reference as Markdown, in the order of `convlib.__all__`."""
    convlib = importlib.import_module("convlib")
    rooms: dict[str, list[str]] = {}
    for name in public_names(convlib):
        value = getattr(convlib, name)
        if not inspect.ismodule(value) and callable(value):
            rooms.setdefault(value.__module__, []).append(f"convlib.{name}")
    for submodule in SUBMODULES:
        names = rooms.setdefault(submodule, [])  # what convlib itself exports stands there already
        own = public_names(importlib.import_module(submodule))
        names += [f"{submodule}.{name}" for name in own if f"convlib.{name}" not in names]
    return "\n".join(section(importlib.import_module(room), names) for room, names in rooms.items())


def write_reference(app, docname, source) -> None:
    if MARK in source[0]:
        source[0] = source[0].replace(MARK, reference())
        # Any file of the package may hold what is shown: after a change of one the page is read again.
        package = Path(importlib.import_module("convlib").__file__).parent
        for file in package.rglob("*.py"):
            app.env.note_dependency(str(file))


# One name or several, alone in a sentence or before a colon: "conv2d, fold." or "fold : the adjoint."
NAMES = re.compile(r"(^|(?<=\. ))((?:[\w.]*\w, )*[\w.]*\w)( :|(?=\. |\.$))")


def see_also(text: str, module: str) -> str:
    """Sentences as reStructuredText, with links where a name of the package stands as a name.

    Of the same name in several modules that of this one is meant, or else that of `convlib` itself.
    """

    def linked(name: str) -> str:
        if name in known:
            return f":py:obj:`{name} <{known[name]}>`"
        return f"``{name}``" if "." in name else name

    def marked(match: re.Match) -> str:
        names = match[2].split(", ")
        return ", ".join(map(linked, names)) + match[3].strip()

    entries = re.findall(r"^\.\. auto\w+:: (\S+)", reference(), re.MULTILINE)
    known = {entry.rpartition(".")[2]: entry for entry in reversed(entries)}
    known |= {entry.rpartition(".")[2]: entry for entry in entries if entry.rpartition(".")[0] == module}
    known |= {entry: entry for entry in entries}
    return NAMES.sub(marked, text)


def tell_what_to_see(app, what, name, value, options, lines) -> None:
    """Under "See Also" stand sentences, in which the names become links."""
    if "See Also" in lines:
        start = lines.index("See Also")
        ends = (at - 1 for at in range(start + 2, len(lines)) if re.fullmatch("-{3,}", lines[at]))
        end = next(ends, len(lines))
        text = " ".join(" ".join(lines[start + 2 : end]).split())
        lines[start + 2 : end] = [see_also(text, name.rpartition(".")[0]), ""]


def setup(app):
    app.connect("source-read", write_reference)
    app.connect("autodoc-process-docstring", tell_what_to_see, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
