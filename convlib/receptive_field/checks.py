"""Two checks by autograd, which know nothing of kernels, strides and graphs.

`gradient_support` asks which pixels can move an output unit at all; `effective_receptive_field` asks how much
each of them does.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import as_real, shown
from convlib.receptive_field.field import Interval
from convlib.receptive_field.models import example_image
from convlib.receptive_field.seen import ends
from convlib.shapes import Ints, as_integer, as_tuple

if TYPE_CHECKING:
    import torch
    from torch import nn


def gradient_support(
    model: nn.Module,
    input_size: int | Sequence[int] | torch.Tensor,
    position: Ints | None = None,
    channels: int | None = None,
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Which pixels one output unit depends on, by the gradient of a positive copy of the model.

    In the copy all weights are positive, activations pass everything, a maximum becomes a sum and a norm adds
    the mean of what it looks at. Then nothing cancels, and a pixel has a gradient exactly if some path leads
    from it to the unit.

    Parameters
    ----------
    model : torch.nn.Module
        Is not changed.
    input_size, channels
        As in `receptive_field`.
    position : int or tuple of int, optional
        The output unit; the middle one by default, and all units of an output without spatial axes. All its
        channels are taken together.
    seed : int
        Of the positive weights.

    Returns
    -------
    ndarray of bool
        As large as the image.

    See Also
    --------
    receptive_field : the same without a single multiplication. Chapter 10.

    Examples
    --------
    >>> from torch import nn
    >>> gradient_support(nn.Conv1d(1, 1, 3, dilation=2, padding=2), 7, position=3).astype(int)
    array([0, 1, 0, 1, 0, 1, 0])
    """
    import torch

    from convlib.receptive_field.positive import Positive, positive_copy

    image = example_image("gradient_support", model, input_size, channels)
    twin = positive_copy(model, seed)
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.rand(image.shape, generator=generator, dtype=torch.float64) + 0.5
    pixels = pixels.to(image.device).requires_grad_()
    with Positive():
        output = _first_tensor(twin(pixels * 1))  # a model may write into its image
    if not output.requires_grad:
        raise ValueError("gradient_support: no gradient leads from the output to the image")
    _unit_sum("gradient_support", output, position, image.ndim - 2).backward()  # type: ignore[no-untyped-call]
    support: NDArray[np.bool_] = _map_of(pixels.grad) != 0
    return support


@dataclass(frozen=True)
class EffectiveField:
    """How much each pixel moves one output unit: a map of magnitudes that sum to 1."""

    magnitude: NDArray[np.float64]

    @property
    def centre(self) -> tuple[float, ...]:
        """Mean place of the mass along each axis, in pixels."""
        return tuple(float(places @ profile) for places, profile in self._profiles())

    @property
    def width(self) -> tuple[float, ...]:
        """Standard deviation along each axis, in pixels: of all Gaussians, the likeliest has this width."""
        return tuple(
            math.sqrt(float((places - middle) ** 2 @ profile))
            for (places, profile), middle in zip(self._profiles(), self.centre, strict=True)
        )

    def region(self) -> tuple[Interval | None, ...]:
        """First and last pixel with any influence, along each axis."""
        return tuple(ends(profile > 0) for _, profile in self._profiles())

    def share(self, side: Ints) -> float:
        """The part of the mass inside a square of this side, about the middle of the region.

        Only pixels that lie inside as a whole count: where the middle lies between two pixels, a square of
        side 3 holds two of them.
        """
        sides = as_tuple(side, self.magnitude.ndim, "side", 1, "share")
        inside: Any = self.magnitude
        for axis, (length, region) in enumerate(zip(sides, self.region(), strict=True)):
            twice = sum(region or (0, 0))  # half pixels, so that all is whole
            first, last = (twice - length + 2) // 2, (twice + length - 1) // 2
            inside = inside.take(range(max(0, first), min(last, inside.shape[axis] - 1) + 1), axis)
        return float(inside.sum())

    def side_of(self, share: float) -> int:
        """The side of the smallest such square that holds at least this part of the mass."""
        wanted = as_real("side_of", "share", share)
        if not 0 < wanted <= 1:
            raise ValueError(f"side_of: share must be above 0 and at most 1, got {shown(share)}")
        most = 2 * max(self.magnitude.shape) + 1
        low, high = 1, most
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.share(middle) >= wanted - 1e-12 else (middle + 1, high)
        return low

    def _profiles(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        axes = range(self.magnitude.ndim)
        return [
            (np.arange(size), self.magnitude.sum(axis=tuple(other for other in axes if other != axis)))
            for axis, size in enumerate(self.magnitude.shape)
        ]


def effective_receptive_field(
    model: nn.Module,
    input_size: int | Sequence[int] | torch.Tensor,
    position: Ints | None = None,
    channels: int | None = None,
    images: int = 8,
    seed: int = 0,
) -> EffectiveField:
    """How much each pixel moves one output unit, for the model as it is.

    The magnitude of the gradient, averaged over images of Gaussian noise; each image draws anew how the
    channels of the unit are weighted, so that no channel hides another.

    Parameters
    ----------
    model, input_size, position, channels
        As in `gradient_support`.
    images : int
        How many gradients are averaged.
    seed : int
        Of the noise.

    Returns
    -------
    EffectiveField
        With `magnitude`, `share`, `side_of`, `centre` and `width`.

    See Also
    --------
    receptive_field : the largest region that this can fill. Chapter 10; Luo, Li, Urtasun and Zemel (2016).

    Examples
    --------
    >>> from torch import nn
    >>> box = nn.Sequential(*(nn.Conv1d(1, 1, 3, padding=1, bias=False) for _ in range(2)))
    >>> for weight in box.parameters():
    ...     weight = nn.init.constant_(weight, 1 / 3)
    >>> field = effective_receptive_field(box, 7, position=3, images=1)
    >>> (9 * field.magnitude).round(6)  # 1 1 1 spread by 1 1 1
    array([0., 1., 2., 3., 2., 1., 0.])
    >>> round(field.share(3), 4)  # (2 + 3 + 2) / 9
    0.7778
    """
    import torch

    count = as_integer(images, "images", "effective_receptive_field")
    image = example_image("effective_receptive_field", model, input_size, channels)
    twin = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    total: Any = 0.0
    for _ in range(count):
        pixels = torch.randn(image.shape, generator=generator, dtype=image.dtype)
        pixels = pixels.to(image.device).requires_grad_()
        output = _first_tensor(twin(pixels))
        signs = torch.randn(output.shape, generator=generator, dtype=output.dtype).to(output.device)
        unit = _unit_sum("effective_receptive_field", output * signs, position, image.ndim - 2)
        (gradient,) = torch.autograd.grad(unit, pixels)
        total = total + _map_of(gradient)
    if not total.sum() > 0:
        raise ValueError("effective_receptive_field: no pixel moves this unit")
    return EffectiveField(total / total.sum())


def _first_tensor(result: Any) -> torch.Tensor:
    import torch

    leaves = torch.utils._pytree.tree_leaves(result)
    found = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    return found[0]


def _unit_sum(function: str, output: torch.Tensor, position: Ints | None, axes: int) -> torch.Tensor:
    """The sum of one unit's channels."""
    if output.ndim != axes + 2:
        if position is not None:
            raise ValueError(f"{function}: the output {tuple(output.shape)} has no unit at {shown(position)}")
        return output.sum()
    units = as_tuple(
        [n // 2 for n in output.shape[2:]] if position is None else position, axes, "position", 0, function
    )
    for u, n in zip(units, output.shape[2:], strict=True):
        if u >= n:
            raise ValueError(
                f"{function}: the output has {tuple(output.shape[2:])} units, not {shown(position)}"
            )
    for u in units:
        output = output.select(2, u)
    return output.sum()


def _map_of(gradient: torch.Tensor | None) -> NDArray[np.float64]:
    """Magnitudes of the pixels, all images and channels together."""
    if gradient is None:
        raise ValueError("the output does not depend on the image")
    magnitude: NDArray[np.float64] = gradient.abs().amax(dim=(0, 1)).double().cpu().numpy()
    return magnitude
