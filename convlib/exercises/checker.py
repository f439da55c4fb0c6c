"""Runs a reader's answer on every case of an exercise and says what is wrong with it, in one or two lines.

An exercise is data: its cases, the definition that judges them, and the mistakes people make with it, each as
a function that makes the mistake. An answer that equals such a function on every case is told which mistake
it is. One case is never enough for that: a flipped kernel and a transposed one may well agree on one image.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._dispatch import is_tensor

LARGEST_SHOWN = 12  # numbers in an array that a message still prints
NEARLY = 1e-2  # relative; a wrong answer this close has a rounding problem, not a wrong idea


@dataclass(frozen=True)
class Mistake:
    """What to tell the reader, and a function that makes the mistake, crashes included.

    With `shape_is_enough` it also explains an answer of that shape whose numbers are others.
    """

    diagnosis: str
    answer: Callable[..., Any]
    shape_is_enough: bool = False


@dataclass(frozen=True)
class Exercise:
    """`reference(*case)` is the right answer to a case. Where a value is asked for, the one case is `()`."""

    name: str
    reference: Callable[..., Any]
    cases: Sequence[tuple[Any, ...]]
    mistakes: Sequence[Mistake]


EXERCISES: dict[str, Exercise] = {}


def declare(
    name: str, reference: Callable[..., Any], cases: Iterable[tuple[Any, ...]], mistakes: Iterable[Mistake]
) -> None:
    """Register an exercise. Simple cases first: the message shows the first one that fails."""
    if name in EXERCISES:
        raise ValueError(f"there are two exercises named {name!r}")
    zeros = Mistake("every number is zero", lambda *case: np.zeros(np.shape(reference(*case))))
    EXERCISES[name] = Exercise(name, reference, tuple(cases), (*mistakes, zeros))


def names() -> list[str]:
    """The exercises that `check` knows.

    Examples
    --------
    >>> "correlate" in names()
    True
    """
    return list(EXERCISES)


@dataclass(frozen=True, repr=False)
class Verdict:
    """What `check` found: true when the answer is right, and its text says why when it is not.

    Attributes
    ----------
    name
        The exercise.
    right
        Whether every case agrees.
    text
        One or two lines for the reader.
    case
        The arguments, by name, of the first case that failed: something to debug with.
    """

    name: str
    right: bool
    text: str
    case: dict[str, Any] = field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{self.name}: {self.text}"


def check(name: str, answer: Any) -> Verdict:
    """Judge a reader's answer to an exercise.

    A wrong answer, or one that crashes, is reported and never raises; only an unknown exercise does.

    Parameters
    ----------
    name
        One of `names()`.
    answer
        The reader's function, or the value where the exercise asks for one; None while there is none.

    Returns
    -------
    Verdict
        True when right; it prints as what to tell the reader.

    Examples
    --------
    >>> check("correlate", None)
    correlate: not tried yet
    >>> from convlib import convolve2d, correlate2d
    >>> check("correlate", lambda image, kernel: correlate2d(image, kernel, mode="valid"))
    correlate: right - 14 cases agree with the definition
    >>> check("correlate", lambda image, kernel: convolve2d(image, kernel, mode="valid"))
    correlate: not yet - the kernel is flipped: that is convolution
      for image [[1, 2, 3], [4, 5, 6]] and kernel [[1, 10]]: expected [[21, 32], [54, 65]], got ...
    """
    if name not in EXERCISES:
        raise ValueError(f"there is no exercise named {name!r}; there are {', '.join(names())}")
    exercise, untried = EXERCISES[name], Verdict(name, False, "not tried yet")
    if answer is None or answer is Ellipsis:
        return untried
    if not callable(answer) and list(exercise.cases) != [()]:
        got = kind_of(answer)
        return Verdict(name, False, f"not yet - pass the function itself, not its result (got {got})")
    outcomes = [run(answer if callable(answer) else lambda: answer, case) for case in exercise.cases]
    if all(one.untried for one in outcomes):
        return untried
    expected = [np.asarray(exercise.reference(*copies(case))) for case in exercise.cases]
    failed = [i for i, one in enumerate(outcomes) if one.problem or not agree(expected[i], one.value)]
    if not failed:
        count = len(exercise.cases)
        text = "right" if count == 1 else f"right - {count} cases agree with the definition"
        return Verdict(name, True, text)
    # A crash or a wrong shape is easier to understand than wrong numbers.
    first = next((i for i in failed if shape_of(outcomes[i]) != expected[i].shape), failed[0])
    headline, detail = explain(exercise, expected, outcomes, first)
    argument_names = inspect.signature(exercise.reference).parameters
    case = dict(zip(argument_names, copies(exercise.cases[first]), strict=True))
    lines = [f"not yet - {headline}"]
    if case or detail:
        lines.append("  " + ": ".join(filter(None, [f"for {describe(case)}" if case else "", detail])))
    return Verdict(name, False, "\n".join(lines), case)


# --- running the answer -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What an answer made of one case: numbers, or the problem that kept it from giving any."""

    value: NDArray[Any] | None = None
    problem: str = ""
    untried: bool = False


def run(answer: Callable[..., Any], case: tuple[Any, ...]) -> Outcome:
    """The answer works on copies, so that it can spoil neither the cases nor what it is compared with."""
    given = copies(case)
    try:
        result = answer(*given)
    except NotImplementedError:
        return Outcome(problem="it is not implemented for this case", untried=True)
    except (Exception, SystemExit) as error:
        return Outcome(problem=crash_report(error, answer))
    if result is None or result is Ellipsis:
        return Outcome(problem="it returns nothing", untried=True)
    if not all(map(same, given, case)):
        return Outcome(problem="it changes its input: work on a copy")
    return as_numbers(result)


def as_numbers(result: Any) -> Outcome:
    """A copy of the result as an array, because the answer may go on using its own."""
    try:
        if is_tensor(result):
            result = result.detach().cpu().numpy()
        numbers = np.array(result)
    except Exception:
        return Outcome(problem=f"the result is no array of numbers (got {kind_of(result)})")
    if numbers.dtype.kind == "c":
        return Outcome(problem="the result is complex: take its real part")
    if numbers.dtype.kind not in "biuf":
        return Outcome(problem=f"the result is no array of numbers (got {kind_of(result)})")
    return Outcome(numbers)


def copies(case: tuple[Any, ...]) -> list[Any]:
    return [item.copy() if isinstance(item, np.ndarray) else item for item in case]


def same(item: Any, original: Any) -> bool:
    return not isinstance(item, np.ndarray) or (
        item.shape == original.shape and item.tobytes() == original.tobytes()
    )


def crash_report(error: BaseException, answer: Callable[..., Any]) -> str:
    """Type and message, with the reader's own line, since the traceback is not shown."""
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", str(error)).strip().partition("\n")[0][:200]
    report = f"{type(error).__name__}: {message}" if message else type(error).__name__
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    own = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{report}, at `{own[-1].strip()}`" if own and own[-1] else report


# --- comparing and explaining -------------------------------------------------------------------------------


def agree(expected: NDArray[Any], got: NDArray[Any] | None) -> bool:
    """Equal to rounding, judged by the coarser of the two dtypes but never more kindly than float32."""
    return got is not None and expected.shape == got.shape and within(rounding(expected, got), expected, got)


def rounding(*arrays: NDArray[Any]) -> float:
    return 1e-5 if any(array.dtype.kind == "f" and array.dtype.itemsize < 8 for array in arrays) else 1e-10


def within(tolerance: float, expected: NDArray[Any], got: NDArray[Any]) -> bool:
    finite = np.abs(expected[np.isfinite(expected)])
    scale = finite.max(initial=0) or 1.0  # not elementwise: sums that cancel carry the error of their terms
    return bool(np.isclose(got, expected, rtol=0, atol=tolerance * scale, equal_nan=True).all())


def explain(
    exercise: Exercise, expected: list[NDArray[Any]], outcomes: list[Outcome], first: int
) -> tuple[str, str]:
    """What is wrong, and what it came to in the first case that failed."""
    right, outcome = expected[first], outcomes[first]
    diagnosis = known_mistake(exercise, expected, outcomes)
    if outcome.value is None:
        return (diagnosis, outcome.problem) if diagnosis else (outcome.problem, "")
    got = outcome.value
    if got.shape != right.shape:
        return f"expected shape {right.shape}, got {got.shape}" + (f": {diagnosis}" if diagnosis else ""), ""
    return diagnosis or wrong_numbers(right, got), contrast(right, got)


def known_mistake(exercise: Exercise, expected: list[NDArray[Any]], outcomes: list[Outcome]) -> str:
    """The diagnosis that fits every case; by shape alone only when it is the one that does."""
    by_shape = set()
    for mistake in exercise.mistakes:
        made = [run(mistake.answer, case) for case in exercise.cases]
        if all(map(alike, made, outcomes)):
            return mistake.diagnosis
        shapes_fit = all(shape_of(one) == shape_of(other) for one, other in zip(made, outcomes, strict=True))
        if mistake.shape_is_enough and shapes_fit:
            by_shape.add(mistake.diagnosis)
    return by_shape.pop() if len(by_shape) == 1 else ""


def alike(made: Outcome, outcome: Outcome) -> bool:
    if made.value is None or outcome.value is None:
        return made.value is outcome.value
    return agree(made.value, outcome.value)


def shape_of(outcome: Outcome) -> tuple[int, ...] | None:
    return None if outcome.value is None else outcome.value.shape


def wrong_numbers(expected: NDArray[Any], got: NDArray[Any]) -> str:
    """Words for a wrong answer of the right shape that makes no known mistake."""
    if np.isnan(got).any() and not np.isnan(expected).any():
        return "there are NaNs in it"
    if got.dtype.kind in "biu" and np.array_equal(got, np.trunc(expected)):
        return "the fractions are cut off: make the output a floating-point array"
    if within(NEARLY, expected, got):
        return (
            f"nearly right, but off by up to {np.abs(got - expected).max():.1g}: is it computed too coarsely?"
        )
    return "the numbers differ"


def contrast(expected: NDArray[Any], got: NDArray[Any]) -> str:
    """Both arrays where they are small, else the first entry where they differ."""
    if expected.size <= LARGEST_SHOWN:
        return f"expected {show(expected)}, got {show(got)}"
    tolerance = rounding(expected, got)
    index = next(i for i in np.ndindex(expected.shape) if not within(tolerance, expected[i], got[i]))
    return f"expected {show(expected[index])} at {list(index)}, got {show(got[index])}"


def describe(case: dict[str, Any]) -> str:
    *head, last = [f"{name} {describe_value(value)}" for name, value in case.items()]
    return f"{', '.join(head)} and {last}" if head else last


def describe_value(value: Any) -> str:
    if callable(value):
        return f"`{value.__name__}`"  # its repr would hold an address
    if not isinstance(value, np.ndarray):
        return repr(value)
    return show(value) if value.size <= LARGEST_SHOWN else f"of shape {value.shape}"


def show(array: NDArray[Any]) -> str:
    """Four digits, because the last ones differ between processors."""
    if np.ndim(array):
        return f"[{', '.join(map(show, array))}]"
    return f"{array + 0.0:.4g}"  # no -0


def kind_of(value: Any) -> str:
    return type(value).__name__
