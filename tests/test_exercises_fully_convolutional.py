"""The checkers of chapter 12: right answers of every kind are accepted, each mistake is named."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convlib
from convlib import exercises
from convlib.receptive_field import Layer, stack


def diagnosis_only(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize("name", ["linear-to-conv", "dense-by-crops", "converted-head"])
def test_an_unsolved_exercise_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *arguments: ...)) == f"{name}: not tried yet"


# --- the weight ---------------------------------------------------------------------------------------------


def kernel_by_reshape(weight, size):
    return weight.reshape(weight.shape[0], -1, *size)


def kernel_number_by_number(weight, size):
    height, width = size
    channels = weight.shape[1] // (height * width)
    kernel = np.zeros((len(weight), channels, height, width))
    for o, c, i, j in np.ndindex(kernel.shape):
        kernel[o, c, i, j] = weight[o, (c * height + i) * width + j]
    return kernel


def kernel_by_probing(weight, size):
    """A layer is known by what it makes of single pixels."""
    height, width = size
    channels = weight.shape[1] // (height * width)
    layer = nn.Linear(weight.shape[1], len(weight), bias=False, dtype=torch.float64)
    layer.weight.data = torch.tensor(weight, dtype=torch.float64)
    pixels = torch.eye(weight.shape[1], dtype=torch.float64).reshape(-1, channels, height, width)
    return layer(pixels.flatten(1)).T.reshape(-1, channels, height, width)


def kernel_by_fold(weight, size):
    return convlib.fold(weight[:, :, None], size, size)


RIGHT_KERNEL = [kernel_by_reshape, kernel_number_by_number, kernel_by_probing, kernel_by_fold]


@pytest.mark.parametrize("answer", RIGHT_KERNEL)
def test_linear_to_conv_accepts_every_way_to_order_the_weights(answer):
    verdict = exercises.check("linear-to-conv", answer)
    assert repr(verdict) == "linear-to-conv: right - 8 cases agree with the definition"


def test_the_kernel_asked_for_makes_the_same_layer():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(4, 3, 8, 5)), rng.normal(size=(6, 120))
    as_convolution = convlib.conv2d(x, kernel_by_reshape(weight, (8, 5)))
    assert np.allclose(as_convolution[:, :, 0, 0], x.reshape(4, 120) @ weight.T)


WRONG_KERNEL = [
    (lambda w, size: w.reshape(len(w), *size, -1).transpose(0, 3, 1, 2), "taken for the last axis"),
    (
        lambda w, size: w.reshape(len(w), -1, size[1], size[0]).transpose(0, 1, 3, 2),
        "height and width are exchanged",
    ),
    (lambda w, size: kernel_by_reshape(w, size)[:, :, ::-1, ::-1], "turned over"),
    (lambda w, size: w.reshape(*w.shape, 1, 1), "this is the 1 × 1 kernel"),
    (lambda w, size: kernel_by_reshape(w, size).transpose(1, 0, 2, 3), "outputs and inputs are exchanged"),
    (lambda w, size: 0 * kernel_by_reshape(w, size), "every number is zero"),
    (lambda w, size: kernel_by_reshape(w[::-1], size), "the numbers differ"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_KERNEL, ids=diagnosis_only)
def test_linear_to_conv_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("linear-to-conv", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- piece by piece -----------------------------------------------------------------------------------------


def map_by_loops(classify, picture, size, stride):
    answers = []
    for i in range(0, picture.shape[1] - size + 1, stride):
        row = []
        for j in range(0, picture.shape[2] - size + 1, stride):
            row.append(classify(picture[:, i : i + size, j : j + size]))
        answers.append(row)
    return np.transpose(answers, (2, 0, 1))


def map_by_windows(classify, picture, size, stride):
    pieces = convlib.sliding_windows(picture, (size, size), stride)  # c i j u v
    channels, rows, columns = pieces.shape[:3]
    pieces = pieces.transpose(1, 2, 0, 3, 4).reshape(rows * columns, channels, size, size)
    return np.array([classify(piece) for piece in pieces]).T.reshape(-1, rows, columns)


def map_by_unfold(classify, picture, size, stride):
    columns = F.unfold(torch.tensor(picture)[None].double(), size, stride=stride)[0]
    answers = [classify(c.reshape(-1, size, size).numpy()) for c in columns.T]
    rows = (picture.shape[1] - size) // stride + 1
    return np.stack(answers, axis=-1).reshape(len(answers[0]), rows, -1)


RIGHT_MAP = [map_by_loops, map_by_windows, map_by_unfold]


@pytest.mark.parametrize("answer", RIGHT_MAP)
def test_dense_by_crops_accepts_every_way_to_cut(answer):
    verdict = exercises.check("dense-by-crops", answer)
    assert repr(verdict) == "dense-by-crops: right - 8 cases agree with the definition"


def test_the_map_asked_for_is_that_of_the_converted_network():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2)).double()
    head, picture = nn.Linear(4 * 3 * 3, 5).double(), torch.rand(2, 18, 12, dtype=torch.float64)

    def classify(piece):
        return head(body(torch.tensor(piece)[None]).flatten(1))[0].detach().numpy()

    dense = F.conv2d(body(picture[None]), head.weight.reshape(5, 4, 3, 3), head.bias)[0]
    crops = map_by_loops(classify, picture.numpy(), 8, 2)
    assert np.allclose(crops, dense.detach().numpy())


def shifted(start, stop):
    def answer(classify, picture, size, stride):
        height, width = picture.shape[1:]
        places = [range(start, n - size + stop, stride) for n in (height, width)]
        pieces = [[picture[:, i : i + size, j : j + size] for j in places[1]] for i in places[0]]
        return np.transpose([[classify(piece) for piece in row] for row in pieces], (2, 0, 1))

    return answer


def padded(classify, picture, size, stride):
    more = [-(n - size) % stride for n in picture.shape[1:]]
    return map_by_loops(classify, np.pad(picture, ((0, 0), (0, more[0]), (0, more[1]))), size, stride)


WRONG_MAP = [
    (lambda f, x, size, stride: map_by_loops(f, x, size, 1), "there is a piece at every pixel"),
    (lambda f, x, size, stride: map_by_loops(f, x, size, size), "lie side by side"),
    (shifted(0, 0), "the last place is missing"),
    (padded, "hang over the end"),
    (lambda *case: map_by_loops(*case).transpose(0, 2, 1), "rows and columns are exchanged"),
    (lambda *case: map_by_loops(*case).transpose(1, 2, 0), "the answers stand on the last axis"),
    (lambda *case: np.array([row.ravel() for row in map_by_loops(*case)]), "in a single row"),
    (lambda *case: 0 * map_by_loops(*case), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_MAP, ids=diagnosis_only)
def test_dense_by_crops_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("dense-by-crops", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_case_that_is_a_function_is_called_by_its_name():
    verdict = exercises.check("dense-by-crops", lambda *case: map_by_loops(*case)[::-1])
    assert "for classify `sums`, picture [[[0, 1, 2], [3, 4, 5], [6, 7, 8]]], size 2" in str(verdict)


# --- the converted head -------------------------------------------------------------------------------------


def head_by_formula(size, trained, layers, channels, outputs):
    def through(n):
        for k, s, p in layers:
            n = (n + 2 * p - k) // s + 1
        return n

    k = through(trained)
    return [through(size[0]) - k + 1, through(size[1]) - k + 1, outputs * channels * k * k + outputs]


def head_by_stack(size, trained, layers, channels, outputs):
    body = [Layer(k, stride=s, padding=p) for k, s, p in layers]
    kernel = stack(body, trained)[-1].output_size[0] if body else trained
    last = stack([*body, Layer(kernel)], size)[-1]
    return *last.output_size, convlib.conv_parameters(channels, outputs, (kernel, kernel))


def head_by_torch(size, trained, layers, channels, outputs):
    body = nn.Sequential(*(nn.Conv2d(channels, channels, k, s, p, device="meta") for k, s, p in layers))
    flat = body(torch.empty(1, channels, trained, trained, device="meta"))
    layer = nn.Conv2d(channels, outputs, flat.shape[2:], device="meta")
    shape = layer(body(torch.empty(1, channels, *size, device="meta"))).shape
    return np.array([*shape[2:], layer.weight.numel() + layer.bias.numel()])


@pytest.mark.parametrize("answer", [head_by_formula, head_by_stack, head_by_torch])
def test_converted_head_accepts_every_way_to_count(answer):
    verdict = exercises.check("converted-head", answer)
    assert repr(verdict) == "converted-head: right - 9 cases agree with the definition"


def from_sizes(rule):
    def answer(size, trained, layers, channels, outputs):
        def through(n):
            for k, s, p in layers:
                n = (n + 2 * p - k) // s + 1
            return n

        return rule(through(trained), through(size[0]), through(size[1]), channels, outputs)

    return answer


def as_if_divided(size, trained, layers, channels, outputs):
    total = np.prod([s for _, s, _ in layers])
    parameters = head_by_formula(size, trained, layers, channels, outputs)[2]
    return [(size[0] - trained) / total + 1, (size[1] - trained) / total + 1, parameters]


WRONG_HEAD = [
    (
        from_sizes(lambda k, h, w, c, o: (h - k + 1, w - k + 1, o * c * h * w + o)),
        "counted for the new size",
    ),
    (from_sizes(lambda k, h, w, c, o: (1, 1, o * c * h * w + o)), "as large as the new map"),
    (from_sizes(lambda k, h, w, c, o: (h, w, o * c * k * k + o)), "the map in front of the layer"),
    (from_sizes(lambda k, h, w, c, o: (h - k + 1, w - k + 1, o * c * k * k)), "the biases are missing"),
    (from_sizes(lambda k, h, w, c, o: (h - k + 1, w - k + 1, o * c + o)), "those of a 1 × 1 layer"),
    (from_sizes(lambda k, h, w, c, o: (h // k, w // k, o * c * k * k + o)), "slides by its own size"),
    (as_if_divided, "not rounded down"),
    (from_sizes(lambda k, h, w, c, o: (w - k + 1, h - k + 1, o * c * k * k + o)), "rows and columns"),
    (lambda *case: [0, 0, 0], "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_HEAD, ids=diagnosis_only)
def test_converted_head_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("converted-head", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_picture_of_the_size_of_the_training_gives_one_answer():
    verdict = exercises.check("converted-head", lambda *case: [0, 0, 0])
    assert str(verdict).endswith("expected [1, 1, 965], got [0, 0, 0]")
    assert 965 == 5 * (3 * 8 * 8 + 1)
