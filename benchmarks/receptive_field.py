"""Time the receptive fields of known networks beside the gradient method: `make bench`.

One thread, images of 224 x 224, networks as wide as they were published. The gradient method asks autograd
for the pixels that move the middle unit of the last map: one unit of one layer. The graph answers for all
units of all layers, after torch.export has traced it once; its time with the tracing is given, and without. A
ratio below 1 means that the graph is the faster one; each is the median of the rounds' ratios, in random
order. The time of the package torchscan, which reads fields off module by module, is added where it is
installed.
"""

import importlib.util
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

NETWORKS = ("vgg_16", "mobilenet_v1", "resnet_50_torch", "inception_v3", "resnet_v1_200")
ROUNDS = 5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def timed(candidate: Callable[[], object]) -> float:
    start = time.perf_counter()
    candidate()
    return time.perf_counter() - start


def measure() -> None:
    import torch

    from convlib.networks import network
    from convlib.receptive_field import gradient_support, receptive_field
    from convlib.receptive_field.graph import Walk
    from convlib.receptive_field.operators import find
    from convlib.receptive_field.trace import trace

    torch.set_num_threads(1)
    scan = importlib.util.find_spec("torchscan") is not None
    print(f"torch {torch.__version__}, Python {sys.version.split()[0]}, one thread; seconds")
    titles = ["rows", "traced", "fields", "gradient", "fields / gradient", "all / gradient"]
    print(f"{'':18}" + "".join(f"{title:>19}" for title in [*titles, *["torchscan"] * scan]))
    for name in NETWORKS:
        model = network(name).eval()
        image = torch.zeros(1, 3, 224, 224)

        def tracing(model: torch.nn.Module = model, image: torch.Tensor = image) -> object:
            return trace(model, image, lambda node: find(node) is not None)

        graph = tracing()
        report = Walk(graph, (224, 224), "error").report()
        assert report.size == receptive_field(model, 224).size
        candidates: dict[str, Callable[[], object]] = {
            "traced": tracing,
            "fields": lambda graph=graph: Walk(graph, (224, 224), "error").report(),
            "gradient": lambda model=model: gradient_support(model, 224),
        }
        if scan:
            from torchscan import crawl_module

            candidates["torchscan"] = lambda model=model: crawl_module(model, (3, 224, 224))
        times: dict[str, list[float]] = {key: [] for key in candidates}
        for _ in range(ROUNDS):
            for key in random.sample(list(candidates), len(candidates)):
                times[key].append(timed(candidates[key]))
        middle = {key: statistics.median(values) for key, values in times.items()}
        alone = statistics.median(f / g for f, g in zip(times["fields"], times["gradient"], strict=True))
        whole = statistics.median(
            (t + f) / g for t, f, g in zip(times["traced"], times["fields"], times["gradient"], strict=True)
        )
        numbers = [middle["traced"], middle["fields"], middle["gradient"], alone, whole]
        numbers += [middle["torchscan"]] if scan else []
        print(f"{name:18}{len(report.rows):19}" + "".join(f"{number:19.3f}" for number in numbers))


def main() -> None:
    if "--measure" in sys.argv:
        measure()
        return
    subprocess.check_call([sys.executable, __file__, "--measure"], env=os.environ | ONE_THREAD)


if __name__ == "__main__":
    main()
