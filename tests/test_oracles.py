"""The judges are judged by sums written out by hand, by each other, and by known derivatives."""

import numpy as np
import pytest
from agreement import cases, ramp
from hypothesis import given, settings

from convlib.oracles import attention_loops, conv2d_loops, conv_loops, correlate2d_loops, finite_difference


def test_correlation_written_out():
    image, kernel = np.arange(9).reshape(3, 3), np.array([[1, 2], [3, 4]])
    output = correlate2d_loops(image, kernel)
    assert output.shape == (2, 2)
    assert output[0, 0] == 1 * 0 + 2 * 1 + 3 * 3 + 4 * 4
    assert output[0, 1] == 1 * 1 + 2 * 2 + 3 * 4 + 4 * 5
    assert output[1, 0] == 1 * 3 + 2 * 4 + 3 * 6 + 4 * 7
    assert output[1, 1] == 1 * 4 + 2 * 5 + 3 * 7 + 4 * 8


def test_every_option_of_the_seven_loops_written_out():
    image = ramp(1, 2, 3, 4)  # rows 1 2 3 4, 5 6 7 8, 9 10 11 12; the second channel goes on with 13
    kernels = np.array([[[[1.0, 10.0]]], [[[100.0, 1000.0]]]])
    bias = np.array([0.5, 0.25])
    output = conv2d_loops(image, kernels, bias, (2, 3), (1, 1), (1, 2), groups=2)
    assert output.shape == (1, 2, 3, 2)
    # rows -1, 1 and 3: only the second lies inside; columns -1 and 1, then 2 and 4
    assert output[0, 0, 0].tolist() == [0.5, 0.5]
    assert output[0, 0, 1].tolist() == [1 * 0 + 10 * 6 + 0.5, 1 * 7 + 10 * 0 + 0.5]
    assert output[0, 1, 1].tolist() == [100 * 0 + 1000 * 18 + 0.25, 100 * 19 + 1000 * 0 + 0.25]
    assert output[0, 1, 2].tolist() == [0.25, 0.25]


def test_uneven_padding_written_out():
    output = conv_loops(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]), padding=[(0, 2)])
    assert output.ravel().tolist() == [1 * 1 + 10 * 2, 1 * 2 + 10 * 3, 1 * 3 + 10 * 0, 1 * 0 + 10 * 0]


@settings(max_examples=25)
@given(cases(2, largest_kernel=3, room=2))
def test_the_loops_agree_with_each_other(case):
    groups = case.options["groups"]
    general = conv_loops(case.batch, case.weight, case.bias, case.stride, case.pads, case.dilation, groups)
    if all(before == after for before, after in case.pads):
        padding = tuple(before for before, _ in case.pads)
        seven = conv2d_loops(case.batch, case.weight, case.bias, case.stride, padding, case.dilation, groups)
        np.testing.assert_allclose(seven, general, atol=1e-12)
    plain = conv_loops(case.batch[:, :1], case.weight[:1, :1]) if fits(case) else None
    if plain is not None:
        for image, expected in zip(case.batch[:, 0], plain[:, 0], strict=True):
            np.testing.assert_allclose(correlate2d_loops(image, case.weight[0, 0]), expected, atol=1e-12)


def fits(case) -> bool:
    return all(n >= k for n, k in zip(case.input.shape[-2:], case.weight.shape[2:], strict=True))


def test_the_loops_in_three_axes_written_out():
    volume, kernel = ramp(1, 1, 2, 2, 2), ramp(1, 1, 2, 2, 2)
    assert conv_loops(volume, kernel).ravel() == sum(k * k for k in range(1, 9))


def test_attention_written_out():
    """Two queries and three keys, with the scores log 1, log 2, log 3, and twice those."""
    query, key = np.array([[1.0], [2.0]]), np.log([[1.0], [2.0], [3.0]])
    value = np.array([[1.0], [10.0], [100.0]])

    def answers(**options):
        return attention_loops(query, key, value, **options).ravel().tolist()

    full = [(1 * 1 + 2 * 10 + 3 * 100) / 6, (1 * 1 + 4 * 10 + 9 * 100) / 14]
    assert answers() == pytest.approx(full)
    assert answers(scale=-1) == pytest.approx(
        [(1 + 10 / 2 + 100 / 3) / (1 + 1 / 2 + 1 / 3), (1 + 10 / 4 + 100 / 9) / (1 + 1 / 4 + 1 / 9)]
    )
    assert answers(is_causal=True) == pytest.approx([1, (1 * 1 + 4 * 10) / 5])
    seen = np.array([[True, False, True], [False, False, False]])
    assert answers(attn_mask=seen) == pytest.approx([(1 * 1 + 3 * 100) / 4, 0])
    assert answers(attn_mask=np.log([5.0, 1, 1])) == pytest.approx([(5 + 20 + 300) / 10, (5 + 40 + 900) / 18])
    assert answers(dropout_factors=np.array([[2.0, 0, 0], [0, 2, 2]])) == pytest.approx(
        [2 * 1 / 6, (2 * 4 * 10 + 2 * 9 * 100) / 14]
    )


def test_grouped_attention_written_out():
    """Three query heads share one key, whose scores are all 0; the values have a head for each."""
    output = attention_loops(np.zeros((3, 1, 4)), np.ones((1, 2, 4)), ramp(3, 2, 1), enable_gqa=True)
    assert output.ravel().tolist() == [(1 + 2) / 2, (3 + 4) / 2, (5 + 6) / 2]
    output = attention_loops(np.zeros((4, 1, 1)), np.ones((2, 1, 1)), ramp(2, 1, 1), enable_gqa=True)
    assert output.ravel().tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("function", "derivative"),
    [(np.sin, np.cos), (np.exp, np.exp), (np.square, lambda x: 2 * x), (np.tanh, lambda x: np.cosh(x) ** -2)],
    ids=["sin", "exp", "square", "tanh"],
)  # fmt: skip
def test_finite_differences_find_known_derivatives(function, derivative):
    at = np.linspace(-2, 2, 6).reshape(2, 3)
    before = at.copy()
    found = finite_difference(lambda x: function(x).sum(), at)
    np.testing.assert_allclose(found, derivative(at), atol=1e-8)
    np.testing.assert_array_equal(at, before)


def test_finite_differences_of_a_product_hold_the_other_factors():
    found = finite_difference(np.prod, np.array([2.0, 3.0, 5.0]))
    np.testing.assert_allclose(found, [3 * 5, 2 * 5, 2 * 3], atol=1e-7)


def test_a_larger_step_is_a_larger_error():
    def error(step):
        return abs(finite_difference(lambda x: np.sin(x).sum(), np.array([1.0]), step)[0] - np.cos(1.0))

    assert error(0.1) > 100 * error(1e-3)


def test_the_oracles_use_nothing_of_convlib():
    import ast
    import inspect

    from convlib import oracles

    imported = [
        node.module or "" if isinstance(node, ast.ImportFrom) else name.name
        for node in ast.walk(ast.parse(inspect.getsource(oracles)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    ]
    assert {name.split(".")[0] for name in imported} == {
        "__future__",
        "collections",
        "itertools",
        "math",
        "typing",
        "numpy",
    }
