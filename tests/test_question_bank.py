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
    answer,
    ask,
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


# --- from a cell --------------------------------------------------------------------------------------------


def test_a_question_shows_itself_without_its_answer():
    shown = repr(ask("3/what-happens-first")).splitlines()
    assert shown[0] == "3/what-happens-first (apply, put in order)"
    items = ask("3/what-happens-first").items
    assert shown[2:] == [f"  - {item}" for item in sorted(items)] != [f"  - {item}" for item in items]
    assert repr(ask("3/how-often-read")).splitlines()[-1] == f"  {ask('3/how-often-read').code}"
    assert "  3) p = 4" in repr(ask("3/same-padding")) and "right" not in repr(ask("3/same-padding"))


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("3/output-size", 4),
        ("3/output-size", "2 × 2"),  # a product, where a number is wanted
        ("3/shape-of-stem", "4 x 16 x 16 x 16"),  # and commas, where a shape is
        ("3/shape-of-stem", [4, 16, 16, 16]),
        ("3/how-often-read", "[1 1 2 1 1 0]"),
        ("3/how-often-read", np.array([1.0, 1, 2, 1, 1, 0])),
        ("3/same-padding", 3),
        ("3/same-padding", "p = 4"),
        ("3/what-happens-first", ask("3/what-happens-first").items),
        ("3/stack-to-one", True),
    ],
)
def test_an_answer_may_be_given_in_many_ways(name, given):
    verdict = answer(name, given)
    assert verdict and str(verdict).startswith(f"{name}: right - ")


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("3/output-size", 4.5, "The formula without its floor"),
        ("3/output-size", "77", "A hint: How many steps of 2 can"),
        ("3/output-size", "4,5", "One number is wanted here."),
        ("3/shape-of-stem", (4, 16, 16), "A hint: "),
        ("3/same-padding", 1, "That is right for a dense 3 x 3"),
        ("3/what-happens-first", sorted(ask("3/what-happens-first").items, reverse=True), "Something else"),
        ("3/stack-to-one", False, "For an even m"),
    ],
)
def test_a_wrong_answer_is_answered(name, given, text):
    verdict = answer(name, given)
    assert not verdict and str(verdict).startswith(f"{name}: not yet - {text}")


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("3/none", 1, r"there is no question named '3/none'; there are 1/full-weights, "),
        ("3/same-padding", 0, r"answer: 3/same-padding has the options 1 to 4, got 0"),
        ("3/same-padding", 5, r"answer: 3/same-padding has the options 1 to 4, got 5"),
        ("3/what-happens-first", ["add"], r"answer: 3/what-happens-first has the items '"),
        ("3/output-size", "four", r"four stands for no number here"),
    ],
)
def test_what_is_no_answer_is_said(name, given, message):
    with pytest.raises(ValueError, match=message):
        answer(name, given)


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"^04-x\.toml: "):
        bank.read("[[question", "04-x.toml")
    monkeypatch.setattr(bank, "FOLDER", tmp_path)
    text = '[[question]]\nid = "one"\nlevel = 1\nkind = "derive"\nask = "?"\nhint = "-"\nsolution = "!"\n'
    (tmp_path / "01-x.toml").write_text(text + text)
    with pytest.raises(ValueError, match="there are two questions '1/one'"):
        questions.__wrapped__()
    with pytest.raises(ValueError, match="the last line must be an expression"):
        bank.value_of("a = 1", {})
