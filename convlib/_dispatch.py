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

Array: TypeAlias = Any  # a NumPy array or a torch tensor; the result is of the same kind as the arguments

P = ParamSpec("P")
R = TypeVar("R")


def is_tensor(value: object) -> bool:
    """True for a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def dispatch(check: Callable[P, object]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a NumPy function that has a twin in `torch_ops`.

    `check` takes the same arguments and raises before anything is computed, whichever of the two will run.
    torch.compile traces it, too: there it has to get by with what torch can follow, which generators inside
    math.prod, for instance, are not.
    """

    def decorate(body: Callable[P, R]) -> Callable[P, R]:
        names = tuple(inspect.signature(body).parameters)
        check.__qualname__ = body.__name__  # Python names it when it refuses an argument

        @functools.wraps(body)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
            arrays = [name for name, value in given.items() if isinstance(value, np.ndarray)]
            tensors = [name for name, value in given.items() if is_tensor(value)]
            if arrays and tensors:
                raise TypeError(
                    f"{body.__name__}: {arrays[0]} is a NumPy array but {tensors[0]} is a torch tensor; "
                    "convert one of them"
                )
            check(*args, **kwargs)
            if tensors:
                from convlib import torch_ops

                twin: Callable[P, R] = getattr(torch_ops, body.__name__)
                try:
                    return twin(*args, **kwargs)
                except NotImplementedError as error:  # so torch says that it has no kernel for a dtype
                    first = given[tensors[0]]
                    where = "" if first.device.type == "cpu" else f" on {first.device.type}"
                    raise TypeError(
                        f"{body.__name__}: torch does not offer it for {first.dtype}{where}"
                    ) from error
            given.update({name: np.asarray(given[name]) for name in arrays})  # a memmap or matrix is an array
            compute: Callable[..., R] = body
            with np.errstate(all="ignore"):  # NaN and infinity flow without a warning, as in torch
                return compute(**given)

        return run

    return decorate


def require_array(function: str, name: str, value: object) -> None:
    """Raise unless `value` is a NumPy array or a torch tensor, with numbers or truth values in it."""
    if not (isinstance(value, np.ndarray) or is_tensor(value)):
        raise TypeError(
            f"{function}: {name} must be a NumPy array or a torch tensor, got {type(value).__name__}"
        )
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        raise TypeError(f"{function}: {name} must hold numbers, got {value.dtype}")


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
