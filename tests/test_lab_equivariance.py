"""The equivariance lab: what its page computes is what convlib computes, in numbers and in words."""

import itertools
import random
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from lab_script import call, state_of

from convlib import conv2d, labs, max_pool2d, pad
from convlib.labs._lab import style
from convlib.labs.equivariance import (
    DOWNSAMPLING,
    FACTORS,
    FURTHEST,
    HEADINGS,
    KERNELS,
    MODES,
    PICTURES,
    SIDE,
    TRANSFORMS,
    TURNS,
    EquivarianceLab,
    percent,
)

Settings = dict[str, Any]


CASES = list(itertools.product(TRANSFORMS, MODES, DOWNSAMPLING))


def random_lab(seed: int) -> EquivarianceLab:
    """A lab as a reader may leave it; the photograph is noise in every second one."""
    choose = random.Random(seed)
    transform, padding_mode, downsampling = CASES[seed % len(CASES)]
    noise = [[choose.randint(0, 255) for _ in range(SIDE)] for _ in range(SIDE)]
    lab = EquivarianceLab(
        picture=choose.choice(PICTURES),
        transform=transform,
        shift=[choose.choice((0, choose.randint(0, FURTHEST))), choose.randint(0, FURTHEST)],
        turns=choose.choice(list(TURNS)),
        factor=choose.choice(list(FACTORS)),
        kernel=choose.choice(list(KERNELS)),
        padding_mode=padding_mode,
        relu=choose.random() < 0.5,
        downsampling=downsampling,
    )
    if seed % 2:
        lab.photograph = noise
    return lab


RANDOM = [random_lab(seed) for seed in range(4 * len(CASES))]


def js(lab: EquivarianceLab, function: str, *arguments: object) -> Any:
    return call("equivariance", function, state_of(lab), *arguments)


@pytest.fixture(scope="module")
def drawn() -> list[tuple[EquivarianceLab, Any]]:
    """Each lab with what its page computes."""
    return [(lab, js(lab, "bothOrders")) for lab in RANDOM]


Drawn = list[tuple[EquivarianceLab, Any]]


def test_random_states_reach_every_case() -> None:
    def seen(*names: str) -> set[Any]:
        return {tuple(getattr(lab, name) for name in names) for lab in RANDOM}

    assert len(seen("transform", "padding_mode", "downsampling")) == len(CASES) == 3 * 3 * 7
    assert len(seen("picture", "kernel")) == 5 * 4
    sentences = " ".join(lab.finding_in_words() for lab in RANDOM)
    for verb, word in itertools.product(("move", "turn", "scale"), ("exactly", "away", "not")):
        assert (f"does not {verb}" if word == "not" else f"{verb}s along {word}") in sentences
    for reason in (
        "Without the blur",
        "is not turned",
        "windows reach",
        "from the top left",
        "whatever",
        "keep",
    ):
        assert reason in sentences


def test_pictures_and_answers_of_the_page_are_pythons_to_the_last_digit(drawn: Drawn) -> None:
    for lab, page in drawn:
        assert np.array_equal(page["picture"], lab.pixels), lab
        assert np.array_equal(page["moved"], lab.transformed), lab
        assert np.array_equal(page["answer"], lab.answer), lab
        assert np.array_equal(page["first"], lab.transformed_answer), lab
        assert np.array_equal(page["later"], lab.answer_transformed), lab
        assert np.array_equal(page["difference"], lab.difference), lab
        assert np.array_equal(page["inside"], lab.inside), lab


def test_errors_of_the_page_are_pythons(drawn: Drawn) -> None:
    for lab, page in drawn:
        assert (page["error"], page["errorInside"]) == (lab.error, lab.error_inside)
        shown = js(lab, "errorsOf")
        assert {one["label"]: (one["error"], one["errorInside"]) for one in shown} == lab.errors
        (now,) = [one for one in shown if one["now"]]
        assert (now["error"], now["errorInside"]) == (lab.error, lab.error_inside)


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        assert js(lab, "transformInWords") == lab.transform_in_words()
        assert js(lab, "findingInWords") == lab.finding_in_words()
        assert js(lab, "numbersInWords") == lab.numbers_in_words()


def test_choices_of_the_page_are_pythons() -> None:
    for name, ours in (
        ("PICTURES", PICTURES),
        ("TRANSFORMS", TRANSFORMS),
        ("MODES", MODES),
        ("HEADINGS", HEADINGS),
        ("TURNS", {str(turns): words for turns, words in TURNS.items()}),
        ("FACTORS", {str(factor): label for factor, label in FACTORS.items()}),
        ("DOWNSAMPLING", {name: list(reach) for name, reach in DOWNSAMPLING.items()}),
        ("KERNELS", {name: weights.tolist() for name, weights in KERNELS.items()}),
        ("[SIDE, FURTHEST]", [SIDE, FURTHEST]),
    ):
        expected = list(ours) if isinstance(ours, tuple) else ours
        assert call("equivariance", f"(() => {name})") == expected, name


def test_colours_of_the_pictures_are_those_of_the_style_sheet() -> None:
    warm, cool = call("equivariance", "(() => [WARM, COOL])")  # type: ignore[misc]
    for name, colour in (("warm", warm), ("cool", cool)):
        assert f"--lab-{name}: #{bytes(colour).hex()};" in style()


@pytest.mark.parametrize("share", [0, 1, 2, 0.5, 1 / 3, 0.00125, 0.01125, 0.99951, 1.125, 1e-8, 0.0455])
@pytest.mark.parametrize("digits", [2, 3])
def test_percents_of_the_page_are_pythons(share: float, digits: int) -> None:
    assert call("equivariance", "percent", share, digits) == percent(share, digits)


def test_percents_are_rounded_but_never_to_a_false_zero() -> None:
    assert [percent(one) for one in (1.0949, 0.478, 0.05, 0.0000125)] == ["109", "47.8", "5", "0.00125"]


# --- what the operations are ---


def test_each_step_is_the_operation_of_its_name() -> None:
    lab = labs.equivariance("eye", "no symmetry", padding_mode="zeros")
    x, kernel = lab.pixels[None], KERNELS["no symmetry"][None, None]
    assert np.array_equal(lab.answer, conv2d(x, kernel, padding=1)[0])
    lab.downsampling = "stride 2"
    assert np.array_equal(lab.answer, conv2d(x, kernel, padding=1, stride=2)[0])
    lab.relu, lab.downsampling = True, "max pool k2 s1"
    negative_cut = np.maximum(conv2d(x, kernel, padding=1), 0)
    inside = max_pool2d(negative_cut, 2, 1)[0]
    assert np.array_equal(lab.answer[:-1, :-1], inside)
    lab.downsampling = "blur pool s2"
    blurred = sum(
        weight * pad(negative_cut, (1, 1, 1, 1), "reflect")[0, u : u + SIDE, v : v + SIDE]
        for (u, v), weight in np.ndenumerate(np.outer([1, 2, 1], [1, 2, 1]) / 16)
    )
    assert np.array_equal(lab.answer, np.asarray(blurred)[::2, ::2])


def test_the_photograph_is_the_cats_eye_and_fits_in_the_state() -> None:
    lab = labs.equivariance()
    assert lab.pixels.shape == (24, 24)
    pupil = lab.pixels[8:16, 10:16].min()
    assert 0 <= pupil < 20 < 150 < lab.pixels.max() <= 255
    assert len(str(lab.photograph)) < 3000


@pytest.mark.parametrize("downsampling", DOWNSAMPLING)
def test_inside_are_the_answers_that_no_padding_changes(downsampling: str) -> None:
    touched = np.zeros((), bool)
    for seed in range(1, 40, 2):
        lab = random_lab(seed)
        lab.picture, lab.kernel, lab.relu, lab.transform, lab.shift = (
            "eye",
            "no symmetry",
            False,
            "move",
            [0, 0],
        )
        lab.downsampling = downsampling
        answers = []
        for mode in MODES:
            lab.padding_mode = mode
            answers.append(lab.answer)
        touched = touched | (answers[0] != answers[1]) | (answers[1] != answers[2])
    lab.padding_mode = "zeros"
    assert np.array_equal(lab.inside, ~touched)
    for transform, size in itertools.product(TRANSFORMS, FACTORS):
        lab.transform, lab.factor = transform, size
        assert lab.inside.any()


# --- what a reader finds ---


@pytest.mark.parametrize("downsampling", ["none", "max pool k2 s1"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_without_a_stride_and_without_a_border_all_moves_along(kernel: str, downsampling: str) -> None:
    lab = labs.equivariance(kernel=kernel, downsampling=downsampling, relu=True, shift=(3, 5))
    assert set(lab.errors.values()) == {(0, 0)}
    assert lab.finding_in_words() == "The answer moves along exactly: all 576 numbers are equal."
    assert lab.numbers_in_words() == "Error 0%."


def test_zeros_around_the_picture_break_it_at_the_border_only() -> None:
    lab = labs.equivariance(padding_mode="zeros", shift=(0, 3))
    # The columns beside both borders and beside the seam, where opposite sides have met.
    differs = np.flatnonzero(lab.difference.any(axis=0))
    assert differs.tolist() == [0, 2, 3, 23]
    assert not lab.inside[:, differs].any()
    count = np.count_nonzero(lab.difference)
    assert lab.finding_in_words() == (
        f"The answer moves along away from the border: the zeros outside break it at {count} of 576 places."
    )
    assert lab.numbers_in_words().startswith(f"Error {percent(lab.error)}%, 0% away from the border. Largest")


@pytest.mark.parametrize("downsampling", [name for name, (s, *_) in DOWNSAMPLING.items() if s > 1])
@pytest.mark.parametrize("mode", MODES)
def test_behind_a_stride_it_moves_along_only_where_the_stride_divides_the_move(
    mode: str, downsampling: str
) -> None:
    lab = labs.equivariance(padding_mode=mode, downsampling=downsampling, shift=0)
    for by, (_, inside) in enumerate(lab.errors.values()):
        assert (inside == 0) == (by % DOWNSAMPLING[downsampling][0] == 0), by


def test_blur_pooling_lowers_the_error_of_the_photograph_but_leaves_some() -> None:
    plain, blurred = (labs.equivariance(downsampling=one) for one in ("stride 2", "blur pool s2"))
    for by in "1357":
        assert 0 < blurred.errors[by][0] < plain.errors[by][0]
    assert blurred.finding_in_words().endswith(
        f"Without the blur before it the error would be {percent(plain.error)}%."
    )


def test_a_dot_between_the_places_that_a_stride_keeps_is_gone() -> None:
    lab = labs.equivariance("dot", "identity", downsampling="stride 2")
    assert lab.answer.max() == 255
    assert lab.transformed_answer.max() == 0
    assert lab.numbers_in_words().endswith("0 against 255 in row 6, column 7. Largest number: 255.")
    assert lab.transform_in_words() == (
        "The picture moves 0 pixels down and 1 pixel to the right; with stride 2 its answer should move by 0 "
        "and 0.5, but it can only move by whole numbers: 0 and 1."
    )


def test_a_kernel_that_is_the_same_when_turned_turns_along() -> None:
    for kernel, turns in itertools.product(KERNELS, TURNS):
        for downsampling in ("none", "average pool k2 s2", "max pool k2 s2"):
            for mode in MODES:
                lab = labs.equivariance(
                    kernel=kernel, transform="turn", turns=turns, padding_mode=mode, downsampling=downsampling
                )
                assert (lab.error == 0) == (kernel in ("identity", "blur"))
    assert "The kernel is not turned" in lab.finding_in_words()


def test_only_what_looks_at_one_pixel_rescales_along() -> None:
    for kernel, factor in itertools.product(KERNELS, FACTORS):
        lab = labs.equivariance(kernel=kernel, transform="rescale", factor=factor)
        assert (lab.error == 0) == (kernel == "identity")


# --- Python's side ---


def test_still_shows_the_same_numbers() -> None:
    for lab in RANDOM[:80]:
        page = BeautifulSoup("".join(lab.still()), "html.parser")
        text = page.get_text(" ")
        for sentence in (lab.transform_in_words(), lab.finding_in_words(), lab.numbers_in_words()):
            assert sentence in text
        errors, row = page.find_all("table")
        lines = [[cell.get_text() for cell in one.find_all("td")] for one in errors.find_all("tr")[1:]]
        shown_errors = 1 if lab.padding_mode == "circular" else 2
        for (label, *numbers), (expected_label, both) in zip(lines, lab.errors.items(), strict=True):
            assert label == expected_label
            expected_errors = [100 * share for share in both[:shown_errors]]
            assert [float(cell) for cell in numbers] == pytest.approx(expected_errors, rel=0.05)
        assert len(errors.find_all("strong")) == 1
        i = np.unravel_index(np.argmax(np.abs(lab.difference)), lab.difference.shape)[0]
        for (_, *cells), *expected in zip(
            [one.find_all("td") for one in row.find_all("tr")[1:]],
            lab.transformed_answer[i],
            lab.answer_transformed[i],
            lab.difference[i],
            strict=True,
        ):
            found = [float(cell.get_text().replace("−", "-")) for cell in cells]
            assert found == pytest.approx(expected, rel=1e-3)


def test_python_sets_the_state() -> None:
    lab = labs.equivariance(
        "digit", "blur", transform="turn", shift=4, turns=3, factor=0.5, padding_mode="reflect", relu=True,
        downsampling="stride 4",
    )  # fmt: skip
    assert (lab.shift, lab.turns, lab.factor, lab.relu) == ([4, 4], 3, 0.5, True)
    assert repr(lab) == "Equivariance lab: digit, turn; blur kernel, padding 1 reflect, ReLU, stride 4"
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == repr(lab)
    assert '<div class="lab lab-equivariance" data-lab="equivariance"' in bundle["text/html"]


WRONG: dict[str, tuple[Settings, type[Exception], str]] = {
    "picture": ({"picture": "cat"}, ValueError, "picture must be 'eye', 'digit', .* or 'dot', got 'cat'"),
    "kernel": ({"kernel": 3}, ValueError, "kernel must be 'identity', 'blur', .*, got 3"),
    "transform": ({"transform": "shift"}, ValueError, "transform must be 'move', 'turn' or 'rescale'"),
    "padding": ({"padding_mode": "constant"}, ValueError, "padding_mode must be 'circular', 'zeros' or"),
    "downsampling": ({"downsampling": "max"}, ValueError, "downsampling must be 'none', 'stride 2'"),
    "far": ({"shift": (0, 9)}, ValueError, r"shift can be at most 8 here, got \(0, 9\)"),
    "back": ({"shift": -1}, ValueError, "shift must be at least 0"),
    "half": ({"shift": 0.5}, TypeError, "shift must be an integer"),
    "whole turn": ({"turns": 4}, ValueError, "turns must be 1, 2 or 3, got 4"),
    "no turn": ({"turns": 0}, ValueError, "turns must be"),
    "odd turn": ({"turns": (1,)}, TypeError, "turns must be an integer"),
    "factor": ({"factor": 3}, ValueError, "factor must be 2 or 0.5, got 3"),
    "factor's type": ({"factor": "2"}, ValueError, "factor must be 2 or 0.5, got '2'"),
    "relu": ({"relu": 1}, TypeError, "relu must be True or False, got 1"),
}


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_told_in_the_callers_words(
    given: Settings, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=f"^equivariance: {words}"):
        labs.equivariance(**given)
