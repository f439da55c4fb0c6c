"""The channels lab: what its page computes is what convlib and torch compute, in numbers and in words."""

import random
import re
from typing import Any

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from lab_script import call, state_of

from convlib import channel_shuffle, conv2d, conv2d_input, conv_multiply_adds, conv_parameters, labs
from convlib.labs.channels import KERNELS, KINDS, LIMITS, ChannelsLab, channels, percent, shapes_in_words


def random_lab(seed: int) -> ChannelsLab:
    """A lab as a reader or Python may leave it; about one in three is impossible."""
    choose = random.Random(seed)
    kind = choose.choice(list(KINDS))
    numbers = {name: choose.randint(*limits) for name, limits in LIMITS.items()}
    if choose.random() < 0.6:  # as the sliders would have it
        step = choose.choice([1, 2, 3, 4, 5, 8])
        least = max(step, 2)
        for name in ("in_channels", "out_channels"):
            numbers[name] = choose.choice([n for n in range(least, 17) if n % step == 0])
        numbers["groups"] = step
        if kind == "depthwise":
            numbers["out_channels"] = numbers["in_channels"] * choose.randint(1, 16 // numbers["in_channels"])
    return ChannelsLab(
        kind=kind,
        kernel_size=choose.choice(KERNELS),
        shuffle=choose.random() < 0.5,
        bias=choose.random() < 0.5,
        side=choose.choice(["input", "output"]),
        channel=choose.randrange(20),
        **numbers,
    )


RANDOM = [random_lab(seed) for seed in range(450)]
SOUND = [lab for lab in RANDOM if not lab.problem]


def js(lab: ChannelsLab, function: str, *arguments: object) -> Any:
    return call("channels", function, state_of(lab), *arguments)


def possible(lab: ChannelsLab) -> list[str]:
    return [kind for kind, costs in lab.costs.items() if costs]


def test_random_states_reach_every_case() -> None:
    assert {lab.kind for lab in SOUND} == set(KINDS)
    assert {(lab.side, lab.bias) for lab in SOUND} == {
        (s, b) for s in ("input", "output") for b in (False, True)
    }
    grouped = [lab for lab in SOUND if lab.kind == "two grouped" and lab.groups > 1]
    assert {(bool(lab.shuffle), lab.out_channels // lab.groups < lab.groups) for lab in grouped} == {
        (a, b) for a in (False, True) for b in (False, True)
    }
    assert len(SOUND) > 300
    assert len(RANDOM) - len(SOUND) > 50


# --- which channels are connected ---


def test_paths_of_the_page_are_pythons() -> None:
    for lab in SOUND:
        assert np.array_equal(js(lab, "pathsOf"), lab.paths), lab
        assert np.array_equal(lab.connections, lab.paths > 0)
        assert set(np.unique(lab.connections)) <= {0, 1}


def sent_back(lab: ChannelsLab, output: int) -> np.ndarray:
    """Which inputs get a gradient from an output, through kernels of ones as large as the lab's."""
    size = 7
    layers = lab.layers
    gradient = np.zeros((1, lab.out_channels, size, size))
    gradient[0, output, 3, 3] = 1
    for at in reversed(range(len(layers))):
        before, after, k, groups = layers[at]
        gradient = conv2d_input(
            (1, before, size, size), np.ones((after, before // groups, k, k)), gradient, 1, k // 2, 1, groups
        )
        if at and lab.kind == "two grouped" and lab.shuffle:
            gradient = channel_shuffle(gradient, before // lab.groups)  # which undoes it
    return gradient[0].any((1, 2))


def test_connections_are_where_the_gradient_goes() -> None:
    for lab in SOUND[:150]:
        expected = np.array([sent_back(lab, output) for output in range(lab.out_channels)])
        assert np.array_equal(lab.connections, expected), lab


def test_connections_are_where_a_change_of_an_input_is_seen() -> None:
    for lab in SOUND[150:300]:
        for changed in range(lab.in_channels):
            image = np.zeros((1, lab.in_channels, 8, 8))
            image[0, changed, 4, 4] = 1
            for at, (before, after, k, groups) in enumerate(lab.layers):
                if at and lab.kind == "two grouped" and lab.shuffle:
                    image = channel_shuffle(image, lab.groups)
                weight = np.ones((after, before // groups, k, k))
                image = conv2d(image, weight, padding=k // 2, groups=groups)
            assert image.shape == (1, lab.out_channels, 8, 8)  # the padding keeps the size
            assert np.array_equal(lab.connections[:, changed], image[0].any((1, 2))), lab


def test_marked_columns_of_the_page_are_what_the_connections_say() -> None:
    for lab in SOUND:
        marked = js(lab, "markedColumns")
        steps = js(lab, "stepsOf")
        assert len(marked) == len(steps) + 1
        is_output = lab.side == "output"
        count = lab.out_channels if is_output else lab.in_channels
        channel = min(lab.channel, count - 1)
        assert marked[-1 if is_output else 0] == [one == channel for one in range(count)]
        line = lab.connections[channel] if is_output else lab.connections[:, channel]
        assert marked[0 if is_output else -1] == (line > 0).tolist(), lab
        for step, before, after in zip(steps, marked, marked[1:], strict=False):
            sees = np.array(step["sees"])
            if is_output:
                assert before == (np.array(after) @ sees > 0).tolist()
            else:
                assert after == (sees @ np.array(before) > 0).tolist()


def test_each_step_of_the_page_is_what_convlib_does() -> None:
    for lab in SOUND:
        steps = js(lab, "stepsOf")
        signals = np.eye(lab.in_channels)[:, :, None, None]
        layers = list(lab.layers)
        for step in steps:
            ones = np.eye(len(step["sees"][0]))[:, :, None, None]
            if step["name"] == "shuffle":
                one = channel_shuffle(ones, lab.groups)
                signals = channel_shuffle(signals, lab.groups)
            else:
                layer = layers.pop(0)
                assert step["name"] == f"{layer.kernel_size}×{layer.kernel_size}"
                weight = np.ones((*layer.weight_shape[:2], 1, 1))
                one = conv2d(ones, weight, groups=layer.groups)
                signals = conv2d(signals, weight, groups=layer.groups)
            assert np.array_equal(one[:, :, 0, 0].T, step["sees"]), lab
        assert not layers
        assert np.array_equal(signals[:, :, 0, 0].T, lab.paths)


def test_groups_are_blocks_along_the_diagonal() -> None:
    lab = channels("grouped", 6, 4, groups=2)
    assert lab.connections.tolist() == [[1, 1, 1, 0, 0, 0]] * 2 + [[0, 0, 0, 1, 1, 1]] * 2
    assert np.array_equal(channels("depthwise", 4, 4).connections, np.eye(4))
    assert np.array_equal(channels("depthwise", 4, 8).connections, np.eye(4).repeat(2, axis=0))
    for kind in ("standard", "pointwise", "separable"):
        assert (channels(kind, 3, 5).paths == 1).all()
    assert (channels("bottleneck", 3, 5, middle=4).paths == 4 * 4).all()


def test_shuffle_mixes_all_groups_where_each_group_is_large_enough() -> None:
    for g in (1, 2, 3, 4, 5, 8):
        for o in range(max(g, 2), 17):
            if o % g:
                continue
            plain, shuffled = (channels("two grouped", o, o, groups=g, shuffle=way) for way in (False, True))
            met = min(g, o // g)  # groups before that a group behind the shuffle meets
            assert (shuffled.connections.sum(1) == met * (o // g)).all()
            assert (plain.connections.sum(1) == o // g).all()
            assert shuffled.mixing_in_words().startswith("Every" if o // g >= g else "No")
            assert plain.mixing_in_words().startswith("Every" if g == 1 else "No")
            if g > 1:
                assert f"from {met} of the {g} groups before." in shuffled.kind_in_words()


def test_either_every_output_sees_all_or_none_does() -> None:
    for lab in SOUND:  # so that the sentence is true
        seen = lab.connections.all(1)
        assert seen.all() or not seen.any()


# --- counting ---


def modules(lab: ChannelsLab, kind: str) -> list[torch.nn.Conv2d]:
    """The layers as torch has them, without memory for their weights."""
    before, after, k, g = lab.in_channels, lab.out_channels, lab.kernel_size, lab.groups

    def conv(i: int, o: int, kernel: int = k, groups: int = 1) -> torch.nn.Conv2d:
        return torch.nn.Conv2d(
            i, o, kernel, padding="same", groups=groups, bias=bool(lab.bias), device="meta"
        )

    match kind:
        case "standard":
            return [conv(before, after)]
        case "grouped":
            return [conv(before, after, groups=g)]
        case "depthwise":
            return [conv(before, after, groups=before)]
        case "pointwise":
            return [conv(before, after, 1)]
        case "separable":
            return [conv(before, before, groups=before), conv(before, after, 1)]
        case "bottleneck":
            return [conv(before, lab.middle, 1), conv(lab.middle, lab.middle), conv(lab.middle, after, 1)]
        case _:
            return [conv(before, after, groups=g), conv(after, after, groups=g)]


def test_shapes_and_parameters_are_torchs() -> None:
    for lab in RANDOM[:250]:
        for kind in possible(lab):
            layers = modules(lab, kind)
            costs = lab.costs[kind]
            assert costs is not None
            assert costs.weight_shapes == [tuple(one.weight.shape) for one in layers]
            assert costs.parameters == sum(p.numel() for one in layers for p in one.parameters())
            image = torch.empty(1, lab.in_channels, lab.size, lab.size, device="meta")
            multiply_adds = 0
            for one, numbers in zip(layers, costs.numbers, strict=True):
                image = one(image)
                assert image.numel() == numbers
                multiply_adds += one.weight.numel() * image.shape[2] * image.shape[3]
            assert costs.multiply_adds == multiply_adds
            if kind == lab.kind:
                assert (lab.weight_shapes, lab.parameters) == (costs.weight_shapes, costs.parameters)
                assert lab.multiply_adds == multiply_adds


def test_counts_are_convlibs() -> None:
    for lab in SOUND:
        each = [(one[0], one[1], (one[2], one[2])) for one in lab.layers]
        groups = [one.groups for one in lab.layers]
        assert lab.parameters == sum(
            conv_parameters(*one, groups=g, bias=bool(lab.bias)) for one, g in zip(each, groups, strict=True)
        )
        assert lab.multiply_adds == sum(
            conv_multiply_adds(*one, (lab.size,) * 2, groups=g) for one, g in zip(each, groups, strict=True)
        )


def test_costs_of_the_page_are_pythons() -> None:
    for lab in RANDOM:
        every = (
            "(state => Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, costsOf(state, kind)])))"
        )
        all_shown = js(lab, every)
        for kind, costs in lab.costs.items():
            shown = all_shown[kind]
            if costs is None:
                assert shown is None
                continue
            assert shown == {
                "shapes": [list(shape) for shape in costs.weight_shapes],
                "parameters": costs.parameters,
                "multiplyAdds": costs.multiply_adds,
                "numbers": costs.numbers,
            }
        shapes = lab.costs["separable"].weight_shapes  # type: ignore[union-attr]
        assert call("channels", "shapesInWords", shapes) == shapes_in_words(shapes)


def test_separable_saves_what_the_sentence_says() -> None:
    for lab in RANDOM:
        separable, standard = lab.costs["separable"], lab.costs["standard"]
        assert separable
        assert standard
        o, k = lab.out_channels, lab.kernel_size
        assert separable.multiply_adds / standard.multiply_adds == pytest.approx(1 / o + 1 / k**2)
        if not lab.bias:
            assert separable.parameters / standard.parameters == pytest.approx(1 / o + 1 / k**2)
        assert ("parameters" in lab.ratio_in_words()) == (not lab.bias)
        said = float(lab.ratio_in_words().split(" = ")[-1].rstrip("."))
        assert said == pytest.approx(1 / o + 1 / k**2, rel=6e-4)


# --- words ---


def test_sentences_of_the_page_are_pythons() -> None:
    for lab in SOUND:
        assert js(lab, "reachInWords") == lab.reach_in_words()
        assert js(lab, "mixingInWords") == lab.mixing_in_words()
        assert js(lab, "kindInWords") == lab.kind_in_words()
        assert js(lab, "ratioInWords") == lab.ratio_in_words()
        words = "[nameOf, parametersInWords, multiplyAddsInWords, numbersInWords]"
        written = f"((state, kinds) => kinds.map((kind) => {words}.map((one) => one(state, kind))))"
        ours = lab._name, lab.parameters_in_words, lab.multiply_adds_in_words, lab.numbers_in_words
        kinds = possible(lab)
        assert js(lab, written, kinds) == [[one(kind) for one in ours] for kind in kinds]


def value(formula: str) -> int:
    return int(eval(formula.replace("·", "*").replace(",", "")))


def test_formulas_are_true() -> None:
    for lab in RANDOM:
        for kind, costs in lab.costs.items():
            if costs is None:
                continue
            for formula, count in (
                (lab.parameters_in_words(kind), costs.parameters),
                (lab.multiply_adds_in_words(kind), costs.multiply_adds),
            ):
                assert {value(side) for side in formula.split(" = ")} == {count}, formula
            formulas = re.findall(r"[\d·]+ = [\d,]*\d", lab.numbers_in_words(kind))
            values = [[value(side) for side in one.split(" = ")] for one in formulas]
            *between, last = costs.numbers
            assert values == [[one, one] for one in (last, *between)]


def test_slices_in_the_sentences_are_the_lines_of_the_drawing() -> None:
    for lab in SOUND:
        lines = sum(np.sum(step["sees"]) for step in js(lab, "stepsOf") if step["name"] != "shuffle")
        said = lab.kind_in_words()
        if lab.kind == "bottleneck":
            assert sum(map(int, re.findall(r"\d+", said)[-3:])) == lines
        elif lab.kind == "separable":
            first, second = re.findall(r"(\d+) slices", said)
            assert int(first) + int(second) == lines
        else:
            assert int(re.findall(r"(\d+) slices", said)[0]) == lines


def test_words_about_a_channel() -> None:
    lab = channels("grouped", 16, 8, groups=4)
    lab.channel = 3
    assert lab.reach_in_words() == "Output 3 sees inputs 4, 5, 6, 7: 4 of 16."
    assert lab.mixing_in_words() == "No output sees every input."
    lab.side = "input"
    assert lab.reach_in_words() == "Input 3 reaches outputs 0, 1: 2 of 8."
    lab.groups = 8
    assert lab.reach_in_words() == "Input 3 reaches output 1: 1 of 8."
    lab.kind = "standard"
    assert lab.reach_in_words() == "Input 3 reaches all outputs: 8 of 8."
    lab.channel = 99  # the last one that there is
    assert lab.reach_in_words().startswith("Input 15 ")


def test_words_about_the_kinds() -> None:
    assert channels("grouped", 4, 8, groups=1).kind_in_words() == (
        "Each output has a slice for the 4 inputs of its own group only: 8 · 4 = 32 slices of 3 × 3. "
        "One group: the standard convolution."
    )
    assert channels("grouped", 4, 8, groups=4).kind_in_words() == (
        "Each output has a slice for the input of its own group only: 8 · 1 = 8 slices of 3 × 3. "
        "As many groups as inputs: the depthwise convolution."
    )
    assert channels("bottleneck", 16, 16, middle=4).parameters_in_words("bottleneck") == (
        "4·16·1·1 + 4·4·3·3 + 16·4·1·1 = 64 + 144 + 64 = 272"
    )
    separable = channels("separable", 8, 16, bias=True)
    assert separable.parameters_in_words("separable") == ("(8·1·3·3 + 8) + (16·8·1·1 + 16) = 80 + 144 = 224")
    assert separable.multiply_adds_in_words("separable") == "(72 + 128) · 28·28 = 156,800"
    assert separable.multiply_adds_in_words("standard") == "16·8·3·3 · 28·28 = 903,168"
    assert separable.numbers_in_words("separable") == "16·28·28 = 12,544 (in between: 8·28·28 = 6,272)"


def test_percent_of_the_page_is_pythons() -> None:
    choose = random.Random(1)
    for _ in range(300):
        part, whole = choose.randint(1, 10**6), choose.randint(1, 10**6)
        assert call("channels", "percent", part, whole) == percent(part, whole)


# --- what is impossible ---


def test_impossible_settings_are_told_in_the_cases_in_which_convlib_refuses_them() -> None:
    for lab in RANDOM:
        problems = "((state, kinds) => kinds.map((kind) => problemOf(state, kind)))"
        assert js(lab, problems, list(KINDS)) == [lab._problem_of(kind) for kind in KINDS]
        for kind in KINDS:
            theirs = lab._problem_of(kind)
            try:
                for before, after, k, groups in lab._layers_of(kind):
                    conv_parameters(before, after, (k, k), groups)
                refused = ""
            except ValueError as error:
                refused = str(error)
            assert bool(theirs) == bool(refused)
            if refused:
                word, count, groups = re.search(r"(in|out)_channels (\d+) .* (\d+) groups", refused).groups()  # type: ignore[union-attr]
                assert theirs == f"{count} {word}put channels cannot be split into {groups} groups."
        if lab.problem:
            assert lab.problem in "".join(lab.still())
            for what in ("connections", "paths", "parameters", "multiply_adds", "weight_shapes"):
                with pytest.raises(ValueError, match="cannot be split into"):
                    getattr(lab, what)


def test_every_kind_can_be_chosen_from_every_state() -> None:
    fitted = "((state, kinds) => kinds.map((kind) => ({...state, ...fitted(state, kind)})))"
    for lab in RANDOM:
        before = state_of(lab)
        for kind, found in zip(KINDS, js(lab, fitted, list(KINDS)), strict=True):
            c, o, g = (found[name] for name in ("in_channels", "out_channels", "groups"))
            if not lab._problem_of(kind):
                assert found == before | {"kind": kind}
            elif kind == "depthwise":
                assert found == before | {"kind": kind, "out_channels": o}
                assert o % c == 0
                nearest = min(abs(m * c - lab.out_channels) for m in range(1, 16 // c + 1))
                assert abs(o - lab.out_channels) == nearest
            else:
                assert found == before | {"kind": kind, "groups": g}
                assert g == max(n for n in range(1, lab.groups) if c % n == o % n == 0)


def test_sliders_offer_possible_channels_only_and_all_of_them() -> None:
    for lab in SOUND:
        c, o, g = lab.in_channels, lab.out_channels, lab.groups
        possible_inputs, possible_outputs = (
            [n for n in range(2, 17) if "grouped" not in lab.kind or n % g == 0] for _ in "io"
        )
        if lab.kind == "depthwise":  # the outputs go along with the inputs
            possible_inputs = [n for n in range(2, 17) if n * (o // c) <= 16]
            possible_outputs = [n for n in range(2, 17) if n % c == 0]
        for what, (least, most, step) in js(lab, "channelChoices").items():
            expected = possible_inputs if what == "in_channels" else possible_outputs
            assert list(range(least, most + 1, step)) == expected, lab
            assert getattr(lab, what) in expected
        divisors: Any = call("channels", "divisorsOf", c, o)
        assert divisors == [n for n in range(1, 17) if c % n == o % n == 0]


# --- without a script ---


@pytest.mark.parametrize("lab", [*SOUND[:40], *[one for one in RANDOM if one.problem][:5]], ids=repr)
def test_still_result_holds_the_numbers(lab: ChannelsLab) -> None:
    page = BeautifulSoup("".join(lab.still()), "html.parser")

    def table(start: str) -> list[list[str]]:
        caption = next(one for one in page.find_all("caption") if one.text.startswith(start))
        return [[cell.text for cell in row("td")] for row in caption.parent("tr") if not row("th")]

    if not lab.problem:
        assert [[int(cell or 0) for cell in row[1:]] for row in table("Ways")] == lab.paths.tolist()
        bold = len(page.find_all("strong"))
        is_output = lab.side == "output"
        channel = min(lab.channel, lab.paths.shape[0 if is_output else 1] - 1)
        assert bold == np.count_nonzero(lab.paths[channel] if is_output else lab.paths[:, channel])
        for sentence in (lab.reach_in_words(), lab.mixing_in_words(), lab.kind_in_words()):
            assert sentence in page.text
    standard = lab.costs["standard"]
    assert standard
    for row, (kind, costs) in zip(table("What each kind costs"), lab.costs.items(), strict=True):
        if costs is None:
            assert row[1] == f"impossible: {lab._problem_of(kind)}"
            continue
        assert row[1] == shapes_in_words(costs.weight_shapes)
        assert f"= {costs.parameters:,} ({percent(costs.parameters, standard.parameters)})" in row[2]
        assert f"= {costs.multiply_adds:,} ({percent(costs.multiply_adds, standard.multiply_adds)})" in row[3]
        assert f"= {costs.numbers[-1]:,}" in row[4]
    assert lab.ratio_in_words() in page.text


def test_still_result_is_stable_and_names_itself() -> None:
    bundle = labs.channels("two grouped", 8, 12, groups=4, shuffle=True)._repr_mimebundle_()[0]
    assert bundle["text/plain"] == (
        "Which channels see each other: two grouped layers, 4 groups, channel shuffle between, "
        "8 → 12 channels, kernel 3 × 3, image 28 × 28, no bias"
    )
    again = labs.channels("two grouped", 8, 12, groups=4, shuffle=True)._repr_mimebundle_()[0]
    assert bundle["text/html"] == again["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


WRONG = {
    "kind": ({"kind": "dense"}, ValueError, "kind must be 'standard', 'grouped', "),
    "one input": ({"in_channels": 1}, ValueError, "in_channels must be between 2 and 16, got 1"),
    "many outputs": ({"out_channels": 17}, ValueError, "out_channels must be between 2 and 16, got 17"),
    "no groups": ({"groups": 0}, ValueError, "groups must be"),
    "many groups": ({"groups": 17}, ValueError, "groups must be between 1 and 16, got 17"),
    "middle": ({"middle": 17}, ValueError, "middle must be between 1 and 16, got 17"),
    "small image": ({"size": 6}, ValueError, "size must be between 7 and 112, got 6"),
    "large image": ({"size": 113}, ValueError, "size must be between 7 and 112, got 113"),
    "even kernel": ({"kernel_size": 2}, ValueError, "kernel_size must be 1, 3, 5 or 7, got 2"),
    "two sides": ({"kernel_size": (3, 3)}, TypeError, "kernel_size must be an integer, got (3, 3)"),
    "fraction": ({"in_channels": 4.5}, TypeError, "in_channels must be an integer, got 4.5"),
    "bias": ({"bias": 1}, TypeError, "bias must be True or False, got 1"),
    "shuffle": ({"shuffle": "yes"}, TypeError, "shuffle must be True or False, got 'yes'"),
    "groups that do not divide": (
        {"kind": "grouped", "groups": 3},
        ValueError,
        "in_channels 8 cannot be split into 3 groups",
    ),
    "second layer": (
        {"kind": "two grouped", "out_channels": 9, "groups": 4},
        ValueError,
        "out_channels 9 cannot be split into 4 groups",
    ),
    "depthwise": (
        {"kind": "depthwise", "out_channels": 12},
        ValueError,
        "out_channels 12 cannot be split into 8 groups",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_settings_are_told_in_the_callers_words(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^channels: {re.escape(message)}"):
        channels(**arguments)


def test_groups_that_the_kind_does_not_use_do_not_matter() -> None:
    assert channels("standard", 7, 5, groups=4).parameters == 7 * 5 * 3 * 3
