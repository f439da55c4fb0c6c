"""What an algorithm is asked: which images, which kernels, and where the windows lie."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from convlib._dispatch import Array
from convlib.shapes import Ints, Layout, Padding, conv_layout

MEBIBYTE = 2**20

# A matrix product makes so many multiply-adds in the time that it takes to copy a number to another place.
MOVE = 16


class Problem(NamedTuple):
    """The sizes of one convolution."""

    images: int
    channels: int
    outputs: int
    groups: int
    size: tuple[int, ...]  # of an image, without padding
    layout: Layout
    itemsize: int

    @property
    def pixels(self) -> int:
        """Output pixels of one image."""
        return math.prod(self.layout.positions)

    @property
    def taps(self) -> int:
        """Taps of one slice of a kernel."""
        return math.prod(self.layout.kernel)

    @property
    def multiply_adds(self) -> int:
        """What the definition costs."""
        return self.images * self.outputs * self.pixels * self.channels // self.groups * self.taps

    @property
    def is_large(self) -> bool:
        """Whether its columns (`im2col`) are worth cutting into pieces."""
        numbers = self.images * self.channels * self.taps * self.pixels
        return numbers * self.itemsize > MEBIBYTE // 4

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the answer."""
        return (self.images, self.outputs, *self.layout.positions)


def problem_of(
    input_size: Sequence[int], weight_size: Sequence[int], itemsize: int,
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> Problem:  # fmt: skip
    """The sizes of a convolution whose arguments were checked; those of the last ones are kept."""
    window = (tuple(option) if isinstance(option, list) else option for option in (stride, padding, dilation))
    return _problem_of(tuple(input_size), tuple(weight_size), itemsize, *window, groups)


@functools.lru_cache(maxsize=1024)
def _problem_of(
    input_size: tuple[int, ...], weight_size: tuple[int, ...], itemsize: int,
    stride: Ints, padding: Padding, dilation: Ints, groups: int,
) -> Problem:  # fmt: skip
    images, channels, *size = input_size
    layout = conv_layout(size, weight_size[2:], stride, padding, dilation)
    return Problem(images, channels, weight_size[0], groups, tuple(size), layout, itemsize)


def reach(size: int, start: int, step: int, count: int) -> tuple[slice, slice]:
    """Which of `count` windows meet the image with one of their taps, and where in the image.

    The tap of window i lies at the pixel ``start + i * step``, which is in the padding below 0 and from
    `size` on.

    Examples
    --------
    >>> reach(size=5, start=-1, step=2, count=4)  # pixels -1, 1, 3, 5
    (slice(1, 3, None), slice(1, 4, 2))
    """
    first = max(0, -(start // step))
    last = min(count, (size - 1 - start) // step + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(start + first * step, start + (last - 1) * step + 1, step)


class _Kept(threading.local):
    def __init__(self) -> None:
        self.bytes: dict[str, Array] = {}


_kept = _Kept()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Room for numbers on the way, which holds anything at first.

    A thread keeps it for the next call, because fresh memory can cost more than the arithmetic; more than
    4 MiB under one name are not kept.
    """
    dtype = np.dtype(dtype)
    needed = math.prod(shape) * dtype.itemsize
    room = _kept.bytes.get(name)
    if room is None or room.nbytes < needed:
        room = np.empty(needed, np.uint8)
        if needed <= 4 * MEBIBYTE:
            _kept.bytes[name] = room
    return room[:needed].view(dtype).reshape(shape)
