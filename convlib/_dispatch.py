"""NumPy arrays run the function they were given to; torch tensors run its namesake in `torch_ops`.

torch is never imported unless a tensor arrives, and a tensor can only arrive once the caller has imported it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from convlib._checks import shown

Array: TypeAlias = Any  # a NumPy array or a torch tensor; the result is of the same kind as the arguments

P = ParamSpec("P")
R = TypeVar("R")


def is_tensor(value: object) -> bool:
    """True for a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def library_of(array: Array) -> Any:
    """torch for a tensor and NumPy for an array: for the few functions that both call the same."""
    return sys.modules["torch"] if is_tensor(array) else np


def plain(value: Any) -> Any:
    """An array without what its subclass adds: the products of a `numpy.matrix` are others."""
    return np.asarray(value) if isinstance(value, np.ndarray) else value


def dtype_name(array: Array) -> str:
    """As torch and NumPy both call it, whatever the order of the bytes."""
    return str(getattr(array.dtype, "name", array.dtype)).removeprefix("torch.")


def wide(array: NDArray[Any]) -> NDArray[Any]:
    """Half precision is added up in single precision and rounded once at the end, as on a GPU."""
    return array.astype(np.float32) if array.dtype.type is np.float16 else array


def _torch_ops() -> Any:
    from convlib import torch_ops

    return torch_ops


REMEMBERED = 1024  # calls of a function that were found right


def _signature(args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[object, ...] | None:
    """Sizes, number types and options of a call; nothing where an argument is of an uncommon kind.

    Examples
    --------
    >>> _signature((np.zeros((2, 3)),), {"stride": 1}) == (1, "stride", (2, 3), np.dtype(float), int, 1)
    True
    """
    signature: list[object] = [len(args), *kwargs]
    for value in (*args, *kwargs.values()):
        kind = type(value)
        if kind is np.ndarray and isinstance(value, np.ndarray):
            signature += (value.shape, value.dtype)
        elif value is None or kind is int or kind is bool or kind is str:
            signature += (kind, value)  # True is equal to 1, and is not an integer
        elif isinstance(value, tuple) and all(type(number) is int for number in value):
            signature.append(value)
        else:
            return None
    return tuple(signature)


def dispatch(
    check: Callable[P, object], twins: Callable[[], Any] = _torch_ops, by_values: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a NumPy function that has a twin, of the same name, in the module that `twins` imports.

    `check` takes the same arguments and raises before anything is computed, whichever of the two will run.
    It goes by sizes, number types and options, so a call like an earlier one need not be checked again. A
    check that looks at the numbers in an array says so: `by_values`.
    torch.compile traces it, too: there it has to get by with what torch can follow, which generators inside
    math.prod, for instance, are not.
    """

    def decorate(body: Callable[P, R]) -> Callable[P, R]:
        names = tuple(inspect.signature(body).parameters)
        check.__qualname__ = body.__name__  # Python names it when it refuses an argument
        right: set[tuple[object, ...] | None] = set()

        @functools.wraps(body)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            signature = None if by_values else _signature(args, kwargs)
            if signature in right:
                with np.errstate(all="ignore"):
                    return body(*args, **kwargs)
            given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
            arrays = [name for name, value in given.items() if isinstance(value, np.ndarray)]
            tensors = [name for name, value in given.items() if is_tensor(value)]
            if arrays and tensors:
                raise TypeError(
                    f"{body.__name__}: {arrays[0]} is a NumPy array but {tensors[0]} is a torch tensor; "
                    "convert one of them"
                )
            check(*args, **kwargs)
            for other in tensors[1:]:
                if given[other].device != given[tensors[0]].device:
                    raise TypeError(
                        f"{body.__name__}: {tensors[0]} is on {given[tensors[0]].device} but {other} is on "
                        f"{given[other].device}; move one of them"
                    )
            if tensors:
                twin: Callable[P, R] = getattr(twins(), body.__name__)
                try:
                    return twin(*args, **kwargs)
                except NotImplementedError as error:  # so torch says that it has no kernel for a dtype
                    first = given[tensors[0]]
                    where = "" if first.device.type == "cpu" else f" on {first.device.type}"
                    raise TypeError(
                        f"{body.__name__}: torch does not offer it for {first.dtype}{where}"
                    ) from error
            if signature is not None and len(right) < REMEMBERED:
                right.add(signature)
            given.update({name: plain(given[name]) for name in arrays})
            compute: Callable[..., R] = body
            with np.errstate(all="ignore"):  # NaN and infinity flow without a warning, as in torch
                return compute(**given)

        return run

    return decorate


def require_array(function: str, name: str, value: object) -> None:
    """Raise unless `value` is a NumPy array or a torch tensor that holds a number at every place."""
    if is_tensor(value):
        _require_dense(function, name, value)
        return
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{function}: {name} must be a NumPy array or a torch tensor, got {type(value).__name__}"
        )
    if value.dtype.kind not in "biufc":
        raise TypeError(f"{function}: {name} must hold numbers, got an array of {shown(value.dtype)}")
    masked = sys.modules.get("numpy.ma")  # loaded only where somebody masks
    if masked is not None and isinstance(value, masked.MaskedArray):
        raise TypeError(f"{function}: {name} is a masked array, and its mask would be lost; fill it first")


def _require_dense(function: str, name: str, tensor: Any) -> None:
    kind = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.").strip("_")
    kind = "quantized" if tensor.is_quantized else kind
    if kind != "strided":
        raise TypeError(f"{function}: {name} must be a dense tensor, got one that is {kind}")


def autocasts(*arrays: Array | None) -> bool:
    """True for tensors that an active `torch.autocast` makes one dtype; it leaves double precision alone."""
    given = [array for array in arrays if array is not None]
    if not all(map(is_tensor, given)):
        return False
    torch, device = sys.modules["torch"], given[0].device.type
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return False
    return all(array.dtype.is_floating_point and array.dtype.itemsize < 8 for array in given)


def require_same_dtype(function: str, **arrays: Array) -> None:
    """Raise unless all arrays that are not None share one dtype, as torch demands."""
    given = {name: array for name, array in arrays.items() if array is not None}
    (first, reference), *others = given.items()
    for name, array in others:
        if array.dtype != reference.dtype:
            raise TypeError(
                f"{function}: {first} is {reference.dtype} but {name} is {array.dtype}; they must be equal"
            )
