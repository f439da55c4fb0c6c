"""The same network in torch, to compare with and to run on a GPU."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from convlib._checks import shown
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

if TYPE_CHECKING:
    from torch import nn

SAME_NAME = (Conv2d, Linear, ReLU, MaxPool2d, AvgPool2d, Flatten)  # and the same arguments as in torch.nn


def to_torch(model: Layer) -> nn.Module:
    """The torch twin of a network, with copies of its parameters."""
    import torch
    from torch import nn

    if type(model) is Sequential:
        return nn.Sequential(*map(to_torch, model.layers))
    if type(model) is GlobalAvgPool2d:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(-3))
    if type(model) not in SAME_NAME:
        raise TypeError(f"to_torch: torch has no layer {shown(model)}")
    arguments = {one.name: getattr(model, one.name) for one in fields(model) if one.init}
    with torch.device("meta"):  # no initial weights are drawn
        twin: nn.Module = getattr(nn, type(model).__name__)(**arguments)
    weights = {name: torch.tensor(array) for name, array in model.parameters.items()}
    twin.load_state_dict(weights, assign=True)
    return twin
