"""The dilated convolution lab: what its page computes is what convlib computes, in numbers and in words."""

import itertools
import math
import random
import re
from typing import Any

import numpy as np
import pytest
import traitlets
from bs4 import BeautifulSoup
from lab_script import call, state_of

import convlib
from convlib import labs
from convlib.labs.dilated_convolution import LIMITS, DilatedConvolutionLab, dilated_convolution

NAME = "dilated_convolution"


def random_lab(seed: int) -> DilatedConvolutionLab:
    """A lab as a reader may leave it, with the unit anywhere on the line or, after a change, beyond it."""
    choose = random.Random(seed)
    largest = choose.choice([1, 2, 3, 5, 9, 16])
    factor = choose.choice([1, 1, 1, 2, 3]) if largest < 6 else 1
    lab = DilatedConvolutionLab(
        kernel_size=choose.randint(2, 5),
        dilations=[factor * choose.randint(1, largest) for _ in range(1 + seed % 6)],
        causal=choose.random() < 0.4,
        neighbour=choose.random() < 0.5,
    )
    if choose.random() < 0.7:
        end = lab.size
        lab.position = choose.choice([0, 1, 2, end - 1, end, end + 30, choose.randrange(end)])
    return lab


RANDOM = [random_lab(seed) for seed in range(300)]


def js(lab: DilatedConvolutionLab, function: str, *arguments: object) -> Any:
    return call(NAME, function, state_of(lab), *arguments)


def ways_to(lab: DilatedConvolutionLab, unit: int) -> np.ndarray:
    """What the unit makes of one bright pixel, for each of them, through layers of ones."""
    taps = np.ones((1, 1, lab.kernel_size))
    signal = np.eye(lab.size)[:, None]
    for d in lab.dilations:
        if lab.causal:
            signal = np.pad(signal, [(0, 0), (0, 0), (d * (lab.kernel_size - 1), 0)])
        signal = convlib.conv1d(signal, taps, padding=0 if lab.causal else "same", dilation=d)
    return signal[:, 0, unit].astype(int)


def test_random_states_reach_every_case() -> None:
    assert {lab.kernel_size for lab in RANDOM} == {2, 3, 4, 5}
    assert {len(lab.dilations) for lab in RANDOM} == {1, 2, 3, 4, 5, 6}
    assert {(lab.causal, lab.position is None) for lab in RANDOM} == set(
        itertools.product([False, True], repeat=2)
    )
    reasons = {re.split(r"\d", lab.reason_in_words())[0] for lab in RANDOM}
    assert reasons == {
        "In order of size, no dilation is larger than the receptive field of the smaller ones: ",
        "Every dilation is a multiple of ", "No dilation is ", "Dilation ",
    }  # fmt: skip
    words = " ".join(lab.unit_in_words() + lab.neighbour_in_words() for lab in RANDOM)
    assert all(part in words for part in ("ends at one pixel, ", "zeros of the padding", "All "))
    assert all(part in words for part in ("shares none", "reads 1 pixel and"))
    assert any("…" in lab.ways_in_words() for lab in RANDOM)


def test_ways_of_the_page_are_those_through_convlibs_layers() -> None:
    for lab in RANDOM:
        unit = lab._unit
        expected = ways_to(lab, unit)
        assert np.array_equal(lab.ways, expected), lab
        assert js(lab, f"(state => waysFrom(state, {unit}))") == expected.tolist(), lab
        assert js(lab, "unitOf") == unit
        assert js(lab, "besideOf") == lab._beside
        beside = js(lab, "(state => waysFrom(state, besideOf(state)))")
        assert beside == ways_to(lab, lab._beside).tolist()


def test_every_level_of_the_tree_is_that_of_a_lower_stack() -> None:
    for lab in RANDOM[:150]:
        tree = js(lab, "(state => treeOf(state, unitOf(state)))")
        levels, taps = tree["levels"], tree["taps"]
        assert len(levels) == len(taps) + 1 == len(lab.dilations) + 1
        assert levels[0] == [int(at == lab._unit) for at in range(lab.size)]
        for d, above, below, edges in zip(lab.dilations[::-1], levels, levels[1:], taps, strict=False):
            reached = np.flatnonzero(above).tolist()
            assert len(edges) == lab.kernel_size * len(reached)
            for unit in reached:
                ends = [to for start, to in edges if start == unit]
                before = d * (lab.kernel_size - 1) // (1 if lab.causal else 2)
                assert ends == [unit - before + t * d for t in range(lab.kernel_size)]
            sums = [sum(above[start] for start, to in edges if to == at) for at in range(lab.size)]
            assert sums == below


def test_away_from_the_ends_the_ways_are_a_product_of_polynomials() -> None:
    for lab in RANDOM:
        product = np.ones(1, dtype=int)
        for d in lab.dilations:
            spread = np.zeros(convlib.effective_kernel_size(lab.kernel_size, d), dtype=int)
            spread[::d] = 1
            product = np.convolve(product, spread)
        assert np.array_equal(lab.coverage, product)
        assert js(lab, "coverageOf") == product.tolist()
        assert lab.coverage.sum() == lab.kernel_size ** len(lab.dilations)
        assert lab.holes == (product == 0).sum()


def test_order_of_the_layers_changes_neither_ways_nor_field() -> None:
    for dilations in itertools.permutations((1, 2, 5)):
        lab = dilated_convolution(dilations=dilations)
        assert np.array_equal(lab.coverage, dilated_convolution(dilations=(1, 2, 5)).coverage)
        assert lab.receptive_fields[-1] == 17
        assert lab.reason_in_words().endswith("1\xa0≤\xa01, 2\xa0≤\xa03, 5\xa0≤\xa07.")


def test_extents_fields_and_sizes_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        extents = [convlib.effective_kernel_size(lab.kernel_size, d) for d in lab.dilations]
        assert lab.extents == extents
        assert js(lab, "(state => state.dilations.map((d) => extentOf(state, d)))") == extents
        fields = [1 + sum(extents[: at + 1]) - (at + 1) for at in range(len(extents))]
        assert lab.receptive_fields == fields == js(lab, "fieldsOf")
        assert lab.receptive_field == fields[-1]
        assert lab.size == js(lab, "sizeOf") == fields[-1] + 8
        read = np.flatnonzero(ways_to(lab, js(lab, "homeOf")))
        assert (read[0], read[-1]) == (4, lab.size - 5)


def test_without_holes_are_exactly_the_stacks_whose_dilations_the_smaller_ones_fill() -> None:
    for k in (2, 3, 4):
        for count in (1, 2, 3):
            for dilations in itertools.combinations_with_replacement(range(1, 12), count):
                lab = DilatedConvolutionLab(kernel_size=k, dilations=list(dilations))
                filled = lab.reason_in_words().startswith("In order of size")
                assert filled == (lab.holes == 0), lab
                if math.gcd(*dilations) > 1:
                    g = math.gcd(*dilations)
                    assert set(np.flatnonzero(lab.coverage) % g) == {0}


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        for function, words in {
            "fieldInWords": lab.field_in_words(),
            "weightsInWords": lab.weights_in_words(),
            "verdictInWords": lab.verdict_in_words(),
            "reasonInWords": lab.reason_in_words(),
            "unitInWords": lab.unit_in_words(),
            "neighbourInWords": lab.neighbour_in_words(),
            "waysInWords": lab.ways_in_words(),
            "pictureInWords": lab.picture_in_words(),
            "captionInWords": lab._caption,
        }.items():
            assert js(lab, function) == words, (lab, function)


def test_comparison_of_the_page_is_pythons_and_has_the_same_field() -> None:
    for lab in RANDOM:
        assert js(lab, "comparisonOf") == [[name, *counts] for name, counts in lab.comparison.items()]
        own, dense, single = lab.comparison.values()
        k = lab.kernel_size
        assert 1 + dense[0] * (k - 1) == lab.receptive_field == single[1]
        assert own[1:] == (len(lab.dilations) * k, len(lab.dilations) * k * k)
        if dense[0] <= 6:
            other = DilatedConvolutionLab(kernel_size=k, dilations=[1] * dense[0])
            assert other.receptive_field == lab.receptive_field


def test_share_of_a_picture_is_what_convlib_reads_of_one() -> None:
    for lab in (dilated_convolution(dilations=(2, 2, 2)), dilated_convolution(2, (1, 3), causal=True)):
        field, k = lab.receptive_field, lab.kernel_size
        shape, sent = (1, field, field), np.ones((1, 1, 1))
        for at, d in enumerate(lab.dilations[::-1]):
            side = field if at == len(lab.dilations) - 1 else sent.shape[-1] + d * (k - 1)
            sent = convlib.conv2d_input((1, side, side), np.ones((1, 1, k, k)), sent, dilation=d)
        assert sent.shape == shape
        assert np.array_equal(sent[0], np.outer(lab.coverage, lab.coverage))
        assert f"= {np.count_nonzero(sent)} of" in lab.picture_in_words()


# --- what dilation does ---


def test_gridding_reads_every_other_pixel_and_shares_nothing_with_the_neighbour() -> None:
    lab = dilated_convolution(dilations=(2, 2, 2))
    assert lab.coverage.tolist() == [1, 0, 3, 0, 6, 0, 7, 0, 6, 0, 3, 0, 1]
    assert lab.verdict_in_words() == "6 holes: 7 of 13 pixels are read."
    assert lab.reason_in_words() == "Every dilation is a multiple of 2: at most every 2nd pixel is read."
    assert lab.neighbour_in_words() == "The neighbour, unit 11, reads 7 pixels and shares none with unit 10."
    assert "7 · 7 = 49 of 13 · 13 = 169 pixels are read (28.99\xa0%)." in lab.picture_in_words()


def test_one_two_five_leaves_no_hole() -> None:
    lab = dilated_convolution(dilations=(1, 2, 5))
    assert lab.field_in_words() == "Receptive field: 1 + (3 − 1) · (1 + 2 + 5) = 17 pixels."
    assert lab.verdict_in_words() == "No holes: all 17 pixels are read."
    assert lab.comparison == {
        "this stack": (3, 9, 27),
        "dense layers, kernel 3": (8, 24, 72),
        "one dense kernel of 17": (1, 17, 289),
    }


def test_one_two_nine_has_holes_without_a_common_factor() -> None:
    lab = dilated_convolution(dilations=(1, 2, 9))
    assert lab.holes == 2 * (9 - 7)
    assert lab.reason_in_words() == (
        "Dilation 9 is larger than 7, the receptive field of the smaller ones: what lies between its taps is "
        "not filled."
    )
    assert dilated_convolution(dilations=(2, 3)).reason_in_words() == (
        "No dilation is 1: the pixel beside the first is not reached."
    )


@pytest.mark.parametrize("k", [2, 3, 4])
def test_powers_of_the_kernel_size_lead_to_each_pixel_on_one_way(k: int) -> None:
    lab = dilated_convolution(k, (1, k, k * k))
    assert lab.coverage.tolist() == [1] * k**3


def test_causal_units_read_nothing_that_comes_after() -> None:
    lab = dilated_convolution(2, (1, 2, 4, 8), causal=True)
    assert lab.receptive_field == 16
    for unit in range(lab.size):
        lab.position = unit
        ways = lab.ways
        assert not ways[unit + 1 :].any()
        assert ways[max(0, unit - 15) : unit + 1].tolist() == [1] * min(16, unit + 1)
    lab.position = 0
    assert lab.unit_in_words() == (
        "1 of the 2⁴ = 16 ways down from unit 0 ends at one pixel, 0, and 15 in the zeros of the padding."
    )
    assert lab.neighbour_in_words() == "The neighbour, unit 1, reads 2 pixels and shares 1 with unit 0."


def test_unit_at_the_end_has_its_neighbour_before_it() -> None:
    lab = dilated_convolution()
    lab.position = lab.size - 1
    assert lab.neighbour_in_words().startswith("The neighbour, unit 21, reads")
    lab.position = 500  # a shorter line than before: the last unit
    assert lab._unit == 22


def test_words_of_a_single_layer() -> None:
    lab = dilated_convolution(dilations=[4])
    assert lab.field_in_words() == "Receptive field: 1 + (3 − 1) · 4 = 9 pixels."
    assert lab.unit_in_words() == "All 3 ways down from unit 8 end at 3 pixels, from 4 to 12."
    assert lab.ways_in_words() == "Ways to pixels 4 to 12: 1, 0, 0, 0, 1, 0, 0, 0, 1."
    assert dilated_convolution(2, [2]).verdict_in_words() == "1 hole: 2 of 3 pixels are read."


def test_many_ways_are_shortened() -> None:
    lab = dilated_convolution(5, [8] * 3)
    assert (
        lab.ways_in_words() == "Ways to pixels 4 to 100: 1, 0, 0, 0, 0, 0, 0, 0, …, 0, 0, 0, 0, 0, 0, 0, 1."
    )
    assert "…" not in dilated_convolution(dilations=(1, 4, 14)).ways_in_words()  # 39 pixels


# --- the changes that the page makes ---


def test_a_changed_stack_keeps_its_unit_as_seen_from_the_middle() -> None:
    for lab in RANDOM[:100]:
        settings = {"kernel_size": 4, "dilations": [1, 2], "causal": True}
        made = js(lab, "moved", settings)
        if lab.position is None:
            assert made == settings
            continue
        after = DilatedConvolutionLab(**settings)
        wanted = after._home + lab._unit - lab._home
        assert made == {**settings, "position": min(max(wanted, 0), after.size - 1)}


def test_stacks_of_the_menu_are_possible() -> None:
    stacks = call(NAME, "(() => STACKS)")
    assert [settings["dilations"] for _, settings in stacks.values()] == [
        [1, 1, 1], [2, 2, 2], [1, 2, 4], [1, 2, 5], [1, 3, 9], [1, 2, 4, 8],
    ]  # fmt: skip
    holes = [dilated_convolution(**settings).holes for _, settings in stacks.values()]
    assert holes == [0, 6, 0, 0, 0, 0]
    assert call(NAME, "(() => LIMITS)") == {
        "kernel_size": list(LIMITS["kernel_size"]),
        "layers": list(LIMITS["layers"]),
        "dilation": list(LIMITS["dilations"]),
    }


def test_paths_of_the_drawing() -> None:
    assert call(NAME, "dots", [0, 2, 1], 3) == "M1.5 3h0M2.5 3h0"
    assert call(NAME, "lines", [[1, -2], [1, 4]], 0) == "M1.5 0L-1.5 1M1.5 0L4.5 1"


def test_a_single_way_is_coloured_so_that_it_is_seen() -> None:
    assert call(NAME, "strength", 0, 49) == 0
    assert call(NAME, "strength", 49, 49) == 1
    values = [call(NAME, "strength", ways, 10_000) for ways in range(0, 10_001, 500)]
    assert values == sorted(values)
    assert values[1] > call(NAME, "strength", 1, 10_000) > 0.2


# --- without a script ---


def numbers(table: Any) -> list[list[int]]:
    return [
        [int(cell.text.replace(",", "")) for cell in row("td") if re.fullmatch(r"[\d,]+", cell.text)]
        for row in table("tr")
    ][1:]


@pytest.mark.parametrize("lab", RANDOM[:60], ids=repr)
def test_still_result_holds_the_numbers(lab: DilatedConvolutionLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")
    layers, comparison = page("table")
    assert numbers(layers) == [
        [at, *row]
        for at, row in enumerate(zip(lab.dilations, lab.extents, lab.receptive_fields, strict=True), 1)
    ]
    assert numbers(comparison) == [list(counts) for counts in lab.comparison.values()]
    for words in (
        lab.field_in_words(), lab.weights_in_words(), lab.verdict_in_words(), lab.reason_in_words(),
        lab.unit_in_words(), lab.ways_in_words(), lab.neighbour_in_words(), lab.picture_in_words(),
        f"on a line of {lab.size} pixels.",
    ):  # fmt: skip
        assert words in page.text
    assert ("causal" in page.p.text) == lab.causal
    drawn = page.find("pre")
    assert (drawn is not None) == (lab.receptive_field <= 31)
    if drawn:
        read = [[mark == "■" for mark in line.split()] for line in drawn.text.splitlines()]
        assert np.array_equal(read, np.outer(lab.coverage, lab.coverage) > 0)


def test_still_result_is_stable_and_names_itself() -> None:
    lab = labs.dilated_convolution(2, (1, 2, 4, 8), causal=True)
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Dilated convolution: kernel 2, dilations [1, 2, 4, 8], causal, receptive field 16"
    )
    again = labs.dilated_convolution(2, [1, 2, 4, 8], True)
    assert bundle["text/html"] == again._repr_mimebundle_()[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert repr(labs.dilated_convolution()) == (
        "Dilated convolution: kernel 3, dilations [1, 2, 4], receptive field 15"
    )


def test_state_is_what_was_given() -> None:
    assert state_of(labs.dilated_convolution()) == {
        "kernel_size": 3, "dilations": [1, 2, 4], "causal": False, "position": None, "neighbour": False,
    }  # fmt: skip
    lab = labs.dilated_convolution(np.int64(5), [np.int8(3)], True, np.uint8(20), neighbour=True)
    assert state_of(lab) == {
        "kernel_size": 5, "dilations": [3], "causal": True, "position": 20, "neighbour": True,
    }  # fmt: skip


WRONG = {
    "kernel": ({"kernel_size": 6}, ValueError, "kernel_size must be between 2 and 5, got 6"),
    "kernel 1": ({"kernel_size": 1}, ValueError, "kernel_size must be between 2 and 5, got 1"),
    "kernel 0": ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
    "half kernel": ({"kernel_size": 2.5}, TypeError, "kernel_size must be an integer, got 2.5"),
    "two kernels": ({"kernel_size": (3, 3)}, TypeError, "kernel_size must be an integer, got (3, 3)"),
    "no layers": ({"dilations": ()}, ValueError, "dilations must be one for each of 1 to 6 layers, got ()"),
    "many": (
        {"dilations": [1] * 7}, ValueError,
        "dilations must be one for each of 1 to 6 layers, got (1, 1, 1, 1, 1, 1, 1)",
    ),
    "one number": ({"dilations": 2}, TypeError, "dilations must be a sequence of integers, got 2"),
    "words": ({"dilations": "12"}, TypeError, "dilations must be a sequence of integers, got '12'"),
    "half": ({"dilations": (1, 0.5)}, TypeError, "dilations must be a sequence of integers, got (1, 0.5)"),
    "zero": ({"dilations": (1, 0)}, ValueError, "dilations must be at least 1, got (1, 0)"),
    "large": ({"dilations": (1, 17)}, ValueError, "dilations can be at most 16 here, got (1, 17)"),
    "causal": ({"causal": 1}, TypeError, "causal must be True or False, got 1"),
    "neighbour": ({"neighbour": None}, TypeError, "neighbour must be True or False, got None"),
    "position": ({"position": 23}, ValueError, "position must be below 23, the units of this line, got 23"),
    "before": ({"position": -1}, ValueError, "position must be at least 0, got -1"),
    "half position": ({"position": 1.5}, TypeError, "position must be an integer, got 1.5"),
    "pair": ({"position": (1, 2)}, TypeError, "position must be an integer, got (1, 2)"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_calls_are_refused_in_the_callers_words(
    given: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as error:
        dilated_convolution(**given)
    assert str(error.value) == f"dilated_convolution: {words}"


def test_python_can_set_no_state_that_the_page_cannot_show() -> None:
    lab = dilated_convolution()
    for name, value in (
        ("kernel_size", 1), ("kernel_size", 6), ("dilations", []), ("dilations", [1] * 7),
        ("dilations", [0]), ("dilations", [17]), ("position", 1.5),
    ):  # fmt: skip
        with pytest.raises(traitlets.TraitError):
            setattr(lab, name, value)
    assert state_of(lab) == state_of(dilated_convolution())
    lab.position = -7
    assert lab._unit == 0 == js(lab, "unitOf")
