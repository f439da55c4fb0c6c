"""The question bank: one readable file a chapter in `questions/`, and what their answers come to.

No number is typed in as an answer. A question holds an expression in convlib, which is computed whenever the
bank is asked; where it draws new numbers it also holds a formula in plain arithmetic, for pages to compute.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from convlib._checks import shown
from convlib._numbers import shown as number
from convlib.exercises.arithmetic import evaluate
from convlib.exercises.checker import Verdict

FOLDER = Path(__file__).with_name("questions")
KINDS = {
    "numeric": "a number",
    "shape": "a shape",
    "output": "what does it print?",
    "choice": "one of these",
    "truth": "true or false, and why",
    "order": "put in order",
    "derive": "derive",
}
LEVELS = {1: "recall", 2: "apply", 3: "combine"}
COMPUTED = ("numeric", "shape", "output")
ONE_NUMBER = "One number is wanted here. A decimal has a point: 0.25."
PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Option:
    """One answer to choose, and a kind explanation of why it is right or wrong."""

    text: str
    because: str
    right: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really give: its arithmetic, and what went wrong."""

    formula: str
    because: str


@dataclass(frozen=True, repr=False)
class Question:
    """One question; `{n}` in its texts stands for a number that is drawn, `{n + 1}` for arithmetic with it.

    Attributes
    ----------
    id
        Chapter and name, as in "3/stem".
    level
        1 to recall, 2 to apply, 3 to combine.
    kind
        One of `KINDS`.
    ask, hint, solution
        Paragraphs, with code between backticks. In the solution `{answer}` is the answer.
    code
        A few lines shown below the question. For "output" the answer is the value of its last line.
    answer
        An expression in convlib, for what is computed.
    numbers
        For each letter what can be drawn; the first is what is shown to begin with.
    formula
        The answer in arithmetic, where numbers are drawn.
    where
        Arithmetic that must be at least 0 for a draw to make sense.
    proof
        Python that asserts what the answer says.
    """

    id: str
    level: int
    kind: str
    ask: str
    hint: str
    solution: str
    code: str = ""
    answer: str = ""
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    formula: str = ""
    where: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    options: tuple[Option, ...] = ()
    items: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    proof: str = ""
    variation: str = ""
    notes: int = 0

    def __repr__(self) -> str:
        """The question, as it is asked."""
        lines = [
            f"{self.id} ({LEVELS[self.level]}, {KINDS[self.kind]})",
            filled(self.ask, first_numbers(self)),
        ]
        lines += [f"  {line}" for line in self.code.splitlines()]
        lines += [f"  {place}) {option.text}" for place, option in enumerate(self.options, 1)]
        return "\n".join([*lines, *(f"  - {item}" for item in sorted(self.items))])

    @property
    def chapter(self) -> int:
        return int(self.id.partition("/")[0])


# --- reading the files --------------------------------------------------------------------------------------


@cache
def questions() -> Mapping[str, Question]:
    """All questions by their id, chapter by chapter in the order of the files."""
    found: dict[str, Question] = {}
    for file in sorted(FOLDER.glob("*.toml")):
        for question in read(file.read_text(encoding="utf8"), file.name):
            if question.id in found:
                raise ValueError(f"there are two questions {question.id!r}")
            found[question.id] = question
    return found


def read(text: str, name: str) -> list[Question]:
    """The questions of one file; the file is named as its chapter is, `03-size-arithmetic.toml`."""
    chapter = int(name.partition("-")[0])
    made = []
    try:
        entries = tomllib.loads(text)["question"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {error}") from None
    for entry in entries:
        entry = dict(entry)
        entry["id"] = f"{chapter}/{entry['id']}"
        entry["numbers"] = {letter: tuple(values) for letter, values in entry.get("numbers", {}).items()}
        entry["options"] = tuple(Option(**one) for one in entry.get("options", ()))
        entry["mistakes"] = tuple(Mistake(**one) for one in entry.get("mistakes", ()))
        for several in ("where", "items", "points"):
            entry[several] = tuple(entry.get(several, ()))
        for texts in ("ask", "hint", "solution", "code", "proof", "variation"):
            entry[texts] = entry.get(texts, "").strip()
        made.append(Question(**entry))
    return made


@cache
def chapters() -> Mapping[int, str]:
    """The chapters that have questions, and what they are called."""
    titles = {}
    for file in sorted(FOLDER.glob("*.toml")):
        number, _, words = file.stem.partition("-")
        titles[int(number)] = words.replace("-", " ").capitalize().replace("Cnn", "CNN")
    return titles


# --- the numbers of a question, and its answer --------------------------------------------------------------


def first_numbers(question: Question) -> dict[str, int]:
    """What is shown to begin with."""
    return {letter: values[0] for letter, values in question.numbers.items()}


def makes_sense(question: Question, numbers: Mapping[str, float]) -> bool:
    return all(evaluate(condition, numbers) >= 0 for condition in question.where)  # type: ignore[operator]


def draws(question: Question) -> list[dict[str, int]]:
    """All numbers that the question can be asked with."""
    letters, values = question.numbers.keys(), question.numbers.values()
    every = (dict(zip(letters, drawn, strict=True)) for drawn in product(*values))
    return [numbers for numbers in every if makes_sense(question, numbers)]


def solve(question: Question, numbers: Mapping[str, int] | None = None) -> Any:
    """What convlib computes: a number, a shape as a tuple, an array as nested lists; or the right choice."""
    if question.kind in ("choice", "truth"):
        return next(option.text for option in question.options if option.right)
    if question.kind == "order":
        return question.items
    if question.kind == "derive":
        return question.solution
    names = room() | dict(first_numbers(question) if numbers is None else numbers)
    return plain(value_of(question.code if question.kind == "output" else question.answer, names))


def room() -> dict[str, Any]:
    """What the answers and proofs of the bank can name: NumPy, convlib and all that it exports."""
    import convlib

    return {"np": np, "convlib": convlib} | {name: getattr(convlib, name) for name in convlib.__all__}


def value_of(code: str, names: dict[str, Any]) -> Any:
    """Runs the lines, and gives what the last one comes to."""
    *lines, last = ast.parse(code).body
    if not isinstance(last, ast.Expr):
        raise ValueError(f"the last line must be an expression: {code!r}")
    exec(compile(ast.Module(lines, []), "<question>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<question>", "eval"), names)


def plain(value: Any) -> Any:
    """Python's own numbers: arrays as nested tuples, whole numbers whole."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    if isinstance(value, float) and value == int(value):
        return int(value)
    return value


def filled(text: str, numbers: Mapping[str, float]) -> str:
    """The text with its numbers in place."""
    return PLACE.sub(lambda place: written(evaluate(place[1], numbers)), text)


def written(value: Any) -> str:
    """A number with four digits, a shape with its commas.

    Examples
    --------
    >>> written((5, 3, 8, 8)), written(1 / 3), written((7,)), written(((0, -0.5), (1, 2)))
    ('(5, 3, 8, 8)', '0.3333', '(7)', '((0, −0.5), (1, 2))')
    """
    return f"({', '.join(map(written, value))})" if isinstance(value, tuple) else number(value)


# --- judging an answer --------------------------------------------------------------------------------------


def equal(one: Any, other: Any) -> bool:
    """Shapes and whole numbers exactly, others as people round them: to half a percent."""
    try:
        a, b = (np.atleast_1d(np.asarray(each, float)) for each in (one, other))
    except (TypeError, ValueError):  # rows of several lengths, words
        return False
    rounding = 0.005 * abs(b) * (b != np.round(b))
    return a.shape == b.shape and bool(np.all(abs(a - b) <= rounding + 1e-9))


def ask(name: str) -> Question:
    """One question, which shows itself in a notebook.

    Parameters
    ----------
    name : str
        As in "3/output-size".

    Returns
    -------
    Question
        `answer` judges what you say to it.

    Raises
    ------
    ValueError
        There is no such question.

    Examples
    --------
    >>> ask("3/same-padding")
    3/same-padding (recall, one of these)
    Which padding keeps the size of the image, for a kernel of 5 x 5 with dilation 2 and stride 1?
      1) p = 1
      2) p = 2
      3) p = 4
      4) p = 5
    """
    if name not in questions():
        raise ValueError(f"there is no question named {shown(name)}; there are {', '.join(questions())}")
    return questions()[name]


def answer(name: str, given: Any) -> Verdict:
    """Judge an answer to a question of the bank.

    Parameters
    ----------
    name : str
        As in "3/output-size".
    given
        A number, a shape, an array, or arithmetic that comes to it, as text; the place (1, 2, ...) or the
        text of an option; the items in order; True or False where you judge your own derivation.

    Returns
    -------
    Verdict
        True when right; it prints as what to tell the reader.

    Raises
    ------
    ValueError
        No such question or option; text that is no arithmetic.

    Examples
    --------
    >>> answer("3/output-size", "(10 - 3) / 2 + 1")
    3/output-size: not yet - The formula without its floor: there is no part of a window. What is left ...
    """
    right, text = judge(ask(name), given)
    return Verdict(name, right, f"{'right' if right else 'not yet'} - {' '.join(text.split())}")


def judge(question: Question, given: Any, numbers: Mapping[str, int] | None = None) -> tuple[bool, str]:
    """Whether an answer is right, and what to say about it.

    Parameters
    ----------
    given
        A number, a shape, an array, or what was typed; the text or the place (1, 2, ...) of an option; the
        items in their order; True or False where the reader judges a derivation.
    """
    numbers = first_numbers(question) if numbers is None else numbers
    if question.options:
        option = _chosen(question, given)
        return option.right, option.because
    if question.kind == "order":
        right = tuple(given) == question.items
        return right, question.solution if right else _first_out_of_order(question, tuple(given))
    if question.kind == "derive":
        return bool(given), question.solution
    if isinstance(given, str):
        given = evaluate(given, shape=question.kind == "shape")
    if question.kind == "numeric" and isinstance(given, tuple | list):
        return False, ONE_NUMBER
    solution = solve(question, numbers)
    if equal(given, solution):
        return True, filled(question.solution, {**numbers, "answer": solution})
    for mistake in question.mistakes:
        if equal(given, evaluate(mistake.formula, numbers)):
            return False, filled(mistake.because, numbers)
    return False, f"A hint: {filled(question.hint, numbers)}"


def _chosen(question: Question, given: Any) -> Option:
    for place, option in enumerate(question.options, 1):
        if given in (place, option.text):
            return option
    raise ValueError(
        f"answer: {question.id} has the options 1 to {len(question.options)}, got {shown(given)}"
    )


def _first_out_of_order(question: Question, order: tuple[str, ...]) -> str:
    if sorted(order) != sorted(question.items):
        raise ValueError(
            f"answer: {question.id} has the items {', '.join(map(repr, sorted(question.items)))}"
        )
    place = next(i for i, (one, item) in enumerate(zip(order, question.items, strict=True)) if one != item)
    so_far = (
        f"Right up to place {place}; something else comes next." if place else "Something else comes first."
    )
    return f"{so_far} {question.hint}"
