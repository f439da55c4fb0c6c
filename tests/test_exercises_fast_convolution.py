"""The checkers of chapter 15 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import convlib
from convlib import algorithms, exercises
from convlib.algorithms import winograd


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


@pytest.mark.parametrize("name", ["intensity", "conv-by-taps", "winograd-row", "rows-in-a-band"])
def test_a_stub_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *case: ...)) == f"{name}: not tried yet"
    assert repr(exercises.check(name, lambda *case: None)) == f"{name}: not tried yet"


# --- arithmetic intensity -----------------------------------------------------------------------------------


def by_formulas(c, o, k, side, groups, itemsize):
    weights = o * (c // groups) * k * k
    return weights * side * side / (itemsize * (c * side**2 + weights + o * side**2))


def by_shapes(c, o, k, side, groups, itemsize):
    work = convlib.conv_multiply_adds(c, o, (k, k), (side, side), groups)
    sizes = (side, side), (side, side)
    moved = convlib.conv_memory(c, o, (k, k), *sizes, groups, bias=False, itemsize=itemsize)
    return work / sum(moved)


def by_arrays(c, o, k, side, groups, itemsize):
    x, w, y = np.zeros((c, side, side)), np.zeros((o, c // groups, k, k)), np.zeros((o, side, side))
    return w.size * y[0].size / (itemsize * sum(one.size for one in (x, w, y)))


@pytest.mark.parametrize("answer", [by_formulas, by_shapes, by_arrays])
def test_intensity_accepts_every_way_to_count(answer):
    verdict = exercises.check("intensity", answer)
    assert repr(verdict) == "intensity: right - 10 cases agree with the definition"


def parts(c, o, k, side, groups):
    return o * c // groups * k * k, c * side * side, o * side * side


def two_for_each(c, o, k, side, groups, itemsize):
    return 2 * by_formulas(c, o, k, side, groups, itemsize)


def without_weights(c, o, k, side, groups, itemsize):
    weights, before, after = parts(c, o, k, side, groups)
    return weights * side**2 / (itemsize * (before + after))


def weights_only(c, o, k, side, groups, itemsize):
    return side**2 / itemsize


def full_weights(c, o, k, side, groups, itemsize):
    _, before, after = parts(c, o, k, side, groups)
    return o * c // groups * k * k * side**2 / (itemsize * (before + o * c * k * k + after))


def full_work(c, o, k, side, groups, itemsize):
    weights, before, after = parts(c, o, k, side, groups)
    return o * c * k * k * side**2 / (itemsize * (before + weights + after))


def input_only(c, o, k, side, groups, itemsize):
    weights, before, _ = parts(c, o, k, side, groups)
    return weights * side**2 / (itemsize * (before + weights))


def output_only(c, o, k, side, groups, itemsize):
    weights, _, after = parts(c, o, k, side, groups)
    return weights * side**2 / (itemsize * (after + weights))


def k_for_k_squared(c, o, k, side, groups, itemsize):
    weights, before, after = parts(c, o, k, side, groups)
    return weights // k * side**2 / (itemsize * (before + weights // k + after))


def with_columns(c, o, k, side, groups, itemsize):
    weights, before, after = parts(c, o, k, side, groups)
    return weights * side**2 / (itemsize * (before * k * k + weights + after))


WRONG_INTENSITY = [
    (two_for_each, "a multiply-add is counted as two here"),
    (without_weights, "the weights are left out of the bytes"),
    (weights_only, "the maps are left out of the bytes"),
    (
        lambda c, o, k, side, groups, itemsize: by_formulas(c, o, k, side, 1, itemsize),
        "the groups are ignored",
    ),
    (full_weights, "the weights are counted without their groups"),
    (full_work, "the multiply-adds are counted without the groups"),
    (lambda *case: by_formulas(*case) * case[-1], "these are multiply-adds for each number"),
    (lambda *case: by_formulas(*case) * case[-1] / 4, "a number takes itemsize bytes, not always 4"),
    (lambda *case: 1 / by_formulas(*case), "these are bytes for each multiply-add"),
    (input_only, "only the input is counted"),
    (output_only, "only the output is counted"),
    (k_for_k_squared, "a kernel has k * k taps, not k"),
    (with_columns, "the columns of im2col are counted"),
    (lambda *case: 0.0, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_INTENSITY, ids=diagnosis_only)
def test_intensity_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("intensity", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- a matrix product for each tap --------------------------------------------------------------------------


def in_pieces(x, weight):
    (c, h, w), (o, _, k, _) = x.shape, weight.shape
    output = np.zeros((o, (h - k + 1) * (w - k + 1)))
    for u in range(k):
        for v in range(k):
            output += weight[:, :, u, v] @ x[:, u : h - k + 1 + u, v : w - k + 1 + v].reshape(c, -1)
    return output.reshape(o, h - k + 1, w - k + 1)


def in_the_long_row(x, weight, row=None, cut=True):
    (c, h, w), (o, _, k, _) = x.shape, weight.shape
    long = np.concatenate([x.reshape(c, -1), np.zeros((c, w * k))], axis=1)
    length = (h - k + 1) * w
    total = 0
    for u, v in np.ndindex(k, k):
        start = u * (row or w) + v
        total = total + weight[:, :, u, v] @ long[:, start : start + length]
    total = total.reshape(o, h - k + 1, w)
    return total[..., : w - k + 1] if cut else total


def with_tensordot(x, weight):
    k = weight.shape[-1]
    high, wide = (n - k + 1 for n in x.shape[1:])
    moved = [x[:, u : u + high, v : v + wide] for u in range(k) for v in range(k)]
    taps = weight.reshape(*weight.shape[:2], -1)
    return sum(np.tensordot(taps[..., i], one, axes=1) for i, one in enumerate(moved))


RIGHT_TAPS = {
    "pieces": in_pieces,
    "the long row": in_the_long_row,
    "tensordot": with_tensordot,
    "the package": lambda x, weight: algorithms.conv2d(x, weight, algorithm="kn2row"),
    "torch": lambda x, weight: F.conv2d(torch.tensor(x), torch.tensor(weight)),
    "float32": lambda x, weight: in_pieces(x, weight).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_TAPS.values(), ids=RIGHT_TAPS)
def test_conv_by_taps_accepts_every_way(answer):
    verdict = exercises.check("conv-by-taps", answer)
    assert repr(verdict) == "conv-by-taps: right - 10 cases agree with the definition"


def output_steps(x, weight):
    (c, h, w), (o, _, k, _) = x.shape, weight.shape
    wide = w - k + 1
    long = np.concatenate([x.reshape(c, -1), np.zeros((c, w * k))], axis=1)
    length = (h - k + 1) * wide
    total = sum(weight[:, :, u, v] @ long[:, u * wide + v :][:, :length] for u, v in np.ndindex(k, k))
    return total.reshape(o, h - k + 1, wide)


def overwritten(x, weight):
    k = weight.shape[-1]
    for u, v in np.ndindex(k, k):
        moved = x[:, u : u + x.shape[1] - k + 1, v : v + x.shape[2] - k + 1]
        output = np.tensordot(weight[:, :, u, v], moved, axes=1)
    return output


def not_moved(x, weight):
    k = weight.shape[-1]
    corner = x[:, : x.shape[1] - k + 1, : x.shape[2] - k + 1]
    return sum(np.tensordot(weight[:, :, u, v], corner, axes=1) for u, v in np.ndindex(k, k))


WRONG_TAPS = [
    (lambda x, weight: in_pieces(x, weight[:, :, ::-1, ::-1]), "the kernel is flipped"),
    (lambda x, weight: in_pieces(x, weight.transpose(0, 1, 3, 2)), "u and v are exchanged"),
    (lambda x, weight: in_the_long_row(x, weight, cut=False), "the windows that hang over are still there"),
    (output_steps, "the moves count rows of the output"),
    (overwritten, "only the last tap is left"),
    (lambda x, weight: convlib.conv2d(x, weight, padding=weight.shape[-1] // 2), "there is padding"),
    (not_moved, "every tap meets the same pixels"),
    (lambda x, weight: in_pieces(x, weight) / weight.shape[-1] ** 2, "divided by the number of taps"),
    (lambda x, weight: in_pieces(x, weight)[None], "or one for a batch"),
    (lambda x, weight: in_pieces(x, weight).transpose(0, 2, 1), "of the result are exchanged"),
    (lambda x, weight: 0 * in_pieces(x, weight), "every number is zero"),
]  # fmt: skip


@pytest.mark.parametrize("answer, diagnosis", WRONG_TAPS, ids=diagnosis_only)
def test_conv_by_taps_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("conv-by-taps", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- F(2, 3) along a row ------------------------------------------------------------------------------------


def tile_by_tile(x, w, half=2.0, step=2, sign=1):
    outputs = []
    longer = np.concatenate([x, np.zeros(3 * len(x))])
    for t in range((len(x) - 1) // 2):
        x0, x1, x2, x3 = longer[step * t : step * t + 4]
        m1 = (x0 - x2) * w[0]
        m2 = (x1 + x2) * (w[0] + w[1] + w[2]) / half
        m3 = (x2 - x1) * (w[0] - w[1] + w[2]) / half
        m4 = (x3 - x1) * w[2]
        outputs += [m1 + m2 + m3, m2 - m3 + sign * m4]
    return np.array(outputs)


def right_row(x, w, **mistake):
    return tile_by_tile(x, w, **mistake)[: len(x) - 2]


def by_matrices(x, w):
    A, G, B = winograd.matrices(2, 3)
    padded = np.pad(x, (0, len(x) % 2))
    tiles = np.lib.stride_tricks.sliding_window_view(padded, 4)[::2]
    return (((tiles @ B.T) * (G @ w)) @ A.T).ravel()[: len(x) - 2]


RIGHT_ROW = {
    "tile by tile": right_row,
    "matrices": by_matrices,
    "NumPy": lambda x, w: np.correlate(x, w, "valid"),
    "torch": lambda x, w: F.conv1d(torch.tensor(x)[None, None], torch.tensor(w)[None, None])[0, 0],
    "float32": lambda x, w: right_row(x, w).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_ROW.values(), ids=RIGHT_ROW)
def test_winograd_row_accepts_every_way(answer):
    verdict = exercises.check("winograd-row", answer)
    assert repr(verdict) == "winograd-row: right - 10 cases agree with the definition"


def exchanged(x, w):
    outputs = tile_by_tile(x, w)
    outputs[0::2], outputs[1::2] = outputs[1::2].copy(), outputs[0::2].copy()
    return outputs[: len(x) - 2]


def one_after_the_other(x, w):
    outputs = tile_by_tile(x, w)
    return np.concatenate([outputs[0::2], outputs[1::2]])[: len(x) - 2]


WRONG_ROW = [
    (lambda x, w: right_row(x, w[::-1]), "the kernel is flipped"),
    (lambda x, w: right_row(x, w, half=1), "the halves are missing"),
    (lambda x, w: right_row(x, w, sign=-1), "the fourth product has the wrong sign"),
    (lambda x, w: right_row(x, w, sign=0), "the fourth product is missing"),
    (lambda x, w: right_row(x, w, step=4), "the tiles do not overlap"),
    (lambda x, w: right_row(x, w, step=1), "each tile begins one pixel after"),
    (tile_by_tile, "the last tile hangs over"),
    (lambda x, w: right_row(x, w)[: len(x) // 2 * 2 - 2], "the last output is missing"),
    (exchanged, "the two outputs of each tile are exchanged"),
    (one_after_the_other, "first come all first outputs"),
    (lambda x, w: np.correlate(x, w, "same"), "there is padding"),
    (lambda x, w: 0 * right_row(x, w), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_ROW, ids=diagnosis_only)
def test_winograd_row_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("winograd-row", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- a band that fits ---------------------------------------------------------------------------------------


def by_division(c, k, width, rows, cache, itemsize):
    return max(1, min(rows, cache // (c * k * k * width * itemsize)))


def by_trying(c, k, width, rows, cache, itemsize):
    band = 1
    while band < rows and (band + 1) * width * c * k * k * itemsize <= cache:
        band += 1
    return band


def clipped(c, k, width, rows, cache, itemsize):
    return np.clip(int(cache / (c * k**2 * width * itemsize)), 1, rows)


@pytest.mark.parametrize("answer", [by_division, by_trying, clipped])
def test_rows_in_a_band_accepts_every_way(answer):
    verdict = exercises.check("rows-in-a-band", answer)
    assert repr(verdict) == "rows-in-a-band: right - 9 cases agree with the definition"


def fitting(c, k, width, rows, cache, itemsize):
    return cache / (c * k * k * width * itemsize)


def kept(band, rows):
    return max(1, min(rows, band))


WRONG_BAND = [
    (lambda *case: min(case[3], int(fitting(*case))), "at least one row is needed"),
    (lambda *case: max(1, int(fitting(*case))), "there are only so many rows"),
    (lambda *case: int(fitting(*case)), "neither at least one row nor"),
    (lambda *case: kept(np.ceil(fitting(*case)), case[3]), "it is rounded up"),
    (lambda *case: kept(fitting(*case), case[3]), "it is not rounded"),
    (lambda c, k, *rest: by_division(c, 1, *rest), "the taps are missing"),
    (lambda c, k, w, rows, cache, i: by_division(1, 1, w * k, rows, cache, i * c), "not c * k"),
    (lambda c, *rest: by_division(1, *rest), "the channels are missing"),
    (lambda *case: by_division(*case[:-1], 1), "these are numbers"),
    (lambda *case: by_division(*case[:-1], 4), "a number takes itemsize bytes, not always 4"),
    (lambda c, k, w, *rest: by_division(c, k, 1, *rest), "these are columns of the matrix"),
    (lambda *case: 0, "every number is zero"),
]  # fmt: skip


@pytest.mark.parametrize("answer, diagnosis", WRONG_BAND, ids=diagnosis_only)
def test_rows_in_a_band_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("rows-in-a-band", answer)
    assert not verdict
    assert diagnosis in str(verdict)
