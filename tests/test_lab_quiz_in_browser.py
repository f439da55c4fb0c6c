"""The question page in a real browser: it explains, examines, and remembers, by mouse and by keyboard."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import (
    LAYOUT_SHIFT,
    OVERFLOW,
    UNSEEN_FOCUS,
    accessibility_faults,
    browser,
    opened,
    write_labs_page,
)
from playwright.sync_api import Browser, Locator, Page, expect

from convlib import labs
from convlib.exercises.arithmetic import evaluate
from convlib.exercises.bank import Question, ask, filled, first_numbers, questions, solve, written

__all__ = ["browser", "opened"]  # fixtures

SOME = labs.quiz(3)
FIRST = ask("3/output-size")


def place(question: Question) -> int:
    """Where it stands among those of its chapter."""
    return [one.id for one in SOME.chosen].index(question.id) + 1


def card(page: Page, question: Question) -> Locator:
    return page.get_by_role("region", name=f"Question {place(question)}", exact=True)


def of_kind(kind: str) -> Question:
    return next(question for question in SOME.chosen if question.kind == kind)


def press(box: Locator, name: str) -> None:
    box.get_by_role("button", name=re.compile(f"^{name}")).click()


def told(box: Locator) -> str:
    return " ".join(box.locator(".quiz-feedback").inner_text().split())


def flat(text: str) -> str:
    return " ".join(text.replace("`", "").split())


@pytest.fixture
def page(opened: Callable[..., Page]) -> Page:
    return opened(labs.quiz(3))


def test_a_mistake_is_explained_and_the_right_answer_told(page: Page) -> None:
    box, numbers = card(page, FIRST), first_numbers(FIRST)
    for mistake in FIRST.mistakes:
        given = evaluate(mistake.formula, numbers)
        if given == solve(FIRST):
            continue
        box.get_by_role("textbox").fill(str(given))
        press(box, "Check")
        assert told(box) == f"Not quite. {flat(filled(mistake.because, numbers))}"
        expect(box.locator(".quiz-mark")).to_have_text("tried")
    box.get_by_role("textbox").fill(f"{solve(FIRST)} * 2 / 2")
    box.get_by_role("textbox").press("Enter")
    solution = filled(FIRST.solution, {**numbers, "answer": solve(FIRST)})
    assert told(box) == f"Right. {flat(solution)}"
    expect(box.locator(".quiz-mark")).to_have_text("✓ right")


@pytest.mark.parametrize("kind", ["shape", "output"])
def test_shapes_and_arrays_are_typed_as_people_write_them(page: Page, kind: str) -> None:
    question = of_kind(kind)
    box = card(page, question)
    crosses = " x " if kind == "shape" else ", "
    box.get_by_role("textbox").fill(crosses.join(map(str, solve(question))))
    press(box, "Check")
    assert told(box).startswith("Right.")
    box.get_by_role("textbox").fill("(1, 2")
    press(box, "Check")
    assert told(box) == "Not quite. I cannot read this: this is no arithmetic: (1, 2."
    box.get_by_role("textbox").fill("")
    press(box, "Check")
    assert told(box) == "Give an answer first."


@pytest.mark.parametrize("kind", ["choice", "truth"])
def test_each_option_has_its_explanation(page: Page, kind: str) -> None:
    question = of_kind(kind)
    box = card(page, question)
    press(box, "Check")
    assert told(box) == "Give an answer first."
    for option in question.options:
        box.get_by_role("radio", name=flat(option.text), exact=True).check()
        press(box, "Check")
        assert told(box).startswith(f"{'Right' if option.right else 'Not quite'}. {flat(option.because)}")
        assert (flat(question.solution) in told(box)) == option.right


def test_items_are_put_in_order_by_keyboard(page: Page) -> None:
    question = of_kind("order")
    box = card(page, question)
    press(box, "Check")
    assert told(box) == "Give an answer first."
    tried = False
    for goal, item in enumerate(question.items):
        while (here := box.get_by_role("listitem").all_inner_texts()) and here[goal].split("\n")[-1] != item:
            button = box.get_by_role("button", name=f"Up: {item}", exact=True)
            button.focus()
            button.press("Enter")
            if not tried:
                press(box, "Check")
                assert told(box).startswith("Not quite. Right up to place 1; something else comes next. ")
                tried = True
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused is not None
    press(box, "Check")
    assert told(box) == f"Right. {flat(question.solution)}"


def test_an_item_that_has_arrived_at_an_end_keeps_the_keyboard(page: Page) -> None:
    box = card(page, of_kind("order"))
    top = box.get_by_role("listitem").first
    expect(top.get_by_role("button", name="Up")).to_be_disabled()
    expect(box.get_by_role("listitem").last.get_by_role("button", name="Down")).to_be_disabled()
    second = box.get_by_role("listitem").nth(1).get_by_role("button", name="Up")
    label = second.get_attribute("aria-label")
    second.press("Enter")
    expect(top.get_by_role("button", name=label, exact=True)).to_be_disabled()
    expect(top.get_by_role("button", name="Down")).to_be_focused()


def test_a_derivation_is_judged_by_its_author(page: Page) -> None:
    question = of_kind("derive")
    box = card(page, question)
    expect(box.get_by_text("Write it down, then open the solution and compare.")).to_be_visible()
    expect(box.get_by_role("checkbox")).to_have_count(0)
    expect(box.get_by_role("button", name="Check")).to_have_count(0)
    press(box, "Solution")
    assert told(box) == f"Solution. {flat(question.solution)}"
    boxes = box.get_by_role("checkbox")
    expect(boxes).to_have_count(len(question.points))
    for ticked, one in enumerate(boxes.all(), 1):
        one.check()
        expect(box.get_by_text(f"You have {ticked} of {len(question.points)} points.")).to_be_visible()
        right = "✓ right" if ticked == len(question.points) else "tried"
        expect(box.locator(".quiz-mark")).to_have_text(right)
    expect(page.locator(".quiz-progress")).to_contain_text(" 1 answered right")
    press(box, "Solution")
    expect(box.get_by_text(f"You have {len(question.points)} of")).to_be_visible()


def test_a_hint_opens_and_closes_and_the_solution_is_there_for_the_asking(page: Page) -> None:
    box, numbers = card(page, FIRST), first_numbers(FIRST)
    hint = box.get_by_role("button", name="Hint")
    expect(hint).to_have_attribute("aria-expanded", "false")
    hint.press("Space")
    expect(box.get_by_text(flat(filled(FIRST.hint, numbers)))).to_be_visible()
    expect(hint).to_have_attribute("aria-expanded", "true")
    hint.click()
    expect(box.get_by_text(flat(filled(FIRST.hint, numbers)))).to_be_hidden()
    press(box, "Solution")
    assert told(box).startswith("Solution. ") and written(solve(FIRST)) in told(box)
    expect(box.locator(".quiz-mark")).to_have_text("")


def test_new_numbers_are_asked_and_judged(page: Page) -> None:
    box = card(page, FIRST)
    before = box.inner_text()
    box.get_by_role("textbox").fill("1")
    press(box, "New numbers")
    assert box.inner_text() != before
    expect(box.get_by_role("textbox")).to_have_value("")
    words = re.sub(r"\\{(\w)\\}", r"(?P<\1>\\d+)", re.escape(FIRST.ask))
    numbers = {letter: int(value) for letter, value in re.search(words, box.inner_text()).groupdict().items()}
    assert numbers != first_numbers(FIRST)
    box.get_by_role("textbox").fill(str(solve(FIRST, numbers)))
    press(box, "Check")
    assert told(box).startswith("Right.")


def test_chapter_and_level_choose_the_questions(page: Page) -> None:
    for chapter, level in (("3", 1), ("3", 0), ("all", 2), ("notes", 0), ("all", 0)):
        page.get_by_label("Questions of").select_option(chapter)
        page.get_by_role("radio", name=["all", "recall", "apply", "combine"][level], exact=True).check()
        count = len(labs.quiz(chapter, level).chosen)
        expect(page.get_by_role("region", name="Question")).to_have_count(count)
        expect(page.locator(".quiz-progress")).to_contain_text(f"{count} question")


def test_what_was_answered_is_remembered_until_it_is_forgotten(page: Page) -> None:
    box = card(page, FIRST)
    box.get_by_role("textbox").fill(str(solve(FIRST)))
    press(box, "Check")
    total = len(questions())
    words = f"{len(SOME.chosen)} questions here, 1 answered right; 1 of all {total}."
    expect(page.locator(".quiz-progress")).to_have_text(words)
    page.reload()
    expect(page.locator(".quiz-progress")).to_have_text(words)
    expect(card(page, FIRST).locator(".quiz-mark")).to_have_text("✓ right")
    page.get_by_role("button", name="Forget my answers").click()
    page.get_by_role("button", name="Forget them: sure?").click()
    expect(page.locator(".quiz-progress")).to_contain_text(f"0 answered right; 0 of all {total}")
    page.reload()
    expect(card(page, FIRST).locator(".quiz-mark")).to_have_text("")


def test_a_slip_of_the_finger_forgets_nothing(page: Page) -> None:
    box = card(page, FIRST)
    box.get_by_role("textbox").fill(str(solve(FIRST)))
    press(box, "Check")
    page.get_by_role("button", name="Forget my answers").click()
    page.get_by_role("textbox").first.focus()
    expect(page.get_by_role("button", name="Forget my answers")).to_be_visible()
    expect(page.locator(".quiz-progress")).to_contain_text("1 answered right")


def test_a_mock_exam_is_scored_and_reviewed(page: Page) -> None:
    page.get_by_label("Questions in a mock exam").fill("4")
    page.get_by_role("button", name="Mock exam", exact=True).click()
    cards = page.get_by_role("region", name="Question")
    expect(cards).to_have_count(4)
    expect(page.get_by_role("button", name=re.compile("^(Check|Hint|Solution)"))).to_have_count(0)
    expect(page.locator(".quiz-score")).to_have_text("A mock exam of 4 questions: answer them, then hand in.")
    right = 0
    for box in cards.all():
        if box.get_by_role("radio").count():
            label = box.get_by_role("radio").first.locator("xpath=..").inner_text().strip()
            right += any(flat(one.text) == label and one.right for q in SOME.chosen for one in q.options)
            box.get_by_role("radio").first.check()
        elif box.get_by_role("textbox").count():
            box.get_by_role("textbox").fill("123456789")
    page.get_by_role("button", name="Hand in").click()
    score = f"{right} of 4 right: {25 * right} %. Each question now says why."
    expect(page.locator(".quiz-score")).to_have_text(score)
    for box in cards.all():
        assert re.match("(Right|Not quite|No answer)[.] .{20}", told(box))
        assert box.get_by_role("textbox").count() == 0 or box.get_by_role("textbox").is_disabled()
    page.get_by_role("button", name="Back to practice").click()
    expect(cards).to_have_count(len(SOME.chosen))


def test_an_exam_says_what_would_have_been_right(page: Page) -> None:
    page.get_by_label("Questions in a mock exam").fill("50")
    page.get_by_role("button", name="Mock exam", exact=True).click()
    page.get_by_role("button", name="Hand in").click()
    expect(page.locator(".quiz-score")).to_contain_text("0 of")
    for box in page.get_by_role("region", name="Question").all():
        text = told(box)
        assert text.startswith("No answer. ")
        asked = flat(box.inner_text())
        question = next(
            one for one in SOME.chosen if flat(re.sub("{.*", "", one.ask, flags=re.DOTALL))[:30] in asked
        )
        if question.options:
            assert text.startswith(
                f"No answer. The right one: {flat(solve(question))} {flat(question.solution)}"
            )
        if question.items:
            assert text.startswith(f"No answer. {' '.join(question.items)} {flat(question.solution)}")


def test_an_exam_has_no_question_that_the_reader_judges(page: Page) -> None:
    page.get_by_label("Questions in a mock exam").fill("50")
    page.get_by_role("button", name="Mock exam", exact=True).click()
    count = sum(question.kind != "derive" for question in SOME.chosen)
    expect(page.get_by_role("region", name="Question")).to_have_count(count)
    expect(page.locator(".quiz-list").get_by_text("derive")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_out(opened: Callable[..., Page], theme: str) -> None:
    page = opened(labs.quiz(3), width=360, theme=theme)
    for question in SOME.chosen:
        box = card(page, question)
        press(box, "Hint")
        press(box, "Solution")
        if box.get_by_role("textbox").count():
            box.get_by_role("textbox").fill("7.5")
            press(box, "Check")
    assert accessibility_faults(page) == []
    assert page.evaluate(OVERFLOW) == []
    assert page.evaluate(LAYOUT_SHIFT) < 0.02
    page.keyboard.press("Tab")
    assert page.evaluate(UNSEEN_FOCUS) == []
    page.get_by_role("button", name="Mock exam", exact=True).click()
    page.get_by_role("button", name="Hand in").click()
    assert accessibility_faults(page) == []


def test_on_paper_there_are_plain_questions_and_answers(page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator("button:visible, input:visible, select:visible, .quiz-card:visible")).to_have_count(0)
    for block, question in zip(page.locator(".question").all(), SOME.chosen, strict=True):
        expect(block).to_be_visible()
        numbers = first_numbers(question)
        text = flat(block.inner_text())
        assert flat(filled(question.ask, numbers)) in text
        assert flat(filled(question.solution, {**numbers, "answer": solve(question)})) in text


def test_without_a_script_answers_open(browser: Browser, tmp_path: Path) -> None:
    site = write_labs_page(tmp_path, labs.quiz(3))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.address("page.html"))
    first = page.locator(".question").first
    expect(first.get_by_text("whole steps of 2")).to_be_hidden()
    first.locator("summary").click()
    expect(first.get_by_text("whole steps of 2")).to_be_visible()
    page.emulate_media(media="print")
    for block in page.locator(".question").all():
        expect(block.locator("details > p").last).to_be_visible()
    context.close()
