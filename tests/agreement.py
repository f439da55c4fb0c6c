"""Convolutions drawn at random, and what it means that two answers agree."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st


@dataclass
class Case:
    """A convolution whose sizes fit; `pads` says in pairs what `options["padding"]` says in torch's words."""

    input: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    options: dict[str, Any]
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    output_shape: tuple[int, ...]
    random: np.random.Generator

    @property
    def axes(self) -> int:
        return self.weight.ndim - 2

    @property
    def batch(self) -> np.ndarray:
        """The input with a batch axis, for the loops."""
        return self.input if self.input.ndim == self.weight.ndim else self.input[None]


@st.composite
def cases(draw, axes: int, largest_kernel: int = 4, room: int = 4) -> Case:
    """Every option of conv1d, conv2d or conv3d, in every form in which it may be given."""

    def one_per_axis(low: int, high: int) -> tuple[Any, tuple[int, ...]]:
        numbers = tuple(draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes)))
        form = draw(st.sampled_from(["tuple", "list", "int"]))
        if form == "int":
            return numbers[0], numbers[:1] * axes
        return (numbers if form == "tuple" else list(numbers)), numbers

    _, kernel = one_per_axis(1, largest_kernel)
    dilation_option, dilation = one_per_axis(1, 3)
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    kind = draw(st.sampled_from(["numbers", "numbers", "same", "valid"]))
    stride_option, stride = (1, (1,) * axes) if kind == "same" else one_per_axis(1, 3)
    if kind == "numbers":
        padding_option, numbers = one_per_axis(0, 3)
        pads = tuple((p, p) for p in numbers)
    elif kind == "same":  # the odd pixel goes after
        padding_option, pads = "same", tuple(((e - 1) // 2, e // 2) for e in extents)
    else:
        padding_option, pads = "valid", ((0, 0),) * axes
    extra = draw(st.lists(st.integers(0, room), min_size=axes, max_size=axes))
    size = [max(1, e - sum(p) + more) for e, p, more in zip(extents, pads, extra, strict=True)]
    groups, slices = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    out_channels = groups * draw(st.integers(1, 2))
    leading = draw(st.sampled_from([(2,), (1,), (0,), ()]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    counts = [(n + sum(p) - e) // s + 1 for n, p, e, s in zip(size, pads, extents, stride, strict=True)]
    return Case(
        input=random.normal(size=(*leading, groups * slices, *size)),
        weight=random.normal(size=(out_channels, slices, *kernel)),
        bias=random.normal(size=out_channels) if draw(st.booleans()) else None,
        options={
            "stride": stride_option, "padding": padding_option, "dilation": dilation_option, "groups": groups,
        },
        stride=stride,
        pads=pads,
        dilation=dilation,
        output_shape=(*leading, out_channels, *counts),
        random=random,
    )  # fmt: skip


def tensor(array: np.ndarray | None, **options: Any) -> torch.Tensor | None:
    return None if array is None else torch.tensor(array, **options)


def assert_agree(actual: Any, expected: Any, tolerance: float = 1e-10) -> None:
    """Value, dtype and shape; `tolerance` is relative, and absolute below 1. NaN agrees with NaN."""
    if isinstance(expected, torch.Tensor):
        expected = expected.detach().cpu().numpy()
    if isinstance(actual, torch.Tensor):
        actual = actual.detach().cpu().numpy()
    assert isinstance(actual, np.ndarray)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def ramp(*shape: int, dtype: str = "float64") -> np.ndarray:
    """1, 2, 3, ... in reading order."""
    return np.arange(1, math.prod(shape) + 1).reshape(shape).astype(dtype)


@dataclass(frozen=True)
class Zeros:
    """An array still to be made, of NumPy or of torch: a view of one zero, so that no size is too large."""

    shape: tuple[int, ...]
    dtype: str = "float64"

    def make(self, library: str) -> Any:
        if library == "numpy":
            return np.broadcast_to(np.zeros((), self.dtype), self.shape)
        return torch.zeros((), dtype=getattr(torch, self.dtype)).expand(self.shape)


def zeros(*shape: int, dtype: str = "float64") -> Zeros:
    return Zeros(shape, dtype)
