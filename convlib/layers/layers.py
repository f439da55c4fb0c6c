"""Layers: what each computes, and how it sends a gradient back.

A network is a chain of functions, x -> f1 -> f2 -> ... -> loss. Going forward, every layer remembers what it
was given. Going backward, it receives how the loss changes with its output, and answers two questions:

    how does the loss change with my input?         returned; the layer before goes on with it
    how does the loss change with my parameters?    kept in `gradients`; the optimizer reads it there

That is the chain rule, one layer at a time, and no layer knows of any other. `Layer` does the remembering, so
that each kind of layer is two formulas: `compute` and `send_back`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convlib._checks import require_flag, shown
from convlib._dispatch import is_tensor, require_array, require_same_dtype
from convlib.adaptive_pool import adaptive_avg_pool2d_backward, global_avg_pool2d
from convlib.conv import conv2d, conv2d_backward
from convlib.pool import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from convlib.shapes import Ints, Padding, as_integer, as_tuple, conv_parameters

Floats = NDArray[Any]  # float32 or float64, as the network's parameters are


def require_floats(function: str, name: str, array: object) -> None:
    """Raise unless it is a NumPy array of floating-point numbers."""
    require_array(function, name, array)
    if is_tensor(array):
        raise TypeError(
            f"{function}: {name} is a torch tensor; these layers are NumPy, and to_torch makes torch's"
        )
    assert isinstance(array, np.ndarray)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{function}: {name} must hold floating-point numbers, got {array.dtype}; use .astype(np.float32)"
        )


@dataclass(eq=False)
class Layer:
    """One step of a network.

    A new kind of layer is a subclass with `compute` and `send_back`.

    Attributes
    ----------
    parameters : dict of arrays
        What is learned, for instance "weight" and "bias". Optimizers change the arrays in place.
    gradients : dict of arrays
        How the loss changes with each of them, under the same names; `backward` writes them anew.

    Examples
    --------
    >>> class Double(Layer):
    ...     def compute(self, input):
    ...         return 2 * input
    ...
    ...     def send_back(self, grad, input):
    ...         return 2 * grad
    >>> layer = Double()
    >>> layer(np.array([1., 2.])), layer.backward(np.array([10., 0.]))
    (array([2., 4.]), array([20.,  0.]))
    """

    parameters: Mapping[str, Floats] = field(default_factory=dict, init=False, repr=False)
    gradients: Mapping[str, Floats] = field(default_factory=dict, init=False, repr=False)
    _seen: tuple[Floats, tuple[int, ...]] | None = field(default=None, init=False, repr=False)

    def compute(self, input: Floats) -> Floats:
        """The output for an input; nothing else."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it computes")

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        """The gradient with respect to `input`, from that with respect to the output; fills `gradients`."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it sends a gradient back")

    def forward(self, input: Floats) -> Floats:
        """Compute, and remember the input for `backward`: the array itself, not a copy."""
        self._seen = None  # if the input does not fit, there is nothing to go back from
        require_floats(type(self).__name__, "input", input)
        with np.errstate(all="ignore"):  # NaN and infinity flow, as in torch
            output = self.compute(input)
        self._seen = input, output.shape
        return output

    __call__ = forward

    def backward(self, grad: Floats) -> Floats:
        """Turn the gradient with respect to the last output into that with respect to its input."""
        name = f"{type(self).__name__}.backward"
        if self._seen is None:
            raise RuntimeError(f"{name}: there is nothing to go back from; call forward first")
        input, shape = self._seen
        require_floats(name, "grad", grad)
        require_same_dtype(name, grad=grad, input=input)
        if grad.shape != shape:
            raise ValueError(f"{name}: grad is {grad.shape} but the last output was {shape}")
        with np.errstate(all="ignore"):
            return self.send_back(grad, input)


# --- layers that learn --------------------------------------------------------------------------------------


def _initial(
    rng: np.random.Generator | int, dtype: DTypeLike, fan_in: int, bias: int, *shape: int
) -> dict[str, Floats]:
    """Uniform between -b and b with b = 1 / sqrt(fan_in), as in torch."""
    generator = np.random.default_rng(rng)
    bound = 1 / math.sqrt(fan_in)
    parameters = {"weight": generator.uniform(-bound, bound, shape).astype(dtype)}
    if bias:
        parameters["bias"] = generator.uniform(-bound, bound, shape[0]).astype(dtype)
    return parameters


@dataclass(eq=False)
class Conv2d(Layer):
    """A convolution whose kernels are learned."""

    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints = 1
    padding: Padding = 0
    dilation: Ints = 1
    groups: int = 1
    bias: bool = True
    _: KW_ONLY
    rng: InitVar[np.random.Generator | int]
    dtype: InitVar[DTypeLike] = np.float32

    def __post_init__(self, rng: np.random.Generator | int, dtype: DTypeLike) -> None:
        kernel = as_tuple(self.kernel_size, 2, "kernel_size", function="Conv2d")
        conv_parameters(self.in_channels, self.out_channels, kernel, self.groups, self.bias)
        channels = self.in_channels // self.groups
        fan_in = channels * math.prod(kernel)
        self.parameters = _initial(rng, dtype, fan_in, self.bias, self.out_channels, channels, *kernel)

    @property
    def _options(self) -> tuple[Any, ...]:
        return self.stride, self.padding, self.dilation, self.groups

    def compute(self, input: Floats) -> Floats:
        output: Floats = conv2d(input, self.parameters["weight"], self.parameters.get("bias"), *self._options)
        return output

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        grad_input, *gradients = conv2d_backward(grad, input, self.parameters["weight"], *self._options)
        self.gradients = dict(
            zip(self.parameters, gradients, strict=False)
        )  # without a bias, no gradient of it
        result: Floats = grad_input
        return result


@dataclass(eq=False)
class Linear(Layer):
    """Every output is a weighted sum of all inputs, plus its bias."""

    in_features: int
    out_features: int
    bias: bool = True
    _: KW_ONLY
    rng: InitVar[np.random.Generator | int]
    dtype: InitVar[DTypeLike] = np.float32

    def __post_init__(self, rng: np.random.Generator | int, dtype: DTypeLike) -> None:
        before = as_integer(self.in_features, "in_features", "Linear")
        after = as_integer(self.out_features, "out_features", "Linear")
        require_flag("Linear", "bias", self.bias)
        self.parameters = _initial(rng, dtype, before, self.bias, after, before)

    def compute(self, input: Floats) -> Floats:
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        require_same_dtype("Linear", input=input, weight=weight, bias=bias)
        if input.ndim < 1 or input.shape[-1] != weight.shape[1]:
            features = input.shape[-1] if input.ndim else 0
            raise ValueError(
                f"Linear: input has {features} features but weight expects {weight.shape[1]} (input "
                f"{input.shape}, weight {weight.shape})"
            )
        output: Floats = input @ weight.T
        return output if bias is None else output + bias

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        weight = self.parameters["weight"]
        rows = grad.reshape(-1, len(weight))
        gradients = rows.T @ input.reshape(len(rows), -1), rows.sum(axis=0)
        self.gradients = dict(zip(self.parameters, gradients, strict=False))
        result: Floats = grad @ weight
        return result


# --- layers that do not -------------------------------------------------------------------------------------


@dataclass(eq=False)
class ReLU(Layer):
    """max(0, x), number by number."""

    def compute(self, input: Floats) -> Floats:
        return np.maximum(input, 0)

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        return np.where(input <= 0, grad.dtype.type(0), grad)


@dataclass(eq=False)
class MaxPool2d(Layer):
    """The largest number of every window."""

    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0

    def compute(self, input: Floats) -> Floats:
        output: Floats = max_pool2d(input, self.kernel_size, self.stride, self.padding)
        return output

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        result: Floats = max_pool2d_backward(grad, input, self.kernel_size, self.stride, self.padding)
        return result


@dataclass(eq=False)
class AvgPool2d(Layer):
    """The mean of every window."""

    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0

    def compute(self, input: Floats) -> Floats:
        output: Floats = avg_pool2d(input, self.kernel_size, self.stride, self.padding)
        return output

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        result: Floats = avg_pool2d_backward(grad, input.shape, self.kernel_size, self.stride, self.padding)
        return result


@dataclass(eq=False)
class GlobalAvgPool2d(Layer):
    """The mean of every feature map: (N, C, H, W) becomes (N, C)."""

    def compute(self, input: Floats) -> Floats:
        output: Floats = global_avg_pool2d(input)
        return output[..., 0, 0]

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        result: Floats = adaptive_avg_pool2d_backward(grad[..., None, None], input.shape, 1)
        return result


@dataclass(eq=False)
class Flatten(Layer):
    """All axes from `start_dim` on become one: (N, C, H, W) becomes (N, C * H * W)."""

    start_dim: int = 1

    def compute(self, input: Floats) -> Floats:
        if not -input.ndim <= self.start_dim < input.ndim:
            raise ValueError(f"Flatten: input {input.shape} has no axis {self.start_dim}")
        return input.reshape(*input.shape[: self.start_dim], math.prod(input.shape[self.start_dim :]))

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        return grad.reshape(input.shape)


# --- a network ----------------------------------------------------------------------------------------------


class Sequential(Layer):
    """Layers one after the other; itself a layer.

    `parameters` and `gradients` are those of all layers, under torch's names: "0.weight" is the weight of
    layer 0. The arrays are the layers' own; the collection itself cannot be changed.
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers
        for index, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential: layer {index} must be a Layer, got {shown(layer)}")
        leaves = self._leaves()
        if len({id(leaf) for leaf in leaves}) < len(leaves):
            raise ValueError(
                "Sequential: a layer occurs twice, and can remember one input only; make two of it"
            )

    def _leaves(self) -> list[Layer]:
        nested = (layer._leaves() if isinstance(layer, Sequential) else [layer] for layer in self.layers)
        return [leaf for leaves in nested for leaf in leaves]

    def _collected(self, what: str) -> Mapping[str, Floats]:
        return MappingProxyType(
            {
                f"{index}.{name}": array
                for index, layer in enumerate(self.layers)
                for name, array in getattr(layer, what).items()
            }
        )

    @property
    def parameters(self) -> Mapping[str, Floats]:  # type: ignore[override]
        return self._collected("parameters")

    @property
    def gradients(self) -> Mapping[str, Floats]:  # type: ignore[override]
        return self._collected("gradients")

    def compute(self, input: Floats) -> Floats:
        for index, layer in enumerate(self.layers):
            try:
                input = layer.forward(input)
            except Exception as error:
                error.add_note(f"in layer {index} of the network: {layer}")
                raise
        return input

    def send_back(self, grad: Floats, input: Floats) -> Floats:
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
