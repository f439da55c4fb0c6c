"""Questions and answers as plain HTML: for paper, for readers without scripts, for flash cards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from random import Random
from typing import Any

from convlib._checks import shown
from convlib.exercises.bank import (
    COMPUTED,
    KINDS,
    LEVELS,
    Question,
    chapters,
    draws,
    filled,
    first_numbers,
    questions,
    solve,
    written,
)
from convlib.exercises.prediction import inline

EXAM_STYLE = """
body { font: 11pt/1.45 Georgia, serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
pre, code { font: .9em/1.4 monospace } pre { white-space: pre-wrap; padding: .5rem; border: 1px solid #999 }
.question { break-inside: avoid; margin: 0 0 1rem } .question p { margin: .25rem 0 }
.room { height: 5rem } .answers { break-before: page } em { color: #555 }
""".strip()


def asked(question: Question, numbers: Mapping[str, int]) -> Iterator[str]:
    """The question, without a trace of its answer."""
    yield f"<p><em>{LEVELS[question.level]}, {KINDS[question.kind]}</em></p>"
    yield paragraphs(filled(question.ask, numbers))
    if question.code:
        yield f"<pre>{escape(question.code)}</pre>"
    if question.options:
        yield listing("ol", [option.text for option in question.options])
    if question.items:
        yield listing("ul", sorted(question.items))


def answered(question: Question, numbers: Mapping[str, int]) -> Iterator[str]:
    """The answer, what is wrong with each other option, the solution, and how to go on."""
    values: dict[str, Any] = dict(numbers)
    if question.kind in COMPUTED:
        values["answer"] = solve(question, numbers)
        yield f"<p><code>{written(values['answer'])}</code></p>"
    if question.options:
        yield listing("ol", [f"{'Right' if one.right else 'No'}. {one.because}" for one in question.options])
    if question.items:
        yield listing("ol", question.items)
    yield paragraphs(filled(question.solution, values))
    if question.variation:
        yield paragraphs(f"Go on: {question.variation}")


def listing(kind: str, texts: Iterable[str]) -> str:
    return f"<{kind}>{''.join(f'<li>{inline(text)}</li>' for text in texts)}</{kind}>"


def paragraphs(text: str) -> str:
    """Blank lines part them."""
    return "".join(f"<p>{inline(' '.join(one.split()))}</p>" for one in text.split("\n\n"))


# --- exports ------------------------------------------------------------------------------------------------


def chosen(of_chapters: Iterable[int] = (), level: int = 0) -> list[Question]:
    """The questions of some chapters and of one level; of all where none is named."""
    wanted = set(of_chapters)
    if unknown := sorted(wanted - chapters().keys()):
        raise ValueError(f"there are no questions of chapter {unknown[0]}; there are {list(chapters())}")
    if level not in (0, *LEVELS):
        raise ValueError(f"level must be 0, 1, 2 or 3, got {shown(level)}")
    return [
        question
        for question in questions().values()
        if (not wanted or question.chapter in wanted) and level in (0, question.level)
    ]


def exam(
    of_chapters: Iterable[int] = (), level: int = 0, count: int = 20, seed: int = 0, answers: bool = False
) -> str:
    """A printable exam: some questions, mixed, with numbers of their own.

    Parameters
    ----------
    of_chapters : list of int
        All where none is named.
    level : int
        1 to recall, 2 to apply, 3 to combine; 0 for all.
    count : int
        How many questions, at most.
    seed : int
        The same seed makes the same exam, whether the answers come with it or not.
    answers : bool
        Put the answers at the end, on a page of their own.

    Returns
    -------
    str
        A page of HTML that needs nothing else.

    Raises
    ------
    ValueError
        A chapter without questions, no such level, a count below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    random = Random(seed)
    pool = chosen(of_chapters, level)
    picked = [(one, random.choice(draws(one))) for one in random.sample(pool, min(count, len(pool)))]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Convolutions: an exam</title>',
    ]
    lines += [f"<style>{EXAM_STYLE}</style></head><body><h1>Convolutions: an exam</h1><p>Name:</p>"]
    for place, (question, numbers) in enumerate(picked, 1):
        room = "" if question.options else '<div class="room"></div>'
        lines += [f'<div class="question"><h2>{place}</h2>', *asked(question, numbers), room, "</div>"]
    if answers:
        lines += ['<div class="answers"><h1>Answers</h1>']
        for place, (question, numbers) in enumerate(picked, 1):
            lines += [f'<div class="question"><h2>{place}</h2>', *answered(question, numbers), "</div>"]
        lines += ["</div>"]
    return "\n".join([*lines, "</body></html>", ""])


def anki(of_chapters: Iterable[int] = (), level: int = 0) -> str:
    """Flash cards: a text that Anki imports, a card a line, with the chapter as a tag.

    Parameters
    ----------
    of_chapters, level
        As in `exam`.

    Returns
    -------
    str
        Front, back and tags, parted by tabs.

    See Also
    --------
    The manual of Anki, "Importing text files", which explains the first lines.
    """
    lines = ["#separator:tab", "#html:true", "#notetype:Basic", "#deck:Convolutions", "#tags column:3"]
    for question in chosen(of_chapters, level):
        numbers = first_numbers(question)
        sides = [
            "".join(side(question, numbers)).replace("\n", "<br>").replace("\t", " ")
            for side in (asked, answered)
        ]
        lines.append("\t".join([*sides, f"chapter-{question.chapter} {LEVELS[question.level]}"]))
    return "\n".join([*lines, ""])
