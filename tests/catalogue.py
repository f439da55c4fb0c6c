"""How a wrong call is judged: for arrays and tensors, by position and by keyword, to the letter."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from agreement import Zeros


def assert_refused(function: Callable[..., Any], arguments: tuple, options: dict, message: str) -> None:
    """`message` begins with the error's type: ``"ValueError: conv2d: ..."``."""
    __tracebackhide__ = True
    names = list(inspect.signature(function).parameters)
    for library in ("numpy", "torch"):
        make = lambda value, library=library: value.make(library) if isinstance(value, Zeros) else value  # noqa: E731
        positional = [make(value) for value in arguments]
        named = {name: make(value) for name, value in options.items()}
        by_name = dict(zip(names, positional, strict=False))
        for call in (
            lambda p=positional, k=named: function(*p, **k),
            lambda b=by_name, k=named: function(**b, **k),
        ):
            with pytest.raises((ValueError, TypeError)) as caught:
                call()
            told = f"{type(caught.value).__name__}: {caught.value}"
            assert (
                told.replace("torch.float", "float")
                .replace("torch.bool", "bool")
                .replace("torch.comp", "comp")
                .replace("torch.int", "int")
                == message
            )
