"""The checkers of chapter 10: right answers of every kind are accepted, each mistake is named."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from convlib import exercises
from convlib.receptive_field import Layer, closed_form, gradient_support, stack


def diagnosis_only(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize("name", ["receptive-field", "unit-region", "more-layers"])
def test_an_unsolved_exercise_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *arguments: ...)) == f"{name}: not tried yet"


# --- the size -----------------------------------------------------------------------------------------------


def by_recurrence(kernel_sizes, strides, dilations):
    size, jump = 1, 1
    for k, s, d in zip(kernel_sizes, strides, dilations, strict=True):
        size += d * (k - 1) * jump
        jump *= s
    return size


def by_sum(kernel_sizes, strides, dilations):
    jumps = np.cumprod([1, *strides[:-1]])
    return 1 + (np.array(dilations) * (np.array(kernel_sizes) - 1) * jumps).sum()


def from_the_top(kernel_sizes, strides, dilations):
    size = 1
    for k, s, d in zip(kernel_sizes[::-1], strides[::-1], dilations[::-1], strict=True):
        size = s * (size - 1) + d * (k - 1) + 1
    return size


def by_closed_form(kernel_sizes, strides, dilations):
    layers = [
        Layer(k, stride=s, dilation=d) for k, s, d in zip(kernel_sizes, strides, dilations, strict=True)
    ]
    return float(closed_form(layers)[0])


def by_gradient(kernel_sizes, strides, dilations):
    settings = zip(kernel_sizes, strides, dilations, strict=True)
    net = nn.Sequential(*(nn.Conv1d(1, 1, k, s, dilation=d) for k, s, d in settings))
    seen = np.flatnonzero(gradient_support(net, 200, position=0))
    return torch.tensor(seen[-1] - seen[0] + 1)


RIGHT_SIZE = [by_recurrence, by_sum, from_the_top, by_closed_form, by_gradient]


@pytest.mark.parametrize("answer", RIGHT_SIZE)
def test_receptive_field_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("receptive-field", answer)
    assert repr(verdict) == "receptive-field: right - 12 cases agree with the definition"


def with_its_own_stride(kernel_sizes, strides, dilations):
    size, jump = 1, 1
    for k, s, d in zip(kernel_sizes, strides, dilations, strict=True):
        jump *= s
        size += d * (k - 1) * jump
    return size


def term_by_term(term):
    def answer(kernel_sizes, strides, dilations):
        size, jump = 1, 1
        for k, s, d in zip(kernel_sizes, strides, dilations, strict=True):
            size += term(k, d) * jump
            jump *= s
        return size

    return answer


def with_the_stride_below(kernel_sizes, strides, dilations):
    below = [1, *strides[:-1]]
    return 1 + sum(d * (k - 1) * s for k, s, d in zip(kernel_sizes, below, dilations, strict=True))


def with_piled_up_dilations(kernel_sizes, strides, dilations):
    return by_sum(kernel_sizes, np.multiply(strides, dilations), dilations)


WRONG_SIZE = [
    (with_its_own_stride, "a layer's own stride is counted"),
    (term_by_term(lambda k, d: d * k), "k taps adds k steps"),
    (term_by_term(lambda k, d: d * k - 1), "d (k - 1) + 1, not d k"),
    (term_by_term(lambda k, d: k - 1), "the dilations are ignored"),
    (lambda k, s, d: by_sum(k, [1] * len(k), d), "the strides are ignored"),
    (lambda k, s, d: by_sum(k[::-1], s[::-1], d[::-1]), "taken from the last to the first"),
    (with_the_stride_below, "only the stride of the layer right below"),
    (with_piled_up_dilations, "not those of the layers above"),
    (lambda k, s, d: by_sum(k, s, d) - 1, "the pixel itself is missing"),
    (lambda k, s, d: math.prod(k), "what each layer adds is summed"),
    (lambda k, s, d: 0, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SIZE, ids=diagnosis_only)
def test_receptive_field_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("receptive-field", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_stride_too_many_is_shown_on_a_single_layer():
    verdict = exercises.check("receptive-field", with_its_own_stride)
    assert str(verdict).splitlines()[1] == (
        "  for kernel_sizes (7,), strides (2,) and dilations (1,): expected 7, got 13"
    )


# --- which pixels -------------------------------------------------------------------------------------------


def region_downwards(u, layers):
    first = last = u
    for k, s, p in layers[::-1]:
        first, last = first * s - p, last * s - p + (k - 1)
    return first, last


def region_upwards(u, layers):
    size, jump, start = 1, 1, 0
    for k, s, p in layers:
        size += (k - 1) * jump
        start -= p * jump
        jump *= s
    return np.array([start + u * jump, start + u * jump + size - 1])


def region_by_sets(u, layers):
    units = {u}
    for k, s, p in reversed(layers):
        units = {s * unit - p + tap for unit, tap in itertools.product(units, range(k))}
    return [float(min(units)), float(max(units))]


def region_by_stack(u, layers):
    return stack([Layer(k, stride=s, padding=p) for k, s, p in layers])[-1].region(u)[0]


RIGHT_REGION = [region_downwards, region_upwards, region_by_sets, region_by_stack]


@pytest.mark.parametrize("answer", RIGHT_REGION)
def test_unit_region_accepts_every_way_to_find_it(answer):
    verdict = exercises.check("unit-region", answer)
    assert repr(verdict) == "unit-region: right - 11 cases agree with the definition"


def with_the_rule(region):
    def answer(u, layers):
        size, jump, start = 1, 1, 0
        for k, s, p in layers:
            size, start, jump = size + (k - 1) * jump, start - p * jump, jump * s
        return region(u, size, jump, start, sum(p for *_, p in layers))

    return answer


WRONG_REGION = [
    (with_the_rule(lambda u, r, j, a, p: (a + u * j, a + u * j + r)), "the end is not counted"),
    (with_the_rule(lambda u, r, j, a, p: (u * j, u * j + r - 1)), "the padding is ignored"),
    (with_the_rule(lambda u, r, j, a, p: (u * j - p, u * j - p + r - 1)), "paddings are added as they are"),
    (lambda u, layers: [max(x, 0) for x in region_upwards(u, layers)], "cut off at the border"),
    (with_the_rule(lambda u, r, j, a, p: (u * j - a, u * j - a + r - 1)), "the padding is added"),
    (with_the_rule(lambda u, r, j, a, p: (u * j - (r - 1) // 2, u * j + r // 2)), "around pixel u J"),
    (with_the_rule(lambda u, r, j, a, p: (a + u, a + u + r - 1)), "a jump apart"),
    (lambda u, layers: region_downwards(u, layers[::-1]), "taken from the image up: follow"),
    (lambda u, layers: region_downwards(u - 1, layers), "counted from 0"),
    (lambda u, layers: (0, 0), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_REGION, ids=diagnosis_only)
def test_unit_region_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("unit-region", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_region_is_two_numbers():
    verdict = exercises.check("unit-region", lambda u, layers: region_upwards(u, layers)[0])
    assert "expected shape (2,), got ()" in str(verdict)


# --- how many more ------------------------------------------------------------------------------------------


def more_by_dividing(kernel_sizes, strides, wanted):
    missing = wanted - by_sum(kernel_sizes, strides, [1] * len(strides))
    return max(0, math.ceil(missing / (2 * math.prod(strides))))


def more_by_trying(kernel_sizes, strides, wanted):
    layers = [Layer(k, stride=s) for k, s in zip(kernel_sizes, strides, strict=True)]
    more = 0
    while closed_form(layers + [Layer(3)] * more)[0] < wanted:
        more += 1
    return more


@pytest.mark.parametrize("answer", [more_by_dividing, more_by_trying])
def test_more_layers_accepts_every_way_to_count(answer):
    verdict = exercises.check("more-layers", answer)
    assert repr(verdict) == "more-layers: right - 12 cases agree with the definition"


def from_missing(rule):
    def answer(kernel_sizes, strides, wanted):
        missing = wanted - by_recurrence(kernel_sizes, strides, [1] * len(strides))
        return rule(missing, math.prod(strides))

    return answer


WRONG_MORE = [
    (from_missing(lambda m, j: max(m, 0) // (2 * j)), "it is rounded down"),
    (from_missing(lambda m, j: m // (2 * j) + 1 if m >= 0 else 0), "the field fits exactly"),
    (from_missing(lambda m, j: math.ceil(max(m, 0) / 2)), "each adds 2 pixels here"),
    (from_missing(lambda m, j: math.ceil(max(m, 0) / (3 * j))), "two jumps, not three"),
    (from_missing(lambda m, j: math.ceil(max(m, 0) / j)), "two jumps, not one"),
    (
        lambda k, s, wanted: math.ceil(max(0, wanted - by_sum(k, s, [1] * len(s))) / (2 * math.prod(s[:-1]))),
        "the stride of the last layer is left out",
    ),
    (from_missing(lambda m, j: math.ceil(m / (2 * j))), "fewer than no layers"),
    (lambda k, s, wanted: math.ceil((wanted - 1) / (2 * math.prod(s))), "the stack has a field already"),
    (lambda k, s, wanted: len(k) + more_by_trying(k, s, wanted), "these are all layers"),
    (from_missing(lambda m, j: max(m, 0) / (2 * j)), "it is not rounded"),
    (lambda k, s, wanted: 0, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_MORE, ids=diagnosis_only)
def test_more_layers_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("more-layers", answer)
    assert not verdict
    assert diagnosis in str(verdict)
