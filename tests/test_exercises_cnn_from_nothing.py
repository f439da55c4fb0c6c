"""The checkers of chapter 13 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convlib import exercises, layers, oracles


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


# --- the gradient of the cross-entropy ----------------------------------------------------------------------


def stable_softmax(logits, axis=1):
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def by_rows(logits, labels):
    p = stable_softmax(logits)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


def by_one_hot(logits, labels):
    return (stable_softmax(logits) - np.eye(logits.shape[1])[labels]) / len(labels)


def by_loops(logits, labels):
    grad = np.zeros(logits.shape)
    for n in range(logits.shape[0]):
        for c in range(logits.shape[1]):
            p = 1 / sum(np.exp(np.minimum(z - logits[n, c], 700)) for z in logits[n].astype(float))
            grad[n, c] = (p - (labels[n] == c)) / len(labels)
    return grad


def by_log_softmax(logits, labels):
    highest = logits.max(axis=1, keepdims=True)
    log_p = logits - highest - np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
    return (np.exp(log_p) - np.eye(logits.shape[1])[labels]) / len(labels)


def by_autograd(logits, labels):
    leaf = torch.tensor(logits, requires_grad=True)
    F.cross_entropy(leaf, torch.tensor(labels)).backward()
    return leaf.grad


RIGHT_CROSS_ENTROPY = {
    "rows": by_rows,
    "one-hot": by_one_hot,
    "loops": by_loops,
    "log softmax": by_log_softmax,
    "autograd": by_autograd,
    "convlib": lambda logits, labels: layers.cross_entropy(logits, labels)[1],
}


@pytest.mark.parametrize("answer", RIGHT_CROSS_ENTROPY.values(), ids=RIGHT_CROSS_ENTROPY)
def test_cross_entropy_gradient_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("cross-entropy-gradient", answer)
    assert repr(verdict) == "cross-entropy-gradient: right - 8 cases agree with the definition"


def naive(logits, labels, divide=True):
    with np.errstate(all="ignore"):
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels) if divide else p


def softmax_along(axis):
    def answer(logits, labels):
        p = stable_softmax(logits, axis)
        p[np.arange(len(labels)), labels] -= 1
        return p / len(labels)

    return answer


def every_label_everywhere(logits, labels):
    p = stable_softmax(logits)
    p[:, labels] -= 1
    return p / len(labels)


def at_the_label_only(logits, labels):
    grad, p = np.zeros(logits.shape), stable_softmax(logits)
    for n, t in enumerate(labels):
        grad[n, t] = (p[n, t] - 1) / len(labels)
    return grad


def losses(logits, labels):
    return np.array([layers.cross_entropy(z[None], t[None])[0] for z, t in zip(logits, labels, strict=True)])


WRONG_CROSS_ENTROPY = [
    (naive, "e to the power of a large logit is infinite"),
    (lambda *case: naive(*case, divide=False), "and large logits overflow"),
    (lambda *case: by_rows(*case) * len(case[1]), "gradient of the sum over the batch"),
    (lambda *case: by_rows(*case) * len(case[1]) / case[0].shape[1], "divided by the number of classes"),
    (lambda *case: by_rows(*case) / case[0].shape[1], "divided by images and classes"),
    (lambda *case: -by_rows(*case), "the sign is turned"),
    (lambda logits, labels: stable_softmax(logits), "these are the probabilities: subtract 1"),
    (lambda logits, labels: stable_softmax(logits) / len(labels), "the probabilities, divided by N"),
    (
        lambda logits, labels: (logits - np.eye(logits.shape[1])[labels]) / len(labels),
        "the softmax is missing",
    ),
    (softmax_along(0), "the softmax runs down the batch"),
    (softmax_along((0, 1)), "the softmax runs over the whole batch"),
    (every_label_everywhere, "1 is subtracted in every row at every label"),
    (at_the_label_only, "only the label's entry is filled"),
    (lambda *case: losses(*case).mean(), "this is the loss itself"),
    (losses, "one number for each image"),
    (lambda logits, labels: np.zeros(logits.shape), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_CROSS_ENTROPY, ids=diagnosis_only)
def test_cross_entropy_gradient_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("cross-entropy-gradient", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_the_case_from_the_chapter_is_the_first_one_shown():
    verdict = exercises.check("cross-entropy-gradient", lambda *case: -by_rows(*case))
    assert repr(verdict) == (
        "cross-entropy-gradient: not yet - the sign is turned: it is p - y, what was said minus what is "
        "true\n"
        "  for logits [[0.6931, 0, 0]] and labels [1]: "
        "expected [[0.5, -0.75, 0.25]], got [[-0.5, 0.75, -0.25]]"
    )


def test_changing_the_logits_in_place_is_noticed():
    def in_place(logits, labels):
        logits -= logits.max(axis=1, keepdims=True)
        return by_rows(logits, labels)

    assert "changes its input" in str(exercises.check("cross-entropy-gradient", in_place))


# --- momentum -----------------------------------------------------------------------------------------------


def in_two_lines(w, gradients, lr, momentum):
    v = 0
    for g in gradients:
        v = momentum * v + g
        w = w - lr * v
    return w


def rate_in_the_velocity(w, gradients, lr, momentum):
    w, v = w.copy(), np.zeros_like(w)
    for g in gradients:
        v = momentum * v - lr * g
        w += v
    return w


def heavy_ball(w, gradients, lr, momentum):
    """Without a velocity: a part of the last change is made once more."""
    previous = w
    for g in gradients:
        w, previous = w - lr * g + momentum * (w - previous), w
    return w


def by_torch(w, gradients, lr, momentum):
    parameter = torch.tensor(w)
    optimizer = torch.optim.SGD([parameter], lr, momentum)
    for g in gradients:
        parameter.grad = torch.tensor(g)
        optimizer.step()
    return parameter


def by_layers(w, gradients, lr, momentum):
    model = layers.Linear(1, w.size, bias=False, rng=0, dtype=w.dtype)
    model.parameters["weight"][:, 0] = w.ravel()
    optimizer = layers.SGD(model, lr, momentum)
    for g in gradients:
        model.gradients = {"weight": g.reshape(-1, 1)}
        optimizer.step()
    return model.parameters["weight"].reshape(w.shape)


RIGHT_MOMENTUM = {
    "two lines": in_two_lines,
    "rate in the velocity": rate_in_the_velocity,
    "heavy ball": heavy_ball,
    "torch": by_torch,
    "convlib": by_layers,
}


@pytest.mark.parametrize("answer", RIGHT_MOMENTUM.values(), ids=RIGHT_MOMENTUM)
def test_momentum_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("momentum-steps", answer)
    assert repr(verdict) == "momentum-steps: right - 8 cases agree with the definition"


def with_velocity(rule, step=lambda v, g, lr, momentum: lr * v):
    def answer(w, gradients, lr, momentum):
        v = np.zeros_like(w)
        for g in gradients:
            v = rule(v, g, momentum)
            w = w - step(v, g, lr, momentum)
        return w

    return answer


def right_velocity(v, g, momentum):
    return momentum * v + g


def parameter_first(w, gradients, lr, momentum):
    v = np.zeros_like(w)
    for g in gradients:
        w = w - lr * v
        v = momentum * v + g
    return w


WRONG_MOMENTUM = [
    (with_velocity(lambda v, g, momentum: g), "the momentum is ignored"),
    (with_velocity(right_velocity, lambda v, g, lr, momentum: -lr * v), "the sign is turned"),
    (with_velocity(right_velocity, lambda v, g, lr, momentum: v), "the learning rate is forgotten"),
    (
        with_velocity(lambda v, g, momentum: momentum * v + (1 - momentum) * g),
        "the velocity is an average",
    ),
    (with_velocity(lambda v, g, momentum: v + g), "the velocity forgets nothing"),
    (
        with_velocity(lambda v, g, momentum: momentum * (v + g)),
        "the momentum multiplies the gradient as well",
    ),
    (with_velocity(lambda v, g, momentum: v + momentum * g), "it belongs to the old velocity"),
    (parameter_first, "the last gradient is left out: the velocity takes it in before"),
    (
        with_velocity(right_velocity, lambda v, g, lr, momentum: lr * (g + momentum * v)),
        "that is Nesterov's momentum",
    ),
    (with_velocity(right_velocity, lambda v, g, lr, momentum: lr * lr * v), "applied twice"),
    (lambda w, gradients, *rest: in_two_lines(w, gradients[:1], *rest), "only the first step is made"),
    (lambda w, gradients, *rest: in_two_lines(w, gradients[:-1], *rest), "the last gradient is left out"),
    (lambda w, *rest: in_two_lines(w, *rest) - w, "that is the change: add it to w"),
    (lambda w, *rest: np.zeros_like(w), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_MOMENTUM, ids=diagnosis_only)
def test_momentum_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("momentum-steps", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_the_numbers_of_the_chapter_are_the_first_case():
    verdict = exercises.check("momentum-steps", with_velocity(lambda v, g, momentum: g))
    assert "for w [1], gradients [[1], [0.9]], lr 0.1 and momentum 0.9: expected [0.72], got [0.81]" in repr(
        verdict
    )


# --- backpropagation ----------------------------------------------------------------------------------------


def backward(x, w1, w2, labels):
    a = x @ w1.T
    g = by_rows(np.maximum(a, 0) @ w2.T, labels) @ w2
    g[a <= 0] = 0
    return g.T @ x


def image_by_image(x, w1, w2, labels):
    total = np.zeros_like(w1)
    for image, label in zip(x, labels, strict=True):
        a = w1 @ image
        p = stable_softmax((w2 @ np.maximum(a, 0))[None])[0]
        p[label] -= 1
        total += np.outer((a > 0) * (w2.T @ p), image)
    return total / len(x)


def by_einsum(x, w1, w2, labels):
    a = np.einsum("nd,md->nm", x, w1)
    g = by_rows(np.einsum("nm,cm->nc", a * (a > 0), w2), labels)
    return np.einsum("nc,cm,nm,nd->md", g, w2, (a > 0).astype(float), x)


def by_torch_autograd(x, w1, w2, labels):
    weight = torch.tensor(w1, requires_grad=True)
    z = F.relu(torch.tensor(x) @ weight.T) @ torch.tensor(w2).T
    F.cross_entropy(z, torch.tensor(labels)).backward()
    return weight.grad


def by_layers_of_convlib(x, w1, w2, labels):
    first, second = (layers.Linear(*w.shape[::-1], bias=False, rng=0, dtype=w.dtype) for w in (w1, w2))
    first.parameters["weight"][...], second.parameters["weight"][...] = w1, w2
    model = layers.Sequential(first, layers.ReLU(), second)
    model.backward(layers.cross_entropy(model(x), labels)[1])
    return first.gradients["weight"]


RIGHT_BACKPROPAGATION = {
    "matrices": backward,
    "image by image": image_by_image,
    "einsum": by_einsum,
    "autograd": by_torch_autograd,
    "convlib": by_layers_of_convlib,
}


@pytest.mark.parametrize("answer", RIGHT_BACKPROPAGATION.values(), ids=RIGHT_BACKPROPAGATION)
def test_backpropagation_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("backpropagation", answer)
    assert repr(verdict) == "backpropagation: right - 7 cases agree with the definition"


def test_the_definition_is_the_slope_of_the_loss():
    exercise = exercises.checker.EXERCISES["backpropagation"]
    for x, w1, w2, labels in exercise.cases[1:]:

        def loss(weight, x=x, w2=w2, labels=labels):
            return layers.cross_entropy(np.maximum(x @ weight.T, 0) @ w2.T, labels)[0]

        slopes = oracles.finite_difference(loss, w1)
        assert np.abs(exercise.reference(x, w1, w2, labels) - slopes).max() < 1e-6


def steps_back(*, mask=True, first=by_rows, relu=True, send=None):
    """The right lines with some of them left out or another."""

    def answer(x, w1, w2, labels):
        a = x @ w1.T
        h = np.maximum(a, 0) if relu else a
        g = first(h @ w2.T, labels)
        g = send(g, w2) if send else g @ w2
        if mask:
            g = g * (a > 0)
        return g.T @ x

    return answer


def mask_of_the_gradient(x, w1, w2, labels):
    g = by_rows(np.maximum(x @ w1.T, 0) @ w2.T, labels) @ w2
    return np.maximum(g, 0).T @ x


def mask_turned(x, w1, w2, labels):
    a = x @ w1.T
    g = by_rows(np.maximum(a, 0) @ w2.T, labels) @ w2
    return np.where(a > 0, 0, g).T @ x


def times_h(x, w1, w2, labels):
    h = np.maximum(x @ w1.T, 0)
    return (h * (by_rows(h @ w2.T, labels) @ w2)).T @ x


def gradient_of_a(x, w1, w2, labels):
    a = x @ w1.T
    return (by_rows(np.maximum(a, 0) @ w2.T, labels) @ w2) * (a > 0)


def gradient_of_w2(x, w1, w2, labels):
    h = np.maximum(x @ w1.T, 0)
    return by_rows(h @ w2.T, labels).T @ h


def without_x(x, w1, w2, labels):
    return np.tile(gradient_of_a(x, w1, w2, labels).sum(axis=0)[:, None], (1, w1.shape[1]))


def turned_w2(g, w2):
    return g @ w2.T  # a crash shows this line: the diagnosis must not stand in it


def without_w2(g, w2):
    return np.tile(g.sum(axis=1)[:, None], (1, w2.shape[1]))


WRONG_BACKPROPAGATION = [
    (steps_back(mask=False), "the ReLU is forgotten on the way back"),
    (mask_of_the_gradient, "the ReLU looks at the gradient"),
    (mask_turned, "the ReLU is the wrong way round"),
    (times_h, "the gradient is multiplied by h"),
    (steps_back(mask=False, relu=False), "the ReLU is forgotten, forward and backward"),
    (steps_back(relu=False), "the ReLU is forgotten on the way forward"),
    (steps_back(send=without_w2), "w2 is left out on the way back"),
    (steps_back(send=turned_w2), "w2 is turned"),
    (steps_back(first=lambda *case: by_rows(*case) * len(case[1])), "the sum over the batch"),
    (steps_back(first=lambda *case: by_rows(*case) / len(case[1])), "divided by N twice"),
    (steps_back(first=lambda *case: -by_rows(*case)), "the sign is turned"),
    (steps_back(first=lambda z, labels: stable_softmax(z) / len(z)), "the label is not subtracted"),
    (
        steps_back(first=lambda z, labels: (z - np.eye(z.shape[1])[labels]) / len(z)),
        "the softmax is missing",
    ),
    (lambda *case: backward(*case).T, "it is transposed"),
    (gradient_of_w2, "that is the gradient of w2"),
    (lambda x, w1, *rest: gradient_of_a(x, w1, *rest) @ w1, "that is the gradient of the images"),
    (gradient_of_a, "that is the gradient of a, one for each image"),
    (without_x, "multiply the gradient of a by the input x"),
    (lambda x, w1, *rest: np.zeros_like(w1), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_BACKPROPAGATION, ids=diagnosis_only)
def test_backpropagation_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("backpropagation", answer)
    assert not verdict
    assert diagnosis in str(verdict)
