"""The checkers of chapter 11 accept every right answer and name what is wrong.

The answers are written as readers write them, apart from the functions of the checker itself.
"""

import numpy as np
import pytest
import torch

import convlib
from convlib import exercises


def diagnosis_only(parameter):
    return parameter if isinstance(parameter, str) else ""


@pytest.mark.parametrize("name", ["slope-kernel", "best-passes", "thin-lines"])
def test_a_stub_is_not_tried_yet(name):
    assert repr(exercises.check(name, lambda *case: ...)) == f"{name}: not tried yet"
    assert repr(exercises.check(name, lambda *case: None)) == f"{name}: not tried yet"


# --- a slope from an average --------------------------------------------------------------------------------


def slope_by_outer(average, axis):
    average = np.array(average, dtype=float)
    kernel = np.outer(average, [-1, 0, 1]) / (2 * average.sum())
    return kernel if axis == "x" else kernel.T


def slope_by_loops(average, axis):
    total = sum(average)
    kernel = [[-weight / total / 2, 0, weight / total / 2] for weight in average]
    return kernel if axis == "x" else [list(column) for column in zip(*kernel, strict=True)]


def slope_normalised_first(average, axis):
    column = (average / average.sum())[:, None] * np.array([[-0.5, 0, 0.5]])
    return column if axis == "x" else column.T


def slope_measured_on_a_ramp(average, axis):
    kernel = np.outer(average, [-1, 0, 1])
    kernel = kernel if axis == "x" else kernel.T
    down, right = np.indices(kernel.shape)
    return kernel / (kernel * (right if axis == "x" else down)).sum()


def slope_by_torch(average, axis):
    kernel = torch.outer(torch.tensor(average), torch.tensor([-0.5, 0, 0.5], dtype=torch.float64))
    kernel = kernel / torch.tensor(average).sum()
    return kernel if axis == "x" else kernel.T


RIGHT_SLOPE = {
    "outer product": slope_by_outer,
    "loops": slope_by_loops,
    "average first": slope_normalised_first,
    "ramp": slope_measured_on_a_ramp,
    "torch": slope_by_torch,
    "float32": lambda average, axis: slope_by_outer(average, axis).astype(np.float32),
}


@pytest.mark.parametrize("answer", RIGHT_SLOPE.values(), ids=RIGHT_SLOPE)
def test_slope_kernel_accepts_every_way_to_build(answer):
    verdict = exercises.check("slope-kernel", answer)
    assert repr(verdict) == "slope-kernel: right - 10 cases agree with the definition"


def slope_over(divisor, difference=(-1, 0, 1)):
    def answer(average, axis):
        kernel = np.outer(average, difference) / divisor(average)
        return kernel if axis == "x" else kernel.T

    return answer


WRONG_SLOPE = [
    (slope_over(lambda average: 1), "it is not divided"),
    (slope_over(lambda average: sum(average)), "a ramp of 1 a pixel gives 2"),
    (slope_over(lambda average: 2 * len(average)), "number of weights"),
    (slope_over(lambda average: 2 * sum(abs(average))), "absolute values"),
    (slope_over(lambda average: 2 * sum(average**2) ** 0.5), "root of the sum of squares"),
    (slope_over(lambda average: sum(average), (-1, 1)), "lies between two pixels"),
    (slope_over(lambda average: 2 * sum(average), (1, 0, -1)), "the sign is wrong"),
    (lambda average, axis: slope_by_outer(average, {"x": "y", "y": "x"}[axis]), "the axes are exchanged"),
    (lambda average, axis: slope_by_outer(average, "x"), "this is the kernel for x"),
    (lambda average, axis: slope_by_outer(average, "y"), "this is the kernel for y"),
    (
        lambda average, axis: np.rot90(slope_by_outer(average, "x"), 1 if axis == "y" else 0),
        "turned by a quarter",
    ),
    (lambda average, axis: 0 * slope_by_outer(average, axis), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_SLOPE, ids=diagnosis_only)
def test_slope_kernel_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("slope-kernel", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_a_slope_twice_as_large_is_shown_on_sobel():
    verdict = exercises.check("slope-kernel", WRONG_SLOPE[1][0])
    assert "for average [1, 2, 1] and axis 'x': expected [[-0.125, 0, 0.125]" in str(verdict)


# --- the best few passes ------------------------------------------------------------------------------------


def passes_by_slices(kernel, pairs):
    left, values, right = np.linalg.svd(kernel, full_matrices=False)
    return (left[:, :pairs] * values[:pairs]) @ right[:pairs]


def passes_by_adding(kernel, pairs):
    left, values, right = np.linalg.svd(kernel)
    return sum(values[a] * np.outer(left[:, a], right[a]) for a in range(pairs))


def passes_by_zeros(kernel, pairs):
    left, values, right = np.linalg.svd(kernel, full_matrices=False)
    values[pairs:] = 0
    return left @ np.diag(values) @ right


def passes_by_torch(kernel, pairs):
    left, values, right = torch.linalg.svd(torch.tensor(kernel), full_matrices=False)
    return left[:, :pairs] @ torch.diag(values[:pairs]) @ right[:pairs]


def passes_by_projection(kernel, pairs):
    """Onto the strongest eigenvectors of the kernel times its transpose."""
    _, axes = np.linalg.eigh(kernel @ kernel.T)
    strongest = axes[:, -pairs:]
    return strongest @ strongest.T @ kernel


def passes_by_taking_off(kernel, pairs):
    left_over = kernel.copy()
    for _ in range(pairs):
        left, values, right = np.linalg.svd(left_over)
        left_over -= values[0] * np.outer(left[:, 0], right[0])
    return kernel - left_over


RIGHT_PASSES = {
    "slices": passes_by_slices,
    "one by one": passes_by_adding,
    "zeros": passes_by_zeros,
    "torch": passes_by_torch,
    "projection": passes_by_projection,
    "taking off": passes_by_taking_off,
}


@pytest.mark.parametrize("answer", RIGHT_PASSES.values(), ids=RIGHT_PASSES)
def test_best_passes_accepts_every_way_to_find_them(answer):
    verdict = exercises.check("best-passes", answer)
    assert repr(verdict) == "best-passes: right - 10 cases agree with the definition"


def from_svd(rule):
    def answer(kernel, pairs):
        left, values, right = np.linalg.svd(kernel, full_matrices=False)
        return rule(left, np.diag(values), right, slice(pairs))

    return answer


def middle_lines(kernel, pairs):
    row, column = kernel.shape[0] // 2, kernel.shape[1] // 2
    return np.outer(kernel[:, column], kernel[row]) / kernel[row, column]


WRONG_PASSES = [
    (from_svd(lambda u, s, v, r: u[:, r] @ s[r, r] @ v[:, r].T), "used by columns"),
    (from_svd(lambda u, s, v, r: u[r].T @ s[r, r] @ v[r]), "used by rows"),
    (from_svd(lambda u, s, v, r: u[:, r] @ v[r]), "the singular values are missing"),
    (from_svd(lambda u, s, v, r: u[:, r] @ s[r, r] ** 0.5 @ v[r]), "both factors of a pair need one"),
    (from_svd(lambda u, s, v, r: u[:, r] @ s[r, r] @ s[r, r] @ v[r]), "used twice"),
    (
        from_svd(lambda u, s, v, r: u[:, -r.stop :] @ s[-r.stop :, -r.stop :] @ v[-r.stop :]),
        "the weakest pairs",
    ),
    (lambda kernel, pairs: kernel - passes_by_slices(kernel, pairs), "what the passes leave out"),
    (lambda kernel, pairs: passes_by_slices(kernel, 1), "only the first pair"),
    (
        lambda kernel, pairs: passes_by_slices(kernel, pairs) - passes_by_slices(kernel, pairs - 1),
        "number `pairs` alone",
    ),
    (lambda kernel, pairs: passes_by_slices(kernel, pairs + 1), "one pair too many"),
    (lambda kernel, pairs: kernel.copy(), "the kernel is unchanged"),
    (middle_lines, "right for rank 1 only"),
    (lambda kernel, pairs: np.zeros_like(kernel), "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_PASSES, ids=diagnosis_only)
def test_best_passes_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("best-passes", answer)
    assert not verdict
    assert diagnosis in str(verdict)


# --- thin lines ---------------------------------------------------------------------------------------------


def thin_with(steps=None, keeps=None, direction=None):
    """Loops, with what may go wrong in them."""
    table = steps or [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
    keeps = keeps or (lambda here, ahead, behind: here >= ahead and here >= behind)
    direction = direction or (lambda x, y: np.round(np.arctan2(y, x) / (np.pi / 4)))

    def answer(x, y):
        steep = np.sqrt(x**2 + y**2)
        thin = np.zeros(x.shape)
        number = direction(x, y).astype(int) % 8
        for i in range(1, x.shape[0] - 1):
            for j in range(1, x.shape[1] - 1):
                a, b = table[number[i, j]]
                if keeps(steep[i, j], steep[i + a, j + b], steep[i - a, j - b]):
                    thin[i, j] = steep[i, j]
        return thin

    return answer


def thin_without_loops(x, y):
    steep = np.hypot(x, y)
    around = np.pad(steep, 1)
    number = np.rint(np.arctan2(y, x) / (np.pi / 4)).astype(int) % 4
    keep = np.zeros(x.shape, dtype=bool)
    for n, (a, b) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        height, width = x.shape
        ahead = around[1 + a : 1 + a + height, 1 + b : 1 + b + width]
        behind = around[1 - a : 1 - a + height, 1 - b : 1 - b + width]
        keep |= (number == n) & (steep >= ahead) & (steep >= behind)
    keep[[0, -1]] = keep[:, [0, -1]] = False
    return steep * keep


def thin_by_the_ratio(x, y):
    """Without an angle: a slope is level, steep, or diagonal, by tan 22.5 degrees."""
    steep, tangent = np.hypot(x, y), np.tan(np.pi / 8)
    thin = np.zeros_like(steep)
    for i in range(1, len(x) - 1):
        for j in range(1, len(x[0]) - 1):
            b = 0 if abs(x[i, j]) < tangent * abs(y[i, j]) else int(np.sign(x[i, j]))
            a = 0 if abs(y[i, j]) < tangent * abs(x[i, j]) else int(np.sign(y[i, j]))
            thin[i, j] = steep[i, j] * (steep[i, j] >= max(steep[i + a, j + b], steep[i - a, j - b]))
    return thin


RIGHT_THIN = {
    "loops": thin_with(),
    "shifted arrays": thin_without_loops,
    "ratio": thin_by_the_ratio,
    "torch": lambda x, y: torch.tensor(thin_without_loops(x, y)),
    "opposite first": thin_with([(0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)]),
}


@pytest.mark.parametrize("answer", RIGHT_THIN.values(), ids=RIGHT_THIN)
def test_thin_lines_accepts_every_way_to_compare(answer):
    verdict = exercises.check("thin-lines", answer)
    assert repr(verdict) == "thin-lines: right - 12 cases agree with the definition"


def kept_at_the_border(x, y):
    steep, thin = np.hypot(x, y), thin_with()(x, y)
    inner = np.zeros(x.shape, dtype=bool)
    inner[1:-1, 1:-1] = True
    return np.where(inner, thin, steep)


def peaks(x, y):
    steep = np.hypot(x, y)
    peak = convlib.max_pool2d(steep[None], 3, 1, 1)[0] == steep
    peak[[0, -1]] = peak[:, [0, -1]] = False
    return steep * peak


COUNTED_UPWARDS = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
TURNED = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]
WRONG_THIN = [
    (thin_with(keeps=lambda here, ahead, behind: ahead < here > behind), "of two equal pixels both stay"),
    (thin_with(TURNED), "the neighbours along the edge"),
    (thin_with(COUNTED_UPWARDS), "the diagonals are exchanged"),
    (thin_with(direction=lambda x, y: np.round(np.arctan2(x, y) / (np.pi / 4))), "x and y are exchanged"),
    (
        thin_with(direction=lambda x, y: 2 * np.round(np.arctan2(y, x) / (np.pi / 2))),
        "the diagonal neighbours are missing",
    ),
    (thin_with(direction=lambda x, y: np.floor(np.arctan2(y, x) / (np.pi / 4))), "rounded down"),
    (thin_with(keeps=lambda here, ahead, behind: here >= ahead), "only the neighbour ahead"),
    (thin_with(keeps=lambda here, ahead, behind: here >= behind), "only the neighbour behind"),
    (
        thin_with(keeps=lambda here, ahead, behind: here >= ahead or here >= behind),
        "one of the two neighbours is enough",
    ),
    (kept_at_the_border, "the border is kept"),
    (peaks, "all eight neighbours are compared"),
    (lambda x, y: thin_with()(x, y) > 0, "this is a mask"),
    (lambda x, y: np.sqrt(x**2 + y**2), "nothing has become thin"),
    (lambda x, y: np.abs(x) * (thin_with()(x, y) > 0), "the slope along x"),
    (lambda x, y: (np.abs(x) + np.abs(y)) * (thin_with()(x, y) > 0), "the magnitude is x + y"),
    (lambda x, y: 0 * x, "every number is zero"),
]


@pytest.mark.parametrize("answer, diagnosis", WRONG_THIN, ids=diagnosis_only)
def test_thin_lines_names_the_mistake(answer, diagnosis):
    verdict = exercises.check("thin-lines", answer)
    assert not verdict
    assert diagnosis in str(verdict)


def test_the_thin_lines_of_a_photograph_are_nearly_those_of_the_package():
    """The package looks between two neighbours, the exercise rounds to one of them."""
    from convlib.edges import gradient, thin_edges
    from convlib.photographs import photograph

    x, y = gradient(photograph("chelsea", shrink=2).mean(axis=0))
    by_rounding, between = thin_with()(x, y) > 0.02, thin_edges(x, y) > 0.02
    assert (by_rounding == between).mean() > 0.9
    assert not (by_rounding == between).all()
