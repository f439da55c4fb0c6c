"""Optimizers: how a gradient becomes a change of the parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, is_several, shown
from convlib.layers.layers import Layer


def _number(function: str, name: str, value: float, below: float = math.inf) -> float:
    number = as_real(function, name, value)
    if not 0 <= number < below:
        end = "finite" if below == math.inf else f"below {below}"
        raise ValueError(f"{function}: {name} must be at least 0 and {end}, got {shown(value)}")
    return number


class Optimizer:
    """What all optimizers do: change every parameter a little, against its gradient.

    A new one is a subclass with `change`.

    Attributes
    ----------
    model : Layer
        Whose parameters it changes.
    lr : float
        The learning rate. A schedule sets it anew between two steps.
    steps : int
        How many have been made.

    See Also
    --------
    torch.optim.Optimizer : the same idea. Chapter 13.
    """

    def __init__(self, model: Layer, lr: float) -> None:
        name = type(self).__name__
        if not isinstance(model, Layer):
            raise TypeError(f"{name}: model must be a Layer, the network itself, got {shown(model)}")
        if not model.parameters:
            raise ValueError(f"{name}: the model has no parameters to change")
        self.model, self.lr, self.steps = model, lr, 0

    @property
    def lr(self) -> float:
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = _number(type(self).__name__, "lr", value)

    def zeros(self) -> dict[str, NDArray[Any]]:
        """An array of zeros for each parameter: what an optimizer remembers begins with it."""
        return {name: np.zeros_like(parameter) for name, parameter in self.model.parameters.items()}

    def change(self, name: str, parameter: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        """What this step takes away from the parameter of that name."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to change a parameter")

    def step(self) -> None:
        """Change every parameter, in place, by what the last `backward` says.

        Raises
        ------
        RuntimeError
            A parameter has no gradient yet. No parameter has changed.
        """
        gradients = self.model.gradients
        for name in self.model.parameters:
            if name not in gradients:
                raise RuntimeError(
                    f"{type(self).__name__}.step: {name} has no gradient yet; call the model's backward first"
                )
        self.steps += 1
        with np.errstate(all="ignore"):  # NaN and infinity flow, as in torch
            for name, parameter in self.model.parameters.items():
                parameter -= self.change(name, parameter, gradients[name])


class SGD(Optimizer):
    r"""Stochastic gradient descent: a step down the slope, or with momentum a ball that rolls down.

    .. math:: g' = g + \lambda\, p, \qquad v \leftarrow \mu\, v + g', \qquad p \leftarrow p - \eta\, v

    It is stochastic because the gradient g is that of a random batch of the images.

    Parameters
    ----------
    model : Layer
    lr : float
        The learning rate :math:`\eta`.
    momentum : float
        :math:`\mu`, how much of its velocity v the ball keeps. Where the slope stays the same, steps grow
        until they are :math:`1 / (1 - \mu)` times as large.
    weight_decay : float
        :math:`\lambda`, how strongly each parameter is drawn to 0.

    Raises
    ------
    ValueError, TypeError
        A number below 0, not finite, or none at all; a model without parameters.

    See Also
    --------
    torch.optim.SGD : the same steps. Chapter 13.

    Examples
    --------
    >>> from convlib.layers import Linear
    >>> layer = Linear(1, 1, bias=False, rng=0, dtype=np.float64)
    >>> layer.parameters["weight"][...] = 1
    >>> optimizer = SGD(layer, lr=0.5, momentum=0.5)
    >>> for _ in range(2):  # a slope of 1: first 1 - 0.5*1, then 0.5 - 0.5*(0.5*1 + 1)
    ...     output, grad_input = layer(np.ones((1, 1))), layer.backward(np.ones((1, 1)))
    ...     optimizer.step()
    ...     layer.parameters["weight"].item()
    0.5
    -0.25
    """

    def __init__(self, model: Layer, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        super().__init__(model, lr)
        self.momentum = _number("SGD", "momentum", momentum)
        self.weight_decay = _number("SGD", "weight_decay", weight_decay)
        self.velocities = self.zeros()

    def change(self, name: str, parameter: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameter
        if not self.momentum:
            return self.lr * gradient
        velocity = self.velocities[name]
        velocity *= self.momentum
        velocity += gradient
        return self.lr * velocity


class Adam(Optimizer):
    r"""Steps of a size of their own for each number: the mean gradient by the usual size of the gradient.

    .. math:: m \leftarrow \beta_1\, m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2\, v + (1 - \beta_2)\,
        g^2, \qquad p \leftarrow p - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}

    Both means begin with zeros. In step t the zeros still hold a share :math:`\beta^t` of them, which
    :math:`\hat m = m / (1 - \beta_1^t)` and :math:`\hat v = v / (1 - \beta_2^t)` make up for. So the first
    step is :math:`\eta` long for every number, however steep the slope.

    Parameters
    ----------
    model : Layer
    lr : float
        :math:`\eta`, about the length of a step.
    betas : (float, float)
        Of the means of g and of its square, from 0 up to, but not, 1: means over about 1 / (1 - beta) steps.
    eps : float
        :math:`\varepsilon`, so that where there is no slope nothing is divided by 0.

    Raises
    ------
    ValueError, TypeError
        A number that is out of its range, or none at all; a model without parameters.

    See Also
    --------
    torch.optim.Adam : the same steps. Chapter 13; Kingma and Ba (2015).

    Examples
    --------
    >>> from convlib.layers import Linear
    >>> layer = Linear(1, 1, bias=False, rng=0, dtype=np.float64)
    >>> layer.parameters["weight"][...] = 1
    >>> optimizer = Adam(layer, lr=0.25)
    >>> output, grad_input = layer(np.ones((1, 1))), layer.backward(np.full((1, 1), 1000.))
    >>> optimizer.step()
    >>> layer.parameters["weight"].round(6)  # 1 - 0.25, though the slope is 1000
    array([[0.75]])
    """

    def __init__(
        self, model: Layer, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(model, lr)
        if not (is_several(betas) and len(betas) == 2):
            raise ValueError(f"Adam: betas must be two numbers, got {shown(betas)}")
        first, second = betas
        self.betas = _number("Adam", "betas[0]", first, 1), _number("Adam", "betas[1]", second, 1)
        self.eps = _number("Adam", "eps", eps)
        self.means, self.squares = self.zeros(), self.zeros()

    def change(self, name: str, parameter: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        (beta1, beta2), mean, square = self.betas, self.means[name], self.squares[name]
        mean *= beta1
        mean += (1 - beta1) * gradient
        square *= beta2
        square += (1 - beta2) * gradient**2
        usual_size = np.sqrt(square / (1 - beta2**self.steps))
        change: NDArray[Any] = self.lr * (mean / (1 - beta1**self.steps)) / (usual_size + self.eps)
        return change
