"""The question page: what it says and how it judges is what Python says and how Python judges."""

import random
from random import Random
from typing import Any

import pytest
from bs4 import BeautifulSoup
from lab_script import call, engine
from traitlets import TraitError

from convlib import labs
from convlib.exercises.arithmetic import evaluate
from convlib.exercises.bank import (
    COMPUTED,
    KINDS,
    LEVELS,
    ONE_NUMBER,
    draws,
    filled,
    first_numbers,
    judge,
    questions,
    solve,
    written,
)
from convlib.labs.quiz import Quiz, for_page, quiz

QUESTIONS = questions()
all_questions = pytest.mark.parametrize("name", QUESTIONS)


def js(function: str, *arguments: object) -> Any:
    return call("quiz", function, *arguments)


def page(name: str) -> Any:
    return js("whole", for_page(QUESTIONS[name]))


def some_draws(question: Any) -> list[dict[str, int]]:
    return Random(question.id).sample(every := draws(question), min(12, len(every)))


def test_kinds_and_levels_have_the_same_names() -> None:
    assert js("(() => KINDS)") == KINDS
    assert js("(() => LEVELS)") == ["all", *LEVELS.values()]
    assert tuple(js("(() => COMPUTED)")) == COMPUTED


@all_questions
def test_the_page_computes_convlibs_answer_and_tells_the_same_solution(name: str) -> None:
    question = QUESTIONS[name]
    if question.kind not in COMPUTED:
        assert js("solutionOf", page(name), {}) == question.solution
        return
    for numbers in some_draws(question):
        solution = solve(question, numbers)
        assert js("equal", js("answerOf", page(name), numbers), solution)
        assert js("solutionOf", page(name), numbers) == filled(
            question.solution, {**numbers, "answer": solution}
        )
        assert js("judge", page(name), solution, numbers) == list(judge(question, solution, numbers))


@all_questions
def test_the_page_tells_each_mistake_apart_as_python_does(name: str) -> None:
    question = QUESTIONS[name]
    for numbers in some_draws(question):
        for mistake in question.mistakes:
            given = evaluate(mistake.formula, numbers)
            assert js("judge", page(name), given, numbers) == list(judge(question, given, numbers))
        if question.kind in COMPUTED:
            for given in (12345.678, (1, 12345.678), ((1, 2), 3)):
                assert js("judge", page(name), given, numbers) == list(judge(question, given, numbers))
    for place, option in enumerate(question.options):
        assert js("judge", page(name), place, {}) == [option.right, option.because]
    if question.items:
        order = list(range(len(question.items)))
        assert js("judge", page(name), order, {}) == list(judge(question, question.items))
        for last, so_far in ((1, "Something else comes first. "), (2, "Right up to place 1; something ")):
            moved = [*order[: last - 1], last, last - 1, *order[last + 1 :]]
            right, text = judge(question, [question.items[i] for i in moved])
            assert not right and text.startswith(so_far) and text.endswith(question.hint)
            assert js("judge", page(name), moved, {}) == [right, text]


@all_questions
def test_new_numbers_make_sense_and_are_others(name: str) -> None:
    question = QUESTIONS[name]
    if question.numbers:
        first = js("firstNumbers", page(name))
        for _ in range(5):
            drawn = js("draw", page(name), first)
            assert drawn in draws(question) and drawn != first


def test_items_are_never_offered_in_their_order() -> None:
    for name, question in QUESTIONS.items():
        if question.items:
            order = js("shuffled", page(name))
            assert sorted(order) == list(range(len(question.items))) != order


def test_a_decimal_comma_is_explained() -> None:
    name = "3/output-size"
    assert js("judge", page(name), [4, 5], first_numbers(QUESTIONS[name]))[1].endswith("has a point: 0.25.")
    assert judge(QUESTIONS[name], "4,5") == (False, ONE_NUMBER)


def test_numbers_are_written_alike() -> None:
    choose = random.Random(1)
    for _ in range(300):
        value = choose.choice([choose.randint(-9999, 9999), choose.uniform(-2, 2), choose.uniform(0, 1e5)])
        assert js("written", [value, [value]]) == written((value, (value,)))


def test_an_exam_asks_no_question_twice() -> None:
    assert sorted(js("some", list(range(9)), 20)) == list(range(9))
    assert len(set(js("some", list(range(50)), 10))) == 10
    engine("quiz").eval("let turn = 0")
    assert call("quiz", "((list) => some(list, 2, () => [0.99, 0][turn++]))", [1, 2, 3]) == [3, 1]


@pytest.mark.parametrize("chapter", ["all", "notes", "3"])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_page_and_python_choose_the_same_questions(chapter: str, level: int) -> None:
    lab = quiz(chapter, level)
    here = [entry["id"] for entry in lab.bank if js("shows", js("whole", entry), chapter, level)]
    assert here == [question.id for question in lab.chosen]
    assert repr(lab) == f"Questions: {len(here)} question{'s' * (len(here) != 1)} of {len(QUESTIONS)}"


def test_without_a_script_there_are_questions_and_answers_to_open() -> None:
    lab = quiz(3)
    soup = BeautifulSoup("".join(lab.still()), "html.parser")
    shown = soup.select(".question")
    assert len(shown) == len(lab.chosen) == len(soup.select(".question > details > summary"))
    for block, question in zip(shown, lab.chosen, strict=True):
        text = " ".join(block.get_text(" ").split())
        if question.kind in COMPUTED:
            assert written(solve(question)) in text
        for option in question.options:
            assert " ".join(option.text.replace("`", "").split()) in text
        asked = block.find("details").find_previous_siblings()
        told = " ".join(" ".join(one.get_text(" ") for one in asked).split())
        assert question.solution[:40] not in told


def test_the_mark_of_a_right_option_is_not_in_the_question() -> None:
    soup = BeautifulSoup("".join(quiz(3).still()), "html.parser")
    lists = [one for one in soup.select(".question > ol") if one]
    assert lists and not any("Right." in one.get_text() for one in lists)


def test_a_chapter_without_questions_is_refused() -> None:
    with pytest.raises(TraitError, match=r"quiz: chapter must be one of .*, got '99'"):
        quiz(99)
    with pytest.raises(TraitError, match=r"quiz: level must be 0, 1, 2 or 3, got 4"):
        quiz(level=4)
    lab = labs.quiz()
    with pytest.raises(TraitError):
        lab.chapter = "none"
    assert lab.chapter == "all" and isinstance(lab, Quiz)
