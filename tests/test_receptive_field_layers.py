"""Stacks of layers: the recurrence, the closed form, and the gradient's word on random ones."""

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convlib.receptive_field import Field, Layer, closed_form, gradient_support, receptive_field, stack
from convlib.receptive_field.field import bins, repeated, window

VGG = [
    layer
    for convolutions in (2, 2, 3, 3, 3)
    for layer in [Layer(3, padding=1)] * convolutions + [Layer(2, stride=2)]
]


def test_one_layer_sees_its_kernel() -> None:
    (step,) = stack([Layer((3, 5), stride=(2, 1), padding=(1, 0))], (9, 9))
    assert (step.size, step.jump, step.start, step.output_size) == ((3, 5), (2, 1), (-1, 0), (5, 5))


def test_dilation_spreads_the_taps() -> None:
    (step,) = stack([Layer(3, dilation=4)])
    assert step.size == (4 * (3 - 1) + 1,)


def test_a_kernel_adds_its_width_in_steps_of_the_strides_below() -> None:
    steps = stack([Layer(3, stride=2), Layer(3, stride=3), Layer(2)])
    assert [step.size[0] for step in steps] == [3, 3 + 2 * 2, 3 + 2 * 2 + 1 * 6]
    assert [step.jump[0] for step in steps] == [2, 2 * 3, 2 * 3]


def test_vgg_16_by_both_formulas() -> None:
    last = stack(VGG, 224)[-1]
    assert (last.size, last.jump, last.start, last.output_size) == ((212,), (32,), (-90,), (7,))
    assert closed_form(VGG) == (212, 32, 90)


def test_a_kernel_of_unequal_sides() -> None:
    last = stack([Layer((3, 5), stride=2), Layer((3, 1), stride=2)])[-1]
    assert (last.size, last.jump, last.start) == ((7, 5), (4, 4), (0, 0))


def test_tensorflow_pads_the_end_of_an_even_size() -> None:
    layer = Layer(3, stride=2, padding="same")
    assert layer.sides(0, 224) == (0, 1)  # (112 - 1)*2 + 3 - 224
    assert layer.sides(0, 225) == (1, 1)  # (113 - 1)*2 + 3 - 225
    assert layer.output_size(224) == 112
    assert layer.output_size(225) == 113


def test_mobilenet_v1_as_a_list() -> None:
    strides = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    layers = [Layer(3, stride=s, padding="same") for s in strides]
    assert closed_form(layers, 224) == (315, 32, 126)
    assert closed_form(layers, 321) == (315, 32, 157)


def test_same_without_a_size_is_refused_only_where_it_matters() -> None:
    assert stack([Layer(5, padding="same")])[0].start == (-2,)
    with pytest.raises(ValueError, match="give input_size"):
        stack([Layer(5, stride=2, padding="same")])


def test_padding_may_differ_before_and_after() -> None:
    layer = Layer(3, stride=2, padding=((1, 0),))
    assert layer.output_size(8) == (8 + 1 - 3) // 2 + 1
    assert stack([layer])[0].start == (-1,)


def test_valid_adds_nothing() -> None:
    assert Layer(3, padding="valid").output_size(5) == 3


def test_a_region_and_its_inverse() -> None:
    (step,) = stack([Layer(3, stride=2, padding=1)], 9)
    assert step.region(0) == ((-1, 1),)
    assert step.region(4) == ((7, 9),)
    assert step.units(1) == ((0, 1),)
    assert step.units(2) == ((1, 1),)
    assert step.units(8) == ((4, 4),)


def test_a_pixel_between_windows_is_seen_by_nobody() -> None:
    (step,) = stack([Layer(1, stride=3)], 10)
    assert [step.units(pixel)[0] for pixel in range(4)] == [(0, 0), None, None, (1, 1)]


def test_nobody_beyond_the_last_unit_sees_a_pixel() -> None:
    (step,) = stack([Layer(2, stride=2)], 7)
    assert step.output_size == (3,)
    assert step.units(6) == (None,)  # the remainder that the stride leaves


def test_enlarging_halves_the_jump() -> None:
    last = stack([Layer(3, padding=1), Layer(stride=2, kind="nearest"), Layer(3, padding=1)], 10)[-1]
    assert last.jump == (Fraction(1, 2),)
    assert last.size == (4,)  # 3, and the neighbour that every second window reaches
    assert [last.region(unit)[0] for unit in range(3)] == [(-2, 1), (-1, 2), (-1, 2)]


def test_a_transposed_convolution_undoes_a_stride() -> None:
    layers = [Layer(4, stride=2, padding=1), Layer(4, stride=2, padding=1, kind="transposed")]
    last = stack(layers, 16)[-1]
    assert (last.output_size, last.jump) == ((16,), (1,))
    assert last.fields[0].centre == 0


def test_units_between_the_zeros_of_a_transposed_convolution_see_nothing() -> None:
    (step,) = stack([Layer(1, stride=2, kind="transposed")], 4)
    assert [step.region(unit)[0] for unit in range(4)] == [(0, 0), None, (1, 1), None]


def test_the_closed_form_is_for_windows() -> None:
    with pytest.raises(ValueError, match="not for 'nearest'"):
        closed_form([Layer(stride=2, kind="nearest")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "pool"}, "kind must be"),
        ({"padding": "full"}, "padding must be"),
        ({"kernel_size": 0}, "kernel_size must be at least 1"),
        ({"stride": (1, 0)}, "stride must be at least 1"),
        ({"kernel_size": (3, 3), "stride": (1, 1, 1)}, "kernel_size must be"),
    ],
)
def test_wrong_layers_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Layer(**arguments)


def test_a_layer_that_makes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="makes nothing of 4 pixels"):
        stack([Layer(5)], 4)


def test_a_field_that_never_repeats_is_no_rule() -> None:
    assert Field().then(repeated(2000)) is None


def test_paths_that_move_at_different_paces_have_no_common_field() -> None:
    one, other = Field().then(window(1, stride=2)), Field()
    assert one is not None
    assert one.union(other) is None
    assert not one.aligned(other)


def test_bins_that_overlap() -> None:
    assert bins(5, 3).phases == ((0, 1), (1, 2, 3), (3, 4))


def test_every_unit_of_the_field_sees_the_same_has_no_inverse() -> None:
    with pytest.raises(ValueError, match="every unit"):
        Field(((0, 3),), 0).units(1)


LAYERS = st.builds(
    lambda k, s, p, d, kind: Layer(k, s, min(p, d * (k - 1)) if kind == "transposed" else p, d, kind),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 2),
    st.sampled_from(["convolution", "convolution", "transposed"]),
)


def as_model(layers: list[Layer]) -> nn.Module:
    kinds = {"convolution": nn.Conv1d, "transposed": nn.ConvTranspose1d}
    return nn.Sequential(
        *(
            kinds[layer.kind](1, 1, layer.kernel_size, layer.stride, layer.padding, dilation=layer.dilation)
            for layer in layers
        )
    )


@given(st.lists(LAYERS, min_size=1, max_size=4))
def test_random_stacks_are_what_the_gradient_says(layers: list[Layer]) -> None:
    size = 40
    steps = stack(layers, size)
    assert steps[-1].output_size is not None
    count = steps[-1].output_size[0]
    model = as_model(layers)
    row = receptive_field(model.eval(), size).last
    assert row.output_size == (count,)
    for unit in sorted({0, count // 2, count - 1}):
        support = gradient_support(model, size, unit)
        assert np.array_equal(row.seen(unit)[0], support)
        promised, places = steps[-1].region(unit)[0], np.flatnonzero(support)
        if places.size:  # inside what the formula promises, and all of it away from the borders
            assert promised is not None
            assert promised[0] <= places[0]
            assert places[-1] <= promised[1]


@given(st.lists(LAYERS.filter(lambda layer: layer.kind == "convolution"), min_size=1, max_size=5))
def test_the_closed_form_is_the_recurrence(layers: list[Layer]) -> None:
    last = stack(layers)[-1]
    assert closed_form(layers) == (last.size[0], last.jump[0], -last.start[0])


@given(st.lists(LAYERS, min_size=1, max_size=4), st.integers(0, 39))
def test_a_pixel_is_seen_by_the_units_whose_region_holds_it(layers: list[Layer], pixel: int) -> None:
    last = stack(layers, 40)[-1]
    assert last.output_size is not None
    regions = [last.region(unit)[0] for unit in range(last.output_size[0])]
    seeing = [unit for unit, one in enumerate(regions) if one and one[0] <= pixel <= one[1]]
    assert last.units(pixel)[0] == ((seeing[0], seeing[-1]) if seeing else None)


def test_layer_lists_need_no_torch() -> None:
    code = "import sys, convlib.receptive_field; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_torch_is_the_second_voice_of_the_sizes() -> None:
    for layer in (Layer(3, 2, 1, 2), Layer(4, 3, 1, 1, "transposed", output_padding=2)):
        kind = nn.ConvTranspose1d if layer.kind == "transposed" else nn.Conv1d
        extra = {"output_padding": 2} if layer.kind == "transposed" else {}
        module = kind(1, 1, layer.kernel_size, layer.stride, layer.padding, dilation=layer.dilation, **extra)
        assert module(torch.zeros(1, 1, 17)).shape[2] == layer.output_size(17)
