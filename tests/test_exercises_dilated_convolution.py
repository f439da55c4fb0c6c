"""The checkers of chapter 9 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


@pytest.mark.parametrize("name", ["dilate-kernel", "causal-conv", "holes"])
def test_a_stub_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *case: ...)) == f"{name}: not tried yet"
    assert repr(exercises.check(name, lambda *case: None)) == f"{name}: not tried yet"


# --- a kernel with holes ------------------------------------------------------------------------------------


def spread_by_slices(kernel, d):
    spread = np.zeros((d[0] * (kernel.shape[0] - 1) + 1, d[1] * (kernel.shape[1] - 1) + 1))
    spread[:: d[0], :: d[1]] = kernel
    return spread


def spread_by_loops(kernel, d):
    rows, columns = kernel.shape
    spread = [[0.0] * (d[1] * (columns - 1) + 1) for _ in range(d[0] * (rows - 1) + 1)]
    for u in range(rows):
        for v in range(columns):
            spread[u * d[0]][v * d[1]] = kernel[u][v]
    return spread


def spread_by_kronecker(kernel, d):
    corner = np.zeros(d)
    corner[0, 0] = 1
    spread = np.kron(kernel, corner)
    return spread[: spread.shape[0] - d[0] + 1, : spread.shape[1] - d[1] + 1]


def spread_by_inserting(kernel, d):
    rows = np.repeat(np.arange(1, kernel.shape[0]), d[0] - 1)
    columns = np.repeat(np.arange(1, kernel.shape[1]), d[1] - 1)
    return np.insert(np.insert(kernel, rows, 0, axis=0), columns, 0, axis=1)


def spread_by_transposed_convolution(kernel, d):
    one = torch.ones(1, 1, 1, 1, dtype=torch.tensor(kernel).dtype)
    return F.conv_transpose2d(torch.tensor(kernel)[None, None], one, stride=tuple(d))[0, 0]


def spread_by_asking_a_dot(kernel, d):
    """A dilated convolution of a dot gives the kernel with holes, turned."""
    height, width = (step * (k - 1) for step, k in zip(d, kernel.shape, strict=True))
    dot = np.zeros((1, 2 * height + 1, 2 * width + 1))
    dot[0, height, width] = 1
    return convlib.conv2d(dot, kernel[None, None].astype(float), dilation=d)[0, ::-1, ::-1]


RIGHT_SPREAD = {
    "slices": spread_by_slices,
    "loops": spread_by_loops,
    "Kronecker": spread_by_kronecker,
    "inserted zeros": spread_by_inserting,
    "transposed convolution": spread_by_transposed_convolution,
    "answer to a dot": spread_by_asking_a_dot,
    "float32": lambda kernel, d: spread_by_slices(kernel, d).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_SPREAD.values(), ids=RIGHT_SPREAD)
def test_dilate_kernel_accepts_every_way_to_spread(answer):
    verdict = exercises.check("dilate-kernel", answer)
    assert repr(verdict) == "dilate-kernel: right - 12 cases agree with the definition"


def spread_with_square_loops(kernel, d):
    spread = np.zeros_like(spread_by_slices(kernel, d))
    for u in range(kernel.shape[0]):
        for v in range(kernel.shape[0]):
            spread[u * d[0], v * d[1]] = kernel[u, v]
    if kernel.shape[0] < kernel.shape[1]:
        raise IndexError
    return spread


def repeated(kernel, d):
    return np.kron(kernel, np.ones(d))


def repeated_and_cut(kernel, d):
    height, width = spread_by_slices(kernel, d).shape
    return repeated(kernel, d)[:height, :width]


def as_large_as_the_product(kernel, d):
    spread = np.zeros((d[0] * kernel.shape[0], d[1] * kernel.shape[1]))
    spread[:: d[0], :: d[1]] = kernel
    return spread


def one_zero_too_many(kernel, d):
    return spread_by_slices(kernel, (d[0] + 1, d[1] + 1))


WRONG_SPREAD = [
    (as_large_as_the_product, "there are zeros behind the last tap too"),
    (one_zero_too_many, "d zeros stand between the taps"),
    (lambda kernel, d: spread_by_slices(kernel, (d[0], d[0])), "the first dilation is used for both axes"),
    (lambda kernel, d: spread_by_slices(kernel, (d[1], d[1])), "the second dilation is used for both axes"),
    (lambda kernel, d: spread_by_slices(kernel, d[::-1]), "the two dilations are exchanged"),
    (repeated, "the taps are repeated"),
    (repeated_and_cut, "the taps are repeated"),
    (lambda kernel, d: spread_by_slices(kernel, d)[::-1, ::-1], "the kernel is flipped"),
    (lambda kernel, d: spread_by_slices(kernel.T, d), "the kernel is transposed"),
    (lambda kernel, d: kernel[:: d[0], :: d[1]], "taps are left out"),
    (lambda kernel, d: kernel, "the kernel is unchanged"),
    (spread_with_square_loops, "it works for square kernels only"),
    (lambda kernel, d: 0 * spread_by_slices(kernel, d), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SPREAD, ids=diagnosis_only)
def test_dilate_kernel_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("dilate-kernel", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_the_size_is_named_where_zeros_stand_behind_the_last_tap():
    verdict = exercises.check("dilate-kernel", as_large_as_the_product)
    assert repr(verdict) == (
        "dilate-kernel: not yet - expected shape (3, 3), got (4, 4): there are zeros behind the last tap "
        "too: the size is d (k - 1) + 1, not d k\n"
        "  for kernel [[1, 2], [3, 4]] and d (2, 2)"
    )


# --- a causal convolution -----------------------------------------------------------------------------------


def causal_by_sums(x, w, d):
    output = []
    for t in range(len(x)):
        total = 0.0
        for u in range(len(w)):
            past = t - d * (len(w) - 1 - u)
            if past >= 0:
                total += w[u] * x[past]
        output.append(total)
    return output


def causal_by_slices(x, w, d):
    padded = np.concatenate([np.zeros(d * (len(w) - 1)), x])
    return sum(w[u] * padded[d * u : d * u + len(x)] for u in range(len(w)))


def causal_by_delays(x, w, d):
    output = np.zeros(len(x))
    for steps, weight in enumerate(w[::-1]):
        late = steps * d
        output[late:] += weight * x[: max(len(x) - late, 0)]
    return output


def causal_by_convolving(x, w, d):
    """The mathematician's convolution is causal by itself; it turns the kernel."""
    spread = np.zeros(d * (len(w) - 1) + 1)
    spread[::d] = w
    return np.convolve(x, spread[::-1])[: len(x)]


def causal_by_torch(x, w, d):
    sound, kernel = torch.tensor(x)[None, None], torch.tensor(w)[None, None]
    return F.conv1d(F.pad(sound, (d * (len(w) - 1), 0)), kernel, dilation=d)[0, 0]


def causal_by_cutting_off(x, w, d):
    past = d * (len(w) - 1)
    sound, kernel = torch.tensor(x)[None, None], torch.tensor(w)[None, None]
    return F.conv1d(sound, kernel, padding=past, dilation=d)[0, 0, : len(x)]


RIGHT_CAUSAL = {
    "sums": causal_by_sums,
    "slices": causal_by_slices,
    "delays": causal_by_delays,
    "np.convolve": causal_by_convolving,
    "torch": causal_by_torch,
    "padded on both sides and cut off": causal_by_cutting_off,
    "convlib": lambda x, w, d: convlib.conv1d(
        np.pad(x, (d * (len(w) - 1), 0))[None], w[None, None], None, 1, 0, d
    )[0],
    "float32": lambda x, w, d: causal_by_slices(x, w, d).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_CAUSAL.values(), ids=RIGHT_CAUSAL)
def test_causal_conv_accepts_every_way_to_compute_it(answer):
    verdict = exercises.check("causal-conv", answer)
    assert repr(verdict) == "causal-conv: right - 13 cases agree with the definition"


def padded_by(before, after):
    def answer(x, w, d):
        past = d * (len(w) - 1)
        padded = np.concatenate([np.zeros(before(past, d)), x, np.zeros(after(past, d))])
        count = len(padded) - past
        output = np.zeros(max(count, 0))
        for t in range(len(output)):
            for u in range(len(w)):
                output[t] += w[u] * padded[t + d * u]
        return output

    return answer


def first_sample_before_the_sound(x, w, d):
    padded = np.pad(x, (d * (len(w) - 1), 0), mode="edge")
    return sum(w[u] * padded[d * u : d * u + len(x)] for u in range(len(w)))


def begun_late(x, w, d):
    output = np.zeros(len(x))
    for t in range(d * (len(w) - 1), len(x)):
        output[t] = sum(w[u] * x[t - d * (len(w) - 1 - u)] for u in range(len(w)))
    return output


WRONG_CAUSAL = [
    (padded_by(lambda p, d: p // 2, lambda p, d: p - p // 2), "it looks into the future"),
    (padded_by(lambda p, d: 0, lambda p, d: p), "the padding is behind the sound"),
    (lambda x, w, d: causal_by_sums(x, w[::-1], d), "the kernel is flipped"),
    (lambda x, w, d: causal_by_sums(x, w, 1), "the dilation is ignored"),
    (lambda x, w, d: [0.0, *causal_by_sums(x, w, d)[:-1]], "the present is left out"),
    (padded_by(lambda p, d: 0, lambda p, d: 0), "the padding is missing"),
    (padded_by(lambda p, d: p, lambda p, d: p), "there is padding on both sides"),
    (lambda x, w, d: causal_by_sums(x, w, 1)[::d], "that is a stride"),
    (padded_by(lambda p, d: p + d, lambda p, d: 0), "d k zeros are padded"),
    (first_sample_before_the_sound, "silence, not its first sample"),
    (begun_late, "the first outputs are missing"),
    (lambda x, w, d: 0 * x, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_CAUSAL, ids=diagnosis_only)
def test_causal_conv_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("causal-conv", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_look_into_the_future_is_shown_on_a_dot():
    verdict = exercises.check("causal-conv", WRONG_CAUSAL[1][0])
    assert str(verdict).splitlines()[1] == (
        "  for x [1, 2, 3, 4], w [10, 1] and d 1: expected [1, 12, 23, 34], got [12, 23, 34, 40]"
    )


# --- what falls through the sieve ---------------------------------------------------------------------------


def holes_by_sums(dilations, k):
    read = {sum(steps) for steps in itertools.product(*([tap * d for tap in range(k)] for d in dilations))}
    return (max(read) + 1) ** 2 - len(read) ** 2


def holes_by_gradient(dilations, k):
    size = sum(dilations) * (k - 1) + 1
    x = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    y = x
    for d in dilations:
        y = F.conv2d(y, torch.ones(1, 1, k, k, dtype=torch.float64), dilation=d)
    y.sum().backward()
    return (x.grad == 0).sum()


def holes_by_counting(dilations, k):
    counts = np.array(convlib.conv_path_counts(k, dilations))
    return (np.outer(counts, counts) == 0).sum()


def holes_by_convolving(dilations, k):
    seen = np.ones(1)
    for d in dilations:
        spread = np.zeros(d * (k - 1) + 1)
        spread[::d] = 1
        seen = np.convolve(seen, spread)
    return seen.size**2 - np.count_nonzero(seen) ** 2


RIGHT_HOLES = {
    "sums of steps": holes_by_sums,
    "gradient": holes_by_gradient,
    "path counts": holes_by_counting,
    "np.convolve": holes_by_convolving,
    "a float": lambda dilations, k: float(holes_by_sums(dilations, k)),
}


@pytest.mark.parametrize("answer", RIGHT_HOLES.values(), ids=RIGHT_HOLES)
def test_holes_accepts_every_way_to_count(answer):
    verdict = exercises.check("holes", answer)
    assert repr(verdict) == "holes: right - 14 cases agree with the definition"


def along(dilations, k):
    """The field along one axis, and how much of it is read."""
    read = {0}
    for d in dilations:
        read = {place + tap * d for place in read for tap in range(k)}
    return max(read) + 1, len(read)


def from_axis(rule):
    return lambda dilations, k: rule(*along(dilations, k))


def if_no_common_factor(dilations, k):
    factor = np.gcd.reduce(dilations)
    size = along(dilations, k)[0]
    return 0 if factor == 1 else size**2 - ((size - 1) // factor + 1) ** 2


WRONG_HOLES = [
    (from_axis(lambda size, read: size - read), "these are the holes along one axis"),
    (from_axis(lambda size, read: (size - read) ** 2), "the holes along one axis are squared"),
    (from_axis(lambda size, read: read**2), "these are the pixels that are read"),
    (from_axis(lambda size, read: size**2), "that is the whole receptive field"),
    (from_axis(lambda size, read: 1 - (read / size) ** 2), "that is the share"),
    (
        lambda dilations, k: along(dilations, k)[0] ** 2 - (len(dilations) * (k - 1) + 1) ** 2,
        "k pixels are counted for each layer",
    ),
    (
        lambda dilations, k: along(dilations, k)[0] ** 2 - (k ** len(dilations)) ** 2,
        "all ways are counted as pixels",
    ),
    (lambda dilations, k: holes_by_sums(dilations[-1:], k), "only one layer is looked at"),
    (if_no_common_factor, "common factors do not tell"),
    (lambda dilations, k: 0, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_HOLES, ids=diagnosis_only)
def test_holes_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("holes", answer)
    assert not verdict
    assert diagnosis in str(verdict)
