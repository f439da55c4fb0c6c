"""What every convolution checks before anything is computed, for arrays and for tensors alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from convlib._checks import require_one_of
from convlib._dispatch import Array, autocasts, dtype_name, require_array, require_same_dtype
from convlib.shapes import (
    Ints,
    Padding,
    as_integer,
    as_sizes,
    conv_layout,
    correlation_padding,
    count,
    refuse_if_too_large,
    transposed_layout,
)


def _check_forward(
    n: int, function: str, input: Array, weight: Array, bias: Array | None, *options: Any
) -> None:
    stride, padding, dilation, groups = options
    require_array(function, "input", input)
    require_array(function, "weight", weight)
    if bias is not None:
        require_array(function, "bias", bias)
    _check_weight_shape(n, function, tuple(weight.shape))
    if not n + 1 <= input.ndim <= n + 2:
        axes = "DHW"[3 - n :]
        raise ValueError(
            f"{function}: input must be (N, C, {', '.join(axes)}) or (C, {', '.join(axes)}), "
            f"got {tuple(input.shape)}"
        )
    sizes = (tuple(input.shape), tuple(weight.shape))
    _check_sizes(n, function, *sizes, stride, padding, dilation, groups, input.dtype.itemsize)
    if not autocasts(input, weight, bias):
        _check_dtypes(function, input=input, weight=weight, bias=bias)
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise ValueError(
            f"{function}: bias must hold one number for each of the {weight.shape[0]} output channels, "
            f"got {tuple(bias.shape)}"
        )


def _check_weight_shape(n: int, function: str, weight: tuple[int, ...]) -> None:
    axes = ", ".join(("kd", "kh", "kw")[3 - n :])
    if len(weight) != n + 2 or min(weight) < 1:
        raise ValueError(
            f"{function}: weight must be (C_out, C_in / groups, {axes}), none of them 0; got {weight}"
        )


def _check_sizes(
    n: int, function: str, input: tuple[int, ...], weight: tuple[int, ...],
    stride: Ints, padding: Padding, dilation: Ints, groups: int, itemsize: int,
) -> tuple[int, ...]:  # fmt: skip
    """The output's size, if the sizes fit each other and the whole fits into memory."""
    groups = as_integer(groups, "groups", function)
    if 0 in input[-n:]:
        raise ValueError(f"{function}: input {input} has no pixels")
    layout = conv_layout(input[-n:], weight[2:], stride, padding, dilation, function)
    channels = input[-n - 1]
    if weight[1] * groups != channels:
        raise ValueError(
            f"{function}: input has {channels} channels but weight expects {weight[1] * groups} "
            f"(input {input}, weight {weight}, groups={groups})"
        )
    if weight[0] % groups:
        raise ValueError(
            f"{function}: {weight[0]} output channels cannot be split into {groups} groups (weight {weight})"
        )
    padded = math.prod(layout.padded)
    columns, positions = channels * math.prod(layout.kernel), math.prod(layout.positions)
    elements = count(input[: -n - 1]) * (channels * padded + (columns + weight[0]) * positions)
    refuse_if_too_large(function, "the result and its scratch", elements, itemsize)
    return layout.positions


def _check_dtypes(function: str, **arrays: Array | None) -> None:
    require_same_dtype(function, **arrays)
    dtype = next(iter(arrays.values())).dtype  # type: ignore[union-attr]
    kind = getattr(dtype, "kind", None) or ("b" if "bool" in str(dtype) else "f")  # NumPy's, or torch's
    if kind not in "iufc":
        raise TypeError(f"{function}: {dtype} has no products to add; convert to a number type first")


def forward_check(n: int) -> Callable[..., None]:
    name = f"conv{n}d"

    def check(
        input: Array, weight: Array, bias: Array | None = None,
        stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        _check_forward(n, name, input, weight, bias, stride, padding, dilation, groups)

    return check


def _check_gradient(
    n: int, function: str, input_size: Sequence[int], weight_size: Sequence[int], grad_output: Array,
    other: tuple[str, Array], stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> None:  # fmt: skip
    """`other` is the name and the value of the array that came beside `grad_output`."""
    require_array(function, *other)
    require_array(function, "grad_output", grad_output)
    input_shape = as_sizes(input_size, "input_size", function)
    weight_shape = as_sizes(weight_size, "weight_size", function)
    _check_weight_shape(n, function, weight_shape)
    if not n + 1 <= len(input_shape) <= n + 2:
        raise ValueError(
            f"{function}: the input has {n + 1} axes, or {n + 2} with a batch; got {input_shape}"
        )
    itemsize = grad_output.dtype.itemsize
    positions = _check_sizes(
        n, function, input_shape, weight_shape, stride, padding, dilation, groups, itemsize
    )
    _check_dtypes(function, **{other[0]: other[1], "grad_output": grad_output})
    if "complex" in str(grad_output.dtype):
        raise TypeError(f"{function}: gradients are of real numbers, got {grad_output.dtype}")
    expected = (*input_shape[: -n - 1], weight_shape[0], *positions)
    if tuple(grad_output.shape) != expected:
        raise ValueError(
            f"{function}: grad_output is {tuple(grad_output.shape)} but the output of this convolution is "
            f"{expected} (input {input_shape}, weight {weight_shape})"
        )


def input_check(n: int) -> Callable[..., None]:
    name = f"conv{n}d_input"

    def check(
        input_size: Sequence[int], weight: Array, grad_output: Array,
        stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        require_array(name, "weight", weight)
        other = ("weight", weight)
        _check_gradient(
            n, name, input_size, tuple(weight.shape), grad_output, other, stride, padding, dilation, groups
        )

    return check


def weight_check(n: int) -> Callable[..., None]:
    name = f"conv{n}d_weight"

    def check(
        input: Array, weight_size: Sequence[int], grad_output: Array,
        stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
    ) -> None:  # fmt: skip
        require_array(name, "input", input)
        other = ("input", input)
        _check_gradient(
            n, name, tuple(input.shape), weight_size, grad_output, other, stride, padding, dilation, groups
        )

    return check


def backward_check(
    grad_output: Array, input: Array, weight: Array,
    stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1, groups: int = 1,
) -> None:  # fmt: skip
    name, options = "conv2d_backward", (stride, padding, dilation, groups)
    require_array(name, "input", input)
    require_array(name, "weight", weight)
    _check_gradient(
        2, name, tuple(input.shape), tuple(weight.shape), grad_output, ("weight", weight), *options
    )
    _check_dtypes(name, input=input, weight=weight)


def matrix_check(
    weight: Array, input_size: Sequence[int], stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1
) -> None:
    name = "conv_matrix"
    require_array(name, "weight", weight)
    size = as_sizes(input_size, "input_size", name)
    if len(size) != 3:
        raise ValueError(f"{name}: input_size must be (C, H, W) of one image, got {size}")
    shape = tuple(weight.shape)
    _check_weight_shape(2, name, shape)
    unit_images = (math.prod(size), *size)
    _check_sizes(2, name, unit_images, shape, stride, padding, dilation, 1, weight.dtype.itemsize)
    _check_dtypes(name, weight=weight)


def correlate_check(name: str) -> Callable[..., None]:
    def check(input: Array, kernel: Array, mode: str = "full") -> None:
        for argument, array in (("input", input), ("kernel", kernel)):
            require_array(name, argument, array)
            if array.ndim != 2 or 0 in tuple(array.shape):
                raise ValueError(
                    f"{name}: {argument} must be a plain image (H, W) with pixels, got {tuple(array.shape)}"
                )
        require_one_of(name, "mode", mode, ("full", "same", "valid"))
        if mode == "valid" and any(k > size for k, size in zip(kernel.shape, input.shape, strict=True)):
            raise ValueError(
                f"{name}: the kernel {tuple(kernel.shape)} does not fit into the image {tuple(input.shape)}"
            )
        if not autocasts(input, kernel):
            _check_dtypes(name, input=input, kernel=kernel)
        pads = correlation_padding(kernel.shape, mode)
        padded = [size + sum(sides) for size, sides in zip(input.shape, pads, strict=True)]
        positions = math.prod([size - k + 1 for size, k in zip(padded, kernel.shape, strict=True)])
        elements = math.prod(padded) + (math.prod(kernel.shape) + 1) * positions
        refuse_if_too_large(name, "the result and its scratch", elements, input.dtype.itemsize)

    return check


# --- transposed convolutions --------------------------------------------------------------------------------


def _check_transposed(
    n: int, function: str, input: Array, weight: Array, options: tuple[Any, ...]
) -> tuple[int, ...]:
    """The output's shape, if the two fit each other and the whole fits into memory."""
    stride, padding, output_padding, groups, dilation = options
    require_array(function, "input", input)
    require_array(function, "weight", weight)
    shape, weight_shape = tuple(input.shape), tuple(weight.shape)
    axes, taps = ", ".join("DHW"[3 - n :]), ", ".join(("kd", "kh", "kw")[3 - n :])
    if len(weight_shape) != n + 2 or min(weight_shape) < 1:
        raise ValueError(
            f"{function}: weight must be (C_in, C_out / groups, {taps}), none of them 0; got {weight_shape}"
        )
    if not n + 1 <= len(shape) <= n + 2:
        raise ValueError(f"{function}: input must be (N, C, {axes}) or (C, {axes}), got {shape}")
    groups = as_integer(groups, "groups", function)
    if 0 in shape[-n:]:
        raise ValueError(f"{function}: input {shape} has no pixels")
    layout, extra, output = transposed_layout(
        shape[-n:], weight_shape[2:], stride, padding, output_padding, dilation, function
    )
    for name, numbers in (("stride", layout.stride), ("dilation", layout.dilation)):
        if max(numbers) >= 2**31:  # where torch's transposed convolution counts in 32 bits
            raise ValueError(f"{function}: {name} must be below 2^31, got {max(numbers)}")
    channels = shape[-n - 1]
    if channels != weight_shape[0]:
        raise ValueError(
            f"{function}: input has {channels} channels but weight expects {weight_shape[0]} "
            f"(input {shape}, weight {weight_shape})"
        )
    if channels % groups:
        raise ValueError(
            f"{function}: {channels} input channels cannot be split into {groups} groups "
            f"(weight {weight_shape})"
        )
    out_channels = groups * weight_shape[1]
    image = math.prod([span + more for span, more in zip(layout.padded, extra, strict=True)])
    columns = math.prod(layout.kernel) * math.prod(layout.positions)
    elements = channels * math.prod(layout.positions) + out_channels * (columns + image + math.prod(output))
    leading = shape[: -n - 1]
    refuse_if_too_large(
        function, "the result and its scratch", count(leading) * elements, input.dtype.itemsize
    )
    return (*leading, out_channels, *output)


def transpose_check(n: int) -> Callable[..., None]:
    name = f"conv_transpose{n}d"

    def check(
        input: Array, weight: Array, bias: Array | None = None, stride: Ints = 1, padding: Ints = 0,
        output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
    ) -> None:  # fmt: skip
        if bias is not None:
            require_array(name, "bias", bias)
        options = (stride, padding, output_padding, groups, dilation)
        out_channels = _check_transposed(n, name, input, weight, options)[-n - 1]
        if not autocasts(input, weight, bias):
            _check_dtypes(name, input=input, weight=weight, bias=bias)
        kind = dtype_name(input)
        if "int" in kind and kind != "int64":
            raise TypeError(f"{name}: of the whole numbers torch offers it for int64 alone, got {kind}")
        if bias is not None and tuple(bias.shape) != (out_channels,):
            raise ValueError(
                f"{name}: bias must hold one number for each of the {out_channels} output channels, "
                f"got {tuple(bias.shape)}"
            )

    return check


def transpose_backward_check(n: int) -> Callable[..., None]:
    def check(
        grad_output: Array, input: Array, weight: Array, stride: Ints = 1, padding: Ints = 0,
        output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
    ) -> None:  # fmt: skip
        name = f"conv_transpose{n}d_backward"
        require_array(name, "grad_output", grad_output)
        options = (stride, padding, output_padding, groups, dilation)
        expected = _check_transposed(n, name, input, weight, options)
        _check_dtypes(name, input=input, weight=weight, grad_output=grad_output)
        if "float" not in dtype_name(input):
            raise TypeError(f"{name}: gradients are of real floating-point numbers, got {dtype_name(input)}")
        if tuple(grad_output.shape) != expected:
            raise ValueError(
                f"{name}: grad_output is {tuple(grad_output.shape)} but the output of this transposed "
                f"convolution is {expected} (input {tuple(input.shape)}, weight {tuple(weight.shape)})"
            )

    return check


# --- convolutions over quarter turns ------------------------------------------------------------------------


def c4_check(name: str) -> Callable[..., None]:
    group = ("4, ", 1) if name == "c4_conv" else ("", 0)  # the axis of orientations, where input has one

    def check(input: Array, weight: Array, padding: Padding = 0) -> None:
        word, extra = group
        require_array(name, "input", input)
        require_array(name, "weight", weight)
        shape, kernels = tuple(input.shape), tuple(weight.shape)
        if len(kernels) != 4 + extra or min(kernels) < 1 or kernels[-1] != kernels[-2] or (
            extra and kernels[2] != 4
        ):  # fmt: skip
            raise ValueError(
                f"{name}: weight must be (C_out, C_in, {word}k, k), none of them 0; got {kernels}"
            )
        if len(shape) not in (3 + extra, 4 + extra) or (extra and shape[-3] != 4) or 0 in shape[-2:]:
            raise ValueError(
                f"{name}: input must be (N, C, {word}H, W) or (C, {word}H, W), with pixels; got {shape}"
            )
        channels = shape[-3 - extra]
        if channels != kernels[1]:
            raise ValueError(
                f"{name}: input has {channels} channels but weight expects {kernels[1]} (input {shape}, "
                f"weight {kernels})"
            )
        orientations, itemsize = 4**extra, input.dtype.itemsize
        turned = (4 * kernels[0], orientations * channels, *kernels[-2:])
        refuse_if_too_large(name, "the turned kernels", 2 * count(turned), itemsize)
        image = (*shape[: -3 - extra], orientations * channels, *shape[-2:])
        _check_sizes(2, name, image, turned, 1, padding, 1, 1, itemsize)
        if not autocasts(input, weight):
            _check_dtypes(name, input=input, weight=weight)

    return check


def c4_pool_check(input: Array) -> None:
    name = "c4_pool"
    require_array(name, "input", input)
    shape = tuple(input.shape)
    if len(shape) not in (4, 5) or shape[-3] != 4:
        raise ValueError(f"{name}: input must be (N, C, 4, H, W) or (C, 4, H, W), got {shape}")
    if "complex" in dtype_name(input) or "clongdouble" in dtype_name(input):
        raise TypeError(f"{name}: of complex numbers none is the largest, got {input.dtype}")
    refuse_if_too_large(name, "the result", count(shape) // 4, input.dtype.itemsize)
