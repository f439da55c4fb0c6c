"""What the functions of `attention` ask of their arguments, before anything is computed."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np

from convlib._checks import as_real, require_flag, shown
from convlib._dispatch import Array, autocasts, dtype_name, is_tensor, require_array, require_same_dtype
from convlib.shapes import as_integer, count, refuse_if_too_large

Shape = tuple[int, ...]

AXES = {"query": "(..., L, E)", "key": "(..., S, E)", "value": "(..., S, Ev)"}


class Shapes(NamedTuple):
    query: Shape
    key: Shape  # with as many heads as the query, as is the value
    value: Shape
    weights: Shape
    output: Shape


def _broadcast(*shapes: Sequence[int]) -> Shape | None:
    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        return None


# --- what both attentions have in common --------------------------------------------------------------------


def _require_floats(function: str, array: Array) -> None:
    dtype = dtype_name(array)
    if not (array.is_floating_point() if is_tensor(array) else dtype in ("float16", "float32", "float64")):
        raise TypeError(f"{function}: torch offers it for floating-point numbers alone, got {dtype}")


def _check_hiding(function: str, attn_mask: Array | None, is_causal: bool) -> None:
    if attn_mask is not None:
        require_array(function, "attn_mask", attn_mask)
    require_flag(function, "is_causal", is_causal)
    if attn_mask is not None and is_causal:
        raise ValueError(f"{function}: give either attn_mask or is_causal=True, not both")


def _check_mask(function: str, attn_mask: Array | None, query: Array, weights: Shape) -> None:
    if attn_mask is None:
        return
    allowed = tuple(dict.fromkeys(("bool", "float32", dtype_name(query))))
    if dtype_name(attn_mask) not in allowed:
        raise TypeError(f"{function}: attn_mask must be {' or '.join(allowed)}, got {dtype_name(attn_mask)}")
    if _broadcast(attn_mask.shape, weights) != weights:
        raise ValueError(
            f"{function}: attn_mask {tuple(attn_mask.shape)} does not broadcast to the weights {weights}"
        )


# --- scaled_dot_product_attention ---------------------------------------------------------------------------


def _check_options(
    function: str, attn_mask: Array | None, dropout_p: float, is_causal: bool, scale: float | None,
    enable_gqa: bool,
) -> None:  # fmt: skip
    if not isinstance(dropout_p, Real):
        raise TypeError(f"{function}: dropout_p must be a number, got {shown(dropout_p)}")
    if not 0 <= as_real(function, "dropout_p", dropout_p) <= 1:
        raise ValueError(f"{function}: dropout_p must lie between 0 and 1, got {shown(dropout_p)}")
    require_flag(function, "enable_gqa", enable_gqa)
    _check_hiding(function, attn_mask, is_causal)
    if not (scale is None or isinstance(scale, Real)):
        raise TypeError(f"{function}: scale must be a number or None, got {shown(scale)}")
    if scale is not None and sys.float_info.max < abs(as_real(function, "scale", scale)) < math.inf:
        raise ValueError(f"{function}: scale must fit into a float, got {shown(scale)}")


def _repeat_heads(function: str, query: Shape, name: str, shape: Shape) -> Shape:
    """The shape of a key or value whose heads are repeated for the query heads that share them."""
    for who, axes in (("query", query), (name, shape)):
        if len(axes) < 3:
            raise ValueError(
                f"{function}: enable_gqa needs an axis of heads, {AXES[who].replace('..., ', '..., H, ')}; "
                f"{who} is {axes}"
            )
    heads, shared = query[-3], shape[-3]
    if heads != shared and (shared == 0 or heads % shared):
        raise ValueError(
            f"{function}: {heads} query heads cannot share {shared} {name} heads evenly (query {query}, "
            f"{name} {shape})"
        )
    return (*shape[:-3], heads, *shape[-2:])


def _shapes(function: str, query: Array, key: Array, value: Array, enable_gqa: bool) -> Shapes:
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    for name, shape in (("query", q), ("key", k), ("value", v)):
        if len(shape) < 2:
            raise ValueError(f"{function}: {name} must be {AXES[name]}, got {shape}")
    if q[-1] != k[-1]:
        raise ValueError(f"{function}: query has {q[-1]} features but key has {k[-1]} (query {q}, key {k})")
    _same_tokens(function, k, v)
    if enable_gqa:
        k, v = _repeat_heads(function, q, "key", k), _repeat_heads(function, q, "value", v)
    compared = _broadcast(q[:-2], k[:-2])
    leading = None if compared is None else _broadcast(compared, v[:-2])
    if compared is None or leading is None:
        raise ValueError(
            f"{function}: the axes before the last two do not broadcast (query {q}, key {k}, value {v})"
        )
    return Shapes(q, k, v, (*compared, q[-2], k[-2]), (*leading, q[-2], v[-1]))


def _same_tokens(function: str, key: Shape, value: Shape) -> None:
    if key[-2] != value[-2]:
        raise ValueError(
            f"{function}: key has {key[-2]} tokens but value has {value[-2]} (key {key}, value {value})"
        )


def _check_arrays(
    function: str, query: Array, key: Array, value: Array, attn_mask: Array | None, enable_gqa: bool
) -> Shapes:
    shapes = _shapes(function, query, key, value, enable_gqa)
    require_same_dtype(function, query=query, key=key, value=value)
    _require_floats(function, query)
    _check_mask(function, attn_mask, query, shapes.weights)
    return shapes


def _refuse_if_too_large(function: str, query: Array, shapes: Shapes, copies: int) -> None:
    """`copies` of the weights are held at a time, beside the arguments and the output."""
    elements, itemsize = count(shapes.output), query.dtype.itemsize
    if not is_tensor(query):  # torch has kernels that never hold more than a piece of the weights
        elements += sum(map(count, shapes[:3])) + copies * count(shapes.output[:-2] + shapes.weights[-2:])
        itemsize = max(itemsize, 4)
    refuse_if_too_large(function, "the result and its scratch", elements, itemsize)


def attention_check(
    query: Array, key: Array, value: Array, attn_mask: Array | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, *, scale: float | None = None, enable_gqa: bool = False,
) -> None:  # fmt: skip
    name = "scaled_dot_product_attention"
    for argument, array in (("query", query), ("key", key), ("value", value)):
        require_array(name, argument, array)
    _check_options(name, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    shapes = _check_arrays(name, query, key, value, attn_mask, enable_gqa)
    _refuse_if_too_large(name, query, shapes, 6 if dropout_p else 2)


def attention_backward_check(
    grad_output: Array, query: Array, key: Array, value: Array, attn_mask: Array | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, *, scale: float | None = None, enable_gqa: bool = False,
) -> None:  # fmt: skip
    name = "scaled_dot_product_attention_backward"
    arrays = {"grad_output": grad_output, "query": query, "key": key, "value": value}
    for argument, array in arrays.items():
        require_array(name, argument, array)
    _check_options(name, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    shapes = _check_arrays(name, query, key, value, attn_mask, enable_gqa)
    require_same_dtype(name, query=query, grad_output=grad_output)
    if tuple(grad_output.shape) != shapes.output:
        raise ValueError(
            f"{name}: grad_output is {tuple(grad_output.shape)} but the output is {shapes.output} "
            f"(query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)})"
        )
    _refuse_if_too_large(name, query, shapes, 8 if dropout_p else 5)


# --- multi_head_attention -----------------------------------------------------------------------------------


def _head_shapes(function: str, query: Array, key: Array, value: Array, num_heads: int) -> Shapes:
    """The shapes of the arguments and of the weights, (N, heads, L, S)."""
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    if len(q) not in (2, 3):
        raise ValueError(f"{function}: query must be (N, L, E) or (L, E), got {q}")
    for name, shape in (("key", k), ("value", v)):
        if len(shape) != len(q) or shape[:-2] != q[:-2] or shape[-1] != q[-1]:
            raise ValueError(
                f"{function}: {name} must be as the query but for the number of tokens, got query {q}, "
                f"{name} {shape}"
            )
    _same_tokens(function, k, v)
    if q[-1] == 0 or q[-1] % num_heads:
        raise ValueError(f"{function}: {q[-1]} features cannot be split into {num_heads} heads (query {q})")
    return Shapes(q, k, v, (*q[:-2], num_heads, q[-2], k[-2]), q)


def _check_heads(
    function: str, query: Array, key: Array, value: Array, num_heads: int, in_proj_weight: Array,
    in_proj_bias: Array | None, out_proj_weight: Array, out_proj_bias: Array | None,
    attn_mask: Array | None, is_causal: bool,
) -> Shapes:  # fmt: skip
    arrays = {
        "query": query, "key": key, "value": value, "in_proj_weight": in_proj_weight,
        "in_proj_bias": in_proj_bias, "out_proj_weight": out_proj_weight, "out_proj_bias": out_proj_bias,
    }  # fmt: skip
    optional = ("in_proj_bias", "out_proj_bias")
    for name, array in arrays.items():
        if not (array is None and name in optional):
            require_array(function, name, array)
    _check_hiding(function, attn_mask, is_causal)
    heads = as_integer(num_heads, "num_heads", function)
    shapes = _head_shapes(function, query, key, value, heads)
    features = shapes.query[-1]
    for name, rows in (("in_proj", 3 * features), ("out_proj", features)):
        for part, expected in (("weight", (rows, features)), ("bias", (rows,))):
            array = arrays[f"{name}_{part}"]
            if array is not None and tuple(array.shape) != expected:
                raise ValueError(
                    f"{function}: {name}_{part} must be {expected} for {features} features, got "
                    f"{tuple(array.shape)}"
                )
    if not autocasts(*arrays.values()):
        require_same_dtype(function, **arrays)
    _require_floats(function, query)
    _check_mask(function, attn_mask, query, shapes.weights)
    return shapes


def _refuse_if_too_many_heads(function: str, query: Array, shapes: Shapes, copies: int) -> None:
    """`copies` of the weights and of what is projected are held at a time, beside the output."""
    elements = count(shapes.output) + copies * (count(shapes.weights) + sum(map(count, shapes[:3])))
    itemsize = query.dtype.itemsize if is_tensor(query) else max(query.dtype.itemsize, 4)
    refuse_if_too_large(function, "the result and its scratch", elements, itemsize)


def multi_head_check(
    query: Array, key: Array, value: Array, num_heads: int, in_proj_weight: Array,
    in_proj_bias: Array | None, out_proj_weight: Array, out_proj_bias: Array | None, *,
    attn_mask: Array | None = None, is_causal: bool = False, need_weights: bool = False,
) -> None:  # fmt: skip
    name = "multi_head_attention"
    require_flag(name, "need_weights", need_weights)
    shapes = _check_heads(
        name, query, key, value, num_heads, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias,
        attn_mask, is_causal,
    )  # fmt: skip
    in_pieces = is_tensor(query) and not need_weights  # as torch's fused kernels hold them
    _refuse_if_too_many_heads(name, query, shapes, 0 if in_pieces else 2)


def multi_head_backward_check(
    grad_output: Array, query: Array, key: Array, value: Array, num_heads: int, in_proj_weight: Array,
    in_proj_bias: Array | None, out_proj_weight: Array, out_proj_bias: Array | None, *,
    attn_mask: Array | None = None, is_causal: bool = False,
) -> None:  # fmt: skip
    name = "multi_head_attention_backward"
    require_array(name, "grad_output", grad_output)
    shapes = _check_heads(
        name, query, key, value, num_heads, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias,
        attn_mask, is_causal,
    )  # fmt: skip
    if not autocasts(query, grad_output):
        require_same_dtype(name, query=query, grad_output=grad_output)
    if tuple(grad_output.shape) != shapes.output:
        raise ValueError(
            f"{name}: grad_output is {tuple(grad_output.shape)} but the output is {shapes.output}"
        )
    _refuse_if_too_many_heads(name, query, shapes, 5)
