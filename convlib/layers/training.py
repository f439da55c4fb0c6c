"""Training: what is to become small, the loop that makes it so, and a number that people understand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlib._checks import shown
from convlib._dispatch import require_array
from convlib.layers.layers import Floats, Layer, Random, generator, require_floats
from convlib.layers.optimizers import Optimizer
from convlib.shapes import as_integer
from convlib.windows import pad, sliding_windows


def _check_labels(function: str, labels: NDArray[Any], images: int) -> None:
    require_array(function, "labels", labels)
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        raise TypeError(
            f"{function}: labels must be a NumPy array of whole numbers, got {type(labels).__name__} of "
            f"{labels.dtype}"
        )
    if labels.shape != (images,):
        raise ValueError(f"{function}: {images} images need labels ({images},), got {labels.shape}")
    if not images:
        raise ValueError(f"{function}: of no images there is no mean")


def _check_classes(function: str, logits: Floats, labels: NDArray[Any]) -> None:
    if logits.ndim != 2:
        raise ValueError(f"{function}: logits must be (N, classes), got {logits.shape}")
    classes = logits.shape[1]
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise ValueError(
            f"{function}: {classes} logits are for the labels 0 to {classes - 1}, but labels[{wrong[0]}] is "
            f"{labels[wrong[0]]}"
        )


def cross_entropy(logits: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    r"""How surprised a network is by the right answers, on average; and the gradient of that.

    Softmax makes probabilities of the logits, and the surprise is minus the logarithm of that of the label:

    .. math:: L = -\frac{1}{N} \sum_n \log p_{n, \text{label}_n}, \qquad
        p_{n,k} = \frac{\exp z_{n,k}}{\sum_j \exp z_{n,j}}

    The gradient is what the network says, less what is true, where y is 1 for the label and 0 elsewhere:

    .. math:: \frac{\partial L}{\partial z_{n,k}} = \frac{p_{n,k} - y_{n,k}}{N}

    Parameters
    ----------
    logits : array (N, classes)
    labels : array (N,) of whole numbers
        From 0 to classes - 1.

    Returns
    -------
    loss : float
        0 for a network that is sure and right; log(classes) for one that finds all of them equally likely.
    grad : array (N, classes)
        Of the dtype of the logits. Every row sums to 0.

    Raises
    ------
    ValueError
        Shapes that do not fit, no images, or a label that is no class.
    TypeError
        Labels that are not whole numbers, logits that are not floating-point numbers.

    See Also
    --------
    torch.nn.functional.cross_entropy : the same loss. Chapter 13.

    Examples
    --------
    >>> loss, grad = cross_entropy(np.log([[3., 1.]]), np.array([1]))  # probabilities 3/4 and 1/4
    >>> round(float(np.exp(loss)), 6)  # minus log 1/4 is log 4
    4.0
    >>> grad.round(6)  # 3/4 - 0, 1/4 - 1
    array([[ 0.75, -0.75]])
    """
    require_floats("cross_entropy", "logits", logits)
    if logits.ndim != 2:
        raise ValueError(f"cross_entropy: logits must be (N, classes), got {logits.shape}")
    _check_labels("cross_entropy", labels, len(logits))
    _check_classes("cross_entropy", logits, labels)
    of_the_label = np.arange(len(labels)), labels
    with np.errstate(all="ignore"):  # NaN and infinity flow, as in torch
        logits = logits - logits.max(axis=1, keepdims=True)  # the same probabilities, and none overflows
        likely = np.exp(logits)
        total = likely.sum(axis=1, keepdims=True)
        loss = float(np.mean(np.log(total[:, 0]) - logits[of_the_label]))
        grad: Floats = likely / total
        grad[of_the_label] -= 1
        return loss, grad / len(labels)


def fit(
    model: Layer,
    optimizer: Optimizer,
    images: Floats,
    labels: NDArray[Any],
    *,
    epochs: int,
    batch_size: int,
    rng: Random,
    report: Callable[[int, float], object] | None = None,
    augment: Callable[[Floats, np.random.Generator], Floats] | None = None,
) -> list[float]:
    """Train a classifier. For each batch: forward, loss, backward, and a step.

    Parameters
    ----------
    model : Layer
        From images to logits. It is changed.
    optimizer : Optimizer
        Of this model, or of a part of it.
    images : array (N, ...)
    labels : array (N,) of whole numbers
    epochs : int
        How often every image is seen. They are shuffled anew each time.
    batch_size : int
        Images for one step; the last batch of an epoch may be smaller.
    rng : numpy.random.Generator or int
        Shuffles, or is the seed for that.
    report : callable, optional
        Called after each epoch with its number, 1 for the first, and its mean loss over the batches. It may
        print, measure, or set ``optimizer.lr``.
    augment : callable, optional
        Called with the images of each batch and the generator; the network sees what it returns.

    Returns
    -------
    list of float
        The loss of each batch, before its step.

    Raises
    ------
    ValueError, TypeError
        Images, labels or an optimizer that do not fit the model, and numbers below 1 (epochs: below 0). All
        is looked at before the first step, so the model has not changed.

    See Also
    --------
    cross_entropy : the loss that becomes smaller.
    SGD, Adam : optimizers.
    random_shifts : for `augment`. Chapter 13.

    Examples
    --------
    >>> from convlib.layers import SGD, Linear
    >>> images = np.array([[1.], [-1.]])
    >>> model = Linear(1, 2, rng=0, dtype=np.float64)
    >>> history = fit(model, SGD(model, lr=1), images, np.array([0, 1]), epochs=20, batch_size=1, rng=0)
    >>> len(history), accuracy(model, images, np.array([0, 1]))
    (40, 1.0)
    """
    require_floats("fit", "images", images)
    _check_labels("fit", labels, images.shape[0] if images.ndim else 0)
    epochs = as_integer(epochs, "epochs", "fit", at_least=0)
    batch_size = as_integer(batch_size, "batch_size", "fit")
    rng = generator("fit", rng)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: optimizer must be an Optimizer, for instance SGD(model, lr), got {shown(optimizer)}"
        )
    own = {id(parameter) for parameter in model.parameters.values()}
    if not own.issuperset(map(id, optimizer.model.parameters.values())):
        raise ValueError("fit: the optimizer is that of another model")

    history: list[float] = []
    for epoch in range(1, epochs + 1):
        losses = []
        order = rng.permutation(len(images))
        for start in range(0, len(images), batch_size):
            batch = order[start : start + batch_size]
            seen = images[batch] if augment is None else augment(images[batch], rng)
            logits = model.forward(seen)
            _check_classes("fit", logits, labels)  # all of them, so that none is found wrong later
            loss, grad = cross_entropy(logits, labels[batch])
            model.backward(grad)
            optimizer.step()
            losses.append(loss)
        history += losses
        if report is not None:
            report(epoch, float(np.mean(losses)))
    return history


def accuracy(model: Layer, images: Floats, labels: NDArray[Any], batch_size: int = 256) -> float:
    """The share of the images whose largest logit is that of the label, from 0 to 1.

    Parameters
    ----------
    model : Layer
    images : array (N, ...)
    labels : array (N,) of whole numbers
    batch_size : int
        Images that are looked at together: more of them need more memory, and change nothing else.

    Raises
    ------
    ValueError, TypeError
        As `fit`.

    Examples
    --------
    >>> from convlib.layers import Flatten  # which changes nothing here
    >>> logits = np.array([[2., 1.], [0., 3.], [5., 4.], [1., 9.]])
    >>> accuracy(Flatten(), logits, np.array([0, 1, 1, 1]))  # all but the third
    0.75
    """
    require_floats("accuracy", "images", images)
    _check_labels("accuracy", labels, images.shape[0] if images.ndim else 0)
    batch_size = as_integer(batch_size, "batch_size", "accuracy")
    right = 0
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        logits = model.forward(images[batch])
        _check_classes("accuracy", logits, labels)
        right += int((logits.argmax(axis=1) == labels[batch]).sum())
    return right / len(images)


def random_shifts(images: Floats, rng: Random, pixels: int = 1) -> Floats:
    """Every image moved by a few pixels, up or down and to either side; zeros come in.

    A digit that has moved is the same digit: for ``fit(augment=random_shifts)`` it is one more example.

    Parameters
    ----------
    images : array (N, C, H, W)
    rng : numpy.random.Generator or int
    pixels : int
        Rows and columns to move by are drawn evenly from -pixels to pixels.

    Returns
    -------
    array (N, C, H, W)
        A copy.

    Raises
    ------
    ValueError, TypeError
        Another number of axes, or a number of pixels below 0.

    Examples
    --------
    >>> dot = np.zeros((1, 1, 3, 3))
    >>> dot[0, 0, 1, 1] = 1
    >>> random_shifts(dot, rng=0)
    array([[[[0., 1., 0.],
             [0., 0., 0.],
             [0., 0., 0.]]]])
    """
    require_floats("random_shifts", "images", images)
    if images.ndim != 4:
        raise ValueError(f"random_shifts: images must be (N, C, H, W), got {images.shape}")
    pixels = as_integer(pixels, "pixels", "random_shifts", at_least=0)
    every = sliding_windows(pad(images, (pixels,) * 4), images.shape[2:])  # n c y x h w: all the shifts
    y, x = generator("random_shifts", rng).integers(0, 2 * pixels + 1, (2, len(images)))
    shifted: Floats = every[np.arange(len(images)), :, y, x]
    return shifted
