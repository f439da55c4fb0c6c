"""Optimizers: how a gradient becomes a change of the parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, shown
from convlib.layers.layers import Layer


def _number(function: str, name: str, value: float, below: float = math.inf) -> float:
    number = as_real(function, name, value)
    if not 0 <= number < below:
        limit = "and finite" if below == math.inf else f"and below {below:g}"
        raise ValueError(f"{function}: {name} must be at least 0 {limit}, got {shown(value)}")
    return number


class Optimizer:
    """What all optimizers share: a model, a learning rate, and `step`."""

    def __init__(self, model: Layer, lr: float) -> None:
        self.model = model
        self.lr = lr
        if not model.parameters:
            raise ValueError(f"{type(self).__name__}: the model has no parameters to learn")

    @property
    def lr(self) -> float:
        """The learning rate; a schedule may set it anew between two steps."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = _number(type(self).__name__, "lr", value)

    def step(self) -> None:
        """Change every parameter, in place, by what the last backward pass says."""
        parameters, gradients = self.model.parameters, self.model.gradients
        for name in parameters:
            if name not in gradients:
                raise RuntimeError(f"{type(self).__name__}.step: {name} has no gradient; call backward first")
        with np.errstate(all="ignore"):
            for name, parameter in parameters.items():
                parameter -= self.change(name, parameter, gradients[name])

    def change(self, name: str, parameter: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        """What a step takes away from a parameter."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent: v = momentum * v + g, p = p - lr * v."""

    def __init__(self, model: Layer, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        super().__init__(model, lr)
        self.momentum = _number("SGD", "momentum", momentum)
        self.weight_decay = _number("SGD", "weight_decay", weight_decay)
        self.velocity: dict[str, NDArray[Any]] = {}

    def change(self, name: str, parameter: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameter
        if self.momentum:
            if name in self.velocity:
                gradient = self.momentum * self.velocity[name] + gradient
            self.velocity[name] = gradient
        return self.lr * gradient


class Adam(Optimizer):
    """Every parameter gets a step size of its own."""

    def __init__(
        self, model: Layer, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(model, lr)
        if not (isinstance(betas, tuple | list) and len(betas) == 2):
            raise ValueError(f"Adam: betas must be two numbers, got {shown(betas)}")
        self.betas = tuple(_number("Adam", f"betas[{i}]", beta, below=1) for i, beta in enumerate(betas))
        self.eps = _number("Adam", "eps", eps)
        self.steps = 0
        self.means = {name: np.zeros_like(array) for name, array in model.parameters.items()}
        self.squares = {name: np.zeros_like(array) for name, array in model.parameters.items()}

    def step(self) -> None:
        self.steps += 1
        super().step()

    def change(self, name: str, parameter: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        first, second = self.betas
        mean, square = self.means[name], self.squares[name]
        mean += (1 - first) * (gradient - mean)
        square *= second
        square += (1 - second) * gradient**2
        size = np.sqrt(square) / math.sqrt(1 - second**self.steps) + self.eps
        change: NDArray[Any] = self.lr / (1 - first**self.steps) * mean / size
        return change
