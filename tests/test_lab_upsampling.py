"""The upsampling lab: what its page computes is what convlib computes, in numbers and in words."""

import random
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from lab_script import call, state_of

import convlib
from convlib import labs
from convlib.labs.upsampling import MODES, UpsamplingLab, upsampling
from convlib.resize import cubic_kernel, linear_kernel

IMAGES = ("edge", "dot", "ramp", "checkerboard")


def random_lab(seed: int) -> UpsamplingLab:
    """A lab as a reader may leave it; options and positions that do not count stand there all the same."""
    choose = random.Random(seed)

    def two(least: int, most: int) -> list[int]:
        return [choose.randint(least, most), choose.randint(least, most)]

    rows, columns = two(2, 6)
    steps, largest = choose.choice([1, 4, 100]), choose.choice([1, 9])
    return UpsamplingLab(
        image=[
            [choose.randint(-largest * steps, largest * steps) / steps for _ in range(columns)]
            for _ in range(rows)
        ],
        size=[rows, columns] if seed % 13 == 0 else two(1, 12),
        mode=MODES[seed % 5],
        align_corners=choose.random() < 0.5,
        antialias=choose.random() < 0.5,
        position=two(0, 11),
    )


LABS = [random_lab(seed) for seed in range(600)]


def js(lab: UpsamplingLab, function: str, *arguments: object) -> Any:
    return call("upsampling", function, state_of(lab), *arguments)


def smooth(lab: UpsamplingLab) -> bool:
    return lab.mode in ("bilinear", "bicubic")


def options(lab: UpsamplingLab) -> dict[str, Any]:
    """As a reader would write them: an option of another mode is left out."""
    given: dict[str, Any] = {"mode": lab.mode}
    if smooth(lab):
        given |= {"align_corners": lab.align_corners, "antialias": lab.antialias}
    return given


def resized(lab: UpsamplingLab) -> np.ndarray:
    image = np.array(lab.image)[None, None]
    return convlib.interpolate(image, size=tuple(lab.size), **options(lab))[0, 0]


def matrices(lab: UpsamplingLab) -> list[np.ndarray]:
    sizes = zip(np.shape(lab.image), lab.size, strict=True)
    return [convlib.resize_matrix(n, m, **options(lab)) for n, m in sizes]


def present(lab: UpsamplingLab) -> tuple[int, int]:
    i, j = np.minimum(lab.position, np.array(lab.size) - 1).tolist()
    return i, j


def close(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-12, atol=1e-11)


def test_random_states_reach_every_case() -> None:
    seen = {(lab.mode, lab._corners, lab._wide) for lab in LABS}
    assert len(seen) == 3 + 2 * 4
    for change in ((0, 0), (1, 1), (-1, -1), (1, -1)):
        for mode in MODES:
            assert any(
                tuple(np.sign(np.subtract(lab.size, np.shape(lab.image)))) == change and lab.mode == mode
                for lab in LABS
            )
    assert any(lab.size[axis] == 1 and lab._corners for lab in LABS for axis in (0, 1))
    assert any(present(lab) != tuple(lab.position) for lab in LABS)
    words = " ".join(
        words for lab in LABS for words in (lab.place_in_words(0), lab.sum_in_words(), lab.range_in_words())
    )
    for part in (
        "edges rows",
        "edge row",
        "times as wide",
        "The only output row",
        "alone",
        "…",
        "above",
        "no",
    ):
        assert part in words


def test_output_of_the_page_is_convlibs() -> None:
    for lab in LABS:
        expected = resized(lab)
        assert np.array_equal(lab.output, expected)
        assert close(js(lab, "resize")["output"], expected), lab


def test_matrices_of_the_page_are_convlibs() -> None:
    for lab in LABS:
        made, (rows, columns) = js(lab, "resize"), matrices(lab)
        for own, page, expected in zip(
            lab.matrices, (made["rows"], made["columns"]), (rows, columns), strict=True
        ):
            assert np.array_equal(own, expected)
            assert close(page, expected), lab
        i, j = present(lab)
        assert (made["i"], made["j"]) == (i, j)
        expected = np.outer(rows[i], columns[j])
        assert close(lab.weights, expected)
        assert close(made["weights"], expected)
        assert close(made["down"], rows[i]) and close(made["across"], columns[j])
        assert np.sum(lab.weights * lab.image) == pytest.approx(resized(lab)[i, j], abs=1e-12)


def test_unread_pixels_are_those_that_get_no_gradient() -> None:
    for lab in LABS:
        weights = random.Random(1)  # so that nothing cancels
        grad = np.array([[[[weights.random() for _ in range(lab.size[1])] for _ in range(lab.size[0])]]])
        shape = (1, 1, *np.shape(lab.image))
        sent = convlib.interpolate_backward(grad, shape, size=tuple(lab.size), **options(lab))[0, 0]
        assert np.array_equal(lab.unread, np.abs(sent) < 1e-11), lab
        assert js(lab, "resize")["unread"] == lab.unread.tolist()


def test_rows_of_the_image_are_mixed_as_convlib_mixes_them() -> None:
    for lab in LABS:
        image, i = np.array(lab.image)[None, None], present(lab)[0]
        height, width = lab.size[0], np.shape(lab.image)[1]
        if lab.mode == "bicubic" and not lab._wide and not lab._corners:
            mixed = convlib.interpolate(image, size=(height, width), mode="bicubic")[0, 0, i]
        else:
            mixed = matrices(lab)[0][i] @ np.array(lab.image)
        assert close(js(lab, "resize")["mixed"], mixed)
        assert close(lab._mixed, mixed)
        assert close(matrices(lab)[1] @ mixed, resized(lab)[i])


# --- where pixels lie ---


def test_weights_are_the_kernel_at_the_place() -> None:
    for lab in LABS:
        if not smooth(lab):
            continue
        n, m = np.shape(lab.image)[1], lab.size[1]
        kernel, a = (cubic_kernel, (-0.5 if lab.antialias else -0.75,))
        if lab.mode == "bilinear":
            kernel, a = linear_kernel, ()
        scale = (n - 1) / max(m - 1, 1) if lab.align_corners else n / m
        stretch = max(scale, 1) if lab.antialias and n != m else 1
        for j, line in enumerate(matrices(lab)[1]):
            place = js(lab, "placeOf", 1, j)
            assert place == lab._place(1, j)
            if m == 1 and lab.align_corners:
                assert place == (-0.5 if lab.antialias else 0)
                continue
            weights = np.zeros(n)
            for pixel in range(-12, n + 12):
                inside = 0 <= pixel < n
                if inside or not lab.antialias:
                    weights[min(max(pixel, 0), n - 1)] += kernel(np.array((pixel - place) / stretch), *a)
            assert close(weights / weights.sum(), line), lab


def test_nearest_looks_at_the_corner_and_nearest_exact_at_the_centre() -> None:
    for lab in LABS:
        if lab.mode.startswith("nearest"):
            for axis, matrix in enumerate(matrices(lab)):
                for i, line in enumerate(matrix):
                    pixel = np.floor(lab._place(axis, i) + 0.5 + 1e-9)  # pixel c covers c - ½ to c + ½
                    assert np.flatnonzero(line).tolist() == [pixel]
                    assert js(lab, "placeOf", axis, i) == lab._place(axis, i)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["nearest-exact", "bilinear", "bicubic"])
def test_curve_is_the_same_row_at_a_much_larger_size(mode: str, align_corners: bool) -> None:
    if mode == "nearest-exact" and align_corners:
        return
    values = [3.0, -1.0, 4.0, 1.0, -5.0]
    lab = UpsamplingLab(image=[values] * 2, size=[2, 9], mode=mode, align_corners=align_corners)
    curve = js(lab, "curveOf", values, lab.output[0].tolist())
    if mode == "nearest-exact":
        assert curve == [[at, value] for c, value in enumerate(values) for at in (c - 0.5, c + 0.5)]
        return
    places, heights = np.transpose(curve)
    assert close(places, (np.arange(120) + 0.5) / 24 - 0.5)  # 24 points for each pixel, at half-pixel centres
    row = np.array(values)[None, None, None]
    assert close(heights, convlib.interpolate(row, size=(1, 120), mode=mode)[0, 0, 0])


def test_output_lies_on_the_curve() -> None:
    for lab in LABS:
        i, n = present(lab)[0], np.shape(lab.image)[1]
        output = js(lab, "resize")["output"][i]
        places, heights = np.transpose(js(lab, "curveOf", lab._mixed.tolist(), output))
        assert places[0] <= -0.4 and places[-1] >= n - 0.6
        if smooth(lab):
            steepest = np.abs(np.diff(heights)).max()
            for j, value in enumerate(output):
                at = lab._place(1, j)
                if places[0] <= at <= places[-1]:
                    assert abs(np.interp(at, places, heights) - value) <= steepest + 1e-9, lab
        elif lab.mode == "area":
            assert heights.tolist() == np.repeat(output, 2).tolist()
            assert close(places[::2], np.arange(lab.size[1]) * n / lab.size[1] - 0.5)
            assert close(places[1::2], np.arange(1, lab.size[1] + 1) * n / lab.size[1] - 0.5)
        else:
            assert heights.tolist() == np.repeat(lab._mixed, 2).tolist()


@pytest.mark.parametrize(("mode", "a"), [("bilinear", ()), ("bicubic", (-0.5,))])
@pytest.mark.parametrize("m", [2, 4, 7])
def test_antialiased_curve_is_the_stretched_kernel_at_every_place(
    mode: str, a: tuple[float, ...], m: int
) -> None:
    values = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0])
    lab = upsampling([values] * 2, (2, m), mode, antialias=True)
    kernel = cubic_kernel if a else linear_kernel
    for place, height in js(lab, "curveOf", values.tolist(), lab.output[0].tolist()):
        weights = kernel((np.arange(6) - place) / max(6 / m, 1), *a)
        assert height == pytest.approx((weights / weights.sum()) @ values)


def test_a_touch_of_the_strip_finds_the_nearest_column() -> None:
    lab = upsampling(size=(4, 8), mode="bilinear")
    found = [js(lab, "columnAt", share / 100) for share in range(101)]
    assert found == sorted(found)
    assert set(found) == set(range(8))
    assert js(lab, "columnAt", 0.5 + 0.95 / 16) == 4  # the strip has 2.5 % on both sides
    lab.align_corners = True
    assert js(lab, "columnAt", 0) == 0 and js(lab, "columnAt", 1) == 7


# --- in words ---


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in LABS:
        for function, words in (
            ("modeInWords(state)", lab.mode_in_words()),
            ("placeInWords(state, 0, resize(state))", lab.place_in_words(0)),
            ("placeInWords(state, 1, resize(state))", lab.place_in_words(1)),
            ("sumInWords(state, resize(state))", lab.sum_in_words()),
            ("readingInWords(resize(state))", lab.reading_in_words()),
            ("rangeInWords(state, resize(state))", lab.range_in_words()),
            ("stripInWords(state, resize(state))", lab.strip_in_words()),
        ):
            assert js(lab, f"(state => {function})") == words, lab


def test_places_in_words() -> None:
    lab = upsampling(size=7, position=(3, 6))
    assert lab.place_in_words(0) == "Output row 3 reads row ⌊3 · 4/7⌋ = 1."
    lab.mode = "nearest-exact"
    assert lab.place_in_words(1) == "Output column 6 reads column ⌊(6 + ½) · 4/7⌋ = 3."
    lab.mode = "area"
    assert lab.place_in_words(0) == (
        "Output row 3 reaches from 1.714 to 2.286, measured from the edge, "
        "and touches rows 1 and 2, 1/2 each."
    )
    assert lab.place_in_words(1) == (
        "Output column 6 reaches from 3.429 to 4, measured from the edge, and touches column 3 alone."
    )
    lab = upsampling(mode="bilinear", position=(1, 0))
    assert lab.place_in_words(0) == (
        "Output row 1 lies at (1 + ½) · 4/8 − ½ = 0.25: 0.75 of row 0 and 0.25 of row 1."
    )
    assert lab.place_in_words(1) == (
        "Output column 0 lies at (0 + ½) · 4/8 − ½ = −0.25: 1 of column 0; "
        "beyond the edge column 0 counts again."
    )
    lab.align_corners = True
    assert lab.place_in_words(0) == (
        "Output row 1 lies at 1 · (4 − 1)/(8 − 1) = 0.4286: 0.5714 of row 0 and 0.4286 of row 1."
    )
    lab.size = [1, 2]
    assert lab.place_in_words(0) == "The only output row lies at 0: 1 of row 0."
    lab.antialias, lab.position = True, [0, 1]
    assert lab.place_in_words(1) == (
        "Output column 1 lies at (1 + ½) · (4 − 1)/(2 − 1) − ½ = 4: 0.3333 of column 2 "
        "and 0.6667 of column 3; the kernel is 3 times as wide."
    )
    lab = upsampling([[0, 1], [0, 1]], 4, "bicubic", position=1)
    assert lab.place_in_words(0).endswith("; beyond the edges rows 0 and 1 count again.")


def test_sums_in_words() -> None:
    lab = upsampling(mode="bilinear", position=(1, 3))
    assert lab.sum_in_words() == "0.5625 · 0 + 0.1875 · 1 + 0.1875 · 0 + 0.0625 · 1 = 0.25"
    lab.mode, lab.size, lab.position = "area", [2, 3], [0, 1]
    assert lab.sum_in_words() == "(0 + 1 + 0 + 1) / 4 = 0.5"
    lab.image, lab.mode = [[-2.5, 3.0]] * 2, "nearest"
    assert lab.sum_in_words() == "1 · (−2.5) = −2.5"
    lab = upsampling(np.arange(36).reshape(6, 6), 1, "area")
    assert lab.sum_in_words() == "(0 + 1 + 2 + … + 35) / 36 = 17.5"


def test_what_is_read_in_words() -> None:
    lab = upsampling(size=3)
    assert lab.reading_in_words() == (
        "The output pixel reads 1 of 16 pixels; the weights add up to 1. "
        "7 pixels are read by no output pixel at all."
    )
    lab.mode = "bicubic"
    assert "reads 9 of 16 pixels, 4 with a negative weight;" in lab.reading_in_words()
    assert lab.reading_in_words().endswith("Every pixel is read by some output pixel.")
    lab.size = [4, 4]
    assert "negative" not in lab.reading_in_words()
    assert "15 pixels are" in upsampling(size=1).reading_in_words()


def test_bicubic_overshoots_and_the_others_do_not() -> None:
    lab = upsampling(mode="bicubic")
    assert lab.range_in_words() == (
        "The image reaches from 0 to 1, the output from −0.1055 to 1.105: "
        "it overshoots by 0.1055 below and 0.1055 above."
    )
    assert lab.output.min() == -0.10546875  # 0.75 · (¼ · ¾²): the weight of the far pixel at a quarter
    for mode in ("nearest", "nearest-exact", "bilinear", "area"):
        lab.mode = mode
        assert lab.range_in_words().endswith("no overshoot.")
    for lab in LABS:
        low, high = np.min(lab.image), np.max(lab.image)
        over = resized(lab).max() > high + 1e-9 or resized(lab).min() < low - 1e-9
        assert over == ("overshoots" in lab.range_in_words())
        if lab.mode != "bicubic":
            assert not over


def test_shrinking_without_antialias_leaves_pixels_out() -> None:
    image = np.indices((6, 6)).sum(axis=0) % 2
    lab = upsampling(image, 2, "bilinear")
    assert "20 pixels are read by no" not in lab.reading_in_words()
    assert lab.unread.sum() == 36 - 2 * 2  # at 1 and 4, exactly: one pixel each
    lab.mode = "bicubic"
    assert lab.unread.sum() == 32
    lab.antialias = True
    assert not lab.unread.any()
    for lab in LABS:  # as the sentence says
        for axis, matrix in enumerate(lab.matrices):
            if lab._wide and lab._scale(axis) > 1:
                assert np.abs(matrix).max(axis=0).min() > 1e-9


def test_both_options_together_do_not_align_the_corners() -> None:
    lab = upsampling([[0, 1, 2, 3, 4]] * 2, (2, 3), "bilinear", True)
    assert lab.output[0].tolist() == [0, 2, 4]
    assert "the first and the last of both images lie on each other" in lab.mode_in_words()
    lab.antialias = True
    assert lab.output[0].tolist() == pytest.approx([5 / 7, 2.5, 3.75])  # torch's numbers
    assert "the corners are not aligned" in lab.mode_in_words()


def test_numbers_of_the_images_to_choose() -> None:
    edge = [[0, 0, 1, 1]] * 4
    assert call("upsampling", "presetImage", "edge", 4, 4) == edge == upsampling().image
    assert call("upsampling", "presetImage", "dot", 4, 3) == [[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert call("upsampling", "presetImage", "ramp", 2, 4) == [[0, 1, 2, 3]] * 2
    assert call("upsampling", "presetImage", "checkerboard", 2, 3) == [[0, 1, 0], [1, 0, 1]]
    for key in IMAGES:
        assert call("upsampling", "presetOf", call("upsampling", "presetImage", key, 5, 6)) == key
    assert call("upsampling", "presetOf", [[1, 2], [3, 4]]) == ""


def test_numbers_in_the_squares_are_rounded_and_short() -> None:
    values = [0, 1, -3, 0.25, 1 / 3, -2 / 3, 12.3456, 0.004, -0.0012, 5.005]
    assert [call("upsampling", "inCell", value) for value in values] == [
        "0", "1", "−3", "0.25", "0.33", "−0.67", "12.35", "0.004", "−0.001", "5.01",
    ]  # fmt: skip


# --- without a script ---


def value(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize("lab", LABS[:60], ids=repr)
def test_still_result_holds_the_numbers(lab: UpsamplingLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")

    def rows(start: str) -> list[Any]:
        caption = next(one for one in page.find_all("caption") if one.text.startswith(start))
        return [row("td") for row in caption.parent("tr")]

    def table(cells: list[Any]) -> np.ndarray:
        return np.array([[value(cell.text) for cell in row] for row in cells])

    def near(one: np.ndarray, other: Any) -> bool:
        return np.allclose(one, other, rtol=1e-3, atol=1e-9)

    i, j = present(lab)
    down, across = matrices(lab)
    image, weights, output = rows("Image"), rows("Weights"), rows("Output")
    assert near(table(image), lab.image)
    assert near(table(output), resized(lab))
    assert near(table([weights[0][1:]])[0], across[j])
    assert near(table([row[:1] for row in weights[1:]])[:, 0], down[i])
    assert near(table([row[1:] for row in weights[1:]]), np.outer(down[i], across[j]))
    bold = [[cell.strong is not None for cell in row] for row in image]
    assert np.array_equal(bold, np.abs(np.outer(down[i], across[j])) > 1e-11)
    assert np.array_equal([[cell("del") != [] for cell in row] for row in image], lab.unread)
    assert ("struck out" in page.text) == bool(lab.unread.any())
    assert [(r, c) for r, row in enumerate(output) for c, cell in enumerate(row) if cell.strong] == [(i, j)]
    for words in (
        lab.mode_in_words(), f"Row {i}, column {j}: {lab.sum_in_words()}", lab.reading_in_words(),
        lab.range_in_words(), lab.place_in_words(0), lab.place_in_words(1), lab.strip_in_words(),
    ):  # fmt: skip
        assert words in page.text


def test_still_result_is_stable_and_names_itself() -> None:
    lab = labs.upsampling(size=(3, 5), mode="bicubic", align_corners=True, antialias=True)
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Upsampling: bicubic, align_corners, antialias, image 4 × 4, output 3 × 5"
    )
    again = labs.upsampling(size=(3, 5), mode="bicubic", align_corners=True, antialias=True)
    assert bundle["text/html"] == again._repr_mimebundle_()[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    lab.mode = "area"  # which looks at neither option
    assert repr(lab) == "Upsampling: area, image 4 × 4, output 3 × 5"


def test_options_of_another_mode_are_kept_and_do_not_count() -> None:
    lab = upsampling(mode="bilinear", align_corners=True, antialias=True)
    before = lab.output
    lab.mode = "area"
    assert np.array_equal(lab.output, upsampling(mode="area").output)
    lab.mode = "bilinear"
    assert np.array_equal(lab.output, before)


def test_roundings_do_not_show() -> None:
    lab = upsampling([[0.1, 0.7], [-0.1, -0.7]], 4, "bilinear", align_corners=True)
    lab.image = [[0.3, 0.3], [-0.3, -0.3]]
    lab.size, lab.position = [7, 2], [3, 0]
    assert lab.sum_in_words().endswith(" = 0")
    assert lab.strip_in_words().endswith("holds 0, 0.")


def test_what_is_not_given_is_chosen() -> None:
    assert upsampling().size == [8, 8]
    assert upsampling([[1, 2, 3], [4, 5, 6]]).size == [4, 6]
    assert upsampling(size=5).size == [5, 5]
    assert upsampling(size=(1, 12), position=(0, 11)).position == [0, 11]
    assert upsampling().position == [0, 0]
    first = upsampling()
    first.image = [[5.0, 5.0], [5.0, 5.0]]
    assert upsampling().image == [[0, 0, 1, 1]] * 4


WRONG = {
    "mode": (
        {"mode": "linear"}, ValueError,
        "mode must be 'nearest', 'nearest-exact', 'bilinear', 'bicubic' or 'area', got 'linear'",
    ),
    "corners": ({"align_corners": 1}, TypeError, "align_corners must be True or False, got 1"),
    "none": ({"align_corners": None}, TypeError, "align_corners must be True or False, got None"),
    "antialias": ({"antialias": "no"}, TypeError, "antialias must be True or False, got 'no'"),
    "corners of nearest": (
        {"align_corners": True}, ValueError,
        "align_corners is for modes 'bilinear' and 'bicubic', got 'nearest'",
    ),
    "antialias of area": (
        {"mode": "area", "antialias": True}, ValueError,
        "antialias is for modes 'bilinear' and 'bicubic', got 'area'",
    ),
    "image": ({"image": "abc"}, ValueError, "image must be a table of finite numbers, got 'abc'"),
    "ragged": (
        {"image": [[1, 2], [3]]}, ValueError, "image must be a table of finite numbers, got [[1, 2], [3]]",
    ),
    "line": ({"image": [1, 2]}, ValueError, "image must be a table of finite numbers, got shape (2,)"),
    "nan": (
        {"image": [[np.nan, 1], [1, 1]]}, ValueError,
        "image must be a table of finite numbers, got shape (2, 2)",
    ),
    "one row": (
        {"image": [[1, 2, 3]]}, ValueError, "image must have 2 to 6 rows and columns here, got shape (1, 3)",
    ),
    "wide": (
        {"image": np.ones((6, 7))}, ValueError,
        "image must have 2 to 6 rows and columns here, got shape (6, 7)",
    ),
    "size": ({"size": 13}, ValueError, "size can be at most 12 here, got (13, 13)"),
    "size 0": ({"size": (0, 3)}, ValueError, "size must be at least 1, got (0, 3)"),
    "half size": ({"size": 2.5}, TypeError, "size must be an integer or 2 integers, got 2.5"),
    "three sizes": ({"size": (1, 2, 3)}, ValueError, "size must be one integer or 2, got (1, 2, 3)"),
    "position": (
        {"position": (0, 8)}, ValueError, "position must be a pixel of the output (8, 8), got (0, 8)",
    ),
    "position -1": ({"position": (-1, 0)}, ValueError, "position must be at least 0, got (-1, 0)"),
    "position a": ({"position": "a"}, TypeError, "position must be an integer or 2 integers, got 'a'"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_calls_are_refused_in_the_callers_words(
    given: dict[str, Any], kind: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(upsampling.__globals__, "UpsamplingLab", None)  # nothing is made before
    with pytest.raises(kind) as error:
        upsampling(**given)
    assert str(error.value) == f"upsampling: {words}"
