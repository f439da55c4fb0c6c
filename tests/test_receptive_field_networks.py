"""Published figures, network by network, and the gradient's word on each."""

import functools
import time

import numpy as np
import pytest
from networks import PUBLISHED, SYMMETRIC
from receptive_field_agreement import disagreements, projections
from torch import nn

from convlib.receptive_field import Report, gradient_support, receptive_field


@functools.cache
def report_at_224(name: str) -> Report:
    return receptive_field(network(name), 224)


def network(name: str) -> nn.Module:
    return (PUBLISHED.get(name) or SYMMETRIC[name])[0]().eval()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_table_comes_out(name: str) -> None:
    _, (size, stride, at_224, at_321) = PUBLISHED[name]
    for report, padding in ((report_at_224(name), at_224), (receptive_field(network(name), 321), at_321)):
        assert (report.size, report.jump, report.padding) == ((size,) * 2, (stride,) * 2, (padding,) * 2)


ENDPOINTS = {
    "vgg_16": {f"pool{i + 1}": (size, 2 ** (i + 1), p) for i, (size, p) in
               enumerate([(6, 2), (16, 6), (44, 18), (100, 42), (212, 90)])},
    "alexnet_v2": {"conv1": (11, 4, 0), "pool1": (19, 8, 0), "conv2": (51, 8, 16), "conv3": (99, 16, 32),
                   "conv4": (131, 16, 48), "conv5": (163, 16, 64), "pool5": (195, 32, 64)},
    "resnet_v1_50": {"block1": (35, 8, 15), "block2": (99, 16, 47), "block3": (291, 32, 143),
                     "block4": (483, 32, 239)},
    "inception_v3": {"Mixed_5b": (63, 8, 18), "Mixed_6a": (159, 16, 58), "Mixed_6e": (927, 16, 442),
                     "Mixed_7a": (1055, 32, 490)},
}  # fmt: skip


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_published_end_points_come_out(name: str) -> None:
    report = report_at_224(name)
    found = {
        layer: (row.size[0], row.jump[0], row.padding[0])
        for layer in ENDPOINTS[name]
        for row in [report[layer]]
    }
    assert found == ENDPOINTS[name]


@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_networks_with_symmetric_padding(name: str) -> None:
    _, (size, stride, padding) = SYMMETRIC[name]
    report = report_at_224(name)
    assert (report.size, report.jump, report.padding) == ((size,) * 2, (stride,) * 2, (padding,) * 2)
    assert report.aligned


def test_a_feature_looks_at_the_published_pixel() -> None:
    report = report_at_224("inception_resnet_v2")
    field = report.last.fields[0]
    assert field is not None
    assert [field.centre + unit * field.jump for unit in (0, 2)] == [37, 101]  # -1482 + 3038/2, and 2*32 on


@pytest.mark.parametrize("name", [*SYMMETRIC, *PUBLISHED])
def test_the_gradient_sees_the_same_borders(name: str) -> None:
    assert disagreements(network(name), 224, report_at_224(name), most=2) == []


@pytest.mark.parametrize(
    "name", ["ResNet-18", "ResNet-50", "MobileNetV2", "AlexNet", "vgg_16", "mobilenet_v1"]
)
def test_the_gradient_sees_the_whole_field_where_the_image_is_large_enough(name: str) -> None:
    numbers = (SYMMETRIC.get(name) or PUBLISHED[name])[1]
    pixels = 32 * (numbers[0] // 32 + 3)
    model = network(name)
    report = receptive_field(model, pixels)
    unit = (report.output_size[0] // 2,) * 2
    for mask, field in zip(
        projections(gradient_support(model, pixels, unit)), report.last.fields, strict=True
    ):
        assert field is not None
        first, last = np.flatnonzero(mask)[[0, -1]]
        assert (first, last) == field.region(unit[0])
        assert last - first + 1 == numbers[0]


def test_a_deep_network_takes_well_under_a_second_after_tracing() -> None:
    from convlib.receptive_field.graph import Walk
    from convlib.receptive_field.models import example_image
    from convlib.receptive_field.trace import trace

    model = network("resnet_v1_200")
    graph = trace(model, example_image("test", model, 224, None))
    assert sum("conv2d" in str(node.target) for node in graph.nodes) > 200
    begin = time.perf_counter()
    Walk(graph, (224, 224), "error").report()
    assert time.perf_counter() - begin < 1
