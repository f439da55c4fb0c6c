"""A model in which nothing cancels: positive weights, and activations that pass everything.

Whatever Python calls while the mode is on is replaced by something linear and positive that reads the same
units. The graph of the model is never looked at.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode


def positive_copy(model: nn.Module, seed: int) -> nn.Module:
    """A copy in double precision whose weights are positive and keep a deep stack away from 0 and infinity."""
    twin = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in [*twin.parameters(), *(one for one in twin.buffers() if one.is_floating_point())]:
            drawn = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5
            # Sums over channels stay near 1; over a window they grow as fast as its corner shrinks.
            channels = tensor.shape[1] if tensor.ndim > 1 else 1
            window = math.sqrt(math.prod(tensor.shape[2:])) if tensor.ndim > 2 else 1
            tensor.copy_(drawn / (channels * window))
    return twin


PASSING = [
    "relu",
    "relu_",
    "relu6",
    "leaky_relu",
    "leaky_relu_",
    "elu",
    "elu_",
    "selu",
    "selu_",
    "celu",
    "celu_",
    "gelu",
    "silu",
    "mish",
    "sigmoid",
    "sigmoid_",
    "tanh",
    "tanh_",
    "hardtanh",
    "hardtanh_",
    "hardswish",
    "hardsigmoid",
    "softplus",
    "softsign",
    "logsigmoid",
    "hardshrink",
    "softshrink",
    "tanhshrink",
    "threshold",
    "rrelu",
    "rrelu_",
    "prelu",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "exp",
    "log",
    "log1p",
    "expm1",
    "sqrt",
    "rsqrt",
    "abs",
    "neg",
    "square",
    "clamp",
    "clamp_min",
    "clamp_max",
    "clip",
    "pow",
    "sin",
    "cos",
    "erf",
    "reciprocal",
    "__neg__",
    "__pow__",
    "__abs__",
    "__rsub__",
    "__rpow__",
    "__rtruediv__",
    "exp_",
    "log_",
    "sqrt_",
    "clamp_",
    "neg_",
    "pow_",
]
ADDING = [
    "add",
    "add_",
    "sub",
    "sub_",
    "mul",
    "mul_",
    "div",
    "div_",
    "__add__",
    "__radd__",
    "__iadd__",
    "__sub__",
    "__isub__",
    "__mul__",
    "__rmul__",
    "__imul__",
    "__truediv__",
    "__itruediv__",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "maximum",
    "minimum",
    "atan2",
    "addcmul",
]
AVERAGING = ["softmax", "log_softmax", "amax", "amin"]


class Positive(TorchFunctionMode):
    """While it is on, calls of torch's functions are linear and positive in the image."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        replacement = REPLACED.get(function)
        if replacement is None:
            return function(*args, **kwargs)
        return replacement(function, *args, **kwargs)


def _pass(function: Any, *args: Any, **kwargs: Any) -> Any:
    return _add(function, *args[:1]) if args else function(*args, **kwargs)


def _add(function: Any, *args: Any, **kwargs: Any) -> Any:
    """The sum of what depends on the image, broadcast with the rest."""
    tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
    shape = torch.broadcast_shapes(*(one.shape for one in tensors))
    moving = [one for one in tensors if one.requires_grad and one.is_floating_point()]
    if not moving:
        return function(*args, **kwargs)
    total = moving[0].expand(shape)
    for one in moving[1:]:
        total = torch.ops.aten.add(total, one)
    return torch.ops.aten.div(total, len(moving))


def _mean_along(function: Any, input: Any, dim: Any = None, *args: Any, **kwargs: Any) -> Any:
    dims = list(range(input.ndim)) if dim is None else dim
    keep = kwargs.get("keepdim", args[0] if args and isinstance(args[0], bool) else False)
    if getattr(function, "__name__", "") in ("amax", "amin"):
        return input.mean(dims, keepdim=keep)
    return input.mean(dims, keepdim=True).expand_as(input)


def _max_along(function: Any, input: Any, *args: Any, **kwargs: Any) -> Any:
    """The largest of all, along a dimension with its place, or of two tensors."""
    if args and isinstance(args[0], torch.Tensor):
        return _add(function, input, *args)
    if not args and not kwargs:
        return input.mean()
    result = function(input.detach(), *args, **kwargs)
    dim = kwargs.get("dim", args[0] if args else None)
    keep = kwargs.get("keepdim", args[1] if len(args) > 1 else False)
    return type(result)((input.mean(dim, keepdim=keep), result[1]))


def _normalised(dims: Callable[..., list[int]], groups: Callable[..., int]) -> Any:
    """Itself, and the mean of all that the norm looks at."""

    def norm(function: Any, input: Any, *args: Any, **kwargs: Any) -> Any:
        over = dims(input, *args, **kwargs)
        if not over:
            return input
        count = groups(input, *args, **kwargs)
        folded = input.reshape(input.shape[0], count, -1) if count else input
        mean = folded.mean(-1, keepdim=True).expand_as(folded).reshape(input.shape) if count else None
        mean = input.mean(over, keepdim=True) if mean is None else mean
        return _add(torch.add, input, mean.expand_as(input))

    return norm


def _batch_norm(
    function: Any,
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    *args: Any,
    **kwargs: Any,
) -> Any:
    if not training:
        return _add(torch.add, input)
    over = [0, *range(2, input.ndim)]
    return _add(torch.add, input, input.mean(over, keepdim=True).expand_as(input))


def _instance_norm(
    function: Any,
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    *args: Any,
    **kwargs: Any,
) -> Any:
    if not use_input_stats:
        return input
    return _add(torch.add, input, input.mean(list(range(2, input.ndim)), keepdim=True).expand_as(input))


def _last_dims(input: Any, normalized_shape: Any, *args: Any, **kwargs: Any) -> list[int]:
    return list(range(input.ndim - len(normalized_shape), input.ndim))


def _attention(function: Any, query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    """The mean of the values, with all of the query and the keys."""
    causal = kwargs.get("is_causal", args[2] if len(args) > 2 else False)
    shape = (*query.shape[:-1], value.shape[-1])
    if causal:
        steps = query.shape[-2]
        mask = torch.ones(steps, key.shape[-2], dtype=value.dtype, device=value.device).tril()
        values, keys = mask @ value, mask @ key
    else:
        values, keys = value.mean(-2, keepdim=True), key.mean(-2, keepdim=True)
    heads = [values, keys.mean(-1, keepdim=True), query.mean(-1, keepdim=True)]
    if query.ndim > 3 and key.shape[-3] != query.shape[-3]:
        heads = [one.mean(-3, keepdim=True) if one is not heads[2] else one for one in heads]
    return _add(torch.add, *(one.expand(shape) for one in heads))


def _max_pool(axes: int) -> Any:
    def pool(
        function: Any,
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        """A sum over the window, by a convolution of each channel for itself."""
        kernel, steps, pads, gaps = (
            [one] * axes if isinstance(one, int) else list(one)
            for one in (kernel_size, stride if stride not in (None, []) else kernel_size, padding, dilation)
        )
        batched = input if input.ndim == axes + 2 else input[None]
        named = [F.max_pool1d, F.max_pool2d, F.max_pool3d][axes - 1]
        with torch._C.DisableTorchFunction():
            wanted = named(batched.detach(), kernel, steps, pads, gaps, ceil_mode)
        amounts: list[int] = []
        for dim in reversed(range(axes)):
            need = (wanted.shape[dim + 2] - 1) * steps[dim] + gaps[dim] * (kernel[dim] - 1) + 1
            before = pads[dim]
            amounts += [before, max(0, need - before - batched.shape[dim + 2])]
        channels = batched.shape[1]
        ones = torch.ones((channels, 1, *kernel), dtype=input.dtype, device=input.device) / math.prod(kernel)
        convolve = [F.conv1d, F.conv2d, F.conv3d][axes - 1]
        result = convolve(F.pad(batched, amounts), ones, None, steps, 0, gaps, channels)
        cut = (slice(None), slice(None), *(slice(0, n) for n in wanted.shape[2:]))
        result = result[cut] if input.ndim == axes + 2 else result[cut][0]
        return (result, torch.zeros(result.shape, dtype=torch.int64)) if return_indices else result

    return pool


def _adaptive_max_pool(axes: int) -> Any:
    average = [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d][axes - 1]

    def pool(function: Any, input: Any, output_size: Any, return_indices: bool = False) -> Any:
        result = average(input, output_size)
        return (result, torch.zeros(result.shape, dtype=torch.int64)) if return_indices else result

    return pool


def _gated(function: Any, input: Any, dim: int = -1) -> Any:
    return _add(torch.add, *input.chunk(2, dim))


def _table() -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    rooms = (torch, F, torch.Tensor, torch.special, torch._C._nn)
    for names, replacement in ((PASSING, _pass), (ADDING, _add), (AVERAGING, _mean_along)):
        for name in names:
            found |= {getattr(room, name): replacement for room in rooms if hasattr(room, name)}
    for name in ("max", "min"):
        found |= {getattr(room, name): _max_along for room in (torch, torch.Tensor)}
    for axes in (1, 2, 3):
        for name in (f"max_pool{axes}d", f"max_pool{axes}d_with_indices"):
            found |= {getattr(room, name): _max_pool(axes) for room in (torch, F) if hasattr(room, name)}
        for name in (f"adaptive_max_pool{axes}d", f"adaptive_max_pool{axes}d_with_indices"):
            found |= {
                getattr(room, name): _adaptive_max_pool(axes) for room in (torch, F) if hasattr(room, name)
            }
    layer = _normalised(_last_dims, lambda *_, **__: 0)
    spatial = _normalised(
        lambda input, *_, **__: list(range(1, input.ndim)), lambda _, groups, *__, **___: groups
    )
    for name, replacement in {
        "layer_norm": layer,
        "rms_norm": layer,
        "group_norm": spatial,
        "batch_norm": _batch_norm,
        "instance_norm": _instance_norm,
        "scaled_dot_product_attention": _attention,
        "glu": _gated,
    }.items():
        found |= {
            getattr(room, name): replacement for room in (torch, F, torch._C._nn) if hasattr(room, name)
        }
    found[torch.batch_norm] = lambda function, input, weight, bias, mean, var, training, *_: _batch_norm(
        function, input, mean, var, weight, bias, training
    )
    found[torch.instance_norm] = lambda function, input, weight, bias, mean, var, stats, *_: _instance_norm(
        function, input, mean, var, weight, bias, stats
    )
    return found


REPLACED = _table()
