"""Arithmetic as people type it, in Python and in the page: the same values, the same refusals."""

import math
import random
from typing import Any

import pytest
from lab_script import call, engine

from convlib.exercises.arithmetic import evaluate

RIGHT = {
    "1/4": 0.25,
    "25 %": 0.25,
    "12.5%": 0.125,
    "7 % 4": 3,
    "-7 % 4": 1,
    "-7 // 2": -4,
    "7 // 2": 3,
    "-2**2": -4,
    "2**-1": 0.5,
    "2**3**2": 512,
    "2 + 3 * 4": 14,
    "10 - 2 - 3": 5,
    "8 / 4 / 2": 1,
    "(2 + 3) * 4": 20,
    "5 × 3": 15,
    "5 · 3": 15,
    "−3 − 1": -4,
    "floor(7 / 2) + ceil(1.2)": 5,
    "sqrt(16) + abs(-3) + min(4, 2, 3) + max(1, 5)": 14,
    "1e3": 1000,
    ".5": 0.5,
    "n * k": 21,
    "(5, 3, 8, 8)": (5, 3, 8, 8),
    "5, 3": (5, 3),
    "[5, 3]": (5, 3),
    "(7,)": (7,),
    "((0, 1), (2, 3 + 1))": ((0, 1), (2, 4)),
    " [ 1.  -2.5 −3 ]": (1, -2.5, -3),  # as NumPy prints it
    "[[0. 1.]  [1. .5]]": ((0, 1), (1, 0.5)),
    "[1 - 2]": -1,
    "[7 (2 + 3) * 4]": (7, 20),
}
WRONG = [
    *("", "   ", "1 +", "(1", "1)", "1 2", "one", "()", "1//0", "5 % 0", "1/0", "sqrt(-1)", "floor()"),
    *("floor(1, 2)", "min(3)", "(1, 2) + 1", "-(1, 2)", "floor((1, 2))", "9**99", "1e400", "'a'", "n.real"),
    *(
        "__import__('os')",
        "n[0]",
        "1 if n else 2",
        "lambda: 1",
        "True",
        "1; 2",
        "x",
        "§",
        "1" * 201,
        "(" * 150,
    ),
]
NAMES = {"n": 7, "k": 3}


def in_the_page(text: str, names: dict[str, float] = NAMES, shape: bool = False) -> Any:
    return call("quiz", "evaluate", text, names, shape)


def as_lists(value: Any) -> Any:
    return [as_lists(each) for each in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("text", RIGHT)
def test_it_comes_to_what_it_says_here_and_in_the_page(text):
    assert evaluate(text, NAMES) == RIGHT[text]
    assert in_the_page(text) == as_lists(RIGHT[text])


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_arithmetic_is_refused_here_and_in_the_page(text):
    with pytest.raises(ValueError, match=r"arithmetic|zero|large|stands for|type a number"):
        evaluate(text, NAMES)
    with pytest.raises(Exception, match=r"Error: (this|type|.* stands)"):
        in_the_page(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x + 1", "x stands for no number here"),
        ("4 / (2 - 2)", "this divides by zero: 4 / (2 - 2)"),
        ("4 4", "this is no arithmetic: 4 4"),
        ("", "type a number, a fraction or a shape"),
        ("10**20", "this is too large"),
        ("10**16", "this is too large"),
        ("9**9**9", "this is too large"),  # and is not even tried
    ],
)
def test_a_refusal_says_why_in_the_same_words(text, message):
    with pytest.raises(ValueError) as error:
        evaluate(text)
    assert str(error.value).startswith(message)
    assert (
        engine("quiz")
        .eval(f"(() => {{ try {{ evaluate({text!r}); }} catch (error) {{ return error.message; }} }})()")
        .startswith(message)
    )


def test_a_shape_may_be_written_with_crosses():
    for text in ("5x3x8x8", "5 × 3 × 8 × 8", "5 x 3, 8 x 8"):
        assert evaluate(text, shape=True) == (5, 3, 8, 8)
        assert in_the_page(text, {}, True) == [5, 3, 8, 8]
    assert evaluate("5 × 3") == 15


def some_arithmetic(choose: random.Random, depth: int) -> str:
    if depth == 0 or choose.random() < 0.2:
        return choose.choice(["n", "k", str(choose.randint(0, 12)), f"{choose.randint(0, 99) / 8}"])
    a, b = (some_arithmetic(choose, depth - 1) for _ in range(2))
    made = choose.choice(["+", "-", "*", "/", "//", "%", "**", "()", "-()", "f", "m"])
    if made == "**":
        return f"({a}) ** {choose.randint(-2, 3)}"
    if made in ("()", "-()"):
        return f"{made[:-2]}({a})"
    if made == "f":
        return f"{choose.choice(['floor', 'ceil', 'abs'])}({a})"
    return f"{choose.choice(['min', 'max'])}({a}, {b})" if made == "m" else f"{a} {made} {b}"


def test_random_arithmetic_has_one_value():
    choose, values = random.Random(3), 0
    for _ in range(1500):
        text = some_arithmetic(choose, 4)
        try:
            expected = evaluate(text, NAMES)
        except ValueError:
            with pytest.raises(Exception, match="Error"):
                in_the_page(text)
        else:
            values += 1
            assert math.isclose(in_the_page(text), expected, rel_tol=1e-12, abs_tol=1e-12), text
    assert values > 1000
