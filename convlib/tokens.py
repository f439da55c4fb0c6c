"""Attention: every token looks at all the others and takes a weighted mean of what they hold.

A convolution mixes fixed neighbours with fixed weights. Attention compares each query with every key, and
makes its weights of that, anew for each image:

    weights  =  softmax(query  @  key^T  *  scale)    a row for each query, which sums to 1
    output   =  weights  @  value

On the way back the two products are turned over. Between them lies the softmax, where the weights of a row
compete: a weight is wanted larger only as far as it is wanted more than the others are, on average.

    grad_value    =  weights^T  @  grad
    wanted        =  grad  @  value^T
    grad_scores   =  weights  *  (wanted  -  sum(weights * wanted))     the sum over each row
    grad_query    =  grad_scores    @  key    *  scale
    grad_key      =  grad_scores^T  @  query  *  scale
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, require_flag, shown
from convlib._dispatch import Array, dispatch, dtype_name, is_tensor, require_array, require_same_dtype, wide
from convlib.shapes import count, refuse_if_too_large

AXES = {"query": "(..., L, E)", "key": "(..., S, E)", "value": "(..., S, Ev)"}

# --- the checks ---------------------------------------------------------------------------------------------


class Shapes(NamedTuple):
    query: tuple[int, ...]
    key: tuple[int, ...]  # with as many heads as the query, as is the value
    value: tuple[int, ...]
    weights: tuple[int, ...]
    output: tuple[int, ...]


def _broadcast(*shapes: Sequence[int]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*map(tuple, shapes))
    except ValueError:
        return None


def _check_options(
    function: str, attn_mask: Array | None, dropout_p: float, is_causal: bool, scale: float | None,
    enable_gqa: bool,
) -> None:  # fmt: skip
    if attn_mask is not None:
        require_array(function, "attn_mask", attn_mask)
    if not isinstance(dropout_p, Real):
        raise TypeError(f"{function}: dropout_p must be a number, got {shown(dropout_p)}")
    if not 0 <= as_real(function, "dropout_p", dropout_p) <= 1:
        raise ValueError(f"{function}: dropout_p must lie between 0 and 1, got {shown(dropout_p)}")
    require_flag(function, "is_causal", is_causal)
    require_flag(function, "enable_gqa", enable_gqa)
    if attn_mask is not None and is_causal:
        raise ValueError(f"{function}: give either attn_mask or is_causal=True, not both")
    if not (scale is None or isinstance(scale, Real)):
        raise TypeError(f"{function}: scale must be a number or None, got {shown(scale)}")
    if scale is not None and sys.float_info.max < abs(as_real(function, "scale", scale)) < math.inf:
        raise ValueError(f"{function}: scale must fit into a float, got {shown(scale)}")


def _repeat_heads(
    function: str, query: tuple[int, ...], name: str, shape: tuple[int, ...]
) -> tuple[int, ...]:
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
    if k[-2] != v[-2]:
        raise ValueError(f"{function}: key has {k[-2]} tokens but value has {v[-2]} (key {k}, value {v})")
    if enable_gqa:
        k, v = _repeat_heads(function, q, "key", k), _repeat_heads(function, q, "value", v)
    compared = _broadcast(q[:-2], k[:-2])
    leading = None if compared is None else _broadcast(compared, v[:-2])
    if compared is None or leading is None:
        raise ValueError(
            f"{function}: the axes before the last two do not broadcast (query {q}, key {k}, value {v})"
        )
    return Shapes(q, k, v, (*compared, q[-2], k[-2]), (*leading, q[-2], v[-1]))


def _check_arrays(
    function: str, query: Array, key: Array, value: Array, attn_mask: Array | None, enable_gqa: bool
) -> Shapes:
    shapes = _shapes(function, query, key, value, enable_gqa)
    require_same_dtype(function, query=query, key=key, value=value)
    dtype = dtype_name(query)
    if not (query.is_floating_point() if is_tensor(query) else dtype in ("float16", "float32", "float64")):
        raise TypeError(f"{function}: torch offers it for floating-point numbers alone, got {dtype}")
    if attn_mask is not None:
        if dtype_name(attn_mask) not in ("bool", "float32", dtype):
            allowed = " or ".join(dict.fromkeys(("bool", "float32", dtype)))
            raise TypeError(f"{function}: attn_mask must be {allowed}, got {dtype_name(attn_mask)}")
        if _broadcast(attn_mask.shape, shapes.weights) != shapes.weights:
            raise ValueError(
                f"{function}: attn_mask {tuple(attn_mask.shape)} does not broadcast to the weights "
                f"{shapes.weights}"
            )
    return shapes


def _refuse_if_too_large(function: str, query: Array, shapes: Shapes, copies: int) -> None:
    """`copies` of the weights are held at a time, beside the arguments and the output."""
    elements, itemsize = count(shapes.output), query.dtype.itemsize
    if not is_tensor(query):  # torch has kernels that never hold more than a piece of the weights
        elements += sum(map(count, shapes[:3])) + copies * count(shapes.output[:-2] + shapes.weights[-2:])
        itemsize = max(itemsize, 4)
    refuse_if_too_large(function, "the result and its scratch", elements, itemsize)


def _check_forward(
    query: Array, key: Array, value: Array, attn_mask: Array | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, *, scale: float | None = None, enable_gqa: bool = False,
) -> None:  # fmt: skip
    name = "scaled_dot_product_attention"
    for argument, array in (("query", query), ("key", key), ("value", value)):
        require_array(name, argument, array)
    _check_options(name, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    shapes = _check_arrays(name, query, key, value, attn_mask, enable_gqa)
    _refuse_if_too_large(name, query, shapes, 6 if dropout_p else 2)


def _check_backward(
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


# --- the operation ------------------------------------------------------------------------------------------


def _repeated(array: NDArray[Any], heads: int) -> NDArray[Any]:
    return array if array.shape[-3] == heads else np.repeat(array, heads // array.shape[-3], axis=-3)


def _operands(
    query: Array, key: Array, value: Array, scale: float | None, enable_gqa: bool
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], float, float]:
    """The three as they meet, and the factors of query and key, whose product is the scale."""
    if enable_gqa:
        key, value = (_repeated(array, query.shape[-3]) for array in (key, value))
    if scale is None:
        scale = 1 / math.sqrt(max(query.shape[-1], 1))
    scale = float(scale)
    half = math.sqrt(abs(scale))  # on either side, so that large numbers overflow where they do in torch
    return wide(query), wide(key), wide(value), math.copysign(half, scale), half


def _weights(scores: NDArray[Any], attn_mask: Array | None, is_causal: bool) -> NDArray[Any]:
    """The softmax of each row, in the place of the scores."""
    if is_causal:
        attn_mask = np.tri(*scores.shape[-2:], dtype=bool)
    if attn_mask is not None:
        if attn_mask.dtype == bool:  # added, too, so that NaN and infinity flow as in torch
            attn_mask = np.where(attn_mask, scores.dtype.type(0), scores.dtype.type(-np.inf))
        scores += attn_mask
    largest = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    nothing = largest == -np.inf  # a query that may look at no key
    scores -= np.where(nothing, 0, largest)  # now no exponential is above 1
    weights: NDArray[Any] = np.exp(scores, out=scores)
    weights /= np.where(nothing, 1, weights.sum(axis=-1, keepdims=True))
    return weights


def _dropout_factors(weights: NDArray[Any], dropout_p: float) -> NDArray[Any]:
    """0 for a weight that is dropped; the others grow, so that on average nothing changes."""
    kept = np.random.random(weights.shape) >= dropout_p
    factors: NDArray[Any] = kept * weights.dtype.type(1 / (1 - dropout_p) if dropout_p < 1 else 0)
    return factors


@dispatch(_check_forward)
def scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Array:
    r"""Answer each query with a mean of the values, weighted by how well the query fits their keys.

    The fit is the dot product of query and key, times a scale. Softmax makes of it weights that are positive
    and sum to 1 for each query:

    .. math:: y_i = \sum_j a_{i,j} \; v_j, \qquad a_{i,j} = \frac{\exp z_{i,j}}{\sum_t \exp z_{i,t}}, \qquad
        z_{i,j} = \text{scale} \cdot \sum_e q_{i,e} \; k_{j,e} + m_{i,j}

    where m is the mask, and 0 without one.

    Parameters
    ----------
    query : array (..., L, E)
        L tokens with E features each. What the axes before them count, images and heads for instance, is
        computed side by side; there may be none, and they are broadcast against those of `key` and `value`.
    key : array (..., S, E)
    value : array (..., S, Ev)
        One token for each key.
    attn_mask : array, optional
        Anything that broadcasts to the weights, (..., L, S). Of bool: True where query i may look at key j.
        Of float32 or the query's dtype: added to the scores.
    dropout_p : float
        Each weight is set to 0 with this probability, and the others are multiplied by 1 / (1 - dropout_p).
        This happens in every call: give 0 where nothing is trained. For arrays NumPy's global generator is
        asked, which ``np.random.seed`` sets back, and for tensors torch's, with ``torch.manual_seed``; the
        two drop different weights.
    is_causal : bool
        Query i looks at the keys 0 ... i alone, also where there are more or fewer keys than queries.
    scale : float, optional
        None is 1 / sqrt(E): the dot product of two vectors of E independent numbers with variance 1 has
        variance E, and with it the scores have variance 1.
    enable_gqa : bool
        Grouped queries. Before tokens and features stands the axis of the heads; key and value may have
        fewer of them than the query, and neighbouring query heads share one. The numbers must divide.

    Returns
    -------
    array (..., L, Ev)
        The dtype of the query. Half precision is accumulated in single precision. A query that may look at
        no key gets zeros.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, `attn_mask` together with `is_causal`, a `dropout_p` outside 0 to
        1, or a result above 2^36 bytes (for arrays: with the weights).
    TypeError
        Mixed dtypes, whole or complex numbers, a mask of another dtype, an option that is not of its type, or
        NumPy arrays together with torch tensors.

    See Also
    --------
    scaled_dot_product_attention_backward : its gradients.
    torch.nn.functional.scaled_dot_product_attention : the same function. Chapter 14; Vaswani et al. (2017).

    Notes
    -----
    A masked key gets the weight 0 and is not left out: a NaN in its value still comes through, since 0 times
    NaN is NaN, and so does a NaN in the key. In a few cases torch 2.13 answers in two ways, and NumPy arrays
    get the one that fits the formula: for tensors of four axes, the CPU's fused kernel gives zeros to a query
    whose scores are all NaN, and does not look at every key that `is_causal` hides.

    Examples
    --------
    >>> query, key = np.array([[1.]]), np.log([[3.], [1.]])  # so the scores are log 3 and log 1 ...
    >>> value = np.array([[10., 0.], [20., 4.]])
    >>> scaled_dot_product_attention(query, key, value).round(6)  # ... and the weights 3/4 and 1/4
    array([[12.5,  1. ]])
    >>> scaled_dot_product_attention(query, key, value, is_causal=True)  # query 0 sees key 0
    array([[10.,  0.]])
    >>> mask = np.log([[1., 9.]])
    >>> scaled_dot_product_attention(query, key, value, mask).round(6)  # 3 : 1 has become 3 : 9
    array([[17.5,  3. ]])
    """
    q, k, v, query_factor, key_factor = _operands(query, key, value, scale, enable_gqa)
    scores = (q * query_factor) @ (k * key_factor).swapaxes(-1, -2)
    weights = _weights(scores, attn_mask, is_causal)
    if dropout_p:
        weights *= _dropout_factors(weights, dropout_p)
    return (weights @ v).astype(query.dtype, order="C", copy=False)


# --- its gradients ------------------------------------------------------------------------------------------


def _collected(gradient: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """What went into many places, by broadcasting or by sharing heads, collects from all of them."""
    if len(shape) > 2 and shape[-3] not in (1, gradient.shape[-3]):
        *leading, heads, tokens, features = gradient.shape
        gradient = gradient.reshape(*leading, shape[-3], heads // shape[-3], tokens, features).sum(axis=-3)
    before = gradient.ndim - len(shape)
    repeated = (before + axis for axis, size in enumerate(shape) if size == 1)
    # a sum over all axes is a number and no array any more
    return np.asarray(gradient.sum(axis=(*range(before), *repeated))).reshape(shape)


@dispatch(_check_backward)
def scaled_dot_product_attention_backward(
    grad_output: Array,
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Array, ...]:
    r"""Gradients of `scaled_dot_product_attention`: (grad_query, grad_key, grad_value), and grad_attn_mask
    where the mask holds numbers.

    With the weights a and the scores z of the forward pass, and g the gradient of the output:

    .. math:: \frac{\partial L}{\partial v_j} = \sum_i a_{i,j} \; g_i, \qquad \frac{\partial L}{\partial
        z_{i,j}} = a_{i,j} \Big( g_i \cdot v_j - \sum_t a_{i,t} \; g_i \cdot v_t \Big)

    .. math:: \frac{\partial L}{\partial q_i} = \text{scale} \cdot \sum_j \frac{\partial L}{\partial z_{i,j}}
        \; k_j, \qquad \frac{\partial L}{\partial k_j} = \text{scale} \cdot \sum_i \frac{\partial L}{\partial
        z_{i,j}} \; q_i

    The mask is added to the scores, so its gradient is theirs. Whatever was broadcast, or shared by several
    heads, gets the sum over all its places.

    Parameters
    ----------
    grad_output : array (..., L, Ev)
        Gradient of the loss with respect to the output, of the output's shape.
    query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa
        As they were for `scaled_dot_product_attention`. With a `dropout_p`, chance decides anew which weights
        are dropped: set the generator back to where it stood, and they are those of the forward pass.

    Returns
    -------
    tuple of three arrays
        With the shapes and dtypes of `query`, `key` and `value`; and a fourth, that of `attn_mask`, if there
        is one and it is not of bool.

    Raises
    ------
    ValueError, TypeError
        As `scaled_dot_product_attention`; also where `grad_output` has not the output's shape or dtype.

    See Also
    --------
    torch reaches the same numbers through autograd; of its fused kernels, those of the CPU have no second
    derivative (`torch.nn.attention.sdpa_kernel` chooses another). Chapter 14.

    Examples
    --------
    >>> query, key = np.array([[1.]]), np.log([[3.], [1.]])  # the weights are 3/4 and 1/4
    >>> value, mask, grad = np.array([[10.], [20.]]), np.zeros((1, 2)), np.array([[1.]])
    >>> *_, grad_value, grad_mask = scaled_dot_product_attention_backward(grad, query, key, value, mask)
    >>> grad_value.round(6)
    array([[0.75],
           [0.25]])
    >>> grad_mask.round(6)  # 3/4 * (10 - 12.5), 1/4 * (20 - 12.5)
    array([[-1.875,  1.875]])
    """
    q, k, v, query_factor, key_factor = _operands(query, key, value, scale, enable_gqa)
    q, k, grad = q * query_factor, k * key_factor, wide(grad_output)
    weights = _weights(q @ k.swapaxes(-1, -2), attn_mask, is_causal)
    wanted = grad @ v.swapaxes(-1, -2)
    used = weights
    if dropout_p:
        factors = _dropout_factors(weights, dropout_p)
        used, wanted = weights * factors, wanted * factors
    grad_scores = weights * (wanted - (weights * wanted).sum(axis=-1, keepdims=True))
    gradients = [
        (query, grad_scores @ k * query_factor),
        (key, grad_scores.swapaxes(-1, -2) @ q * key_factor),
        (value, used.swapaxes(-1, -2) @ grad),
    ]
    if attn_mask is not None and attn_mask.dtype != bool:
        gradients.append((attn_mask, grad_scores))
    return tuple(
        _collected(gradient, of.shape).astype(of.dtype, order="C", copy=False) for of, gradient in gradients
    )
