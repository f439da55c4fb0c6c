# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import numpy as np
import pytest
import torch
from agreement import cases
from hypothesis import given
from hypothesis import strategies as st

from convlib import conv2d, conv_multiply_adds, conv_output_size, conv_parameters, effective_kernel_size
from convlib._checks import require_flag, require_one_of
from convlib.shapes import as_integer, as_sizes, as_tuple, refuse_if_too_large, resolve_padding


def positions(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """The windows that lie inside the padded image, counted one by one."""
    count = 0
    for first in range(-before, size + after, stride):
        taps = [first + u * dilation for u in range(kernel)]
        count += taps[-1] < size + after
    return count


@given(
    size=st.integers(1, 12), kernel=st.integers(1, 5), stride=st.integers(1, 4),
    padding=st.integers(0, 4), dilation=st.integers(1, 3),
)  # fmt: skip
def test_the_output_size_is_the_number_of_window_positions(size, kernel, stride, padding, dilation):
    counted = positions(size, kernel, stride, padding, padding, dilation)
    if counted == 0:
        with pytest.raises(ValueError, match="conv_output_size: the kernel spans"):
            conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert conv_output_size(size, kernel, stride, padding, dilation) == counted


@given(size=st.integers(1, 9), kernel=st.integers(1, 6), dilation=st.integers(1, 3))
def test_same_keeps_the_size(size, kernel, dilation):
    ((before, after),) = resolve_padding("same", (kernel,), (1,), (dilation,))
    assert after - before in (0, 1)
    assert positions(size, kernel, 1, before, after, dilation) == size
    assert conv_output_size(size, kernel, 1, "same", dilation) == size


@pytest.mark.parametrize("n", [1, 2, 3])
@given(data=st.data())
def test_sizes_are_those_of_torch(n, data):
    case = data.draw(cases(n))
    options = {name: case.options[name] for name in ("stride", "padding", "dilation")}
    size = conv_output_size(case.input.shape[-n:], case.weight.shape[2:], **options)
    assert size == case.output_shape[-n:]
    layer = getattr(torch.nn, f"Conv{n}d")(
        case.input.shape[-n - 1], len(case.weight), case.weight.shape[2:], groups=case.options["groups"],
        device="meta", **{name: v if isinstance(v, str) else tuple(np.broadcast_to(v, n).tolist()) for name, v in options.items()},
    )  # fmt: skip
    batch = torch.zeros(1, *case.batch.shape[1:], device="meta")
    if options["padding"] != "same":  # torch warns about even kernels
        assert tuple(layer(batch).shape[2:]) == size
    counted = sum(parameter.numel() for parameter in layer.parameters())
    arguments = (case.input.shape[-n - 1], len(case.weight), case.weight.shape[2:], case.options["groups"])
    assert conv_parameters(*arguments) == counted
    assert conv_parameters(*arguments, bias=False) == counted - len(case.weight)


def test_a_size_comes_back_as_it_was_given():
    assert conv_output_size(7, 3) == 7 - 3 + 1
    assert conv_output_size(np.int64(7), 3) == 7 - 3 + 1
    assert conv_output_size((7,), 3) == (7 - 3 + 1,)
    assert conv_output_size([7, 9], (3, 1), stride=(2, 1)) == ((7 - 3) // 2 + 1, 9)
    assert conv_output_size(7, 3, padding="valid") == 7 - 3 + 1


@given(kernel=st.integers(1, 9), dilation=st.integers(1, 9))
def test_the_effective_kernel_reaches_from_the_first_tap_to_the_last(kernel, dilation):
    taps = range(0, kernel * dilation, dilation)
    assert effective_kernel_size(kernel, dilation) == taps[-1] - taps[0] + 1


@given(
    groups=st.integers(1, 3),
    slices=st.integers(1, 2),
    out=st.integers(1, 2),
    kh=st.integers(1, 2),
    kw=st.integers(1, 3),
)
def test_multiply_adds_are_the_products_of_the_loops(groups, slices, out, kh, kw):
    weight = np.ones((groups * out, slices, kh, kw))
    output = conv2d(np.ones((groups * slices, 4, 5)), weight, groups=groups)
    # of ones only, each output number counts the products that it is the sum of
    counted = conv_multiply_adds(groups * slices, groups * out, (kh, kw), output.shape[1:], groups)
    assert counted == output.sum()


def test_parameters_written_out():
    assert conv_parameters(3, 8, (5, 5)) == 8 * 3 * 5 * 5 + 8
    assert conv_parameters(4, 8, (3,), groups=2, bias=False) == 8 * (4 // 2) * 3


class Silent:
    """It has neither a name nor a number to give."""

    def __repr__(self):
        raise RuntimeError("no name")

    def __index__(self):
        raise RuntimeError("no number")


class Index:
    """It stands for a number, but one cannot calculate with it."""

    def __repr__(self):
        return "Index()"

    def __index__(self):
        return 2


ENDLESS = [1]
ENDLESS.append(ENDLESS)

WRONG = [
    (lambda: conv_output_size(7.5, 3), "TypeError: conv_output_size: input_size must be an integer, got 7.5"),
    (lambda: conv_output_size(0, 1, padding=1), "ValueError: conv_output_size: input_size must be at least 1, got 0"),
    (lambda: conv_output_size(7, (3, 3)), "ValueError: conv_output_size: kernel_size must be one integer, got (3, 3)"),
    (lambda: conv_output_size((7, 7), (3, 3, 3)), "ValueError: conv_output_size: kernel_size must be one integer or 2, got (3, 3, 3)"),
    (lambda: conv_output_size(7, 3, stride=0), "ValueError: conv_output_size: stride must be at least 1, got 0"),
    (lambda: conv_output_size(7, 3, 2, "same"), "ValueError: conv_output_size: padding='same' needs stride 1, got stride (2,); give padding in pixels"),
    (lambda: conv_output_size(2, 3), "ValueError: conv_output_size: the kernel spans 3 pixels along spatial axis 0, but the padded input has 2 (size 2, padding 0 + 0)"),
    (lambda: conv_parameters(10, 6, (3, 3), groups=3), "ValueError: conv_parameters: in_channels 10 cannot be split into 3 groups"),
    (lambda: conv_parameters(6, 10, (3, 3), groups=3), "ValueError: conv_parameters: out_channels 10 cannot be split into 3 groups"),
    (lambda: conv_parameters(6, 6, (3, 3), groups=0), "ValueError: conv_parameters: groups must be at least 1, got 0"),
    (lambda: conv_parameters(6, 6, 3), "TypeError: conv_parameters: kernel_size must be a sequence of integers, got 3"),
    (lambda: conv_parameters(6, 6, (3, 0)), "ValueError: conv_parameters: kernel_size must be at least 1, got (3, 0)"),
    (lambda: conv_multiply_adds(6, 6, (3, 3), 4), "TypeError: conv_multiply_adds: output_size must be a sequence of integers, got 4"),
    (lambda: conv_multiply_adds(6, 6, (3, 3), (4, -1)), "ValueError: conv_multiply_adds: output_size must be at least 0, got (4, -1)"),
    (lambda: conv_multiply_adds(5, 6, (3, 3), (4, 4), 2), "ValueError: conv_multiply_adds: in_channels 5 cannot be split into 2 groups"),
    (lambda: as_tuple("3", 2, "kernel_size"), "TypeError: kernel_size must be an integer or 2 integers, got '3'"),
    (lambda: as_tuple((3, 3.0), 2, "kernel_size"), "TypeError: kernel_size must be an integer or 2 integers, got (3, 3.0)"),
    (lambda: as_tuple((True, 2), 2, "kernel_size"), "TypeError: kernel_size must be an integer or 2 integers, got (True, 2)"),
    (lambda: as_tuple(np.array([1, 2]), 2, "stride"), "TypeError: stride must be an integer or 2 integers, got array([1, 2])"),
    (lambda: as_sizes("ab", "pad", "pad"), "TypeError: pad: pad must be a sequence of integers, got 'ab'"),
    (lambda: as_tuple(b"\1\2", 2, "stride"), "TypeError: stride must be an integer or 2 integers, got b'\\x01\\x02'"),
    (lambda: as_tuple(range(1, 3), 2, "stride"), "TypeError: stride must be an integer or 2 integers, got range(1, 3)"),
    (lambda: as_tuple(np.array(2), 1, "stride"), "TypeError: stride must be an integer, got array(2)"),
    (lambda: as_tuple((1, torch.tensor(2)), 2, "stride"), "TypeError: stride must be an integer or 2 integers, got (1, tensor(2))"),
    (lambda: as_tuple(Silent(), 1, "stride"), "TypeError: stride must be an integer, got <Silent>"),
    (lambda: as_tuple(Index(), 1, "stride"), "TypeError: stride must be an integer, got Index()"),
    (lambda: as_tuple([Silent(), 1], 2, "stride"), "TypeError: stride must be an integer or 2 integers, got [<Silent>, 1]"),
    (lambda: as_tuple(ENDLESS, 2, "stride"), "TypeError: stride must be an integer or 2 integers, got [1, [1, [1, [...]]]]"),
    (lambda: as_tuple([0] * 5000, 2, "stride"), "ValueError: stride must be one integer or 2, got [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...]"),
    (lambda: as_tuple(2**62 + 1, 1, "stride"), "ValueError: stride must be at most 2^62, got 4611686018427387905"),
    (lambda: as_tuple(10**5000, 1, "stride"), "ValueError: stride must be at most 2^62, got an integer of 16610 bits"),
    (lambda: as_tuple((1, -(10**5000)), 2, "stride"), "ValueError: stride must be at least 1, got (1, an integer of 16610 bits)"),
    (lambda: as_sizes(range(3), "input_size", "conv1d_input"), "TypeError: conv1d_input: input_size must be a sequence of integers, got range(0, 3)"),
    (lambda: as_sizes((1, 2**63), "input_size", "conv1d_input"), "ValueError: conv1d_input: input_size must be at most 2^62, got (1, 9223372036854775808)"),
    (lambda: as_sizes([0] * 129, "pad", "pad"), "ValueError: pad: pad must have at most 128 entries, got [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...]"),
    (lambda: as_integer([2], "groups", "conv2d"), "TypeError: conv2d: groups must be an integer, got [2]"),
    (lambda: require_one_of("pad", "mode", np.array(["a", "b"]), ("c", "d")), "ValueError: pad: mode must be 'c' or 'd', got array(['a', 'b'], dtype='<U1')"),
    (lambda: require_flag("pool", "ceil_mode", 1), "TypeError: pool: ceil_mode must be True or False, got 1"),
    (lambda: require_flag("pool", "ceil_mode", None), "TypeError: pool: ceil_mode must be True or False, got None"),
    (lambda: require_flag("resize", "align", np.array([1, 2]), or_none=True), "TypeError: resize: align must be True, False or None, got array([1, 2])"),
    (lambda: conv_output_size(7, 3, padding=10**400), "ValueError: conv_output_size: padding must be at most 2^62, got an integer of 1329 bits"),
    (lambda: conv_output_size(7, 3, padding=["x" * 500]), f"TypeError: conv_output_size: padding must be an integer, got ['{'x' * 37}...{'x' * 38}']"),
    (lambda: effective_kernel_size(0), "ValueError: effective_kernel_size: kernel_size must be at least 1, got 0"),
    (lambda: effective_kernel_size("3"), "TypeError: effective_kernel_size: kernel_size must be an integer, got '3'"),
    (lambda: effective_kernel_size(3, (1,)), "TypeError: effective_kernel_size: dilation must be an integer, got (1,)"),
    (lambda: conv_parameters("a", 6, (3,)), "TypeError: conv_parameters: in_channels must be an integer, got 'a'"),
    (lambda: conv_parameters(6, 2.5, (3,)), "TypeError: conv_parameters: out_channels must be an integer, got 2.5"),
    (lambda: conv_parameters(-6, 6, (3,)), "ValueError: conv_parameters: in_channels must be at least 1, got -6"),
    (lambda: conv_parameters(6, 6, (3,), (1,)), "TypeError: conv_parameters: groups must be an integer, got (1,)"),
    (lambda: conv_parameters(6, 6, (3,), bias=2), "TypeError: conv_parameters: bias must be True or False, got 2"),
    (lambda: conv_multiply_adds(True, 6, (3,), (4,)), "TypeError: conv_multiply_adds: in_channels must be an integer, got True"),
    (lambda: conv_multiply_adds(6, 0, (3,), (4,)), "ValueError: conv_multiply_adds: out_channels must be at least 1, got 0"),
    (lambda: conv_multiply_adds(6, 6, 3, (4,)), "TypeError: conv_multiply_adds: kernel_size must be a sequence of integers, got 3"),
    (lambda: refuse_if_too_large("pool", "the answer", 2**2000, 8), f"ValueError: pool: the answer would take {2**1973} GiB, more than the 64 GiB that are allowed"),
    (lambda: resolve_padding("full", (3,), (1,), (1,)), "ValueError: padding must be 'valid', 'same' or integers, got 'full'"),
    (lambda: refuse_if_too_large("pool", "the answer", 2**34, 4 + 1), "ValueError: pool: the answer would take 80 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_size_is_told_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert f"{type(caught.value).__name__}: {caught.value}" == message


def test_numbers_of_numpy_are_integers_too():
    assert as_tuple(np.int32(2), 2, "stride") == (2, 2)
    assert as_tuple((np.int64(1), 2), 2, "stride") == (1, 2)
    assert all(type(number) is int for number in as_tuple((np.int64(1), 2), 2, "stride"))


def test_large_numbers_are_counted_to_the_last_one():
    assert conv_parameters(np.int32(2**20), np.int32(2**20), (3, 3)) == 2**20 * 2**20 * 3 * 3 + 2**20
    assert conv_output_size(2**62, 2**62, padding=2**62) == 2**63 + 1


def test_exactly_64_gib_are_allowed():
    refuse_if_too_large("pool", "the answer", 2**33, 8)
