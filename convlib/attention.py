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

`multi_head_attention` is the layer that transformers put around it: features are mixed and split among heads,
each of which has weights of its own, and what the heads bring back is joined and mixed once more.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlib._attention_checks import (
    attention_backward_check,
    attention_check,
    multi_head_backward_check,
    multi_head_check,
)
from convlib._dispatch import Array, dispatch, wide

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


@dispatch(attention_check)
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


@dispatch(attention_backward_check)
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


# --- the layer around it ------------------------------------------------------------------------------------


def _project(tokens: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any] | None) -> NDArray[Any]:
    """One matrix for every token: (..., L, E) @ (E, E_out)."""
    projected: NDArray[Any] = wide(tokens) @ wide(weight).T
    return projected if bias is None else projected + wide(bias)


def _project_backward(
    grad: NDArray[Any], tokens: NDArray[Any], weight: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The gradients of tokens, weight and bias; the last two collect from every token of every image."""
    grads, rows = (array.reshape(-1, array.shape[-1]) for array in (grad, wide(tokens)))
    return grad @ wide(weight), grads.T @ rows, grads.sum(axis=0)


def _split_heads(tokens: NDArray[Any], num_heads: int) -> NDArray[Any]:
    *leading, features = tokens.shape
    heads = tokens.reshape(*leading, num_heads, features // num_heads)
    return heads.swapaxes(-3, -2)  # (..., L, heads, d) -> (..., heads, L, d)


def _join_heads(heads: NDArray[Any]) -> NDArray[Any]:
    tokens = heads.swapaxes(-3, -2)  # (..., heads, L, d) -> (..., L, heads, d)
    *leading, num_heads, features = tokens.shape
    return tokens.reshape(*leading, num_heads * features)


def _heads(
    query: NDArray[Any], key: NDArray[Any], value: NDArray[Any], num_heads: int,
    in_proj_weight: NDArray[Any], in_proj_bias: NDArray[Any] | None,
) -> list[NDArray[Any]]:  # fmt: skip
    """Query, key and value, multiplied by their matrices: each (..., heads, tokens, d)."""
    weights = np.split(in_proj_weight, 3)
    biases = [None] * 3 if in_proj_bias is None else np.split(in_proj_bias, 3)
    three = zip((query, key, value), weights, biases, strict=True)
    return [_split_heads(_project(tokens, weight, bias), num_heads) for tokens, weight, bias in three]


@dispatch(multi_head_check)
def multi_head_attention(
    query: Array,
    key: Array,
    value: Array,
    num_heads: int,
    in_proj_weight: Array,
    in_proj_bias: Array | None,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    *,
    attn_mask: Array | None = None,
    is_causal: bool = False,
    need_weights: bool = False,
) -> Array:
    r"""Attention with several heads: each looks with its own eyes, at E / heads features of its own.

    Query, key and value are multiplied by a matrix each, and what comes out is cut along the features into
    heads. Every head attends as in `scaled_dot_product_attention`. Their answers are put side by side again
    and multiplied by one more matrix:

    .. math:: [q_1 \dots q_H] = \text{query} \; W_q^T + b_q, \quad \text{and so for key and value}

    .. math:: \text{head}_h = \operatorname{softmax} \Big( \tfrac{1}{\sqrt{E / H}} \; q_h \; k_h^T + m \Big)
        \; v_h, \qquad y = [\text{head}_1 \dots \text{head}_H] \; W_o^T + b_o

    Parameters
    ----------
    query : array (N, L, E) or (L, E)
        L tokens with E features each. For self-attention give the same array three times.
    key, value : array (N, S, E) or (S, E)
        One token for each place that is looked at.
    num_heads : int
        H; E is a multiple of it.
    in_proj_weight : array (3 E, E)
        The matrices of query, key and value, one below the other.
    in_proj_bias : array (3 E,) or None
    out_proj_weight : array (E, E)
    out_proj_bias : array (E,) or None
    attn_mask : array, optional
        Anything that broadcasts to the weights, (N, H, L, S) or (H, L, S). Of bool: **True where query i may
        look at key j**, as in `scaled_dot_product_attention`; ``torch.nn.MultiheadAttention`` means the
        opposite. Of float32 or the query's dtype: added to the scores.
    is_causal : bool
        Query i looks at the keys 0 ... i alone.
    need_weights : bool
        Return the weights, too.

    Returns
    -------
    array (N, L, E) or (L, E), or a tuple of it and the weights, (N, H, L, S) or (H, L, S)
        The dtype of the query. Half precision is accumulated in single precision. A query that may look at
        no key has no weights but zeros.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, features that the heads do not divide, `attn_mask` together with
        `is_causal`, or a result above 2^36 bytes (for arrays: with the weights).
    TypeError
        Mixed dtypes, whole or complex numbers, a mask of another dtype, an option that is not of its type, or
        NumPy arrays together with torch tensors.

    See Also
    --------
    multi_head_attention_backward : its gradients.
    torch.nn.MultiheadAttention : the same with ``batch_first=True`` and ``average_attn_weights=False``. It
    calls the last two ``out_proj.weight`` and ``out_proj.bias``. Chapter 14; Vaswani et al. (2017).

    Examples
    --------
    Two heads of one feature. The first compares 1 with log 3 and log 1, the second 1 with 0 and 0:

    >>> query, key = np.array([[1., 1.]]), np.log([[3., 1.], [1., 1.]])
    >>> value = np.array([[10., 10.], [20., 20.]])
    >>> unchanged = np.eye(2)
    >>> in_proj = np.concatenate([unchanged, unchanged, unchanged])
    >>> output, weights = multi_head_attention(
    ...     query, key, value, 2, in_proj, None, unchanged, None, need_weights=True
    ... )
    >>> output.round(6)
    array([[12.5, 15. ]])
    >>> weights.round(6).tolist()
    [[[0.75, 0.25]], [[0.5, 0.5]]]
    """
    q, k, v = _heads(query, key, value, num_heads, in_proj_weight, in_proj_bias)
    q, k, v, query_factor, key_factor = _operands(q, k, v, None, False)
    weights = _weights((q * query_factor) @ (k * key_factor).swapaxes(-1, -2), attn_mask, is_causal)
    output = _project(_join_heads(weights @ v), out_proj_weight, out_proj_bias)
    output = output.astype(query.dtype, order="C", copy=False)
    return (output, weights.astype(query.dtype, copy=False)) if need_weights else output


class MultiHeadGradients(NamedTuple):
    """Under the names of the arguments of `multi_head_attention`; None for a bias that is None."""

    query: Array
    key: Array
    value: Array
    in_proj_weight: Array
    in_proj_bias: Array | None
    out_proj_weight: Array
    out_proj_bias: Array | None


@dispatch(multi_head_backward_check)
def multi_head_attention_backward(
    grad_output: Array,
    query: Array,
    key: Array,
    value: Array,
    num_heads: int,
    in_proj_weight: Array,
    in_proj_bias: Array | None,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    *,
    attn_mask: Array | None = None,
    is_causal: bool = False,
) -> MultiHeadGradients:
    r"""Gradients of `multi_head_attention`: the same steps from back to front.

    A matrix that every token is multiplied by collects from every token: with ``y = x @ W.T + b``,

    .. math:: \frac{\partial L}{\partial x} = g \, W, \qquad \frac{\partial L}{\partial W} = \sum g^T x,
        \qquad \frac{\partial L}{\partial b} = \sum g

    where the sums run over all tokens of all images. Between the matrices it is
    `scaled_dot_product_attention_backward`, head by head.

    Parameters
    ----------
    grad_output : array (N, L, E) or (L, E)
        Gradient of the loss with respect to the output, of the output's shape.
    query, key, value, num_heads, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias
        As they were for `multi_head_attention`.
    attn_mask, is_causal
        As they were for it, too. The mask is taken as given: it gets no gradient here.

    Returns
    -------
    MultiHeadGradients
        A named tuple with the gradients of the three inputs and the four parameters, each of the shape of
        what it belongs to. What was given three times, as in self-attention, has the sum of the first three.

    Raises
    ------
    ValueError, TypeError
        As `multi_head_attention`; also where `grad_output` has not the output's shape or dtype.

    See Also
    --------
    torch reaches the same numbers through autograd. Chapter 14.

    Examples
    --------
    >>> query, key = np.array([[1., 1.]]), np.log([[3., 1.], [1., 1.]])  # weights 3/4, 1/4 and 1/2, 1/2
    >>> value, unchanged = np.array([[10., 10.], [20., 20.]]), np.eye(2)
    >>> in_proj = np.concatenate([unchanged, unchanged, unchanged])
    >>> gradients = multi_head_attention_backward(
    ...     np.array([[1., 100.]]), query, key, value, 2, in_proj, None, unchanged, None
    ... )
    >>> gradients.value.round(6)
    array([[ 0.75, 50.  ],
           [ 0.25, 50.  ]])
    >>> gradients.out_proj_weight.round(6)  # 1 and 100 times the answers, 12.5 and 15
    array([[  12.5,   15. ],
           [1250. , 1500. ]])
    """
    q, k, v = _heads(query, key, value, num_heads, in_proj_weight, in_proj_bias)
    mask = None if attn_mask is None else wide(attn_mask)
    joined = _join_heads(scaled_dot_product_attention(q, k, v, mask, is_causal=is_causal))
    grad_joined, *grad_out = _project_backward(wide(grad_output), joined, out_proj_weight)
    grad_q, grad_k, grad_v, *_ = scaled_dot_product_attention_backward(
        _split_heads(grad_joined, num_heads), q, k, v, mask, is_causal=is_causal
    )
    three = zip((grad_q, grad_k, grad_v), (query, key, value), np.split(in_proj_weight, 3), strict=True)
    by_place = [_project_backward(_join_heads(grad), tokens, weight) for grad, tokens, weight in three]
    grad_tokens, grad_weights, grad_biases = zip(*by_place, strict=True)
    gradients = [*grad_tokens, np.concatenate(grad_weights), np.concatenate(grad_biases), *grad_out]
    there = (query, key, value, in_proj_weight, in_proj_bias, out_proj_weight, out_proj_bias)
    return MultiHeadGradients(
        *(
            None if of is None else gradient.astype(of.dtype, order="C", copy=False)
            for of, gradient in zip(there, gradients, strict=True)
        )
    )
