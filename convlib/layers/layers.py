"""Layers: what each computes, and how it sends a gradient back.

A network is a chain of functions, input -> layer -> layer -> ... -> loss. Going forward, every layer
remembers what it was given. Going backward, it is told how the loss changes with its output, and answers two
questions:

    how does the loss change with my input?         returned: the layer before it goes on with that
    how does the loss change with my parameters?    left in `gradients`: an optimizer reads it there

This is the chain rule, one layer at a time, and no layer knows any other. `Layer` does the remembering and
the checks, so that each kind of layer is two formulas, `compute` and `send_back`.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from convlib._checks import require_flag, shown
from convlib._dispatch import Array, is_tensor, require_array, require_same_dtype
from convlib.adaptive_pool import adaptive_avg_pool2d_backward, global_avg_pool2d
from convlib.conv import conv2d, conv2d_backward
from convlib.pool import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from convlib.shapes import Ints, Padding, as_integer, as_tuple, conv_weights, resolve_padding

Floats: TypeAlias = NDArray[Any]  # float32 or float64: what the parameters are, the images must be, too
Random: TypeAlias = np.random.Generator | int  # where random numbers come from, or the seed of that


def require_floats(function: str, name: str, array: object) -> None:
    """Raise unless it is a NumPy array of floating-point numbers."""
    require_array(function, name, array)
    if is_tensor(array):
        raise TypeError(f"{function}: {name} is a torch tensor, but these layers compute with NumPy arrays")
    if isinstance(array, np.ndarray) and array.dtype.kind != "f":
        raise TypeError(
            f"{function}: {name} must hold floating-point numbers, got {array.dtype}; use .astype(np.float32)"
        )


def generator(function: str, rng: Random) -> np.random.Generator:
    """The generator itself, or a new one from a seed: without either, no run could be repeated."""
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        return np.random.default_rng(as_integer(rng, "rng", function, at_least=0))
    except TypeError:
        raise TypeError(
            f"{function}: rng must be a np.random.Generator or a whole number, got {shown(rng)}"
        ) from None


class Layer:
    """One step of a network.

    Calling a layer is calling `forward`. A new kind of layer is a subclass with `compute` and `send_back`.

    Attributes
    ----------
    parameters : mapping from names to arrays
        What is learned, for instance "weight" and "bias". Optimizers change the arrays in place.
    gradients : mapping from names to arrays
        How the loss changes with each parameter, under the same names. `backward` replaces them; nothing has
        to be set back to zero.

    See Also
    --------
    torch.nn.Module : the same idea, with gradients from autograd. Chapter 13.

    Examples
    --------
    >>> class Double(Layer):
    ...     def compute(self, input):
    ...         return 2 * input
    ...
    ...     def send_back(self, grad, input):
    ...         return 2 * grad
    >>> layer = Double()
    >>> layer(np.array([1., 3.]))
    array([2., 6.])
    >>> layer.backward(np.array([10., 0.]))
    array([20.,  0.])
    """

    parameters: Mapping[str, Floats] = MappingProxyType({})
    gradients: Mapping[str, Floats] = MappingProxyType({})
    _seen: tuple[Floats, tuple[int, ...]] | None = None  # the last input, and the shape of its output

    def compute(self, input: Floats) -> Array:
        """The output for an input, and nothing else."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to compute")

    def send_back(self, grad: Floats, input: Floats) -> Array:
        """The gradient with respect to `input` from that with respect to the output; sets `gradients`."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to send a gradient back")

    def forward(self, input: Floats) -> Floats:
        """Compute, and remember the input for `backward`: the array itself, not a copy.

        Parameters
        ----------
        input : array of float32 or float64, as the parameters are

        Returns
        -------
        array of the same dtype
            NaN and infinity flow as in torch.

        Raises
        ------
        ValueError, TypeError
            An input that does not fit. No parameter and no gradient has changed.
        """
        self._seen = None  # from an input that does not fit there is no way back
        require_floats(type(self).__name__, "input", input)
        with np.errstate(all="ignore"):
            output: Floats = self.compute(input)
        self._seen = input, output.shape
        return output

    def __call__(self, input: Floats) -> Floats:
        return self.forward(input)

    def backward(self, grad: Floats) -> Floats:
        """Send a gradient back through what the last `forward` computed, and set `gradients`.

        Parameters
        ----------
        grad : array of the shape and dtype of the last output
            How the loss changes with each number of it.

        Returns
        -------
        array of the shape of the last input
            How the loss changes with each number of that.

        Raises
        ------
        RuntimeError
            There was no `forward`, or the last one failed.
        ValueError, TypeError
            Another shape or dtype than that of the output.
        """
        name = f"{type(self).__name__}.backward"
        if self._seen is None:
            raise RuntimeError(f"{name}: there is nothing to go back through; call forward first")
        input, output_shape = self._seen
        require_floats(name, "grad", grad)
        require_same_dtype(name, grad=grad, input=input)
        if grad.shape != output_shape:
            raise ValueError(f"{name}: grad is {grad.shape} but the last output was {output_shape}")
        with np.errstate(all="ignore"):
            grad_input: Floats = self.send_back(grad, input)
        return grad_input

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


# --- layers that learn --------------------------------------------------------------------------------------


def _initial(
    function: str, rng: Random, dtype: DTypeLike, weight_size: tuple[int, ...], bias: bool
) -> dict[str, Floats]:
    """torch's default: even between -b and b, where b = 1 / sqrt(inputs that meet in one output)."""
    require_flag(function, "bias", bias)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{function}: dtype must be np.float32 or np.float64, got {shown(dtype)}")
    random, bound = generator(function, rng), 1 / math.sqrt(math.prod(weight_size[1:]))
    sizes = {"weight": weight_size, "bias": weight_size[:1]} if bias else {"weight": weight_size}
    return {name: random.uniform(-bound, bound, size).astype(dtype) for name, size in sizes.items()}


@dataclass(eq=False)
class Conv2d(Layer):
    """A convolution whose kernels are learned.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation, groups
        As in `convlib.conv2d`.
    bias : bool
        Add a learned number to each output channel.
    rng : numpy.random.Generator or int
        Draws the initial parameters, or is the seed for that. They are uniform between -b and b, with b = 1 /
        sqrt(C_in / groups * kh * kw), as in torch.
    dtype : np.float32 or np.float64
        Of the parameters, and so of the images. The same seed gives the same numbers in both, but for
        rounding.

    Raises
    ------
    ValueError, TypeError
        Numbers below 1, channels that cannot be split into the groups, an unknown padding.

    See Also
    --------
    convlib.conv2d : what it computes.
    convlib.conv2d_backward : what it sends back.
    torch.nn.Conv2d : the same layer. Chapters 2 and 13.

    Examples
    --------
    >>> layer = Conv2d(1, 1, (1, 2), bias=False, rng=0, dtype=np.float64)
    >>> layer.parameters["weight"][...] = [1, 10]
    >>> layer(np.array([[[1., 2., 3.]]]))  # 1*1 + 10*2, 1*2 + 10*3
    array([[[21., 32.]]])
    >>> layer.backward(np.array([[[1., 2.]]]))  # 1*1, 1*10 + 2*1, 2*10
    array([[[ 1., 12., 20.]]])
    >>> layer.gradients["weight"]  # 1*1 + 2*2, 1*2 + 2*3
    array([[[[5., 8.]]]])
    """

    in_channels: int
    out_channels: int
    kernel_size: Ints
    stride: Ints = 1
    padding: Padding = 0
    dilation: Ints = 1
    groups: int = 1
    bias: bool = True
    _: KW_ONLY
    rng: InitVar[Random]
    dtype: InitVar[DTypeLike] = np.float32

    def __post_init__(self, rng: Random, dtype: DTypeLike) -> None:
        kernel, stride, dilation = (
            as_tuple(getattr(self, name), 2, name, function="Conv2d")
            for name in ("kernel_size", "stride", "dilation")
        )
        resolve_padding(self.padding, kernel, stride, dilation, "Conv2d")
        conv_weights("Conv2d", self.in_channels, self.out_channels, kernel, self.groups)
        size = (self.out_channels, self.in_channels // self.groups, *kernel)
        self.parameters = _initial("Conv2d", rng, dtype, size, self.bias)
        self._options = self.stride, self.padding, self.dilation, self.groups

    def compute(self, input: Floats) -> Array:
        return conv2d(input, self.parameters["weight"], self.parameters.get("bias"), *self._options)

    def send_back(self, grad: Floats, input: Floats) -> Array:
        weight = self.parameters["weight"]
        grad_input, grad_weight, grad_bias = conv2d_backward(grad, input, weight, *self._options)
        self.gradients = {"weight": grad_weight, "bias": grad_bias} if self.bias else {"weight": grad_weight}
        return grad_input


@dataclass(eq=False)
class Linear(Layer):
    r"""Every output is a weighted sum of all inputs, plus its bias.

    .. math:: y_{n,o} = b_o + \sum_i w_{o,i} \; x_{n,i}

    Forward, a matrix product; and each gradient is one as well:

    .. math:: \frac{\partial L}{\partial x_{n,i}} = \sum_o g_{n,o} \; w_{o,i}, \qquad
        \frac{\partial L}{\partial w_{o,i}} = \sum_n g_{n,o} \; x_{n,i}, \qquad
        \frac{\partial L}{\partial b_o} = \sum_n g_{n,o}

    Parameters
    ----------
    in_features, out_features : int
        Lengths of the last axis, before and after. There may be any number of axes before it.
    bias, rng, dtype
        As in `Conv2d`; here b = 1 / sqrt(in_features).

    Raises
    ------
    ValueError, TypeError
        Numbers below 1.

    See Also
    --------
    torch.nn.Linear : the same layer. Chapter 13.

    Examples
    --------
    >>> layer = Linear(2, 1, rng=0, dtype=np.float64)
    >>> layer.parameters["weight"][...], layer.parameters["bias"][...] = [1, 10], 100
    >>> layer(np.array([[2., 3.], [4., 5.]]))  # 1*2 + 10*3 + 100, 1*4 + 10*5 + 100
    array([[132.],
           [154.]])
    >>> layer.backward(np.array([[1.], [2.]]))
    array([[ 1., 10.],
           [ 2., 20.]])
    >>> layer.gradients["weight"], layer.gradients["bias"]  # 1*2 + 2*4, 1*3 + 2*5; 1 + 2
    (array([[10., 13.]]), array([3.]))
    """

    in_features: int
    out_features: int
    bias: bool = True
    _: KW_ONLY
    rng: InitVar[Random]
    dtype: InitVar[DTypeLike] = np.float32

    def __post_init__(self, rng: Random, dtype: DTypeLike) -> None:
        after, before = (
            as_integer(getattr(self, name), name, "Linear") for name in ("out_features", "in_features")
        )
        self.parameters = _initial("Linear", rng, dtype, (after, before), self.bias)

    def compute(self, input: Floats) -> Array:
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        require_same_dtype("Linear", input=input, weight=weight, bias=bias)
        if input.shape[-1:] != weight.shape[1:]:
            raise ValueError(
                f"Linear: input {input.shape} must have {weight.shape[1]} features in its last axis (weight "
                f"{weight.shape})"
            )
        output = input @ weight.T
        return output if bias is None else output + bias

    def send_back(self, grad: Floats, input: Floats) -> Array:
        weight = self.parameters["weight"]
        grads, inputs = grad.reshape(-1, weight.shape[0]), input.reshape(-1, weight.shape[1])  # n o, n i
        self.gradients = {"weight": grads.T @ inputs}
        if self.bias:
            self.gradients["bias"] = grads.sum(axis=0)
        return grad @ weight


for _kind in (Conv2d, Linear):
    delattr(_kind, "dtype")  # where dataclass keeps the default; a layer's parameters may have the other

# --- layers that do not -------------------------------------------------------------------------------------


@dataclass(eq=False)
class ReLU(Layer):
    """The larger of 0 and x, number by number; a gradient passes where x was above 0.

    See Also
    --------
    torch.nn.ReLU : the same layer; at 0 the gradient is 0. Chapter 13.

    Examples
    --------
    >>> layer = ReLU()
    >>> layer(np.array([-2., 0., 3.]))
    array([0., 0., 3.])
    >>> layer.backward(np.array([1., 1., 1.]))
    array([0., 0., 1.])
    """

    def compute(self, input: Floats) -> Array:
        return np.maximum(input, 0)

    def send_back(self, grad: Floats, input: Floats) -> Array:
        return np.where(input <= 0, grad.dtype.type(0), grad)  # at NaN it passes, as in torch


@dataclass(eq=False)
class MaxPool2d(Layer):
    """The largest number of every window: `convlib.max_pool2d`.

    See Also
    --------
    torch.nn.MaxPool2d : the same layer. Chapter 5.

    Examples
    --------
    >>> layer = MaxPool2d((1, 2))
    >>> layer(np.array([[[1., 5., 2., 2.]]]))
    array([[[5., 2.]]])
    >>> layer.backward(np.array([[[10., 1.]]]))  # to the largest; to the first of equal ones
    array([[[ 0., 10.,  1.,  0.]]])
    """

    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0

    def compute(self, input: Floats) -> Array:
        return max_pool2d(input, self.kernel_size, self.stride, self.padding)

    def send_back(self, grad: Floats, input: Floats) -> Array:
        return max_pool2d_backward(grad, input, self.kernel_size, self.stride, self.padding)


@dataclass(eq=False)
class AvgPool2d(Layer):
    """The mean of every window: `convlib.avg_pool2d`.

    See Also
    --------
    torch.nn.AvgPool2d : the same layer. Chapter 5.

    Examples
    --------
    >>> layer = AvgPool2d((1, 2))
    >>> layer(np.array([[[1., 5., 2., 2.]]]))
    array([[[3., 2.]]])
    >>> layer.backward(np.array([[[10., 1.]]]))  # each pixel had a half share
    array([[[5. , 5. , 0.5, 0.5]]])
    """

    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0

    def compute(self, input: Floats) -> Array:
        return avg_pool2d(input, self.kernel_size, self.stride, self.padding)

    def send_back(self, grad: Floats, input: Floats) -> Array:
        return avg_pool2d_backward(grad, input.shape, self.kernel_size, self.stride, self.padding)


@dataclass(eq=False)
class GlobalAvgPool2d(Layer):
    """The mean of every feature map, (N, C, H, W) to (N, C): so a classifier fits images of every size.

    See Also
    --------
    convlib.global_avg_pool2d : the same numbers, with axes of length 1.
    torch.nn.AdaptiveAvgPool2d : with 1, and torch.nn.Flatten behind it. Chapters 5 and 12.

    Examples
    --------
    >>> layer = GlobalAvgPool2d()
    >>> layer(np.array([[[[1., 2.], [3., 6.]]]]))
    array([[3.]])
    >>> layer.backward(np.array([[8.]]))
    array([[[[2., 2.],
             [2., 2.]]]])
    """

    def compute(self, input: Floats) -> Array:
        return global_avg_pool2d(input)[..., 0, 0]

    def send_back(self, grad: Floats, input: Floats) -> Array:
        return adaptive_avg_pool2d_backward(grad[..., None, None], input.shape, 1)


@dataclass(eq=False)
class Flatten(Layer):
    """All axes from `start_dim` on become one: (N, C, H, W) to (N, C * H * W).

    See Also
    --------
    torch.nn.Flatten : the same layer. Chapter 13.

    Examples
    --------
    >>> Flatten()(np.array([[[1., 2.], [3., 4.]]]))
    array([[1., 2., 3., 4.]])
    """

    start_dim: int = 1

    def __post_init__(self) -> None:
        as_integer(self.start_dim, "start_dim", "Flatten", at_least=0)

    def compute(self, input: Floats) -> Array:
        if self.start_dim >= input.ndim:
            raise ValueError(f"Flatten: input {input.shape} has no axis {self.start_dim}")
        kept, joined = input.shape[: self.start_dim], input.shape[self.start_dim :]
        return input.reshape(*kept, math.prod(joined))

    def send_back(self, grad: Floats, input: Floats) -> Array:
        return grad.reshape(input.shape)


# --- a network ----------------------------------------------------------------------------------------------


class Sequential(Layer):
    """Layers one after the other, which together are a layer again.

    Its `parameters` and `gradients` are those of all its layers, under torch's names: "0.weight" is the
    weight of layer 0. The arrays are the layers' own, to be changed in place; names cannot be added.

    Parameters
    ----------
    *layers : Layer

    Attributes
    ----------
    layers : tuple of Layer

    Raises
    ------
    TypeError
        Something that is no layer.
    ValueError
        The same layer twice: it could remember one of its inputs only.

    See Also
    --------
    torch.nn.Sequential : the same network. `to_torch` makes it. Chapter 13.

    Examples
    --------
    >>> model = Sequential(Linear(2, 1, bias=False, rng=0, dtype=np.float64), ReLU())
    >>> model
    Sequential(
      (0): Linear(in_features=2, out_features=1, bias=False)
      (1): ReLU()
    )
    >>> model.parameters["0.weight"][...] = [1, -1]
    >>> model(np.array([[3., 1.], [1., 3.]]))
    array([[2.],
           [0.]])
    >>> model.backward(np.array([[1.], [1.]]))  # the second image has not come through the ReLU
    array([[ 1., -1.],
           [ 0.,  0.]])
    >>> model.gradients["0.weight"]
    array([[3., 1.]])
    """

    def __init__(self, *layers: Layer) -> None:
        for index, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential: layer {index} must be a Layer, got {shown(layer)}")
        self.layers = layers
        single = self._single_layers()
        if len(set(single)) < len(single):
            raise ValueError("Sequential: a layer stands in two places, but remembers one input; make two")

    def _single_layers(self) -> list[Layer]:
        nested = (
            layer._single_layers() if isinstance(layer, Sequential) else [layer] for layer in self.layers
        )
        return [layer for layers in nested for layer in layers]

    @property
    def parameters(self) -> Mapping[str, Floats]:  # type: ignore[override]
        return self._of_all_layers("parameters")

    @property
    def gradients(self) -> Mapping[str, Floats]:  # type: ignore[override]
        return self._of_all_layers("gradients")

    def _of_all_layers(self, attribute: str) -> Mapping[str, Floats]:
        every = {
            f"{index}.{name}": array
            for index, layer in enumerate(self.layers)
            for name, array in getattr(layer, attribute).items()
        }
        return MappingProxyType(every)

    def compute(self, input: Floats) -> Array:
        for index, layer in enumerate(self.layers):
            try:
                input = layer.forward(input)
            except Exception as error:
                error.add_note(f"in layer {index} of the network, {layer}, for an input of {input.shape}")
                raise
        return input

    def send_back(self, grad: Floats, input: Floats) -> Array:
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def __repr__(self) -> str:
        lines = [f"({index}): {layer}" for index, layer in enumerate(self.layers)]
        return f"Sequential(\n{textwrap.indent(chr(10).join(lines), '  ')}\n)" if lines else "Sequential()"
