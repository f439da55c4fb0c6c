"""Several threads: the pieces that an algorithm cuts its work into are independent, so each takes the next.

NumPy lets go of Python's lock in a matrix product and in long sums, so the pieces run at the same time. The
matrix products get one thread each: two products at a time wait less for each other than two halves of one.
To wake a thread costs a tenth of a millisecond, so small convolutions stay in one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from convlib.algorithms.problem import Problem
from convlib.shapes import as_integer

SMALL = 2**25  # multiply-adds; below, one thread is faster


class _Helpers:
    """The threads beside the one that asks."""

    def __init__(self, count: int, pool: ThreadPoolExecutor) -> None:
        self.count, self.pool = count, pool


_helpers: ContextVar[_Helpers | None] = ContextVar("helpers", default=None)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute large convolutions of arrays with so many threads, as long as the block runs.

    Parameters
    ----------
    count : int
        Of threads, at least 1; more than the machine has processors help nobody. While the block runs, the
        matrix products of the whole process get one thread each.

    Raises
    ------
    ValueError, TypeError
        A count that is not a whole number from 1 on.
    ImportError
        Without threadpoolctl, which tells the matrix products of NumPy how many threads to use.

    Examples
    --------
    >>> from convlib import conv2d
    >>> image, kernel = np.ones((1, 16, 100, 100)), np.ones((16, 16, 3, 3))
    >>> with threads(2):
    ...     conv2d(image, kernel)[0, 0, 0, 0]
    144.0
    """
    count = as_integer(count, "count", "threads")
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ImportError("threads needs threadpoolctl: pip install threadpoolctl") from None
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max(1, count - 1)) as pool:
        before = _helpers.set(_Helpers(count - 1, pool) if count > 1 else None)
        try:
            yield
        finally:
            _helpers.reset(before)


def parts(problem: Problem) -> int:
    """Into how many pieces the work should be cut at least."""
    helpers = _helpers.get()
    return 1 if helpers is None or problem.multiply_adds < SMALL else 1 + helpers.count


def for_each(work: Callable[..., None], pieces: Iterable[tuple[Any, ...]]) -> None:
    """Do the work for every piece; with helpers, each takes the next one that is left."""
    helpers = _helpers.get()
    if helpers is None:
        for piece in pieces:
            work(*piece)
        return
    left = deque(pieces)

    def some() -> None:
        with np.errstate(all="ignore"):
            while left:
                try:
                    piece = left.popleft()
                except IndexError:  # another one was faster
                    return
                work(*piece)

    helping = [helpers.pool.submit(some) for _ in range(min(helpers.count, len(left) - 1))]
    some()
    for one in helping:
        one.result()


def share(total: int, most: int, count: int) -> int:
    """How many of a total a piece takes: at most `most`, so that there are at least `count` pieces.

    Examples
    --------
    >>> share(total=56, most=100, count=2), share(total=56, most=20, count=2)
    (28, 20)
    """
    return max(1, min(most, -(-total // count)))
