"""Calls for `test_fuzz.py`: arguments that fit each other, and what becomes of them when one is wrong."""

import collections
import fnmatch
import functools
import inspect
import itertools
import math
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import convlib
from convlib._checks import shown

Random = np.random.Generator

# What a caller's own function does with an argument that is wrong is not for us to say.
FUNCTIONS = [
    name
    for name in convlib.__all__
    if "operation" not in inspect.signature(getattr(convlib, name)).parameters
]

# --- arguments that are made late, once for NumPy and once for torch ----------------------------------------


@dataclass(frozen=True)
class Array:
    """What an array is to be; `form` says how it lies in memory, or what is odd about it."""

    shape: tuple[int, ...]
    dtype: str = "float64"
    form: str = "plain"
    special: float | None = None  # NaN or infinity at one place
    library: str | None = None  # only this one, whatever the rest of the call is made of
    low: int = -3
    plane: int = 0  # of so many last axes the places are counted through, as indices do

    def plain(self) -> np.ndarray:
        if math.prod(self.shape) > 2**16 or self.form == "one number":
            try:
                return np.broadcast_to(np.ones((), self.dtype), self.shape)
            except ValueError:  # not even a view can be so large
                return np.broadcast_to(np.ones((), self.dtype), (2**40, *(1,) * (len(self.shape) - 1)))
        places = self.shape[len(self.shape) - self.plane :]
        if self.plane and math.prod(places) <= 2**16:
            counted = np.arange(math.prod(places)).reshape(places)
            return np.broadcast_to(counted, self.shape).astype(self.dtype)
        random = np.random.default_rng(len(self.shape) + sum(self.shape))
        numbers = random.integers(self.low, 4, self.shape)  # whole: sums are exact in every number type
        array = np.asarray(numbers).astype(self.dtype)
        if self.special is not None and array.size and array.dtype.kind in "fc":
            array.flat[array.size // 2] = self.special
        return array

    def numpy(self) -> Any:
        array = self.plain()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # np.matrix is deprecated
            return NUMPY_FORMS.get(self.form, lambda a: a)(array)

    def torch(self) -> Any:
        array = self.plain()
        tensor = torch.from_numpy(np.ones((), array.dtype) if 0 in array.strides else array)
        tensor = tensor.expand(array.shape)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # quantized tensors are deprecated
                return TORCH_FORMS.get(self.form, lambda t: t)(tensor)
        except (RuntimeError, ValueError):  # not of this shape, or not in this number type
            return tensor

    def make(self, library: str) -> Any:
        return getattr(self, self.library or library)()


class Subclass(np.ndarray):
    """What many libraries give out."""


NUMPY_FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "column by column": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::-2][..., ::-1] if a.ndim else a,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape) if a.size else a,
    "subclass": lambda a: a.view(Subclass),
    "matrix": lambda a: np.matrix(a) if a.ndim == 2 else a,
    "masked": lambda a: np.ma.masked_array(a, mask=a > 0),
    "record": lambda a: a.view(np.recarray),
    "object": lambda a: a.astype(object),
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S3"),
    "dates": lambda a: a.real.astype("int64").astype("M8[s]"),
    "times": lambda a: a.real.astype("int64").astype("m8[s]"),
    "structured": lambda a: np.zeros(a.shape, [("a", "f4"), ("b", "i2")]),
    "void": lambda a: np.zeros(a.shape, "V4"),
    "longdouble": lambda a: a.real.astype("longdouble"),
    "clongdouble": lambda a: a.astype("clongdouble"),
}
TORCH_FORMS: dict[str, Callable[[torch.Tensor], Any]] = {
    "column by column": lambda t: t.mT.contiguous().mT if t.ndim > 1 else t,
    "strided": lambda t: t.repeat_interleave(2, -1)[..., ::2] if t.ndim else t,
    "gradient": lambda t: t.requires_grad_() if t.is_floating_point() or t.is_complex() else t,
    "parameter": lambda t: torch.nn.Parameter(t, requires_grad=t.is_floating_point()),
    "meta": lambda t: t.to("meta"),
    "sparse": lambda t: t.to_sparse(),
    "compressed": lambda t: t.to_sparse_csr() if t.ndim == 2 else t.to_sparse(),
    "mkldnn": lambda t: t.float().to_mkldnn(),
    "quantized": lambda t: torch.quantize_per_tensor(t.real.float(), 0.1, 0, torch.quint8),
    "nested": lambda t: torch.nested.nested_tensor([t]),
    "jagged": lambda t: torch.nested.nested_tensor([t.reshape(-1, 1)], layout=torch.jagged),
    "conjugated": lambda t: t.to(torch.complex64).conj(),
    "bfloat16": lambda t: t.to(torch.bfloat16),
    "float8": lambda t: t.real.float().to(torch.float8_e4m3fn),
    "negated": lambda t: t.to(torch.complex64).conj().imag,
}
SAME_IN_BOTH = {"plain", "one number", "column by column", "strided", "big-endian", "read-only", "subclass",
                "matrix", "record"}  # fmt: skip
DTYPES = ["float64", "float32", "float16", "int64", "int32", "uint8", "int8", "bool", "complex64",
          "complex128", "uint16", "uint64"]  # fmt: skip


@dataclass(frozen=True)
class Scalar:
    """A tensor or an array where a number is meant."""

    value: Any
    library: str

    def make(self, library: str) -> Any:
        return np.array(self.value) if self.library == "numpy" else torch.tensor(self.value)


class BadRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Index:
    def __index__(self) -> int:
        return 2


class BadIndex:
    def __index__(self) -> int:
        raise RuntimeError("no number")


def endless() -> list:
    loop: list = [1]
    loop.append(loop)
    return loop


INTEGERS = [
    -(10**30), -(2**63), -(2**40), -7, -1, 0, 1, 2, 3, 4, 7, 64, 255, 2**16, 2**20, 2**31 - 1, 2**31,
    2**32, 2**40, 2**61, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**400,
]  # fmt: skip
NUMBERS = [
    *INTEGERS, 10**5000, True, False, np.int64(2), np.int8(1), np.uint8(200), np.uint64(2**64 - 1),
    np.bool_(True), 0.0, -0.5, 0.5, 1.0, 1.5, 2.0, 1e-300, 1e300, math.nan, math.inf, -math.inf,
    np.float16(2), np.float32(1.5), np.float64(math.nan), np.longdouble(2), Fraction(3, 2), Fraction(10**400),
    Decimal(2), 1j, np.complex64(2),
]  # fmt: skip
THINGS = [
    # words
    None, "", "same", "valid", "full", "constant", "nearest", "area", "sum", "2", "\0", np.str_("same"),
    "x" * 5000,
    # sequences, and what looks like one
    (), [], (0, 0), (-1, 1), (1, 10**30), (1, None), (2, 2.0), (True, 1), ("1", "2"), (math.nan, 1), [1] * 3,
    (2,) * 40, [0] * 5000, [[1]], [1, [2]], endless(), [BadRepr()], torch.Size([2, 2]), range(1, 3), b"\1\2",
    bytearray(b"\1\1"), memoryview(b"\1\2"), collections.deque([1, 2]), itertools.count(), {}, {1: 2}, set(),
    frozenset({1}), slice(None), ...,
    # things
    object(), int, len, NotImplemented, Index, Index(), BadIndex(), BadRepr(), torch.float32, np.dtype("f4"),
    np.float32,
    # arrays
    *(Scalar(value, library) for value in (2, 1.5, True, [1, 2], []) for library in ("numpy", "torch")),
    Scalar("same", "numpy"), Array(()), Array((0,)), Array((1,) * 7), Array((2, 2)), Array((1, 1, 4, 4)),
    Array((2**40,)), Array((2**19,) * 3), Array((0, 2**40)), Array((1, 1, 2**30, 2**30)),
]  # fmt: skip


# --- sizes that fit each other ------------------------------------------------------------------------------


@dataclass
class World:
    """One convolution, pooling or resizing: all its arguments are made of the same sizes, and fit."""

    random: Random
    function: str
    dtype: str = "float64"
    lead: tuple[int, ...] = (1,)
    cache: dict[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()  # the optional arguments of this call

    def __post_init__(self) -> None:
        r = self.random
        digit = re.search(r"([123])d", self.function)
        self.n = int(digit[1]) if digit else int(r.integers(1, 4))
        if any(word in self.function for word in ("fold", "matrix", "c4", "patchify")):
            self.n = 2
        self.groups = int(r.choice([1, 1, 1, 2, 3]))
        self.channels = self.groups * int(r.integers(1, 3))
        self.out = self.groups * int(r.integers(1, 3))
        self.kernel = self.axes(1, 4)
        self.dilation = self.axes(1, 3, mostly=1)
        self.stride = self.axes(1, 4)
        self.extent = tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))
        self.padding = tuple(int(r.integers(0, k // 2 + 1)) for k in self.kernel)
        self.spatial = tuple(max(2, e) + int(r.integers(0, 4)) for e in self.extent)
        self.lead = self.pick([(1,), (2,), (0,), ()])
        self.dtype = self.pick(["float64", "float32"] if self.chance(0.6) else DTYPES)
        self.factor = self.pick([1, 2, 2, 3])

    def axes(self, low: int, high: int, mostly: int | None = None) -> tuple[int, ...]:
        if mostly is not None and self.random.random() < 0.6:
            return (mostly,) * self.n
        return tuple(int(i) for i in self.random.integers(low, high, self.n))

    def pick(self, values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def shared(self) -> int:
        """Heads of keys and values, which several heads of queries may share."""
        return self.groups if self.argument("enable_gqa") and "enable_gqa" in self.given else self.channels

    def array(self, *shape: int, **options: Any) -> Array:
        return Array(tuple(int(n) for n in shape), self.dtype, **options)

    def ints(self, values: tuple[int, ...]) -> Any:
        """In one of the forms in which a function takes them."""
        if len(set(values)) == 1 and self.chance(0.5):
            return values[0]
        return self.pick([tuple, list])(values)

    def sizes(self) -> Any:
        """A single number stands for a single axis here."""
        return self.pick([tuple, list] if self.n > 1 else [tuple, list, min])(self.spatial)

    def image(self, leads: Any = None) -> Array:
        lead = self.lead if leads is None else self.pick(leads)
        return self.array(*lead, self.channels, *self.spatial)

    def places(self, *spatial: int) -> Array:
        return Array((*self.lead, self.channels, *spatial), "int64", plane=len(spatial))

    def shape_of(self, function: str) -> tuple[int, ...]:
        """The answer's shape to the same arguments, from a function that comes before this one."""
        names = inspect.signature(getattr(convlib, function)).parameters
        needed = {name for name, p in names.items() if p.default is inspect.Parameter.empty}
        given = {name: self.argument(name, function) for name in names if name in needed | self.given}
        try:
            answer = getattr(convlib, function)(**materialize(given, "torch"))
            return tuple((answer[0] if isinstance(answer, tuple) else answer).shape)
        except Exception:  # nothing is said here about that function
            return (1, 1, *(2,) * self.n)

    def argument(self, name: str, function: str = "") -> Any:
        """The same name is the same thing in all the functions of one case."""
        if name not in self.cache:
            self.cache[name] = recipe(function or self.function, name)(self)
        return self.cache[name]


def weight(w: World) -> tuple[int, ...]:
    if "transpose" in w.function:
        return (w.channels, w.out // w.groups, *w.kernel)
    groups = 1 if w.function == "conv_matrix" else w.groups
    return (w.out, w.channels // groups, *w.kernel)


def before(function: str) -> str:
    """The operation whose gradient this is."""
    return re.sub(r"_(input|weight|backward)$", "", function)


def columns(w: World) -> Array:
    where = {"kernel_size": w.argument("kernel_size"), "dilation": w.argument("dilation"),
             "padding": w.argument("padding"), "stride": w.argument("stride")}  # fmt: skip
    try:
        shape = convlib.unfold(torch.zeros(*w.lead, w.channels, *w.spatial), **where).shape
    except (ValueError, TypeError):
        shape = (*w.lead, w.channels * math.prod(w.kernel), 4)
    return w.array(*shape)


def patch_stride(w: World) -> Any:
    """No larger than the patches, so that they leave no gaps."""
    return w.pick([None, w.ints(tuple(min(s, k) for s, k in zip(w.stride, w.kernel, strict=True)))])


def of_three_patches(w: World) -> tuple[int, ...]:
    """The size of an image that they cover, along each axis."""
    stride = w.argument("stride") if "stride" in w.given else None
    steps = w.kernel if stride is None else np.broadcast_to(stride, 2).tolist()
    return tuple(k + 2 * s for k, s in zip(w.kernel, steps, strict=True))


def resized(w: World) -> tuple[int, ...]:
    return tuple(max(1, n + int(w.random.integers(-3, 4))) for n in w.spatial)


def unpooled(w: World) -> tuple[int, ...]:
    """What the windows of a pooling span that leaves an image of this size."""
    kernel, stride, padding = w.argument("kernel_size"), w.argument("stride"), w.argument("padding")
    kernel, stride, padding = (tuple(np.broadcast_to(v, w.n).tolist()) for v in (kernel, stride, padding))
    sizes = zip(w.spatial, kernel, stride, padding, strict=True)
    return tuple((n - 1) * s + k - 2 * p for n, k, s, p in sizes)


def resize_mode(w: World) -> str:
    special = [["linear"], ["bilinear", "bicubic"], ["trilinear"]][w.n - 1]
    return w.pick(["nearest", "nearest-exact", "area", *special, *special])


def pad_amounts(w: World) -> Any:
    sides = int(w.random.integers(1, w.n + 1))
    return w.pick([tuple, list])([int(i) for i in w.random.integers(-1, 3, 2 * sides)])


def kept(name: str) -> Callable[[World], Any]:
    return lambda w: w.ints(getattr(w, name))


def flag(w: World) -> bool:
    return bool(w.chance(0.5))


def channels(w: World) -> int:
    return w.channels


# (function, parameter): what is right there; the first line that fits is taken.
RECIPES: dict[str, Callable[[World], Any]] = {
    "c4_conv.weight": lambda w: w.array(w.out, w.channels, 4, *(w.kernel[0],) * 2),
    "c4_lift.weight": lambda w: w.array(w.out, w.channels, *(w.kernel[0],) * 2),
    "c4_lift.input": lambda w: w.array(*w.lead, w.channels, *(max(w.spatial),) * 2),
    "c4*.input": lambda w: w.array(*w.lead, w.channels, 4, *(max(w.spatial),) * 2),
    "c4*.padding": lambda w: w.pick(["same", "valid", *[w.ints(w.padding)] * 4]),
    "*.padding_mode": lambda w: w.pick(["reflect", "replicate", "circular", "zeros"]),
    "fold.input": columns,
    "pixel_shuffle.input": lambda w: w.array(*w.lead, w.channels * w.factor**2, *w.spatial[:1], 3),
    "pixel_unshuffle.input": lambda w: w.array(*w.lead, w.channels, *(w.factor * w.stride[0],) * 2),
    "channel_shuffle.input": lambda w: w.array(*w.pick([(1,), (2,), (0,)]), w.channels, *w.spatial),
    "channel_shuffle.groups": lambda w: w.groups,
    "interpolate.input": lambda w: w.image([(1,), (2,), (0,)]),
    "correlate2d.input": lambda w: w.array(*w.spatial),
    "convolve2d.input": lambda w: w.array(*w.spatial),
    "*late2d.mode": lambda w: w.pick(["full", "same", "valid"]),
    "convolve2d.mode": lambda w: w.pick(["full", "same", "valid"]),
    "pad.mode": lambda w: w.pick(["constant", "constant", "reflect", "replicate", "circular"]),
    "pad_backward.mode": lambda w: w.pick(["constant", "constant", "reflect", "replicate", "circular"]),
    "pad.value": lambda w: w.pick([None, 0, 1, 2.5, -1, math.nan]),
    "conv_matrix.input_size": lambda w: (w.channels, *w.spatial),
    "interpolate_backward.input_size": lambda w: w.argument("input", "interpolate").shape,
    "conv*d_input.input_size": lambda w: w.pick([tuple, list])(w.argument("input", before(w.function)).shape),
    "resize_matrix.input_size": lambda w: w.spatial[0],
    "resize_matrix.output_size": lambda w: resized(w)[0],
    "resize_matrix.scale_factor": lambda w: None,
    "conv_choices.input_size": lambda w: w.spatial[0],
    "conv_choices.output_size": lambda w: max(1, w.spatial[0] // w.stride[0]),
    "conv_choices.kernel_sizes": lambda w: w.pick([range(1, 6), (1, 3), [2, 3], 3]),
    "conv_choices.strides": lambda w: w.pick([range(1, 3), (1, 2), 1]),
    "conv_choices.dilations": lambda w: w.pick([range(1, 3), (2,), 1]),
    "conv_memory.*_size": lambda w: w.pick([tuple, list])(w.spatial),
    "conv_input_sizes.output_size": lambda w: w.sizes(),
    "*_pixel_uses.input_size": lambda w: w.sizes(),
    "conv_path_counts.kernel_sizes": lambda w: w.ints(w.kernel),
    "conv_path_counts.dilations": lambda w: w.ints(w.dilation),
    "conv_path_counts.strides": lambda w: w.ints(w.stride),
    "bilinear_kernel.stride": lambda w: w.factor,
    "*.batch": lambda w: w.pick([0, 1, 8]),
    "*.itemsize": lambda w: w.pick([2, 4, 8]),
    "*_output_size.input_size": lambda w: w.sizes(),
    "conv*_size.kernel_size": kept("kernel"),
    "effective_kernel_size.kernel_size": lambda w: w.kernel[0],
    "effective_kernel_size.dilation": lambda w: w.dilation[0],
    "conv_parameters.kernel_size": lambda w: w.pick([tuple, list])(w.kernel),
    "conv_multiply_adds.kernel_size": lambda w: w.pick([tuple, list])(w.kernel),
    "conv_multiply_adds.output_size": lambda w: w.pick([tuple, list])(w.spatial),
    "conv_parameters.bias": flag,
    "conv_memory.bias": flag,
    "sliding_windows.kernel_size": lambda w: w.pick([tuple, list])(w.kernel),
    "fold.output_size": kept("spatial"),
    "conv_transpose*.padding": lambda w: w.ints(tuple(p // 2 for p in w.padding)),
    "conv*d.padding": lambda w: w.pick(["same", "valid", *[w.ints(w.padding)] * 4]),
    "conv*.bias": lambda w: w.pick([None, w.array(w.out)]),
    "adaptive*.output_size": lambda w: w.ints(w.axes(1, 5)),
    "max_unpool*_backward.grad_output": World.image,
    "max_unpool*_backward.indices": lambda w: w.places(*resized(w)),
    "max_unpool*.indices": lambda w: w.places(*w.spatial),
    "max_unpool*.output_size": lambda w: w.pick([None, unpooled(w)]),
    "*.input_size": lambda w: w.pick([tuple, list])(w.argument("input", before(w.function)).shape),
    "lp_pool*.input": lambda w: replace(w.image(), low=1),  # sums of powers that cancel have no digits left
    "multi_head*.query": lambda w: w.array(*w.lead[:1], w.spatial[0], w.channels),
    "multi_head*.grad_output": lambda w: w.array(*w.lead[:1], w.spatial[0], w.channels),
    "multi_head*.key": lambda w: w.array(*w.lead[:1], w.extent[0], w.channels),
    "multi_head*.value": lambda w: w.array(*w.lead[:1], w.extent[0], w.channels),
    "*.num_heads": lambda w: w.groups,
    "*.in_proj_weight": lambda w: w.array(3 * w.channels, w.channels),
    "*.out_proj_weight": lambda w: w.array(w.channels, w.channels),
    "*.in_proj_bias": lambda w: w.pick([None, w.array(3 * w.channels)]),
    "*.out_proj_bias": lambda w: w.pick([None, w.array(w.channels)]),
    "*.need_weights": flag,
    "to_tokens.input": lambda w: w.image([(1,), (2,), (0,)]),
    "from_tokens.tokens": lambda w: w.array(*w.pick([(1,), (2,), (0,)]), math.prod(w.spatial), w.channels),
    "from_tokens.size": lambda w: w.pick([tuple, list])(w.spatial),
    "position_encoding_2d.size": lambda w: w.ints(w.spatial),
    "*.features": lambda w: 4 * w.channels,
    "patchify.input": lambda w: w.image([(1,), (2,), (0,)]),
    "unpatchify.tokens": lambda w: w.array(*w.pick([(1,), (2,), (0,)]), 9, w.channels * math.prod(w.kernel)),
    "unpatchify.size": of_three_patches,
    "*patchify.stride": patch_stride,
    "*.patch_size": kept("kernel"),
    "*.query": lambda w: w.array(*w.lead, w.channels, w.spatial[0], w.kernel[-1]),
    "*.key": lambda w: w.array(*w.lead, w.shared(), w.extent[0], w.kernel[-1]),
    "scaled_dot*.value": lambda w: w.array(*w.lead, w.shared(), w.extent[0], w.out),
    "*.attn_mask": lambda w: w.pick([None, Array((w.spatial[0], w.extent[0]), w.pick(["bool", w.dtype]))]),
    "*.dropout_p": lambda w: w.pick([0.0, 0, 1]),
    "*.is_causal": lambda w: w.cache.get("attn_mask") is None and w.chance(0.5),
    "*.scale": lambda w: w.pick([None, 1, 0.25, -2.0]),
    "*.enable_gqa": flag,
    "*.input": World.image,
    "*.weight": lambda w: w.array(*weight(w)),
    "*.kernel": lambda w: w.array(*w.kernel),
    "*.weight_size": lambda w: w.pick([tuple, list])(weight(w)),
    "*.grad_output": lambda w: w.array(*w.shape_of(before(w.function))),
    "*.stride": kept("stride"),
    "*.padding": kept("padding"),
    "*.dilation": kept("dilation"),
    "*.output_padding": lambda w: w.ints(tuple(int(w.random.integers(0, s)) for s in w.stride)),
    "*.return_indices": flag,
    "*.ceil_mode": flag,
    "*.count_include_pad": flag,
    "*.divisor_override": lambda w: w.pick([None, 1, 3, -2]),
    "*.norm_type": lambda w: w.pick([1, 2, 2.0, 3, 0.5, -1, math.inf]),
    "*.ties": lambda w: w.pick(["first", "shared"]),
    "*.groups": lambda w: w.groups,
    "*.in_channels": channels,
    "*.out_channels": lambda w: w.out,
    "*.kernel_size": kept("kernel"),
    "*.upscale_factor": lambda w: w.factor,
    "*.downscale_factor": lambda w: w.factor,
    "*.pad": pad_amounts,
    "*.size": lambda w: None if w.cache.get("scale_factor") else w.ints(resized(w)),
    "*.scale_factor": lambda w: None if w.cache.get("size") else w.pick([0.5, 2, 1.5, 0.7, [1.3] * w.n]),
    "*.mode": resize_mode,
    "*.align_corners": lambda w: w.pick([None, None, True, False]),
    "*.recompute_scale_factor": lambda w: w.pick([None, None, True, False]),
    "*.antialias": lambda w: w.chance(0.2),
}  # fmt: skip


@functools.cache
def recipe(function: str, parameter: str) -> Callable[[World], Any]:
    for pattern, make in RECIPES.items():
        if fnmatch.fnmatch(f"{function}.{parameter}", pattern):
            return make
    pytest.fail(f"teach the fuzzer what is right for {parameter!r} of {function}: add a line to RECIPES")


# --- from right to wrong ------------------------------------------------------------------------------------


def pick_any(r: Random) -> Any:
    every = [NUMBERS, THINGS][int(r.integers(2))]
    return every[int(r.integers(len(every)))]


def mutated(value: Any, r: Random) -> Any:
    """Nearly the same, or anything at all."""
    pick = lambda values: values[int(r.integers(len(values)))]  # noqa: E731
    if r.random() < 0.25:
        return pick_any(r)
    if isinstance(value, Array):
        shape = list(value.shape)
        where = int(r.integers(len(shape))) if shape else 0
        ways = [
            lambda: replace(value, form=pick([*NUMPY_FORMS, *TORCH_FORMS, "one number"])),
            lambda: replace(value, form=pick([*NUMPY_FORMS, *TORCH_FORMS, "one number"])),
            lambda: replace(value, dtype=pick(DTYPES)),
            lambda: replace(value, special=pick([math.nan, math.inf, -math.inf])),
            lambda: replace(value, library=pick(["numpy", "torch"])),
            lambda: replace(value, shape=tuple(shape[:where] + shape[where + 1 :])),
            lambda: replace(value, shape=tuple([*shape[:where], pick([0, 1, 2, 5]), *shape[where:]])),
            lambda: replace(value, shape=tuple([*shape[:where], pick([0, 1, 2, 3, 5, 2**12, 2**24, 2**40]),
                                                *shape[where + 1 :]])),
            lambda: replace(value, shape=tuple(pick([(), (1,) * 7, (0,) * 4, (2**14,) * 4, (1, 1, 0, 5)]))),
        ]  # fmt: skip
        return pick(ways)()
    if isinstance(value, bool | str | None):
        return pick([*NUMBERS, *THINGS, True, False, None])
    if isinstance(value, int):
        near = [
            value + 1,
            value - 1,
            -value,
            (value,),
            [value] * 2,
            float(value),
            np.int64(value),
            str(value),
        ]
        return pick([pick(INTEGERS), pick(NUMBERS), *near])
    if isinstance(value, float):
        return pick(NUMBERS)
    entries = list(value)
    ways = [lambda: entries[:-1], lambda: [*entries, 1], lambda: tuple(entries[::-1]), lambda: entries * 2,
            lambda: np.array(entries), lambda: iter(entries), lambda: [], lambda: [float(e) for e in entries],
            lambda: [np.int64(e) for e in entries]]  # fmt: skip
    if entries and r.random() < 0.6:
        entries[int(r.integers(len(entries)))] = pick(pick([INTEGERS, NUMBERS, THINGS]))
        return type(value)(entries) if type(value) in (list, tuple) else entries
    return pick(ways)()


@dataclass(repr=False)
class Case:
    function: str
    library: str
    arguments: dict[str, Any]
    positional: int  # so many are given by position
    extra: tuple[Any, ...] = ()
    right: bool = False  # made without a mistake

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value if isinstance(value, Array) else shown(value)}"
                          for name, value in self.arguments.items())  # fmt: skip
        return f"{self.function}({given}), {self.library}, {self.positional} by position, then {self.extra}"


def case_of(function: str, number: int) -> Case:
    r = np.random.default_rng([zlib.crc32(function.encode()), number])
    parameters = inspect.signature(getattr(convlib, function)).parameters
    for name in parameters:
        recipe(function, name)  # an unknown one is noticed whatever is drawn
    optional = [name for name, p in parameters.items() if p.default is not inspect.Parameter.empty]
    rarely = 0.25 if len(optional) > 3 else 0.5
    chosen = frozenset(name for name in optional if r.random() > rarely)
    world = World(r, function, given=chosen)
    arguments = {name: world.argument(name) for name in parameters if name in chosen or name not in optional}
    mutations = int(r.choice([0, 1, 2, 3], p=[0.35, 0.45, 0.15, 0.05]))
    for name in r.permutation(list(parameters))[:mutations]:
        arguments[str(name)] = mutated(arguments.get(str(name), parameters[name].default), r)
    if r.random() < 0.02:  # anything at all
        arguments = {name: pick_any(r) if r.random() < 0.5 else mutated(1, r) for name in arguments}
    if r.random() < 0.02 and arguments:
        arguments.pop(next(iter(arguments)))
    if r.random() < 0.01:
        arguments["strid"] = 1
    in_order = 0
    for name, parameter in parameters.items():
        if name not in arguments or parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            break
        in_order += 1
    extra = (1,) * 9 if r.random() < 0.01 else ()
    arguments = {name: arguments[name] for name in (*parameters, "strid") if name in arguments}
    library = "torch" if r.random() < 0.3 else "numpy"
    right = not mutations and not extra and set(arguments) == set(parameters)
    return Case(function, library, arguments, int(r.integers(in_order + 1)), extra, right)


def materialize(given: Any, library: str) -> Any:
    if isinstance(given, Array | Scalar):
        return given.make(library)
    if isinstance(given, dict):
        return {name: materialize(value, library) for name, value in given.items()}
    return given
