"""The bank on paper and on flash cards."""

import re
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from convlib.exercises.__main__ import main
from convlib.exercises.bank import LEVELS, questions
from convlib.exercises.printed import anki, chosen, exam


def asked(page: str) -> list[str]:
    soup = BeautifulSoup(page, "html.parser")
    return [str(one) for one in soup.select(".question") if not one.find_parent(class_="answers")]


def test_an_exam_has_as_many_questions_as_are_wanted_each_once() -> None:
    assert len(asked(exam(count=5, seed=1))) == 5
    everything = asked(exam(count=10_000))
    assert len(everything) == len(questions())
    assert len({re.sub("<h2>.*?</h2>", "", one) for one in everything}) == len(everything)


def test_answers_come_on_a_page_of_their_own_or_not_at_all() -> None:
    without, with_answers = exam(count=6, seed=3), exam(count=6, seed=3, answers=True)
    assert asked(without) == asked(with_answers)
    assert "Answers" not in without
    answers = BeautifulSoup(with_answers, "html.parser").select(".answers .question")
    assert len(answers) == 6 and all(len(one.get_text()) > 30 for one in answers)
    for question in questions().values():
        for option in question.options:
            assert option.because not in without


def test_a_seed_makes_one_exam_and_another_seed_another() -> None:
    assert exam(seed=4) == exam(seed=4) != exam(seed=5)


def test_an_exam_draws_numbers_of_its_own() -> None:
    name = next(name for name, question in questions().items() if question.numbers)
    chapter = questions()[name].chapter
    assert len(
        {re.sub("<h2>.*?</h2>", "", one) for seed in range(12) for one in asked(exam([chapter], seed=seed))}
    ) > len(chosen([chapter]))


def test_chapters_and_levels_are_chosen() -> None:
    assert {question.chapter for question in chosen([3])} == {3}
    assert {question.level for question in chosen([3], 2)} == {2}
    assert chosen() == list(questions().values())


def test_a_card_has_a_question_an_answer_and_its_chapter() -> None:
    head, cards = [], []
    for line in anki().splitlines():
        (head if line.startswith("#") else cards).append(line)
    assert {"#separator:tab", "#html:true"} <= set(head)
    assert len(cards) == len(questions())
    for card, question in zip(cards, questions().values(), strict=True):
        front, back, tags = card.split("\t")
        assert tags.split() == [f"chapter-{question.chapter}", LEVELS[question.level]]
        assert front and back and back not in front
        for side in (front, back):
            assert "{" not in re.sub("<pre>.*?</pre>", "", side)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exam(count=0), "count must be at least 1, got 0"),
        (lambda: exam([99]), r"there are no questions of chapter 99; there are \[.*3.*\]"),
        (lambda: anki([3], level=7), "level must be 0, 1, 2 or 3, got 7"),
    ],
)
def test_what_cannot_be_is_said(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_command_line_writes_what_the_functions_give(capsys) -> None:
    run = [
        sys.executable,
        "-m",
        "convlib.exercises",
        "exam",
        "--chapter",
        "3",
        "--count",
        "3",
        "--seed",
        "2",
        "--answers",
    ]
    assert subprocess.run(run, capture_output=True, check=True, encoding="utf8").stdout == exam(
        [3], 0, 3, 2, True
    )
    run = [sys.executable, "-m", "convlib.exercises", "anki", "--level", "1"]
    assert subprocess.run(run, capture_output=True, check=True, encoding="utf8").stdout == anki(level=1)


@pytest.mark.parametrize(
    "arguments", [[], ["exam", "--chapter", "99"], ["exam", "--count", "0"], ["anki", "--level", "4"]]
)
def test_the_command_line_refuses_what_it_cannot_do(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2 and "error" in capsys.readouterr().err


def test_the_command_line_says_where_there_are_fewer_questions_than_wanted(capsys) -> None:
    there = len(chosen([3], 1))
    for count, word in [(there, ""), (there + 1, f"There are {there} such questions, not {there + 1}")]:
        main(["exam", "--chapter", "3", "--level", "1", "--count", str(count)])
        out, err = capsys.readouterr()
        assert out.count('<div class="question">') == there
        assert err.startswith(word) and bool(err) == bool(word)
