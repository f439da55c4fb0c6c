"""The question bank, to be answered in a page or a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import traitlets

from convlib.exercises.bank import COMPUTED, LEVELS, Question, chapters, first_numbers, questions, solve
from convlib.exercises.printed import answered, asked
from convlib.labs._lab import Lab, module, plural, style

FUNCTION = "quiz"
NOTES, ALL = "notes", "all"


class Quiz(Lab):
    """The questions of a chapter, of all chapters, or of the lecture notes; made by `quiz`.

    Attributes
    ----------
    bank : list of dict
        The questions, as the page needs them.
    titles : dict of str to str
        The chapters that have questions.
    chapter : str
        "3" for chapter 3, "notes" for the questions of the lecture notes, "all".
    level : int
        1 to recall, 2 to apply, 3 to combine; 0 for all.
    """

    _esm, _css = module("quiz"), style("quiz")
    name = "quiz"
    title = "Questions"
    bank: Any = traitlets.List().tag(sync=True, state=True)
    titles: Any = traitlets.Dict().tag(sync=True, state=True)
    chapter = traitlets.Unicode(ALL).tag(sync=True, state=True)
    level = traitlets.Int(0).tag(sync=True, state=True)

    def __init__(self, **state: Any) -> None:
        state.setdefault("bank", [for_page(question) for question in questions().values()])
        state.setdefault("titles", {str(number): title for number, title in chapters().items()})
        super().__init__(**state)

    def __repr__(self) -> str:
        """How many, and of what."""
        return f"{self.title}: {plural(len(self.chosen), 'question')} of {len(self.bank)}"

    @traitlets.validate("chapter")
    def _known_chapter(self, proposal: Any) -> str:
        known = [NOTES, ALL, *self.titles]
        if proposal.value not in known:
            raise traitlets.TraitError(f"{FUNCTION}: chapter must be one of {known}, got {proposal.value!r}")
        return str(proposal.value)

    @traitlets.validate("level")
    def _known_level(self, proposal: Any) -> int:
        if proposal.value not in (0, *LEVELS):
            raise traitlets.TraitError(f"{FUNCTION}: level must be 0, 1, 2 or 3, got {proposal.value}")
        return int(proposal.value)

    @property
    def chosen(self) -> list[Question]:
        """The questions of the chapter and the level."""
        return [question for question in questions().values() if self._shows(question)]

    def _shows(self, question: Question) -> bool:
        here = {NOTES: question.notes > 0, ALL: True}.get(self.chapter, str(question.chapter) == self.chapter)
        return here and self.level in (0, question.level)

    # --- the same as plain questions and answers ---

    def still(self) -> Iterator[str]:
        last = 0
        for question in self.chosen:
            if question.chapter != last:
                last = question.chapter
                yield f"<p><strong>Chapter {last}: {escape(self.titles[str(last)])}</strong></p>"
            numbers = first_numbers(question)
            yield from ('<div class="question">', *asked(question, numbers))
            yield from (
                "<details><summary>Answer</summary>",
                *answered(question, numbers),
                "</details></div>",
            )


def quiz(chapter: int | str = ALL, level: int = 0) -> Quiz:
    """Questions to answer: feedback for each mistake, hints, full solutions, a mock exam.

    Parameters
    ----------
    chapter : int or {"notes", "all"}
        What is shown to begin with.
    level : int
        1 to recall, 2 to apply, 3 to combine; 0 for all.

    Returns
    -------
    Quiz
        Shows itself when it is the last line of a cell.

    Raises
    ------
    TraitError
        A chapter without questions, a level that there is not.

    See Also
    --------
    convlib.exercises.answer : one question, from a cell.
    """
    return Quiz(chapter=str(chapter), level=level)


def for_page(question: Question) -> dict[str, Any]:
    """What the page needs to ask and to judge; what is empty is left out."""
    computed = solve(question) if question.kind in COMPUTED and not question.numbers else None
    entry: dict[str, Any] = {
        "id": question.id,
        "chapter": str(question.chapter),
        "level": question.level,
        "kind": question.kind,
        "notes": question.notes,
        "ask": question.ask,
        "code": question.code,
        "hint": question.hint,
        "solution": question.solution,
        "variation": question.variation,
        "numbers": {letter: list(values) for letter, values in question.numbers.items()},
        "where": list(question.where),
        "formula": question.formula,
        "answer": computed,
        "mistakes": [vars(mistake) for mistake in question.mistakes],
        "options": [vars(option) for option in question.options],
        "items": list(question.items),
        "points": list(question.points),
    }
    return {key: value for key, value in entry.items() if value or (key == "answer" and value is not None)}
