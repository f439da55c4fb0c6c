"""The exercises of chapter 10, receptive field."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

Numbers = Sequence[int]


# --- field_size(kernel_sizes, strides, dilations) -----------------------------------------------------------


def field_size(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    size, jump = 1, 1
    for k, s, d in zip(kernel_sizes, strides, dilations, strict=True):
        size += d * (k - 1) * jump
        jump *= s
    return np.array(size)


def own_stride_counted(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    return 1 + strides[0] * (field_size(kernel_sizes, [*strides[1:], 1], dilations) - 1)


def whole_kernels(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    """k steps for each layer, not k - 1."""
    return field_size([k + 1 for k in kernel_sizes], strides, dilations)


def holes_inside(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    """d k for the extent of a kernel."""
    extents = [d * k for k, d in zip(kernel_sizes, dilations, strict=True)]
    return field_size(extents, strides, [1] * len(extents))


def last_layer_first(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    return field_size(kernel_sizes[::-1], strides[::-1], dilations[::-1])


def only_the_stride_below(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    size = 1
    for k, s, d in zip(kernel_sizes, [1, *strides[:-1]], dilations, strict=True):
        size += d * (k - 1) * s
    return np.array(size)


def dilations_pile_up(kernel_sizes: Numbers, strides: Numbers, dilations: Numbers) -> Array:
    """As if a dilation lengthened the steps of the layers above."""
    size, jump = 1, 1
    for k, s, d in zip(kernel_sizes, strides, dilations, strict=True):
        size += d * (k - 1) * jump
        jump *= s * d
    return np.array(size)


declare(
    "receptive-field",
    field_size,
    cases=[
        ((3,), (1,), (1,)),
        ((7,), (2,), (1,)),
        ((3, 3), (1, 1), (1, 1)),
        ((3, 3), (2, 1), (1, 1)),
        ((3, 2, 3), (1, 2, 1), (1, 1, 1)),
        ((3,), (1,), (4,)),
        ((3, 3, 3), (1, 1, 1), (1, 2, 4)),
        ((7, 3, 1, 3), (2, 2, 1, 2), (1, 1, 1, 1)),
        ((5, 3, 3), (1, 2, 3), (2, 3, 1)),
        ((4, 4, 4, 4, 4), (2, 2, 2, 1, 1), (1, 1, 1, 1, 1)),
        ((3, 3, 2) * 4, (1, 1, 2) * 4, (1,) * 12),
        ((1, 3, 5), (3, 2, 4), (5, 1, 2)),
    ],
    mistakes=[
        Mistake(
            "a layer's own stride is counted: only the strides below it lengthen its steps",
            own_stride_counted,
        ),
        Mistake("a kernel of k taps adds k steps here: it makes k - 1", whole_kernels),
        Mistake("the extent of a dilated kernel is d (k - 1) + 1, not d k", holes_inside),
        Mistake(
            "the dilations are ignored",
            lambda kernel_sizes, strides, dilations: field_size(kernel_sizes, strides, [1] * len(dilations)),
        ),
        Mistake(
            "the strides are ignored: that is right for stride 1 only",
            lambda kernel_sizes, strides, dilations: field_size(kernel_sizes, [1] * len(strides), dilations),
        ),
        Mistake("the layers are taken from the last to the first: the image comes first", last_layer_first),
        Mistake(
            "only the stride of the layer right below is counted: all strides below are multiplied",
            only_the_stride_below,
        ),
        Mistake(
            "a dilation lengthens the steps of its own layer, not those of the layers above",
            dilations_pile_up,
        ),
        Mistake(
            "the pixel itself is missing: the sum begins with 1",
            lambda *layers: field_size(*layers) - 1,
        ),
        Mistake(
            "the sizes are multiplied: what each layer adds is summed",
            lambda kernel_sizes, strides, dilations: np.array(math.prod(kernel_sizes)),
        ),
    ],
)


# --- unit_region(u, layers) ---------------------------------------------------------------------------------


def unit_region(u: int, layers: Sequence[Numbers]) -> Array:
    first = last = u
    for k, s, p in reversed(layers):
        first, last = s * first - p, s * last - p + k - 1
    return np.array([first, last])


def rule(layers: Sequence[Numbers]) -> tuple[int, int, int]:
    """Size, jump and start."""
    size, jump, start = 1, 1, 0
    for k, s, p in layers:
        size, start, jump = size + (k - 1) * jump, start - p * jump, jump * s
    return size, jump, start


def about_its_centre(u: int, layers: Sequence[Numbers]) -> Array:
    """As if unit u were in the middle of its field, at u J."""
    size, jump, _ = rule(layers)
    return np.array([u * jump - (size - 1) // 2, u * jump + size // 2])


def plain_paddings(u: int, layers: Sequence[Numbers]) -> Array:
    """The sum of all paddings, as if each were in pixels of the image."""
    size, jump, _ = rule(layers)
    first = u * jump - sum(p for _, _, p in layers)
    return np.array([first, first + size - 1])


def kept_inside(u: int, layers: Sequence[Numbers]) -> Array:
    return np.maximum(unit_region(u, layers), 0)


def without_padding(u: int, layers: Sequence[Numbers]) -> Array:
    return unit_region(u, [(k, s, 0) for k, s, _ in layers])


def step_of_one(u: int, layers: Sequence[Numbers]) -> Array:
    """Neighbouring units one pixel apart."""
    size, _, start = rule(layers)
    return np.array([start + u, start + u + size - 1])


declare(
    "unit-region",
    unit_region,
    cases=[
        (0, [(3, 1, 0)]),
        (2, [(3, 1, 1)]),
        (5, [(2, 2, 0)]),
        (2, [(3, 1, 1), (2, 2, 0), (3, 1, 1)]),
        (0, [(3, 1, 1), (2, 2, 0), (3, 1, 1)]),
        (4, [(7, 2, 3), (3, 2, 1)]),
        (0, [(7, 2, 3), (3, 2, 1)]),
        (3, [(11, 4, 2), (3, 2, 0), (5, 1, 2)]),
        (1, [(4, 2, 1)] * 3),
        (6, [(5, 3, 0), (1, 2, 0), (3, 1, 2)]),
        (3, ([(3, 1, 1)] * 2 + [(2, 2, 0)]) * 4),
    ],
    mistakes=[
        Mistake(
            "the end is not counted here: the last pixel is one less",
            lambda u, layers: unit_region(u, layers) + np.array([0, 1]),
        ),
        Mistake("the padding is ignored", without_padding),
        Mistake(
            "the paddings are added as they are: that of a layer is as many steps, not pixels", plain_paddings
        ),
        Mistake("it is cut off at the border: pixels below 0 are asked for as well", kept_inside),
        Mistake(
            "the padding is added: it moves the first unit to the left",
            lambda u, layers: unit_region(u, [(k, s, -p) for k, s, p in layers]),
        ),
        Mistake("the field is laid around pixel u J: where it begins, the paddings say", about_its_centre),
        Mistake("neighbouring units are a jump apart, not a pixel", step_of_one),
        Mistake(
            "the layers are taken from the image up: follow the units from the last layer down",
            lambda u, layers: unit_region(u, layers[::-1]),
        ),
        Mistake(
            "units are counted from 0",
            lambda u, layers: unit_region(u - 1, layers),
        ),
    ],
)


# --- more_layers(kernel_sizes, strides, wanted) -------------------------------------------------------------


def so_far(kernel_sizes: Numbers, strides: Numbers) -> int:
    return int(field_size(kernel_sizes, strides, [1] * len(strides)))


def more_layers(kernel_sizes: Numbers, strides: Numbers, wanted: int) -> Array:
    missing = max(wanted - so_far(kernel_sizes, strides), 0)
    return np.array(-(-missing // (2 * math.prod(strides))))


def below_the_last(kernel_sizes: Numbers, strides: Numbers, wanted: int) -> Array:
    """With the jump that the last layer works with, not the one behind it."""
    missing = max(wanted - so_far(kernel_sizes, strides), 0)
    return np.array(-(-missing // (2 * math.prod(strides[:-1]))))


declare(
    "more-layers",
    more_layers,
    cases=[
        ((3,), (1,), 7),
        ((3,), (2,), 11),
        ((3,), (2,), 12),
        ((7, 3), (2, 2), 224),
        ((3, 3, 2), (1, 1, 2), 30),
        ((3, 3), (1, 1), 5),
        ((3, 3), (1, 1), 4),
        ((7, 3), (2, 2), 3),
        ((3, 3, 3), (2, 2, 2), 224),
        ((11, 3, 5, 3), (4, 2, 1, 2), 500),
        ((1,), (1,), 2),
        ((5, 5), (3, 1), 100),
    ],
    mistakes=[
        Mistake(
            "it is rounded down: with so many the field is still too small",
            lambda kernel_sizes, strides, wanted: np.array(
                max(wanted - so_far(kernel_sizes, strides), 0) // (2 * math.prod(strides))
            ),
        ),
        Mistake(
            "a layer is added although the field fits exactly",
            lambda kernel_sizes, strides, wanted: np.array(
                max(wanted - so_far(kernel_sizes, strides), -1) // (2 * math.prod(strides)) + 1
            ),
        ),
        Mistake(
            "each adds 2 pixels here: it adds two jumps",
            lambda kernel_sizes, strides, wanted: more_layers((so_far(kernel_sizes, strides),), (1,), wanted),
        ),
        Mistake(
            "a 3 by 3 adds two jumps, not three",
            lambda kernel_sizes, strides, wanted: np.array(
                -(-max(wanted - so_far(kernel_sizes, strides), 0) // (3 * math.prod(strides)))
            ),
        ),
        Mistake(
            "a 3 by 3 adds two jumps, not one",
            lambda kernel_sizes, strides, wanted: np.array(
                -(-max(wanted - so_far(kernel_sizes, strides), 0) // math.prod(strides))
            ),
        ),
        Mistake("the stride of the last layer is left out: it counts for the layers on top", below_the_last),
        Mistake(
            "there are fewer than no layers where the field is large enough already: then it is 0",
            lambda kernel_sizes, strides, wanted: np.array(
                -(-(wanted - so_far(kernel_sizes, strides)) // (2 * math.prod(strides)))
            ),
        ),
        Mistake(
            "the stack has a field already: only what is missing must be added",
            lambda kernel_sizes, strides, wanted: np.array(-(-(wanted - 1) // (2 * math.prod(strides)))),
        ),
        Mistake(
            "these are all layers, with those of the stack: count the new ones",
            lambda kernel_sizes, strides, wanted: more_layers(kernel_sizes, strides, wanted) + len(strides),
        ),
        Mistake(
            "it is not rounded: layers are whole",
            lambda kernel_sizes, strides, wanted: np.array(
                max(wanted - so_far(kernel_sizes, strides), 0) / (2 * math.prod(strides))
            ),
        ),
    ],
)
