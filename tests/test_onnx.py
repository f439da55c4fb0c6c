# ruff: noqa: E501  (a call of an operator stands on one line)
"""ONNX's own operator tests, answered by convlib: which pass, and which cannot be asked."""

import re
import warnings
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import onnx
import onnx_judge
import pytest
from onnx.reference import ReferenceEvaluator
from onnx_judge import OPERATORS, Case, NotExpressible, cases, collect, judge, summary

import convlib

SLOPE = "antialias with cubic_coeff_a=-0.75: convlib's slope is -0.5 there"
SOFTCAP = "softcap: the scores before the softmax stay inside, so nothing can cap them"
SCORES = "qk_matmul_output_mode={}: the scores before the softmax stay inside"
BFLOAT16 = "NumPy has no bfloat16"

NOT_EXPRESSIBLE = {
    "test_resize_downsample_scales_cubic_antialias": SLOPE,
    "test_resize_downsample_sizes_cubic_antialias": SLOPE,
    "test_attention_3d_diff_heads_sizes_softcap": SOFTCAP,
    "test_attention_3d_gqa_softcap": SOFTCAP,
    "test_attention_3d_softcap": SOFTCAP,
    "test_attention_3d_with_past_and_present_qk_matmul_softcap": SOFTCAP,
    "test_attention_4d_diff_heads_sizes_softcap": SOFTCAP,
    "test_attention_4d_gqa_softcap": SOFTCAP,
    "test_attention_4d_softcap": SOFTCAP,
    "test_attention_4d_softcap_neginf_mask": SOFTCAP,
    "test_attention_4d_softcap_neginf_mask_poison": SOFTCAP,
    "test_attention_4d_with_qk_matmul_softcap": SOFTCAP,
    "test_attention_local_window_gqa_rank4_mask": SOFTCAP,
    "test_attention_3d_with_past_and_present_qk_matmul": SCORES.format(0),
    "test_attention_4d_with_past_and_present_qk_matmul": SCORES.format(0),
    "test_attention_4d_with_qk_matmul": SCORES.format(0),
    "test_attention_3d_with_past_and_present_qk_matmul_bias": SCORES.format(2),
    "test_attention_4d_with_past_and_present_qk_matmul_bias": SCORES.format(2),
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask": SCORES.format(2),
    "test_attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal": SCORES.format(2),
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask": SCORES.format(2),
    "test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal": SCORES.format(2),
    "test_attention_4d_with_qk_matmul_bias": SCORES.format(2),
}
WITHOUT_BFLOAT16 = {  # on arrays; tensors have it
    "test_attention_3d_causal_bf16",
    "test_attention_4d_attn_mask_causal_bf16",
    "test_attention_4d_causal_bf16",
    "test_attention_4d_causal_padded_kv_bf16",
    "test_attention_4d_padded_kv_bf16",
}

# Operators that sound like the course's, and why they are not judged.
ELSEWHERE = {
    "AffineGrid": "makes the grid for GridSample",
    "DeformConv": "its taps lie at places that are learned, between the pixels",
    "FlexAttention": "its arithmetic is given as a graph of its own",
    "GlobalLpPool": "ONNX has no test of it",
    "GridSample": "takes pixels at places that are given one by one",
    "LinearAttention": "attention without a softmax, as a recurrence",
    "MaxRoiPool": "ONNX has no test of it",
    "QLinearConv": "rounds to bytes between two scales",
    "RoiAlign": "averages within boxes that lie anywhere",
}

both = pytest.mark.parametrize("library", ["numpy", "torch"])


def named(name):
    (case,) = [case for case in cases() if case.name == name]
    return case


def single(test):
    """The operator of a model that is one call."""
    node, *more = test.model.graph.node
    return None if more else node.op_type


def asked(operator, *inputs, outputs=1, **attributes):
    """What ONNX's reference implementation answers."""
    names = [f"x{i}" if array is not None else "" for i, array in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = onnx.helper.make_node(operator, names, results, **attributes)
    given = {name: array for name, array in zip(names, inputs, strict=True) if name}
    return Case("asked", operator, attributes, list(inputs), ReferenceEvaluator(node).run(None, given))


# --- the answers ------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("operator", OPERATORS)
def test_what_onnx_expects_comes_out_except_for_the_cases_that_are_listed(operator, library):
    mine = [case for case in cases() if case.operator == operator]
    listed = {case.name: NOT_EXPRESSIBLE[case.name] for case in mine if case.name in NOT_EXPRESSIBLE}
    if library == "numpy":
        listed |= {case.name: BFLOAT16 for case in mine if case.name in WITHOUT_BFLOAT16}
    refused, wrong = {}, {}
    for case in mine:
        try:
            judge(case, library)
        except NotExpressible as reason:
            refused[case.name] = str(reason)
        except AssertionError as difference:
            wrong[case.name] = str(difference)
    assert wrong == {}
    assert refused == listed


# --- where the tests are thin, the reference implementation is asked ----------------------------------------

random = np.random.default_rng(0)


def noise(*shape):
    return random.normal(size=shape).astype("float32")


def whole(*numbers):
    return np.array(numbers, "int64")


def scales(*factors):
    return np.array([1, 1, *factors], "float32")


# No test has a convolution with groups, with dilation or in other than two dimensions, nor the places of maxima
# in more than one map. Not asked, since the reference is wrong there or stops: places of maxima in volumes, maxima
# over SAME padding where the stride does not divide the size, GlobalMaxPool of other than images, transposed
# convolutions with groups and a bias or with an output_shape that crops.
ASKED = [
    partial(asked, "Conv", noise(2, 4, 11), noise(6, 2, 3), noise(6), group=2, dilations=[2], strides=[2], pads=[2, 1]),
    partial(asked, "Conv", noise(1, 2, 5, 6, 7), noise(3, 2, 2, 3, 2), noise(3), strides=[1, 2, 1], pads=[1, 0, 1, 0, 1, 0]),
    partial(asked, "Conv", noise(1, 2, 5, 6, 7), noise(3, 2, 2, 3, 2), noise(3), strides=[1, 2, 1], pads=[1, 1, 0, 1, 1, 0]),
    partial(asked, "Conv", noise(2, 2, 8, 7), noise(2, 2, 3, 2), auto_pad="SAME_UPPER", dilations=[2, 1]),
    partial(asked, "Conv", noise(2, 2, 8, 7), noise(2, 2, 4, 2), auto_pad="SAME_LOWER"),
    partial(asked, "Conv", noise(2, 2, 8, 7), noise(2, 2, 4, 2), auto_pad="VALID", strides=[2, 1]),
    partial(asked, "ConvTranspose", noise(1, 2, 3, 4), noise(2, 3, 2, 3), noise(3), auto_pad="SAME_UPPER", strides=[1, 2]),
    partial(asked, "ConvTranspose", noise(1, 2, 3, 4), noise(2, 3, 2, 3), noise(3), auto_pad="SAME_LOWER", strides=[1, 2]),
    partial(asked, "ConvTranspose", noise(1, 2, 3, 4), noise(2, 3, 2, 3), noise(3), dilations=[1, 2], pads=[1, 1, 1, 1], strides=[3, 2]),
    partial(asked, "ConvTranspose", noise(1, 2, 3, 4, 3), noise(2, 3, 2, 3, 2), noise(3), pads=[1, 0, 0, 1, 0, 0], strides=[2, 1, 2]),
    *[
        partial(asked, "MaxPool", noise(2, 3, 6, 7), outputs=2, kernel_shape=[3, 2], pads=pads, storage_order=order, strides=[2, 1])
        for pads in ([1, 0, 1, 1], [1, 1, 1, 1]) for order in (0, 1)
    ],
    partial(asked, "MaxPool", noise(2, 3, 9), outputs=2, kernel_shape=[3], pads=[1, 1], strides=[2]),
    partial(asked, "MaxPool", noise(2, 3, 9), outputs=2, dilations=[2], kernel_shape=[3], pads=[2, 0], strides=[2]),
    partial(asked, "MaxPool", noise(1, 3, 9, 8), ceil_mode=1, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[3, 2]),
    partial(asked, "MaxPool", noise(1, 3, 9, 8), ceil_mode=1, kernel_shape=[3, 3], pads=[0, 1, 1, 1], strides=[3, 2]),
    partial(asked, "MaxUnpool", noise(2, 2, 3), whole([[1, 2, 5], [6, 8, 11]], [[12, 15, 16], [18, 21, 23]]), kernel_shape=[2], strides=[2]),
    *[
        partial(asked, "AveragePool", noise(2, 3, 7, 6), ceil_mode=ceil, count_include_pad=include, **window)
        for ceil in (0, 1) for include in (0, 1) for window in (
            {"kernel_shape": [3, 2], "pads": [1, 0, 0, 1], "strides": [2, 2]},
            {"kernel_shape": [3, 2], "pads": [1, 1, 1, 1], "strides": [2, 3]},
            {"kernel_shape": [2, 2], "pads": [1, 1, 0, 1], "strides": [2, 2], "dilations": [2, 3]},
        )
    ],
    partial(asked, "AveragePool", noise(2, 3, 8), ceil_mode=1, count_include_pad=1, kernel_shape=[3], pads=[1, 1], strides=[2]),
    partial(asked, "AveragePool", noise(2, 3, 11), kernel_shape=[3], pads=[1, 0], strides=[2]),
    partial(asked, "LpPool", noise(2, 3, 7, 6), kernel_shape=[3, 2], p=3, pads=[1, 0, 0, 1], strides=[2, 2]),
    partial(asked, "LpPool", noise(2, 3, 7, 6), dilations=[2, 2], kernel_shape=[3, 2], p=3, pads=[1, 0, 0, 1]),
    partial(asked, "LpPool", noise(2, 3, 8, 6), ceil_mode=1, kernel_shape=[3, 2], p=1, strides=[2, 2]),
    partial(asked, "GlobalAveragePool", noise(2, 3, 5)),
    partial(asked, "GlobalAveragePool", noise(2, 3, 2, 3, 4)),
    *[
        partial(asked, "Resize", noise(1, 2, 6, 5), None, scales(*factors), coordinate_transformation_mode=places, **mode)
        for factors in ((1.5, 0.75), (2, 3), (0.5, 1.25))
        for places in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
        for mode in (
            {"mode": "linear"},
            {"mode": "cubic"},
            {"mode": "nearest", "nearest_mode": "round_prefer_floor"},
            {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
            {"mode": "nearest", "nearest_mode": "floor"},
            {"mode": "nearest", "nearest_mode": "ceil"},
        )
    ],
    partial(asked, "Resize", noise(1, 2, 6), None, scales(1.5), mode="linear"),
    partial(asked, "Resize", noise(1, 2, 3, 4, 5), None, scales(2, 1.5, 0.6), mode="linear"),
    *[
        partial(asked, "Resize", noise(1, 2, 8, 8), None, scales(*factors), antialias=1, exclude_outside=exclude, **mode)
        for factors in ((0.5, 0.75), (2, 0.6)) for exclude in (0, 1)
        for mode in ({"mode": "linear"}, {"mode": "cubic", "cubic_coeff_a": -0.5})
    ],
    partial(asked, "Resize", noise(1, 2, 8, 8), None, scales(1.5, 2), cubic_coeff_a=-0.5, exclude_outside=1, mode="cubic"),
    partial(
        asked, "Resize", noise(1, 2, 6, 6), np.array([0, 0, -0.2, 0.1, 1, 1, 0.8, 1.4], "float32"), None, whole(1, 2, 4, 5),
        coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=7.0, mode="linear",
    ),
    *[
        partial(asked, "Pad", noise(2, 2, 3, 4, 5), whole(0, 0, 2, 1, 0, 0, 0, 1, 2, 1), mode=mode)
        for mode in ("reflect", "edge", "wrap")
    ],
    partial(asked, "CenterCropPad", noise(3, 4, 6), whole(5, 3, 7)),
    partial(asked, "Col2Im", noise(2, 12, 15), whole(4, 5), whole(2, 3), pads=[1, 0, 1, 0]),
    partial(asked, "Col2Im", noise(2, 16, 12), whole(3, 4, 5), whole(2, 2, 2), strides=[1, 1, 2]),
    *[
        partial(asked, "Attention", noise(1, 2, 3, 4), noise(1, 2, 5, 4), noise(1, 2, 5, 6), mask)
        for mask in (noise(3, 2), noise(3, 2) > -1)
    ],
    partial(
        asked, "Attention", noise(2, 4, 5, 8), noise(2, 2, 6, 8), noise(2, 2, 6, 3), None, noise(2, 2, 2, 8), noise(2, 2, 2, 3),
        outputs=4, left_window_size=1, qk_matmul_output_mode=3, right_window_size=2,
    ),
]  # fmt: skip


@both
@pytest.mark.parametrize("ask", ASKED, ids=[f"{i} {ask.args[0]}" for i, ask in enumerate(ASKED)])
def test_the_reference_implementation_gives_the_same_answer(ask, library):
    judge(ask(), library)


def test_every_slope_but_one_half_is_refused_with_exclude_outside():
    case = asked("Resize", noise(1, 2, 8, 8), None, scales(1.5, 2), exclude_outside=1, mode="cubic")
    with pytest.raises(
        NotExpressible, match=r"exclude_outside with cubic_coeff_a=-0\.75: convlib's slope is"
    ):
        judge(case)


# --- nothing is left out ----------------------------------------------------------------------------------


def test_every_list_names_cases_that_exist():
    names = {case.name for case in cases()}
    assert len(names) == len(cases())
    assert {*NOT_EXPRESSIBLE, *WITHOUT_BFLOAT16, *onnx_judge.COARSE} <= names
    assert {c.name for c in cases() if c.inputs[0].dtype.name == "bfloat16"} == WITHOUT_BFLOAT16


def test_every_call_that_onnx_tests_is_judged():
    calls = Counter(single(test) for test in collect())
    assert {operator: calls[operator] for operator in OPERATORS} == Counter(c.operator for c in cases())


def test_the_other_models_with_these_operators_hold_the_numbers_of_a_single_call():
    """They are the expansions of an operator into simpler ones."""
    calls = {test.name: test for test in collect() if single(test)}
    judged = {case.name for case in cases()}
    expansions = [test for test in collect() if not single(test)]
    repeated = set()
    for test in expansions:
        name = test.name.split("_expanded")[0]
        if name not in judged and not OPERATORS.keys() & {node.op_type for node in test.model.graph.node}:
            continue
        for again, arrays in zip(test.data_sets[0], calls[name].data_sets[0], strict=True):
            assert [(a.dtype, a.shape, a.tobytes()) for a in again] == [
                (a.dtype, a.shape, a.tobytes()) for a in arrays
            ]
        repeated.add(name)
    assert {case.name for case in cases() if case.operator == "CenterCropPad"} <= repeated


def test_every_operator_of_onnx_that_sounds_like_the_course_is_judged_or_named():
    words = "conv|pool|pad$|resize|sample|col2im|depth|space|roi|grid|attention"
    ours = re.compile(words, re.IGNORECASE)
    sounding = {schema.name for schema in onnx.defs.get_all_schemas() if ours.search(schema.name)}
    assert sounding == OPERATORS.keys() | ELSEWHERE.keys()
    assert not OPERATORS.keys() & ELSEWHERE.keys()


def test_what_is_said_to_have_no_test_has_none():
    calls = Counter(single(test) for test in collect())
    untested = {name for name, reason in ELSEWHERE.items() if reason == "ONNX has no test of it"}
    assert untested == {name for name in ELSEWHERE if not calls[name]}


# --- the reasons are true ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("name", [name for name, reason in NOT_EXPRESSIBLE.items() if reason == SLOPE])
def test_the_slope_of_the_cubic_kernel_is_all_that_differs(name, library):
    case = named(name)
    same_slope = replace(case, attributes={**case.attributes, "cubic_coeff_a": -0.5})
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        judge(same_slope, library)
    judge(asked(case.operator, *case.inputs, **same_slope.attributes), library)


@both
@pytest.mark.parametrize("name", [name for name, reason in NOT_EXPRESSIBLE.items() if reason == SOFTCAP])
def test_a_soft_cap_changes_the_answer(name, library):
    case = named(name)
    attributes = {key: value for key, value in case.attributes.items() if key != "softcap"}
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        judge(replace(case, attributes=attributes, outputs=case.outputs[:1]), library)


@both
@pytest.mark.parametrize("name", [name for name, why in NOT_EXPRESSIBLE.items() if why.startswith("qk_")])
def test_what_attention_hands_out_is_right_where_the_scores_are_asked_for_as_well(name, library):
    case = named(name)
    assert len(case.outputs) == 4 and case.outputs[3] is not None
    judge(replace(case, outputs=case.outputs[:3]), library)


def test_arrays_of_bfloat16_are_refused_and_tensors_are_not():
    case = named("test_attention_4d_causal_bf16")
    with pytest.raises(TypeError, match="bfloat16"):
        convlib.scaled_dot_product_attention(*case.inputs, is_causal=True)
    judge(case, "torch")


# --- the judge sees what is wrong -------------------------------------------------------------------------


@both
def test_a_wrong_answer_is_told(library):
    case = named("test_basic_conv_without_padding")
    judge(case, library)
    (right,) = case.outputs
    off = right.copy()
    off[0, 0, 2, 2] *= 1 + 3e-5
    for wrong in (off, right.astype("float64"), right[0], right[:, :, :2]):
        with pytest.raises(AssertionError):
            judge(replace(case, outputs=[wrong]), library)
    with pytest.raises(AssertionError):
        judge(replace(case, outputs=[right, right]), library)


@both
def test_whole_numbers_have_to_be_equal(library):
    case = named("test_convinteger_with_padding")
    assert case.tolerance == 0
    with pytest.raises(AssertionError):
        judge(replace(case, outputs=[case.outputs[0] + 1]), library)


@both
def test_the_place_of_a_maximum_has_to_be_equal(library):
    case = named("test_maxpool_with_argmax_2d_precomputed_strides")
    largest, place = case.outputs
    assert place.dtype == np.int64
    judge(case, library)
    with pytest.raises(AssertionError):
        judge(replace(case, outputs=[largest, place + np.eye(2, dtype=int)]), library)
    with pytest.raises(AssertionError):  # in the other storage order
        judge(replace(case, attributes={**case.attributes, "storage_order": 0}), library)


def test_tensors_are_answered_by_tensors(monkeypatch):
    case = named("test_basic_conv_without_padding")
    monkeypatch.setitem(OPERATORS, "Conv", lambda x, w, **options: case.outputs[0])
    judge(case, "numpy")
    with pytest.raises(AssertionError):
        judge(case, "torch")


def test_tensors_of_bfloat16_are_answered_in_bfloat16(monkeypatch):
    case = named("test_attention_4d_causal_bf16")
    attention = OPERATORS["Attention"]
    monkeypatch.setitem(
        OPERATORS, "Attention", lambda *a, **options: (attention(*a, **options)[0].float(), None)
    )
    with pytest.raises(AssertionError):
        judge(case, "torch")
    monkeypatch.setitem(OPERATORS, "Attention", lambda *a, **options: attention(*a, **options)[0] * 1.05)
    with pytest.raises(AssertionError):
        judge(case, "torch")


# --- the table --------------------------------------------------------------------------------------------


@both
def test_the_summary_counts_every_case(library):
    rows = summary(library)
    assert [row[0] for row in rows] == list(OPERATORS)
    total = Counter(case.operator for case in cases())
    listed = {*NOT_EXPRESSIBLE, *(WITHOUT_BFLOAT16 if library == "numpy" else ())}
    unasked = Counter(case.operator for case in cases() if case.name in listed)
    for operator, count, expressible, passed, reasons in rows:
        assert count == total[operator] > 0
        assert passed == expressible == count - unasked[operator]
        assert sum(map(int, re.findall(r"(\d+) × ", reasons))) == unasked[operator]
    assert ("Resize", 39, 37, 37, f"2 × {SLOPE}") in rows


def test_the_summary_tells_what_fails(monkeypatch):
    monkeypatch.setitem(OPERATORS, "Upsample", lambda x, scales, mode: x)
    assert ("Upsample", 1, 1, 0, "") in summary()


def test_collecting_leaves_random_numbers_and_warnings_as_they_were(monkeypatch):
    def collect_testcases(op_type):
        np.random.seed(0)
        warnings.warn("noise", stacklevel=1)
        np.float32(3e38) * np.float32(2)
        return [op_type]

    monkeypatch.setattr(onnx_judge, "collect_testcases", collect_testcases)
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    assert collect.__wrapped__() == [None]
    assert np.random.random() == expected
