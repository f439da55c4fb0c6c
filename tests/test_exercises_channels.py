"""The checkers of chapter 6 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


def both_tensors(image, weight):
    return torch.tensor(image), torch.tensor(weight)


# --- pointwise ----------------------------------------------------------------------------------------------


def pointwise_by_loops(image, weight, bias):
    output = np.zeros((len(weight), *image.shape[1:]))
    for o in range(len(weight)):
        output[o] = bias[o]
        for c in range(len(image)):
            output[o] += weight[o, c] * image[c]
    return output


def pointwise_flat(image, weight, bias):
    channels, height, width = image.shape
    return (weight @ image.reshape(channels, -1) + bias[:, None]).reshape(-1, height, width)


def pointwise_by_linear(image, weight, bias):
    pixels = torch.tensor(image).permute(1, 2, 0)
    return F.linear(pixels, torch.tensor(weight), torch.tensor(bias, dtype=pixels.dtype)).permute(2, 0, 1)


RIGHT_POINTWISE = {
    "loops over channels": pointwise_by_loops,
    "a matrix product": pointwise_flat,
    "einsum": lambda x, w, b: np.einsum("oc,chw->ohw", w, x) + b[:, None, None],
    "tensordot": lambda x, w, b: np.tensordot(w, x, 1) + b.reshape(-1, 1, 1),
    "channels last": lambda x, w, b: np.moveaxis(np.moveaxis(x, 0, -1) @ w.T + b, -1, 0),
    "transposed twice": lambda x, w, b: (x.T @ w.T + b).T,
    "convlib": lambda x, w, b: convlib.conv2d(x, w[:, :, None, None], b),
    "a linear layer": pointwise_by_linear,
}


@pytest.mark.parametrize("answer", RIGHT_POINTWISE.values(), ids=RIGHT_POINTWISE)
def test_pointwise_accepts_every_way_to_mix(answer):
    verdict = exercises.check("pointwise", answer)
    assert repr(verdict) == "pointwise: right - 13 cases agree with the definition"


def pointwise_from_rows(image, weight, bias):
    channels, height, width = image.shape
    pixels = image.reshape(height * width, channels)
    return (pixels @ weight.T + bias).T.reshape(-1, height, width)


def pointwise_rows_and_back(image, weight, bias):
    channels, height, width = image.shape
    return (image.reshape(height * width, channels) @ weight.T + bias).reshape(-1, height, width)


def pointwise_reshaped_back(image, weight, bias):
    _, height, width = image.shape
    return (image.transpose(1, 2, 0) @ weight.T + bias).reshape(-1, height, width)


def pointwise_keeping_the_last(image, weight, bias):
    for c in range(len(image)):
        output = weight[:, c, None, None] * image[c] + bias[:, None, None]
    return output


WRONG_POINTWISE = [
    (lambda x, w, b: np.einsum("oc,chw->ohw", w, x), "the bias is forgotten"),
    (lambda x, w, b: np.einsum("oc,chw->ohw", w, x) + b, "the bias is added along the width"),
    (
        lambda x, w, b: sum(w[:, c, None, None] * x[c] + b[:, None, None] for c in range(len(x))),
        "input channel; once",
    ),
    (lambda x, w, b: np.einsum("co,chw->ohw", w, x) + b[:, None, None], "the weight is transposed"),
    (lambda x, w, b: np.tensordot(w.T, x, 1) + b[:, None, None], "the weight is transposed"),
    (pointwise_from_rows, "the channels are mixed with the pixels"),
    (pointwise_rows_and_back, "the channels are mixed with the pixels"),
    (pointwise_reshaped_back, "the channels are last and are reshaped"),
    (lambda x, w, b: x.transpose(1, 2, 0) @ w.T + b, "the channels are last: move them"),
    (
        lambda x, w, b: np.einsum("oc,chw->ochw", w, x) + b[:, None, None, None],
        "the input channels are kept apart",
    ),
    (lambda x, w, b: np.einsum("oc,chw->ohw", w, x) / len(x) + b[:, None, None], "it is the mean"),
    (pointwise_keeping_the_last, "only the last input channel counts"),
    (lambda x, w, b: w[:, :1, None] * x[0] + b[:, None, None], "only the first input channel counts"),
    (lambda x, w, b: np.einsum("oc,chw->owh", w, x) + b[:, None, None], "height and width are swapped"),
    (lambda x, w, b: np.zeros((len(w), *x.shape[1:])), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_POINTWISE, ids=diagnosis_only)
def test_pointwise_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("pointwise", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- grouped ------------------------------------------------------------------------------------------------


def grouped_by_slices(image, weight, groups, join=np.concatenate):
    into, out = len(image) // groups, len(weight) // groups
    parts = [
        convlib.conv2d(image[g * into : (g + 1) * into], weight[g * out : (g + 1) * out])
        for g in range(groups)
    ]
    return join(parts)


def grouped_by_kernels(image, weight, groups, group_of=lambda o, outputs, groups: o // (outputs // groups)):
    maps = []
    for o, kernel in enumerate(weight):
        first = group_of(o, len(weight), groups) * len(kernel)
        channels = image[first : first + len(kernel)]
        maps.append(
            sum(
                convlib.correlate2d(x, plane, mode="valid") for x, plane in zip(channels, kernel, strict=True)
            )
        )
    return np.stack(maps)


def grouped_with_zeros(image, weight, groups):
    """As an ordinary convolution whose weight is zero between the groups."""
    slices, out = weight.shape[1], len(weight) // groups
    full = np.zeros((len(weight), len(image), *weight.shape[2:]), weight.dtype)
    for g in range(groups):
        full[g * out : (g + 1) * out, g * slices : (g + 1) * slices] = weight[g * out : (g + 1) * out]
    return convlib.conv2d(image, full)


RIGHT_GROUPED = {
    "slices": grouped_by_slices,
    "kernels": grouped_by_kernels,
    "zeros between the groups": grouped_with_zeros,
    "convlib": lambda x, w, groups: convlib.conv2d(x, w, groups=groups),
    "torch": lambda x, w, groups: F.conv2d(*both_tensors(x, w), groups=groups),
}


@pytest.mark.parametrize("answer", RIGHT_GROUPED.values(), ids=RIGHT_GROUPED)
def test_grouped_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("grouped", answer)
    assert repr(verdict) == "grouped: right - 13 cases agree with the definition"


def grouped_first_kernels(image, weight, groups):
    into, out = len(image) // groups, len(weight) // groups
    return np.concatenate([convlib.conv2d(image[g * into :][:into], weight[:out]) for g in range(groups)])


def grouped_inputs_in_turn(image, weight, groups):
    out = len(weight) // groups
    return np.concatenate([convlib.conv2d(image[g::groups], weight[g * out :][:out]) for g in range(groups)])


def one_after_the_other(parts):
    return np.array(parts).swapaxes(0, 1).reshape(-1, *parts[0].shape[1:])


WRONG_GROUPED = [
    (
        lambda x, w, groups: grouped_by_kernels(x, w, groups, lambda *_: 0),
        "the input channels of the first one",
    ),
    (lambda x, w, groups: convlib.conv2d(x[-w.shape[1] :], w), "the input channels of the last one"),
    (grouped_first_kernels, "the kernels of the first one"),
    (
        lambda x, w, groups: convlib.conv2d(x, np.concatenate([w] * groups, axis=1)),
        "with the same slices again",
    ),
    (lambda x, w, groups: convlib.conv2d(x, w), "needs a slice for each input channel"),
    (
        lambda x, w, groups: grouped_by_slices(x, w, groups, one_after_the_other),
        "the output channels are interleaved",
    ),
    (lambda x, w, groups: grouped_by_kernels(x, w, groups, lambda o, _, g: o % g), "the groups take turns"),
    (grouped_inputs_in_turn, "the input channels are dealt out in turn"),
    (lambda x, w, groups: grouped_by_slices(x, w, groups, lambda parts: parts[0]), "only the first group"),
    (lambda x, w, groups: grouped_by_slices(x, w, groups, lambda parts: parts[-1]), "only the last group"),
    (lambda x, w, groups: grouped_by_slices(x, w, groups, sum), "the groups are added up"),
    (lambda x, w, groups: grouped_by_slices(x, w, groups, np.stack), "an axis of their own"),
    (lambda x, w, groups: convlib.conv2d(x, w[..., ::-1, ::-1], groups=groups), "the kernels are flipped"),
    (lambda x, w, groups: np.zeros(convlib.conv2d(x, w, groups=groups).shape), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_GROUPED, ids=diagnosis_only)
def test_grouped_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("grouped", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- shuffle ------------------------------------------------------------------------------------------------


def shuffle_by_slices(x, groups):
    size = x.shape[1] // groups
    return np.concatenate([x[:, j::size] for j in range(size)], axis=1)


def shuffle_by_assignment(x, groups):
    output, size = np.zeros_like(x), x.shape[1] // groups
    for group in range(groups):
        output[:, group::groups] = x[:, group * size : (group + 1) * size]
    return output


def shuffle_by_reshape(x, groups):
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(0, 2, 1, 3, 4).reshape(n, c, h, w)


def shuffle_by_index(x, groups):
    order = np.arange(x.shape[1]).reshape(groups, -1).T.ravel()
    return x[:, order]


RIGHT_SHUFFLE = {
    "slices": shuffle_by_slices,
    "assignment": shuffle_by_assignment,
    "reshape and transpose": shuffle_by_reshape,
    "an order of channels": shuffle_by_index,
    "convlib": convlib.channel_shuffle,
    "torch": lambda x, groups: F.channel_shuffle(torch.tensor(x), groups),
}


@pytest.mark.parametrize("answer", RIGHT_SHUFFLE.values(), ids=RIGHT_SHUFFLE)
def test_shuffle_accepts_every_way_to_deal(answer):
    verdict = exercises.check("shuffle", answer)
    assert repr(verdict) == "shuffle: right - 11 cases agree with the definition"


def split(x, groups):
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])


WRONG_SHUFFLE = [
    (lambda x, groups: split(x, x.shape[1] // groups).reshape(x.shape), "nothing is shuffled"),
    (lambda x, groups: split(x, x.shape[1] // groups).swapaxes(1, 2).reshape(x.shape), "it is the way back"),
    (lambda x, groups: shuffle_by_slices(x, x.shape[1] // groups), "it is the way back"),
    (lambda x, groups: split(x, groups).swapaxes(1, 2), "the two axes are not joined again"),
    (split, "the channels are still split into groups"),
    (
        lambda x, groups: np.concatenate(np.split(x, groups, axis=1)[::-1], axis=1),
        "whole groups change places",
    ),
    (lambda x, groups: np.flip(split(x, groups), 2).reshape(x.shape), "the channels are reversed inside"),
    (lambda x, groups: np.flip(x, 1), "the channels are only reversed"),
    (
        lambda x, groups: x.reshape(groups, -1, *x.shape[2:]).swapaxes(0, 1).reshape(x.shape),
        "images and channels are shuffled together",
    ),
    (lambda x, groups: 0 * x, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SHUFFLE, ids=diagnosis_only)
def test_shuffle_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("shuffle", answer)
    assert not verdict
    assert diagnosis in str(verdict)
