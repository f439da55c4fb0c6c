"""The pooling lab: what its page computes is what convlib computes, in numbers and in words."""

import random
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from lab_script import call, state_of

import convlib
from convlib import labs
from convlib.labs.pooling import KINDS, TIES, UPSTREAM, VIEWS, PoolingLab, pooling


def random_lab(seed: int) -> PoolingLab:
    """A lab as a reader may leave it: whole numbers or quarters, with many ties or few."""
    choose = random.Random(seed)
    steps, largest = choose.choice([1, 4]), choose.choice([1, 3, 9])
    rows, columns = choose.randint(1, 10), choose.randint(1, 10)

    def two(*choices: int) -> list[int]:
        return [choose.choice(choices), choose.choice(choices)]

    return PoolingLab(
        image=[
            [choose.randint(-largest * steps, largest * steps) / steps for _ in range(columns)]
            for _ in range(rows)
        ],
        kind=KINDS[seed % 5],
        kernel_size=two(1, 2, 3, 4),
        stride=two(1, 2, 3, 4),
        padding=two(0, 0, 0, 1, 1, 2),
        ceil_mode=choose.random() < 0.5,
        count_include_pad=choose.random() < 0.5,
        norm_type=choose.randint(1, 4),
        ties=choose.choice(TIES),
        view=choose.choice(VIEWS),
        upstream=choose.choice(UPSTREAM),
        gradient=[[float(choose.randint(-9, 9)) for _ in range(4)] for _ in range(3)],
        position=two(*range(10)),
    )


RANDOM = [random_lab(seed) for seed in range(500)]
SOUND = [lab for lab in RANDOM if not lab.problem]


def is_whole(lab: PoolingLab) -> bool:
    return all(value == int(value) for row in lab.image for value in row)


def js(lab: PoolingLab, function: str, *arguments: object) -> Any:
    return call("pooling", function, state_of(lab), *arguments)


def array(rows: Any) -> np.ndarray:
    """JSON has no NaN."""
    return np.array([[np.nan if value is None else value for value in row] for row in rows])


def options(lab: PoolingLab) -> dict[str, Any]:
    return {
        "kernel_size": tuple(lab.kernel_size),
        "stride": tuple(lab.stride),
        "padding": tuple(lab.padding),
        "ceil_mode": lab.ceil_mode,
    }


def pooled(lab: PoolingLab) -> np.ndarray:
    """The output, with convlib's functions called as a reader would."""
    image, given = np.array(lab.image)[None], options(lab)
    norm = {name: value for name, value in given.items() if name != "padding"}
    with np.errstate(invalid="ignore"):
        return {
            "max": lambda: convlib.max_pool2d(image, **given),
            "average": lambda: convlib.avg_pool2d(
                image, **given, count_include_pad=lab.count_include_pad
            ),
            "Lp": lambda: convlib.lp_pool2d(image, lab.norm_type, **norm),
            "global max": lambda: convlib.global_max_pool2d(image),
            "global average": lambda: convlib.global_avg_pool2d(image),
        }[lab.kind]()[0]  # fmt: skip


def sent_back(lab: PoolingLab, gradient: np.ndarray) -> np.ndarray:
    """The gradient at the input, in the same way."""
    image, grad, given = np.array(lab.image)[None], gradient[None], options(lab)
    norm = {name: value for name, value in given.items() if name != "padding"}
    if lab.kind == "global max" and lab.ties == "shared":
        best = image == image.max()
        return grad[0] * best[0] / best.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "max": lambda: convlib.max_pool2d_backward(grad, image, **given, ties=lab.ties),
            "average": lambda: convlib.avg_pool2d_backward(
                grad, image.shape, **given, count_include_pad=lab.count_include_pad
            ),
            "Lp": lambda: convlib.lp_pool2d_backward(grad, image, lab.norm_type, **norm),
            "global max": lambda: convlib.adaptive_max_pool2d_backward(grad, image, 1),
            "global average": lambda: convlib.adaptive_avg_pool2d_backward(grad, image.shape, 1),
        }[lab.kind]()[0]  # fmt: skip


def test_random_states_reach_every_case() -> None:
    assert {lab.kind for lab in SOUND} == set(KINDS)
    assert len(RANDOM) > len(SOUND) > 350
    assert {(lab.kind, lab.norm_type, lab.ceil_mode) for lab in SOUND} >= {
        ("Lp", p, up) for p in (1, 2, 3, 4) for up in (False, True)
    }
    words = " ".join(lab.size_in_words(axis) for lab in SOUND for axis in (0, 1))
    assert all(part in words for part in ("less 1 =", "beyond the padded input", "are in no window"))
    assert any(np.isnan(lab.output).any() for lab in SOUND)


def test_output_of_the_page_is_convlibs() -> None:
    for lab in SOUND:
        shown, expected = array(js(lab, "pool")["output"]), pooled(lab)
        assert np.array_equal(lab.output, expected, equal_nan=True)
        if is_whole(lab) and (lab.kind != "Lp" or lab.norm_type == 1) and lab.kind != "global average":
            assert np.array_equal(shown, expected), lab
        assert np.allclose(shown, expected, rtol=1e-12, atol=1e-12, equal_nan=True), lab


def test_indices_of_the_page_are_convlibs() -> None:
    for lab in SOUND:
        if lab.kind == "max":
            made = js(lab, "pool")
            _, indices = convlib.max_pool2d(np.array(lab.image)[None], **options(lab), return_indices=True)
            assert np.array_equal(made["indices"], indices[0])
            assert np.array_equal(lab.indices, indices[0])
            wins = np.bincount(indices.ravel(), minlength=np.size(lab.image))
            assert np.array_equal(np.ravel(made["wins"]), wins)
        elif lab.kind == "global max":
            assert js(lab, "pool")["indices"] == [[int(np.argmax(lab.image))]]
            assert lab.indices.tolist() == [[int(np.argmax(lab.image))]]
        else:
            assert js(lab, "pool")["indices"] is None
            with pytest.raises(ValueError, match="only maxima have indices, and this is"):
                lab.indices  # noqa: B018


def test_gradient_of_the_page_is_convlibs() -> None:
    for lab in SOUND:
        made = js(lab, "pool")
        gradient = np.array(made["upstream"], dtype=float)
        assert np.array_equal(gradient, lab.grad_output)
        shown, expected = array(made["arriving"]), sent_back(lab, gradient)
        assert np.allclose(lab.grad_input, expected, rtol=1e-12, atol=1e-12, equal_nan=True), lab
        if is_whole(lab) and lab.kind.endswith("max") and lab.ties == "first":
            assert np.array_equal(shown, expected), lab
        assert np.allclose(shown, expected, rtol=1e-12, atol=1e-12, equal_nan=True), lab


def test_gradient_to_begin_with_is_ones_or_counted_or_the_readers() -> None:
    lab = pooling(input_size=(4, 6))
    assert lab.grad_output.tolist() == [[1, 1, 1], [1, 1, 1]]
    lab.upstream = "counted"
    assert lab.grad_output.tolist() == [[1, 2, 3], [4, 5, 6]]
    lab.upstream, lab.gradient = "own", [[7.0, 0.0, 2.0, 9.0]]  # too long, and a row is missing
    assert lab.grad_output.tolist() == [[7, 0, 2], [1, 1, 1]]
    assert js(lab, "pool")["upstream"] == [[7, 0, 2], [1, 1, 1]]


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in SOUND:
        i, j = lab._present
        window = "windowOf(state, i, j)"
        for function, words in (
            (f"((state, i, j) => windowInWords(state, {window}))", lab.window_in_words()),
            (
                f"((state, i, j) => sendingInWords(state, {window}, pool(state).upstream[i][j]))",
                lab.sending_in_words(),
            ),
            ("(state => shareInWords(pool(state)))", lab.share_in_words()),
        ):
            assert js(lab, function, i, j) == words, lab


def test_sizes_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        for axis in (0, 1):
            assert js(lab, "sizeInWords", axis) == lab.size_in_words(axis)
    for lab in SOUND:
        counts = [js(lab, "axisOf", axis)["count"] for axis in (0, 1)]
        assert tuple(counts) == pooled(lab).shape
        if lab.kind in ("max", "average"):
            given = {name: value for name, value in options(lab).items()}
            assert tuple(counts) == convlib.pool_output_size(np.shape(lab.image), **given)


def test_impossible_settings_are_told_in_the_same_cases_and_words() -> None:
    for lab in RANDOM:
        assert js(lab, "problemOf") == lab.problem
        if not lab.problem:
            continue
        assert lab.problem in "".join(lab.still())
        for compute in (pooled, lambda one: one.output):
            with pytest.raises(ValueError, match=r"padding must be at most half|the window spans"):
                compute(lab)
    assert {lab.problem.partition(" ")[0] for lab in RANDOM} == {"", "Padding", "No"}


def test_dust_of_roundings_decides_as_in_convlib() -> None:
    lab = PoolingLab(image=[[0.1, 0.2], [-0.3, 0.0]], kind="Lp", norm_type=1, view="gradient")
    assert (js(lab, "pool")["output"][0][0] == 0) == (lab.output[0, 0] == 0)
    assert js(lab, "pool")["arriving"] == lab.grad_input.tolist()
    function = "(state => sendingInWords(state, windowOf(state, 0, 0), 1))"
    assert js(lab, function) == lab.sending_in_words()


def test_what_adds_up_to_zero_but_for_roundings_is_zero() -> None:
    lab = pooling([[1, 1, 1, 1, 1]], "average", kernel_size=(1, 3), stride=1, view="gradient")
    lab.upstream, lab.gradient = "own", [[0.1, 0.2, -0.3]]
    assert 0 < abs(lab.grad_input[0, 2]) < 1e-16
    assert lab.share_in_words().startswith("4 of 5 pixels get")
    table = BeautifulSoup("".join(lab.still()), "html.parser")("table")[3]
    assert [cell.text for cell in table("td")] == ["0.03333", "0.1", "0", "−0.03333", "−0.1"]
    assert lab.share_in_words() == js(lab, "(state => shareInWords(pool(state)))")


# --- what pooling does ---


def test_padding_never_wins_a_maximum() -> None:
    lab = pooling([[-1, -2], [-3, -4]], kernel_size=3, stride=1, padding=1)
    assert lab.output.tolist() == [[-1, -1], [-1, -1]]
    assert lab.window_in_words() == (
        "max(−∞, −∞, −∞, −∞, −1, −2, −∞, −3, −4) = −1, at row 0, column 0 (flat index 0)"
    )
    assert lab.grad_input.tolist() == [[4, 0], [0, 0]]


def test_equal_maxima_and_their_gradient() -> None:
    lab = pooling([[2, 2, 0], [0, 2, 0]], kernel_size=2, stride=1)
    lab.upstream = "counted"
    assert (
        lab.window_in_words()
        == "max(2, 2, 0, 2) = 2, at row 0, column 0 (flat index 0), the first of 3 equal ones"
    )
    assert lab.sending_in_words() == "Its gradient 1 goes to row 0, column 0, the first of 3 equal ones."
    assert lab.grad_input.tolist() == [[1, 2, 0], [0, 0, 0]]
    lab.ties = "shared"
    assert lab.sending_in_words() == "Its gradient 1 is shared among 3 equal pixels: 1 / 3 = 0.3333 for each."
    assert lab.grad_input[0, 1] == pytest.approx(1 / 3 + 2 / 2)
    assert "2 pixels add up what several windows send." in lab.share_in_words()


def test_divisor_of_an_average() -> None:
    lab = pooling([[1, 2, 3]], "average", kernel_size=(1, 2), stride=2, padding=(0, 1), ceil_mode=True)
    assert lab.window_in_words() == "(0 + 1) / 2 = 0.5; 1 zero of the padding counted"
    assert lab.sending_in_words() == (
        "Its gradient 1 is shared evenly: 1 / 2 = 0.5 for its one pixel; "
        "what 1 zero of the padding would get is lost."
    )
    lab.count_include_pad = False
    assert lab.window_in_words() == "1 / 1 = 1; the padding is not counted"
    lab = pooling([[1, 2, 3, 4, 5]], "average", kernel_size=(1, 3), ceil_mode=True)
    lab.position = [0, 1]
    assert lab.window_in_words() == "(4 + 5) / 2 = 4.5; 1 place beyond the edge never counts"
    assert lab.share_in_words() == (
        "5 of 5 pixels get a gradient other than 0 (100 %). The windows were given 2, the pixels get 2."
    )


def test_norms_and_their_gradient() -> None:
    lab = pooling([[3, -4, 2]], "Lp", kernel_size=(1, 2), ceil_mode=True)
    assert lab.window_in_words() == "(3² + (−4)²)^(1/2) = 5"
    assert lab.sending_in_words() == "Each pixel x gets 1 · (x / 5): 0.6, −0.8."
    lab.position = [0, 1]
    assert lab.window_in_words() == (
        "(2² · 2 / 1)^(1/2) = 2.828; 1 place beyond the edge, so the sum is scaled up to a whole window"
    )
    lab.position, lab.norm_type = [0, 0], 3
    assert (
        lab.window_in_words() == "(3³ + (−4)³)^(1/3) = NaN; the sum is negative, and no root of it is taken"
    )
    lab.norm_type = 1
    assert lab.window_in_words() == "3 + (−4) = −1"
    assert lab.sending_in_words() == "Its gradient 1 goes to each of its 2 pixels."
    lab.image = [[0.0, 0.0, 0.0]]
    assert lab.sending_in_words() == "The sum is 0: it sends nothing, as in torch."
    assert not lab.grad_input.any()


def test_share_of_the_pixels_that_learn() -> None:
    lab = pooling(input_size=8)
    assert lab.share_in_words() == (
        "16 of 64 pixels get a gradient other than 0 (25 %). The windows were given 16, the pixels get 16."
    )
    lab.kind = "average"
    assert lab.share_in_words().startswith("64 of 64 pixels get a gradient other than 0 (100 %).")
    lab.kind = "global max"
    assert lab.share_in_words().startswith("1 of 64 pixels gets a gradient other than 0 (1.563 %).")
    lab.kind = "average"
    lab.kernel_size, lab.padding = [3, 3], [1, 1]  # 4 × 4 windows, at -1, 1, 3, 5
    assert "The windows were given 16, the pixels get 13.44." in lab.share_in_words()


def test_long_windows_are_shortened() -> None:
    lab = pooling(np.arange(20).reshape(4, 5), "global average")
    assert lab.window_in_words() == "(0 + 1 + 2 + … + 19) / 20 = 9.5"
    lab.kind = "global max"
    assert lab.window_in_words() == "max(0, 1, 2, …, 19) = 19, at row 3, column 4 (flat index 19)"
    lab = pooling(input_size=4, kernel_size=4)  # 16 numbers are written out
    assert lab.window_in_words().partition(")")[0].count(",") == 15


def test_sizes_in_words() -> None:
    assert pooling(input_size=8, kernel_size=3).size_in_words(0) == (
        "⌊(8 + 2·0 − 3) / 3⌋ + 1 = ⌊5 / 3⌋ + 1 = 2; rows 6 and 7 are in no window"
    )
    assert pooling(input_size=8, kernel_size=3, ceil_mode=True).size_in_words(1) == (
        "⌈(8 + 2·0 − 3) / 3⌉ + 1 = ⌈5 / 3⌉ + 1 = 3; the last window reaches 1 column beyond the input"
    )
    lab = pooling(input_size=7, kernel_size=2, stride=4, padding=1, ceil_mode=True)
    assert lab.size_in_words(0) == (
        "⌈(7 + 2·1 − 2) / 4⌉ + 1 = ⌈7 / 4⌉ + 1 = 3, less 1 = 2: a window must start inside the input or in "
        "the padding before it, and the last would start behind row 6; rows 1, 2, 5 and 6 are in no window"
    )
    assert pooling(kind="global max", input_size=(1, 4)).size_in_words(0) == "one window of the only row"
    assert pooling(kind="global max", input_size=(1, 4)).size_in_words(1) == "one window of all 4 columns"


def test_numbers_in_the_squares_are_rounded_and_short() -> None:
    values = [0, 1, -3, 0.25, 1 / 3, -2 / 3, 12.3456, 0.004, -0.0012, 5.005, 17]
    assert [call("pooling", "inCell", value) for value in values] == [
        "0", "1", "−3", "0.25", "0.33", "−0.67", "12.35", "0.004", "−0.001", "5.01", "17",
    ]  # fmt: skip


def test_kinds_that_have_no_padding_do_not_look_at_it() -> None:
    for kind in ("Lp", "global max", "global average"):
        lab = pooling(kind=kind)
        before, words = lab.output, lab.size_in_words(0)
        lab.padding = [2, 2]  # too much for a maximum
        assert not lab.problem
        assert np.array_equal(lab.output, before)
        assert lab.size_in_words(0) == words == js(lab, "sizeInWords", 0)


# --- without a script ---


def value(text: str) -> float:
    return float(text.replace("−", "-").replace("∞", "inf").replace("NaN", "nan") or "nan")


@pytest.mark.parametrize("lab", SOUND[:60], ids=repr)
def test_still_result_holds_the_numbers(lab: PoolingLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")

    def table(start: str) -> np.ndarray:
        caption = next(one for one in page.find_all("caption") if one.text.startswith(start))
        return np.array([[value(cell.text) for cell in row("td")] for row in caption.parent("tr")])

    def close(one: np.ndarray, other: Any) -> bool:
        return np.allclose(one, other, rtol=1e-3, atol=1e-9, equal_nan=True)

    assert close(table("Output"), lab.output)
    rows, columns = np.shape(lab.image)
    down, across = lab.padding if lab.kind in ("max", "average") else (0, 0)
    shown = table("Input")
    assert np.array_equal(shown[down : down + rows, across : across + columns], lab.image)
    if down:
        assert set(shown[0, : columns + 2 * across]) == {-np.inf if lab.kind == "max" else 0}
    if lab.view == "gradient":
        assert close(table("Gradient of the output"), lab.grad_output)
        assert close(table("Gradient at the input"), lab.grad_input)
        assert lab.sending_in_words() in page.text
        assert lab.share_in_words() in page.text
    if lab.view == "indices" and lab.kind.endswith("max"):
        assert np.array_equal(table("Flat index"), lab.indices)
        assert table("Windows that each pixel wins").sum() == lab.output.size
    assert lab.window_in_words() in page.text
    i, j = lab._present
    window = page.table.find_all("strong")
    assert len(window) == len(lab._window(i, j).pixels)
    assert len(page.find_all("u")) == lab.kind.endswith("max")
    for axis in (0, 1):
        assert lab.size_in_words(axis) in page.text


def test_still_result_is_stable_and_names_itself() -> None:
    lab = labs.pooling(kernel_size=(2, 3), padding=1, ceil_mode=True)
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Pooling: max, input 6 × 6, window [2, 3], stride [2, 3], padding [1, 1], ceil_mode"
    )
    again = labs.pooling(kernel_size=(2, 3), padding=1, ceil_mode=True)
    assert bundle["text/html"] == again._repr_mimebundle_()[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert repr(labs.pooling(kind="Lp")) == "Pooling: Lp, input 6 × 6, window [2, 2], stride [2, 2], p 2"
    assert repr(labs.pooling(kind="global average")) == "Pooling: global average, input 6 × 6"


def test_numbers_to_begin_with_are_those_of_the_page() -> None:
    for size in ((1, 1), (6, 6), (10, 7)):
        fresh = "((h, w) => resized([], h, w, freshPixel))"
        assert call("pooling", fresh, *size) == pooling(input_size=size, kernel_size=1).image


WRONG = {
    "kind": ({"kind": "mean"}, ValueError, "kind must be 'max', 'average', 'Lp', 'global max' or"),
    "ties": ({"ties": "last"}, ValueError, "ties must be 'first' or 'shared'"),
    "view": ({"view": "all"}, ValueError, "view must be"),
    "ceil_mode": ({"ceil_mode": 1}, TypeError, "ceil_mode must be True or False"),
    "count": ({"count_include_pad": "no"}, TypeError, "count_include_pad must be True or False"),
    "size": ({"input_size": 11}, ValueError, "image can be at most 10 here, got (11, 11)"),
    "image": ({"image": np.ones((2, 11))}, ValueError, "image can be at most 10 here, got (2, 11)"),
    "words": ({"image": "abc"}, ValueError, "image must be a table of finite numbers, got 'abc'"),
    "line": ({"image": [1, 2]}, ValueError, "image must be a table of finite numbers, got shape (2,)"),
    "nan": ({"image": [[np.nan]]}, ValueError, "image must be a table of finite numbers"),
    "window": ({"kernel_size": 5}, ValueError, "kernel_size can be at most 4 here, got (5, 5)"),
    "stride": ({"stride": (1, 5)}, ValueError, "stride can be at most 4 here, got (1, 5)"),
    "stride 0": ({"stride": 0}, ValueError, "stride must be"),
    "padding": ({"padding": 3, "kernel_size": 4}, ValueError, "padding can be at most 2 here, got (3, 3)"),
    "much padding": ({"padding": 2}, ValueError, "padding must be at most half of kernel_size, got 2 for 2"),
    "p": ({"kind": "Lp", "norm_type": 5}, ValueError, "norm_type can be at most 4 here, got 5"),
    "p 0": ({"kind": "Lp", "norm_type": 0}, ValueError, "norm_type must be"),
    "half p": ({"kind": "Lp", "norm_type": 0.5}, TypeError, "norm_type must be an integer"),
    "padded norm": ({"kind": "Lp", "padding": 1}, ValueError, "Lp pooling has no padding, got (1, 1)"),
    "padded whole": ({"kind": "global max", "padding": 1}, ValueError, "global max pooling has no padding"),
    "no room": ({"input_size": 2, "kernel_size": 3}, ValueError, "the window spans 3 pixels"),
}


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_calls_are_refused_in_the_callers_words(
    given: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as error:
        pooling(**given)
    assert str(error.value).startswith(f"pooling: {words}")
