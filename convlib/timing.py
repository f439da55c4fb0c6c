"""Measuring how long things take, fairly: side by side, in turns, and many times.

A machine is never quiet, and its speed changes while it is measured. So what is to be compared runs in one
process and in random order in each round, and the answer is the median of the rounds' ratios: a slow moment
hits all.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from convlib.shapes import as_integer


class Race(NamedTuple):
    """Seconds of every round for each name."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        """The usual time of one, in seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, to: str) -> float:
        """How many times as long as another one it takes, usually."""
        pairs = zip(self.seconds[name], self.seconds[to], strict=True)
        return statistics.median(one / other for one, other in pairs)


def race(contestants: Mapping[str, Callable[[], Any]], rounds: int = 11, seed: int = 0) -> Race:
    """Time functions against each other, in random order within each round; the first does not count.

    Parameters
    ----------
    contestants : mapping of str to callable
        Each is called without arguments. On a GPU it has to wait for its own answer
        (``torch.cuda.synchronize``): a call only hands the work over.
    rounds : int
        How often each of them runs.
    seed : int
        Of the order.

    Returns
    -------
    Race

    Raises
    ------
    ValueError, TypeError
        Nothing to time, something that cannot be called, or no round.

    Examples
    --------
    >>> result = race({"nothing": lambda: None, "a nap": lambda: time.sleep(0.001)}, rounds=3)
    >>> result.ratio("a nap", to="nothing") > 1
    True
    """
    if not contestants:
        raise ValueError("race: there is nothing to time")
    for name, one in contestants.items():
        if not callable(one):
            raise TypeError(f"race: {name!r} must be a function without arguments, got {type(one).__name__}")
    rounds = as_integer(rounds, "rounds", "race")
    order = random.Random(seed)
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name in order.sample(list(contestants), len(contestants)):
            start = time.perf_counter()
            contestants[name]()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return Race(seconds)


def machine() -> str:
    """Name the processor, the versions, and the kernels that NumPy's BLAS and torch chose for it."""
    import numpy as np

    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():  # Linux, where platform names only the architecture
        processor = cpuinfo.read_text().partition("model name\t: ")[2].partition("\n")[0] or processor
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    loading = [sys.executable, "-c", "import numpy"]
    told = subprocess.run(loading, env=os.environ | {"OPENBLAS_VERBOSE": "2"}, capture_output=True, text=True)
    kernel = told.stderr.partition("Core: ")[2].strip() or "unknown"
    words = (
        f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"NumPy {np.__version__} with {blas['name']} {blas['version']} (kernel {kernel})"
    )
    if torch := sys.modules.get("torch"):
        words += f", torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})"
        if torch.cuda.is_available():
            words += f"; GPU {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    return words
