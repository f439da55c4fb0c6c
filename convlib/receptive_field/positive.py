"""A model in which nothing cancels: positive weights, and activations that pass everything.

Whatever Python calls while the mode is on is replaced by something linear and positive that reads the same
units. The graph of the model is never looked at.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode


def positive_copy(model: nn.Module, seed: int) -> nn.Module:
    """A copy in double precision; its positive weights keep a deep stack away from 0 and infinity."""
    twin = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in [*twin.parameters(), *(one for one in twin.buffers() if one.is_floating_point())]:
            drawn = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5
            # Sums over channels stay near 1; over a window they grow as fast as its corner shrinks.
            channels = tensor.shape[1] if tensor.ndim > 1 else 1
            window = math.sqrt(math.prod(tensor.shape[2:])) if tensor.ndim > 2 else 1
            tensor.copy_(drawn / (channels * window))
    return twin.requires_grad_(False)


PASSING = """
    relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh hardtanh hardswish hardsigmoid softplus
    softsign logsigmoid hardshrink softshrink tanhshrink threshold rrelu prelu
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout
    exp log log1p expm1 sqrt rsqrt abs neg square clamp clamp_min clamp_max clip pow sin cos erf reciprocal
    __neg__ __pow__ __abs__ __rsub__ __rpow__ __rtruediv__"""
ADDING = """
    add sub mul div subtract multiply divide true_divide maximum minimum atan2 addcmul
    __add__ __radd__ __iadd__ __sub__ __isub__ __mul__ __rmul__ __imul__ __truediv__ __itruediv__"""
AVERAGING = "softmax log_softmax amax amin"


class Positive(TorchFunctionMode):
    """While it is on, calls of torch's functions are linear and positive in the image."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        replacement = REPLACED.get(function)
        if replacement is None:
            return function(*args, **kwargs)
        result = replacement(function, *args, **kwargs)
        name = getattr(function, "__name__", "")
        if name.endswith("_") and not name.endswith("__"):  # in place: others may hold the same tensor
            return torch.ops.aten.copy_(args[0], result)
        return result


def _pass(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What depends on the image as it is; a constant, such as a table of frequencies, is computed."""
    first = args[0] if args else kwargs.get("input")
    return first if _moves(first) else function(*args, **kwargs)


def _moves(one: Any) -> bool:
    return isinstance(one, torch.Tensor) and one.requires_grad and one.is_floating_point()


def _add(function: Any, *args: Any, **kwargs: Any) -> Any:
    """The sum of what depends on the image, broadcast with the rest."""
    tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
    shape: Any = np.broadcast_shapes(*(one.shape for one in tensors))
    moving = [one for one in tensors if _moves(one)]
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


def _with_mean(input: Any, dims: list[int]) -> Any:
    """Itself, and the mean of all that a norm looks at."""
    return _add(torch.add, input, input.mean(dims, keepdim=True).expand_as(input)) if dims else input


def _layer_norm(function: Any, input: Any, normalized_shape: Any, *args: Any, **kwargs: Any) -> Any:
    return _with_mean(input, list(range(input.ndim - len(normalized_shape), input.ndim)))


def _group_norm(function: Any, input: Any, num_groups: int, *args: Any, **kwargs: Any) -> Any:
    return _with_mean(input.reshape(input.shape[0], num_groups, -1), [2]).reshape(input.shape)


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
    return _with_mean(input, [0, *range(2, input.ndim)] if training else [])


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
    return _with_mean(input, list(range(2, input.ndim)) if use_input_stats else [])


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
    """The replacement of each function, wherever torch keeps it."""
    found: dict[Any, Any] = {}

    def enter(name: str, replacement: Any) -> None:
        for room in (torch, F, torch.Tensor, torch.special, torch._C._nn):
            for spelling in (name, f"{name}_"):  # in place as well
                if hasattr(room, spelling):
                    found[getattr(room, spelling)] = replacement

    for names, linear in ((PASSING, _pass), (ADDING, _add), (AVERAGING, _mean_along)):
        for name in names.split():
            enter(name, linear)
    for name in ("max", "min"):
        enter(name, _max_along)
    for axes in (1, 2, 3):
        for end in ("", "_with_indices"):
            enter(f"max_pool{axes}d{end}", _max_pool(axes))
            enter(f"adaptive_max_pool{axes}d{end}", _adaptive_max_pool(axes))
    others: dict[str, Any] = {
        "layer_norm": _layer_norm,
        "rms_norm": _layer_norm,
        "group_norm": _group_norm,
        "scaled_dot_product_attention": _attention,
        "glu": _gated,
    }
    for name, replacement in others.items():
        enter(name, replacement)
    # The arguments of these two stand in another order in torch itself.
    found[F.batch_norm], found[F.instance_norm] = _batch_norm, _instance_norm
    found[torch.batch_norm] = lambda function, input, weight, bias, mean, var, training, *_: _batch_norm(
        function, input, mean, var, weight, bias, training
    )
    found[torch.instance_norm] = lambda function, input, weight, bias, mean, var, stats, *_: _instance_norm(
        function, input, mean, var, weight, bias, stats
    )
    return found


REPLACED = _table()
