"""Time convlib.conv2d (NumPy) beside torch.nn.functional.conv2d on layers of known networks: `make bench`.

One thread, float32, one image. Both run in one process, in random order within each round; a row shows the
median of the rounds' ratios, so that a slow moment of the machine hits both. Below 1 NumPy is the faster one.

Everything is measured twice, because fresh memory can cost more than the arithmetic: once with memory that
the process keeps between calls, once with the system's default. (The setting is one of Linux's C library;
elsewhere the two columns agree.)
"""

import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

# name: (image side, input channels, output channels, kernel side, stride, padding, groups)
LAYERS = {
    "ResNet-50 first layer": (224, 3, 64, 7, 2, 3, 1),
    "ResNet-50 3x3": (56, 64, 64, 3, 1, 1, 1),
    "ResNet-50 3x3, small": (14, 256, 256, 3, 1, 1, 1),
    "ResNet-50 1x1": (56, 256, 64, 1, 1, 0, 1),
    "ResNeXt-50 grouped": (56, 128, 128, 3, 1, 1, 32),
    "VGG-16 3x3, wide": (112, 128, 128, 3, 1, 1, 1),
    "MobileNetV2 depthwise": (56, 144, 144, 3, 1, 1, 144),
}
ROUNDS = 15
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}


def measure() -> dict[str, tuple[float, float, float]]:
    """Milliseconds of convlib and of torch, and the median ratio, for each layer."""
    import numpy as np
    import torch

    from convlib import conv2d

    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    results = {}
    for name, (side, channels, outputs, k, s, p, g) in LAYERS.items():
        image = generator.standard_normal((1, channels, side, side), dtype=np.float32)
        weight = generator.standard_normal((outputs, channels // g, k, k), dtype=np.float32)
        image_tensor, weight_tensor = torch.from_numpy(image), torch.from_numpy(weight)
        candidates = {
            "convlib": lambda x=image, w=weight, s=s, p=p, g=g: conv2d(x, w, None, s, p, 1, g),
            "torch": lambda x=image_tensor, w=weight_tensor, s=s, p=p, g=g: torch.nn.functional.conv2d(
                x, w, None, s, p, 1, g
            ),
        }
        # A fast wrong answer is worth nothing; this call is also the warm-up.
        ours, theirs = candidates["convlib"](), candidates["torch"]().numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
        times: dict[str, list[float]] = {"convlib": [], "torch": []}
        for _ in range(ROUNDS):
            for candidate in random.sample(list(candidates), 2):
                start = time.perf_counter()
                candidates[candidate]()
                times[candidate].append(1000 * (time.perf_counter() - start))
        ratios = [ours / theirs for ours, theirs in zip(times["convlib"], times["torch"], strict=True)]
        results[name] = (*map(statistics.median, times.values()), statistics.median(ratios))
    return results


def machine() -> str:
    """Processor, versions and the kernel that NumPy's BLAS chose for this processor."""
    import numpy as np
    import torch

    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():  # Linux, where platform names only the architecture
        processor = cpuinfo.read_text().partition("model name\t: ")[2].partition("\n")[0] or processor
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    loading = [sys.executable, "-c", "import numpy"]
    told = subprocess.run(loading, env=os.environ | {"OPENBLAS_VERBOSE": "2"}, capture_output=True, text=True)
    kernel = told.stderr.partition("Core: ")[2].strip() or "unknown"
    return (
        f"{processor}, {os.cpu_count()} cores, one thread used; Python {platform.python_version()}\n"
        f"NumPy {np.__version__} with {blas['name']} {blas['version']} (kernel {kernel}), "
        f"torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})\n"
    )


def main() -> None:
    if "--measure" in sys.argv:
        print(json.dumps(measure()))
        return
    print(machine())
    runs = []
    for memory in (KEEP_MEMORY, {}):
        environment = os.environ | ONE_THREAD | memory
        command = [sys.executable, __file__, "--measure"]
        runs.append(json.loads(subprocess.check_output(command, env=environment)))
    print(f"{'':24}{'multiply-adds':>14}{'convlib':>11}{'torch':>11}{'ratio':>8}{'default memory':>16}")
    for name, (side, channels, outputs, k, s, p, g) in LAYERS.items():
        output_side = (side + 2 * p - k) // s + 1
        millions = output_side**2 * outputs * (channels // g) * k**2 / 1e6
        ours, theirs, ratio = runs[0][name]
        default_ratio = runs[1][name][2]
        print(f"{name:24}{millions:12.1f} M{ours:8.2f} ms{theirs:8.2f} ms{ratio:8.2f}{default_ratio:16.2f}")
    means = [math.exp(statistics.fmean(math.log(row[2]) for row in run.values())) for run in runs]
    print(f"{'geometric mean':60}{means[0]:8.2f}{means[1]:16.2f}")


if __name__ == "__main__":
    main()
