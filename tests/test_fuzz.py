"""Hostile input: every public function is called with arguments that are nearly right, and with any others.

A call may end in two ways only. Either it gives the right answer, judged by torch's function of the same name
and by the other of our two paths, or it refuses in the caller's words before anything is computed. It never
crashes, hangs, warns, takes more memory than allowed, raises something else or touches its arguments.

The cases are the same in every run. `FUZZ_CASES=100000 pytest tests/test_fuzz.py` tries many more than
`make test` does; a failure names the case, and `FUZZ_ONLY=n` runs just that one.
"""

import collections
import inspect
import math
import operator
import os
import re
import signal
import traceback
import tracemalloc
import unittest.mock
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hostile import FUNCTIONS, SAME_IN_BOTH, Array, BadRepr, Case, Scalar, case_of, materialize

import convlib
from convlib import shapes
from convlib._checks import shown

CASES = int(os.environ.get("FUZZ_CASES", "60"))
ONLY = os.environ.get("FUZZ_ONLY")
SECONDS = 20  # a hang, on the slowest machine
ALLOWED = 2**22  # bytes, where the package allows 2^36: so what is not refused is quick
PACKAGE = str(Path(convlib.__file__).parent)

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
    r"broadcast|operand|reshape|ufunc|ambiguous|unhashable|subscriptable|iterable|not supported|unsupported"
    r"|aten::|INTERNAL|Expected|invalid combination|could not|cannot be interpreted|has no attribute"
    r"|array is too big|Traceback|NoneType|convert|out of (range|bounds)|memory"
)
OURS = re.compile(r"do(es)? not broadcast|convert (one of them|to a number type)|cannot be (split|cut)")


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
        return str(value.detach().flatten().tolist()) if quick else None
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
    if INSIDE.search(OURS.sub("", message.removeprefix(name).split("got ")[0])):
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
    in_channels, out_channels, groups = map(operator.index, (in_channels, out_channels, groups))
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
    itemsize = operator.index(itemsize)
    input, output = (
        torch.empty(batch, channels, *size, device="meta").numel() * itemsize
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
    if ours is None and others is None:  # no gradient
        return None
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

Fits = Callable[[Case, Any, Any], bool]  # the case, our outcome, and torch's or our twin's


def we_say(pattern: str) -> Fits:
    """We refuse with such words what torch answers."""
    return lambda case, ours, others: isinstance(ours, Refused) and bool(re.search(pattern, ours.message))


def torch_says(pattern: str) -> Fits:
    """torch refuses with such words what we answer."""
    return lambda case, ours, others: isinstance(others, Refused) and bool(re.search(pattern, others.message))


def arrays_in(case: Case) -> list[Array]:
    return [value for value in case.arguments.values() if isinstance(value, Array)]


def of_whole_or_half_numbers(case: Case, ours: Any, others: Any) -> bool:
    numbers = [array.dtype for array in arrays_in(case)]
    kinds = {np.dtype(dtype).kind for dtype in numbers if dtype != "float16"}
    return isinstance(others, Refused) and bool(numbers) and not kinds & set("fc")


def without_batch_or_in_words(case: Case, ours: Any, others: Any) -> bool:
    by_word = isinstance(case.arguments.get("padding"), str)
    single = isinstance(others, Refused) and "-dimensional input" in others.message
    return bool(re.match(r"conv\dd_(input|weight)", case.function)) and (by_word or single)


def of_an_empty_batch(case: Case, ours: Any, others: Any) -> bool:
    size = case.arguments.get("input_size", ())
    shapes = [array.shape for array in arrays_in(case)] + [size if isinstance(size, tuple | list) else ()]
    return isinstance(ours, Refused) and any(0 in shape for shape in shapes)


def of_an_empty_answer(case: Case, ours: Any, others: Any) -> bool:
    answered = not isinstance(ours, Refused) and not isinstance(others, Refused)
    known = case.function in ("pixel_unshuffle", "scaled_dot_product_attention")
    return answered and known and 0 in ours.shape


def of_two_minds(case: Case, ours: Any, others: Any) -> bool:
    given, special = case.arguments, any(array.special is not None for array in arrays_in(case))
    if isinstance(ours, Refused) or isinstance(others, Refused):
        return False
    if case.function.startswith(
        "scaled_dot_product"
    ):  # its fused kernels, about NaN, infinity, and large scales
        return special or not abs(float(given.get("scale") or 1)) < 100 or 0 < given.get("dropout_p", 0) < 1
    if not case.function.startswith("interpolate"):
        return False
    if given.get("mode", "nearest").startswith("nearest"):
        return given.get("scale_factor") is not None
    return ours.shape[-1] == 1 and (given.get("antialias") or "uint8" in str(ours.dtype))


def of_complex_infinity(case: Case, ours: Any, others: Any) -> bool:
    answered = not isinstance(ours, Refused) and not isinstance(others, Refused)
    special = any(array.special is not None and "complex" in array.dtype for array in arrays_in(case))
    return answered and special


def of_half_numbers(case: Case, ours: Any, others: Any) -> bool:
    answered = not isinstance(ours, Refused) and not isinstance(others, Refused)
    return answered and "pool" in case.function and any(a.dtype == "float16" for a in arrays_in(case))


def of_long_sums_in_heads(case: Case, ours: Any, others: Any) -> bool:
    answered = not isinstance(ours, Refused) and not isinstance(others, Refused)
    heads = case.function.startswith("multi_head")
    return answered and heads and any(a.dtype in ("float16", "float32") for a in arrays_in(case))


def of_a_norm_of_numpy(case: Case, ours: Any, others: Any) -> bool:
    answered = not isinstance(ours, Refused) and not isinstance(others, Refused)
    return answered and isinstance(case.arguments.get("norm_type"), np.floating)


def of_infinite_weights(case: Case, ours: Any, others: Any) -> bool:
    answered = not isinstance(ours, Refused) and not isinstance(others, Refused)
    return answered and case.function == "conv_matrix" and any(a.special is not None for a in arrays_in(case))


def of_a_large_value(case: Case, ours: Any, others: Any) -> bool:
    value = case.arguments.get("value")
    return case.function == "pad" and isinstance(value, int | np.integer) and abs(int(value)) > 2**53


DIFFERENCES: dict[str, Fits] = {
    # torch has less
    "torch offers many operations for fewer number types": of_whole_or_half_numbers,
    "torch's gradients of convolutions take no single image, no word for padding": without_batch_or_in_words,
    "some functions of torch take no tuple of one, or no integer of NumPy": torch_says(
        r"expected .* but got size 1|must be Tensor, not|has no len|to unpack|must be a bool|exactly \w+ el"
    ),
    "attention in torch takes no mask without an axis": torch_says("tensor has no dimensions"),
    "torch takes no fractions, such as Fraction(3, 2), for numbers": torch_says("Fraction"),
    "lp_pool in torch takes the root in the number type of norm_type": of_a_norm_of_numpy,
    "functions of sizes answer for sizes that no tensor of torch can have": torch_says(
        "calculation overflowed|Python int too large|t allocate|Invalid computed output"
    ),
    "functions of sizes answer for any number of axes, and torch has layers for one to three": torch_says(
        r"conv(_transpose)?\dd|index out of"
    ),
    # torch lets pass what is refused here
    "torch lets other shapes that do not fit pass where the batch is empty": of_an_empty_batch,
    "torch does not look whether a gradient fits its output": we_say(
        "grad_output is .* but the output of this"
    ),
    "torch takes a bias of another number type": we_say("they must be equal"),
    "torch takes True for 1, and 1 for True": we_say(r"got .*(True|False)|must be True(,| or) False"),
    "torch does not look at the options of an unpooling whose size is given": we_say(
        r"max_unpool.*(must be an integer.*got .*\d\.0|must be at least|must be one integer)"
    ),
    "torch has results without pixels, or of windows without pixels": we_say(
        r"leaves nothing of axis|leaves no pixel|holds no pixel"
    ),
    "pad in torch looks at its value only where there is something to fill": we_say("does not fit into"),
    "torch pads in mode circular with pixels that it has cropped away": we_say("'circular' can add at most"),
    "torch takes means and norms of whole or complex numbers in some cases": we_say("is for .*, as in torch"),
    "torch takes a dilation of 0 for a kernel of one tap, and -1 for a size that it works out": we_say(
        r"dilation must be at least 1|weight_size must be at least 0"
    ),
    "adaptive_avg_pool3d in torch takes arrays with any number of axes in front": we_say(
        r"adaptive_avg_pool3d: input must be"
    ),
    "torch takes a dropout_p that is no probability, such as NaN": we_say("dropout_p must lie between"),
    "torch takes a norm_type that half precision cannot hold": we_say("norm_type must be infinite or"),
    "the fuzzer allows 2^22 bytes only, so that it is quick": we_say("that are allowed"),
    # torch is wrong, or of two minds
    "pixel_unshuffle and attention in torch give empty tensors of a wrong shape": of_an_empty_answer,
    "interpolate and attention in torch answer in two ways, as their notes here say": of_two_minds,
    "of the many complex infinities, another one comes out": of_complex_infinity,
    "conv_matrix of an infinite weight: 0 times infinity is NaN": of_infinite_weights,
    "torch adds up long sums of half precision in half precision": of_half_numbers,
    "multi_head_attention of whole numbers loses its digits below double precision": of_long_sums_in_heads,
    "pad in torch turns the value into a float64 first, which is too short for some int64": of_a_large_value,
}


def judged(case: Case, ours: Any, others: Any, whose: str) -> str:
    """The class that the two outcomes fall into; a `Finding` where they should be alike and are not."""
    if isinstance(ours, Refused) and isinstance(others, Refused):
        return "both refuse"
    differs = "one refuses"
    if not isinstance(ours, Refused) and not isinstance(others, Refused):
        differs = same(ours, others)
        if differs is None:
            return "both agree"
    for reason, fits in DIFFERENCES.items():
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
        return value.form in SAME_IN_BOTH and 0 < math.prod(value.shape) <= 2**16  # or it divides by 0 heads
    if isinstance(value, Scalar):
        return False
    if isinstance(value, list | tuple):
        return len(value) < 10 and all(not isinstance(entry, list) and tame(entry) for entry in value)
    if isinstance(value, int | float | np.integer):
        return not abs(value) > 2**10
    return value is None or isinstance(value, str)


# What may differ between the messages for arrays and for tensors: names, and arrays where a number was meant.
# A few things are wrong with one of them alone.
IN_OTHER_WORDS = re.compile(
    r"torch\.(?=[a-z]+\d|bool)|\([\d, ]+\)|(?<=take )\d+(?= GiB)|(?<=got )(array|tensor)\(.*"
    r"|(?<==)(array|tensor)\(.*",
    re.DOTALL,
)
SAID_OF_ONE_ALONE = re.compile(
    "torch does not offer|is a NumPy array but|as in torch; got|an index lies outside|must be equal"
)


def run_case(case: Case) -> list[str]:
    """The classes of everything that was compared."""
    ours = call(case, case.library)
    both = all(array.form in SAME_IN_BOTH and array.library is None for array in arrays_in(case))
    both = both and not any(isinstance(value, Scalar) for value in case.arguments.values())
    classes = []
    dispatched = hasattr(getattr(convlib, case.function), "__wrapped__") or case.function == "sliding_windows"
    if both and dispatched and case.library == "numpy":
        twin = call(case, "torch")
        classes.append("twin: " + judged(case, ours, twin, "our twin"))
        if isinstance(ours, Refused) and isinstance(twin, Refused):
            one, other = (IN_OTHER_WORDS.sub("", outcome.message) for outcome in (ours, twin))
            if one != other and not SAID_OF_ONE_ALONE.search(one + other):
                raise Finding(f"arrays: {one} -- tensors: {other}")
    accepted = not isinstance(ours, Refused)
    if both and (accepted or all(map(tame, case.arguments.values()))):
        reference = theirs(case) if accepted or case.right or case.function not in REFERENCES else None
        if reference is not None:
            classes.append("torch: " + judged(case, ours, reference, "torch"))
    return classes or ["answered" if accepted else "refused"]


# --- the test -----------------------------------------------------------------------------------------------


def load_everything() -> None:
    """The first derivative, and the first tensor on meta, take seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.func.vjp(torch.neg, torch.ones(1))[1](torch.ones(1))
        for device in ("cpu", "meta"):
            leaf = torch.zeros(1, 4, 4, device=device, requires_grad=True)
            F.interpolate(F.pixel_unshuffle(leaf, 1)[None], 2).sum().backward()


@contextmanager
def bounded() -> Iterator[None]:
    """A low limit for results, a clock, a count of memory; torch tells every warning, not only the first."""
    handler = signal.signal(signal.SIGALRM, stop)
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    tracemalloc.start(1)
    with (
        unittest.mock.patch.object(shapes, "LARGEST_ALLOCATION", ALLOWED),
        unittest.mock.patch.object(shapes, "MOST_STEPS", 2**16),
    ):
        yield
    tracemalloc.stop()
    torch.set_warn_always(always)
    signal.signal(signal.SIGALRM, handler)


@pytest.fixture(scope="module", autouse=True)
def everything_loaded() -> None:
    load_everything()


@pytest.fixture(autouse=True)
def bounds() -> Iterator[None]:
    with bounded():
        yield


@pytest.mark.parametrize("function", FUNCTIONS)
def test_any_arguments_get_the_right_answer_or_a_plain_refusal(function: str) -> None:
    classes: collections.Counter[str] = collections.Counter()
    numbers = [int(ONLY)] if ONLY else range(CASES)
    for number in numbers:
        case = case_of(function, number)
        try:
            classes.update(run_case(case))
        except Finding as finding:
            pytest.fail(f"{finding}\ncase {number}: {case}", pytrace=bool(ONLY))
    if not ONLY and CASES >= 60:
        answered = sum(count for name, count in classes.items() if "agree" in name or name == "answered")
        assert answered > CASES / 20, f"teach the fuzzer: hardly a call of {function} is right: {classes}"
