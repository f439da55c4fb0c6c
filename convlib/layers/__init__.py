"""A small network library: layers that compute and send gradients back, a loss, two optimizers, a loop.

Everything a network needs to learn, in NumPy, on the operations and gradients of `convlib`. Names, defaults,
initial weights and numbers are those of `torch.nn` and `torch.optim`; `to_torch` makes the twin. Chapter 13.
"""

from convlib.layers.layers import (
    AvgPool2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
)
from convlib.layers.optimizers import SGD, Adam, Optimizer
from convlib.layers.training import accuracy, cross_entropy, fit, random_shifts
from convlib.layers.twins import to_torch

__all__ = [
    "SGD",
    "Adam",
    "AvgPool2d",
    "Conv2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Optimizer",
    "ReLU",
    "Sequential",
    "accuracy",
    "cross_entropy",
    "fit",
    "random_shifts",
    "to_torch",
]
