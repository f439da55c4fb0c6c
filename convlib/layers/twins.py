"""The same network in torch: to compare with, and to run on a GPU."""

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

NAMESAKES = (Conv2d, Linear, ReLU, MaxPool2d, AvgPool2d, Flatten)  # torch.nn has them with the same arguments


def to_torch(model: Layer) -> nn.Module:
    """The same network in torch, with a copy of the parameters.

    Parameters
    ----------
    model : Layer

    Returns
    -------
    torch.nn.Module
        On the CPU; ``to_torch(model).to(device)`` moves it. For a `Sequential` it is a torch.nn.Sequential,
        whose ``state_dict`` has the names of `parameters`. A `GlobalAvgPool2d` becomes two layers in a
        Sequential of their own.

    Raises
    ------
    TypeError
        A layer that torch has not, for instance one of your own.

    Examples
    --------
    >>> twin = to_torch(Sequential(Conv2d(1, 2, 3, rng=0), ReLU()))
    >>> twin
    Sequential(
      (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
      (1): ReLU()
    )
    >>> list(twin.state_dict())
    ['0.weight', '0.bias']
    """
    import torch
    from torch import nn

    if type(model) is Sequential:
        return nn.Sequential(*map(to_torch, model.layers))
    if type(model) is GlobalAvgPool2d:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(-3))
    if type(model) not in NAMESAKES:
        raise TypeError(f"to_torch: torch.nn has no twin of {shown(model)}")
    arguments = {field.name: getattr(model, field.name) for field in fields(model)}  # type: ignore[arg-type]
    with torch.device("meta"):  # so that no initial weights are drawn
        twin: nn.Module = getattr(nn, type(model).__name__)(**arguments)
    twin.load_state_dict({name: torch.tensor(p) for name, p in model.parameters.items()}, assign=True)
    return twin
