"""Several threads: the pieces that an algorithm cuts its work into are independent, so each takes the next.

A matrix product of NumPy has threads of its own; everything else runs in one. So what is shared here is the
work around the products: NumPy lets go of Python's lock while it moves and adds up many numbers, so that the
pieces run at the same time. A product gets one thread meanwhile, because two pieces at a time wait less for
each other than two halves of each product. To wake a thread and to hand over Python's lock cost time, so
where little is moved, all is left to the threads of the products.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any

import numpy as np

from convlib.shapes import as_integer

LITTLE = 2**19  # numbers; where fewer are moved, the threads of the matrix products are as fast


class _Helpers:
    """The threads beside the one that asks."""

    def __init__(self, count: int, pool: ThreadPoolExecutor, blas: Any) -> None:
        self.count, self.pool, self.blas = count, pool, blas


_helpers: ContextVar[_Helpers | None] = ContextVar("helpers", default=None)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute large convolutions of arrays with so many threads, as long as the block runs.

    Parameters
    ----------
    count : int
        Of threads, at least 1; more than the machine has processors help nobody. Small convolutions and
        everything else are left to the matrix products' own threads.

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
    ...     float(conv2d(image, kernel)[0, 0, 0, 0])
    144.0
    """
    count = as_integer(count, "count", "threads")
    try:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ImportError("threads needs threadpoolctl: pip install threadpoolctl") from None
    with ThreadPoolExecutor(max(1, count - 1)) as pool:
        helpers = _Helpers(count - 1, pool, ThreadpoolController().select(user_api="blas"))
        before = _helpers.set(helpers if count > 1 else None)
        try:
            yield
        finally:
            _helpers.reset(before)


def parts(moved: float) -> int:
    """Into how many pieces the work should be cut at least, which moves so many numbers."""
    helpers = _helpers.get()
    return 1 if helpers is None or moved < LITTLE else 1 + helpers.count


def for_each(work: Callable[..., None], pieces: Iterable[tuple[Any, ...]], moved: float) -> None:
    """Do the work for every piece; where threads pay, each of them takes the next one that is left."""
    helpers, left = _helpers.get(), deque(pieces)
    if helpers is None or parts(moved) == 1 or len(left) == 1:
        for piece in left:
            work(*piece)
        return

    def some() -> None:
        _helpers.set(None)  # a piece of a piece stays in its thread
        with np.errstate(all="ignore"):
            while left:
                try:
                    piece = left.popleft()
                except IndexError:  # another one was faster
                    return
                work(*piece)

    with helpers.blas.limit(limits=1):
        helping = [helpers.pool.submit(some) for _ in range(min(helpers.count, len(left) - 1))]
        copy_context().run(some)
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
