"""The questions as data: their form, their answers, and that the wrong ones are wrong."""

import json
import re
import tomllib
from random import Random

import jsonschema
import numpy as np
import pytest

from convlib.exercises import bank
from convlib.exercises.arithmetic import evaluate
from convlib.exercises.bank import (
    COMPUTED,
    FOLDER,
    draws,
    equal,
    filled,
    first_numbers,
    judge,
    questions,
    solve,
)

FILES = sorted(FOLDER.glob("*.toml"))
SCHEMA = json.loads((FOLDER / "schema.json").read_text(encoding="utf8"))
QUESTIONS = questions()
DRAWN = [name for name, question in QUESTIONS.items() if question.numbers]
MOST_DRAWS = 40

all_questions = pytest.mark.parametrize("name", QUESTIONS)


def some_draws(question):
    every = draws(question)
    return Random(question.id).sample(every, min(MOST_DRAWS, len(every)))


# --- form ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_what_the_schema_says(file):
    jsonschema.validate(tomllib.loads(file.read_text(encoding="utf8")), SCHEMA)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_has_easy_and_hard_questions_of_several_kinds(file):
    chapter = bank.read(file.read_text(encoding="utf8"), file.name)
    assert {question.level for question in chapter} == {1, 2, 3}
    assert len({question.kind for question in chapter}) >= 5


def test_a_right_option_cannot_be_guessed_from_its_place_or_length():
    chosen = [question for question in QUESTIONS.values() if question.options]
    places = [1 + [option.right for option in question.options].index(True) for question in chosen]
    lengths = [sorted(len(option.text) for option in question.options) for question in chosen]
    assert all(0.15 < places.count(place) / len(places) < 0.35 for place in (1, 2, 3, 4))
    for extreme in (0, -1):
        found = sum(len(solve(one)) == all_[extreme] for one, all_ in zip(chosen, lengths, strict=True))
        assert found / len(chosen) < 0.4
    assert all(len(solve(one)) < 1.3 * all_[-2] for one, all_ in zip(chosen, lengths, strict=True))


def test_about_as_many_statements_are_true_as_false():
    statements = [question for question in QUESTIONS.values() if question.kind == "truth"]
    true = sum(solve(question).startswith("True: ") for question in statements)
    assert 0.4 < true / len(statements) < 0.6
    for question in statements:  # both words can be chosen
        assert {option.text.partition(":")[0] for option in question.options} == {"True", "False"}


@pytest.mark.parametrize("name", DRAWN)
def test_other_numbers_have_other_answers(name):
    question = QUESTIONS[name]
    assert len({str(solve(question, numbers)) for numbers in some_draws(question)}) >= 3


@all_questions
def test_every_text_can_be_filled_in(name):
    question = QUESTIONS[name]
    for numbers in some_draws(question):
        values = {**numbers, "answer": solve(question, numbers) if question.kind in COMPUTED else 0}
        texts = [question.ask, question.hint, question.solution, *(one.because for one in question.mistakes)]
        assert not [text for text in texts if re.search(r"[{}]", filled(text, values))]


@all_questions
def test_nothing_gives_the_answer_away(name):
    question = QUESTIONS[name]
    assert "{answer}" not in question.ask + question.hint
    assert "{answer}" in question.solution or question.kind not in COMPUTED
    reasons = [one.because for one in (*question.options, *question.mistakes)]
    assert len(set(reasons)) == len(reasons)


# --- answers ------------------------------------------------------------------------------------------------


@all_questions
def test_the_answer_is_proved(name):
    question = QUESTIONS[name]
    if question.proof:
        assert "assert " in question.proof
        exec(compile(question.proof, name, "exec"), bank.room())


@pytest.mark.parametrize("name", DRAWN)
def test_arithmetic_and_convlib_agree_whatever_is_drawn(name):
    question = QUESTIONS[name]
    assert first_numbers(question) in draws(question)
    assert len(draws(question)) >= 3
    for numbers in some_draws(question):
        expected = solve(question, numbers)
        assert np.all(np.isclose(evaluate(question.formula, numbers), expected, rtol=1e-12)), numbers


@all_questions
def test_the_right_answer_is_accepted_and_its_solution_told(name):
    question = QUESTIONS[name]
    for numbers in some_draws(question):
        given = True if question.kind == "derive" else solve(question, numbers)
        right, text = judge(question, given, numbers)
        assert right and text


@all_questions
def test_each_mistake_is_refused_with_its_own_reason(name):
    question = QUESTIONS[name]
    told = set()
    for numbers in some_draws(question):
        for mistake in question.mistakes:
            given = evaluate(mistake.formula, numbers)
            right, text = judge(question, given, numbers)
            assert right == equal(given, solve(question, numbers))
            if not right and text == filled(mistake.because, numbers):
                told.add(mistake.formula)
    assert told == {mistake.formula for mistake in question.mistakes}
    for option in question.options:
        assert judge(question, option.text) == (option.right, option.because)
