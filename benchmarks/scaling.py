"""How time and memory of each algorithm grow with image, channels, kernel and batch: `make bench`.

A layer of 64 to 64 channels with 3x3 kernels on 56x56 pixels, of which one size is changed at a time. Time is
beside torch's, one thread; memory is what is allocated beside the output, at most, the kernels' transforms
included.
"""

import json
import sys
import tracemalloc

from common import RESULTS, keep, measured
from layers import Layer


def layer(side: int = 56, channels: int = 64, kernel: int = 3, groups: int = 1) -> Layer:
    return Layer(side, channels, channels, kernel, 1, kernel // 2, 1, groups)


GROWING = {
    "pixels of a side": {side: (layer(side=side), 1) for side in (14, 28, 56, 112, 224)},
    "channels": {channels: (layer(channels=channels), 1) for channels in (8, 16, 32, 64, 128, 256)},
    "taps of a side": {k: (layer(kernel=k), 1) for k in (1, 3, 5, 7, 11)},
    "taps of a side, depthwise": {k: (layer(kernel=k, groups=64), 1) for k in (3, 5, 7, 11, 21, 31)},
    "images of a batch": {batch: (layer(), batch) for batch in (1, 2, 4, 8)},
}


def memory(run) -> int:
    """Bytes allocated at most while it runs, without what it gives back."""
    tracemalloc.start()
    answer = run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - answer.nbytes


def measure() -> dict:
    import torch
    import torch.nn.functional as F

    import convlib
    from convlib import algorithms
    from convlib.algorithms.problem import _kept
    from convlib.timing import race

    torch.set_num_threads(1)
    results: dict[str, dict] = {}
    for what, layers in GROWING.items():
        for size, (one, batch) in layers.items():
            image, weight = one.arrays(batch)
            x, w = torch.from_numpy(image), torch.from_numpy(weight)
            able = algorithms.costs(image.shape, weight.shape, *one.options)
            contestants = {"torch": lambda x=x, w=w, o=one.options: F.conv2d(x, w, None, *o)}
            for name in able:
                if name != "fourier" or one.groups > 1:  # one at a time it takes a minute
                    contestants[name] = lambda x=image, w=weight, o=one.options, name=name: algorithms.conv2d(
                        x, w, None, *o, algorithm=name
                    )

            def textbook(x=image, w=weight, k=one.kernel, p=one.padding, groups=one.groups):
                columns = convlib.unfold(x, k, 1, p)
                kernels = w.reshape(groups, len(w) // groups, -1)
                return kernels @ columns.reshape(len(x), groups, kernels.shape[2], -1)

            contestants["all columns at once"] = textbook
            result = race(contestants, 5)
            print(what, size, file=sys.stderr)
            row: dict[str, dict] = {}
            for name, run in contestants.items():
                row[name] = {
                    "milliseconds": 1000 * result.median(name),
                    "ratio": result.ratio(name, to="torch"),
                }
                if name != "torch":
                    _kept.bytes.clear()
                    row[name]["bytes"] = memory(run)
            results.setdefault(what, {})[size] = row
    return results


def draw(about: str, results: dict) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(results), 2, figsize=(11, 4 * len(results)), layout="constrained")
    for (what, rows), (left, right) in zip(results.items(), axes, strict=True):
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        for name in names:
            sizes = [int(size) for size, row in rows.items() if name in row]
            here = [row[name] for row in rows.values() if name in row]
            left.plot(sizes, [one["milliseconds"] for one in here], marker="o", label=name)
            if name != "torch":
                right.plot(sizes, [one["bytes"] / 2**20 for one in here], marker="o", label=name)
        for panel, label in ((left, "milliseconds"), (right, "MiB beside the output")):
            panel.set(xscale="log", yscale="log", xlabel=what, ylabel=label)
            panel.grid(alpha=0.3)
        left.legend(fontsize=8)
    figure.suptitle(about, fontsize=8)
    figure.savefig(RESULTS / "scaling.png", dpi=110)


def main() -> None:
    if "--measure" in sys.argv:
        print(json.dumps(measure()))
        return
    import torch  # noqa: F401  (the machine's description names it)

    from convlib.timing import machine

    about, results = f"{machine()}; 1 thread", measured(__file__)
    keep("scaling", {"machine": about, "results": results})
    draw(about, results)
    print(about)
    for what, rows in results.items():
        print(f"\n{what}: times torch's time, and MiB beside the output")
        for size, row in rows.items():
            words = (
                f"{name} {one['ratio']:.2f}, {one['bytes'] / 2**20:.1f}"
                for name, one in row.items()
                if name != "torch"
            )
            print(f"  {size:>5}  torch {row['torch']['milliseconds']:.2f} ms; " + "; ".join(words))


if __name__ == "__main__":
    main()
