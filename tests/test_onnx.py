"""ONNX's own operator tests, answered by convlib: which pass, and which cannot be asked."""

import re
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import onnx_judge
import pytest
from onnx.reference import ReferenceEvaluator
from onnx_judge import OPERATORS, NotExpressible, cases, collect, judge, summary

SLOPE = "antialias with cubic_coeff_a=-0.75: convlib's slope is -0.5 there"

NOT_EXPRESSIBLE = {
    "test_resize_downsample_scales_cubic_antialias": SLOPE,
    "test_resize_downsample_sizes_cubic_antialias": SLOPE,
}

# Operators that sound like the course's, and why they are not judged.
ELSEWHERE = {
    "AffineGrid": "makes the grid for GridSample",
    "DeformConv": "its taps lie at places that are learned, between the pixels",
    "GlobalLpPool": "ONNX has no test of it",
    "GridSample": "takes pixels at places that are given one by one",
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


# --- the answers ------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("operator", OPERATORS)
def test_what_onnx_expects_comes_out_except_for_the_cases_that_are_listed(operator, library):
    mine = [case for case in cases() if case.operator == operator]
    listed = {case.name: NOT_EXPRESSIBLE[case.name] for case in mine if case.name in NOT_EXPRESSIBLE}
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


# --- nothing is left out ----------------------------------------------------------------------------------


def test_every_list_names_cases_that_exist():
    names = {case.name for case in cases()}
    assert len(names) == len(cases())
    assert {*NOT_EXPRESSIBLE, *onnx_judge.COARSE} <= names


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
    words = "conv|pool|pad$|resize|sample|col2im|depth|space|roi|grid"
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
    (model,) = [test.model for test in collect() if test.name == name]
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    changed.graph.node[0].attribute.append(onnx.helper.make_attribute("cubic_coeff_a", -0.5))
    names = [value.name for value in model.graph.input]
    given = [array for array in case.inputs if array is not None]
    outputs = ReferenceEvaluator(changed).run(None, dict(zip(names, given, strict=True)))
    judge(replace(same_slope, outputs=outputs), library)


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


# --- the table --------------------------------------------------------------------------------------------


@both
def test_the_summary_counts_every_case(library):
    rows = summary(library)
    assert [row[0] for row in rows] == list(OPERATORS)
    total = Counter(case.operator for case in cases())
    unasked = Counter(case.operator for case in cases() if case.name in NOT_EXPRESSIBLE)
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
