"""The other operations of NumPy arrays beside torch, OpenCV, SciPy and scikit-image: `make bench`.

Float32, one thread. Ratios are medians over rounds in each of which all run in random order; below 1
convlib is faster.
"""

import json
import math
import statistics
import sys
from functools import partial

from common import keep, measured
from layers import LAYERS


def pooling(pairs) -> None:
    import numpy as np
    import torch
    import torch.nn.functional as F

    import convlib

    for kind, name, shape, k, s, p in (
        ("max pooling", "3x3, stride 2", (1, 64, 112, 112), 3, 2, 1),
        ("max pooling", "3x3, stride 2, batch 8", (8, 64, 112, 112), 3, 2, 1),
        ("max pooling", "2x2", (1, 64, 224, 224), 2, 2, 0),
        ("max pooling", "3x3, stride 1", (1, 192, 28, 28), 3, 1, 1),
        ("max pooling", "5x5, stride 1", (1, 256, 20, 20), 5, 1, 2),
        ("average pooling", "3x3, stride 2", (1, 64, 112, 112), 3, 2, 1),
        ("average pooling", "2x2", (1, 64, 224, 224), 2, 2, 0),
        ("average pooling", "3x3, stride 1", (1, 192, 28, 28), 3, 1, 1),
        ("average pooling", "5x5, stride 1", (1, 256, 20, 20), 5, 1, 2),
    ):
        image = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        ours, theirs = (
            (convlib.max_pool2d, F.max_pool2d)
            if kind == "max pooling"
            else (convlib.avg_pool2d, F.avg_pool2d)
        )
        pairs(kind, f"{name}, {shape[1]} at {shape[2]}", {
            "convlib": partial(ours, image, k, s, p),
            "torch": partial(theirs, torch.from_numpy(image), k, s, p),
        })  # fmt: skip
    image = np.random.default_rng(0).standard_normal((8, 2048, 7, 7), dtype=np.float32)
    pairs("average pooling", "global, 2048 at 7, batch 8", {
        "convlib": partial(convlib.global_avg_pool2d, image),
        "torch": partial(F.adaptive_avg_pool2d, torch.from_numpy(image), 1),
    })  # fmt: skip


def resizing(pairs) -> None:
    import numpy as np
    import torch
    import torch.nn.functional as F

    import convlib

    for mode in ("bilinear", "bicubic"):
        for shape, size in (
            ((1, 64, 56, 56), 112), ((1, 3, 224, 224), 448), ((4, 256, 14, 14), 28), ((1, 21, 65, 65), 513),
            ((1, 3, 512, 512), 384),
        ):  # fmt: skip
            image = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
            options = {"size": (size, size), "mode": mode, "align_corners": False}
            pairs(mode, f"{shape[1]} at {shape[2]} to {size}, batch {shape[0]}", {
                "convlib": partial(convlib.interpolate, image, **options),
                "torch": partial(F.interpolate, torch.from_numpy(image), **options),
            })  # fmt: skip


def transposed(pairs) -> None:
    import numpy as np
    import torch
    import torch.nn.functional as F

    import convlib

    for name, batch, side, channels, outputs, k, s, p, more in (
        ("4x4, stride 2", 1, 16, 256, 128, 4, 2, 1, 0),
        ("4x4, stride 2", 8, 32, 128, 64, 4, 2, 1, 0),
        ("2x2, stride 2", 1, 56, 128, 64, 2, 2, 0, 0),
        ("3x3, stride 2", 1, 28, 128, 64, 3, 2, 1, 1),
    ):
        generator = np.random.default_rng(0)
        image = generator.standard_normal((batch, channels, side, side), dtype=np.float32)
        weight = generator.standard_normal((channels, outputs, k, k), dtype=np.float32) / np.float32(
            math.sqrt(channels)
        )
        pairs("transposed convolution", f"{name}, {channels}-{outputs} at {side}, batch {batch}", {
            "convlib": partial(convlib.conv_transpose2d, image, weight, None, s, p, more),
            "torch": partial(F.conv_transpose2d, *map(torch.from_numpy, (image, weight)), None, s, p, more),
        })  # fmt: skip


def gradients(pairs) -> None:
    import numpy as np
    import torch

    from convlib import algorithms

    for name, layer in LAYERS.items():
        if "ResNet" not in name and "256-256 at 56" not in name and "groups" not in name:
            continue
        for batch in (1, 8) if "3x3" in name and "stride" not in name and "VGG" not in name else (1,):
            image, weight = layer.arrays(batch)
            s, p, d, g = layer.options
            output = algorithms.conv2d(image, weight, None, *layer.options)
            grad = np.random.default_rng(1).standard_normal(output.shape, dtype=np.float32)
            x, w, e = map(torch.from_numpy, (image, weight, grad))

            def backward(*wanted, x=x, w=w, e=e, s=s, p=p, d=d, g=g):
                return torch.ops.aten.convolution_backward(
                    e, x, w, None, [s, s], [p, p], [d, d], False, [0, 0], g, [*wanted, False]
                )

            title = f"{name}, batch {batch}"
            pairs("gradient of the input", title, {
                "convlib": partial(algorithms.conv2d_input, image.shape, weight, grad, *layer.options),
                "torch": lambda backward=backward: backward(True, False)[0],
            })  # fmt: skip
            pairs("gradient of the weight", title, {
                "convlib": partial(algorithms.conv2d_weight, image, weight.shape, grad, *layer.options),
                "torch": lambda backward=backward: backward(False, True)[1],
            })  # fmt: skip


def filters(pairs) -> None:
    """Gaussians of one large image; the borders are mirrored by all."""
    import cv2
    import numpy as np
    import scipy.ndimage
    import skimage.filters

    from convlib.filtering import filter2d
    from convlib.filters import gaussian

    cv2.setNumThreads(1)
    for height, width in ((512, 512), (1080, 1920)):
        image = np.random.default_rng(0).random((height, width), dtype=np.float32)
        for k, sigma in ((7, 1.0), (13, 2.0), (31, 5.0)):
            kernel, radius = gaussian(sigma, k), k // 2
            pairs("Gaussian", f"{k}x{k} of {height}x{width}", {
                "convlib": partial(filter2d, image[None], kernel),
                "OpenCV": partial(cv2.GaussianBlur, image, (k, k), sigma, borderType=cv2.BORDER_REFLECT_101),
                "SciPy": partial(scipy.ndimage.gaussian_filter, image, sigma, mode="mirror", radius=radius),
                "scikit-image": partial(
                    skimage.filters.gaussian, image, sigma, mode="mirror", truncate=radius / sigma
                ),
            })  # fmt: skip


def small(pairs) -> None:
    """The arrays of the book's examples: what a call costs before anything is computed."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    import convlib
    from convlib._conv_checks import forward_check
    from convlib._dispatch import dispatch

    image, weight = np.ones((1, 1, 5, 5), np.float32), np.ones((1, 1, 3, 3), np.float32)

    @dispatch(forward_check(2))
    def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return input

    def often(call):
        def run():
            for _ in range(1000):
                call()

        return run

    x, w = torch.from_numpy(image), torch.from_numpy(weight)
    pairs("small arrays, a thousand calls", "5x5 image, 3x3 kernel", {
        "convlib": often(lambda: convlib.conv2d(image, weight)),
        "of it validation and dispatch": often(lambda: conv2d(image, weight)),
        "torch": often(lambda: F.conv2d(x, w)),
    })  # fmt: skip


def measure() -> dict:
    import numpy as np
    import torch

    from convlib.timing import race

    torch.set_num_threads(1)
    results: dict[str, dict] = {}

    def pairs(kind, name, contestants):
        if kind != "small arrays, a thousand calls":  # a fast wrong answer is worth nothing
            answers = [np.asarray(run()) for run in contestants.values()]
            for answer in answers[1:]:
                scale = max(1, float(np.abs(answer).max()))
                np.testing.assert_allclose(answers[0], answer.reshape(answers[0].shape), atol=2e-3 * scale)
        print(kind, name, file=sys.stderr)
        result = race(contestants, 15)
        peers = [one for one in contestants if one != "convlib"]
        results.setdefault(kind, {})[name] = {
            "milliseconds": 1000 * result.median("convlib"),
            "ratios": {one: result.ratio("convlib", to=one) for one in peers},
        }

    for part in (small, pooling, resizing, transposed, gradients, filters):
        part(pairs)
    return results


def main() -> None:
    if "--measure" in sys.argv:
        print(json.dumps(measure()))
        return
    import torch  # noqa: F401  (the machine's description names it)

    from convlib.timing import machine

    about, results = f"{machine()}; 1 thread", measured(__file__)
    keep("operations", {"machine": about, "results": results})
    print(about)
    for kind, rows in results.items():
        peers = list(next(iter(rows.values()))["ratios"])
        print(f"\n{kind:60}{'convlib':>12}" + "".join(f"{'to ' + one:>18}" for one in peers))
        for name, row in rows.items():
            ratios = "".join(f"{row['ratios'][one]:18.2f}" for one in peers)
            print(f"  {name:58}{row['milliseconds']:9.2f} ms{ratios}")
        means = [
            math.exp(statistics.fmean(math.log(row["ratios"][one]) for row in rows.values())) for one in peers
        ]
        print(f"  {'geometric mean':70}" + "".join(f"{mean:18.2f}" for mean in means))


if __name__ == "__main__":
    main()
