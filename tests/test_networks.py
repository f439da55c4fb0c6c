"""The published table of receptive fields, from networks that are traced as any other model."""

import numpy as np
import pytest
import torch
from receptive_field_agreement import disagreements

from convlib.networks import TABLES, Pool, conv, module, multiply_adds, network, same_padding, symmetric
from convlib.receptive_field import gradient_support, receptive_field

# Araujo, Norris and Sim (2019): receptive field, stride, padding at 224, billions of FLOPs (a multiply-add is
# two), padding at 321, padding where every layer pads symmetrically
PUBLISHED = {
    "alexnet_v2": (195, 32, 64, 1.38, 64, 64),
    "vgg_16": (212, 32, 90, 30.71, 90, 90),
    "mobilenet_v1": (315, 32, 126, 1.14, 157, 157),
    "mobilenet_v1_075": (315, 32, 126, 0.65, 157, 157),
    "resnet_v1_50": (483, 32, 239, 6.96, 241, 241),
    "inception_v2": (699, 32, 318, 3.88, 349, 349),
    "resnet_v1_101": (1027, 32, 511, 14.39, 513, 513),
    "inception_v3": (1311, 32, 618, 5.69, 618, 618),
    "resnet_v1_152": (1507, 32, 751, 21.81, 753, 753),
    "resnet_v1_200": (1763, 32, 879, 28.80, 881, 881),
    "inception_v4": (2071, 32, 998, 12.27, 998, 998),
    "inception_resnet_v2": (3039, 32, 1482, 12.96, 1482, 1482),
}
# receptive field, stride, padding, the same on both sides at every size
IN_TORCH = {
    "alexnet_torch": (195, 32, 66),
    "resnet_18_torch": (435, 32, 217),
    "resnet_34_torch": (899, 32, 449),
    "resnet_50_torch": (427, 32, 213),
    "resnet_101_torch": (971, 32, 485),
    "mobilenet_v2_torch": (491, 32, 245),
    "convnext_tiny_torch": (1688, 32, 828),
    "vit_b_16_torch": (16, 16, 0),
}
# after so many entries of the table, at 224: receptive field, stride, padding
END_POINTS = {
    "vgg_16": {3: (6, 2, 2), 6: (16, 4, 6), 10: (44, 8, 18), 14: (100, 16, 42), 18: (212, 32, 90)},
    "alexnet_v2": {
        1: (11, 4, 0), 2: (19, 8, 0), 3: (51, 8, 16), 5: (99, 16, 32), 6: (131, 16, 48), 7: (163, 16, 64),
        8: (195, 32, 64),
    },
    "resnet_v1_50": {5: (35, 8, 15), 9: (99, 16, 47), 15: (291, 32, 143), 18: (483, 32, 239)},
    "inception_v3": {8: (63, 8, 18), 11: (159, 16, 58), 15: (927, 16, 442), 16: (1055, 32, 490)},
}  # fmt: skip


def rule(model, size):
    report = receptive_field(model, size)
    assert report.aligned
    (size, _), (jump, _), (padding, _) = report.size, report.jump, report.padding
    return size, jump, padding


def test_every_table_is_tested():
    assert set(TABLES) == {*PUBLISHED, *IN_TORCH}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_row(name):
    size, stride, at_224, _, at_321, evenly = PUBLISHED[name]
    assert rule(network(name, thin=True), (224, 224)) == (size, stride, at_224)
    assert rule(network(name, thin=True), (321, 321)) == (size, stride, at_321)
    assert rule(network(name, "symmetric", thin=True), (321, 321)) == (size, stride, evenly)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_cost(name):
    """Theirs counts poolings and biases, too, and prints two decimals: half a percent and half a digit."""
    flops = 2 * multiply_adds(network(name), (224, 224)) / 1e9
    assert flops == pytest.approx(PUBLISHED[name][3], rel=0.005, abs=0.005)


@pytest.mark.parametrize("name", IN_TORCH)
def test_the_usual_form_in_torch(name):
    assert rule(network(name, thin=True), (224, 224)) == IN_TORCH[name]


@pytest.mark.parametrize("name", END_POINTS)
def test_end_points_inside_a_network(name):
    for entries, expected in END_POINTS[name].items():
        assert rule(module(TABLES[name]()[:entries], thin=True)[0], (224, 224)) == expected


@pytest.mark.parametrize("name", TABLES)
def test_the_gradient_reaches_as_far_as_the_field_says(name):
    """On a narrow image that is higher than the field, so that both ends of it are inside."""
    high = (PUBLISHED.get(name) or IN_TORCH[name])[0]
    model, image = network(name, thin=True), (high + 101, 97)
    report = receptive_field(model, image)
    unit = tuple(units // 2 for units in report.output_size)
    seen = gradient_support(model, image, unit)
    (first, last), (left, right) = report.region(unit)
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    assert (rows[0], rows[-1]) == (first, last)
    assert (columns[0], columns[-1]) == (max(left, 0), min(right, 96))
    assert last - first + 1 == high


@pytest.mark.parametrize("name", TABLES)
def test_at_a_usual_size_the_gradient_meets_the_same_borders(name):
    model = network(name, thin=True).eval()
    assert disagreements(model, 224, receptive_field(model, 224), most=2) == []


def test_a_feature_looks_at_the_published_pixel():
    (field, _) = receptive_field(network("inception_resnet_v2", thin=True), 224).last.fields
    assert [field.centre + unit * field.jump for unit in (0, 2)] == [37, 101]  # -1482 + 3038/2, and 2*32 on


PARAMETERS = {  # of all convolutions; sums over the papers' tables, written out for two of them below
    "vgg_16": 9 * (3*64 + 64*64 + 64*128 + 128*128 + 128*256 + 2*256*256 + 256*512 + 5*512*512),
    "alexnet_v2": 121*3*64 + 25*64*192 + 9*(192*384 + 384*384 + 384*256),
    "resnet_50_torch": 25_557_032 - 2048*1000 - 1000 - 2 * 26_560,  # torchvision's, minus the rest
    "resnet_18_torch": 11_689_512 - 512*1000 - 1000 - 2 * 4_800,
    "mobilenet_v2_torch": 3_504_872 - 1280*1000 - 1000 - 2 * 17_056,
    "convnext_tiny_torch": 28_589_128 - 768*1000 - 1000 - 64_128,
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    assert sum(weight.numel() for weight in network(name).parameters()) == PARAMETERS[name]


def test_sizes_of_the_last_map():
    with torch.no_grad():
        x = torch.ones(1, 3, 75, 75)
        assert network("inception_resnet_v2")(x).shape == (1, 1536, 1, 1)
        assert network("mobilenet_v1_075")(x[..., :32, :40]).shape == (1, 768, 1, 2)
        assert network("vit_b_16_torch", channels=1)(x[:, :1]).shape == (1, 768, 4, 4)


def test_same_padding_is_tensorflows():
    assert same_padding((224, 224), (3, 3), 2) == [0, 1, 0, 1]
    assert same_padding((225, 224), (3, 3), 2) == [0, 1, 1, 1]
    assert same_padding((7, 9), (1, 7), 1) == [3, 3, 0, 0]
    assert same_padding((5, 5), (1, 1), 2) == [0, 0, 0, 0]


def test_poolings_know_nothing_of_their_padding():
    x = -torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    average = module((Pool(3, 1, kind="avg"),))[0](x)
    assert average[0, 0, 0, 0] == -(1 + 2 + 5 + 6) / 4
    assert average[0, 0, 1, 1] == -(1 + 2 + 3 + 5 + 6 + 7 + 9 + 10 + 11) / 9
    largest = module((Pool(3, 2),))[0](x)  # pads below and on the right only
    assert largest.tolist() == [[[[-1, -3], [-9, -11]]]]


def test_symmetric_changes_what_is_same_and_nothing_else():
    table = TABLES["inception_v2"]()
    assert "same" not in repr(symmetric(table))
    assert repr(symmetric(table)).replace("explicit", "same") == repr(table)
    assert symmetric((conv(8, 3, padding="valid"),)) == (conv(8, 3, padding="valid"),)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: network("vgg"), "network: name must be 'alexnet_v2', 'vgg_16', "),
        (
            lambda: network("vgg_16", "same"),
            "network: padding must be 'published' or 'symm",
        ),
        (lambda: network("vgg_16", thin=1), "network: thin must be True or False, got 1"),
        (lambda: network("vgg_16", channels=1.5), "network: channels must be an integer, got 1.5"),
        (
            lambda: multiply_adds(network("vit_b_16_torch"), (0, 16)),
            "multiply_adds: input_size must be at ",
        ),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_a_wrong_call_is_told_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert str(caught.value).startswith(message)
