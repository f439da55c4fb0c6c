"""Write a small working beginning of a chapter, a lab, a question or an exercise, to be changed step by step.

    python tools/new.py chapter sparse-convolution     the next chapter, with a first exercise
    python tools/new.py lab sparse-convolution         a slider and a number, in the page and in Python
    python tools/new.py question 7 first-question      at the end of chapter 7's questions
    python tools/new.py exercise 7 first-exercise      before chapter 7's recap, with checker and tests

Names are words in lower case with hyphens between them. Nothing is overwritten, and nothing is written if
anything is wrong.
"""

import argparse
import builtins
import keyword
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import nbformat
import notebooks
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
LONGEST_NAME = 24
FRAGMENT = re.compile(r"^# --- ", re.MULTILINE)  # where a template's imports end

TASK = """\
### Exercise {number}: {title}

*Level: recall. About 5 minutes.*

From a row of pixels, make the steps from each pixel to the next: the later one minus the earlier one.

<details><summary>Hint</summary>

`row[1:]` is the row without its first pixel.

</details>"""
ANSWER = """\
def {function}(row):
    {line}


exercises.check("{name}", {function})"""

HEAD = """\
# {number} · {title}

> **The question:** what do the steps from each pixel to the next show, and what do they hide?
>
> **Afterwards you can** compute them by hand, and say which kernel does it.
>
> **Time:** about 10 minutes. **Level:** core. **Builds on:** [chapter 2](02-convolution.ipynb)."""
FORMULA = """\
## By hand

A row of pixels $x_0, x_1, \\ldots$ has the steps

$$
y_i \\;=\\; x_{i+1} - x_i
$$

which a kernel of two taps computes, −1 and 1. Take the row 1 3 7 7 2."""
ROW = "row = np.array([[1.0, 3, 7, 7, 2]])"
PREDICTION = """\
exercises.predict(
    "How many steps has this row of 5 pixels?",
    {
        "4": "One between each pixel and the next.",
        "5": "The last pixel has no next one.",
        "6": "That would need a pixel beyond either end. Nothing is padded here.",
    },
    answer="4",
)"""
STEPS = """\
steps = convlib.correlate2d(row, np.array([[-1.0, 1]]), mode="valid")
assert steps.tolist() == [[3 - 1, 7 - 3, 7 - 7, 2 - 7]]
print(steps.size, "steps:", *steps[0])"""
ALT = "The row 1, 3, 7, 7, 2 and its four steps: 2, 4, 0, -5."
RECAP = """\
## Recap

1. The steps show where a row changes. They hide how bright it is: add 9 to each pixel, and they stay."""


def refuse(reason: str) -> NoReturn:
    raise SystemExit(f"Nothing was written: {reason}.")


class Draft:
    """The files as they are to be."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def read(self, name: str) -> str:
        return self.files.get(name) or (ROOT / name).read_text(encoding="utf-8")

    def create(self, name: str, text: str) -> None:
        if (ROOT / name).exists():
            refuse(f"{name} is there already")
        self.files[name] = text

    def insert(self, name: str, pattern: str, line: str) -> None:
        """Put a line below the last one that begins as the pattern says."""
        text = self.read(name)
        *_, last = re.finditer(f"^{pattern}.*\n", text, re.MULTILINE)
        self.files[name] = text[: last.end()] + line + "\n" + text[last.end() :]

    def sort(self, name: str, pattern: str, key: Callable[[str], object]) -> None:
        """Sort the lines that begin as the pattern says; they follow each other."""
        text = self.read(name)
        lines = re.findall(f"^{pattern}.*\n", text, re.MULTILINE)
        self.files[name] = text.replace("".join(lines), "".join(sorted(lines, key=key)))

    def write(self) -> None:
        """All files or none: first beside their places, then all of them in place."""
        places = {ROOT / name: (ROOT / name).with_name(f".{Path(name).name}.new") for name in self.files}
        try:
            for new, text in zip(places.values(), self.files.values(), strict=True):
                new.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            for new in places.values():
                new.unlink(missing_ok=True)
            refuse(str(error))
        for path, new in places.items():
            new.replace(path)


def template(file: str, name: str) -> str:
    """A template with the name in place of "thing-name", in each of its spellings."""
    text = (ROOT / "tools/templates" / file).read_text(encoding="utf-8")
    spellings = {
        "thing-name": name,
        "thing_name": name.replace("-", "_"),
        "ThingName": name.title().replace("-", ""),
        "Thing name": title(name),
    }
    for old, new in spellings.items():
        text = text.replace(old, new)
    return text


def title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def require_name(name: str, *texts: str) -> str:
    """The name as Python writes it, which none of the texts may use yet."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
        refuse(f"a name is at most {LONGEST_NAME} signs, in words like-this; got {name!r}")
    python = name.replace("-", "_")
    if keyword.iskeyword(python) or hasattr(builtins, python):
        refuse(f"{name} means something in Python: take another name")
    if any(re.search(rf"\b{python}\b|\"{name}\"", text) for text in texts):
        refuse(f"{name} is in use where it would stand: take another name")
    return python


def require_new_exercise(name: str) -> None:
    if any(f'"{name}"' in file.read_text(encoding="utf-8") for file in ROOT.glob("convlib/exercises/*.py")):
        refuse(f"there is an exercise {name} already")


def chapter_file(number: int) -> str:
    found = [path.name for path in ROOT.glob(f"book/{number:02d}-*.ipynb")]
    return f"book/{found[0]}" if found else refuse(f"there is no chapter {number}")


def task(number: int, name: str) -> list[NotebookNode]:
    function = name.replace("-", "_")
    stub, solution = "...  # your code", "return row[1:] - row[:-1]"
    return [
        new_markdown_cell(TASK.format(number=number, title=name.replace("-", " "))),
        new_code_cell(ANSWER.format(name=name, function=function, line=stub)),
        new_code_cell(
            ANSWER.format(name=name, function=function, line=solution), metadata={"tags": ["solution"]}
        ),
    ]


def chapter(draft: Draft, name: str) -> list[str]:
    inside = "convlib/exercises/__init__.py"
    module = require_name(name, draft.read(inside))
    require_new_exercise(name)
    number = max(int(path.name[:2]) for path in ROOT.glob("book/[0-9][0-9]-*.ipynb")) + 1
    path = f"book/{number:02d}-{name}"
    cells = [
        new_markdown_cell(HEAD.format(number=number, title=title(name))),
        new_code_cell("import numpy as np\n\nimport convlib\nfrom convlib import draw, exercises"),
        new_markdown_cell(FORMULA),
        new_code_cell(ROW),
        new_code_cell(PREDICTION, metadata={"tags": ["remove-input"]}),
        new_code_cell(STEPS, metadata={"tags": ["predict"]}),
        new_code_cell(
            'draw.grids({"row": row, "steps": steps})', metadata={"mystnb": {"image": {"alt": ALT}}}
        ),
        new_markdown_cell("## Exercises"),
        *task(1, name),
        new_markdown_cell(RECAP),
    ]
    draft.create(f"{path}.ipynb", notebooks.canonical(notebooks.with_install_cell(new_notebook(cells=cells))))
    draft.insert("_toc.yml", r"      - file: book/\d\d-", f"      - file: {path}")
    draft.insert("README.md", r"\| \d+ \| \[", f"| {number} | [{title(name)}]({path}.ipynb) |")
    draft.create(f"convlib/exercises/{module}.py", template("exercise.py", name))
    draft.create(f"tests/test_exercises_{module}.py", template("test_exercises.py", name))
    imports = "from convlib.exercises import "
    draft.insert(inside, imports, f"{imports}{module} as _{module}  # noqa: F401")
    draft.sort(inside, imports, str)
    return [
        f"{path}.ipynb: every text; its title stands in README.md, too",
        "book/index.ipynb: a row of the table; _toc.yml: the place in the book, which is now the last one",
        f"convlib/exercises/{module}.py, tests/test_exercises_{module}.py: the exercise, its mistakes",
        f"run: .venv/bin/python tools/notebooks.py {path}.ipynb book/teaching.ipynb",
        f"run: .venv/bin/python -m pytest {path}.ipynb tests/test_exercises_{module}.py",
    ]


def lab(draft: Draft, name: str) -> list[str]:
    inside = "convlib/labs/__init__.py"
    module = require_name(name, draft.read(inside), template("lab.py", "thing-name"))
    made = name.title().replace("-", "") + "Lab"
    for kind in ("py", "js"):
        draft.create(f"convlib/labs/{module}.{kind}", template(f"lab.{kind}", name))
    draft.create(f"tests/test_lab_{module}.py", template("test_lab.py", name))
    draft.create(f"tests/test_lab_{module}_in_browser.py", template("test_lab_in_browser.py", name))
    imports, exported = r"from convlib\.labs\.", '    "'
    draft.insert(inside, imports, f"from convlib.labs.{module} import {made}, {module}")
    draft.sort(inside, imports, lambda line: line.split()[1])
    draft.insert(inside, "    [A-Z]", f"    {made},")
    draft.insert(inside, exported, f'    "{made}",\n    "{module}",')
    # As ruff sorts a module's __all__: constants, classes, functions
    draft.sort(inside, exported, lambda line: (not line.isupper(), line[5].islower(), line.split('"')[1]))
    return [
        f"convlib/labs/{module}.js, {module}.py: the arithmetic and the words; in the .js the controls",
        f"a chapter: a cell with labs.{module}(); until then test_every_lab_is_in_the_book fails",
        f"run: .venv/bin/python -m pytest convlib/labs/{module}.py tests/test_lab_{module}*.py",
    ]


def question(draft: Draft, number: int, name: str) -> list[str]:
    path = f"convlib/exercises/questions/{Path(chapter_file(number)).stem}.toml"
    if not (ROOT / path).exists():
        refuse(f"chapter {number} has no questions yet: a first file needs eleven, as schema.json says")
    require_name(name, draft.read(path))
    draft.files[path] = draft.read(path) + template("question.toml", name)
    return [
        f"{path}: the question at its end; the other kinds stand in 03-size-arithmetic.toml",
        "run: .venv/bin/python -m pytest tests/test_question_bank.py tests/test_lab_quiz.py",
        "run: .venv/bin/python tools/notebooks.py book/16-question-set.ipynb book/teaching.ipynb",
    ]


def exercise(draft: Draft, number: int, name: str) -> list[str]:
    path = chapter_file(number)
    module = Path(path).stem[3:].replace("-", "_")
    checker, tests = f"convlib/exercises/{module}.py", f"tests/test_exercises_{module}.py"
    if not (ROOT / checker).exists():
        refuse(f"chapter {number} has no exercises")
    if not (ROOT / tests).exists():
        tests = "tests/test_exercises.py"  # chapter 2's
    run = " ".join(dict.fromkeys([tests, "tests/test_exercises.py"]))
    python = require_name(name, draft.read(checker), draft.read(tests), draft.read(path))
    require_new_exercise(name)
    notebook = nbformat.reads(draft.read(path), as_version=4)
    recap = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("## Recap"))
    there = sum(len(re.findall(r"(?m)^### Exercise \d", cell.source)) for cell in notebook.cells)
    notebook.cells[recap:recap] = task(there + 1, name)
    draft.files[path] = notebooks.canonical(notebook)
    for file, source in ((checker, "exercise.py"), (tests, "test_exercises.py")):
        text = template(source, name)
        draft.files[file] = draft.read(file) + "\n\n" + text[FRAGMENT.search(text).start() :]
    return [
        f"{path}: the task, the stub and the solution stand before the recap",
        f"{checker}: the definition, the cases, the mistakes; {tests}: right and wrong answers",
        f"run: .venv/bin/python tools/notebooks.py {path} book/teaching.ipynb",
        f'run: .venv/bin/python -m pytest {run} -k "{python} or {name}"',
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    for kind in (chapter, lab, question, exercise):
        arguments = kinds.add_parser(kind.__name__)
        arguments.set_defaults(kind=kind)
        if kind in (question, exercise):
            arguments.add_argument("number", type=int, help="of the chapter")
        arguments.add_argument("name", help="words-like-this")
    given = vars(parser.parse_args())
    draft = Draft()
    said = given.pop("kind")(draft, **given)
    draft.write()
    print("Written:", *draft.files, sep="\n  ")
    print("Next:", *said, sep="\n  ")


if __name__ == "__main__":
    main()
