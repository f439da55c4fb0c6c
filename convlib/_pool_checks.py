"""What every pooling checks before anything is computed, for arrays and for tensors alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from convlib._checks import as_real, require_flag, require_one_of, shown
from convlib._dispatch import Array, dtype_name, is_tensor, require_array, require_same_dtype
from convlib.shapes import (
    Ints,
    as_integer,
    as_sizes,
    as_tuple,
    bin_counts,
    count,
    pool_layout,
    refuse_if_too_large,
)

Shape: TypeAlias = tuple[int, ...]

# --- the pieces ---------------------------------------------------------------------------------------------


def _check_shape(
    n: int, function: str, shape: Shape, name: str = "input", empty_channels: bool = False
) -> None:
    if len(shape) not in (n + 1, n + 2):
        axes = ", ".join("DHW"[3 - n :])
        raise ValueError(f"{function}: {name} must be (N, C, {axes}) or (C, {axes}), got {shape}")
    if 0 in shape[-n if empty_channels else -n - 1 :]:
        raise ValueError(f"{function}: only the batch may be empty, got {shape}")


def _check_kind(function: str, input: Array, kinds: str, also: str = "") -> None:
    """What torch has code for; which of the floating-point numbers, it says by itself."""
    name = dtype_name(input)
    kind = "f" if "float" in name or name == "longdouble" else name[0]
    if kind not in kinds and name != also:
        allowed = ["whole numbers"] * ("i" in kinds) + [also] * bool(also) + ["floating-point numbers"]
        raise TypeError(f"{function}: it is for {' and '.join(allowed)}, as in torch; got {input.dtype}")


def _output_shape(function: str, shape: Shape, positions: Shape, itemsize: int) -> Shape:
    """Refused where the input and four arrays like the output, two of them of indices, are too large."""
    leading = shape[: len(shape) - len(positions)]
    elements = count(shape) + 4 * count((*leading, *positions))
    refuse_if_too_large(function, "the result and its scratch", elements, max(itemsize, 8))
    return (*leading, *positions)


def _windowed(
    n: int, function: str, shape: Shape, itemsize: int, options: tuple[Any, ...], mean: bool
) -> Shape:
    _check_shape(n, function, shape)
    kernel_size, stride, padding, dilation, ceil_mode = options
    layout = pool_layout(shape[-n:], kernel_size, stride, padding, dilation, ceil_mode, function)
    if n == 3 and mean:
        for axis, (size, k) in enumerate(zip(shape[-n:], layout.kernel, strict=True)):
            if k > size:
                raise ValueError(
                    f"{function}: the window spans {k} pixels along spatial axis {axis}, but the input has "
                    f"{size}, and averages of volumes take no padding for pixels, as in torch"
                )
    return _output_shape(function, shape, layout.positions, itemsize)


def _check_gradient(function: str, grad_output: Array, input_shape: Shape, expected: Shape) -> None:
    if "float" not in dtype_name(grad_output) and "longdouble" not in dtype_name(grad_output):
        kind = dtype_name(grad_output)
        raise TypeError(f"{function}: gradients are of real floating-point numbers, got {kind}")
    if tuple(grad_output.shape) != expected:
        raise ValueError(
            f"{function}: grad_output is {tuple(grad_output.shape)} but the output for input {input_shape} "
            f"is {expected}"
        )


# --- windows ------------------------------------------------------------------------------------------------


def max_check(n: int) -> Callable[..., None]:
    def check(
        input: Array, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> None:  # fmt: skip
        name, options = f"max_pool{n}d", (kernel_size, stride, padding, dilation, ceil_mode)
        require_array(name, "input", input)
        require_flag(name, "return_indices", return_indices)
        _windowed(n, name, tuple(input.shape), input.dtype.itemsize, options, mean=False)
        _check_kind(name, input, "iuf")

    return check


def max_backward_check(n: int) -> Callable[..., None]:
    def check(
        grad_output: Array, input: Array, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        dilation: Ints = 1, ceil_mode: bool = False, ties: str = "first",
    ) -> None:  # fmt: skip
        name, options = f"max_pool{n}d_backward", (kernel_size, stride, padding, dilation, ceil_mode)
        require_array(name, "grad_output", grad_output)
        require_array(name, "input", input)
        require_one_of(name, "ties", ties, ("first", "shared"))
        require_same_dtype(name, grad_output=grad_output, input=input)
        expected = _windowed(n, name, tuple(input.shape), input.dtype.itemsize, options, mean=False)
        _check_gradient(name, grad_output, tuple(input.shape), expected)

    return check


def _check_divisor(function: str, count_include_pad: bool, divisor_override: int | None) -> None:
    require_flag(function, "count_include_pad", count_include_pad)
    if divisor_override is None:
        return
    divisor = as_integer(divisor_override, "divisor_override", function, -(2**31))
    if divisor == 0 or divisor >= 2**31:
        raise ValueError(f"{function}: divisor_override must be below 2^31 and not 0, got {divisor}")


def average_check(n: int) -> Callable[..., None]:
    def check(
        input: Array, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        name, options = f"avg_pool{n}d", (kernel_size, stride, padding, 1, ceil_mode)
        require_array(name, "input", input)
        _check_divisor(name, count_include_pad, divisor_override)
        _windowed(n, name, tuple(input.shape), input.dtype.itemsize, options, mean=True)
        _check_kind(name, input, "f", "int64")

    def check_1d(
        input: Array, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        ceil_mode: bool = False, count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        check(input, kernel_size, stride, padding, ceil_mode, count_include_pad)

    return check_1d if n == 1 else check


def average_backward_check(n: int) -> Callable[..., None]:
    def check(
        grad_output: Array, input_size: Sequence[int], kernel_size: Ints, stride: Ints | None = None,
        padding: Ints = 0, ceil_mode: bool = False, count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        name, options = f"avg_pool{n}d_backward", (kernel_size, stride, padding, 1, ceil_mode)
        require_array(name, "grad_output", grad_output)
        _check_divisor(name, count_include_pad, divisor_override)
        shape = as_sizes(input_size, "input_size", name)
        expected = _windowed(n, name, shape, grad_output.dtype.itemsize, options, mean=True)
        _check_gradient(name, grad_output, shape, expected)

    def check_1d(
        grad_output: Array, input_size: Sequence[int], kernel_size: Ints, stride: Ints | None = None,
        padding: Ints = 0, ceil_mode: bool = False, count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        check(grad_output, input_size, kernel_size, stride, padding, ceil_mode, count_include_pad)

    return check_1d if n == 1 else check


def _check_norm(function: str, norm_type: float) -> float:
    if isinstance(norm_type, bool):
        raise TypeError(f"{function}: norm_type must be a real number, got {norm_type}")
    p = as_real(function, "norm_type", norm_type)
    if p == 0:
        raise ValueError(f"{function}: there is no 0th root, norm_type must not be 0")
    if abs(p) < 2**-15 or 2**15 < abs(p) < math.inf:  # so that p and 1 / p are half-precision numbers
        raise ValueError(
            f"{function}: norm_type must be infinite or from 2^-15 to 2^15, without its sign; "
            f"got {shown(norm_type)}"
        )
    return float(p)


def norm_check(n: int) -> Callable[..., None]:
    def check(
        input: Array, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
    ) -> None:
        name = f"lp_pool{n}d"
        require_array(name, "input", input)
        p = _check_norm(name, norm_type)
        options = (kernel_size, stride, 0, 1, ceil_mode)
        _windowed(n, name, tuple(input.shape), input.dtype.itemsize, options, mean=abs(p) != math.inf)
        _check_kind(name, input, "f")

    return check


def norm_backward_check(n: int) -> Callable[..., None]:
    def check(
        grad_output: Array, input: Array, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        name = f"lp_pool{n}d_backward"
        require_array(name, "grad_output", grad_output)
        require_array(name, "input", input)
        p = _check_norm(name, norm_type)
        require_same_dtype(name, grad_output=grad_output, input=input)
        options = (kernel_size, stride, 0, 1, ceil_mode)
        expected = _windowed(
            n, name, tuple(input.shape), input.dtype.itemsize, options, mean=abs(p) != math.inf
        )
        _check_gradient(name, grad_output, tuple(input.shape), expected)

    return check


# --- the way back of a maximum ------------------------------------------------------------------------------


def unpool_size(
    sizes: Shape, kernel_size: Ints, stride: Ints | None, padding: Ints, output_size: Sequence[int] | None,
    function: str = "",
) -> Shape:  # fmt: skip
    """The size that is asked for, if a pooling of it can give `sizes`; without one, what the windows span."""
    n = len(sizes)
    kernel = as_tuple(kernel_size, n, "kernel_size", function=function)
    strides = kernel if stride is None else as_tuple(stride, n, "stride", function=function)
    pads = as_tuple(padding, n, "padding", at_least=0, function=function)
    spans = tuple((i - 1) * s + k - 2 * p for i, k, s, p in zip(sizes, kernel, strides, pads, strict=True))
    if output_size is None:
        if min(spans) < 1:
            raise ValueError(f"{function}: padding {pads} leaves no pixel, the output would be {spans}")
        return spans
    wanted = as_sizes(output_size, "output_size", function, at_least=1)
    if len(wanted) not in (n, n + 2):
        raise ValueError(f"{function}: output_size must be {n} integers or {n + 2}, got {shown(output_size)}")
    for axis, (span, s, size) in enumerate(zip(spans, strides, wanted[-n:], strict=True)):
        if not span - s < size < span + s:
            raise ValueError(
                f"{function}: output_size must be above {span - s} and below {span + s} along spatial axis "
                f"{axis}, got {size}"
            )
    return wanted[-n:]


def unpool_check(n: int) -> Callable[..., None]:
    def check(
        input: Array, indices: Array, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
        output_size: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        name = f"max_unpool{n}d"
        require_array(name, "input", input)
        require_array(name, "indices", indices)
        _check_shape(n, name, tuple(input.shape))
        if tuple(indices.shape) != tuple(input.shape):
            raise ValueError(
                f"{name}: there must be one index for each number of input {tuple(input.shape)}, got "
                f"{tuple(indices.shape)}"
            )
        if dtype_name(indices) != "int64":
            raise TypeError(f"{name}: indices must be int64, got {dtype_name(indices)}")
        size = unpool_size(tuple(input.shape[-n:]), kernel_size, stride, padding, output_size, name)
        _output_shape(name, tuple(input.shape), size, input.dtype.itemsize)
        _check_kind(name, input, "f")
        _check_indices(name, indices, math.prod(size))

    return check


def unpool_backward_check(n: int) -> Callable[..., None]:
    def check(grad_output: Array, indices: Array) -> None:
        name = f"max_unpool{n}d_backward"
        require_array(name, "grad_output", grad_output)
        require_array(name, "indices", indices)
        shapes = tuple(grad_output.shape), tuple(indices.shape)
        _check_shape(n, name, shapes[0], "grad_output")
        if len(shapes[0]) != len(shapes[1]) or shapes[0][:-n] != shapes[1][:-n]:
            raise ValueError(
                f"{name}: grad_output and indices must agree but for the last {n} axes, got {shapes[0]} and "
                f"{shapes[1]}"
            )
        if dtype_name(indices) != "int64":
            raise TypeError(f"{name}: indices must be int64, got {dtype_name(indices)}")
        _check_gradient(name, grad_output, shapes[1], shapes[0])
        _output_shape(name, shapes[0], shapes[1][-n:], grad_output.dtype.itemsize)
        _check_indices(name, indices, math.prod(shapes[0][-n:]))

    return check


def _check_indices(function: str, indices: Array, pixels: int) -> None:
    """Of arrays: the numbers of a tensor may lie on a GPU, and torch looks at them itself."""
    if not is_tensor(indices) and indices.size:
        smallest, largest = int(indices.min()), int(indices.max())
        if smallest < 0 or largest >= pixels:
            raise ValueError(
                f"{function}: indices must be from 0 to {pixels - 1}, the pixels of one plane of the output; "
                f"got {smallest if smallest < 0 else largest}"
            )


# --- bins ---------------------------------------------------------------------------------------------------


def _binned(n: int, function: str, shape: Shape, itemsize: int, output_size: Any, mean: bool) -> Shape:
    # as in torch: an average may have no channels, but not of a volume; a maximum may have none of one image
    _check_shape(n, function, shape, empty_channels=(mean and n < 3) or len(shape) == n + 1)
    return _output_shape(function, shape, bin_counts(shape[-n:], output_size, function), itemsize)


def adaptive_average_check(n: int) -> Callable[..., None]:
    def check(input: Array, output_size: Any) -> None:
        name = f"adaptive_avg_pool{n}d"
        require_array(name, "input", input)
        _binned(n, name, tuple(input.shape), input.dtype.itemsize, output_size, mean=True)
        _check_kind(name, input, "f")

    return check


def adaptive_average_backward_check(n: int) -> Callable[..., None]:
    def check(grad_output: Array, input_size: Sequence[int], output_size: Any) -> None:
        name = f"adaptive_avg_pool{n}d_backward"
        require_array(name, "grad_output", grad_output)
        shape = as_sizes(input_size, "input_size", name)
        expected = _binned(n, name, shape, grad_output.dtype.itemsize, output_size, mean=True)
        _check_gradient(name, grad_output, shape, expected)

    return check


def adaptive_max_check(n: int) -> Callable[..., None]:
    def check(input: Array, output_size: Any, return_indices: bool = False) -> None:
        name = f"adaptive_max_pool{n}d"
        require_array(name, "input", input)
        require_flag(name, "return_indices", return_indices)
        _binned(n, name, tuple(input.shape), input.dtype.itemsize, output_size, mean=False)
        _check_kind(name, input, "f")

    return check


def adaptive_max_backward_check(n: int) -> Callable[..., None]:
    def check(grad_output: Array, input: Array, output_size: Any) -> None:
        name = f"adaptive_max_pool{n}d_backward"
        require_array(name, "grad_output", grad_output)
        require_array(name, "input", input)
        require_same_dtype(name, grad_output=grad_output, input=input)
        expected = _binned(n, name, tuple(input.shape), input.dtype.itemsize, output_size, mean=False)
        _check_gradient(name, grad_output, tuple(input.shape), expected)

    return check


def global_check(n: int, name: str) -> Callable[..., None]:
    def check(input: Array) -> None:
        require_array(name, "input", input)
        _check_shape(n, name, tuple(input.shape))
        _output_shape(name, tuple(input.shape), (1,) * n, input.dtype.itemsize)
        _check_kind(name, input, "f")

    return check


# --- blurred ------------------------------------------------------------------------------------------------


def blur_layout(n: int, kernel_size: Ints, stride: Ints, function: str = "") -> tuple[Shape, Shape]:
    """Taps and stride of each axis."""
    kernel = as_tuple(kernel_size, n, "kernel_size", function=function)
    if max(kernel) > 7:
        raise ValueError(f"{function}: kernel_size must be at most 7, got {shown(kernel_size)}")
    return kernel, as_tuple(stride, n, "stride", function=function)


def _blurred(
    n: int, function: str, shape: Shape, itemsize: int, kernel_size: Ints, stride: Ints, padding_mode: str
) -> Shape:
    """The output's shape, if the image is large enough and the whole fits into memory."""
    _check_shape(n, function, shape)
    kernel, strides = blur_layout(n, kernel_size, stride, function)
    require_one_of(function, "padding_mode", padding_mode, ("reflect", "replicate", "circular", "zeros"))
    for axis, (size, k) in enumerate(zip(shape[-n:], kernel, strict=True)):
        needed = {"reflect": k // 2 + 1, "circular": k // 2}.get(padding_mode, 1)
        if size < needed:
            raise ValueError(
                f"{function}: {padding_mode!r} needs at least {needed} pixels for {k} taps, but input "
                f"{shape} has {size} along spatial axis {axis}"
            )
    padded = [size + k - 1 for size, k in zip(shape[-n:], kernel, strict=True)]
    refuse_if_too_large(function, "the result and its scratch", 3 * count((*shape[:-n], *padded)), itemsize)
    return (*shape[:-n], *(-(-size // s) for size, s in zip(shape[-n:], strides, strict=True)))


def blur_check(n: int) -> Callable[..., None]:
    def check(input: Array, kernel_size: Ints = 3, stride: Ints = 2, padding_mode: str = "reflect") -> None:
        name = f"blur_pool{n}d"
        require_array(name, "input", input)
        _blurred(n, name, tuple(input.shape), input.dtype.itemsize, kernel_size, stride, padding_mode)
        _check_kind(name, input, "f")

    return check


def blur_backward_check(n: int) -> Callable[..., None]:
    def check(
        grad_output: Array, input_size: Sequence[int], kernel_size: Ints = 3, stride: Ints = 2,
        padding_mode: str = "reflect",
    ) -> None:  # fmt: skip
        name = f"blur_pool{n}d_backward"
        require_array(name, "grad_output", grad_output)
        shape = as_sizes(input_size, "input_size", name)
        itemsize = grad_output.dtype.itemsize
        expected = _blurred(n, name, shape, itemsize, kernel_size, stride, padding_mode)
        _check_gradient(name, grad_output, shape, expected)

    return check
