# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

"""The network calculator counts in the page what convlib counts here, and says it in the same words."""

import json
import re
from math import prod

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from lab_script import call, engine, state_of
from torch import nn

import convlib
from convlib.labs import NetworkCalculator, network_calculator
from convlib.labs._lab import in_bytes
from convlib.labs.network import (
    DEFAULTS,
    LARGEST_SIDE,
    MOST,
    MOST_CHOICES,
    NETWORKS,
    choices_in_words,
    exact,
    in_words,
    sizes_in_words,
)

random = np.random.default_rng(11)


def pair(least: int, most: int) -> int | list[int]:
    one, other = (int(n) for n in random.integers(least, most + 1, size=2))
    return one if random.random() < 0.6 else [one, other]


def random_layer() -> dict:
    kind = str(random.choice(list(DEFAULTS), p=[0.4, 0.15, 0.12, 0.15, 0.05, 0.03, 0.1]))
    layer: dict = {"kind": kind}
    if kind in ("conv", "conv_transpose"):
        layer |= {"out_channels": int(random.choice([2, 4, 6, 8])), "kernel_size": pair(1, 5), "stride": pair(1, 3),
                  "padding": pair(0, 3), "bias": bool(random.integers(2))}  # fmt: skip
    if kind == "conv":
        layer |= {"dilation": pair(1, 3), "groups": int(random.choice([1, 1, 1, 2, 4]))}
    if kind == "conv_transpose":
        layer |= {"output_padding": pair(0, 1)}
    if kind.endswith("pool") and kind != "global_avg_pool":
        layer |= {"kernel_size": pair(1, 4), "padding": pair(0, 1), "ceil_mode": bool(random.integers(2))}
        layer |= {"stride": pair(1, 4)} if random.integers(2) else {}
    if kind == "linear":
        layer |= {"out_features": int(random.integers(1, 2000)), "bias": bool(random.integers(2))}
    if kind == "upsample":
        layer |= {"scale_factor": int(random.integers(1, 4))}
    return layer


def random_calculator() -> NetworkCalculator:
    return network_calculator(
        layers=[random_layer() for _ in range(random.integers(0, 7))],
        input_shape=[int(random.choice([1, 2, 3, 4, 8])), *(int(n) for n in random.integers(1, 40, size=2))],
        batch=int(random.integers(1, 9)),
        itemsize=int(random.choice([1, 2, 4, 8])),
    )


CALCULATORS = [random_calculator() for _ in range(500)]


def torch_layer(layer: dict, channels: int, features: int) -> nn.Module:
    """The module of torch that the settings describe, without memory for its numbers."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in layer.items()}
    kind = given.pop("kind")
    if kind == "conv":
        return nn.Conv2d(channels, given.pop("out_channels"), **given, device="meta")
    if kind == "conv_transpose":
        return nn.ConvTranspose2d(channels, given.pop("out_channels"), **given, device="meta")
    if kind == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(features, **given, device="meta"))
    if kind == "global_avg_pool":
        return nn.AdaptiveAvgPool2d(1)
    if kind == "upsample":
        return nn.Upsample(scale_factor=given["scale_factor"])
    return (nn.MaxPool2d if kind == "max_pool" else nn.AvgPool2d)(**given)


# --- Python against torch, and the functions of chapter 3 ---


def test_every_row_has_the_shape_and_the_parameters_of_torch():
    seen = set()
    for lab in CALCULATORS:
        numbers = torch.zeros(1, *lab.input, device="meta")
        for layer, row in zip(lab.layers, lab.rows, strict=True):
            if not row.output:
                break
            module = torch_layer(layer, numbers.shape[1], numbers[0].numel())
            numbers = module(numbers)
            assert tuple(numbers.shape[1:]) == row.output, row
            assert sum(one.numel() for one in module.parameters()) == row.parameters
            assert numbers[0].numel() * lab.batch * lab.itemsize == row.memory
            seen.add(layer["kind"])
    assert seen == set(DEFAULTS)


def test_a_layer_that_does_not_fit_is_one_that_convlib_refuses():
    refused = set()
    for lab in CALCULATORS:
        shape = tuple(lab.input)
        for layer, row in zip(lab.layers, lab.rows, strict=True):
            if row.problem:
                refused.add(re.sub(r"\d+", "", row.problem)[:22])
                if layer["kind"] in ("conv", "max_pool", "avg_pool", "conv_transpose") and len(shape) == 3:
                    with pytest.raises(ValueError, match=re.escape(row.problem)):
                        convolved(layer, shape)
                else:
                    assert len(shape) == 1 and layer["kind"] != "linear"
                break
            shape = row.output
    assert len(refused) >= 7, refused


def convolved(layer: dict, shape: tuple) -> np.ndarray:
    """The operation itself, on zeros."""
    k, s, p = layer["kernel_size"], tuple(layer["stride"]), tuple(layer["padding"])
    image = np.zeros(shape)
    if layer["kind"] == "conv":
        convlib.conv_parameters(shape[0], layer["out_channels"], k, layer["groups"])
        return convlib.conv_output_size(shape[1:], tuple(k), s, p, tuple(layer["dilation"]))
    if layer["kind"] == "conv_transpose":
        return convlib.conv_transpose2d(
            image, np.zeros((shape[0], layer["out_channels"], *k)), None, s, p, tuple(layer["output_padding"])
        )
    pool = convlib.max_pool2d if layer["kind"] == "max_pool" else convlib.avg_pool2d
    return pool(image, tuple(k), s, p, ceil_mode=layer["ceil_mode"])


def test_costs_of_convolutions_are_those_of_the_functions_of_chapter_3():
    counted = 0
    for lab in CALCULATORS:
        shape = tuple(lab.input)
        for layer, row in zip(lab.layers, lab.rows, strict=True):
            if not row.output:
                break
            if layer["kind"] in ("conv", "conv_transpose"):
                counted += 1
                groups, positions = (
                    layer.get("groups", 1),
                    row.output[1:] if layer["kind"] == "conv" else shape[1:],
                )
                arguments = shape[0], layer["out_channels"], layer["kernel_size"]
                assert row.multiply_adds == convlib.conv_multiply_adds(*arguments, positions, groups)
                memory = convlib.conv_memory(
                    *arguments, shape[1:], row.output[1:], groups, layer["bias"], lab.batch, lab.itemsize
                )
                assert (memory.output, memory.parameters) == (row.memory, row.parameters * lab.itemsize)
            if layer["kind"] == "conv":
                options = (tuple(layer[name]) for name in ("kernel_size", "stride", "padding", "dilation"))
                uses = convlib.conv_pixel_uses(shape[1:], *options)
                assert row.unread == tuple(one.count(0) for one in uses)
            elif layer["kind"].endswith("pool") and "kernel_size" in layer:
                options = (tuple(layer[name]) for name in ("kernel_size", "stride", "padding"))
                grad = convlib.avg_pool2d_backward(
                    np.ones((1, *row.output[1:])), (1, *shape[1:]), *options, ceil_mode=layer["ceil_mode"]
                )
                assert row.unread == (int((grad[0].sum(1) == 0).sum()), int((grad[0].sum(0) == 0).sum()))
            elif layer["kind"] != "linear":
                assert row.unread == (0, 0)
            assert layer["kind"] in ("conv", "conv_transpose", "linear") or (
                row.parameters,
                row.multiply_adds,
            ) == (0, 0)
            shape = row.output
    assert counted > 200


@pytest.mark.parametrize("name", NETWORKS)
def test_the_totals_of_a_known_network_are_those_of_its_modules(name):
    lab = network_calculator(name)
    work = 0

    def count(module, inputs, output):
        nonlocal work
        if isinstance(module, nn.ConvTranspose2d):  # every weight once for every input position
            work += module.weight.numel() * inputs[0][0, 0].numel()
        elif isinstance(module, nn.Conv2d | nn.Linear):
            work += module.weight.numel() * output[0].numel() // module.weight.shape[0]

    numbers = torch.zeros(1, *lab.input, device="meta")
    parameters = memory = 0
    for layer in lab.layers:
        module = torch_layer(layer, numbers.shape[1], numbers[0].numel())
        for part in module.modules():
            part.register_forward_hook(count)
        numbers = module(numbers)
        parameters += sum(one.numel() for one in module.parameters())
        memory += numbers.nbytes
    assert (lab.parameters, lab.multiply_adds, lab.memory) == (parameters, work, memory)


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [
        ("VGG-16", 138_357_544, 15_470_264_320),
        ("LeNet-5", 61_706, 416_520),
        ("AlexNet", 61_100_840, 714_188_480),
        ("ResNet-18 without its branches", 11_689_512 - 9_600 - (64 * 128 + 128 * 256 + 256 * 512), 1_794_805_760),
        ("MobileNet block", 32 * 9 + 32 * 64, (32 * 9 + 32 * 64) * 112**2),
        ("DCGAN generator", 3_576_704 - 1_920, 104_628_224),
        ("empty", 0, 0),
    ],
)  # fmt: skip
def test_known_totals(name, parameters, multiply_adds):
    """Published counts, less normalisation and branches where these are left out."""
    lab = network_calculator(name)
    assert (lab.parameters, lab.multiply_adds) == (parameters, multiply_adds)


def test_the_first_layers_hold_the_work_and_the_last_the_parameters():
    rows = network_calculator().rows
    assert sum(row.parameters for row in rows[18:]) > 0.89 * sum(row.parameters for row in rows)
    assert sum(row.multiply_adds for row in rows[:18]) > 0.99 * sum(row.multiply_adds for row in rows)
    assert sum(row.memory for row in rows[:5]) > 0.6 * sum(row.memory for row in rows)


# --- the page against Python ---


def test_the_page_counts_what_python_counts():
    for lab in CALCULATORS:
        rows = call("network", "rowsOf", state_of(lab))
        for mine, row in zip(rows, lab.rows, strict=True):
            assert tuple(mine["output"] or ()) == row.output, (mine, row)
            assert bool(mine["problem"] or mine["waits"]) == bool(row.problem)
            assert mine["text"] == row.layer
            counts = mine["parameters"], mine["multiplyAdds"], mine["memory"], tuple(mine["unread"])
            assert counts == (row.parameters, row.multiply_adds, row.memory, row.unread)
        assert call("network", "summaryInWords", state_of(lab), rows) == lab._summary()
        assert call("network", "mostInWords", rows) == lab._most()


def test_a_layer_that_does_not_fit_is_explained_and_the_rest_waits():
    said = set()
    for lab in CALCULATORS:
        rows = call("network", "rowsOf", state_of(lab))
        stopped = next((i for i, row in enumerate(rows) if row["problem"]), None)
        if stopped is None:
            continue
        said.add(re.sub(r"[\d,]+|rows|columns|input|output", "", rows[stopped]["problem"]))
        assert [row["waits"] for row in rows[stopped + 1 :]] == [stopped + 1] * (len(rows) - stopped - 1)
        assert lab.rows[-1].problem == (
            lab.rows[stopped].problem if stopped + 1 == len(rows) else f"waits for layer {stopped + 1}"
        )
    assert len(said) >= 6, said


@pytest.mark.parametrize(
    ("layers", "problem"),
    [
        ([{"kind": "conv", "kernel_size": (2, 9)}], "No window fits: it spans 9 columns, the padded input has 8."),
        ([{"kind": "conv", "kernel_size": 3, "dilation": 4}], "No window fits: it spans 9 rows, the padded input has 8."),
        ([{"kind": "conv", "groups": 2}], "3 input channels cannot be split into 2 groups."),
        ([{"kind": "conv", "groups": 3}], "64 output channels cannot be split into 3 groups."),
        ([{"kind": "max_pool", "padding": 2}], "The padding of a pooling can be at most half of its window: 1 for 2 rows, not 2."),
        ([{"kind": "conv_transpose", "output_padding": 1}], "The output padding must be smaller than the stride, but 1 is not below 1."),
        ([{"kind": "conv_transpose", "padding": (0, 5)}], "Padding 5 on either side leaves nothing of the 9 columns."),
        ([{"kind": "linear"}, {"kind": "conv"}], "It needs an image, but what arrives is a list of 10 numbers."),
        ([{"kind": "upsample", "scale_factor": 32}] * 3, "The output would have 262,144 rows, and this calculator stops at 16,384."),
        ([{"kind": "conv_transpose", "stride": 100}] * 3, "The output would have 70,102 rows, and this calculator stops at 16,384."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_plain_words(layers, problem):
    lab = network_calculator(layers=layers, input_shape=(3, 8, 8))
    rows = call("network", "rowsOf", state_of(lab))
    assert [row["problem"] for row in rows if row["problem"]] == [problem]
    assert sum(bool(row.problem) and "waits" not in row.problem for row in lab.rows) == 1


def test_the_page_knows_the_networks_and_limits_of_python():
    engine("network").eval("var constants = () => ({ NETWORKS, MOST, FRESH, LARGEST_SIDE, MOST_CHOICES })")
    page = call("network", "constants")
    assert list(page["NETWORKS"]) == list(NETWORKS)
    for name, (shape, layers) in page["NETWORKS"].items():
        lab = network_calculator(name)
        assert shape == lab.input
        assert json.dumps(layers) == json.dumps(lab.layers)  # in the same order: the menu compares texts
    assert all(MOST[name] == most for name, most in page["MOST"].items() if name != "size")
    assert page["MOST"]["size"] == MOST["from"] == MOST["to"]
    assert (page["LARGEST_SIDE"], page["MOST_CHOICES"]) == (LARGEST_SIDE, MOST_CHOICES)
    assert {kind: list(settings) for kind, settings in page["FRESH"].items()} == {
        kind: list(settings) for kind, settings in DEFAULTS.items()
    }
    for kind, settings in page["FRESH"].items():
        assert network_calculator(layers=[{"kind": kind, **settings}]).layers == [{"kind": kind, **settings}]


# --- the question in the other direction ---

QUESTIONS = [[int(random.integers(1, most + 1)) for most in (64, 40, 11, 8, 3)] for _ in range(250)] + [
    [224, 56, 7, 4, 1], [32, 16, 4, 4, 1], [7, 1, 7, 4, 3], [512, 1, 11, 8, 3], [512, 512, 11, 8, 3], [5, 9, 3, 1, 1], [1, 1, 1, 1, 1]
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_the_page_finds_the_choices_of_convlib_in_its_order(question):
    found = call("network", "choicesOf", question)
    start, end, *most = question
    expected = convlib.conv_choices(start, end, *(range(1, one + 1) for one in most))
    assert [tuple(one[:4]) for one in found] == [tuple(one) for one in expected]
    assert [one[4] for one in found] == [convlib.conv_pixel_uses(start, *one).count(0) for one in expected]
    assert [tuple(one) for one in found] == network_calculator("empty", question=question).choices
    assert call("network", "choicesInWords", question, found) == choices_in_words(question, found)
    for one in found[:9]:
        sizes = convlib.conv_input_sizes(end, *one[:4])
        assert call("network", "inputSizes", one[:4], end) == [sizes[0], sizes[-1]]
        assert call("network", "sizesInWords", one[:4], end) == sizes_in_words(one[:4], end)


def test_counts_of_choices_in_words():
    words = [
        choices_in_words(one, network_calculator("empty", question=one).choices) for one in QUESTIONS[-7:]
    ]
    assert (
        words[0]
        == "12 convolutions lead from 224 to 56 pixels with kernel up to 7, stride up to 4; 6 read every pixel."
    )
    assert words[-2] == "No convolution leads from 5 to 9 pixels with kernel up to 3, stride up to 1."
    assert (
        words[-1]
        == "1 convolution leads from 1 to 1 pixels with kernel up to 1, stride up to 1; it reads every pixel."
    )


def test_input_sizes_in_words():
    assert sizes_in_words((7, 4, 3, 1), 56) == "k7 s4 p3 takes every size from 221 to 224 pixels to 56."
    assert sizes_in_words((3, 1, 2, 2), 5) == "k3 s1 p2 d2 takes only 5 pixels to 5."


@pytest.mark.parametrize(("start", "place"), [(224, 2), (112, 5), (7, 18), (100, -1)])
def test_a_choice_goes_below_the_last_layer_of_its_size(start, place):
    state = state_of(network_calculator())
    assert call("network", "placeFor", state, call("network", "rowsOf", state), start) == place


def test_a_choice_may_go_first():
    state = state_of(network_calculator("empty"))
    assert call("network", "placeFor", state, [], 224) == 0


# --- numbers in words ---


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"), (999, "999"), (1000, "1,000"), (999_999, "999,999"), (1_000_000, "1 million"), (2_359_808, "2.36 million"),
        (138_357_544, "138.4 million"), (1_234_500, "1.235 million"), (1_000_400, "1 million"), (1_040_000, "1.04 million"),
        (999_949_999, "999.9 million"), (999_950_000, "1 billion"), (15_470_264_320, "15.47 billion"), (10**15, "1,000 trillion"),
        (12_345 * 10**14, "1,235,000 trillion"),
    ],
)  # fmt: skip
def test_large_numbers_have_four_digits_and_a_word(value, words):
    assert in_words(value) == call("network", "inWords", value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (12_845_056, "12.25 MiB"), (1024**2 - 1, "1024 KiB"),
        (1024**2, "1 MiB"), (553_430_176, "527.8 MiB"), (3 * 1024**3, "3 GiB"), (5 * 1024**4, "5 TiB"), (2000 * 1024**4, "2000 TiB"),
    ],
)  # fmt: skip
def test_memory_is_counted_in_powers_of_1024(value, words):
    assert in_bytes(value) == call("network", "inBytes", value) == words


def test_python_and_the_page_say_every_count_alike():
    for value in (int(10 ** random.uniform(0, 15)) for _ in range(600)):
        assert in_words(value) == call("network", "inWords", value)
        assert in_bytes(value) == call("network", "inBytes", value)
        assert exact(value) == call("network", "exactly", value) == f"{value:,}"
    assert exact(10**15) == call("network", "exactly", 10**15) == "1,000 trillion"


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [(1, 3, "33 %"), (1, 2, "50 %"), (1, 8, "13 %"), (0, 5, "0 %"), (1, 1000, "under 1 %"), (0, 0, "0 %")],
)
def test_shares_are_whole_percents(part, whole, words):
    assert call("network", "percent", part, whole) == words


def test_what_another_size_changes_and_what_not():
    before, after = network_calculator(), network_calculator(input_shape=(3, 256, 256))
    both = [call("network", "rowsOf", state_of(one)) for one in (before, after)]
    said = call("network", "changeInWords", before.input, both[0], after.input, both[1])
    convolutions, linear = (
        [sum(row.parameters for row in one.rows if len(row.output) == n) for one in (before, after)]
        for n in (3, 1)
    )
    assert convolutions[0] == convolutions[1] == 14_714_688
    assert said == (
        f"Against 224 × 224: multiply-adds × {after.multiply_adds / before.multiply_adds:.4g}, memory × {after.memory / before.memory:.4g}; "
        f"parameters of convolutions as before, parameters of linear layers × {linear[1] / linear[0]:.4g}."
    )
    assert (
        call("network", "changeInWords", before.input, both[0], before.input, both[0])
        == "Move the size: what stays, and what grows?"
    )
    resnet = network_calculator("ResNet-18 without its branches")
    rows = [
        call("network", "rowsOf", state_of(resnet) | {"input": shape})
        for shape in ([3, 224, 224], [3, 448, 448])
    ]
    assert call("network", "changeInWords", [3, 224, 224], rows[0], [3, 448, 448], rows[1]).endswith(
        "parameters of convolutions as before, parameters of linear layers as before."
    )
    assert (
        call(
            "network",
            "changeInWords",
            [3, 8, 8],
            call("network", "rowsOf", state_of(before) | {"input": [3, 8, 8]}),
            before.input,
            both[0],
        )
        == ""
    )


@pytest.mark.parametrize(
    ("text", "two", "numbers"),
    [
        ("3", True, [3, 3]), ("3, 5", True, [3, 5]), (" 3x5 ", True, [3, 5]), ("3×5", True, [3, 5]), ("3 5", True, [3, 5]), ("3.5", True, [3, 5]),
        ("3, 5", False, None), ("64", False, [64]), ("", True, None), ("x", True, None), ("0", True, None), ("-1", True, None),
        ("3,", True, None), ("101", True, None), ("1, 2, 3", True, None), ("1e2", False, None),
    ],
)  # fmt: skip
def test_typed_settings_are_one_whole_number_or_two(text, two, numbers):
    assert call("network", "wholeNumbers", text, 1, 100, two) == numbers


def test_another_kind_of_layer_keeps_what_both_have():
    conv = network_calculator(
        layers=[{"kind": "conv", "out_channels": 7, "kernel_size": 5, "stride": 2}]
    ).layers[0]
    assert call("network", "remade", conv, "max_pool") == {
        "kind": "max_pool",
        "kernel_size": [5, 5],
        "stride": [2, 2],
        "padding": [0, 0],
        "ceil_mode": False,
    }
    assert call("network", "remade", conv, "conv_transpose")["out_channels"] == 7
    assert call("network", "remade", conv, "global_avg_pool") == {"kind": "global_avg_pool"}


# --- without a script, and from Python ---


def test_without_a_script_the_same_numbers_are_a_table():
    for lab in [network_calculator(), *CALCULATORS[:60]]:
        stack, answers = BeautifulSoup("".join(lab.still()), "html.parser").find_all("table")
        lines = [[cell.get_text() for cell in row.find_all("td")] for row in stack.find_all("tr")[1:]]
        assert lines[0] == ["", "input", " × ".join(map(str, lab.input)), "", "", ""]
        for i, row in enumerate(lab.rows):
            line = lines[i + 1]
            assert line[0] == str(i + 1) and line[1].startswith(row.layer) and line[1].endswith(row.problem)
            if row.output:
                assert line[2:] == [
                    " × ".join(f"{n:,}" for n in row.output),
                    f"{row.parameters:,}",
                    f"{row.multiply_adds:,}",
                    in_bytes(row.memory),
                ]
        assert lines[-1] == [
            "",
            "total",
            "",
            f"{lab.parameters:,}",
            f"{lab.multiply_adds:,}",
            in_bytes(lab.memory),
        ]
        assert len(answers.find_all("tr")) == 12


def test_pixels_in_no_window_are_remarked():
    lab = network_calculator(
        layers=[{"kind": "max_pool"}, {"kind": "conv", "kernel_size": 1, "stride": (1, 3)}],
        input_shape=(1, 9, 15),
    )
    page = "".join(lab.still())
    assert "in no window: 1 row and 1 column" in page and "in no window: 4 columns" in page
    assert call("network", "unreadInWords", [0, 1]) == "in no window: 1 column"


def test_settings_are_spelled_out_and_may_change_from_python():
    lab = network_calculator(layers=[{"kind": "max_pool", "kernel_size": (2, 3)}])
    assert lab.layers == [
        {"kind": "max_pool", "kernel_size": [2, 3], "stride": [2, 3], "padding": [0, 0], "ceil_mode": False}
    ]
    lab.layers = [{"kind": "conv", "out_channels": 8}]
    assert lab.rows[0].output == (8, 222, 222)
    lab.input = [1, 3, 3]
    assert lab.parameters == 8 * (1 * 3 * 3 + 1)
    lab.batch, lab.itemsize = 5, 2
    assert lab.memory == 5 * prod((8, 1, 1)) * 2
    for name, wrong in [
        ("layers", [{"kind": "dense"}]),
        ("input", [3, 0, 4]),
        ("itemsize", 3),
        ("batch", 0),
        ("question", [1, 2]),
    ]:
        with pytest.raises((ValueError, TypeError), match="network_calculator: "):
            setattr(lab, name, wrong)


def test_it_shows_itself_in_plain_words():
    lab = network_calculator("LeNet-5")
    assert repr(lab) == (
        "Network calculator: input 1 × 32 × 32, 7 layers. 61,706 parameters (241 KiB), 416,520 multiply-adds for one image, and outputs of 31.62 KiB."
    )
    assert (
        repr(network_calculator("empty"))
        == "Network calculator: input 3 × 224 × 224, 0 layers. No layers yet."
    )


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"network": "VGG"}, ValueError, "network_calculator: network must be 'VGG-16', 'LeNet-5'"),
        ({"layers": ["conv"]}, TypeError, "network_calculator: layer 1 must be a dict, got 'conv'"),
        ({"layers": [{"kind": "conv"}, {"kind": "dense"}]}, ValueError, "network_calculator: the kind of layer 2 must be 'conv', 'max_pool'"),
        ({"layers": [{"kind": "conv", "k": 3}]}, ValueError, "network_calculator: layer 1 (conv) has no 'k'; its settings are out_channels, kernel_size"),
        ({"layers": [{"kind": "global_avg_pool", "bias": True}]}, ValueError, "network_calculator: layer 1 (global_avg_pool) has no 'bias'; its settings are none"),
        ({"layers": [{"kind": "conv", "kernel_size": 0}]}, ValueError, "network_calculator: kernel_size of layer 1 (conv) must be at least 1, got 0"),
        ({"layers": [{"kind": "conv", "stride": 101}]}, ValueError, "network_calculator: stride of layer 1 (conv) can be at most 100 here, got 101"),
        ({"layers": [{"kind": "conv", "bias": 1}]}, TypeError, "network_calculator: bias of layer 1 (conv) must be True or False, got 1"),
        ({"layers": [{"kind": "conv", "out_channels": (2, 3)}]}, TypeError, "network_calculator: out_channels of layer 1 (conv) must be an integer, got (2, 3)"),
        ({"layers": [{"kind": "conv", "padding": "same"}]}, TypeError, "network_calculator: padding of layer 1 (conv) must be an integer or 2 integers, got 'same'"),
        ({"input_shape": (3, 224)}, ValueError, "network_calculator: input_shape must be 3 integers, got"),
        ({"input_shape": (3, 5000, 4)}, ValueError, "network_calculator: input_shape (height) can be at most 4096 here, got 5000"),
        ({"batch": 0}, ValueError, "network_calculator: batch must be at least 1, got 0"),
        ({"itemsize": 3}, ValueError, "network_calculator: itemsize must be 8, 4, 2 or 1 bytes, got 3"),
        ({"question": (224, 56, 12, 4, 1)}, ValueError, "network_calculator: question (kernel) can be at most 11 here, got 12"),
    ],
)  # fmt: skip
def test_what_it_cannot_show_is_refused_in_plain_words(wrong, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        network_calculator(**wrong)
