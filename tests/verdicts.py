"""The judges, asked once more and counted: what the page "How this book is tested" shows.

Each function gives the rows of a table. A judge that finds a fault raises, so no table shows one.
"""

import importlib
from collections import Counter

import numpy as np
import torch
from catalogue import assert_refused
from test_torch_ops import OPERATIONS

import convlib
from convlib.oracles import finite_difference

CATALOGUES = (
    "test_adaptive_pool", "test_conv", "test_conv_transpose", "test_pool", "test_resize", "test_shapes",
    "test_tokens", "test_windows", "test_wrong_calls",
)  # fmt: skip


def family(name: str) -> str:
    """The room of the operation that a row of `OPERATIONS` is about."""
    return getattr(convlib, name.split(",")[0]).__module__.removeprefix("convlib.")


def numbers_of(results: object) -> list[np.ndarray]:
    several = results if isinstance(results, tuple) else (results,)
    return [one.detach().numpy() if isinstance(one, torch.Tensor) else one for one in several]


def largest_difference(ones: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Relative, and absolute below 1."""
    return max(
        (np.abs(a - b) / np.maximum(np.abs(b), 1)).max() for a, b in zip(ones, others, strict=True) if a.size
    )


def agreement() -> list[tuple[str, int, float, float]]:
    """(room, operations, NumPy beside torch, autograd beside finite differences), both the largest difference."""
    rows: dict[str, list[float]] = {}
    for name, (operation, tensors) in OPERATIONS.items():
        arrays = [tensor.numpy() for tensor in tensors]
        values = largest_difference(numbers_of(operation(*arrays)), numbers_of(operation(*tensors)))
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        torch.autograd.backward([one.sum() for one in _several(operation(*leaves))])
        slopes = [
            finite_difference(lambda x, at=at: _total(operation, arrays, at, x), arrays[at])
            for at in range(len(arrays))
        ]
        gradients = largest_difference([leaf.grad.numpy() for leaf in leaves], slopes)
        rows.setdefault(family(name), []).append((values, gradients))
    return [(room, len(each), *map(max, zip(*each, strict=True))) for room, each in sorted(rows.items())]


def _several(results: object) -> tuple:
    return results if isinstance(results, tuple) else (results,)


def _total(operation, arrays: list[np.ndarray], at: int, x: np.ndarray) -> float:
    moved = [x if i == at else array for i, array in enumerate(arrays)]
    return sum(one.sum() for one in numbers_of(operation(*moved)))


def refusals() -> list[tuple[str, int]]:
    """(function, wrong calls that it refuses to the letter), of all catalogues."""
    counts: Counter[str] = Counter()
    for module in CATALOGUES:
        for row in importlib.import_module(module).WRONG:
            if len(row) == 4:
                function, *rest = row
                assert_refused(getattr(convlib, function) if isinstance(function, str) else function, *rest)
            else:
                call, message = row
                try:
                    call()
                except (TypeError, ValueError) as error:
                    assert f"{type(error).__name__}: {error}" == message
                else:
                    raise AssertionError(f"not refused: {message}")
            counts[row[-1].split(": ")[1]] += 1
    return sorted(counts.items())
