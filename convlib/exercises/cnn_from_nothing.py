"""The exercises of chapter 13, a CNN from nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convlib._dispatch import Array
from convlib.exercises.checker import Mistake, declare

random = np.random.default_rng(13)


# --- cross_entropy_gradient(logits, labels) -----------------------------------------------------------------


def softmax(logits: Array, axis: int = 1) -> Array:
    exponentials = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def one_hot(labels: Array, classes: int) -> Array:
    return (labels[:, None] == np.arange(classes)).astype(float)


def cross_entropy_gradient(logits: Array, labels: Array) -> Array:
    """Image by image, as (13.5) says it."""
    rows = []
    for z, t in zip(logits, labels, strict=True):
        p = np.exp(z - max(z)) / sum(np.exp(z - max(z)))
        p[t] -= 1
        rows.append(p / len(labels))
    return np.array(rows)


def overflowing(logits: Array, labels: Array) -> Array:
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (p - one_hot(labels, logits.shape[1])) / len(labels)


def overflowing_sum(logits: Array, labels: Array) -> Array:
    return overflowing(logits, labels) * len(labels)


def by_columns(logits: Array, labels: Array) -> Array:
    return (softmax(logits, axis=0) - one_hot(labels, logits.shape[1])) / len(labels)


def over_everything(logits: Array, labels: Array) -> Array:
    exponentials = np.exp(logits - logits.max())
    return (exponentials / exponentials.sum() - one_hot(labels, logits.shape[1])) / len(labels)


def all_rows_marked(logits: Array, labels: Array) -> Array:
    p = softmax(logits)
    p[:, labels] -= 1
    return p / len(labels)


def cross_entropy(logits: Array, labels: Array) -> Array:
    highest = logits.max(axis=1, keepdims=True)
    totals = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
    return totals - logits[np.arange(len(labels)), labels]


def times(factor: Callable[[Array], Array | float]) -> Callable[..., Any]:
    """The right gradient, times something that depends on the logits."""
    return lambda logits, labels: cross_entropy_gradient(logits, labels) * factor(logits)


declare(
    "cross-entropy-gradient",
    cross_entropy_gradient,
    cases=[
        (np.log(np.array([[2.0, 1, 1]])), np.array([1])),
        (np.zeros((2, 2)), np.array([0, 1])),
        (np.log(np.array([[1.0, 2, 1], [3.0, 1, 4]])), np.array([1, 0])),
        (random.normal(size=(4, 3)), np.array([2, 2, 0, 1])),
        (random.normal(size=(1, 10)), np.array([9])),
        (random.normal(size=(5, 5)), np.array([0, 1, 2, 3, 4])),
        (np.array([[1000.0, 0, 0], [0, -1000, 3]]), np.array([1, 2])),
        (random.normal(size=(3, 4)).astype(np.float32), np.array([3, 0, 3])),
    ],
    mistakes=[
        Mistake(
            "e to the power of a large logit is infinite: subtract the largest logit of each row first",
            overflowing,
        ),
        Mistake(
            "the sum over the batch, where the mean is asked for; and large logits overflow: subtract the "
            "largest of each row first",
            overflowing_sum,
        ),
        Mistake(
            "that is the gradient of the sum over the batch: the loss is the mean, so divide by N",
            times(lambda logits: float(len(logits))),
        ),
        Mistake(
            "divided by the number of classes: divide by the number of images",
            times(lambda logits: len(logits) / logits.shape[1]),
        ),
        Mistake(
            "divided by images and classes: the mean is over the images only",
            times(lambda logits: 1 / logits.shape[1]),
        ),
        Mistake(
            "the sign is turned: it is p - y, what was said minus what is true", times(lambda logits: -1.0)
        ),
        Mistake(
            "these are the probabilities: subtract 1 at the label",
            lambda logits, labels: softmax(logits),
        ),
        Mistake(
            "these are the probabilities, divided by N: subtract 1 at the label",
            lambda logits, labels: softmax(logits) / len(labels),
        ),
        Mistake(
            "the logits are taken for probabilities: the softmax is missing",
            lambda logits, labels: (logits - one_hot(labels, logits.shape[1])) / len(labels),
        ),
        Mistake(
            "the softmax runs down the batch: the probabilities of each image add up to 1, axis=1", by_columns
        ),
        Mistake(
            "the softmax runs over the whole batch: the probabilities of each image add up to 1",
            over_everything,
        ),
        Mistake(
            "1 is subtracted in every row at every label: p[np.arange(len(labels)), labels] is one in each",
            all_rows_marked,
        ),
        Mistake(
            "only the label's entry is filled: the other logits have a gradient, too",
            lambda logits, labels: cross_entropy_gradient(logits, labels) * one_hot(labels, logits.shape[1]),
        ),
        Mistake(
            "this is the loss itself: its gradient has the shape of the logits",
            lambda logits, labels: cross_entropy(logits, labels).mean(),
            shape_is_enough=True,
        ),
        Mistake(
            "one number for each image: the gradient has one for each logit",
            cross_entropy,
            shape_is_enough=True,
        ),
    ],
)


# --- momentum_steps(w, gradients, lr, momentum) -------------------------------------------------------------


def steps(
    velocity: Callable[[Array, Array, float, int], Array] = lambda v, g, momentum, step: momentum * v + g,
    change: Callable[[Array, Array, float, float], Array] = lambda v, g, lr, momentum: lr * v,
    last: int | None = None,
) -> Callable[..., Array]:
    """The steps with another velocity, another change of the parameter, or fewer of them."""

    def answer(w: Array, gradients: Array, lr: float, momentum: float) -> Array:
        v = np.zeros(np.shape(w))
        for step, g in enumerate(gradients[:last]):
            v = velocity(v, g, momentum, step)
            w = w - change(v, g, lr, momentum)
        return w

    return answer


momentum_steps = steps()


def unrolled(w: Array, gradients: Array, lr: float, momentum: float) -> Array:
    """Unrolled: every gradient goes on acting in all later steps, each time a little weaker."""
    total = np.zeros(np.shape(w))
    for k, gradient in enumerate(gradients):
        later = len(gradients) - k
        total = total + sum(momentum**age for age in range(later)) * gradient
    return w - lr * total


def whole(*shape: int) -> Array:
    return random.integers(-9, 10, size=shape).astype(float)


declare(
    "momentum-steps",
    unrolled,
    cases=[
        (np.array([1.0]), np.array([[1.0], [0.9]]), 0.1, 0.9),
        (np.array([1.0, 2.0]), np.array([[10.0, -10.0]]), 0.1, 0.5),
        (np.array([0.0]), np.array([[1.0], [0.0], [0.0]]), 1.0, 0.5),
        (whole(3), whole(4, 3), 0.1, 0.9),
        (whole(2, 2), whole(5, 2, 2), 0.01, 0.8),
        (whole(4), whole(3, 4), 0.5, 0.0),
        (whole(2), whole(0, 2), 0.5, 0.9),
        (whole(3).astype(np.float32), whole(3, 3).astype(np.float32), 0.1, 0.9),
    ],
    mistakes=[
        Mistake(
            "the momentum is ignored: that is plain SGD",
            steps(lambda v, g, momentum, step: g),
        ),
        Mistake("the sign is turned: step against the velocity", steps(change=lambda v, g, lr, m: -lr * v)),
        Mistake("the learning rate is forgotten", steps(change=lambda v, g, lr, m: v)),
        Mistake(
            "the velocity is an average, (1 - momentum) g: in (13.9) the gradient counts in full",
            steps(lambda v, g, momentum, step: momentum * v + (1 - momentum) * g),
        ),
        Mistake(
            "the velocity forgets nothing: multiply it by the momentum first",
            steps(lambda v, g, momentum, step: v + g),
        ),
        Mistake(
            "the momentum multiplies the gradient as well: v is momentum * v + g",
            steps(lambda v, g, momentum, step: momentum * (v + g)),
        ),
        Mistake(
            "the momentum is on the gradient: it belongs to the old velocity",
            steps(lambda v, g, momentum, step: v + momentum * g),
        ),
        Mistake(
            "that is Nesterov's momentum, which looks ahead: step by lr * v",
            steps(change=lambda v, g, lr, momentum: lr * (g + momentum * v)),
        ),
        Mistake(
            "the learning rate is applied twice: in the velocity or in the step, not in both",
            steps(change=lambda v, g, lr, momentum: lr * lr * v),
        ),
        Mistake("only the first step is made", steps(last=1)),
        Mistake(
            "the last gradient is left out: the velocity takes it in before the parameter moves",
            steps(last=-1),
        ),
        Mistake(
            "that is the change: add it to w",
            lambda w, gradients, lr, momentum: momentum_steps(w, gradients, lr, momentum) - w,
        ),
    ],
)


# --- first_weight_gradient(x, w1, w2, labels) ---------------------------------------------------------------


def backpropagation(x: Array, w1: Array, w2: Array, labels: Array) -> Array:
    """Image by image and weight by weight."""
    gradient = np.zeros(w1.shape)
    for image, t in zip(x, labels, strict=True):
        a = w1 @ image
        z = w2 @ np.maximum(a, 0)
        p = np.exp(z - max(z)) / sum(np.exp(z - max(z)))
        p[t] -= 1
        for m, d in np.ndindex(w1.shape):
            if a[m] > 0:
                gradient[m, d] += (p @ w2[:, m]) * image[d] / len(x)
    return gradient


def network(
    x: Array,
    w1: Array,
    w2: Array,
    labels: Array,
    *,
    loss: Callable[[Array, Array], Array] = cross_entropy_gradient,
    back: Callable[[Array, Array], Array] = lambda g, w2: g @ w2,
    open_where: Callable[[Array, Array], Array] = lambda a, g: a > 0,
    relu: Callable[[Array], Array] = lambda a: np.maximum(a, 0),
    collect: Callable[[Array, Array], Array] = lambda g, x: g.T @ x,
) -> Array:
    """The same by matrices, with one of its lines another."""
    a = x @ w1.T
    g = loss(relu(a) @ w2.T, labels)
    g = back(g, w2)
    return collect(g * open_where(a, g), x)


def with_another(**line: Callable[..., Any]) -> Callable[..., Array]:
    return lambda x, w1, w2, labels: network(x, w1, w2, labels, **line)


def two_layers(n: int, d: int, m: int, c: int) -> tuple[Array, ...]:
    shapes = (n, d), (m, d), (c, m)
    return *(random.normal(size=shape) for shape in shapes), random.integers(0, c, n)


declare(
    "backpropagation",
    backpropagation,
    cases=[
        (
            np.array([[1.0, 2.0]]),
            np.array([[1.0, 1.0], [1.0, -1.0]]),
            np.array([[1.0, 2.0], [1.0, 3.0]]),
            np.array([0]),
        ),
        (
            np.array([[1.0, 0.0], [0.0, 2.0]]),
            np.array([[1.0, -1.0], [2.0, 3.0]]),
            np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]),
            np.array([0, 2]),
        ),
        two_layers(4, 3, 5, 2),
        two_layers(6, 4, 4, 4),
        two_layers(3, 3, 3, 3),
        two_layers(1, 6, 2, 5),
        two_layers(7, 2, 8, 3),
    ],
    mistakes=[
        Mistake(
            "the ReLU is forgotten on the way back: no gradient passes where a was not positive",
            with_another(open_where=lambda a, g: np.ones(a.shape)),
        ),
        Mistake(
            "the ReLU looks at the gradient: it was shut where its input a was not positive",
            with_another(open_where=lambda a, g: g > 0),
        ),
        Mistake(
            "the ReLU is the wrong way round: the gradient passes where a was positive",
            with_another(open_where=lambda a, g: a <= 0),
        ),
        Mistake(
            "the gradient is multiplied by h: the derivative of the ReLU is 1 where a is positive",
            with_another(open_where=lambda a, g: np.maximum(a, 0)),
        ),
        Mistake(
            "the ReLU is forgotten, forward and backward",
            with_another(open_where=lambda a, g: np.ones(a.shape), relu=lambda a: a),
        ),
        Mistake(
            "the ReLU is forgotten on the way forward: z is made of h",
            with_another(relu=lambda a: a),
        ),
        Mistake(
            "w2 is left out on the way back: the gradient of h is that of z times w2",
            with_another(back=lambda g, w2: np.repeat(g.sum(axis=1, keepdims=True), w2.shape[1], axis=1)),
        ),
        Mistake(
            "w2 is turned: the gradient of h is g @ w2",
            with_another(back=lambda g, w2: g @ w2.T),
        ),
        Mistake(
            "the sum over the batch, where the mean is asked for: the loss is divided by N",
            with_another(loss=lambda z, labels: cross_entropy_gradient(z, labels) * len(labels)),
        ),
        Mistake(
            "divided by N twice: the gradient of the mean loss has it already",
            with_another(loss=lambda z, labels: cross_entropy_gradient(z, labels) / len(labels)),
        ),
        Mistake(
            "the sign is turned: it starts with p - y",
            with_another(loss=lambda z, labels: -cross_entropy_gradient(z, labels)),
        ),
        Mistake(
            "the label is not subtracted: it starts with p - y",
            with_another(loss=lambda z, labels: softmax(z) / len(labels)),
        ),
        Mistake(
            "the softmax is missing: it starts with p - y",
            with_another(loss=lambda z, labels: (z - one_hot(labels, z.shape[1])) / len(labels)),
        ),
        Mistake(
            "it is transposed: the gradient of w1 has the shape of w1",
            with_another(collect=lambda g, x: x.T @ g),
            shape_is_enough=True,
        ),
        Mistake(
            "that is the gradient of w2",
            lambda x, w1, w2, labels: (
                cross_entropy_gradient(np.maximum(x @ w1.T, 0) @ w2.T, labels).T @ np.maximum(x @ w1.T, 0)
            ),
        ),
        Mistake(
            "that is the gradient of the images",
            lambda x, w1, w2, labels: network(x, w1, w2, labels, collect=lambda g, x: g @ w1),
        ),
        Mistake(
            "that is the gradient of a, one for each image: collect it over the batch, with x",
            with_another(collect=lambda g, x: g),
        ),
        Mistake(
            "only the shape of w1 is right: multiply the gradient of a by the input x",
            lambda x, w1, w2, labels: np.repeat(
                network(x, w1, w2, labels, collect=lambda g, x: g.sum(axis=0)[:, None]), x.shape[1], axis=1
            ),
        ),
    ],
)
