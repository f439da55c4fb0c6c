"""Single arguments: what a message shows of them, and the checks that every room shares.

Whatever a caller gives, a message about it must come out: a number of ten thousand digits, a list that holds
itself and an object that cannot be shown are told as well as a 3.
"""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxtuple = self.maxlist = self.maxset = self.maxfrozenset = self.maxdict = self.maxdeque = 12
        self.maxstring = self.maxother = 80

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to write out numbers of more than 4300 digits
        return repr(x) if x.bit_length() <= 256 else f"an integer of {x.bit_length()} bits"

    def repr_instance(self, x: object, level: int) -> str:
        try:
            text = repr(x)
        except Exception:  # whatever an object says instead of its name
            return f"<{type(x).__name__}>"
        return text if len(text) <= self.maxother else f"{text[: self.maxother - 3]}..."


shown = _Short().repr  # as repr, but short, and never an error


def require_one_of(function: str, name: str, value: object, words: Sequence[str]) -> None:
    """Raise unless `value` is one of the words.

    Examples
    --------
    >>> require_one_of("pad", "mode", "same", ("constant", "reflect", "circular"))
    Traceback (most recent call last):
    ValueError: pad: mode must be 'constant', 'reflect' or 'circular', got 'same'
    """
    if not (isinstance(value, str) and value in words):
        *first, last = map(repr, words)
        raise ValueError(f"{function}: {name} must be {', '.join(first)} or {last}, got {shown(value)}")


def require_flag(function: str, name: str, value: object, or_none: bool = False) -> None:
    """Raise unless `value` is True or False, or None where that has a meaning."""
    if not (isinstance(value, bool) or (or_none and value is None)):
        words = "True, False or None" if or_none else "True or False"
        raise TypeError(f"{function}: {name} must be {words}, got {shown(value)}")


def as_real(function: str, name: str, value: Any) -> float:
    """Python's own number for any real one; whole numbers stay whole, and so exact.

    Examples
    --------
    >>> import numpy as np
    >>> as_real("pad", "value", np.float16(2.5)), as_real("pad", "value", np.uint8(3))
    (2.5, 3)
    """
    if not isinstance(value, Real):
        raise TypeError(f"{function}: {name} must be a real number, got {shown(value)}")
    try:
        return operator.index(value) if isinstance(value, Integral) else float(value)
    except OverflowError:
        raise ValueError(f"{function}: {name} must fit into a float, got {shown(value)}") from None


def is_several(value: Any) -> bool:
    """True for what gives one number for each axis: a tuple or a list, as in torch."""
    return isinstance(value, tuple | list)
