"""The structure lab: what its page computes is what convlib computes, in numbers and in words."""

import random
import re
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from lab_script import call, state_of

from convlib import conv2d, labs, pad
from convlib.labs.structure import KINDS, LAYERS, StructureLab, layer_counts, structure


def random_lab(seed: int) -> StructureLab:
    """A lab as a reader may leave it: line or picture, whole numbers or decimals, marked and moved."""
    choose = random.Random(seed)
    line = choose.random() < 0.5
    size = (1, choose.randint(4, 16)) if line else (choose.randint(3, 6), choose.randint(3, 6))
    k = choose.randint(1, 5)
    digits = choose.choice([0, 0, 2])

    def values(rows: int, columns: int) -> list[list[float]]:
        return [[round(choose.uniform(-9, 9), digits) for _ in range(columns)] for _ in range(rows)]

    return StructureLab(
        kind=choose.choice(KINDS),
        image=values(*size),
        kernel=values(1 if line else k, k),
        wrap=choose.random() < 0.5,
        selected=[choose.randrange(40), choose.randrange(40)],
        shift=[choose.randrange(n) for n in size],
        layer=choose.choice(list(LAYERS)),
    )


RANDOM = [random_lab(seed) for seed in range(400)]
SOUND = [lab for lab in RANDOM if not lab.problem]


def js(lab: StructureLab, function: str, *arguments: object) -> Any:
    return call("structure", function, state_of(lab), *arguments)


def test_random_states_reach_every_case() -> None:
    cases = {(lab.kind, len(lab.image) == 1, lab.wrap) for lab in SOUND}
    assert len(cases) == 3 * 2 * 2
    assert {len(lab.kernel[0]) for lab in SOUND} == {1, 2, 3, 4, 5}
    assert len(RANDOM) > len(SOUND) > 300


def test_matrix_of_the_page_is_pythons() -> None:
    for lab in SOUND:
        assert np.array_equal(js(lab, "matrixOf"), lab.matrix), lab


def test_output_of_the_page_is_pythons() -> None:
    for lab in SOUND:
        assert np.allclose(js(lab, "movedAlong")["before"], lab.output, atol=1e-9), lab


def test_convolution_is_conv2d() -> None:
    for lab in SOUND:
        if lab.kind == "convolution":
            image, (down, across) = np.array(lab.image)[None], (n - 1 for n in np.shape(lab.kernel))
            if lab.wrap:
                image = pad(image, (0, across, 0, down), "circular")
            expected = conv2d(image, np.array(lab.kernel)[None, None])[0]
            assert np.allclose(lab.output, expected), lab


def test_moved_input_and_its_output_are_pythons() -> None:
    for lab in SOUND:
        moved = js(lab, "movedAlong")
        rolled = np.roll(lab.image, lab.shift, (0, 1))
        assert np.array_equal(moved["image"], rolled)
        output = (lab.matrix @ rolled.ravel()).reshape(lab.output.shape)
        assert np.allclose(moved["after"], output, atol=1e-9)


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in SOUND:
        rows, columns = lab.matrix.shape
        i, j = min(lab.selected[0], rows - 1), min(lab.selected[1], columns - 1)
        assert js(lab, "entryInWords", i, j) == lab.entry_in_words()
        (ours, number), (theirs, other) = map(
            without_difference, (lab.moved_in_words(), js(lab, "movedInWords"))
        )
        assert ours == theirs
        assert number == pytest.approx(other, rel=0 if is_whole(lab) else 1e-3)  # a tie rounds up or down


def is_whole(lab: StructureLab) -> bool:
    return all(value == int(value) for row in lab.image + lab.kernel for value in row)


def without_difference(sentence: str) -> tuple[str, float]:
    """The sentence without its largest difference, and that number."""
    found = re.search(r"(?<=largest difference )[\d.]+", sentence)
    return (sentence.replace(found[0], "", 1), float(found[0])) if found else (sentence, 0.0)


def test_counts_of_the_page_are_pythons() -> None:
    for lab in SOUND:
        counts = js(lab, "ownCounts")
        assert {kind: one["count"] for kind, one in counts.items()} == lab.counts
        assert lab.free_weights == lab.counts[lab.kind]


def test_impossible_sizes_are_told_in_the_same_cases_and_words() -> None:
    for lab in RANDOM:
        assert js(lab, "problemOf") == lab.problem
        if lab.problem:
            assert lab.problem in "".join(lab.still())
            with pytest.raises(ValueError, match="No window fits"):
                lab.matrix  # noqa: B018


@pytest.mark.parametrize("size", [4, 5, 16, (3, 3), (3, 6), (6, 4)])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("wrap", [False, True])
def test_python_refuses_what_the_page_cannot_show(size: Any, kernel_size: int, wrap: bool) -> None:
    image, k = np.zeros(size if isinstance(size, tuple) else (1, size)), kernel_size
    kernel = np.zeros((k if isinstance(size, tuple) else 1, k))
    state = {"image": image.tolist(), "kernel": kernel.tolist(), "wrap": wrap}
    trouble = call("structure", "problemOf", state)
    if not trouble:
        assert structure("convolution", size, kernel_size, wrap).matrix.shape[1] == image.size
        return
    with pytest.raises(ValueError) as error:
        structure("convolution", size, kernel_size, wrap)
    assert str(error.value) == f"structure: n{str(trouble)[1:-1]}"


# --- what the structures are ---


def test_each_structure_gives_up_freedom() -> None:
    dense, local, shared = (structure(kind).matrix for kind in KINDS)
    assert (dense != 0).all()
    inside = np.array([[i <= j < i + 3 for j in range(8)] for i in range(6)])
    assert np.array_equal(local, dense * inside)
    assert np.array_equal(shared != 0, inside)
    for offset in range(3):
        assert len(set(np.diag(shared, offset)[: 6 - offset])) == 1


def test_matrix_of_a_picture_is_made_of_equal_blocks() -> None:
    matrix = structure("convolution", (4, 4), 2).matrix  # 3 × 3 outputs, 4 × 4 pixels
    blocks = matrix.reshape(3, 3, 4, 4).swapaxes(1, 2)
    assert np.array_equal(blocks[0, 0], blocks[1, 1])
    assert np.array_equal(blocks[0, 1], blocks[2, 3])
    assert not blocks[0, 2].any()


def test_around_the_end_the_matrix_is_square_and_moves_with_the_input() -> None:
    for size in (7, (4, 5)):
        lab = structure("convolution", size, 3, wrap=True)
        assert lab.matrix.shape == (np.size(lab.image),) * 2
        for shift in np.ndindex(*np.shape(lab.image)):
            lab.shift = list(shift)
            assert js(lab, "movedAlong")["difference"] == 0
            if any(shift):
                assert f"{lab.output.size} of {lab.output.size} outputs agree." in lab.moved_in_words()


def test_outputs_that_stay_inside_agree_and_the_others_are_new() -> None:
    lab = structure("convolution", 8, 3)
    lab.shift = [0, 1]
    assert lab.moved_in_words() == (
        "The output has moved along (largest difference 0): 5 of 5 outputs agree. 1 window now lies across "
        "the seam where the ends meet: there is no earlier output to compare."
    )
    lab.shift = [0, 3]  # two windows lie across the seam, one is wholly behind it
    assert "4 of 4 outputs agree. 2 windows now lie across" in lab.moved_in_words()


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("wrap", [False, True])
def test_without_sharing_the_output_does_not_move_along(kind: str, wrap: bool) -> None:
    lab = structure(kind, wrap=wrap)
    lab.shift = [0, 1]
    assert lab.moved_in_words().startswith("The output has not moved along (largest difference ")
    before, after = lab.output.ravel(), lab.matrix @ np.roll(lab.image, 1)[0]
    start = 0 if wrap else 1
    largest = np.abs(np.roll(before, 1) - after)[start:].max()
    assert f"(largest difference {largest:.0f})" in lab.moved_in_words()


def test_decimals_that_are_rounded_on_their_way_still_agree() -> None:
    lab = structure("convolution", 5, 3, wrap=True)
    lab.image, lab.kernel, lab.shift = [[0.1, 0.2, 0.3, 0.7, 1.1]], [[0.1, 0.7, -0.3]], [0, 2]
    assert lab.moved_in_words() == "The output has moved along (largest difference 0): 5 of 5 outputs agree."
    assert js(lab, "movedInWords") == lab.moved_in_words()


def test_words_about_an_entry() -> None:
    lab = structure()
    lab.selected = [3, 5]
    assert lab.entry_in_words() == (
        "Row 3, column 5: 3, a weight of its own, used once: from pixel 5 to output 3."
    )
    lab.kind = "locally connected"
    assert lab.entry_in_words() == (
        "Row 3, column 5: 3, a weight of its own, used once: pixel 5 in the window of output 3."
    )
    lab.kind = "convolution"
    assert lab.entry_in_words() == (
        "Row 3, column 5: w[2] = −3, pixel 5 in the window of output 3. "
        "The same weight stands at 6 places, one in each row."
    )
    lab.selected = [1, 7]
    assert lab.entry_in_words() == "Row 1, column 7 must be 0: pixel 7 is outside of the window of output 1."
    picture = structure("convolution", (5, 5))
    picture.selected = [2, 7]
    assert "w[1, 0] = 5, pixel (1, 2) in the window of output (0, 2)." in picture.entry_in_words()


# --- counting ---


def test_counts_of_real_layers() -> None:
    assert layer_counts(*LAYERS["vgg"][1:]) == {
        "fully connected": 64 * 224 * 224 * 3 * 224 * 224,
        "locally connected": 64 * 224 * 224 * 3 * 3 * 3,
        "convolution": 1728,
    }
    for image, kernel, maps in (one[1:] for one in LAYERS.values()):
        padding = (maps[1] - image[1] + kernel[0] - 1) // 2
        assert maps[1:] == tuple(n + 2 * padding - k + 1 for n, k in zip(image[1:], kernel, strict=True))


def test_layers_of_the_page_are_pythons() -> None:
    for name, (title, image, kernel, maps) in LAYERS.items():
        layer = {"image": image, "kernel": kernel, "maps": maps}
        shown = call("structure", "(name => LAYERS[name])", name)
        assert shown == {"title": title, **{what: list(sizes) for what, sizes in layer.items()}}
        counts: Any = call("structure", "countsOf", layer)
        assert {kind: one["count"] for kind, one in counts.items()} == layer_counts(image, kernel, maps)


def test_formulas_of_the_counts() -> None:
    def formulas(lab: StructureLab) -> list[str]:
        return [call("structure", "countInWords", one) for one in js(lab, "ownCounts").values()]  # type: ignore[misc]

    assert formulas(structure()) == ["6 · 8 = 48", "6 · 3 = 18", "3"]
    assert formulas(structure(size=(5, 6))) == [
        "(3·4) · (5·6) = 12 · 30 = 360",
        "(3·4) · (3·3) = 12 · 9 = 108",
        "3·3 = 9",
    ]
    vgg = call("structure", "(() => countsOf(LAYERS.vgg))")
    assert [call("structure", "countInWords", one) for one in vgg.values()] == [  # type: ignore[attr-defined]
        "(64·224·224) · (3·224·224) = 3,211,264 · 150,528 = 483,385,147,392",
        "(64·224·224) · (3·3·3) = 3,211,264 · 27 = 86,704,128",
        "64 · (3·3·3) = 64 · 27 = 1,728",
    ]


def test_formulas_are_true_for_all_states() -> None:
    for lab in SOUND:
        for one in js(lab, "ownCounts").values():
            sides = str(call("structure", "countInWords", one)).split(" = ")
            values = {eval(side.replace("·", "*").replace(",", "")) for side in sides}
            assert values == {one["count"]}


# --- without a script ---


@pytest.mark.parametrize("lab", SOUND[:40], ids=repr)
def test_still_result_holds_the_numbers(lab: StructureLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")

    def table(start: str) -> list[list[str]]:
        caption = next(one for one in page.find_all("caption") if one.text.startswith(start))
        return [[cell.text for cell in row("td")] for row in caption.parent("tr") if not row("th")]

    def value(text: str) -> float:
        return float(text.replace("−", "-") or 0)

    matrix = [[value(cell) for cell in row[1:]] for row in table("The matrix")]
    assert np.allclose(matrix, lab.matrix, rtol=1e-3)
    assert np.allclose(
        [[value(cell) for cell in row] for row in table("Output")], lab.output, rtol=1e-3, atol=1e-9
    )
    assert [value(cell) for row in table("Input") for cell in row] == [
        float(f"{pixel:.4g}") for row in lab.image for pixel in row
    ]
    assert [row[1] for row in table("Weights")] == [f"{lab.counts[kind]:,}" for kind in KINDS]
    assert lab.entry_in_words() in page.text
    assert (lab.moved_in_words() in page.text) == any(lab.shift)
    bold = len(page.find_all("strong"))
    assert bold == (lab.output.size if "same weight" in lab.entry_in_words() else 1)


def test_still_result_is_stable_and_names_itself() -> None:
    lab = labs.structure("convolution", (4, 5), 2)
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "The structure of a layer: convolution, picture 4 × 5, kernel 2 × 2, windows inside only"
    )
    assert bundle["text/html"] == labs.structure("convolution", (4, 5), 2)._repr_mimebundle_()[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_numbers_to_begin_with_are_those_of_the_page() -> None:
    for size, k in ((16, 5), ((6, 6), 5), (4, 1)):
        lab = structure(size=size, kernel_size=k)
        shape, taps = np.shape(lab.image), np.shape(lab.kernel)
        fresh = "((h, w, which) => resized([], h, w, which === 'pixel' ? freshPixel : freshTap))"
        assert call("structure", fresh, *shape, "pixel") == lab.image
        assert call("structure", fresh, *taps, "tap") == lab.kernel
        assert all(lab.kernel[0])


WRONG = {
    "kind": ({"kind": "dense"}, ValueError, "kind must be 'fully connected', 'locally connected' or"),
    "short line": ({"size": 3}, ValueError, "size must be between 4 and 16 for a line, got 3"),
    "long line": ({"size": [17]}, ValueError, "size must be between 4 and 16 for a line, got 17"),
    "picture": (
        {"size": (3, 7)},
        ValueError,
        "size must be between 3 and 6 for the sides of a picture, got (3, 7)",
    ),
    "three axes": ({"size": (3, 3, 3)}, ValueError, "size must be one integer or 2"),
    "fraction": ({"size": 4.5}, TypeError, "size must be an integer"),
    "kernel": ({"kernel_size": 6}, ValueError, "kernel_size must be between 1 and 5, got 6"),
    "kernel 0": ({"kernel_size": 0}, ValueError, "kernel_size must be"),
    "kernels": ({"kernel_size": (3, 3)}, TypeError, "kernel_size must be an integer"),
    "wrap": ({"wrap": "ends"}, TypeError, "wrap must be True or False, got 'ends'"),
    "no room": (
        {"size": 4, "kernel_size": 5, "wrap": True},
        ValueError,
        "no window fits: the kernel spans 5 pixels, the line has 4",
    ),
    "no room in a picture": (
        {"size": (5, 3), "kernel_size": 4},
        ValueError,
        "no window fits: the kernel spans 4 columns, the picture has 3",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_calls_are_told_in_the_callers_words(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(f"structure: {message}")):
        structure(**arguments)
