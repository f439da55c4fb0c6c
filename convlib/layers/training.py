"""Training: a loss, the loop that makes it smaller, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib.layers.layers import Floats, Layer, require_floats
from convlib.layers.optimizers import Optimizer
from convlib.shapes import as_integer


def _check_labels(function: str, labels: object, images: int) -> NDArray[Any]:
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        kind = labels.dtype if isinstance(labels, np.ndarray) else type(labels).__name__
        raise TypeError(f"{function}: labels must be a NumPy array of whole numbers, got {kind}")
    if labels.shape != (images,):
        raise ValueError(f"{function}: {images} images need labels of shape ({images},), got {labels.shape}")
    if not images:
        raise ValueError(f"{function}: there are no images")
    return labels


def _check_classes(function: str, logits: Floats, labels: NDArray[Any]) -> None:
    if logits.ndim != 2:
        raise ValueError(f"{function}: logits must be (N, classes), got {logits.shape}")
    classes = logits.shape[1]
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise ValueError(
            f"{function}: labels must be from 0 to {classes - 1}, as there are {classes} logits; label "
            f"{wrong[0]} is {labels[wrong[0]]}"
        )


def cross_entropy(logits: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """How surprised the network is by the right answers, and the gradient of that."""
    require_floats("cross_entropy", "logits", logits)
    if logits.ndim != 2:
        raise ValueError(f"cross_entropy: logits must be (N, classes), got {logits.shape}")
    labels = _check_labels("cross_entropy", labels, len(logits))
    _check_classes("cross_entropy", logits, labels)
    rows = np.arange(len(labels))
    with np.errstate(all="ignore"):
        shifted = logits - logits.max(axis=1, keepdims=True)  # softmax stays, and no exponential overflows
        exponentials = np.exp(shifted)
        totals = exponentials.sum(axis=1)
        loss = float(np.mean(np.log(totals) - shifted[rows, labels]))
        grad: Floats = exponentials / totals[:, None]
        grad[rows, labels] -= 1
        grad /= len(labels)
    return loss, grad


Augment = Callable[[Floats, np.random.Generator], Floats]


def fit(
    model: Layer,
    optimizer: Optimizer,
    images: Floats,
    labels: NDArray[Any],
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator | int,
    report: Callable[[int, float], object] | None = None,
    augment: Augment | None = None,
) -> list[float]:
    """Train: for every batch forward, loss, backward, step. Returns the loss of every batch."""
    require_floats("fit", "images", images)
    labels = _check_labels("fit", labels, len(images))
    epochs = as_integer(epochs, "epochs", "fit", at_least=0)
    batch_size = as_integer(batch_size, "batch_size", "fit")
    rng = np.random.default_rng(rng)
    history: list[float] = []
    for epoch in range(1, epochs + 1):
        losses = []
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            seen = images[batch] if augment is None else augment(images[batch], rng)
            logits = model.forward(seen)
            _check_classes("fit", logits, labels)
            loss, grad = cross_entropy(logits, labels[batch])
            model.backward(grad)
            optimizer.step()
            losses.append(loss)
        history += losses
        if report is not None:
            report(epoch, float(np.mean(losses)))
    return history


def accuracy(model: Layer, images: Floats, labels: NDArray[Any], batch_size: int = 256) -> float:
    """The share of images for which the largest logit is that of the label."""
    require_floats("accuracy", "images", images)
    labels = _check_labels("accuracy", labels, len(images))
    batch_size = as_integer(batch_size, "batch_size", "accuracy")
    right = 0
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        logits = model.forward(images[part])
        _check_classes("accuracy", logits, labels)
        right += int((logits.argmax(axis=1) == labels[part]).sum())
    return right / len(images)


def random_shifts(images: Floats, rng: np.random.Generator, pixels: int = 1) -> Floats:
    """Each image shifted by up to `pixels` in either direction; zeros move in. For ``fit(augment=...)``."""
    height, width = images.shape[-2:]
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    rows, columns = rng.integers(0, 2 * pixels + 1, (2, len(images)))
    shifted = np.empty_like(images)
    for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
        shifted[i] = padded[i, :, row : row + height, column : column + width]
    return shifted
