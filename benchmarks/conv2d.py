"""Convolutions of NumPy arrays beside those of torch and others on layers of known networks: `make bench`.

Float32. A row shows how many times as long as torch.nn.functional.conv2d (NCHW) each of them takes: below 1
it is faster. The ratios are medians over rounds in each of which all run in random order.

- plain: convlib.conv2d, always direct
- fastest: convlib.algorithms.conv2d
- prepared: the same, with weights prepared before
- im2col: the textbook's, all columns at once
- channels last: torch, image and kernels laid out so
- ONNX Runtime, where it is installed
- CUDA: torch on the GPU, where there is one, until its answer is there

    python benchmarks/conv2d.py [--batch 8] [--threads 2] [--rounds 15] [--default-memory]
"""

import argparse
import importlib.util
import json
import math
import os
import statistics
import sys

from common import DEFAULT_MEMORY, KEEP_MEMORY, RESULTS, keep, measured
from layers import LAYERS, SETS, Layer

OURS = ("plain", "fastest", "prepared", "im2col")


def contestants(layer: Layer, batch: int, wanted: str):
    """name: a function without arguments, and the answers that they must agree on."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    import convlib
    from convlib import algorithms

    image, weight = layer.arrays(batch)
    x, w = torch.from_numpy(image), torch.from_numpy(weight)
    last, kernels_last = x.to(memory_format=torch.channels_last), w.to(memory_format=torch.channels_last)
    prepared = algorithms.PreparedConv2d(weight, None, *layer.options)
    stride, padding, dilation, groups = layer.options

    def textbook():
        columns = convlib.unfold(image, layer.kernel, dilation, padding, stride)
        kernels = weight.reshape(groups, layer.outputs // groups, -1)
        return kernels @ columns.reshape(batch, groups, kernels.shape[2], -1)

    able = {
        "torch": lambda: F.conv2d(x, w, None, *layer.options),
        "plain": lambda: convlib.conv2d(image, weight, None, *layer.options),
        "fastest": lambda: algorithms.conv2d(image, weight, None, *layer.options),
        "prepared": lambda: prepared(image),
        "im2col": textbook,
        "channels last": lambda: F.conv2d(last, kernels_last, None, *layer.options),
    }
    if layer.kernel > 20:
        del able["im2col"]  # a gigabyte of columns
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
        able["ONNX Runtime"] = onnx_runtime(image, weight, layer)
    if torch.cuda.is_available():
        there, kernels_there = x.cuda(), w.cuda()

        def cuda():
            answer = F.conv2d(there, kernels_there, None, *layer.options)
            torch.cuda.synchronize()
            return answer

        able["CUDA"] = cuda
    if wanted != "all":
        able = {name: able[name] for name in wanted.split(",") if name in able}
    exact = F.conv2d(x.double(), w.double(), None, *layer.options).numpy() if layer.kernel < 20 else None
    errors = {}
    for name, run in able.items():  # a fast wrong answer is worth nothing
        answer = run()
        answer = answer.cpu().numpy() if isinstance(answer, torch.Tensor) else np.asarray(answer)
        if exact is not None:
            errors[name] = float(np.abs(answer.reshape(exact.shape) - exact).max())
            assert errors[name] < (1e-2 if name == "CUDA" else 1e-4), (name, layer, errors[name])
    return able, errors


def onnx_runtime(image, weight, layer: Layer):
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node(
        "Conv", ["x", "w"], ["y"], strides=[layer.stride] * 2, pads=[layer.padding] * 4,
        dilations=[layer.dilation] * 2, group=layer.groups,
    )  # fmt: skip
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node], "layer", [value("x", TensorProto.FLOAT, image.shape)],
        [value("y", TensorProto.FLOAT, list("nohw"))], [numpy_helper.from_array(weight, "w")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": image})[0]


def measure(batch: int, rounds: int, wanted: str, threads: int) -> dict:
    import torch

    from convlib import algorithms
    from convlib.timing import race

    torch.set_num_threads(threads)
    if threads > 1 and wanted in OURS[:3]:  # the textbook's has those of the matrix product
        with algorithms.threads(threads):
            return measure(batch, rounds, wanted, 1)
    results = {}
    for name, layer in LAYERS.items():
        able, errors = contestants(layer, batch, wanted)
        if not able:
            continue
        result = race(able, rounds if layer.multiply_adds * batch < 4e9 else max(3, rounds // 3))
        print(f"{name}", file=sys.stderr)
        seconds = {one: result.median(one) for one in able}
        ratios = {one: result.ratio(one, to="torch") for one in able if "torch" in able}
        results[name] = {"seconds": seconds, "ratios": ratios, "errors": errors}
    return results


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="all", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--default-memory", action="store_true")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.batch, given.rounds, given.only, given.threads)))
        return
    import torch  # noqa: F401  (the machine's description names it)

    from convlib.timing import machine

    words = ["--batch", str(given.batch), "--threads", str(given.threads), "--rounds", str(given.rounds)]
    memory = DEFAULT_MEMORY if given.default_memory else KEEP_MEMORY
    if given.threads == 1:
        results = measured(__file__, *words, memory=memory)
    else:  # each in a process of its own, because waiting threads of one would slow down the other
        several = {
            one: measured(__file__, *words, "--only", one, threads=given.threads, memory=memory)
            for one in ("torch", *OURS, "channels last")
        }
        results = {name: {"seconds": {}, "ratios": {}, "errors": {}} for name in LAYERS}
        for one, rows in several.items():
            for name, row in rows.items():
                results[name]["seconds"] |= row["seconds"]
                if one in row["seconds"]:
                    torchs = several["torch"][name]["seconds"]["torch"]
                    results[name]["ratios"][one] = row["seconds"][one] / torchs
    about = f"{machine()}; {given.threads} thread{'s'[: given.threads > 1]}, batch {given.batch}"
    name = f"conv2d-{given.threads}-{given.batch}"
    keep(name, {"machine": about, "results": results})
    draw(name, about, results)
    show(about, results)


def draw(name: str, about: str, results: dict) -> None:
    """A point for each layer and each way to compute it."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 11), layout="constrained")
    for peer in next(iter(results.values()))["ratios"]:
        if peer != "torch":
            axes.plot(
                [row["ratios"].get(peer) for row in results.values()],
                list(results),
                "o",
                label=peer,
                alpha=0.7,
            )
    axes.axvline(1, color="grey")
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="times as long as torch")
    axes.grid(alpha=0.3)
    axes.legend()
    axes.set_title(about, fontsize=7)
    figure.savefig(RESULTS / f"{name}.png", dpi=110)


def show(about: str, results: dict) -> None:
    print(about)
    if "(kernel Haswell)" in about and "(AVX512)" in about:
        print("OpenBLAS does not know of this processor's AVX-512: set OPENBLAS_CORETYPE=SkylakeX.")
    peers = [one for one in next(iter(results.values()))["ratios"] if one != "torch"]
    print(f"{'':48}{'multiply-adds':>15}{'torch':>10}" + "".join(f"{one:>14}" for one in peers))
    for name, row in results.items():
        ratios = "".join(f"{row['ratios'].get(one, math.nan):14.2f}" for one in peers)
        millions = LAYERS[name].multiply_adds / 1e6
        print(f"{name:48}{millions:13.1f} M{1000 * row['seconds']['torch']:7.2f} ms{ratios}")
    groups = {network: [f"{network}: {one}" for one in layers] for network, layers in SETS.items()}
    groups["all but the one apart"] = [
        one for network in SETS if network != "apart" for one in groups[network]
    ]
    for group, names in groups.items():
        means = (
            math.exp(statistics.fmean(math.log(results[one]["ratios"][peer]) for one in names))
            if all(peer in results[one]["ratios"] for one in names)
            else math.nan
            for peer in peers
        )
        print(f"{'geometric mean, ' + group:73}" + "".join(f"{mean:14.2f}" for mean in means))


if __name__ == "__main__":
    main()
