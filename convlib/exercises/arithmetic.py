"""Arithmetic as people type it: answers of readers, and formulas of questions that draw their numbers.

The question page computes the same in JavaScript; the tests compare the two.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

LONGEST = 200
LARGEST = 1e15  # whole numbers stay exact in a page up to there

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "abs": abs,
    "min": min,
    "max": max,
}
NO_NAMES: Mapping[str, float] = {}

Value = float | tuple[Any, ...]


def evaluate(text: str, names: Mapping[str, float] = NO_NAMES, *, shape: bool = False) -> Value:
    """The value of a sum, a fraction, a shape.

    Numbers, `names`, parentheses, ``+ - * / // % **``, commas between the sizes of a shape, and the functions
    floor, ceil, sqrt, abs, min and max. People also write × for a product, [ ] around a shape, 50 % for a
    half, and arrays as NumPy prints them, [1. -2.].

    Parameters
    ----------
    text : str
    names : mapping of str to number
        What the letters stand for.
    shape : bool
        A × or an x between two numbers is a comma: 3 × 8 × 8.

    Returns
    -------
    number, or tuple of numbers and tuples

    Raises
    ------
    ValueError
        Where it is no arithmetic, divides by zero, or goes beyond 1e15.

    Examples
    --------
    >>> evaluate("floor((n + 2*1 - 3) / 2) + 1", {"n": 224}), evaluate("[5, 3, 8, 8]"), evaluate("25 %")
    (112, (5, 3, 8, 8), 0.25)
    """
    plain = re.sub(r"(?<=\d)\s*[x×]\s*(?=\d)", ", ", text) if shape else text
    if text.lstrip().startswith("["):  # as NumPy prints it
        plain = re.sub(r"(?<=[\d.\]])\s+(?=[-−]?[\d.\[(])", ", ", plain)
    plain = " ".join(plain.translate(str.maketrans("×·−[]", "**-()")).split())
    if not plain or len(plain) > LONGEST:
        raise ValueError("type a number, a fraction or a shape")
    if re.search(r"\d\s*%$", plain):
        plain = f"({plain[:-1]}) / 100"
    try:
        value: Value = _value(ast.parse(plain, mode="eval").body, names)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"this is no arithmetic: {text.strip()}") from None
    except ZeroDivisionError:
        raise ValueError(f"this divides by zero: {text.strip()}") from None
    except OverflowError:
        raise ValueError(f"this is too large: {text.strip()}") from None
    if not all(abs(number) <= LARGEST for number in _numbers(value)):
        raise ValueError(f"this is too large, or no number: {text.strip()}")
    return value


def _numbers(value: Value) -> Iterator[Any]:
    if isinstance(value, tuple):
        for each in value:
            yield from _numbers(each)
    else:
        yield value


def _value(node: ast.expr, names: Mapping[str, float]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Tuple(elts=elements) if elements:
            return tuple(_value(each, names) for each in elements)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            a, b = _number(left, names), _number(right, names)
            if isinstance(op, ast.Pow) and abs(b) * math.log2(abs(a) + 2) > 64:
                raise OverflowError
            if isinstance(op, ast.Pow) and a < 0 and b != int(b):
                raise SyntaxError  # the root of a negative number
            return OPERATORS[type(op)](a, b)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            try:
                return FUNCTIONS[name](*(_number(each, names) for each in arguments))
            except (TypeError, ValueError):  # too few or too many arguments, the root of a negative number
                raise SyntaxError from None
        case ast.Name(id=name):
            raise ValueError(f"{name} stands for no number here")
    raise SyntaxError


def _number(node: ast.expr, names: Mapping[str, float]) -> Any:
    value = _value(node, names)
    if isinstance(value, tuple):
        raise SyntaxError
    return value
