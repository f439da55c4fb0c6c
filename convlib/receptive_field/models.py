"""The entrance for torch models; torch itself is loaded when a model arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convlib._checks import is_several, require_one_of, shown
from convlib.receptive_field.report import Report
from convlib.shapes import as_sizes

if TYPE_CHECKING:
    import torch
    from torch import nn


def receptive_field(
    model: nn.Module,
    input_size: int | Sequence[int] | torch.Tensor,
    channels: int | None = None,
    unknown: str = "error",
) -> Report:
    """The receptive field of every operation of a torch model.

    The model is traced by `torch.export` with sizes alone, nothing is computed, and every operation of the
    graph is asked which units it reads. A model in training mode is taken as it trains: batch norm then looks
    at the whole image.

    Parameters
    ----------
    model : torch.nn.Module
        Called with one image of shape (n, c, \\*spatial).
    input_size : int, tuple of int or tensor
        Size of the image along each axis; a single number is used for all axes of the model's first
        convolution, and for two where there is none. Or a whole image to call the model with.
    channels : int, optional
        Channels of the image; by default those that the first convolution takes, else 3.
    unknown : str
        What to do about an operation that is not known: ``"error"``, or ``"whole"`` to take every unit of its
        result to see whatever any of its inputs sees.

    Returns
    -------
    Report
        With the numbers of the output (`size`, `jump`, `start`, `padding`, `region`, `units`, `aligned`), a
        row for each operation, and a table.

    Raises
    ------
    UnknownOperation
        A `NotImplementedError` that names the node.

    See Also
    --------
    gradient_support : the same answer for one unit, by autograd. Chapter 10; Araujo, Norris and Sim (2019).

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1))
    >>> report = receptive_field(model.eval(), 224)
    >>> report.size, report.jump, report.start  # 1 + 6*1 + 2*2; 2*2; -3 - 1*2
    ((11, 11), (4, 4), (-5, -5))
    """
    require_one_of("receptive_field", "unknown", unknown, ("error", "whole"))
    from convlib.receptive_field.graph import analyse

    return analyse(model, example_image("receptive_field", model, input_size, channels), unknown)


def example_image(function: str, model: nn.Module, input_size: Any, channels: int | None) -> torch.Tensor:
    """An image that the model takes, of its own number type and on its own device."""
    import torch

    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"{function}: model must be a torch.nn.Module, got {shown(model)}")
    if isinstance(input_size, torch.Tensor):
        if input_size.ndim < 3:
            raise ValueError(
                f"{function}: an image has a shape (n, c, *spatial), got {tuple(input_size.shape)}"
            )
        return input_size
    first = next((one for one in model.modules() if isinstance(one, torch.nn.modules.conv._ConvNd)), None)
    axes = len(first.kernel_size) if first else 2
    several = tuple(input_size) if is_several(input_size) else (input_size,) * axes
    sizes = as_sizes(several, "input_size", function, 1)
    if channels is None:
        channels = first.in_channels if first else 3
    parameter = next((one for one in model.parameters() if one.is_floating_point()), torch.empty(0))
    images = 2 if model.training else 1  # batch norm refuses to train on a single number
    return torch.ones((images, channels, *sizes), dtype=parameter.dtype, device=parameter.device)
