"""The judges, asked once more and counted: what the page "How this book is tested" shows.

Each function gives the rows of a table. A judge that finds a fault raises, so no table shows one.
"""

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from catalogue import assert_refused
from hostile import FUNCTIONS, case_of
from test_fuzz import DIFFERENCES, bounded, load_everything, run_case
from test_torch_ops import OPERATIONS, forward_and_backward

import convlib
from convlib.oracles import finite_difference

CATALOGUES = (
    "test_adaptive_pool", "test_attention", "test_blur_pool", "test_conv", "test_conv_transpose",
    "test_equivariance", "test_group_conv", "test_initial_weights", "test_pool", "test_resize", "test_shapes",
    "test_tokens", "test_windows", "test_wrong_calls",
)  # fmt: skip


def family(name: str) -> str:
    """The room of the operation that a row of `OPERATIONS` is about."""
    return getattr(convlib, name.split(",")[0]).__module__.removeprefix("convlib.")


def together(results: Any) -> list[Any]:
    return list(results) if isinstance(results, tuple) else [results]


def values(results: Any) -> list[np.ndarray]:
    return [one.detach().numpy() if isinstance(one, torch.Tensor) else one for one in together(results)]


def gradients(operation: Callable, tensors: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """By torch, through the operation's twin, of the sum of all that it gives."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    sum(one.sum() for one in together(operation(*leaves))).backward()
    return [leaf.grad.numpy() for leaf in leaves]


def slopes(operation: Callable, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same by moving every number of every array a little."""

    def total(moved: np.ndarray, at: int) -> float:
        return sum(one.sum() for one in values(operation(*arrays[:at], moved, *arrays[at + 1 :])))

    return [finite_difference(partial(total, at=at), array) for at, array in enumerate(arrays)]


def farthest(ones: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """The largest difference: relative, and absolute below 1."""
    pairs = zip(ones, others, strict=True)
    return float(max((np.abs(a - b) / np.maximum(np.abs(b), 1)).max() for a, b in pairs))


def agreement() -> list[tuple[str, int, float, float]]:
    """(room, operations, NumPy beside torch, autograd beside finite differences): how far apart at most."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, (operation, tensors) in OPERATIONS.items():
        arrays = [tensor.numpy() for tensor in tensors]
        answers = farthest(values(operation(*arrays)), values(operation(*tensors)))
        ways_back = farthest(gradients(operation, tensors), slopes(operation, arrays))
        rows.setdefault(family(name), []).append((answers, ways_back))
    return [(room, len(each), *map(max, zip(*each, strict=True))) for room, each in sorted(rows.items())]


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


OUTCOMES = {
    "twin: both agree": "array and tensor get the same answer",
    "twin: both refuse": "array and tensor are refused in the same words",
    "torch: both agree": "torch gives the same answer",
    "torch: both refuse": "torch refuses, too",
    "answered": "an answer, where nobody else could be asked",
    "refused": "a refusal, where nobody else could be asked",
}


def fuzzed(cases: int) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(outcome, calls) of so many calls of each function, and the same of the differences on purpose."""
    load_everything()
    classes: Counter[str] = Counter()
    with bounded():
        for function in FUNCTIONS:
            for number in range(cases):
                classes.update(run_case(case_of(function, number)))
    different = {reason: 0 for reason in DIFFERENCES}
    assert set(classes) <= set(OUTCOMES) | {
        f"{whose}: {reason}" for whose in ("twin", "torch") for reason in different
    }
    for name in list(classes):
        reason = name.partition(": ")[2]
        if reason in different:
            different[reason] += classes.pop(name)
    return [(told, classes[name]) for name, told in OUTCOMES.items()], sorted(different.items())


def placed() -> int:
    """Operations that run forward and backward on meta tensors without a step on another device."""
    for operation, tensors in OPERATIONS.values():
        forward_and_backward(operation, tensors, "meta")
    return len(OPERATIONS)
