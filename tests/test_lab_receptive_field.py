"""The receptive field lab: what its page computes is what convlib computes, and what torch's answers show."""

import random
import re
from base64 import b64decode
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from lab_script import call, engine, state_of
from torch.nn import functional

from convlib import labs
from convlib.labs.receptive_field import (
    KINDS,
    MOST_LAYERS,
    PRESETS,
    ReceptiveFieldLab,
    as_layer,
    in_words,
    receptive_field,
)
from convlib.photographs import photograph
from convlib.receptive_field import Layer, Step, closed_form, stack

NAME = "receptive_field"
PHOTOGRAPH = receptive_field().photograph


def random_lab(seed: int) -> ReceptiveFieldLab:
    """A lab as a reader may leave it: from no layers to nine, some of which do not fit."""
    choose = random.Random(seed)
    size, largest = choose.choice([16, 17, 24, 33, 48, 64, 96]), choose.choice([2, 3, 3, 5, 9])
    kinds = (["conv", "pool"], ["conv", "conv", "pool", *KINDS])[seed % 2]
    layers = [
        {
            "kind": choose.choice(kinds),
            "k": choose.randint(1, largest),
            "s": choose.choice([1, 1, 1, 2, 2, 3]),
            "p": choose.choice([0, 0, 1, 1, 2, 4]),
            "d": choose.choice([1, 1, 1, 2, 3]),
        }
        for _ in range(choose.randint(0, 9))
    ]
    return ReceptiveFieldLab(
        layers=layers,
        size=size,
        layer=choose.randint(0, len(layers)),
        position=[choose.randint(0, size), choose.randint(0, size)],
        pixel=[choose.randint(0, size), choose.randint(0, size)],
        photograph=PHOTOGRAPH,
    )


RANDOM = [random_lab(seed) for seed in range(400)]
FITTING = [lab for lab in RANDOM if not lab.problem]


def state(lab: ReceptiveFieldLab) -> dict[str, Any]:
    return state_of(lab) | {"photograph": ""}  # what is computed does not need it


def js(lab: ReceptiveFieldLab, function: str, *arguments: object) -> Any:
    return call(NAME, function, state(lab), *arguments)


def words(lab: ReceptiveFieldLab, function: str) -> Any:
    """A sentence of the page; those take what was looked up."""
    return js(lab, f"(state => {function.replace('found', 'lookUp(state)')})")


def stacked(lab: ReceptiveFieldLab) -> list[Step]:
    """The layers that fit, given to convlib as a reader would."""
    kinds = {"conv": "convolution", "pool": "pooling", "transposed": "transposed"}
    fitting = lab.layers[: len([row for row in lab.rows if row.output_size]) - 1]
    return stack(
        [
            Layer(one["k"], one["s"], one["p"], one["d"], kinds[one["kind"]])
            if one["kind"] in kinds
            else Layer(stride=one["s"], kind={"upsample": "nearest", "bilinear": "bilinear"}[one["kind"]])
            for one in fitting
        ],
        lab.size,
    )


def reaching(lab: ReceptiveFieldLab) -> np.ndarray:
    """Whether a unit (row) depends on a pixel (column), along one axis: torch's answers to bright pixels."""
    numbers = torch.eye(lab.size, dtype=torch.float64)[:, None]  # (image, channel, pixel)
    for one in lab.layers[: lab._layer]:
        ones = torch.ones(1, 1, one["k"], dtype=torch.float64)
        if one["kind"] in ("conv", "pool"):
            numbers = functional.conv1d(numbers, ones, None, one["s"], one["p"], one["d"])
        elif one["kind"] == "transposed":
            numbers = functional.conv_transpose1d(
                numbers, ones, stride=one["s"], padding=one["p"], dilation=one["d"]
            )
        else:
            mode = {"upsample": "nearest", "bilinear": "linear"}[one["kind"]]
            numbers = functional.interpolate(numbers, scale_factor=one["s"], mode=mode)
    return (numbers[:, 0].T != 0).numpy()


def test_random_states_reach_every_case() -> None:
    assert len(RANDOM) > len(FITTING) > 150
    assert {one["kind"] for lab in FITTING for one in lab.layers} == set(KINDS)
    sentences = " ".join(lab.unit_in_words() + lab.pixel_in_words() + lab.summary() for lab in RANDOM)
    for part in (
        "All of it lies in the padding", "lie in the padding", "lies in the padding", "reads only",
        "sees nothing", "No unit of", "lies between what", "is seen by", "does not fit",
        "Without layers", "up to", "is larger than the photograph", "% of the photograph", "apart",
        "is the photograph itself",
    ):  # fmt: skip
        assert part in sentences, part
    problems = {re.sub(r"[\d,]+", "1", lab.problem).partition(":")[0] for lab in RANDOM}
    assert {"", "No window fits", "The padding of a pooling can be at most half of its window"} <= problems
    assert any(problem.startswith("Padding 1 on either side leaves nothing") for problem in problems)
    assert max(len(step.fields[0].intervals) for lab in FITTING for step in lab.steps) > 3
    assert any(isinstance(row.jump, Fraction) and row.jump < 1 for lab in FITTING for row in lab.rows)


def test_numbers_of_the_page_are_those_of_the_stack() -> None:
    for lab in RANDOM:
        rows, steps = js(lab, "rowsOf"), stacked(lab)
        assert len(rows) == len(lab.layers) + 1
        assert (rows[0]["output"], rows[0]["size"], rows[0]["jump"], rows[0]["start"]) == (lab.size, 1, 1, 0)
        for row, python, step in zip(rows[1:], lab.rows[1:], steps, strict=False):
            (field,) = step.fields
            assert (row["output"],) == step.output_size == (python.output_size,)
            assert (row["size"], row["start"]) == (field.size, field.start) == (python.size, python.start)
            assert (row["jumpText"], row["centre"]) == (str(field.jump), float(field.centre))
            assert (python.jump, python.centre) == (field.jump, field.centre)
            assert row["jump"] == float(field.jump)
            assert row["field"] == {
                "intervals": [one and list(one) for one in field.intervals],
                "advance": field.advance,
            }
        assert all(row["output"] == 0 for row in rows[len(steps) + 1 :])


def test_fields_and_units_of_the_page_are_those_of_the_stack() -> None:
    for lab in RANDOM:
        found, number = js(lab, "lookUp"), lab._layer
        assert found["number"] == number
        if not number:
            assert found["region"] == [[at, at] for at in found["unit"]]
            continue
        step, n = stacked(lab)[number - 1], lab.rows[number].output_size
        for axis in (0, 1):
            unit, pixel = min(lab.position[axis], n - 1), min(lab.pixel[axis], lab.size - 1)
            assert (found["unit"][axis], found["pixel"][axis]) == (unit, pixel)
            (region,), (units,) = step.region(unit), step.units(pixel)
            assert found["region"][axis] == (region and list(region))
            assert found["units"][axis] == (units and list(units))
            assert (lab.region[axis], lab.units[axis]) == (region, units)


def test_what_a_unit_reads_is_what_its_answer_depends_on() -> None:
    checked = 0
    for lab in FITTING:
        found = js(lab, "lookUp")
        seen = reaching(lab)
        assert len(seen) == lab.rows[lab._layer].output_size
        for axis in (0, 1):
            unit, pixel = found["unit"][axis], found["pixel"][axis]
            assert found["read"][axis] == np.flatnonzero(seen[unit]).tolist() == lab.read[axis]
            assert found["readers"][axis] == np.flatnonzero(seen[:, pixel]).tolist() == lab.readers[axis]
            checked += len(found["read"][axis])
    assert checked > 1000


def test_a_pixel_is_read_by_the_units_that_read_it() -> None:
    for lab in FITTING[:80]:
        found = js(lab, "lookUp")
        for axis in (0, 1):
            reads = found["pixel"][axis] in found["read"][axis]
            assert reads == (found["unit"][axis] in found["readers"][axis])
            region = found["region"][axis]
            inside = bool(region) and region[0] <= found["pixel"][axis] <= region[1]
            units = found["units"][axis]
            assert not inside or units[0] <= found["unit"][axis] <= units[1]
            assert inside or not reads


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        assert words(lab, "summaryInWords(state, found)") == lab.summary()
        assert words(lab, "recurrenceInWords(state, found)") == lab.recurrence()
        assert words(lab, "unitInWords(state, found)") == lab.unit_in_words()
        assert words(lab, "pixelInWords(found)") == lab.pixel_in_words()
        rows = js(lab, "rowsOf")
        assert [row["text"] for row in rows] == [row.layer for row in lab.rows]
        assert [row["problem"] for row in rows] == [row.problem for row in lab.rows]


def test_recurrence_written_out_adds_up() -> None:
    written = 0
    for lab in FITTING:
        if any(one["kind"] not in ("conv", "pool") for one in lab.layers) or not lab._layer:
            continue
        expected = lab.rows[lab._layer]
        for line, value in zip(
            lab.recurrence(), (expected.size, expected.jump, expected.start, expected.centre), strict=True
        ):
            terms, _, result = line.partition(": ")[2].replace("−", "-").replace("·", "*").rpartition(" = ")
            assert eval(terms) == value == float(result)
            written += 1
        size, jump, padding = closed_form([as_layer(one) for one in lab.layers[: lab._layer]])
        assert (expected.size, expected.jump, -expected.start) == (size, jump, padding)
    assert written > 150


def test_what_does_not_fit_is_what_the_layer_refuses() -> None:
    for lab in RANDOM:
        if not lab.problem:
            continue
        rows, number = lab.rows, lab._fitting
        assert rows[number + 1].problem == lab.problem
        assert all(row.problem == f"Waits for layer {number + 1}." for row in rows[number + 2 :])
        if lab.problem.startswith(("No window", "Padding")):
            with pytest.raises(ValueError, match="makes nothing of"):
                as_layer(lab.layers[number]).output_size(rows[number].output_size)
        elif lab.problem.startswith("The output"):
            assert as_layer(lab.layers[number]).output_size(rows[number].output_size) > 1024
        else:
            one = lab.layers[number]
            assert one["kind"] == "pool"
            with pytest.raises(RuntimeError, match="padding should be at most half"):
                functional.max_pool1d(torch.ones(1, 1, 64), one["k"], one["s"], one["p"])


def test_too_large_a_map_and_too_long_a_period_are_refused() -> None:
    lab = ReceptiveFieldLab(layers=[{"kind": "upsample", "s": 11}], size=96)
    assert lab.problem == "The output would have 1,056 rows, and this lab stops at 1,024."
    assert js(lab, "rowsOf")[1]["problem"] == lab.problem
    assert lab.summary() == "Layer 1 does not fit. Without layers, a unit is a pixel."
    shrink, enlarge = {"kind": "conv", "k": 16, "d": 16}, [{"kind": "upsample", "s": s} for s in (13, 9, 11)]
    layers = [
        enlarge[0],
        *[shrink] * 3,
        enlarge[1],
        *[shrink] * 4,
        enlarge[2],
    ]  # 13*9*11 units differ
    lab = ReceptiveFieldLab(layers=layers, size=64)
    assert lab.problem == "Enlarged too often: no rule tells what its units see."
    assert js(lab, "rowsOf")[lab._fitting + 1]["problem"] == lab.problem
    with pytest.raises(ValueError, match="no period that is short enough"):
        stack([as_layer(one) for one in lab.layers[: lab._fitting + 1]], lab.size)


# --- well-known stacks ---


def test_stacks_of_the_page_are_pythons() -> None:
    ours = {name: [size, layers] for name, (size, layers) in PRESETS.items()}
    assert call(NAME, "(() => PRESETS)") == ours
    assert list(call(NAME, "(() => Object.keys(PRESETS))")) == list(ours)
    assert [call(NAME, "layerInWords", one) for one in PRESETS["down and up again"][1]] == [
        in_words(one) for one in PRESETS["down and up again"][1]
    ]
    assert all(not receptive_field(preset=name).problem for name in PRESETS)
    assert max(len(layers) for _, layers in PRESETS.values()) <= MOST_LAYERS
    assert call(NAME, "(() => MOST_LAYERS)") == MOST_LAYERS


@pytest.mark.parametrize(
    ("preset", "size", "jump", "padding"),
    [
        ("VGG-16", 212, 32, 90),
        ("AlexNet", 195, 32, 66),  # torch's; TF-Slim's pads differently and has 64
        ("ResNet-18, its longest path", 435, 32, 217),
        ("MobileNetV1 without its 1×1 layers", 315, 32, 157),
        ("U-Net, its encoder", 140, 16, 0),
        ("three 3×3", 7, 1, 3),
        ("one 7×7", 7, 1, 3),
        ("dilated 1, 2, 4, 8", 31, 1, 15),
        ("stride 2, five times", 63, 32, 31),
    ],
)
def test_famous_fields(preset: str, size: int, jump: int, padding: int) -> None:
    last = receptive_field(preset=preset).rows[-1]
    assert (last.size, last.jump, -last.start) == (size, jump, padding)


def test_pools_of_vgg_are_those_of_the_published_table() -> None:
    rows = [row for row in receptive_field(preset="VGG-16").rows if row.layer.startswith("pool")]
    assert [row.size for row in rows] == [6, 16, 44, 100, 212]
    assert [row.jump for row in rows] == [2, 4, 8, 16, 32]
    assert [-row.start for row in rows] == [2, 6, 18, 42, 90]


def test_three_small_kernels_see_as_much_as_a_large_one() -> None:
    three, one = receptive_field(preset="three 3×3"), receptive_field(preset="one 7×7")
    assert three.region == one.region
    assert three.units == one.units


def test_a_dilated_stack_leaves_pixels_out() -> None:
    lab = receptive_field(preset="dilated 2, 2, 2", position=(24, 24))
    assert lab.region == ((18, 30), (18, 30))
    assert lab.read == ([*range(18, 31, 2)],) * 2
    assert lab.unit_in_words() == (
        "Unit (24, 24) of layer 3 sees rows 18 to 30 and columns 18 to 30: 13 × 13 pixels around (24, 24). "
        "Of the 169 in the photograph it reads only 49 (28.99 %)."
    )
    lab.pixel = [24, 23]
    assert lab.pixel_in_words() == (
        "Pixel (24, 23) lies between what 169 of the 2,304 units of layer 3 see "
        "(rows 18 to 30, columns 17 to 29); 49 of them read it."
    )
    whole = receptive_field(preset="dilated 1, 2, 4, 8", position=48)
    assert whole.read == ([*range(33, 64)],) * 2


def test_words_at_the_border() -> None:
    lab = receptive_field([("conv", 3, 1, 2)], size=16, position=(0, 1), pixel=(15, 0))
    assert lab.unit_in_words() == (
        "Unit (0, 1) of layer 1 sees rows −2 to 0 and columns −1 to 1: 3 × 3 pixels around (−1, 0). "
        "Of them, 2 rows and 1 column lie in the padding."
    )
    assert lab.pixel_in_words() == (
        "Pixel (15, 0) is seen by 9 of the 324 units of layer 1: rows 15 to 17, columns 0 to 2."
    )
    lab.position = [1, 5]
    assert lab.unit_in_words().endswith("Of them, 1 row lies in the padding.")
    lab.layers = [{"kind": "conv", "k": 1, "p": 2}]
    assert lab.unit_in_words() == (
        "Unit (1, 5) of layer 1 sees row −1 and column 3: 1 × 1 pixels around (−1, 3). "
        "All of it lies in the padding."
    )
    lab.layers = [{"kind": "conv", "k": 1, "s": 2}]
    lab.pixel = [1, 0]
    assert lab.pixel_in_words() == "No unit of layer 1 sees pixel (1, 0)."


def test_units_between_the_taps_see_nothing() -> None:
    lab = receptive_field([("transposed", 1, 3)], size=16, position=(3, 4))
    assert lab.region == ((1, 1), None)
    assert lab.unit_in_words() == (
        "Unit (3, 4) of layer 1 sees nothing: no tap of a transposed convolution reaches it."
    )
    assert lab.recurrence() == [
        "field: 0 to 1, the same again after 3 units",
        "jump: 1 / 3 = 1/3",
        "start: 0",
        "centre: 0, on average",
    ]
    assert lab.summary() == (
        "After 1 layer there are 46 × 46 units. Each sees up to 1 × 1 pixels, and neighbours look 1/3 pixel "
        "apart. A field is 0.3906 % of the photograph."
    )


def test_summary_tells_where_a_field_outgrows_the_photograph() -> None:
    lab = receptive_field(preset="ResNet-18, its longest path")
    assert lab.rows[14].size == 211 <= 224 < 243 == lab.rows[15].size
    assert lab.summary() == (
        "After 18 layers there are 7 × 7 units. Each sees 435 × 435 pixels, and neighbours look 32 pixels "
        "apart. From layer 15 on, a field is larger than the photograph."
    )


# --- what the pictures need ---


def test_the_unit_of_another_layer_is_the_one_that_looks_nearest() -> None:
    for lab in FITTING[:100]:
        for row in js(lab, "rowsOf")[1:]:
            for place in (-3, 0, lab.size / 3, lab.size / 2, lab.size + 2):
                made = call(NAME, "nearest", row, place)
                centres = row["centre"] + np.arange(row["output"]) * row["jump"]
                distances = np.abs(centres - place)
                assert distances[made] <= distances.min() + 1e-9


def test_drawn_padding_is_as_wide_as_any_unit_reaches() -> None:
    for lab in RANDOM:
        reach = [-(-lab.size // 32)]
        for step in stacked(lab):
            for unit in (0, step.output_size[0] - 1):
                (region,) = step.region(unit)
                if region:
                    reach += [-region[0], region[1] + 1 - lab.size]
        assert js(lab, "(state => marginOf(state, rowsOf(state)))") == min(lab.size, max(reach))


def test_photograph_is_the_cat_and_is_scaled_by_means() -> None:
    cat = photograph("chelsea", shrink=2).mean(axis=0)[:150, 45:195]
    engine(NAME).eval(f"var bytes = {np.round(255 * cat).astype(int).ravel().tolist()}")
    lab = receptive_field()
    assert list(b64decode(lab.photograph)) == np.round(255 * cat).astype(int).ravel().tolist()
    greys = np.round(255 * cat)
    for n, expected in (
        (150, greys),
        (75, np.floor(greys.reshape(75, 2, 75, 2).mean(axis=(1, 3)))),
        (50, np.floor(greys.reshape(50, 3, 50, 3).mean(axis=(1, 3)))),
    ):
        made = call(NAME, f"(n => Object.values(scaled(bytes, {n})))", n)
        assert np.array_equal(np.reshape(made, (n, n)), expected)
    larger = np.reshape(call(NAME, "(n => Object.values(scaled(bytes, n)))", 224), (224, 224))
    nearest = np.arange(224) * 150 // 224
    assert np.array_equal(larger, greys[np.ix_(nearest, nearest)])


# --- what is given ---


def test_layers_can_be_dicts_tuples_or_layers() -> None:
    written: list[list[Any]] = [
        [
            {"kind": "conv", "k": 3, "s": 2, "p": 1, "d": 1},
            {"kind": "upsample", "s": 4},
            {"kind": "pool", "k": 2},
        ],
        [("conv", 3, 2, 1), ["upsample", 4], ("pool", 2)],
        [Layer(3, 2, 1), Layer(stride=4, kind="nearest"), Layer(2, kind="pooling")],
    ]
    labs_made = [receptive_field(layers) for layers in written]
    assert all(lab.layers == labs_made[0].layers for lab in labs_made)
    assert [in_words(one) for one in labs_made[0].layers] == [
        "conv 3×3, s2 p1",
        "upsample ×4",
        "pool 2×2, s1 p0",
    ]
    assert receptive_field([("bilinear",)]).layers == [{"kind": "bilinear", "k": 1, "s": 2, "p": 0, "d": 1}]
    assert as_layer(labs_made[0].layers[0]) == Layer(3, 2, 1)


def test_what_is_looked_at_to_begin_with() -> None:
    lab = receptive_field(preset="VGG-16")
    assert (lab.size, lab.layer, lab.position, lab.pixel) == (224, 18, [3, 3], [89, 67])
    lab = receptive_field([("conv", 3, 2, 1)], position=5, pixel=(1, 2), size=32, layer=0)
    assert (lab.size, lab.layer, lab.position, lab.pixel) == (32, 0, [5, 5], [1, 2])
    assert receptive_field([]).size == 96
    assert receptive_field().layers == receptive_field(preset="three 3×3").layers


def test_python_changes_the_state_and_what_is_too_large_is_the_last() -> None:
    lab = receptive_field(preset="AlexNet")
    lab.layer, lab.position = 99, [99, 0]
    assert lab._layer == 8
    assert lab.region == ((94, 288), (-66, 128))
    lab.layers = [{"kind": "conv", "k": k, "s": s, "p": p} for k, s, p in ((3, 2, 1), (16, 1, 0), (3, 1, 0))]
    lab.size = 16
    assert lab.problem == "No window fits: it spans 16 rows, the padded map has 8."
    assert lab.rows[2].problem == lab.problem
    assert lab.rows[3].problem == "Waits for layer 2."
    assert lab._layer == 1
    assert lab.unit_in_words().startswith("Unit (7, 0) of layer 1")
    with pytest.raises(ValueError, match="size can be at most 256"):
        lab.size = 257
    with pytest.raises(ValueError, match="the kind of layer 1 must be"):
        lab.layers = [{"kind": "linear"}]


WRONG = {
    "both": ({"layers": [], "preset": "VGG-16"}, ValueError, "give layers or preset, not both"),
    "preset": ({"preset": "VGG"}, ValueError, "preset must be 'three 3×3', 'one 7×7', 'stride 2,"),
    "a word": ({"layers": "conv"}, TypeError, "layers must be a list, got 'conv'"),
    "one layer": ({"layers": {"kind": "conv"}}, TypeError, "layers must be a list, got {'kind': 'conv'}"),
    "number": ({"layers": 3}, TypeError, "layers must be a list, got 3"),
    "many": ({"layers": [("conv",)] * 21}, ValueError, "layers can be at most 20 here, got 21"),
    "no layer": ({"layers": [7]}, TypeError, "layer 1 must be a dict, a tuple or a Layer, got 7"),
    "empty tuple": ({"layers": [()]}, TypeError, "layer 1 must be a dict, a tuple or a Layer, got ()"),
    "kind": (
        {"layers": [("conv",), {"kind": "linear"}]}, ValueError,
        "the kind of layer 2 must be 'conv', 'pool', 'transposed', 'upsample' or 'bilinear', got 'linear'",
    ),
    "no kind": ({"layers": [{"k": 3}]}, ValueError, "the kind of layer 1 must be 'conv', 'pool',"),
    "setting": (
        {"layers": [{"kind": "conv", "kernel": 3}]}, ValueError,
        "layer 1 has no 'kernel'; its settings are kind, k, s, p, d",
    ),
    "long": (
        {"layers": [("upsample", 2, 1)]}, ValueError,
        "layer 1 has too many numbers, (kind, s) at most: ('upsample', 2, 1)",
    ),
    "longer": (
        {"layers": [("conv", 3, 1, 1, 1, 1)]}, ValueError,
        "layer 1 has too many numbers, (kind, k, s, p, d) at most: ('conv', 3, 1, 1, 1, 1)",
    ),
    "k": ({"layers": [("conv", 17)]}, ValueError, "k of layer 1 can be at most 16 here, got 17"),
    "k 0": ({"layers": [("conv", 0)]}, ValueError, "k of layer 1 must be at least 1, got 0"),
    "p": ({"layers": [("conv", 3, 1, -1)]}, ValueError, "p of layer 1 must be at least 0, got -1"),
    "s": ({"layers": [("conv", 3, 1.5)]}, TypeError, "s of layer 1 must be an integer, got 1.5"),
    "pair": ({"layers": [Layer((3, 5))]}, TypeError, "k of layer 1 must be an integer, got (3, 5)"),
    "same": (
        {"layers": [Layer(3, padding="same")]}, TypeError, "p of layer 1 must be an integer, got 'same'",
    ),
    "bicubic": (
        {"layers": [Layer(stride=2, kind="bicubic")]}, ValueError,
        "layer 1 is one that the lab cannot show: Layer(kernel_size=1, stride=2, padding=0",
    ),
    "more": (
        {"layers": [Layer(3, 2, kind="transposed", output_padding=1)]}, ValueError,
        "layer 1 is one that the lab cannot show: ",
    ),
    "size": ({"size": 15}, ValueError, "size must be at least 16, got 15"),
    "size 257": ({"size": 257}, ValueError, "size can be at most 256 here, got 257"),
    "size pair": ({"size": (32, 32)}, TypeError, "size must be an integer, got (32, 32)"),
    "layer": ({"layer": 4}, ValueError, "layer can be at most 3 here, got 4"),
    "layer -1": ({"layer": -1}, ValueError, "layer must be at least 0, got -1"),
    "position": ({"position": (0, 48)}, ValueError, "position can be at most 47 here, got (0, 48)"),
    "position of a small map": (
        {"preset": "VGG-16", "position": 7}, ValueError, "position can be at most 6 here, got 7",
    ),
    "three": ({"position": (1, 2, 3)}, ValueError, "position must be one integer or 2, got (1, 2, 3)"),
    "pixel": ({"pixel": 48}, ValueError, "pixel can be at most 47 here, got 48"),
    "pixel text": ({"pixel": "a"}, TypeError, "pixel must be an integer or 2 integers, got 'a'"),
    "no window": (
        {"layers": [("conv", 3), ("conv", 16, 1, 0, 16)], "size": 100}, ValueError,
        "layer 2 does not fit: no window fits: it spans 241 rows, the padded map has 98",
    ),
    "pool": (
        {"layers": [("pool", 3, 2, 2)]}, ValueError,
        "layer 1 does not fit: the padding of a pooling can be at most half of its window: 1 for 3, not 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_the_lab_cannot_show_is_refused_in_plain_words(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(f'receptive_field: {message}')}"):
        receptive_field(**wrong)


# --- without a script ---


@pytest.mark.parametrize("lab", RANDOM[:60], ids=repr)
def test_still_result_holds_the_numbers(lab: ReceptiveFieldLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")
    lines = [[cell.text for cell in line("td")] for line in page.table("tr")[1:]]
    assert len(lines) == len(lab.layers) + 1
    for number, (line, row) in enumerate(zip(lines, lab.rows, strict=True)):
        assert line[0] == str(number)
        assert line[1] == row.layer + row.problem
        if row.output_size:
            numbers = [text.replace("−", "-").replace(",", "") for text in line[2:]]
            assert [int(numbers[0]), int(numbers[1]), Fraction(numbers[2])] == [
                row.output_size,
                row.size,
                row.jump,
            ]
            assert int(numbers[3]) == row.start
            assert float(numbers[4]) == pytest.approx(float(row.centre), rel=1e-3)
        else:
            assert not any(line[2:])
    for sentence in (lab.summary(), lab.unit_in_words(), lab.pixel_in_words(), *lab.recurrence()):
        assert sentence in page.text
    bold = {one.find_parent("tr").td.text for one in page("strong")}
    assert bold == {str(lab._layer)}


def test_still_result_is_stable_and_names_itself() -> None:
    lab = labs.receptive_field(preset="VGG-16")
    bundle = lab._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Receptive field: photograph 224 × 224, 18 layers. After 18 layers there are 7 × 7 units. Each sees "
        "212 × 212 pixels, and neighbours look 32 pixels apart. A field is 89.57 % of the photograph."
    )
    again = labs.receptive_field(preset="VGG-16")
    assert bundle["text/html"] == again._repr_mimebundle_()[0]["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert repr(labs.receptive_field(preset="empty")) == (
        "Receptive field: photograph 96 × 96, 0 layers. Without layers, a unit is a pixel."
    )


def test_state_in_the_page_is_small() -> None:
    assert len(labs.receptive_field(preset="VGG-16")._repr_mimebundle_()[0]["text/html"]) < 40_000
