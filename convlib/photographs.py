"""The photographs of the book: they load without a network, from the scikit-image package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CREDITS = {
    "chelsea": "Chelsea the cat, by Stéfan van der Walt; CC0 (no rights reserved).",
    "camera": "A photographer at work, by Lav Varshney; CC0 (no rights reserved).",
    "astronaut": "Eileen Collins, by NASA; public domain.",
    "coffee": "A cup of coffee, by Rachel Michetti, courtesy of Pikolo Espresso Bar; CC0 (no rights "
    "reserved).",
}


def photograph(name: str, shrink: int = 1) -> NDArray[Any]:
    """A photograph as float64 from 0 (black) to 1 (white), channels first.

    Parameters
    ----------
    name : {"chelsea", "camera", "astronaut", "coffee"}
        `CREDITS` says who took them.
    shrink : int
        Replace each block of so many by so many pixels by its mean; rows and columns that fill no block are
        cut off.

    Returns
    -------
    ndarray (C, H, W)
        C is 3 (red, green, blue), or 1 for "camera".

    Raises
    ------
    ValueError
        An unknown name, or a shrink below 1.

    Examples
    --------
    >>> photograph("chelsea", shrink=2).shape
    (3, 150, 225)
    """
    if name not in CREDITS:
        raise ValueError(f"photograph: name must be one of {', '.join(CREDITS)}, got {name!r}")
    if shrink < 1:
        raise ValueError(f"photograph: shrink must be at least 1, got {shrink}")
    from skimage import data

    pixels = getattr(data, name)() / 255
    image = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    channels, height, width = image.shape
    blocks = image[:, : height // shrink * shrink, : width // shrink * shrink]
    blocks = blocks.reshape(channels, height // shrink, shrink, width // shrink, shrink)
    return np.ascontiguousarray(blocks.mean(axis=(2, 4)))
