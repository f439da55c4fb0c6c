# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import copy
import functools
import inspect
import math
import subprocess
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import Case, assert_agree, cases
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from convlib.digits import digits
from convlib.layers import (
    SGD,
    Adam,
    AvgPool2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    Optimizer,
    ReLU,
    Sequential,
    accuracy,
    cross_entropy,
    fit,
    random_shifts,
    to_torch,
)
from convlib.oracles import finite_difference

PRECISION = {np.float64: 1e-10, np.float32: 2e-4}


def normal(*shape: int, dtype: type = np.float64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def network(dtype: type = np.float64, seed: int = 0) -> Sequential:
    """Every layer, with most of its options, for images (N, 1, 12, 12) of three classes."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(1, 4, 3, padding=1, rng=rng, dtype=dtype),
        ReLU(),
        MaxPool2d(2),
        Sequential(Conv2d(4, 6, (3, 2), (1, 2), (2, 1), 2, 2, bias=False, rng=rng, dtype=dtype), ReLU()),
        AvgPool2d(2, 1, 1),
        Conv2d(6, 5, 1, rng=rng, dtype=dtype),
        GlobalAvgPool2d(),
        Linear(5, 4, rng=rng, dtype=dtype),
        ReLU(),
        Flatten(),
        Linear(4, 3, bias=False, rng=rng, dtype=dtype),
    )


def examples(count: int = 8, dtype: type = np.float64, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return normal(count, 1, 12, 12, dtype=dtype, seed=seed), np.arange(count) % 3


@functools.cache
def small_digits() -> tuple[np.ndarray, np.ndarray]:
    """The middles of 1000 digits, 20 x 20 pixels."""
    images, labels = digits()
    return images[:1000, :, 4:24, 4:24], labels[:1000]


def reader(dtype: type = np.float64, seed: int = 0) -> Sequential:
    """A network that learns to read them."""
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(1, 4, 5, rng=rng, dtype=dtype),
        ReLU(),
        MaxPool2d(2),
        Conv2d(4, 8, 3, rng=rng, dtype=dtype),
        ReLU(),
        AvgPool2d(2),
        Flatten(),
        Linear(8 * 3 * 3, 10, rng=rng, dtype=dtype),
    )


def everything(*owners: object) -> list[np.ndarray]:
    """Copies of all the numbers that training could change."""
    found = []
    for owner in owners:
        if isinstance(owner, Layer):
            found += [*owner.parameters.values(), *owner.gradients.values()]
        else:
            states = (value for value in vars(owner).values() if isinstance(value, dict))
            found += [array for state in states for array in state.values()]
            found.append(np.array([owner.steps, owner.lr]))
    return [array.copy() for array in found]


def assert_same(before: list[np.ndarray], after: list[np.ndarray]) -> None:
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_like_torch(layer: Layer, image: np.ndarray, tolerance: float = 1e-10) -> None:
    """The output and every gradient."""
    twin, seen = to_torch(layer), torch.tensor(image, requires_grad=True)
    output, wanted = layer(image), twin(seen)
    assert_agree(output, wanted, tolerance)
    grad = normal(*output.shape, dtype=image.dtype.type, seed=5)
    wanted.backward(torch.tensor(grad))
    assert_agree(layer.backward(grad), seen.grad, tolerance)
    assert layer.gradients.keys() == layer.parameters.keys() == dict(twin.named_parameters()).keys()
    for name, parameter in twin.named_parameters():
        assert_agree(layer.gradients[name], parameter.grad, tolerance)


# --- layers -------------------------------------------------------------------------------------------------

LAYERS: dict[str, tuple[Callable[[type], Layer], tuple[int, ...]]] = {
    "Conv2d": (lambda dtype: Conv2d(3, 4, 3, rng=0, dtype=dtype), (2, 3, 6, 7)),
    "Conv2d with all options": (
        lambda dtype: Conv2d(4, 6, (3, 2), (2, 1), (2, 1), (1, 2), 2, False, rng=0, dtype=dtype),
        (2, 4, 7, 6),
    ),
    "Conv2d of the same size": (
        lambda dtype: Conv2d(2, 3, (3, 5), padding="same", rng=0, dtype=dtype),
        (2, 2, 5, 6),
    ),
    "Conv2d of one image": (lambda dtype: Conv2d(2, 3, 3, rng=0, dtype=dtype), (2, 5, 6)),
    "Conv2d of no images": (lambda dtype: Conv2d(2, 3, 3, rng=0, dtype=dtype), (0, 2, 5, 6)),
    "Linear": (lambda dtype: Linear(5, 3, rng=0, dtype=dtype), (4, 5)),
    "Linear without bias": (lambda dtype: Linear(5, 3, False, rng=0, dtype=dtype), (4, 5)),
    "Linear of tokens": (lambda dtype: Linear(5, 3, rng=0, dtype=dtype), (2, 4, 5)),
    "Linear of one vector": (lambda dtype: Linear(5, 3, rng=0, dtype=dtype), (5,)),
    "Linear of no images": (lambda dtype: Linear(5, 3, rng=0, dtype=dtype), (0, 5)),
    "ReLU": (lambda dtype: ReLU(), (3, 4)),
    "MaxPool2d": (lambda dtype: MaxPool2d(2), (2, 3, 5, 6)),
    "MaxPool2d that overlaps": (lambda dtype: MaxPool2d(3, 2, 1), (2, 3, 6, 7)),
    "AvgPool2d": (lambda dtype: AvgPool2d((2, 3)), (2, 3, 5, 6)),
    "AvgPool2d that overlaps": (lambda dtype: AvgPool2d(3, 2, 1), (2, 3, 6, 7)),
    "GlobalAvgPool2d": (lambda dtype: GlobalAvgPool2d(), (2, 3, 4, 5)),
    "GlobalAvgPool2d of one image": (lambda dtype: GlobalAvgPool2d(), (3, 4, 5)),
    "Flatten": (lambda dtype: Flatten(), (2, 3, 4, 5)),
    "Flatten from elsewhere": (lambda dtype: Flatten(2), (2, 3, 4, 5)),
    "Flatten of no images": (lambda dtype: Flatten(), (0, 3, 4, 5)),
    "no layer at all": (lambda dtype: Sequential(), (2, 3)),
    "a whole network": (network, (3, 1, 12, 12)),
}


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_and_sends_back_what_torch_does(name, dtype):
    make, shape = LAYERS[name]
    assert_like_torch(make(dtype), normal(*shape, dtype=dtype), PRECISION[dtype])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch says that it is slow
@given(cases(2))
def test_any_convolution_is_torch_s(case: Case):
    channels = case.input.shape[-3]
    kernel = case.weight.shape[2:]
    bias = case.bias is not None
    layer = Conv2d(channels, len(case.weight), kernel, **case.options, bias=bias, rng=0, dtype=np.float64)
    assert_like_torch(layer, case.input, 1e-9)


def test_the_gradients_are_slopes_of_the_loss():
    """Each number of the images and of the parameters moved a little, up and down."""
    model, (images, labels) = network(), examples(3)
    _, grad = cross_entropy(model(images), labels)
    slopes = {"images": model.backward(grad), **model.gradients}

    def loss_at(array: np.ndarray, moved: np.ndarray) -> float:
        kept, array[...] = array.copy(), moved
        result, array[...] = cross_entropy(model(images), labels)[0], kept
        return result

    assert len(slopes) == 1 + 8
    for name, slope in slopes.items():
        array = images if name == "images" else model.parameters[name]
        wanted = finite_difference(functools.partial(loss_at, array), array)
        np.testing.assert_allclose(slope, wanted, rtol=1e-5, atol=1e-9, err_msg=name)
        assert np.abs(slope).max() > 1e-5, name


def test_of_equal_numbers_the_first_gets_the_gradient():
    """They are frequent: behind a ReLU a whole window may be 0."""
    assert_like_torch(MaxPool2d(2), np.zeros((2, 3, 4, 6)))
    assert_like_torch(MaxPool2d(3, 1, 1), normal(2, 3, 5, 5).round())


def test_a_linear_layer_by_hand():
    layer = Linear(2, 2, rng=0, dtype=np.float64)
    layer.parameters["weight"][...], layer.parameters["bias"][...] = [[1, 2], [3, 4]], [5, 6]
    assert layer(np.array([[10.0, 1.0]])).tolist() == [[1 * 10 + 2 * 1 + 5, 3 * 10 + 4 * 1 + 6]]
    assert layer.backward(np.array([[1.0, 2.0]])).tolist() == [[1 * 1 + 2 * 3, 1 * 2 + 2 * 4]]
    assert layer.gradients["weight"].tolist() == [[1 * 10, 1 * 1], [2 * 10, 2 * 1]]
    assert layer.gradients["bias"].tolist() == [1, 2]


def test_at_zero_a_relu_lets_no_gradient_through_and_at_nan_it_does():
    layer, image = ReLU(), np.array([-1.0, -0.0, 0.0, 1.0, np.nan, np.inf, -np.inf])
    assert_like_torch(layer, image)
    assert layer.backward(np.full(7, np.inf)).tolist() == [0, 0, 0, np.inf, np.inf, np.inf, 0]


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_that_is_given_is_changed(name):
    make, shape = LAYERS[name]
    layer, image = make(np.float64), normal(*shape)
    kept = image.copy()
    grad = np.ones_like(layer(image))
    layer.backward(grad)
    np.testing.assert_array_equal(image, kept)
    assert (grad == 1).all()


def test_going_back_twice_gives_the_same_gradients_and_not_their_sum():
    model, (images, labels) = network(), examples()
    _, grad = cross_entropy(model(images), labels)
    first = model.backward(grad), everything(model)
    assert_same([first[0], *first[1]], [model.backward(grad), *everything(model)])


def test_the_gradient_of_a_batch_is_the_mean_of_those_of_its_images():
    model, (images, labels) = network(), examples(4)
    together, single = {}, []
    for image, label in zip(images, labels, strict=True):
        model.backward(cross_entropy(model(image[None]), label[None])[1])
        single.append(dict(model.gradients))
    model.backward(cross_entropy(model(images), labels)[1])
    together = model.gradients
    for name in together:
        assert_agree(together[name], sum(one[name] for one in single) / 4)


@pytest.mark.parametrize("make", [lambda rng: Conv2d(6, 500, (3, 2), groups=2, rng=rng), lambda rng: Linear(18, 500, rng=rng)])  # fmt: skip
def test_initial_parameters_are_torch_s_even_between_the_bounds(make):
    """Both have 18 inputs for an output: 6 / 2 channels of 3 x 2 pixels, or 18 numbers."""
    layer, bound = make(0), 1 / math.sqrt(18)
    torch.manual_seed(0)
    twin = nn.Conv2d(6, 500, (3, 2), groups=2) if isinstance(layer, Conv2d) else nn.Linear(18, 500)
    for ours, theirs in zip(layer.parameters.values(), (twin.weight, twin.bias), strict=True):
        for drawn in (ours, theirs.detach().numpy()):
            assert np.abs(drawn).max() <= bound * (1 + 1e-6)
            assert abs(drawn.mean()) < 0.1 * bound
            shares = np.histogram(drawn, bins=4, range=(-bound, bound))[0] / drawn.size
            assert np.allclose(shares, 1 / 4, atol=0.06)


def test_a_seed_gives_the_same_parameters_again_and_a_generator_others_each_time():
    make = {"conv": functools.partial(Conv2d, 2, 3, 3), "linear": functools.partial(Linear, 2, 3)}
    for layer in make.values():
        one, again = layer(rng=5).parameters, layer(rng=np.random.default_rng(5)).parameters
        assert_same(list(one.values()), list(again.values()))
        rng = np.random.default_rng(5)
        first, second = layer(rng=rng).parameters, layer(rng=rng).parameters
        assert all((first[name] != second[name]).all() for name in first)


def test_single_precision_starts_with_the_rounded_numbers_of_double_precision():
    double, single = network(np.float64), network(np.float32)
    assert single.parameters.keys() == double.parameters.keys()
    assert not hasattr(double.layers[0], "dtype")  # it would be that of the class, whatever the layer has
    for name, numbers in double.parameters.items():
        assert numbers.dtype == np.float64
        assert_agree(single.parameters[name], numbers.astype(np.float32), 0)


def test_single_precision_stays_single_precision():
    model, (images, labels) = network(np.float32), examples(dtype=np.float32)
    for optimizer in (SGD(model, np.float64(0.1), np.float64(0.9), 1e-4), Adam(model, np.float64(0.01))):
        fit(model, optimizer, images, labels, epochs=1, batch_size=3, rng=0)
        assert {array.dtype for array in everything(model)} == {np.dtype(np.float32)}
        states = (value for value in vars(optimizer).values() if isinstance(value, dict))
        assert {array.dtype for state in states for array in state.values()} == {np.dtype(np.float32)}
    assert model(images).dtype == model.backward(np.ones_like(model(images))).dtype == np.float32


def test_a_layer_prints_what_makes_it():
    printed = "Conv2d(in_channels=1, out_channels=2, kernel_size=3, stride=1, padding='same', dilation=1, groups=1, bias=False)"
    assert repr(Conv2d(1, 2, 3, padding="same", bias=False, rng=0)) == printed
    assert repr(MaxPool2d(2)) == "MaxPool2d(kernel_size=2, stride=None, padding=0)"
    assert repr(Sequential()) == "Sequential()"
    nested = Sequential(ReLU(), Sequential(Flatten()))
    assert repr(nested) == (
        "Sequential(\n  (0): ReLU()\n  (1): Sequential(\n    (0): Flatten(start_dim=1)\n  )\n)"
    )


# --- a layer of one's own -----------------------------------------------------------------------------------


class Scale(Layer):
    """One learned number."""

    def __init__(self, factor: float) -> None:
        self.parameters = {"factor": np.array(factor)}

    def compute(self, input):
        return self.parameters["factor"] * input

    def send_back(self, grad, input):
        self.gradients = {"factor": (grad * input).sum()}
        return self.parameters["factor"] * grad


def test_a_layer_of_one_s_own_needs_two_formulas_and_learns():
    model = Sequential(Scale(1.0), Flatten())
    assert repr(model.layers[0]) == "Scale()"
    images, labels = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 1])
    history = fit(model, SGD(model, lr=1), images, labels, epochs=5, batch_size=2, rng=0)
    assert history == sorted(history, reverse=True) and len(history) == 5
    assert model.parameters["0.factor"] > 1.5


def test_a_formula_that_is_missing_is_named():
    with pytest.raises(NotImplementedError, match=r"^Layer does not say how to compute$"):
        Layer()(np.ones(1))

    class Half(Layer):
        def compute(self, input):
            return input / 2

    layer = Half()
    layer(np.ones(1))
    with pytest.raises(NotImplementedError, match=r"^Half does not say how to send a gradient back$"):
        layer.backward(np.ones(1))
    with pytest.raises(NotImplementedError, match=r"^Optimizer does not say how to change a parameter$"):
        model = Linear(1, 1, rng=0)
        model.backward(model(np.ones((1, 1), np.float32)))
        Optimizer(model, 1).step()


# --- networks -----------------------------------------------------------------------------------------------


def test_the_parameters_have_torch_s_names_and_are_the_layers_own():
    model = network()
    assert list(model.parameters) == list(to_torch(model).state_dict())
    assert model.parameters["3.0.weight"] is model.layers[3].layers[0].parameters["weight"]
    images, _ = examples()
    before = model(images)
    model.parameters["10.weight"][...] = 0
    assert before.any() and not model(images).any()


def test_names_cannot_be_added_to_a_network():
    """Otherwise an assignment would be lost without a word."""
    with pytest.raises(TypeError, match="does not support item assignment"):
        network().parameters["0.weight"] = np.zeros((4, 1, 3, 3))  # type: ignore[index]


def test_an_array_that_replaces_a_parameter_is_used_from_then_on():
    model = Sequential(Linear(1, 1, bias=False, rng=0, dtype=np.float64))
    optimizer = SGD(model, lr=1)
    model.layers[0].parameters["weight"] = np.array([[7.0]])
    assert model(np.ones((1, 1))).item() == 7
    model.backward(np.ones((1, 1)))
    optimizer.step()
    assert model.parameters["0.weight"].item() == 7 - 1


def test_a_copy_learns_by_itself():
    model, (images, labels) = network(), examples()
    before = everything(model)
    other = copy.deepcopy(model)
    fit(other, SGD(other, lr=0.1), images, labels, epochs=1, batch_size=4, rng=0)
    assert_same(before, everything(model))
    assert (other.parameters["0.weight"] != model.parameters["0.weight"]).any()


def test_an_error_says_in_which_layer():
    model = Sequential(
        Flatten(), Linear(144, 5, rng=0, dtype=np.float64), Sequential(ReLU(), Linear(4, 3, rng=0))
    )
    with pytest.raises(TypeError) as caught:
        model(examples(2)[0])
    assert str(caught.value) == "Linear: input is float64 but weight is float32; they must be equal"
    assert caught.value.__notes__[0] == (
        "in layer 1 of the network, Linear(in_features=4, out_features=3, bias=True), for an input of (2, 5)"
    )
    assert caught.value.__notes__[1].startswith("in layer 2 of the network, Sequential(")


def test_after_a_forward_that_failed_there_is_no_way_back():
    """Some layers remember the new images, others the old ones: their gradients would fit nothing."""
    model, (images, labels) = network(), examples()
    _, grad = cross_entropy(model(images), labels)
    model.backward(grad)
    before = everything(model)
    with pytest.raises(ValueError, match="2 channels"):
        model(np.ones((8, 2, 12, 12)))
    with pytest.raises(RuntimeError, match="there is nothing to go back through"):
        model.backward(grad)
    assert_same(before, everything(model))


# --- the loss -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("labels_dtype", [np.int64, np.int32, np.uint8])
def test_cross_entropy_and_its_gradient_are_torch_s(dtype, labels_dtype):
    logits, labels = normal(6, 4, dtype=dtype) * 5, np.array([0, 3, 2, 1, 0, 3])
    seen = torch.tensor(logits, requires_grad=True)
    wanted = F.cross_entropy(seen, torch.tensor(labels))
    wanted.backward()
    kept = logits.copy()
    loss, grad = cross_entropy(logits, labels.astype(labels_dtype))
    assert type(loss) is float
    assert math.isclose(loss, wanted.item(), rel_tol=PRECISION[dtype])
    assert_agree(grad, seen.grad, 1e-14 if dtype is np.float64 else 1e-7)
    np.testing.assert_array_equal(logits, kept)


def test_the_gradient_of_cross_entropy_is_its_slope():
    logits, labels = normal(3, 4), np.array([2, 0, 2])
    wanted = finite_difference(lambda moved: cross_entropy(moved, labels)[0], logits)
    np.testing.assert_allclose(cross_entropy(logits, labels)[1], wanted, rtol=1e-6, atol=1e-9)


def test_a_network_that_finds_all_classes_equally_likely_loses_the_logarithm_of_their_number():
    loss, grad = cross_entropy(np.full((2, 10), 7.0), np.array([3, 3]))
    assert math.isclose(loss, math.log(10), rel_tol=1e-15)
    assert np.allclose(grad, np.where(np.arange(10) == 3, (1 / 10 - 1) / 2, (1 / 10 - 0) / 2), rtol=1e-14)


def test_every_row_of_the_gradient_sums_to_zero():
    _, grad = cross_entropy(normal(5, 7) * 10, np.arange(5))
    assert np.abs(grad.sum(axis=1)).max() < 1e-16


@given(st.floats(-1e6, 1e6))
def test_a_number_added_to_all_logits_changes_nothing(shift):
    logits, labels = normal(3, 4), np.array([1, 2, 3])
    assert math.isclose(
        cross_entropy(logits + shift, labels)[0], cross_entropy(logits, labels)[0], rel_tol=1e-8
    )


@pytest.mark.parametrize(
    "row",
    [[1000.0, 0.0, -1000.0], [0.0, 1e300, 3.0], [np.nan, 0.0, 1.0], [np.inf, 0.0, 1.0], [-np.inf, 0.0, 1.0], [-np.inf] * 3],
)  # fmt: skip
@pytest.mark.parametrize("label", range(3))
def test_large_logits_infinity_and_nan_come_out_as_in_torch(row, label):
    logits, labels = np.array([row, [0.0, 1.0, 2.0]]), np.array([label, 0])
    seen = torch.tensor(logits, requires_grad=True)
    wanted = F.cross_entropy(seen, torch.tensor(labels))
    wanted.backward()
    loss, grad = cross_entropy(logits, labels)
    np.testing.assert_allclose(loss, wanted.item(), rtol=1e-12)
    assert_agree(grad, seen.grad, 1e-12)


# --- optimizers ---------------------------------------------------------------------------------------------

OPTIMIZERS = {
    "SGD": (lambda model: SGD(model, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda model: SGD(model, 0.05, 0.9), lambda p: torch.optim.SGD(p, 0.05, 0.9)),
    "weight decay": (
        lambda model: SGD(model, lr=0.1, weight_decay=0.1),
        lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.1),
    ),
    "both": (
        lambda model: SGD(model, 0.1, 0.5, 0.01),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.5, weight_decay=0.01),
    ),
    "Adam": (lambda model: Adam(model), lambda p: torch.optim.Adam(p)),
    "Adam with options": (
        lambda model: Adam(model, 0.01, (0.5, 0.8), 0.1),
        lambda p: torch.optim.Adam(p, 0.01, (0.5, 0.8), 0.1),
    ),
    # The sign of the gradient, were it not for eps: without it, one that rounds to the other side of 0 is a whole step.
    "a mean over nothing": (
        lambda model: Adam(model, 0.01, (0, 0), 1e-3),
        lambda p: torch.optim.Adam(p, 0.01, (0.0, 0.0), 1e-3),
    ),
}


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_hundred_steps_lead_where_torch_s_lead(name, dtype):
    """With the gradients given, so that only the steps are compared; the learning rate changes half way."""
    ours, theirs = OPTIMIZERS[name]
    model = Sequential(Linear(4, 3, rng=0, dtype=dtype))
    twin = to_torch(model)
    optimizer, other = ours(model), theirs(twin.parameters())
    for step in range(100):
        if step == 50:
            optimizer.lr = other.param_groups[0]["lr"] = optimizer.lr / 3
        gradients = {name: normal(*p.shape, dtype=dtype, seed=step) for name, p in model.parameters.items()}
        model.layers[0].gradients = {name.removeprefix("0."): grad for name, grad in gradients.items()}
        for name, parameter in twin.named_parameters():
            parameter.grad = torch.tensor(gradients[name])
        optimizer.step()
        other.step()
    assert optimizer.steps == 100
    for name, parameter in twin.named_parameters():
        assert_agree(model.parameters[name], parameter, 1e-12 if dtype is np.float64 else 1e-5)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_of_fifty_batches_is_that_of_the_twin_in_torch(name, dtype):
    """The same initial parameters, the same batches, and a loss that falls."""
    model, (images, labels) = reader(dtype), small_digits()
    images = images.astype(dtype)
    twin = to_torch(model)
    ours, theirs = OPTIMIZERS[name]
    other = theirs(twin.parameters())
    history = fit(model, ours(model), images, labels, epochs=1, batch_size=20, rng=3)
    wanted = []
    for batch in np.random.default_rng(3).permutation(1000).reshape(50, 20):
        loss = F.cross_entropy(twin(torch.tensor(images[batch])), torch.tensor(labels[batch]))
        other.zero_grad()
        loss.backward()
        other.step()
        wanted.append(loss.item())
    assert np.mean(history[-5:]) < np.mean(history[:5]) - 0.05
    assert np.allclose(history, wanted, rtol=1e-10 if dtype is np.float64 else 1e-4)
    for name, parameter in twin.named_parameters():
        assert_agree(model.parameters[name], parameter, 1e-10 if dtype is np.float64 else 2e-3)


def sloped(slope: float) -> Linear:
    """A layer with the weight 1, after a backward pass in which that has this slope."""
    layer = Linear(1, 1, bias=False, rng=0, dtype=np.float64)
    layer.parameters["weight"][...] = 1
    layer(np.ones((1, 1)))
    layer.backward(np.full((1, 1), float(slope)))
    return layer


def steps(optimizer: Optimizer, count: int) -> list[float]:
    weights = []
    for _ in range(count):
        optimizer.step()
        weights.append(optimizer.model.parameters["weight"].item())
    return weights


def test_steps_down_a_slope_of_two_by_hand():
    assert steps(SGD(sloped(2), lr=0.25), 2) == [1 - 0.25 * 2, 0.5 - 0.25 * 2]
    assert steps(SGD(sloped(2), lr=0.25, momentum=0.5), 2) == [1 - 0.25 * 2, 0.5 - 0.25 * (0.5 * 2 + 2)]
    assert steps(SGD(sloped(2), lr=0.25, weight_decay=0.5), 2) == [1 - 0.25 * (2 + 0.5 * 1), 0.375 - 0.25 * (2 + 0.5 * 0.375)]  # fmt: skip


def test_adam_walks_as_far_wherever_the_slope_stays_the_same():
    for slope in (1e-3, 1, 1e6):
        assert np.allclose(steps(Adam(sloped(slope), lr=0.125), 3), [0.875, 0.75, 0.625], rtol=1e-4)
        assert np.allclose(steps(Adam(sloped(-slope), lr=0.125), 2), [1.125, 1.25], rtol=1e-4)


def test_where_there_is_no_slope_nothing_moves():
    assert steps(SGD(sloped(0), 0.1, 0.9), 2) == steps(Adam(sloped(0)), 2) == [1, 1]


def test_what_an_optimizer_remembers_is_its_own():
    """Gradients that are changed after a step, to clip them for instance, change no step to come."""
    for make in (lambda m: SGD(m, 0.1, 0.9), lambda m: Adam(m, 0.1)):
        clipped, left = sloped(2), sloped(2)
        one, other = make(clipped), make(left)
        one.step(), other.step()
        clipped.gradients["weight"][...] = 1000
        clipped(np.ones((1, 1))), clipped.backward(np.full((1, 1), 2.0))
        assert steps(one, 1) == steps(other, 1)


def test_without_momentum_an_infinite_gradient_is_not_remembered():
    layer = sloped(np.inf)
    optimizer = SGD(layer, 0.1)
    assert steps(optimizer, 1) == [-np.inf]
    layer.parameters["weight"][...] = 1
    layer.gradients["weight"][...] = 2
    assert steps(optimizer, 1) == [1 - 0.1 * 2]


def test_the_learning_rate_can_be_set_between_steps_and_is_checked_again():
    optimizer = SGD(sloped(2), lr=0.25)
    optimizer.lr = 0.5
    assert steps(optimizer, 1) == [1 - 0.5 * 2]
    with pytest.raises(ValueError, match="SGD: lr must be at least 0 and finite, got -1"):
        optimizer.lr = -1
    assert optimizer.lr == 0.5


def test_a_learning_rate_of_zero_changes_nothing():
    assert steps(SGD(sloped(2), 0), 2) == steps(Adam(sloped(2), 0), 2) == [1, 1]


# --- training -----------------------------------------------------------------------------------------------


class Diary(Layer):
    """Answers each image of one number with two logits, and writes down what it has seen."""

    def __init__(self) -> None:
        self.parameters = {"unused": np.zeros(1)}
        self.seen: list[list[float]] = []

    def compute(self, input):
        self.seen.append(input.ravel().tolist())
        return np.zeros((len(input), 2))

    def send_back(self, grad, input):
        self.gradients = {"unused": np.zeros(1)}
        return np.zeros_like(input)


def diary(epochs: int = 3, batch_size: int = 4, rng: int | np.random.Generator = 0, **options):
    model = Diary()
    images, labels = np.arange(10.0).reshape(10, 1), np.arange(10) % 2
    history = fit(
        model, SGD(model, 1), images, labels, epochs=epochs, batch_size=batch_size, rng=rng, **options
    )
    return model.seen, history


def joined(batches: list[list[float]]) -> list[float]:
    return [image for batch in batches for image in batch]


def test_every_epoch_shows_each_image_once_in_a_new_order():
    seen, history = diary(epochs=3, batch_size=4)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 3
    epochs = [joined(seen[i : i + 3]) for i in (0, 3, 6)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({*map(tuple, epochs), tuple(range(10))}) == 4
    assert len(history) == 9 and np.allclose(history, math.log(2))


def test_a_seed_gives_the_same_training_again_and_a_generator_goes_on():
    assert diary(rng=1) == diary(rng=1) == diary(rng=np.random.default_rng(1))
    assert diary(rng=1) != diary(rng=2)
    rng = np.random.default_rng(1)
    assert diary(rng=rng, epochs=1)[0] + diary(rng=rng, epochs=2)[0] == diary(rng=1, epochs=3)[0]


def test_a_batch_larger_than_all_the_images_holds_them_all():
    seen, _ = diary(epochs=1, batch_size=99)
    assert [len(batch) for batch in seen] == [10]


def test_no_epochs_change_nothing():
    assert diary(epochs=0) == ([], [])


def test_each_epoch_is_reported_with_the_mean_of_its_losses():
    model, (images, labels) = network(), examples(10)
    told: list[tuple[int, float]] = []
    history = fit(
        model, SGD(model, 0.1), images, labels, epochs=2, batch_size=4, rng=0,
        report=lambda epoch, loss: told.append((epoch, loss)),
    )  # fmt: skip
    assert told == [(1, float(np.mean(history[:3]))), (2, float(np.mean(history[3:])))]
    assert all(type(loss) is float for loss in history)


def test_a_report_may_set_the_learning_rate_for_the_next_epoch():
    model, (images, labels) = network(), examples(6)
    optimizer, kept = SGD(model, 0.1), []

    def freeze(epoch: int, loss: float) -> None:
        optimizer.lr = 0
        kept.append(everything(model)[: len(model.parameters)])

    fit(model, optimizer, images, labels, epochs=3, batch_size=2, rng=0, report=freeze)
    assert_same(kept[0], kept[2])


def test_the_network_sees_the_augmented_images_and_the_others_stay():
    images = np.arange(10.0).reshape(10, 1)
    given: list[np.random.Generator] = []

    def negative(batch, rng):
        given.append(rng)
        batch *= -1  # even a function that changes what it gets
        return batch

    seen, _ = diary(augment=negative, rng=(rng := np.random.default_rng(0)))
    assert sorted(joined(seen[:3])) == list(range(-9, 1))
    assert sorted(joined(seen[6:])) == list(range(-9, 1))
    assert all(one is rng for one in given) and images.min() == 0


def test_fit_does_to_the_parameters_what_the_four_lines_do():
    one, other = network(), network()
    images, labels = examples(9)
    history = fit(one, Adam(one, 0.01), images, labels, epochs=2, batch_size=9, rng=0)
    optimizer, rng = Adam(other, 0.01), np.random.default_rng(0)
    for step in range(2):
        order = rng.permutation(9)
        loss, grad = cross_entropy(other(images[order]), labels[order])
        other.backward(grad)
        optimizer.step()
        assert loss == history[step]
    assert_same(everything(one), everything(other))


def test_an_optimizer_of_a_part_trains_this_part():
    model, (images, labels) = network(), examples()
    last = model.layers[-1]
    before, weight = everything(model.layers[0]), last.parameters["weight"].copy()
    fit(model, SGD(last, 0.1), images, labels, epochs=1, batch_size=4, rng=0)
    assert_same(before, everything(model.layers[0])[:2])
    assert (last.parameters["weight"] != weight).any()


def test_the_share_of_right_answers_is_counted_over_batches_of_any_size():
    model, (images, labels) = network(), examples(10)
    wanted = (
        sum(int(model(image[None]).argmax()) == label for image, label in zip(images, labels, strict=True))
        / 10
    )
    assert 0 < wanted < 1
    before = everything(model)
    for batch_size in (1, 3, 10, 256):
        assert accuracy(model, images, labels, batch_size) == wanted
    assert accuracy(model, images, labels) == wanted
    assert_same(before, everything(model))


def test_one_batch_can_be_learned_by_heart():
    images, labels = digits()
    images = images[:20].astype(np.float32)
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 4, 3, stride=2, rng=rng), ReLU(), MaxPool2d(2), Flatten(), Linear(4 * 6 * 6, 10, rng=rng)
    )
    history = fit(model, Adam(model, 0.01), images, labels[:20], epochs=60, batch_size=20, rng=rng)
    assert abs(history[0] - math.log(10)) < 0.3
    assert history[-1] < 0.1
    assert accuracy(model, images, labels[:20]) == 1


def test_digits_that_it_has_not_seen_are_read_as_well():
    images, labels = digits()
    images = images.astype(np.float32)
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 4, 5, stride=2, rng=rng), ReLU(), MaxPool2d(2), Flatten(), Linear(4 * 6 * 6, 10, rng=rng)
    )
    fit(model, SGD(model, 0.05, 0.9), images[:2000], labels[:2000], epochs=3, batch_size=32, rng=rng)
    assert accuracy(model, images[4000:], labels[4000:]) > 0.85


def test_nan_and_infinity_flow_without_a_warning():
    """A broken pixel breaks the loss, where it is seen; so does a learning rate that is much too large."""
    model, (images, labels) = network(), examples(4)
    images[0, 0, 3, 3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = fit(model, SGD(model, 0.1, 0.9), images, labels, epochs=2, batch_size=4, rng=0)
        assert np.isnan(history).all()
        assert all(np.isnan(parameter).any() for parameter in model.parameters.values())
        for make in (lambda m: SGD(m, 1e200, 0.9), lambda m: SGD(m, 1e200), lambda m: Adam(m, 1e200)):
            model, (images, labels) = network(), examples(4)
            history = fit(model, make(model), images, labels, epochs=9, batch_size=4, rng=0)
            assert np.isfinite(history[0]) and not np.isfinite(history[-1])


# --- shifts -------------------------------------------------------------------------------------------------


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """One pixel after the other, from an image (C, H, W)."""
    result = np.zeros_like(image)
    for y, x in np.ndindex(image.shape[1:]):
        if 0 <= y - down < image.shape[1] and 0 <= x - right < image.shape[2]:
            result[:, y, x] = image[:, y - down, x - right]
    return result


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_each_image_is_shifted_by_itself_and_every_shift_comes(pixels):
    images = 1 + normal(300, 2, 3, 4, dtype=np.float32) ** 2
    moved = random_shifts(images, np.random.default_rng(0), pixels)
    assert moved.shape == images.shape and moved.dtype == np.float32
    every = [(y, x) for y in range(-pixels, pixels + 1) for x in range(-pixels, pixels + 1)]
    found = []
    for image, other in zip(images, moved, strict=True):
        match = [shift for shift in every if (shifted(image, *shift) == other).all()]
        assert len(match) == 1
        found += match
    assert set(found) == set(every)
    assert max(map(found.count, every)) < 3 * 300 / len(every)


def test_shifting_leaves_the_images_and_moves_by_one_pixel_unless_told():
    images = normal(50, 1, 5, 5)
    kept = images.copy()
    moved = random_shifts(images, 0)
    np.testing.assert_array_equal(images, kept)
    moved[...] = 0
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(random_shifts(images, 3), random_shifts(images, 3, pixels=1))
    assert random_shifts(images[:0], 0).shape == (0, 1, 5, 5)


# --- the twin -----------------------------------------------------------------------------------------------


def test_the_twin_has_copies_of_the_parameters():
    model = network(np.float32)
    twin = to_torch(model)
    assert isinstance(twin, nn.Sequential)
    before = everything(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            assert parameter.requires_grad and parameter.is_leaf and parameter.device.type == "cpu"
            parameter.zero_()
    assert_same(before, everything(model))


def test_making_a_twin_asks_torch_for_no_random_numbers():
    """So a seed before it leads to the same numbers after it, however large the network."""
    state = torch.random.get_rng_state()
    to_torch(network())
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_layer_that_torch_has_not_is_refused():
    class Dropout(Layer):
        """torch.nn has one of this name, which may do something else."""

    class MyLinear(Linear):
        def compute(self, input):
            return 2 * super().compute(input)

    for layer, name in ((Scale(2.0), "Scale"), (Dropout(), "Dropout"), (MyLinear(1, 1, rng=0), ".*MyLinear")):
        with pytest.raises(TypeError, match=rf"to_torch: torch\.nn has no twin of {name}\("):
            to_torch(Sequential(ReLU(), layer))


@pytest.mark.parametrize("layer", [Conv2d, Linear, ReLU, MaxPool2d, AvgPool2d, Flatten])
def test_arguments_stand_in_torch_s_order_with_torch_s_defaults(layer):
    theirs = inspect.signature(getattr(nn, layer.__name__)).parameters
    for (name, ours), (other, parameter) in zip(
        inspect.signature(layer).parameters.items(), theirs.items(), strict=False
    ):
        if ours.kind is inspect.Parameter.KEYWORD_ONLY:
            break
        assert name == other and ours.default == parameter.default


# --- wrong calls --------------------------------------------------------------------------------------------


def small() -> Linear:
    return Linear(2, 3, rng=0, dtype=np.float64)


def trained(model: Layer | None = None, optimizer: object = None, images=None, labels=None, **options):
    model = model or small()
    images = np.zeros((4, 2)) if images is None else images
    labels = np.array([0, 1, 2, 0]) if labels is None else labels
    optimizer = SGD(model, 0.1) if optimizer is None else optimizer
    return fit(model, optimizer, images, labels, **{"epochs": 1, "batch_size": 1, "rng": 0, **options})


def after_forward(layer: Layer, image: np.ndarray, grad: object) -> None:
    layer(image)
    layer.backward(grad)


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Conv2d(1, 8, 3, rng=0)(np.ones((2, 3, 5, 5), np.float32)), "ValueError: conv2d: input has 3 channels but weight expects 1 (input (2, 3, 5, 5), weight (8, 1, 3, 3), groups=1)"),
    (lambda: Conv2d(1, 8, 3, rng=0)(np.ones((2, 1, 5, 5))), "TypeError: conv2d: input is float64 but weight is float32; they must be equal"),
    (lambda: Conv2d(1, 8, 3, rng=0)(np.ones((2, 1, 2, 2), np.float32)), "ValueError: conv2d: the kernel spans 3 pixels along spatial axis 0, but the padded input has 2 (size 2, padding 0 + 0)"),
    (lambda: Conv2d(1, 8, 3, rng=0)([1.0]), "TypeError: Conv2d: input must be a NumPy array or a torch tensor, got list"),
    (lambda: Conv2d(1, 8, 3, rng=0)(torch.ones(2, 1, 5, 5)), "TypeError: Conv2d: input is a torch tensor, but these layers compute with NumPy arrays"),
    (lambda: Conv2d(1, 8, 3, rng=0)(np.ones((2, 1, 5, 5), np.uint8)), "TypeError: Conv2d: input must hold floating-point numbers, got uint8; use .astype(np.float32)"),
    (lambda: Conv2d(0, 8, 3, rng=0), "ValueError: Conv2d: in_channels must be at least 1, got 0"),
    (lambda: Conv2d(1, 8.0, 3, rng=0), "TypeError: Conv2d: out_channels must be an integer, got 8.0"),
    (lambda: Conv2d(1, 8, (3, 3, 3), rng=0), "ValueError: Conv2d: kernel_size must be one integer or 2, got (3, 3, 3)"),
    (lambda: Conv2d(1, 8, 3, 0, rng=0), "ValueError: Conv2d: stride must be at least 1, got 0"),
    (lambda: Conv2d(1, 8, 3, padding="some", rng=0), "ValueError: Conv2d: padding must be 'valid', 'same' or integers, got 'some'"),
    (lambda: Conv2d(1, 8, 3, padding=-1, rng=0), "ValueError: Conv2d: padding must be at least 0, got -1"),
    (lambda: Conv2d(1, 8, 3, 2, padding="same", rng=0), "ValueError: Conv2d: padding='same' needs stride 1, got stride (2, 2); give padding in pixels"),
    (lambda: Conv2d(1, 8, 3, dilation=0, rng=0), "ValueError: Conv2d: dilation must be at least 1, got 0"),
    (lambda: Conv2d(3, 8, 3, groups=2, rng=0), "ValueError: Conv2d: in_channels 3 cannot be split into 2 groups"),
    (lambda: Conv2d(4, 3, 3, groups=2, rng=0), "ValueError: Conv2d: out_channels 3 cannot be split into 2 groups"),
    (lambda: Conv2d(1, 8, 3, bias=1, rng=0), "TypeError: Conv2d: bias must be True or False, got 1"),
    (lambda: Conv2d(1, 8, 3, rng=None), "TypeError: Conv2d: rng must be a np.random.Generator or a whole number, got None"),
    (lambda: Conv2d(1, 8, 3, rng=-1), "ValueError: Conv2d: rng must be at least 0, got -1"),
    (lambda: Conv2d(1, 8, 3, rng=0, dtype=np.float16), "TypeError: Conv2d: dtype must be np.float32 or np.float64, got <class 'numpy.float16'>"),
    (lambda: Linear(2, 0, rng=0), "ValueError: Linear: out_features must be at least 1, got 0"),
    (lambda: Linear("2", 3, rng=0), "TypeError: Linear: in_features must be an integer, got '2'"),
    (lambda: Linear(2, 3, None, rng=0), "TypeError: Linear: bias must be True or False, got None"),
    (lambda: Linear(2, 3, rng=np.random), "TypeError: Linear: rng must be a np.random.Generator or a whole number, got <module 'numpy.random' from"),
    (lambda: Linear(2, 3, rng=0, dtype=int), "TypeError: Linear: dtype must be np.float32 or np.float64, got <class 'int'>"),
    (lambda: small()(np.ones((4, 3))), "ValueError: Linear: input (4, 3) must have 2 features in its last axis (weight (3, 2))"),
    (lambda: small()(np.ones(())), "ValueError: Linear: input () must have 2 features in its last axis (weight (3, 2))"),
    (lambda: small()(np.ones((4, 2), np.float32)), "TypeError: Linear: input is float32 but weight is float64; they must be equal"),
    (lambda: MaxPool2d(3)(np.ones((1, 2, 2))), "ValueError: max_pool2d: the window spans 3 pixels along spatial axis 0, but the padded input has 2 (size 2, padding 0 + 0)"),
    (lambda: AvgPool2d(2, padding=2)(np.ones((1, 2, 2))), "ValueError: avg_pool2d: padding must be at most half of kernel_size, got 2 for 2 along spatial axis 0"),
    (lambda: GlobalAvgPool2d()(np.ones((2, 2))), "ValueError: global_avg_pool2d: input must be (N, C, H, W) or (C, H, W), got (2, 2)"),
    (lambda: Flatten(-1), "ValueError: Flatten: start_dim must be at least 0, got -1"),
    (lambda: Flatten(2)(np.ones((2, 3))), "ValueError: Flatten: input (2, 3) has no axis 2"),
    (lambda: ReLU()(np.ones(2, int)), "TypeError: ReLU: input must hold floating-point numbers, got int64; use .astype(np.float32)"),
    (lambda: small().backward(np.ones((1, 3))), "RuntimeError: Linear.backward: there is nothing to go back through; call forward first"),
    (lambda: Sequential(ReLU()).backward(np.ones(3)), "RuntimeError: Sequential.backward: there is nothing to go back through; call forward first"),
    (lambda: after_forward(small(), np.ones((4, 2)), np.ones((4, 2))), "ValueError: Linear.backward: grad is (4, 2) but the last output was (4, 3)"),
    (lambda: after_forward(ReLU(), np.ones(3), np.ones(1)), "ValueError: ReLU.backward: grad is (1,) but the last output was (3,)"),
    (lambda: after_forward(ReLU(), np.ones(3), np.ones(3, np.float32)), "TypeError: ReLU.backward: grad is float32 but input is float64; they must be equal"),
    (lambda: after_forward(ReLU(), np.ones(3), 1.0), "TypeError: ReLU.backward: grad must be a NumPy array or a torch tensor, got float"),
    (lambda: Sequential(ReLU), "TypeError: Sequential: layer 0 must be a Layer, got <class 'convlib.layers.layers.ReLU'>"),
    (lambda: Sequential(ReLU(), nn.ReLU()), "TypeError: Sequential: layer 1 must be a Layer, got ReLU()"),
    (lambda: Sequential(*[ReLU()] * 2), "ValueError: Sequential: a layer stands in two places, but remembers one input; make two"),
    (lambda: Sequential(relu := ReLU(), Sequential(Flatten(), relu)), "ValueError: Sequential: a layer stands in two places, but remembers one input; make two"),
    (lambda: cross_entropy(np.ones(3), np.array([0])), "ValueError: cross_entropy: logits must be (N, classes), got (3,)"),
    (lambda: cross_entropy(np.ones((2, 3), int), np.array([0, 1])), "TypeError: cross_entropy: logits must hold floating-point numbers, got int64; use .astype(np.float32)"),
    (lambda: cross_entropy(np.ones((2, 3)), np.array([0, 3])), "ValueError: cross_entropy: 3 logits are for the labels 0 to 2, but labels[1] is 3"),
    (lambda: cross_entropy(np.ones((2, 3)), np.array([-1, 0])), "ValueError: cross_entropy: 3 logits are for the labels 0 to 2, but labels[0] is -1"),
    (lambda: cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0])), "TypeError: cross_entropy: labels must be a NumPy array of whole numbers, got ndarray of float64"),
    (lambda: cross_entropy(np.ones((2, 3)), np.array([True, False])), "TypeError: cross_entropy: labels must be a NumPy array of whole numbers, got ndarray of bool"),
    (lambda: cross_entropy(np.ones((2, 3)), torch.tensor([0, 1])), "TypeError: cross_entropy: labels must be a NumPy array of whole numbers, got Tensor of torch.int64"),
    (lambda: cross_entropy(np.ones((2, 3)), [0, 1]), "TypeError: cross_entropy: labels must be a NumPy array or a torch tensor, got list"),
    (lambda: cross_entropy(np.ones((2, 3)), np.array([0])), "ValueError: cross_entropy: 2 images need labels (2,), got (1,)"),
    (lambda: cross_entropy(np.ones((2, 3)), np.eye(3, dtype=int)[:2]), "ValueError: cross_entropy: 2 images need labels (2,), got (2, 3)"),
    (lambda: cross_entropy(np.ones((0, 3)), np.ones(0, int)), "ValueError: cross_entropy: of no images there is no mean"),
    (lambda: SGD(small().parameters, 0.1), "TypeError: SGD: model must be a Layer, the network itself, got {'bias': array("),
    (lambda: SGD(ReLU(), 0.1), "ValueError: SGD: the model has no parameters to change"),
    (lambda: SGD(small(), "fast"), "TypeError: SGD: lr must be a real number, got 'fast'"),
    (lambda: SGD(small(), None), "TypeError: SGD: lr must be a real number, got None"),
    (lambda: SGD(small(), -0.1), "ValueError: SGD: lr must be at least 0 and finite, got -0.1"),
    (lambda: SGD(small(), math.nan), "ValueError: SGD: lr must be at least 0 and finite, got nan"),
    (lambda: Adam(small(), math.inf), "ValueError: Adam: lr must be at least 0 and finite, got inf"),
    (lambda: SGD(small(), 0.1, -1), "ValueError: SGD: momentum must be at least 0 and finite, got -1"),
    (lambda: SGD(small(), 0.1, 0.9, -1), "ValueError: SGD: weight_decay must be at least 0 and finite, got -1"),
    (lambda: Adam(small(), betas=0.9), "ValueError: Adam: betas must be two numbers, got 0.9"),
    (lambda: Adam(small(), betas=(0.9, 0.99, 0.999)), "ValueError: Adam: betas must be two numbers, got (0.9, 0.99, 0.999)"),
    (lambda: Adam(small(), betas=(1, 0.9)), "ValueError: Adam: betas[0] must be at least 0 and below 1, got 1"),
    (lambda: Adam(small(), betas=(0.9, 1.0)), "ValueError: Adam: betas[1] must be at least 0 and below 1, got 1.0"),
    (lambda: Adam(small(), eps=-1), "ValueError: Adam: eps must be at least 0 and finite, got -1"),
    (lambda: SGD(small(), 0.1).step(), "RuntimeError: SGD.step: weight has no gradient yet; call the model's backward first"),
    (lambda: Adam(Sequential(small()), 0.1).step(), "RuntimeError: Adam.step: 0.weight has no gradient yet; call the model's backward first"),
    (lambda: accuracy(np.ones((2, 2)), np.array([0, 1]), small()), "TypeError: accuracy: model must be a Layer, got array([[1., 1.],\n       [1., 1.]])"),
    (lambda: fit(nn.ReLU(), SGD(small(), 1), np.ones((2, 2)), np.array([0, 1]), epochs=1, batch_size=1, rng=0), "TypeError: fit: model must be a Layer, got ReLU()"),
    (lambda: accuracy(small(), np.ones((0, 2)), np.ones(0, int)), "ValueError: accuracy: of no images there is no mean"),
    (lambda: accuracy(small(), np.ones((2, 2)), np.array([0, 3])), "ValueError: accuracy: 3 logits are for the labels 0 to 2, but labels[1] is 3"),
    (lambda: accuracy(small(), np.ones((2, 2)), np.array([0, 1]), 0), "ValueError: accuracy: batch_size must be at least 1, got 0"),
    (lambda: accuracy(small(), np.ones((2, 2)), np.array([0, 1, 2])), "ValueError: accuracy: 2 images need labels (2,), got (3,)"),
    (lambda: accuracy(ReLU(), np.ones((2, 1, 2)), np.array([0, 1])), "ValueError: accuracy: logits must be (N, classes), got (2, 1, 2)"),
    (lambda: random_shifts(np.ones((3, 3)), 0), "ValueError: random_shifts: images must be (N, C, H, W), got (3, 3)"),
    (lambda: random_shifts(np.ones((1, 1, 3, 3)), 0, -1), "ValueError: random_shifts: pixels must be at least 0, got -1"),
    (lambda: random_shifts(np.ones((1, 1, 3, 3)), None), "TypeError: random_shifts: rng must be a np.random.Generator or a whole number, got None"),
    (lambda: random_shifts(np.ones((1, 1, 3, 3), np.uint8), 0), "TypeError: random_shifts: images must hold floating-point numbers, got uint8; use .astype(np.float32)"),
    (lambda: trained(images=np.ones(())), "ValueError: fit: 0 images need labels (0,), got (4,)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message[:70] for _, message in WRONG])
def test_wrong_calls_are_told_in_the_caller_s_words(call, message):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as caught:
        call()
    told = f"{type(caught.value).__name__}: {caught.value}"
    assert told.startswith(message) if message.endswith(("from", "array(")) else told == message


FIT_WRONG: list[tuple[dict, str]] = [
    ({"labels": np.array([0, 1, 2, 3])}, "ValueError: fit: 3 logits are for the labels 0 to 2, but labels[3] is 3"),
    ({"labels": np.array([0, 1, 2, -1])}, "ValueError: fit: 3 logits are for the labels 0 to 2, but labels[3] is -1"),
    ({"labels": np.array([0.0, 1.0, 2.0, 0.5])}, "TypeError: fit: labels must be a NumPy array of whole numbers, got ndarray of float64"),
    ({"labels": np.array([0, 1])}, "ValueError: fit: 4 images need labels (4,), got (2,)"),
    ({"images": np.ones((4, 3))}, "ValueError: Linear: input (1, 3) must have 2 features in its last axis (weight (3, 2))"),
    ({"images": np.ones((4, 2), np.float32)}, "TypeError: Linear: input is float32 but weight is float64; they must be equal"),
    ({"images": np.ones((4, 2), int)}, "TypeError: fit: images must hold floating-point numbers, got int64; use .astype(np.float32)"),
    ({"images": np.ones((0, 2)), "labels": np.ones(0, int)}, "ValueError: fit: of no images there is no mean"),
    ({"images": np.ones((4, 1, 2))}, "ValueError: fit: logits must be (N, classes), got (1, 1, 3)"),
    ({"epochs": -1}, "ValueError: fit: epochs must be at least 0, got -1"),
    ({"epochs": 1.5}, "TypeError: fit: epochs must be an integer, got 1.5"),
    ({"batch_size": 0}, "ValueError: fit: batch_size must be at least 1, got 0"),
    ({"rng": None}, "TypeError: fit: rng must be a np.random.Generator or a whole number, got None"),
    ({"optimizer": SGD(small(), 0.1)}, "ValueError: fit: the optimizer is that of another model"),
    ({"optimizer": SGD}, "TypeError: fit: optimizer must be an Optimizer, as SGD(model, lr) is, got <class 'convlib.layers.optimizers.SGD'>"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), FIT_WRONG, ids=[message[:70] for _, message in FIT_WRONG])
def test_training_that_cannot_begin_leaves_the_model_and_the_optimizer_unchanged(options, message):
    model = small()
    model.backward(np.ones_like(model(np.ones((1, 2)))))
    optimizer = SGD(model, 0.1, 0.9)
    optimizer.step()
    before = everything(model, optimizer)
    with pytest.raises((ValueError, TypeError)) as caught:
        trained(model, **{"optimizer": optimizer, **options})
    assert f"{type(caught.value).__name__}: {caught.value}" == message
    assert_same(before, everything(model, optimizer))


def test_a_step_without_gradients_changes_no_part_of_the_model():
    """Even where the first layers have theirs."""
    model = Sequential(small(), Linear(3, 2, rng=0, dtype=np.float64))
    model.layers[0].backward(np.ones_like(model.layers[0](np.ones((1, 2)))))
    for optimizer in (SGD(model, 0.1, 0.9), Adam(model)):
        before = everything(model, optimizer)
        with pytest.raises(RuntimeError, match=r"1\.weight has no gradient yet"):
            optimizer.step()
        assert_same(before, everything(model, optimizer))


def test_randomness_has_no_default():
    for layer in (lambda: Conv2d(1, 1, 1), lambda: Linear(1, 1)):
        with pytest.raises(TypeError, match="rng"):
            layer()


def test_importing_the_layers_loads_no_torch():
    code = "import sys, convlib.layers; print({'torch', 'matplotlib'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
