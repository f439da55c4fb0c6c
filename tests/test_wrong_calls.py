# ruff: noqa: E501  (messages stand whole, so that they can be searched for)
"""Every wrong rank, channel count, group count, padding, stride, dtype and mixed call, of every function.

What is special to a function stands in its own test file. Here stands what all of one kind have in common, for
sequences, images and volumes alike, and what nobody may forget when a function is added.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import test_adaptive_pool
import test_attention
import test_blur_pool
import test_conv
import test_conv_transpose
import test_equivariance
import test_group_conv
import test_initial_weights
import test_pool
import test_resize
import test_shapes
import test_tokens
import test_windows
import torch
from agreement import zeros
from catalogue import assert_refused

import convlib

Row = tuple[str, tuple[Any, ...], dict[str, Any], str]  # function, arguments, options, message


def shapes_of(n: int) -> tuple[str, str, str]:
    """How a message speaks of an image of n axes, and of an option with one number for each of them."""
    axes = ", ".join("DHW"[3 - n :])
    one = "one integer" + f" or {n}" * (n > 1)
    many = "an integer" + f" or {n} integers" * (n > 1)
    return f"(N, C, {axes}) or (C, {axes})", one, many


def options(n: int, name: str, arguments: tuple[Any, ...]) -> Iterator[Row]:
    """Stride, padding and dilation, each with a wrong number, a wrong type and a wrong length."""
    _, one, many = shapes_of(n)
    for option, least in (("stride", 1), ("padding", 0), ("dilation", 1)):
        long = (1,) * (n + 1)
        yield (
            name,
            arguments,
            {option: least - 1},
            f"ValueError: {name}: {option} must be at least {least}, got {least - 1}",
        )
        yield name, arguments, {option: 1.0}, f"TypeError: {name}: {option} must be {many}, got 1.0"
        yield (
            name,
            arguments,
            {option: [None] * n},
            f"TypeError: {name}: {option} must be {many}, got {[None] * n}",
        )
        yield name, arguments, {option: True}, f"TypeError: {name}: {option} must be {many}, got True"
        yield name, arguments, {option: long}, f"ValueError: {name}: {option} must be {one}, got {long}"
        yield (
            name,
            arguments,
            {option: 2**63},
            f"ValueError: {name}: {option} must be at most 2^62, got {2**63}",
        )


def groups(name: str, arguments: tuple[Any, ...]) -> Iterator[Row]:
    for wrong in (0, -1):
        yield (
            name,
            arguments,
            {"groups": wrong},
            f"ValueError: {name}: groups must be at least 1, got {wrong}",
        )
    for wrong in (1.0, True, None, (1,), "1"):
        yield (
            name,
            arguments,
            {"groups": wrong},
            f"TypeError: {name}: groups must be an integer, got {wrong!r}",
        )


def not_an_array(name: str, arguments: tuple[Any, ...], parameters: dict[str, int]) -> Iterator[Row]:
    for parameter, place in parameters.items():
        for wrong in ([1.0], 1.0, "image"):
            given = (*arguments[:place], wrong, *arguments[place + 1 :])
            kind = type(wrong).__name__
            yield (
                name,
                given,
                {},
                f"TypeError: {name}: {parameter} must be a NumPy array or a torch tensor, got {kind}",
            )


def convolutions(n: int) -> Iterator[Row]:
    image, _, _ = shapes_of(n)
    taps = ", ".join(("kd", "kh", "kw")[3 - n :])
    five, three = (5,) * n, (3,) * n
    x, w, g = zeros(1, 2, *five), zeros(4, 2, *three), zeros(1, 4, *three)

    name = f"conv{n}d"
    yield from not_an_array(name, (x, w, zeros(4)), {"input": 0, "weight": 1, "bias": 2})
    yield name, (zeros(*five), w), {}, f"ValueError: {name}: input must be {image}, got {five}"
    yield (
        name,
        (zeros(1, 1, 1, *five), w),
        {},
        f"ValueError: {name}: input must be {image}, got {(1, 1, 1, *five)}",
    )
    yield (
        name,
        (x, zeros(*three)),
        {},
        f"ValueError: {name}: weight must be (C_out, C_in / groups, {taps}), none of them 0; got {three}",
    )
    yield (
        name,
        (zeros(1, 3, *five), w),
        {},
        f"ValueError: {name}: input has 3 channels but weight expects 2 (input {(1, 3, *five)}, weight {(4, 2, *three)}, groups=1)",
    )
    yield (
        name,
        (x, w),
        {"groups": 2},
        f"ValueError: {name}: input has 2 channels but weight expects 4 (input {(1, 2, *five)}, weight {(4, 2, *three)}, groups=2)",
    )
    yield (
        name,
        (zeros(1, 6, *five), w),
        {"groups": 3},
        f"ValueError: {name}: 4 output channels cannot be split into 3 groups (weight {(4, 2, *three)})",
    )
    yield (
        name,
        (x, w, zeros(3)),
        {},
        f"ValueError: {name}: bias must hold one number for each of the 4 output channels, got (3,)",
    )
    yield (
        name,
        (x, zeros(4, 2, *three, dtype="float32")),
        {},
        f"TypeError: {name}: input is float64 but weight is float32; they must be equal",
    )
    yield (
        name,
        (x, w, zeros(4, dtype="int64")),
        {},
        f"TypeError: {name}: input is float64 but bias is int64; they must be equal",
    )
    yield (
        name,
        (zeros(2, *five, dtype="bool"), zeros(4, 2, *three, dtype="bool")),
        {},
        f"TypeError: {name}: bool has no products to add; convert to a number type first",
    )
    yield (
        name,
        (x, w),
        {"padding": "full"},
        f"ValueError: {name}: padding must be 'valid', 'same' or integers, got 'full'",
    )
    yield (
        name,
        (x, w),
        {"padding": "same", "stride": 2},
        f"ValueError: {name}: padding='same' needs stride 1, got stride {(2,) * n}; give padding in pixels",
    )
    yield from options(n, name, (x, w))
    yield from groups(name, (x, w))

    by_input, by_weight = f"conv{n}d_input", f"conv{n}d_weight"
    rank = f"the input has {n + 1} axes, or {n + 2} with a batch; got"
    channels = f"input has 3 channels but weight expects 2 (input {(1, 3, *five)}, weight {(4, 2, *three)}, groups=1)"
    output = f"grad_output is {(1, 4, *five)} but the output of this convolution is {(1, 4, *three)} (input {(1, 2, *five)}, weight {(4, 2, *three)})"
    yield from not_an_array(by_input, ((1, 2, *five), w, g), {"weight": 1, "grad_output": 2})
    yield from not_an_array(by_weight, (x, (4, 2, *three), g), {"input": 0, "grad_output": 2})
    yield by_input, (five, w, g), {}, f"ValueError: {by_input}: {rank} {five}"
    yield by_weight, (zeros(*five), (4, 2, *three), g), {}, f"ValueError: {by_weight}: {rank} {five}"
    yield by_input, (2, w, g), {}, f"TypeError: {by_input}: input_size must be a sequence of integers, got 2"
    yield (
        by_weight,
        (x, 2, g),
        {},
        f"TypeError: {by_weight}: weight_size must be a sequence of integers, got 2",
    )
    yield by_input, ((1, 3, *five), w, g), {}, f"ValueError: {by_input}: {channels}"
    yield by_weight, (zeros(1, 3, *five), (4, 2, *three), g), {}, f"ValueError: {by_weight}: {channels}"
    yield by_input, ((1, 2, *five), w, zeros(1, 4, *five)), {}, f"ValueError: {by_input}: {output}"
    yield by_weight, (x, (4, 2, *three), zeros(1, 4, *five)), {}, f"ValueError: {by_weight}: {output}"
    small = zeros(1, 4, *three, dtype="float32")
    yield (
        by_input,
        ((1, 2, *five), w, small),
        {},
        f"TypeError: {by_input}: weight is float64 but grad_output is float32; they must be equal",
    )
    yield (
        by_weight,
        (x, (4, 2, *three), small),
        {},
        f"TypeError: {by_weight}: input is float64 but grad_output is float32; they must be equal",
    )
    for gradient, arguments in ((by_input, ((1, 2, *five), w, g)), (by_weight, (x, (4, 2, *three), g))):
        yield (
            gradient,
            arguments,
            {"padding": "full"},
            f"ValueError: {gradient}: padding must be 'valid', 'same' or integers, got 'full'",
        )
        yield from options(n, gradient, arguments)
        yield from groups(gradient, arguments)


def transposed(n: int) -> Iterator[Row]:
    image, _, many = shapes_of(n)
    taps = ", ".join(("kd", "kh", "kw")[3 - n :])
    five, three = (5,) * n, (3,) * n
    x, w, name = zeros(1, 2, *five), zeros(2, 4, *three), f"conv_transpose{n}d"
    yield from not_an_array(name, (x, w, zeros(4)), {"input": 0, "weight": 1, "bias": 2})
    yield name, (zeros(*five), w), {}, f"ValueError: {name}: input must be {image}, got {five}"
    yield (
        name,
        (x, zeros(*three)),
        {},
        f"ValueError: {name}: weight must be (C_in, C_out / groups, {taps}), none of them 0; got {three}",
    )
    yield (
        name,
        (zeros(1, 3, *five), w),
        {},
        f"ValueError: {name}: input has 3 channels but weight expects 2 (input {(1, 3, *five)}, weight {(2, 4, *three)})",
    )
    yield (
        name,
        (x, w),
        {"groups": 3},
        f"ValueError: {name}: 2 input channels cannot be split into 3 groups (weight {(2, 4, *three)})",
    )
    yield (
        name,
        (x, w, zeros(3)),
        {},
        f"ValueError: {name}: bias must hold one number for each of the 4 output channels, got (3,)",
    )
    yield (
        name,
        (x, zeros(2, 4, *three, dtype="float32")),
        {},
        f"TypeError: {name}: input is float64 but weight is float32; they must be equal",
    )
    yield (
        name,
        (zeros(2, *five, dtype="bool"), zeros(2, 4, *three, dtype="bool")),
        {},
        f"TypeError: {name}: bool has no products to add; convert to a number type first",
    )
    yield name, (x, w), {"padding": "same"}, f"TypeError: {name}: padding must be {many}, got 'same'"
    yield (
        name,
        (x, w),
        {"padding": 4},
        f"ValueError: {name}: padding 4 on either side leaves nothing of the 7 pixels along spatial axis 0",
    )
    yield (
        name,
        (x, w),
        {"output_padding": 1},
        f"ValueError: {name}: output_padding must be smaller than stride or dilation, got 1 along spatial axis 0 with stride 1 and dilation 1",
    )
    yield from options(n, name, (x, w))
    yield from groups(name, (x, w))


def poolings(n: int) -> Iterator[Row]:
    image, one, many = shapes_of(n)
    five = (5,) * n
    x, g = zeros(1, 2, *five), zeros(1, 2, *(2,) * n)
    places = zeros(1, 2, *(2,) * n, dtype="int64")
    calls: dict[str, tuple[Any, ...]] = {
        f"max_pool{n}d": (x, 2), f"avg_pool{n}d": (x, 2), f"lp_pool{n}d": (x, 2, 2), f"max_pool{n}d_backward": (g, x, 2),
        f"avg_pool{n}d_backward": (g, (1, 2, *five), 2), f"lp_pool{n}d_backward": (g, x, 2, 2),
        f"max_unpool{n}d": (g, places, 2), f"max_unpool{n}d_backward": (x, places),
        f"adaptive_avg_pool{n}d": (x, 2), f"adaptive_max_pool{n}d": (x, 2), f"global_avg_pool{n}d": (x,), f"global_max_pool{n}d": (x,),
        f"adaptive_avg_pool{n}d_backward": (g, (1, 2, *five), 2), f"adaptive_max_pool{n}d_backward": (g, x, 2),
    }  # fmt: skip
    for name, arguments in calls.items():
        parameters = list(inspect.signature(getattr(convlib, name)).parameters)
        yield from not_an_array(
            name, arguments, {p: i for i, p in enumerate(parameters[:2]) if p in TAKES_ARRAYS}
        )
        if parameters[0] == "input" and "unpool" not in name:
            yield (
                name,
                (zeros(*five), *arguments[1:]),
                {},
                f"ValueError: {name}: input must be {image}, got {five}",
            )
            kinds = "whole numbers and " * name.startswith("max_pool") + "int64 and " * name.startswith(
                "avg_pool"
            )
            yield (
                name,
                (zeros(2, *five, dtype="bool"), *arguments[1:]),
                {},
                f"TypeError: {name}: it is for {kinds}floating-point numbers, as in torch; got bool",
            )
        if name.endswith("_backward") and "unpool" not in name:
            whole = tuple(zeros(*a.shape, dtype="int64") if hasattr(a, "make") else a for a in arguments)
            yield (
                name,
                whole,
                {},
                f"TypeError: {name}: gradients are of real floating-point numbers, got int64",
            )
            wrong = (zeros(1, 2, *five), *arguments[1:])
            yield (
                name,
                wrong,
                {},
                f"ValueError: {name}: grad_output is {(1, 2, *five)} but the output for input {(1, 2, *five)} is {(1, 2, *(2,) * n)}",
            )
        if "kernel_size" in parameters:
            place = parameters.index("kernel_size")
            for wrong, message in (
                (0, "ValueError: {}: kernel_size must be at least 1, got 0"),
                (2.0, f"TypeError: {{}}: kernel_size must be {many}, got 2.0"),
                ((1,) * (n + 1), f"ValueError: {{}}: kernel_size must be {one}, got {(1,) * (n + 1)}"),
                (b"ab", f"TypeError: {{}}: kernel_size must be {many}, got b'ab'"),
            ):
                yield name, (*arguments[:place], wrong), {}, message.format(name)
            yield from (row for row in options(n, name, arguments) if set(row[2]) <= set(parameters))
        if "ceil_mode" in parameters:
            yield (
                name,
                arguments,
                {"ceil_mode": 1},
                f"TypeError: {name}: ceil_mode must be True or False, got 1",
            )
            yield (
                name,
                arguments,
                {"stride": 2**31},
                f"ValueError: {name}: stride must be below 2^31, got 2147483648",
            )
        if "norm_type" in parameters:
            place = parameters.index("norm_type")
            for wrong, message in (
                (0, "ValueError: {}: there is no 0th root, norm_type must not be 0"),
                (
                    2**16,
                    "ValueError: {}: norm_type must be infinite or from 2^-15 to 2^15, without its sign; got 65536",
                ),
                (
                    -1e-5,
                    "ValueError: {}: norm_type must be infinite or from 2^-15 to 2^15, without its sign; got -1e-05",
                ),
                (
                    10**400,
                    "ValueError: {}: norm_type must be infinite or from 2^-15 to 2^15, without its sign; got an integer of 1329 bits",
                ),
                (None, "TypeError: {}: norm_type must be a real number, got None"),
                (True, "TypeError: {}: norm_type must be a real number, got True"),
            ):
                yield name, (*arguments[:place], wrong, *arguments[place + 1 :]), {}, message.format(name)


TAKES_ARRAYS = (
    "input", "weight", "bias", "kernel", "grad_output", "indices", "tokens", "query", "key", "value", "attn_mask",
    "in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias",
)  # fmt: skip
WRONG = [row for family in (convolutions, transposed, poolings) for n in (1, 2, 3) for row in family(n)]


@pytest.mark.parametrize(("name", "arguments", "given", "message"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_call_is_told_what_is_wrong(name, arguments, given, message):
    assert_refused(getattr(convlib, name), arguments, given, message)


def arrays_of(name: str) -> list[str]:
    return [p for p in inspect.signature(getattr(convlib, name)).parameters if p in TAKES_ARRAYS]


MIXED = [
    (name, first, second)
    for name in convlib.__all__
    for first in arrays_of(name)
    for second in arrays_of(name)
    if first != second
]


@pytest.mark.parametrize(("name", "array", "other"), MIXED)
def test_arrays_and_tensors_do_not_mix_in_any_function(name, array, other):
    """Whatever else is given, and whether it would be right."""
    parameters = inspect.signature(getattr(convlib, name)).parameters.values()
    required: dict[str, Any] = {p.name: 1 for p in parameters if p.default is inspect.Parameter.empty}
    given = required | {array: np.ones(1), other: torch.ones(1)}
    with pytest.raises(TypeError) as caught:
        getattr(convlib, name)(**given)
    assert (
        str(caught.value)
        == f"{name}: {array} is a NumPy array but {other} is a torch tensor; convert one of them"
    )


def test_no_function_is_without_a_wrong_call():
    elsewhere = (
        test_adaptive_pool,
        test_attention,
        test_blur_pool,
        test_conv,
        test_conv_transpose,
        test_equivariance,
        test_group_conv,
        test_initial_weights,
        test_pool,
        test_resize,
        test_shapes,
        test_tokens,
        test_windows,
    )
    messages = [
        row[-1] for catalogue in (WRONG, *(module.WRONG for module in elsewhere)) for row in catalogue
    ]
    seen = {match[1] for message in messages if (match := re.match(r"\w+Error: (\w+): ", message))}
    assert set(convlib.__all__) <= seen
