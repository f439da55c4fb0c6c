"""What the benchmarks share: child processes with a number of threads and a way with memory, and tables.

Three traps of such measurements are handled here:

- Fresh memory can cost more than the arithmetic. So everything is measured with memory that the process
  keeps between calls, and with `DEFAULT_MEMORY` on demand. (The setting is one of Linux's C library;
  elsewhere the two agree.)
- The threads of one library go on spinning for a while and steal the processor from the next. So with more
  than one thread each library has a process of its own.
- Libraries choose their number of threads when they are loaded. So it is set before, in the environment.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "_build" / "benchmarks"
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_TOP_PAD_": str(2**28),
}  # fmt: skip
DEFAULT_MEMORY: dict[str, str] = {}


def measured(script: str, *words: str, threads: int = 1, memory: dict[str, str] = KEEP_MEMORY) -> Any:
    """What a script prints as JSON when it is run as a process of its own."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | memory | dict.fromkeys(names, str(threads))
    command = [sys.executable, script, "--measure", *words]
    return json.loads(subprocess.check_output(command, env=environment))


def keep(name: str, what: dict[str, Any]) -> None:
    """Write results where the chapter finds them."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(what, indent=1))
