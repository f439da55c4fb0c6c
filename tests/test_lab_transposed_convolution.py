"""The transposed convolution lab: its page computes what convlib computes, in numbers and in words."""

import random
import re
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from lab_script import call, state_of

import convlib
from convlib import labs
from convlib.labs.transposed_convolution import (
    LARGEST,
    LONGEST_MATRIX,
    MEANING,
    VIEWS,
    TransposedConvolutionLab,
    transposed_convolution,
)
from convlib.oracles import conv_transpose_by_zeros, conv_transpose_loops

NAME = "transposed_convolution"


def random_lab(seed: int) -> TransposedConvolutionLab:
    """A lab as a reader may leave it: any setting of the sliders; whole numbers or quarters."""
    choose = random.Random(seed)

    def two(what: str, least: int) -> list[int]:
        # small ones more often
        return [min(choose.randint(least, LARGEST[what]) for _ in range(2)) for _ in range(2)]

    def rows(size: list[int]) -> list[list[float]]:
        steps, largest = choose.choice([1, 4]), choose.choice([1, 9])
        return [[choose.randint(-largest, largest) / steps for _ in range(size[1])] for _ in range(size[0])]

    sizes = [[choose.randint(1, 4), choose.randint(1, 4)] for _ in range(2)]
    return TransposedConvolutionLab(
        image=rows(sizes[0]),
        kernel=[[1.0] * sizes[1][1]] * sizes[1][0] if seed % 7 == 0 else rows(sizes[1]),
        stride=[choose.randint(1, 4), choose.randint(1, 4)],
        padding=two("padding", 0),
        output_padding=two("output_padding", 0),
        dilation=two("dilation", 1),
        view=VIEWS[seed % 4],
        position=[choose.randint(0, 12), choose.randint(0, 12)],
    )


RANDOM = [random_lab(seed) for seed in range(700)]
SOUND = [lab for lab in RANDOM if not lab.problem]


def js(lab: TransposedConvolutionLab, function: str, *arguments: object) -> Any:
    return call(NAME, function, state_of(lab), *arguments)


def options(lab: TransposedConvolutionLab) -> dict[str, Any]:
    settings = ("stride", "padding", "output_padding", "dilation")
    return {what: tuple(getattr(lab, what)) for what in settings}


def transposed(lab: TransposedConvolutionLab, image: Any = None, kernel: Any = None) -> np.ndarray:
    """The output, with convlib's function called as a reader would."""
    pixels = np.array(lab.image if image is None else image)
    weight = np.array(lab.kernel if kernel is None else kernel)
    return convlib.conv_transpose2d(pixels[None], weight[None, None], **options(lab))[0]


def test_random_states_reach_every_case() -> None:
    assert len(RANDOM) > len(SOUND) > 300
    assert {lab.view for lab in SOUND} == set(VIEWS)
    assert {tuple(lab.stride) for lab in SOUND} == {(s, t) for s in range(1, 5) for t in range(1, 5)}
    zeros = [side for lab in SOUND for sides in lab._zeros for side in sides]
    assert min(zeros) < 0 < max(zeros)
    assert any(e >= s for lab in SOUND for e, s in zip(lab.output_padding, lab.stride, strict=True))
    said = " ".join(lab.point_in_words() for lab in SOUND)
    for words in (
        "numbers are cut off by the padding", "of its", "all its", "taps meet zeros: 0",
        "the other tap meets", "entries must be 0", "no copy reaches it",
        "1 copy reaches it", "copies reach it",
    ):  # fmt: skip
        assert words in said, words


@pytest.mark.parametrize("function", ["scattered", "gathered", "multiplied"])
def test_every_view_makes_the_output_of_convlib(function: str) -> None:
    for lab in SOUND:
        assert np.array_equal(js(lab, function), transposed(lab)), lab  # quarters: exact
        assert np.array_equal(lab.output, transposed(lab))


def test_output_is_that_of_the_loops() -> None:
    for lab in SOUND[:150]:
        image, weight = np.array(lab.image)[None, None], np.array(lab.kernel)[None, None]
        for loops in (conv_transpose_loops, conv_transpose_by_zeros):
            if loops is conv_transpose_by_zeros and min(min(sides) for sides in lab._zeros) < 0:
                continue
            assert np.array_equal(js(lab, "scattered"), loops(image, weight, **options(lab))[0, 0]), lab


def test_matrix_of_the_page_is_the_convolutions_turned_over() -> None:
    for lab in SOUND:
        entries = js(lab, "matrixOf")
        assert np.array_equal([[one or 0 for one in row] for row in entries], lab.matrix), lab
        assert np.array_equal(lab.matrix @ np.ravel(lab.image), lab.output.ravel())
        settings = {name: value for name, value in options(lab).items() if name != "output_padding"}
        if all(e < s for e, s in zip(lab.output_padding, lab.stride, strict=True)):
            kernel = np.array(lab.kernel)[None, None]
            matrix = convlib.conv_matrix(kernel, (1, *lab.output.shape), **settings)
            assert np.array_equal(lab.matrix, matrix.T)
            assert matrix.shape[0] == np.size(lab.image)


def test_matrix_and_the_convolution_are_adjoint() -> None:
    lab = transposed_convolution(kernel=[[1, 2], [3, 4]], stride=2, output_padding=1)
    image, other = np.array(lab.image), np.arange(49.0).reshape(7, 7)
    there = convlib.conv2d(other[None], np.array(lab.kernel)[None, None], stride=2)[0]
    assert (there * image).sum() == (other * lab.output).sum()


def test_spread_input_convolved_with_the_turned_kernel_is_the_output() -> None:
    for lab in SOUND:
        turned = np.array(lab.kernel)[::-1, ::-1][None, None]
        assert np.array_equal(
            convlib.conv2d(lab.spread[None], turned, dilation=tuple(lab.dilation))[0], lab.output
        )
        drawn = js(lab, "spreadOf")
        kept = [[cell["value"] for cell in row if not cell["cut"]] for row in drawn]
        assert np.array_equal([row for row in kept if row], lab.spread), lab
        kinds = [cell["kind"] for row in drawn for cell in row]
        assert kinds.count("pixel") == np.size(lab.image)
        n, m = (
            (side - 1) * s + 1 for side, s in zip(np.shape(lab.image), lab.stride, strict=True)
        )  # from the first pixel to the last
        assert kinds.count("between") == n * m - np.size(lab.image)


def test_copies_laid_so_far() -> None:
    for lab in SOUND:
        down, across = lab.padding
        height, width = lab.output.shape
        whole = np.array(js(lab, "canvasOf"))
        assert np.array_equal(whole[down : down + height, across : across + width], lab.output)
        if lab.view != "scatter":
            continue
        i, j = lab._present
        place = i * len(lab.image[0]) + j
        assert np.array_equal(js(lab, "canvasOf", place), lab.laid)
        before = np.zeros_like(whole) if not place else np.array(js(lab, "canvasOf", place - 1))
        copy = np.zeros_like(whole)
        for (r, c), weight in zip(lab._landing(), np.ravel(lab.kernel), strict=True):
            copy[r + down, c + across] = weight * lab.image[i][j]
        assert np.array_equal(lab.laid, before + copy)
        places = [(tap["r"], tap["c"]) for tap in js(lab, "landingOf", i, j)]
        assert places == list(lab._landing())


def test_how_many_copies_overlap() -> None:
    for lab in SOUND:
        ones = np.ones(np.shape(lab.image)), np.ones(np.shape(lab.kernel))
        assert np.array_equal(js(lab, "countsOf"), transposed(lab, *ones)), lab
        assert np.array_equal(js(lab, "countsOf"), lab.overlap)
        assert np.array_equal(js(lab, "evenOf"), transposed(lab, image=ones[0]))
        assert np.array_equal(js(lab, "evenOf"), lab.even)
        readers = [js(lab, "readersOf", *at) for at in np.ndindex(*lab.output.shape)]
        assert [len(one) for one in readers] == lab.overlap.ravel().tolist()


def test_pattern_far_from_the_edges_is_the_middle_of_a_large_output() -> None:
    for lab in SOUND:
        made = js(lab, "phasesOf")
        counts, sums = lab._phases()
        assert made["counts"] == counts, lab
        assert np.array_equal(made["sums"], sums)
        # an input so large that its middle does not see the edges
        down, across = lab.stride
        given = {"stride": tuple(lab.stride), "dilation": tuple(lab.dilation)}
        large = np.ones((1, 24, 24))
        middle = convlib.conv_transpose2d(large, np.array(lab.kernel)[None, None], **given)[0]
        assert np.array_equal(middle[12 * down : 13 * down, 12 * across : 13 * across], sums)
        ones = np.ones((1, 1, *np.shape(lab.kernel)))
        middle = convlib.conv_transpose2d(large, ones, **given)[0]
        assert np.array_equal(
            middle[12 * down : 13 * down, 12 * across : 13 * across], np.outer(counts[0], counts[1])
        )


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in SOUND:
        for view in VIEWS:
            lab.view = view
            at = lab._present
            value = float(lab.output[at]) if view != "scatter" else 0
            assert js(lab, "pointInWords", list(at), value) == lab.point_in_words(), lab
            assert js(lab, "wholeInWords") == lab.whole_in_words(), lab


def test_sizes_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        for axis in (0, 1):
            assert js(lab, "sizeInWords", axis) == lab.size_in_words(axis), lab
    for lab in SOUND:
        sizes = tuple(js(lab, "axisOf", axis)["size"] for axis in (0, 1))
        shapes = np.shape(lab.image), np.shape(lab.kernel)
        assert sizes == convlib.conv_transpose_output_size(*shapes, **options(lab)) == lab.output.shape
        for axis in (0, 1):
            formula, _, told = lab.size_in_words(axis).partition(";")
            first, second, size = (part.replace("−", "-").replace("·", "*") for part in formula.split(" = "))
            assert eval(first) == eval(second) == int(size) == sizes[axis]
            came, went = told.split(" takes ")[1].split(" to ")[:2]
            settings = (one[axis] for one in (lab.stride, lab.padding, lab.dilation))
            stride, padding, dilation = settings
            for given in map(int, re.findall(r"\d+", came)):
                back = convlib.conv_output_size(given, shapes[1][axis], stride, padding, dilation)
                assert back == int(went.partition(",")[0])


def test_impossible_settings_are_told_in_the_same_cases_and_words() -> None:
    for lab in RANDOM:
        assert js(lab, "problemOf") == lab.problem
        if not lab.problem:
            continue
        assert lab.problem in "".join(lab.still())
        for compute in (transposed, lambda one: one.output):
            with pytest.raises(ValueError, match=r"output_padding must be smaller|leaves nothing"):
                compute(lab)
    assert {lab.problem.partition(" ")[0] for lab in RANDOM} == {"", "Output", "Padding"}


def test_views_are_explained_in_the_same_words() -> None:
    assert call(NAME, "(() => MEANING)") == MEANING
    assert list(call(NAME, "(() => VIEWS)")) == list(VIEWS)
    limits = call(NAME, "(() => LIMITS)")
    assert {what: most for what, (_, most) in limits.items()} == LARGEST


def test_dust_of_roundings_is_zero() -> None:
    lab = transposed_convolution([[1, 1, 1]], [[0.1, 0.2, -0.3]], stride=1, view="gather", position=(0, 2))
    assert 0 < abs(lab.output[0, 2]) < 1e-16
    assert lab.point_in_words() == "(−0.3) · 1 + 0.2 · 1 + 0.1 · 1 = 0"
    assert js(lab, "pointInWords", [0, 2], lab.output[0, 2]) == lab.point_in_words()
    assert js(lab, "wholeInWords") == lab.whole_in_words()
    table = BeautifulSoup("".join(lab.still()), "html.parser")("table")[-1]
    assert [cell.text for cell in table("td")] == ["0.1", "0.3", "0", "−0.1", "−0.3"]


# --- what a transposed convolution does ---


def test_copies_are_laid_a_stride_apart_and_added_up() -> None:
    lab = transposed_convolution([[1, 2, 3]], [[1, 10]], stride=1)
    assert lab.output.tolist() == [[1 * 1, 1 * 10 + 2 * 1, 2 * 10 + 3 * 1, 3 * 10]]
    lab.position = [0, 1]
    assert lab.laid.tolist() == [[1, 10 + 2, 20, 0]]
    assert lab.point_in_words() == "2 · kernel, with its first tap at row 0·1 − 0 = 0, column 1·1 − 0 = 1"
    lab.stride = [1, 2]
    assert lab.output.tolist() == [[1, 10, 2, 20, 3, 30]]


def test_padding_cuts_off() -> None:
    lab = transposed_convolution(padding=1)
    assert lab.output.shape == (5, 5)
    assert np.array_equal(lab.output, transposed_convolution().output[1:-1, 1:-1])
    assert lab.point_in_words() == (
        "1 · kernel, with its first tap at row 0·2 − 1 = −1, column 0·2 − 1 = −1; "
        "5 of its 9 numbers are cut off by the padding"
    )
    assert lab.whole_in_words() == (
        # 81 less those on the border of the 7 × 7: corners, and sides where two copies meet
        "9 copies of 9 numbers: 81 multiply-adds, of which 32 are cut off by the padding."
    )
    lab = transposed_convolution([[5]], padding=1)
    assert lab.output.tolist() == [[5]]
    lab = transposed_convolution([[1, 2, 3]], [[1]], stride=1, padding=(0, 1), position=0)
    assert lab.point_in_words().endswith("= −1; its only number is cut off by the padding")


def test_output_padding_makes_more_room_and_is_no_frame_of_zeros() -> None:
    lab = transposed_convolution(padding=1, output_padding=1)
    assert lab.output.shape == (6, 6)
    whole = transposed_convolution().output
    assert np.array_equal(lab.output, whole[1:, 1:])  # what padding had cut off comes back
    assert lab.output[-1].any()
    assert lab.size_in_words(0) == (
        "(3 − 1)·2 − 2·1 + 1·(3 − 1) + 1 + 1 = 4 − 2 + 2 + 1 + 1 = 6; "
        "a convolution with the same settings takes 5 and 6 rows to 3"
    )


def test_output_padding_that_is_too_large_is_explained() -> None:
    lab = transposed_convolution()
    lab.output_padding = [0, 2]
    assert lab.problem == (
        "Output padding 2 is too much for the columns: it must be smaller than the stride (2) or the "
        "dilation (1). It chooses among the sizes that a convolution with stride 2 takes to 3 columns, and "
        "there are 2."
    )
    lab.stride, lab.output_padding = [1, 1], [1, 0]
    assert lab.problem.endswith("takes to 3 rows, and there is only one.")
    lab.dilation = [2, 1]  # larger than the output padding
    assert lab.problem == ""
    assert lab.size_in_words(0).endswith(
        "= 8; a convolution with the same settings takes 8 rows to 4, not to 3"
    )
    assert "without the windows that are more than the pixels here" in (
        transposed_convolution(stride=1, dilation=2, output_padding=1, view="matrix").whole_in_words()
    )


def test_stride_one_and_padding_keep_the_size() -> None:
    lab = transposed_convolution(stride=1, padding=1)
    assert lab.output.shape == (3, 3)  # transposed, and not enlarged
    assert lab.size_in_words(1).endswith(
        "= 3; a convolution with the same settings takes only 3 columns to 3"
    )


def test_kernel_is_turned_for_the_window() -> None:
    kernel = np.arange(1, 10).reshape(3, 3)
    lab = transposed_convolution(
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]], kernel, stride=1, padding=1, view="gather"
    )
    assert np.array_equal(lab.output, kernel)  # a dot comes out as the kernel, not turned
    assert lab.point_in_words().startswith("5 · 0 + 4 · 0 + 2 · 0 + 1 · 1 = 1; the other 5 taps meet zeros")


def test_window_and_row_of_the_matrix_make_the_same_sum() -> None:
    lab = transposed_convolution(view="gather", position=(2, 2))
    assert lab.point_in_words() == "1 · 1 + 1 · 2 + 1 · 4 + 1 · 5 = 12; the other 5 taps meet zeros"
    assert lab.whole_in_words() == (
        "49 windows of 9 taps: 441 multiply-adds; 81 of them meet a pixel of the input, the others a zero."
    )
    lab.view = "matrix"
    assert lab.point_in_words() == (
        "row 2·7 + 2 = 16 of Cᵀ times x: 1 · 1 + 1 · 2 + 1 · 4 + 1 · 5 = 12; its other 5 entries must be 0"
    )
    assert lab.whole_in_words() == (
        "C is the convolution from 7 × 7 to 3 × 3 with the same kernel and settings: 9 rows, one for each "
        "window. Cᵀ has 49 rows, one for each pixel of the output; 81 of its 441 entries are weights, the "
        "others must be 0."
    )
    lab.view = "overlap"
    assert lab.point_in_words() == "4 copies reach it, from pixels (0, 0), (0, 1), (1, 0) and (1, 1)"


OVERLAPS = {
    "checkerboard": (
        {},
        "A checkerboard: far from the edges each pixel gets 1, 2 or 4 copies, along the rows 2 and 1 by "
        "turns (kernel 3, stride 2), along the columns 2 and 1 by turns (kernel 3, stride 2). An input of "
        "ones becomes 1 to 4 there.",
    ),
    "kernel divisible by the stride": (
        {"kernel": np.ones((4, 4))},
        "No pattern: far from the edges each pixel gets 4 copies, along the rows 2 (kernel 4, stride 2), "
        "along the columns 2 (kernel 4, stride 2). An input of ones becomes 4 everywhere there.",
    ),
    "bilinear": (
        {"kernel": np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])},
        "A checkerboard: far from the edges each pixel gets 1, 2 or 4 copies, along the rows 2 and 1 by "
        "turns (kernel 3, stride 2), along the columns 2 and 1 by turns (kernel 3, stride 2). But this "
        "kernel evens it out: an input of ones becomes 1 everywhere there.",
    ),
    "uneven weights": (
        {"kernel": [[1, 2], [3, 4]]},
        "No pattern: far from the edges each pixel gets 1 copy, along the rows 1 (kernel 2, stride 2), along "
        "the columns 1 (kernel 2, stride 2). But this kernel is uneven itself: an input of ones becomes 1 to "
        "4 there.",
    ),
    "stripes": (
        {"kernel": np.ones((2, 3))},
        "Stripes: far from the edges each pixel gets 1 or 2 copies, along the rows 1 (kernel 2, stride 2), "
        "along the columns 2 and 1 by turns (kernel 3, stride 2). An input of ones becomes 1 to 2 there.",
    ),
    "holes": (
        {"dilation": (2, 1), "kernel": np.ones((3, 2))},
        "Stripes: far from the edges each pixel gets 0 or 3 copies, along the rows 3 and 0 by turns (kernel "
        "3, stride 2, dilation 2), along the columns 1 (kernel 2, stride 2). An input of ones becomes 0 to 3 "
        "there.",
    ),
}


@pytest.mark.parametrize(("settings", "words"), OVERLAPS.values(), ids=OVERLAPS)
def test_overlap_in_words(settings: dict[str, Any], words: str) -> None:
    lab = transposed_convolution(**settings, view="overlap")
    assert lab.whole_in_words() == words
    assert js(lab, "wholeInWords") == words


# --- presets of the page ---


def test_numbers_to_begin_with_are_presets_of_the_page() -> None:
    lab = transposed_convolution()
    assert call(NAME, "((rows) => presetOf(IMAGES, rows))", lab.image) == "counted"
    assert call(NAME, "((rows) => presetOf(KERNELS, rows))", lab.kernel) == "ones"


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (4, 4), (2, 3)])
def test_bilinear_kernel_evens_out_a_stride_of_half_its_size(size: tuple[int, int]) -> None:
    kernel = np.array(call(NAME, "((h, w) => preset(KERNELS, 'bilinear', h, w))", *size))
    strides = tuple((k + 1) // 2 for k in size)
    lab = TransposedConvolutionLab(image=[[1.0]], kernel=kernel.tolist(), stride=list(strides))
    assert np.array_equal(lab._phases()[1], np.ones(strides))
    assert np.array_equal(kernel, kernel[::-1, ::-1])


def test_a_preset_stays_that_preset_in_another_size() -> None:
    grown = "((rows, h, w) => refitted(KERNELS, rows, h, w))"
    bilinear = np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]).tolist()
    quarters = np.array([0.25, 0.75, 0.75, 0.25])
    assert np.array_equal(call(NAME, grown, bilinear, 4, 4), np.outer(quarters, quarters))
    assert call(NAME, grown, [[1, 2], [3, 4]], 3, 3) == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert call(NAME, grown, [[7, 8], [9, 6]], 3, 1) == [[7], [9], [1]]  # other numbers stay where they are


# --- without a script ---


def value(text: str) -> float:
    return float(text.replace("−", "-") or 0)


@pytest.mark.parametrize("lab", [random_lab(seed) for seed in range(100)], ids=repr)
def test_still_result_holds_the_numbers(lab: TransposedConvolutionLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")
    for axis in (0, 1):
        assert lab.size_in_words(axis) in page.text
    assert MEANING[lab.view] in page.text
    if lab.problem:
        assert not page.find_all("table")
        return

    def rows(start: str) -> Any:
        caption = next(one for one in page.find_all("caption") if one.text.startswith(start))
        return [row("td") for row in caption.parent("tr") if not row("th")]

    def table(start: str) -> np.ndarray:
        return np.array([[value(cell.text) for cell in row] for row in rows(start)])

    def bold(start: str) -> list[tuple[int, int]]:
        cells = enumerate(rows(start))
        return [(r, c) for r, row in cells for c, cell in enumerate(row) if cell.find("strong")]

    def close(one: np.ndarray, other: Any) -> bool:
        return np.allclose(one, other, rtol=1e-3, atol=1e-9)

    i, j = lab._present
    assert close(table("Input"), lab.image)
    assert close(table("Kernel"), lab.kernel)
    assert close(table("Output"), lab.output)
    assert lab.point_in_words() in page.text
    assert lab.whole_in_words() in page.text
    if lab.view == "scatter":
        assert bold("Input") == [(i, j)]
        assert close(table("The copy"), lab.image[i][j] * np.array(lab.kernel))
        assert close(table("Cop"), lab.laid)
        (down, across), (height, width) = lab.padding, lab.output.shape
        landing = list(lab._landing())
        assert bold("Cop") == [(r + down, c + across) for r, c in landing]
        assert bold("Output") == [(r, c) for r, c in landing if 0 <= r < height and 0 <= c < width]
        assert len(page.find_all("del")) == lab.laid.size - lab.output.size
        return
    assert bold("Output") == [(i, j)]
    assert len(bold("Input")) == len(bold("Kernel")) == lab.overlap[i, j]
    if lab.view == "gather":
        assert close(table("Input, spread out"), lab.spread)
        assert close(table("Kernel, turned"), np.array(lab.kernel)[::-1, ::-1])
        window = np.array([table("Input, spread out")[at] for at in bold("Input, spread out")])
        turned = np.ravel(np.array(lab.kernel)[::-1, ::-1])
        assert (window * turned).sum() == pytest.approx(lab.output[i, j], abs=0.1)
    elif lab.view == "matrix":
        present = i * lab.output.shape[1] + j
        if len(lab.matrix) > LONGEST_MATRIX:
            written = [[value(cell.text) for cell in row[1:]] for row in rows(f"Row {present} of the")]
            assert close(np.array(written), lab.matrix[[present]])
        else:
            written = [[value(cell.text) for cell in row[1:]] for row in rows("Cᵀ")]
            assert close(np.array(written), lab.matrix)
            filled = sum(bool(cell.text) for row in rows("Cᵀ") for cell in row[1:])
            assert filled == lab.overlap.sum()
            assert {r for r, _ in bold("Cᵀ")} == {present}
    else:
        assert close(table("Copies that reach"), lab.overlap)
        assert close(table("What an input of ones"), lab.even)


def test_still_result_is_stable_and_names_itself() -> None:
    settings = {"kernel": np.ones((2, 4)), "stride": (2, 3), "padding": 1, "view": "gather"}
    bundle = labs.transposed_convolution(**settings)._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Transposed convolution: gather, input 3 × 3, kernel 2 × 4, stride [2, 3], padding [1, 1], "
        "output padding [0, 0], dilation [1, 1]"
    )
    assert bundle["text/html"] == labs.transposed_convolution(**settings)._repr_mimebundle_()[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_position_is_that_of_the_reader_in_every_view() -> None:
    for view in VIEWS:
        assert transposed_convolution(view=view, position=(2, 1)).position == [2, 1]
    lab = transposed_convolution(view="overlap", position=(6, 5))
    lab.view = "scatter"
    assert lab._present == (2, 2)
    lab.view = "matrix"
    assert lab._present == (6, 5)  # nothing is forgotten


WRONG = {
    "view": (
        {"view": "copies"},
        ValueError,
        "view must be 'scatter', 'gather', 'matrix' or 'overlap', got 'copies'",
    ),
    "image": ({"image": np.ones((2, 5))}, ValueError, "image can be at most 4 here, got (2, 5)"),
    "kernel": ({"kernel": np.ones((5, 5))}, ValueError, "kernel can be at most 4 here, got (5, 5)"),
    "words": ({"image": "abc"}, ValueError, "image must be a table of finite numbers, got 'abc'"),
    "line": ({"kernel": [1, 2]}, ValueError, "kernel must be a table of finite numbers, got shape (2,)"),
    "empty": ({"image": [[]]}, ValueError, "image must be a table of finite numbers, got shape (1, 0)"),
    "nan": ({"image": [[np.nan]]}, ValueError, "image must be a table of finite numbers, got shape (1, 1)"),
    "large": (
        {"kernel": [[1, -2e6]]},
        ValueError,
        "kernel can hold numbers up to a million here, got -2000000.0",
    ),
    "stride": ({"stride": 5}, ValueError, "stride can be at most 4 here, got (5, 5)"),
    "stride 0": ({"stride": (1, 0)}, ValueError, "stride must be at least 1, got (1, 0)"),
    "half": ({"stride": 0.5}, TypeError, "stride must be an integer or 2 integers, got 0.5"),
    "padding": ({"padding": (0, 4)}, ValueError, "padding can be at most 3 here, got (0, 4)"),
    "negative": ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
    "output padding": (
        {"output_padding": 2},
        ValueError,
        "output_padding must be smaller than stride or dilation, got 2 along spatial axis 0 with stride 2 "
        "and dilation 1",
    ),
    "much output padding": (
        {"output_padding": 4},
        ValueError,
        "output_padding can be at most 3 here, got (4, 4)",
    ),
    "dilation": ({"dilation": 4}, ValueError, "dilation can be at most 3 here, got (4, 4)"),
    "three": ({"dilation": (1, 1, 1)}, ValueError, "dilation must be one integer or 2, got (1, 1, 1)"),
    "nothing left": (
        {"image": [[1]], "padding": 2},
        ValueError,
        "padding 2 on either side leaves nothing of the 3 pixels along spatial axis 0",
    ),
    "pixel": (
        {"position": (3, 0)},
        ValueError,
        "position (3, 0) is outside of the input, which is 3 × 3",
    ),
    "output": (
        {"position": (0, 7), "view": "matrix"},
        ValueError,
        "position (0, 7) is outside of the output, which is 7 × 7",
    ),
    "before": ({"position": (0, -1)}, ValueError, "position must be at least 0, got (0, -1)"),
    "word": ({"position": "a"}, TypeError, "position must be an integer or 2 integers, got 'a'"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_calls_are_refused_in_the_callers_words(
    given: dict[str, Any], kind: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    monkeypatch.setattr(TransposedConvolutionLab, "__init__", lambda self, **_: made.append(self))
    with pytest.raises(kind) as error:
        transposed_convolution(**given)
    assert str(error.value) == f"transposed_convolution: {words}"
    assert made == []  # it is refused before anything is made
