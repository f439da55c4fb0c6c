"""Operations that look at many units at once: norms, reductions, matrix products, attention."""

from __future__ import annotations

from collections.abc import Sequence

from convlib.receptive_field.meeting import union
from convlib.receptive_field.operators import Call, everything, operator, pointwise
from convlib.receptive_field.value import Value


@operator(
    "batch_norm",
    "native_batch_norm",
    "cudnn_batch_norm",
    "_native_batch_norm_legit",
    "_batch_norm_impl_index",
    "_batch_norm_with_update",
    "instance_norm",
)
def norm_of_channels(call: Call) -> Value:
    """With the statistics of the image each unit sees the whole map; with stored ones, only itself."""
    value = call.first
    for name in ("weight", "bias", "running_mean", "running_var"):
        call.get(name)
    if not call.get("use_input_stats", "training", "train", default=True):
        return value
    words = "instance norm" if call.name == "instance_norm" else "batch norm in training mode"
    return value.mixed(range(2, len(value.shape)), f"{words}, {call.where}")


@operator("_native_batch_norm_legit_no_training", "_batch_norm_no_update")
def norm_by_stored_numbers(call: Call) -> Value:
    """An affine map of each channel."""
    return pointwise(call)


@operator("group_norm", "native_group_norm")
def norm_of_groups(call: Call) -> Value:
    """The channels of a group, over the whole map."""
    value, groups = call.first, call.get("num_groups", "group")
    reason = f"group norm, {call.where}"
    mixed = value.mixed(range(2, len(value.shape)), reason)
    return mixed.mixed_in_groups(1, groups, value.shape[1])


@operator("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm")
def norm_of_layers(call: Call) -> Value:
    """The last dimensions together."""
    value, count = call.first, len(call["normalized_shape"])
    dims = range(len(value.shape) - count, len(value.shape))
    return value.mixed(dims, f"{call.name.replace('_', ' ')}, {call.where}")


REDUCTIONS = """
    mean sum amax amin max min argmax argmin prod var std var_mean std_mean logsumexp norm nansum nanmean
    any all median nanmedian aminmax mode count_nonzero
    linalg_vector_norm frobenius_norm nuclear_norm"""


@operator(*REDUCTIONS.split())
def reduction(call: Call) -> Value:
    """All units along some dimensions become one."""
    value = call.first
    if "other" in call:  # the larger of two tensors
        return pointwise(call)
    dims = value.dims(call.get("dim", "dims"))
    words = f"{call.name.removeprefix('linalg_').replace('_', ' ')} over the map, {call.where}"
    result = value.mixed(dims, words, [1] * len(dims))
    return result.reshaped(call.shape)


@operator("softmax", "_softmax", "log_softmax", "_log_softmax", "_safe_softmax")
@operator("sort", "argsort", "topk", "kthvalue")
def along(call: Call) -> Value:
    """Each unit sees all along one dimension, which may become shorter."""
    value = call.first
    dim = value.dims(call.get("dim", default=-1))[0]
    result = value.mixed([dim], f"{call.name.strip('_').replace('_', ' ')}, {call.where}")
    sizes = call.shape
    if len(sizes) == len(value.shape):
        return result.mixed([dim], "", [sizes[dim]]) if sizes != value.shape else result
    return result.mixed([dim], "", [1]).reshaped(sizes)


@operator("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
def running(call: Call) -> Value:
    """Each unit sees those before it."""
    return call.first.accumulated(call.first.dims(call["dim"])[0])


@operator("_fft_r2c", "_fft_c2c", "_fft_c2r")
def fourier(call: Call) -> Value:
    """Each frequency sees all pixels, and each pixel all frequencies."""
    value, dims = call.first, call.first.dims(call["dim"])
    return value.mixed(dims, f"a Fourier transform, {call.where}", [call.shape[dim] for dim in dims])


def contracted(parts: Sequence[tuple[Value, str]], letters: str, shape: Sequence[int], reason: str) -> Value:
    """A product in einsum's notation: what is summed is seen whole, what is kept stays in its place."""
    placed = []
    for value, names in parts:
        if not value.reaches:
            continue
        summed = [dim for dim, name in enumerate(names) if name not in letters]
        value = value.mixed(summed, reason, [1] * len(summed))
        order = [names.index(name) for name in letters if name in names]
        value = value.permuted(order + summed)
        sizes = [value.shape[order.index(names.index(n))] if n in names else 1 for n in letters]
        value = value.reshaped(sizes)
        for dim, name in enumerate(letters):  # an axis that this factor lacks: equal for all
            if name not in names and shape[dim] > 1:
                value = value.mixed([dim], reason, [shape[dim]])
        placed.append(value)
    return union(placed, shape)


@operator("einsum")
def einsum(call: Call) -> Value:
    """Any product of tensors that names its axes; without an arrow, or with dots, all of it."""
    equation, values = call["equation"].replace(" ", ""), call["tensors"]
    inputs, arrow, output = equation.partition("->")
    if not arrow or "." in equation or any(len(set(names)) < len(names) for names in inputs.split(",")):
        return everything([one for one in values if one.reaches], call.shape, f"einsum, {call.where}")
    parts = list(zip(values, inputs.split(","), strict=True))
    return contracted(parts, output, call.shape, f"einsum, {call.where}")


BATCH = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@operator("matmul", "mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addbmm", "linear", "addmv")
def matrix_product(call: Call) -> Value:
    """Rows of the first by columns of the second; what is added is pointwise."""
    left = call.get("mat1", "batch1", "mat", "input", "self")
    right = call.get("mat2", "batch2", "other", "vec", "weight", "tensor")
    result = product(left, right, call.shape, f"matrix product, {call.where}", call.name == "linear")
    added = (
        call.get("bias", "self")
        if call.name.startswith("add") or call.name in ("linear", "baddbmm")
        else None
    )
    return union([result, added], call.shape) if isinstance(added, Value) and added.reaches else result


def product(left: Value, right: Value, shape: Sequence[int], reason: str, transpose: bool = False) -> Value:
    """As `torch.matmul`, with the second transposed where asked."""
    row = "i" if len(left.shape) > 1 else ""
    column = "j" if len(right.shape) > 1 else ""
    batch = BATCH[: len(shape) - len(row + column)]
    first = batch[len(batch) - max(0, len(left.shape) - 2) :] if len(left.shape) > 2 else ""
    second = batch[len(batch) - max(0, len(right.shape) - 2) :] if len(right.shape) > 2 else ""
    if len(right.shape) > 1:
        second += "jk" if transpose else "kj"
    else:
        second += "k"
    return contracted([(left, first + row + "k"), (right, second)], batch + row + column, shape, reason)


@operator("scaled_dot_product_attention")
@operator(*(f"_scaled_dot_product_{kind}" for kind in ("flash_attention_for_cpu", "flash_attention")))
@operator(
    *(f"_scaled_dot_product_{kind}" for kind in ("efficient_attention", "cudnn_attention", "attention_math"))
)
def attention(call: Call) -> Value:
    """A query sees all keys and all values, or those before it where the mask is causal."""
    query, key, value = call["query"], call["key"], call["value"]
    shape = call.shape
    reason = f"attention, {call.where}"
    last, units = len(shape) - 1, len(shape) - 2
    parts: list[Value] = []
    for role, one in (("query", query), ("key", key), ("value", value)):
        if not one.reaches:
            continue
        if role != "value":
            one = one.mixed([last], reason, [shape[last]])
        if role != "query":
            one = _spread(one, units, shape[units], bool(call.get("is_causal", default=False)), reason)
        parts.append(_heads(one, shape, reason))
    mask = call.get("attn_mask", "attn_bias")
    if isinstance(mask, Value) and mask.reaches:
        parts.append(everything([mask], shape, reason))
    call.get("dropout_p")
    return union(parts, shape)


def _spread(value: Value, dim: int, size: int, causal: bool, reason: str) -> Value:
    if causal and value.shape[dim] == size:
        return value.accumulated(dim)
    return value.mixed([dim], reason, [size])


def _heads(value: Value, shape: Sequence[int], reason: str) -> Value:
    """Grouped queries share keys: their heads are seen together."""
    for dim in range(len(shape) - 2):
        if value.shape[dim] != shape[dim]:
            value = value.mixed([dim], reason, [shape[dim]])
    return value


@operator("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def sampled(call: Call) -> Value:
    """Places that are computed may lie anywhere."""
    call.used |= call.given.keys()
    return everything(call.tensors(), call.shape, f"grid sampling, {call.where}")
