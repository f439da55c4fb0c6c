"""Hostile input: every public function is called with arguments that are nearly right, and with any others.

A call may end in two ways only. Either it gives the right answer, judged by torch's function of the same name
and by the other of our two paths, or it refuses in the caller's words before anything is computed. It never
crashes, hangs, warns, takes more memory than allowed, raises something else or touches its arguments.

The cases are the same in every run. `FUZZ_CASES=100000 pytest tests/test_fuzz.py` tries many more than
`make test` does; a failure names the case, and `FUZZ_ONLY=n` runs just that one.
"""

import collections
import fnmatch
import functools
import inspect
import itertools
import math
import operator
import os
import re
import signal
import traceback
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convlib
from convlib import shapes
from convlib._checks import shown

CASES = int(os.environ.get("FUZZ_CASES", "150"))
ONLY = os.environ.get("FUZZ_ONLY")
SECONDS = 5
ALLOWED = 2**22  # bytes, where the package allows 2^36: so what is not refused is quick
PACKAGE = str(Path(convlib.__file__).parent)

Random = np.random.Generator

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
DTYPES = ["float64", "float32", "float16", "int64", "int32", "uint8", "int8", "bool", "complex64", "complex128",
          "uint16", "uint64"]  # fmt: skip


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


INTEGERS = [-(10**30), -(2**63), -(2**40), -7, -1, 0, 1, 2, 3, 4, 7, 64, 255, 2**16, 2**20, 2**31 - 1, 2**31, 2**32,
            2**40, 2**61, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**400]  # fmt: skip
NUMBERS = [*INTEGERS, 10**5000, True, False, np.int64(2), np.int8(1), np.uint8(200), np.uint64(2**64 - 1),
           np.bool_(True), 0.0, -0.5, 0.5, 1.0, 1.5, 2.0, 1e-300, 1e300, math.nan, math.inf, -math.inf,
           np.float32(1.5), np.float16(2), np.float64(math.nan), np.longdouble(2), Fraction(3, 2), Decimal(2),
           1j, np.complex64(2)]  # fmt: skip
THINGS = [None, "", "same", "valid", "full", "constant", "nearest", "area", "sum", "2", "\0", np.str_("same"), b"\1\2",
          bytearray(b"\1\1"), memoryview(b"\1\2"), (), [], {}, {1: 2}, set(), frozenset({1}), [[1]], [1, [2]], (1, None),
          (2, 2.0), (True, 1), ("1", "2"), (math.nan, 1), (0, 0), (-1, 1), (1, 10**30), [1] * 3, (2,) * 40, range(1, 3),
          slice(None), ..., object(), int, len, NotImplemented, Index(), BadIndex(), BadRepr(), [BadRepr()], endless(),
          Index, collections.deque([1, 2]), itertools.count(), "x" * 5000, [0] * 5000, torch.Size([2, 2]),
          torch.float32, np.dtype("f4"), np.float32,
          Scalar(2, "numpy"), Scalar(2, "torch"), Scalar([1, 2], "numpy"), Scalar([1, 2], "torch"), Scalar(True, "numpy"),
          Scalar(1.5, "torch"), Scalar("same", "numpy"), Scalar([], "numpy"),
          Array(()), Array((0,)), Array((1,) * 7), Array((2, 2)), Array((1, 1, 4, 4)), Array((2**40,)),
          Array((2**19,) * 3), Array((0, 2**40)), Array((1, 1, 2**30, 2**30))]  # fmt: skip


# --- sizes that fit each other ------------------------------------------------------------------------------


@dataclass
class World:
    """One convolution, pooling or whatever; every recipe draws from the same sizes, so that a call is right."""

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
        if fnmatch.fnmatch(self.function, "*fold") or "matrix" in self.function:
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
        self.dtype = self.pick(["float64", "float64", "float32", *DTYPES])
        self.factor = self.pick([1, 2, 2, 3])

    def axes(self, low: int, high: int, mostly: int | None = None) -> tuple[int, ...]:
        if mostly is not None and self.random.random() < 0.6:
            return (mostly,) * self.n
        return tuple(int(i) for i in self.random.integers(low, high, self.n))

    def pick(self, values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]

    def chance(self, p: float) -> bool:
        return self.random.random() < p

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
    "fold.input": columns,
    "pixel_shuffle.input": lambda w: w.array(*w.lead, w.channels * w.factor**2, *w.spatial[:1], 3),
    "pixel_unshuffle.input": lambda w: w.array(*w.lead, w.channels, *(w.factor * n for n in w.axes(1, 3)[:1] * 2)),
    "channel_shuffle.input": lambda w: w.array(*w.pick([(1,), (2,), (0,)]), w.channels, *w.spatial),
    "channel_shuffle.groups": lambda w: w.groups,
    "interpolate.input": lambda w: w.image([(1,), (2,), (0,)]),
    "correlate2d.input": lambda w: w.array(*w.spatial),
    "convolve2d.input": lambda w: w.array(*w.spatial),
    "*late2d.mode": lambda w: w.pick(["full", "same", "valid"]),
    "convolve2d.mode": lambda w: w.pick(["full", "same", "valid"]),
    "pad.mode": lambda w: w.pick(["constant", "constant", "reflect", "replicate", "circular"]),
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
    "conv_pixel_uses.input_size": lambda w: w.sizes(),
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
        return pick([pick(INTEGERS), pick(NUMBERS), value + 1, value - 1, -value, (value,), [value] * 2, float(value),
                     np.int32(value), str(value)])  # fmt: skip
    if isinstance(value, float):
        return pick(NUMBERS)
    entries = list(value)
    ways = [lambda: entries[:-1], lambda: [*entries, 1], lambda: tuple(entries[::-1]), lambda: entries * 2,
            lambda: np.array(entries), lambda: iter(entries), lambda: [], lambda: [float(e) for e in entries],
            lambda: [np.int64(e) for e in entries]]  # fmt: skip
    if entries and r.random() < 0.6:
        entries[int(r.integers(len(entries)))] = pick(pick([INTEGERS, NUMBERS, THINGS[:40]]))
        return type(value)(entries) if type(value) in (list, tuple) else entries
    return pick(ways)()


@dataclass
class Case:
    function: str
    library: str
    arguments: dict[str, Any]
    positional: int  # so many are given by position
    extra: tuple[Any, ...] = ()
    right: bool = False  # made without a mistake


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
    for name in parameters:
        if name not in arguments:
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


# --- how a call ends ----------------------------------------------------------------------------------------


@dataclass
class Refused:
    """Anything that torch or we do not answer."""

    message: str


class Finding(Exception):
    """What must not happen."""


class TooLong(BaseException):
    """Not an Exception: nobody on the way may catch it."""


def stop(*_: Any) -> None:
    raise TooLong


# What would betray the inside of NumPy, torch or Python.
INSIDE = re.compile(
    r"broadcast|operand|reshape|ufunc|ambiguous|unhashable|subscriptable|iterable|not supported between|aten::"
    r"|INTERNAL|Expected|invalid combination|could not|cannot be interpreted|has no attribute|array is too big"
    r"|Traceback|NoneType'|unsupported|convert|out of (range|bounds)|memory"
)
OURS = re.compile(r"convert (one of them|to a number type)|cannot be (split|cut)")


def call(case: Case, library: str) -> Any:
    """The answer or what we said; a `Finding` where something happens that must not."""
    function = getattr(convlib, case.function)
    arguments = materialize(case.arguments, library)
    before = {name: fingerprint(value) for name, value in arguments.items()}
    by_position = [arguments.pop(name) for name in list(arguments)[: case.positional]] + list(case.extra)
    tracemalloc.reset_peak()
    start, _ = tracemalloc.get_traced_memory()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        answer = function(*by_position, **arguments)
    except TooLong as error:
        raise Finding(f"it did not end in {SECONDS} seconds") from error
    except (ValueError, TypeError) as error:
        answer = error
    except Exception as error:
        raise Finding(f"{type(error).__name__}: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    _, peak = tracemalloc.get_traced_memory()
    if isinstance(answer, Exception):
        answer = Refused(refusal(case.function, function, answer))
    if peak - start > (1 if isinstance(answer, Refused) else 4) * ALLOWED:
        raise Finding(f"{peak - start} bytes were allocated for {shown(answer)}")
    after = dict(zip(case.arguments, by_position, strict=False)) | arguments
    for name, value in after.items():
        if name in before and fingerprint(value) != before[name]:
            raise Finding(f"{name} was changed")
    return answer


def fingerprint(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), np.asarray(value).tobytes() if value.size < 2**16 else None
    if isinstance(value, list) and not any(isinstance(entry, list | BadRepr) for entry in value):
        return shown(value)
    if isinstance(value, torch.Tensor) and value.layout is torch.strided and value.device.type == "cpu":
        quick = not value.is_nested and not value.is_quantized and value.numel() < 2**16
        return (
            value.detach().resolve_conj().resolve_neg().view(-1).tolist().__repr__()
            if quick and value.is_contiguous()
            else None
        )
    return None


def refusal(name: str, function: Callable[..., Any], error: Exception) -> str:
    """The message, if it is in the caller's words and came before anything was computed."""
    message = str(error)
    told = f"{type(error).__name__}: {message}"
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
    if message.startswith(f"{name}() ") and isinstance(error, TypeError) and len(frames) <= 2:
        return told  # Python's own, about the number or the names of arguments
    if not message.startswith(f"{name}: "):
        raise Finding(told) from error
    if INSIDE.search(OURS.sub("", message.split("got ")[0])):
        raise Finding(f"speaks of the inside: {told}") from error
    if len(message) > 700:
        raise Finding(f"{len(message)} letters: {told[:300]}") from error
    body = inspect.unwrap(function).__code__
    if hasattr(function, "__wrapped__") and any(frame.f_code is body for frame in frames):
        raise Finding(f"raised while computing: {told}") from error
    if not frames[-1].f_code.co_filename.startswith(PACKAGE):
        raise Finding(f"raised in {frames[-1].f_code.co_filename}: {told}") from error
    return told


# --- what the right answer is -------------------------------------------------------------------------------


def theirs(case: Case) -> Any:
    """torch's own function on the same arguments, or None where there is none."""
    function = getattr(F, case.function, None) or getattr(torch.nn.grad, case.function, None)
    function = function or REFERENCES.get(case.function)
    if function is None:
        return None
    arguments = materialize(case.arguments, "torch")
    by_position = [arguments.pop(name) for name in list(arguments)[: case.positional]] + list(case.extra)
    signal.setitimer(signal.ITIMER_REAL, 4 * SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*by_position, **arguments)
    except Exception as error:
        return Refused(f"{type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _layer_size(transposed: bool) -> Callable[..., Any]:
    def size(input_size, kernel_size, stride=1, padding=0, *rest, **named):
        n = len(input_size) if isinstance(input_size, tuple | list) else 1
        sizes, kernel = (v if isinstance(v, tuple | list) else (v,) for v in (input_size, kernel_size))
        sizes, kernel = (tuple(v) * (n if len(v) == 1 else 1) for v in (sizes, kernel))
        operation = getattr(F, f"conv{'_transpose' * transposed}{n}d")
        if transposed:
            named |= dict(zip(("output_padding", "dilation"), rest, strict=False))
        else:
            named |= dict(zip(("dilation",), rest, strict=False))
        image, weight = (torch.zeros(1, 1, *shape, device="meta") for shape in (sizes, kernel))
        shape = tuple(operation(image, weight, None, stride, padding, **named).shape[2:])
        return shape if isinstance(input_size, tuple | list) else shape[0]

    return size


def _parameters(in_channels, out_channels, kernel_size, groups=1, bias=True):
    layer = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[len(kernel_size) - 1]
    made = layer(in_channels, out_channels, tuple(kernel_size), groups=groups, bias=bias, device="meta")
    if not min(in_channels, out_channels, *kernel_size) > 0:
        raise ValueError("torch makes such a layer; it has nothing to learn")
    return sum(parameter.numel() for parameter in made.parameters())


def _multiply_adds(in_channels, out_channels, kernel_size, output_size, groups=1):
    positions = math.prod(map(operator.index, torch.empty(output_size, device="meta").shape))
    return _parameters(in_channels, out_channels, kernel_size, groups, bias=False) * positions


def _memory(
    in_channels, out_channels, kernel_size, input_size, output_size, groups=1, bias=True, batch=1, itemsize=4
):
    dtype = {1: torch.uint8, 2: torch.float16, 4: torch.float32, 8: torch.float64}[itemsize]
    input, output = (
        torch.empty(batch, channels, *size, device="meta", dtype=dtype).nbytes
        for channels, size in ((in_channels, input_size), (out_channels, output_size))
    )
    return input, output, _parameters(in_channels, out_channels, kernel_size, groups, bias) * itemsize


def _pooled_size(input_size, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    sizes = tuple(input_size) if isinstance(input_size, tuple | list) else (input_size,)
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(sizes) - 1]
    image = torch.zeros(1, 1, *sizes, device="meta")
    shape = tuple(pool(image, kernel_size, stride, padding, dilation, ceil_mode).shape[2:])
    return shape if isinstance(input_size, tuple | list) else shape[0]


def _resize_matrix(
    input_size, output_size, scale_factor=None, mode="nearest", align_corners=None, antialias=False
):
    mode = "linear" if mode in ("bilinear", "trilinear") and not antialias else mode
    units = torch.eye(input_size, dtype=torch.float64)[:, None]
    sides = (output_size,)
    if mode in ("bicubic", "bilinear"):
        units, sides = units[:, :, None], (2, output_size)
        units = units.expand(-1, -1, 2, -1)
    if scale_factor is not None:
        sides, factors = None, (1.0,) * (units.ndim - 3) + (scale_factor,)
    else:
        factors = None
    answer = F.interpolate(units, sides, factors, mode, align_corners, antialias=antialias)
    return answer.reshape(input_size, -1, answer.shape[-1])[:, 0].T


REFERENCES: dict[str, Callable[..., Any]] = {
    "conv_output_size": _layer_size(transposed=False),
    "conv_transpose_output_size": _layer_size(transposed=True),
    "conv_parameters": _parameters,
    "conv_multiply_adds": _multiply_adds,
    "conv_memory": _memory,
    "pool_output_size": _pooled_size,
    "effective_kernel_size": lambda kernel_size, dilation=1: len(
        range(0, operator.index(dilation) * (operator.index(kernel_size) - 1) + 1)
    ),
    "resize_matrix": _resize_matrix,
}


def same(ours: Any, others: Any) -> str | None:
    """None, or what differs."""
    if isinstance(others, tuple) and not isinstance(ours, tuple):
        return f"{type(ours).__name__} but {type(others).__name__}"
    if isinstance(others, tuple):
        if all(isinstance(other, int) for other in others):
            return None if tuple(ours) == others else f"{ours} but {others}"
        if len(ours) != len(others):
            return f"{len(ours)} results but {len(others)}"
        return next((d for d in map(same, ours, others) if d), None)
    if isinstance(others, int):
        return None if type(ours) is int and ours == others else f"{ours!r} but {others!r}"
    kind = type(ours)
    if kind is not np.ndarray and not isinstance(ours, torch.Tensor):
        return f"{kind.__name__} but {type(others).__name__}"
    a, b = (v if isinstance(v, np.ndarray) else v.detach().cpu() for v in (ours, others))
    if tuple(a.shape) != tuple(b.shape):
        return f"shape {tuple(a.shape)} but {tuple(b.shape)}"
    if math.prod(a.shape) > 2**20:  # a view of windows
        return None
    names = [str(getattr(v.dtype, "name", v.dtype)).removeprefix("torch.") for v in (a, b)]
    if names[0] != names[1]:
        return f"{names[0]} but {names[1]}"
    if any(isinstance(v, torch.Tensor) and v.device.type == "meta" for v in (ours, others)):
        return None
    x, y = (v if isinstance(v, np.ndarray) else numbers_of(v) for v in (a, b))
    if "int" in names[0] or names[0] == "bool":
        return None if np.array_equal(x, y) else f"values {x.ravel()[:5]} but {y.ravel()[:5]}"
    tolerance = {"float16": 4e-3, "bfloat16": 2e-2, "float32": 2e-5, "complex64": 2e-5}.get(names[0], 1e-9)
    with np.errstate(all="ignore"):
        close = np.allclose(x, y, tolerance, 10 * tolerance, equal_nan=True)
    return None if close else f"values {x.ravel()[:5]} but {y.ravel()[:5]}"


def numbers_of(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.resolve_conj().resolve_neg()
    wide = tensor.dtype in (torch.bfloat16, torch.float8_e4m3fn)
    return (tensor.float() if wide else tensor).numpy()


# --- where we differ from torch on purpose, or torch from itself --------------------------------------------

Difference = tuple[str, Callable[[Case, Any, Any], bool]]


def says(pattern: str) -> Callable[[Case, Any, Any], bool]:
    """We refuse with such words what torch answers."""
    return lambda case, ours, others: isinstance(ours, Refused) and bool(re.search(pattern, ours.message))


def torch_says(pattern: str) -> Callable[[Case, Any, Any], bool]:
    """torch refuses with such words what we answer."""
    return lambda case, ours, others: isinstance(others, Refused) and bool(re.search(pattern, others.message))


def number_type(*names: str) -> Callable[[Case, Any, Any], bool]:
    """An array of such numbers came in, and torch refuses them."""
    return lambda case, ours, others: (
        isinstance(others, Refused)
        and any(isinstance(value, Array) and value.dtype in names for value in case.arguments.values())
    )


def batchless_or_same(case: Case, ours: Any, others: Any) -> bool:
    return bool(re.match(r"conv\dd_(input|weight)", case.function)) and (
        isinstance(case.arguments.get("padding"), str)
        or (isinstance(others, Refused) and "-dimensional input" in others.message)
    )


def sizes_of(value: Any) -> tuple[Any, ...]:
    return (
        value.shape if isinstance(value, Array) else tuple(value) if isinstance(value, list | tuple) else ()
    )


WHOLE = ("bool", "uint8", "uint16", "uint64", "int8", "int32", "int64")
DIFFERENCES: list[Difference] = [
    ("torch has no kernel for whole numbers or half precision there", number_type(*WHOLE, "float16")),
    ("torch's gradients take neither single images nor words for padding", batchless_or_same),
    ("torch lets an empty batch pass whatever its shapes and dtypes", lambda case, ours, others: (
        isinstance(ours, Refused) and any(0 in sizes_of(value) for value in case.arguments.values()))),
    ("on the CPU torch's pixel_unshuffle leaves the shape of an empty input as it is", lambda case, ours, others: (
        case.function == "pixel_unshuffle" and not isinstance(ours, Refused) and 0 in ours.shape)),
    ("sizes alone may be larger than any tensor", torch_says("Storage size calculation overflowed")),
    ("without axes there is nothing to do, and it is done", lambda case, ours, others: (
        "conv0d" in str(others) or "transpose0d" in str(others))),
    ("torch answers in two ways: see the notes of interpolate", lambda case, ours, others: (
        case.function == "interpolate" and not isinstance(ours, Refused) and not isinstance(others, Refused)
        and (case.arguments.get("scale_factor") is not None or ours.shape[-1] == 1))),
    ("torch wraps around what it has cropped, or reads what it has not written", says("'circular' can add at most")),
    ("torch does not look whether a gradient fits its output", says("grad_output is .* but the output of this")),
    ("mixed dtypes are refused, for a bias too, and two orders of bytes are two dtypes", says("they must be equal")),
    ("True is no number of pixels", says(r"integers?, got .*True")),
    ("torch takes a negative padding of an unpooling", says("padding must be at least 0")),
    ("what is refused here as too large is small", says("GiB that are allowed")),
    ("complex infinities are many", lambda case, ours, others: any(
        isinstance(a, Array) and a.special is not None and "complex" in a.dtype for a in case.arguments.values())),
    ("torch brings the value as a double", lambda case, ours, others: (
        case.function == "pad" and not isinstance(ours, Refused) and "int64" in str(ours.dtype))),
    ("a flag is True or False, and no other thing", says(r"must be True(,| or) False")),
    ("not every function of torch takes a tuple of one, or an integer of NumPy", torch_says(
        r"It is expected .* equals to \d, but got size 1|must be Tensor, not (list|tuple)|has no len|to unpack")),
    ("torch's means and norms let whole and complex numbers pass in some cases", says("is for .*, as in torch")),
    ("one kernel size for each axis, of any number", lambda case, ours, others: (
        case.function in ("conv_parameters", "conv_multiply_adds") and "index out of range" in str(others))),
]  # fmt: skip


def judged(case: Case, ours: Any, others: Any, whose: str) -> str:
    """The class that the two outcomes fall into; a `Finding` where they should be alike and are not."""
    if isinstance(ours, Refused) and isinstance(others, Refused):
        return "both refuse"
    differs = "one refuses"
    if not isinstance(ours, Refused) and not isinstance(others, Refused):
        differs = same(ours, others)
        if differs is None:
            return "both agree"
    for reason, fits in DIFFERENCES:
        if fits(case, ours, others):
            return reason
    told = [
        o.message if isinstance(o, Refused) else f"answers {shown(getattr(o, 'shape', o))}"
        for o in (ours, others)
    ]
    raise Finding(f"{differs}: convlib {told[0]} -- {whose}: {told[1]}")


def tame(value: Any) -> bool:
    """Nothing that torch itself might crash at."""
    if isinstance(value, Array):
        return value.form in SAME_IN_BOTH and math.prod(value.shape) <= 2**16
    if isinstance(value, Scalar):
        return False
    if isinstance(value, list | tuple):
        return len(value) < 10 and all(not isinstance(entry, list) and tame(entry) for entry in value)
    if isinstance(value, int | float | np.integer):
        return not abs(value) > 2**10
    return value is None or isinstance(value, str)


def run_case(case: Case) -> list[str]:
    """The classes of everything that was compared."""
    ours = call(case, case.library)
    arrays = [value for value in case.arguments.values() if isinstance(value, Array)]
    both = all(array.form in SAME_IN_BOTH and array.library is None for array in arrays)
    both = both and not any(isinstance(value, Scalar) for value in case.arguments.values())
    classes = []
    dispatched = hasattr(getattr(convlib, case.function), "__wrapped__") or case.function == "sliding_windows"
    if both and dispatched and case.library == "numpy":
        twin = call(case, "torch")
        classes.append("twin: " + judged(case, ours, twin, "our twin"))
        if isinstance(ours, Refused) and isinstance(twin, Refused):
            one, other = (
                re.sub(
                    r"torch\.(?=[a-z]+\d|bool)|(?<=got )(array|tensor)\(.*|(?<=size=)(array|tensor)\(.*|(?<=factor=)(array|tensor)\(.*|\([\d, ]+\)",
                    "",
                    o.message,
                    flags=re.DOTALL,
                )
                for o in (ours, twin)
            )
            if one != other and not re.search(
                "torch does not offer|is a NumPy array but|as in torch; got|an index lies outside|must be equal",
                one + other,
            ):
                raise Finding(f"arrays: {one} -- tensors: {other}")
    accepted = not isinstance(ours, Refused)
    if both and (accepted or all(map(tame, case.arguments.values()))):
        reference = theirs(case) if accepted or case.right or case.function not in REFERENCES else None
        if reference is not None:
            classes.append("torch: " + judged(case, ours, reference, "torch"))
    return classes or ["answered" if accepted else "refused"]


# --- the test -----------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A low limit for results, a clock, a count of memory; torch tells every warning, not only the first."""
    monkeypatch.setattr(shapes, "LARGEST_ALLOCATION", ALLOWED)
    handler = signal.signal(signal.SIGALRM, stop)
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    tracemalloc.start(1)
    yield
    tracemalloc.stop()
    torch.set_warn_always(always)
    signal.signal(signal.SIGALRM, handler)


@pytest.mark.parametrize("function", convlib.__all__)
def test_any_arguments_get_the_right_answer_or_a_plain_refusal(function: str) -> None:
    classes: collections.Counter[str] = collections.Counter()
    numbers = [int(ONLY)] if ONLY else range(CASES)
    for number in numbers:
        case = case_of(function, number)
        try:
            classes.update(run_case(case))
        except Finding as finding:
            pytest.fail(f"{finding}\ncase {number}: {case}", pytrace=bool(ONLY))
    if not ONLY and CASES >= 100:
        answered = sum(count for name, count in classes.items() if "agree" in name or name == "answered")
        assert answered > CASES / 20, f"teach the fuzzer: hardly a call of {function} is right: {classes}"
