# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import inspect
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import assert_agree, ramp, tensor, zeros
from catalogue import assert_refused
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel

from convlib import multi_head_attention as multi_head
from convlib import multi_head_attention_backward as multi_head_backward
from convlib import scaled_dot_product_attention as attention
from convlib import scaled_dot_product_attention_backward as backward
from convlib.attention import MultiHeadGradients
from convlib.oracles import attention_loops, finite_difference, multi_head_attention_loops


def by_the_formula(*arguments, **options):
    """torch without its fused kernels."""
    with sdpa_kernel(SDPBackend.MATH):
        return F.scaled_dot_product_attention(*arguments, **options)


def backward_of(grad):
    """A function of all the other arguments."""
    return lambda *arguments, **options: backward(grad, *arguments, **options)


@dataclass
class Case:
    """An attention whose shapes fit."""

    arrays: tuple[np.ndarray, np.ndarray, np.ndarray]  # query, key, value
    options: dict[str, Any]
    weights_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    random: np.random.Generator

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return tuple(torch.tensor(array) for array in self.arrays)

    @property
    def tensor_options(self) -> dict[str, Any]:
        mask = self.options["attn_mask"]
        return {**self.options, "attn_mask": tensor(mask)}

    @property
    def inputs(self) -> tuple[np.ndarray, ...]:
        """All that has a gradient."""
        mask = self.options["attn_mask"]
        return self.arrays if mask is None or mask.dtype == bool else (*self.arrays, mask)

    def call(self, function, inputs, **options):
        """`function` of other numbers in the place of `inputs`."""
        given = dict(self.options)
        if len(inputs) == 4:
            given["attn_mask"] = inputs[3]
        elif isinstance(inputs[0], torch.Tensor):
            given["attn_mask"] = tensor(given["attn_mask"])
        return function(*inputs[:3], **{**given, **options})

    def grad(self) -> np.ndarray:
        return self.random.normal(size=self.output_shape)

    def astype(self, dtype) -> "Case":
        mask = self.options["attn_mask"]
        if mask is not None and mask.dtype != bool:
            mask = mask.astype(dtype)
        options = {**self.options, "attn_mask": mask}
        arrays = tuple(array.astype(dtype) for array in self.arrays)
        return Case(arrays, options, self.weights_shape, self.output_shape, self.random)


@st.composite
def cases(draw, largest: int = 4) -> Case:
    """Every option but dropout, in every combination that is allowed, with axes that are broadcast or missing."""
    grouped = draw(st.booleans())
    leading = tuple(draw(st.lists(st.integers(1, 2), max_size=2)))

    def some_of(shape):
        """A shape that broadcasts to this one."""
        kept = tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in shape)
        return kept[draw(st.integers(0, len(kept))) if draw(st.booleans()) else 0 :]

    length, tokens, features, wide = (draw(st.integers(1, largest)) for _ in range(4))
    q, k, v = (some_of(leading) for _ in range(3))
    compared = np.broadcast_shapes(q, k)
    output = np.broadcast_shapes(compared, v)
    if grouped:
        heads = draw(st.sampled_from([1, 2, 4, 6]))
        key_heads, value_heads = (
            draw(st.sampled_from([n for n in range(1, 7) if heads % n == 0])) for _ in range(2)
        )
        q, k, v = (*q, heads), (*k, key_heads), (*v, value_heads)
        compared, output = (*compared, heads), (*output, heads)
    weights = (*compared, length, tokens)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    options: dict[str, Any] = {
        "attn_mask": None,
        "is_causal": False,
        "scale": draw(st.sampled_from([None, None, 0.5, 2, -1.5, 0])),
        "enable_gqa": grouped,
    }
    kind = draw(st.sampled_from(["none", "causal", "bool", "float"]))
    if kind == "causal":
        options["is_causal"] = True
    elif kind != "none":
        allowed = np.asarray(random.random(some_of(weights)) < 0.7)  # some rows have no key at all
        numbers = np.where(allowed, random.normal(size=allowed.shape), -np.inf)
        options["attn_mask"] = allowed if kind == "bool" else numbers
    return Case(
        arrays=(
            random.normal(size=(*q, length, features)),
            random.normal(size=(*k, tokens, features)),
            random.normal(size=(*v, tokens, wide)),
        ),
        options=options,
        weights_shape=weights,
        output_shape=(*output, length, wide),
        random=random,
    )


# --- value, dtype, shape ----------------------------------------------------------------------------------

query = np.array([[1.0]])
key = np.log([[3.0], [1.0]])  # so the weights are 3/4 and 1/4
value = np.array([[10.0, 0.0], [20.0, 4.0]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [3 / 4 * 10 + 1 / 4 * 20, 3 / 4 * 0 + 1 / 4 * 4]),
        ({"scale": 2}, [9 / 10 * 10 + 1 / 10 * 20, 9 / 10 * 0 + 1 / 10 * 4]),
        ({"scale": -1}, [1 / 4 * 10 + 3 / 4 * 20, 1 / 4 * 0 + 3 / 4 * 4]),
        ({"scale": 0}, [(10 + 20) / 2, (0 + 4) / 2]),
        ({"is_causal": True}, [10, 0]),
        ({"attn_mask": np.array([False, True])}, [20, 4]),
        ({"attn_mask": np.array([False, False])}, [0, 0]),
        ({"attn_mask": np.log([1.0, 9.0])}, [3 / 12 * 10 + 9 / 12 * 20, 9 / 12 * 4]),
        ({"attn_mask": np.array(5.0)}, [12.5, 1]),
    ],
)
def test_known_answers(options, expected):
    np.testing.assert_allclose(attention(query, key, value, **options), [expected])
    options = {name: tensor(o) if isinstance(o, np.ndarray) else o for name, o in options.items()}
    for axes in ((), (1, 1)):  # the second is what torch has a kernel of its own for
        arrays = (tensor(array).expand(*axes, *array.shape) for array in (query, key, value))
        output = attention(*arrays, **options)
        np.testing.assert_allclose(output.reshape(1, 2), [expected])


def test_the_default_scale_is_one_over_the_root_of_the_features():
    four = (
        np.ones((1, 4)),
        np.log([[9.0] * 4, [1.0] * 4]) / 4,
        value,
    )  # scores log 9 / 2 = log 3, and log 1 / 2
    np.testing.assert_allclose(attention(*four), [[12.5, 1]])


def test_a_causal_query_counts_from_the_first_key_whatever_their_number():
    for length, tokens in ((2, 4), (4, 2), (3, 3)):
        arrays = np.zeros((length, 1)), np.zeros((tokens, 1)), ramp(tokens, 1)
        output = attention(*arrays, is_causal=True).ravel()
        np.testing.assert_allclose(output, [np.mean(ramp(tokens)[: i + 1]) for i in range(length)])


@settings(max_examples=200)
@given(cases())
def test_arrays_tensors_and_torch_agree(case):
    output = attention(*case.arrays, **case.options)
    assert output.shape == case.output_shape
    assert output.flags.c_contiguous and output.flags.writeable
    assert_agree(output, by_the_formula(*case.tensors, **case.tensor_options))
    twin = attention(*case.tensors, **case.tensor_options)
    assert isinstance(twin, torch.Tensor)
    assert_agree(twin, output)


@settings(max_examples=50)
@given(cases(largest=3))
def test_the_loops_agree(case):
    loops = attention_loops(*case.arrays, **case.options)
    assert_agree(attention(*case.arrays, **case.options), loops)


@settings(max_examples=150)
@given(cases())
def test_gradients_agree_with_autograd(case):
    grad = case.grad()
    leaves = tuple(torch.tensor(array, requires_grad=True) for array in case.inputs)
    case.call(by_the_formula, leaves).backward(tensor(grad))
    for make in (np.asarray, torch.tensor):
        inputs = tuple(make(array) for array in case.inputs)
        gradients = case.call(backward_of(make(grad)), inputs)
        assert isinstance(gradients, tuple)
        for gradient, leaf in zip(gradients, leaves, strict=True):
            assert type(gradient) is type(inputs[0])
            assert_agree(gradient, leaf.grad)
            assert make is torch.tensor or gradient.flags.c_contiguous


@settings(max_examples=30)
@given(cases(largest=3))
def test_gradients_agree_with_finite_differences(case):
    grad = case.grad()
    gradients = case.call(backward_of(grad), case.inputs)
    for place, gradient in enumerate(gradients):

        def loss(moved, place=place):
            inputs = (*case.inputs[:place], moved, *case.inputs[place + 1 :])
            return (grad * case.call(attention, inputs)).sum()

        with np.errstate(invalid="ignore"):
            numeric = finite_difference(loss, case.inputs[place])
        assert_agree(gradient, numeric, 1e-6)


def test_a_mask_has_a_gradient_exactly_when_it_holds_numbers():
    arrays = (ramp(1, 2), ramp(3, 2), ramp(3, 4))
    for make in (np.asarray, torch.tensor):
        grad, *three = (make(array) for array in (np.ones((1, 4)), *arrays))
        assert len(backward(grad, *three)) == 3
        assert len(backward(grad, *three, make(np.ones(3, bool)))) == 3
        *_, mask = backward(grad, *three, make(np.ones(3)))
        assert mask.shape == (3,)


def test_the_signature_is_torch_s_to_the_keyword():
    schema = torch.ops.aten.scaled_dot_product_attention.default._schema.arguments
    theirs = [
        (a.name, a.kwarg_only, a.default_value if a.has_default_value() else inspect.Parameter.empty)
        for a in schema
    ]
    for function, more in ((attention, 0), (backward, 1)):
        for signature in (inspect.signature(function), inspect.signature(function.__wrapped__)):
            ours = list(signature.parameters.values())[more:]
            assert [(p.name, p.kind is p.KEYWORD_ONLY, p.default) for p in ours] == theirs


# --- what fits and what does not --------------------------------------------------------------------------


@settings(max_examples=300)
@given(data=st.data())
def test_what_torch_refuses_is_refused_and_nothing_else(data):
    sizes = st.sampled_from([1, 2, 2, 2, 4])
    shapes = [tuple(data.draw(st.lists(sizes, min_size=1, max_size=4))) for _ in range(3)]
    if data.draw(st.booleans()):  # otherwise hardly any call would pass
        length, tokens, features, wide = (data.draw(sizes) for _ in range(4))
        q, k, v = (shape[:-2] for shape in shapes)
        shapes = [(*q, length, features), (*k, tokens, features), (*v, tokens, wide)]
    mask = data.draw(st.sampled_from([None, bool, float]))
    options = {"is_causal": data.draw(st.booleans()), "enable_gqa": data.draw(st.booleans())}
    arrays = [np.ones(shape) for shape in shapes]
    if mask is not None:
        arrays.append(np.ones(data.draw(st.lists(sizes, max_size=4)), mask))
    tensors = [tensor(array) for array in arrays]
    try:
        expected = by_the_formula(*tensors, **options)
    except (RuntimeError, IndexError):
        for given_arrays in (arrays, tensors):
            with pytest.raises(ValueError, match=r"^scaled_dot_product_attention: "):
                attention(*given_arrays, **options)
    else:
        assert_agree(attention(*arrays, **options), expected)
        assert_agree(attention(*tensors, **options), expected)


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"attn_mask": True}, {"attn_mask": False}, {"attn_mask": 0.5}]
)
@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (0,), (2, 0), (1, 2, 3)])
@pytest.mark.parametrize(
    ("length", "tokens", "features", "wide"),
    [(3, 4, 2, 5), (0, 4, 2, 5), (3, 0, 2, 5), (3, 4, 0, 5), (3, 4, 2, 0), (0, 0, 0, 0), (3, 0, 0, 5)],
)
def test_what_is_empty_has_torch_s_answer(length, tokens, features, wide, leading, options):
    arrays = ramp(*leading, length, features), ramp(*leading, tokens, features), ramp(*leading, tokens, wide)
    if "attn_mask" in options:
        options = {"attn_mask": np.full((length, tokens), options["attn_mask"])}
    tensor_options = {name: tensor(o) if isinstance(o, np.ndarray) else o for name, o in options.items()}
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    expected = by_the_formula(*leaves, **tensor_options)
    output = attention(*arrays, **options)
    assert_agree(output, expected)
    assert_agree(attention(*map(torch.tensor, arrays), **tensor_options), expected)
    expected.sum().backward()
    gradients = backward(np.ones_like(output), *arrays, **options)
    for gradient, leaf in zip(gradients, leaves, strict=False):  # a mask of numbers has one, too
        assert_agree(gradient, leaf.grad)


def test_no_heads_at_all_may_be_shared():
    arrays = np.ones((2, 0, 3, 4)), np.ones((2, 2, 5, 4)), np.ones((2, 0, 5, 6))
    for make in (np.asarray, torch.tensor):
        three = [make(array) for array in arrays]
        output = attention(*three, enable_gqa=True)
        assert output.shape == (2, 0, 3, 6)
        gradients = backward(output, *three, enable_gqa=True)
        assert [tuple(gradient.shape) for gradient in gradients] == [array.shape for array in arrays]
        assert not gradients[1].any()


def test_a_mask_of_few_axes_suits_tensors_of_four():
    """For which torch's fused kernel looks for two axes that are not there."""
    tensors = [torch.ones(2, 3, 4, 5, dtype=torch.float64)] * 3
    for mask in (torch.tensor([True, False, True, True]), torch.tensor(True), torch.tensor(-1.0)):
        with pytest.raises(IndexError):
            F.scaled_dot_product_attention(*tensors, mask)
        assert_agree(attention(*tensors, mask), by_the_formula(*tensors, mask))


# --- dropout ----------------------------------------------------------------------------------------------


@pytest.fixture
def seed():
    state = np.random.get_state()
    yield np.random.seed
    np.random.set_state(state)


@settings(max_examples=30)
@given(case=cases(largest=3), dropout_p=st.sampled_from([0.25, 0.5, 0.9, np.float32(0.5)]))
def test_dropout_drops_what_the_global_generator_says(case, dropout_p):
    np.random.seed(7)
    factors = (np.random.random(case.weights_shape) >= dropout_p) / (1 - float(dropout_p))
    np.random.seed(7)
    output = attention(*case.arrays, dropout_p=dropout_p, **case.options)
    assert_agree(output, attention_loops(*case.arrays, dropout_factors=factors, **case.options))


@settings(max_examples=15)
@given(case=cases(largest=2), seed_of=st.integers(0, 99))
def test_the_gradients_of_dropout_are_those_of_the_same_draw(case, seed_of):
    grad = case.grad()
    np.random.seed(seed_of)
    gradients = case.call(backward_of(grad), case.inputs, dropout_p=0.4)
    for place, gradient in enumerate(gradients):

        def loss(moved, place=place):
            inputs = (*case.inputs[:place], moved, *case.inputs[place + 1 :])
            np.random.seed(seed_of)
            return (grad * case.call(attention, inputs, dropout_p=0.4)).sum()

        with np.errstate(invalid="ignore"):
            numeric = finite_difference(loss, case.inputs[place])
        assert_agree(gradient, numeric, 1e-6)


@settings(max_examples=15)
@given(cases())
def test_tensors_drop_what_torch_drops_forwards_and_backwards(case):
    grad = tensor(case.grad())
    leaves = tuple(torch.tensor(array, requires_grad=True) for array in case.inputs)
    torch.manual_seed(3)
    expected = case.call(F.scaled_dot_product_attention, leaves, dropout_p=0.4)
    expected.backward(grad)
    torch.manual_seed(3)
    assert_agree(case.call(attention, leaves, dropout_p=0.4), expected)
    torch.manual_seed(3)
    gradients = case.call(backward_of(grad), tuple(leaf.detach() for leaf in leaves), dropout_p=0.4)
    for gradient, leaf in zip(gradients, leaves, strict=True):
        assert_agree(gradient, leaf.grad)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_keeps_the_mean(dtype, seed):
    """40000 queries at 2 keys: each answer is 0, 2 or 4 times 1/2."""
    seed(0)
    arrays = np.ones((40000, 1), dtype), np.ones((2, 1), dtype), np.ones((2, 1), dtype)
    output = attention(*arrays, dropout_p=0.5)
    assert output.dtype == dtype
    assert set(output.ravel()) == {0, 1, 2}
    assert abs(output.mean() - 1) < 5 * math.sqrt(0.5 / 40000)
    assert abs((output == 0).mean() - 1 / 4) < 5 * math.sqrt(3 / 16 / 40000)


def test_nothing_is_drawn_without_dropout_and_nothing_left_with_all_of_it(seed):
    seed(0)
    before = np.random.get_state()[1:3]
    attention(query, key, value)
    assert np.random.get_state()[2] == before[1] and (np.random.get_state()[1] == before[0]).all()
    for p in (1, 1.0, True):
        assert_agree(attention(query, key, value, dropout_p=p), np.zeros((1, 2)))
        gradients = backward(np.ones((1, 2)), query, key, value, None, p)
        assert all((gradient == 0).all() for gradient in gradients)


# --- number types -----------------------------------------------------------------------------------------


@given(cases())
def test_single_precision_agrees_to_one_part_in_a_hundred_thousand(case):
    case = case.astype("float32")
    grad = case.grad().astype("float32")
    output = attention(*case.arrays, **case.options)
    assert_agree(output, attention(*case.tensors, **case.tensor_options), 1e-5)
    leaves = tuple(torch.tensor(array, requires_grad=True) for array in case.inputs)
    case.call(by_the_formula, leaves).backward(tensor(grad))
    for gradient, leaf in zip(case.call(backward_of(grad), case.inputs), leaves, strict=True):
        assert_agree(gradient, leaf.grad, 2e-5)


@given(cases())
def test_half_precision_is_rounded_once_at_the_end(case):
    case = case.astype("float16")
    double = case.astype("float64")
    grad = case.grad().astype("float16")
    results = (attention(*case.arrays, **case.options), *case.call(backward_of(grad), case.inputs))
    exact = (
        attention(*double.arrays, **double.options),
        *double.call(backward_of(grad.astype("float64")), double.inputs),
    )
    for actual, expected in zip(results, exact, strict=True):
        assert actual.dtype == np.float16
        np.testing.assert_allclose(actual.astype("float64"), expected, rtol=2**-11 + 1e-5, atol=2e-5)
    theirs = by_the_formula(*case.tensors, **case.tensor_options)
    assert_agree(results[0], theirs, 2**-10)  # a single rounding, too; it may fall the other way
    twin = attention(*case.tensors, **case.tensor_options)
    assert_agree(results[0], twin, 2**-8)  # the fused kernel rounds its weights


def test_half_precision_bears_scores_that_it_could_not_hold():
    arrays = [(ramp(3, 64) % 7 * 60).astype("float16") for _ in range(3)]
    assert (arrays[0].astype("float64") @ arrays[1].astype("float64").T / 8).max() > np.finfo("float16").max
    output = attention(*arrays)
    assert np.isfinite(output).all()
    assert_agree(output, by_the_formula(*map(tensor, arrays)), 2**-10)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["bool", "float32", "query"])
def test_a_mask_may_be_of_three_number_types_and_keeps_its_own(dtype, kind):
    arrays = [np.random.default_rng(i).normal(size=(2, 3, 4)).astype(dtype) for i in range(3)]
    mask = (ramp(3, 3) % 2).astype(dtype if kind == "query" else kind)
    tensors, tensor_mask = [torch.tensor(array, requires_grad=True) for array in arrays], tensor(mask)
    if kind != "bool":
        tensor_mask.requires_grad_()
    expected = by_the_formula(*tensors, tensor_mask)
    tolerance = {"float16": 2**-9, "float32": 1e-5, "float64": 1e-10}[dtype]
    assert_agree(attention(*arrays, mask), expected, tolerance)
    expected.sum().backward()
    gradients = backward(np.ones((2, 3, 4), dtype), *arrays, mask)
    leaves = [leaf for leaf in (*tensors, tensor_mask) if leaf.requires_grad]
    for gradient, leaf in zip(gradients, leaves, strict=True):
        assert_agree(gradient, leaf.grad, 4 * tolerance if kind != "float32" else max(1e-5, 4 * tolerance))


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8"])
def test_the_other_byte_order_stays(dtype):
    arrays = [np.random.default_rng(i).normal(size=(3, 4)).astype(dtype) for i in range(3)]
    native = [array.astype(array.dtype.newbyteorder("=")) for array in arrays]
    for mask in (None, np.ones((3, 3), bool), ramp(3, 3).astype(dtype), ramp(3, 3).astype("float32")):
        output = attention(*arrays, mask)
        assert output.dtype == np.dtype(dtype)
        expected = attention(*native, mask if mask is None else mask.astype(mask.dtype.newbyteorder("=")))
        np.testing.assert_array_equal(output, expected)
        gradients = backward(output, *arrays, mask)
        inputs = arrays if mask is None or mask.dtype == bool else [*arrays, mask]
        assert [gradient.dtype for gradient in gradients] == [array.dtype for array in inputs]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32", "int64", "complex64", "complex128"])
def test_number_types_that_torch_refuses_are_refused(dtype):
    arrays = [np.ones((2, 3), dtype)] * 3
    with pytest.raises((RuntimeError, NotImplementedError)):
        F.scaled_dot_product_attention(*map(tensor, arrays))
    for make in (np.asarray, torch.tensor):
        three = [make(array) for array in arrays]
        for function, arguments in ((attention, three), (backward, three[:1] + three)):
            with pytest.raises(TypeError) as caught:
                function(*arguments)
            assert str(caught.value) == (
                f"{function.__name__}: torch offers it for floating-point numbers alone, got {dtype}"
            )


def test_long_doubles_are_refused_since_torch_has_none():
    if np.dtype(np.longdouble) == np.float64:
        pytest.skip("this machine has none either")
    with pytest.raises(TypeError, match="floating-point numbers"):
        attention(*[np.ones((2, 3), np.longdouble)] * 3)


def test_bfloat16_tensors_are_taken():
    tensors = [torch.tensor(array).bfloat16() for array in (query, key, value)]
    for mask in (None, torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)):
        output = attention(*tensors, mask)
        assert output.dtype == torch.bfloat16
        torch.testing.assert_close(output, torch.tensor([[12.5, 1]]).bfloat16(), rtol=2**-6, atol=0)


# --- NaN, infinity, large numbers -------------------------------------------------------------------------

HIDING = {
    "nothing hidden": {},
    "causal": {"is_causal": True},
    "two keys hidden": {"attn_mask": np.array([True, True, False, True, False])},
    "all keys hidden": {"attn_mask": np.zeros((3, 5), bool)},
    "one query sees nothing": {"attn_mask": np.array([[0.0], [-np.inf], [1.0]])},
}


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["query", "key", "value"])
@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("options", HIDING.values(), ids=HIDING.keys())
def test_nan_and_infinity_flow_as_in_torch(options, length, which, number):
    for leading in ((), (2, 2)):
        shapes = {"query": (length, 4), "key": (5, 4), "value": (5, 3)}
        for place in range(shapes[which][0]):
            random = np.random.default_rng(place)
            arrays = {name: random.normal(size=(*leading, *shape)) for name, shape in shapes.items()}
            arrays[which][..., place, 1] = number
            mask = options.get("attn_mask")
            if mask is not None:
                mask = mask[:length] if mask.ndim == 2 else mask
            given = {**options, "attn_mask": mask}
            leaves = [torch.tensor(array, requires_grad=True) for array in arrays.values()]
            expected = by_the_formula(*leaves, **{**given, "attn_mask": tensor(mask)})
            output = attention(*arrays.values(), **given)
            assert_agree(output, expected)
            expected.sum().backward()
            gradients = backward(np.ones_like(output), *arrays.values(), **given)
            for gradient, leaf in zip(gradients, leaves, strict=False):
                assert_agree(gradient, leaf.grad)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_mask_may_hold_nan_and_infinity(number):
    arrays = [np.random.default_rng(i).normal(size=(2, 3, 4)) for i in range(3)]
    mask = np.zeros((3, 3))
    mask[1, 2] = number
    output = attention(*arrays, mask)
    assert_agree(output, by_the_formula(*map(tensor, arrays), tensor(mask)))
    assert np.isfinite(output[:, [0, 2]]).all()
    mask[1] = -np.inf
    mask[1, 2] = number
    output = attention(*arrays, mask)
    assert_agree(output, by_the_formula(*map(tensor, arrays), tensor(mask)))
    assert (output[:, 1] == 0).all() == (number == -np.inf)


@pytest.mark.parametrize("scale", [np.nan, np.inf, -np.inf, 1e300])
def test_a_scale_may_be_anything(scale):
    arrays = [np.random.default_rng(i).normal(size=(3, 4)) for i in range(3)]
    assert_agree(attention(*arrays, scale=scale), by_the_formula(*map(tensor, arrays), scale=scale))


@pytest.mark.parametrize("size", [1e2, 1e15, 1e19, 1e25])
def test_scores_overflow_exactly_where_they_do_in_torch(size):
    arrays = [np.array([[size, size], [1, -size]], "float32") for _ in range(3)]
    for scale in (None, 1e-6, 1e6, -1e-12):
        expected = by_the_formula(*map(tensor, arrays), scale=scale)
        assert_agree(attention(*arrays, scale=scale), expected, 1e-5)


def test_a_scale_is_split_so_that_neither_side_overflows_alone():
    arrays = [np.array(rows, "float32") for rows in ([[1e30]], [[1e-30], [2e-30]], [[1], [2]])]
    for three in (arrays, [*arrays[1::-1], np.array([[3]], "float32")]):
        output = attention(*three, scale=1e10)  # 1e10 and 2e10, by way of 1e40
        assert np.isfinite(output).all()
        assert_agree(output, by_the_formula(*map(tensor, three), scale=1e10), 1e-5)


def test_large_scores_do_not_overflow_in_the_softmax():
    output = attention(query * 1000, key, value)  # 3^1000 : 1
    assert output.tolist() == [[10, 0]]
    output = attention(query * -1e8, key, value)
    assert output.tolist() == [[20, 4]]


def test_torch_s_fused_kernel_is_of_another_mind_about_nan():
    """As the docstring says; where this fails, torch has changed, and the docstring should."""
    array = np.random.default_rng(0).normal(size=(1, 1, 3, 4))
    spoilt = array.copy()
    spoilt[0, 0, 1, 0] = np.nan
    fused = attention(*map(tensor, (spoilt, array, array)))
    assert (fused[0, 0, 1] == 0).all()
    assert np.isnan(attention(spoilt, array, array)[0, 0, 1]).all()
    fused = attention(*map(tensor, (array, spoilt, array)), is_causal=True)
    assert fused[0, 0, 0].isfinite().all()
    assert np.isnan(attention(array, spoilt, array, is_causal=True)[0, 0, 0]).all()


def test_views_and_read_only_arrays_are_taken_and_left_alone():
    volume = np.random.default_rng(0).normal(size=(3, 4, 10, 12))
    view = volume[::-1, ::2, 1::3, ::-2]
    view.flags.writeable = False
    plain, before = np.ascontiguousarray(view), volume.copy()
    mask = np.broadcast_to(np.float64(0.5), (3, 3))
    grad = np.broadcast_to(np.float64(1), view.shape)
    assert_agree(attention(view, view, view, mask), attention(plain, plain, plain))
    views = backward(grad, view, view, view, mask)
    plains = backward(np.ones(view.shape), plain, plain, plain, np.full((3, 3), 0.5))
    for gradient, expected in zip(views, plains, strict=True):
        assert_agree(gradient, expected)
        assert gradient.flags.c_contiguous and gradient.flags.writeable
    np.testing.assert_array_equal(volume, before)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_no_argument_is_changed(dtype):
    random = np.random.default_rng(0)
    arrays = [random.normal(size=(2, 3, 3)).astype(dtype) for _ in range(4)]
    mask = random.normal(size=(3, 3)).astype(dtype)
    before = [array.copy() for array in (*arrays, mask)]
    attention(*arrays[:3], mask, 0.5)
    backward(*arrays, mask, 0.5)
    for array, copy in zip((*arrays, mask), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- laws -------------------------------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


def normal(seed_of, *shapes):
    random = np.random.default_rng(seed_of)
    return random, *(random.normal(size=shape) for shape in shapes)


@given(seeds)
def test_queries_in_another_order_are_answered_in_that_order(seed_of):
    random, q, k, v = normal(seed_of, (2, 5, 3), (2, 4, 3), (2, 4, 6))
    order = random.permutation(5)
    assert_agree(attention(q[:, order], k, v), attention(q, k, v)[:, order])


@given(seeds)
def test_the_order_of_keys_and_values_does_not_matter(seed_of):
    random, q, k, v, mask = normal(seed_of, (2, 5, 3), (2, 4, 3), (2, 4, 6), (5, 4))
    order = random.permutation(4)
    moved = attention(q, k[:, order], v[:, order], mask[:, order])
    assert_agree(moved, attention(q, k, v, mask))


@given(seeds)
def test_self_attention_is_equivariant_to_the_order_of_tokens(seed_of):
    random, x = normal(seed_of, (6, 4))
    order = random.permutation(6)
    assert_agree(attention(x[order], x[order], x[order]), attention(x, x, x)[order])


@given(cases())
def test_constant_values_give_the_constant_since_weights_sum_to_one(case):
    q, k, v = case.arrays
    output = attention(q, k, np.full(v.shape, 3.5), **case.options)
    answered = attention_is_anywhere(case)
    assert_agree(output, np.broadcast_to(np.where(answered, 3.5, 0), output.shape))


def attention_is_anywhere(case):
    """(..., L, 1): True for a query that may look at a key."""
    mask = case.options["attn_mask"]
    if mask is None:
        return np.ones((case.weights_shape[-2], 1), bool)
    allowed = mask if mask.dtype == bool else mask > -np.inf
    return np.broadcast_to(allowed, case.weights_shape).any(axis=-1, keepdims=True)


@given(cases())
def test_the_answer_lies_between_the_values(case):
    q, k, v = case.arrays
    output = attention(q, k, np.abs(v), **case.options)
    assert (output >= 0).all() and (output <= np.abs(v).max() + 1e-12).all()


@given(seed_of=seeds, seen=st.integers(1, 5))
def test_a_causal_query_does_not_see_what_comes_later(seed_of, seen):
    random, q, k, v = normal(seed_of, (6, 3), (6, 3), (6, 2))
    before = attention(q, k, v, is_causal=True)
    k[seen:], v[seen:] = random.normal(size=k[seen:].shape), random.normal(size=v[seen:].shape)
    after = attention(q, k, v, is_causal=True)
    assert_agree(after[:seen], before[:seen])
    assert not np.allclose(after[seen:], before[seen:])


@given(seed_of=seeds, length=st.integers(1, 5), tokens=st.integers(1, 5))
def test_causal_and_masks_of_bool_and_of_infinity_are_one(seed_of, length, tokens):
    _, q, k, v = normal(seed_of, (length, 3), (tokens, 3), (tokens, 2))
    lower = np.array([[j <= i for j in range(tokens)] for i in range(length)])
    causal = attention(q, k, v, is_causal=True)
    assert_agree(attention(q, k, v, lower), causal)
    assert_agree(attention(q, k, v, np.where(lower, 0, -np.inf)), causal)


@given(seed_of=seeds, hidden=st.integers(0, 3))
def test_a_hidden_key_might_as_well_not_be_there(seed_of, hidden):
    _, q, k, v, grad = normal(seed_of, (2, 3), (4, 3), (4, 2), (2, 2))
    seen = np.arange(4) != hidden
    assert_agree(attention(q, k, v, seen), attention(q, k[seen], v[seen]))
    masked = backward(grad, q, k, v, seen)
    left_out = backward(grad, q, k[seen], v[seen])
    assert_agree(masked[0], left_out[0])
    for some, all_of_it in zip(left_out[1:], masked[1:], strict=True):
        assert_agree(all_of_it[seen], some)
        assert (all_of_it[hidden] == 0).all()


@given(seed_of=seeds, scale=st.floats(-3, 3))
def test_a_scale_is_a_longer_query(seed_of, scale):
    _, q, k, v = normal(seed_of, (5, 4), (6, 4), (6, 2))
    scaled = attention(q, k, v, scale=scale)
    assert_agree(attention(q * scale, k, v, scale=1), scaled)
    assert_agree(attention(q * scale * math.sqrt(4), k, v), scaled)


@given(seeds)
def test_what_is_added_to_all_scores_of_a_query_changes_nothing(seed_of):
    _, q, k, v, mask, more, shift = normal(seed_of, (5, 3), (4, 3), (4, 2), (5, 4), (5, 1), (1, 3))
    expected = attention(q, k, v, mask)
    assert_agree(attention(q, k, v, mask + more), expected)
    assert_agree(attention(q, k + shift, v, mask), expected)  # q . shift for every key


@given(cases())
def test_so_the_gradient_of_a_row_of_scores_sums_to_nothing(case):
    q, k, v = case.arrays
    options = {**case.options, "attn_mask": np.zeros(case.weights_shape), "is_causal": False}
    *_, grad_mask = backward(case.grad(), q, k, v, **options)
    np.testing.assert_allclose(grad_mask.sum(axis=-1), 0, atol=1e-10)


@given(cases())
def test_the_answer_is_linear_in_the_values(case):
    """<A v, g> = <v, A^T g>, with the weights A of query and key."""
    grad = case.grad()
    forward = (attention(*case.arrays, **case.options) * grad).sum()
    backward = (case.arrays[2] * case.call(backward_of(grad), case.inputs)[2]).sum()
    assert math.isclose(forward, backward, rel_tol=1e-10, abs_tol=1e-10)


@given(seeds)
def test_a_query_of_nothing_takes_the_mean_and_a_long_one_the_best(seed_of):
    _, q, k, v = normal(seed_of, (3, 4), (5, 4), (5, 2))
    assert_agree(attention(q * 0, k, v), np.broadcast_to(v.mean(axis=0), (3, 2)))
    best = (q @ k.T).argmax(axis=1)
    assert_agree(attention(q * 1e9, k, v), v[best])


@given(seeds)
def test_neighbouring_heads_share_a_key(seed_of):
    _, q, k, v, grad = normal(seed_of, (2, 6, 3, 4), (2, 2, 5, 4), (2, 3, 5, 2), (2, 6, 3, 2))
    shared = attention(q, k, v, enable_gqa=True)
    for head in range(6):
        alone = attention(q[:, head], k[:, head // 3], v[:, head // 2])
        assert_agree(shared[:, head], alone)
    gradients = backward(grad, q, k, v, enable_gqa=True)
    repeated = backward(grad, q, k.repeat(3, 1), v.repeat(2, 1))
    assert_agree(gradients[0], repeated[0])
    assert_agree(gradients[1], np.stack([repeated[1][:, :3].sum(1), repeated[1][:, 3:].sum(1)], 1))
    assert_agree(gradients[2], repeated[2][:, ::2] + repeated[2][:, 1::2])


@given(seeds)
def test_one_head_for_all_is_broadcast(seed_of):
    _, q, k, v = normal(seed_of, (2, 4, 3, 4), (2, 1, 5, 4), (2, 1, 5, 2))
    assert_agree(attention(q, k, v), attention(q, k, v, enable_gqa=True))


# --- several heads ----------------------------------------------------------------------------------------


@dataclass
class Layer:
    """A layer of attention with everything that it is given."""

    tokens: tuple[np.ndarray, np.ndarray, np.ndarray]
    num_heads: int
    parameters: tuple[np.ndarray | None, ...]  # of in_proj and out_proj, weight and bias
    options: dict[str, Any]
    random: np.random.Generator

    @property
    def weights_shape(self) -> tuple[int, ...]:
        *images, length, _ = self.tokens[0].shape
        return (*images, self.num_heads, length, self.tokens[1].shape[-2])

    def arguments(self, make=np.asarray) -> tuple[Any, ...]:
        made = [None if p is None else make(p) for p in self.parameters]
        return (*map(make, self.tokens), self.num_heads, *made)

    def named(self, make=np.asarray) -> dict[str, Any]:
        mask = self.options["attn_mask"]
        return {**self.options, "attn_mask": None if mask is None else make(mask)}

    def module(self) -> tuple[torch.nn.MultiheadAttention, dict[str, Any]]:
        """torch's layer with the same parameters, and its words for the same masks."""
        weight = self.parameters[0]
        layer = torch.nn.MultiheadAttention(
            weight.shape[1], self.num_heads, bias=self.parameters[1] is not None, batch_first=True,
            dtype=torch.from_numpy(weight).dtype,
        )  # fmt: skip
        parameters = dict(zip(("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"),
                              self.parameters, strict=True))  # fmt: skip
        layer.load_state_dict({name: tensor(p) for name, p in parameters.items() if p is not None})
        mask = self.options["attn_mask"]
        if self.options["is_causal"]:
            mask = np.tri(*self.weights_shape[-2:], dtype=bool)
        if mask is not None:
            mask = np.broadcast_to(mask, self.weights_shape).reshape(-1, *self.weights_shape[-2:])
            mask = torch.tensor(~mask if mask.dtype == bool else mask)  # True is there what is hidden
        return layer, {"attn_mask": mask, "average_attn_weights": False}


@st.composite
def layers(draw, dtype: str = "float64", batched: bool | None = None) -> Layer:
    heads, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    features, length, tokens = heads * width, draw(st.integers(1, 4)), draw(st.integers(1, 4))
    batched = draw(st.booleans()) if batched is None else batched
    images = (draw(st.integers(1, 3)),) if batched else ()
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    biases = draw(st.booleans())
    weights = (*images, heads, length, tokens)
    mask, kind = None, draw(st.sampled_from(["none", "causal", "bool", "float"]))
    if kind in ("bool", "float"):
        kept = weights[draw(st.integers(0, len(weights) - 2)) :]
        kept = tuple(1 if draw(st.integers(0, 4)) == 0 else size for size in kept)
        mask = random.random(kept) < 0.6 if kind == "bool" else random.normal(size=kept).astype(dtype)
        if kind == "bool":
            mask[..., 0] = True  # torch's layer gives NaN where there is nothing to look at
    shapes = (3 * features, features), (3 * features,), (features, features), (features,)
    parameters = [random.normal(size=shape).astype(dtype) for shape in shapes]
    return Layer(
        tokens=tuple(
            random.normal(size=(*images, n, features)).astype(dtype) for n in (length, tokens, tokens)
        ),
        num_heads=heads,
        parameters=tuple(p if biases or p.ndim == 2 else None for p in parameters),
        options={"attn_mask": mask, "is_causal": kind == "causal"},
        random=random,
    )


def test_every_head_has_weights_of_its_own():
    query, key = np.array([[1.0, 1.0]]), np.log([[3.0, 1.0], [1.0, 1.0]])
    value, unchanged = np.array([[10.0, 10.0], [20.0, 20.0]]), np.eye(2)
    layer = 2, np.concatenate([unchanged] * 3), None, unchanged, None
    for make in (np.asarray, torch.tensor):
        made = [make(a) if isinstance(a, np.ndarray) else a for a in (query, key, value, *layer)]
        output, weights = multi_head(*made, need_weights=True)
        np.testing.assert_allclose(output, [[3 / 4 * 10 + 1 / 4 * 20, 1 / 2 * 10 + 1 / 2 * 20]])
        np.testing.assert_allclose(weights, [[[3 / 4, 1 / 4]], [[1 / 2, 1 / 2]]])
        made[3] = 1  # a single head sums what the two compare: log 3 over root 2
        ratio = 3 ** (1 / math.sqrt(2))
        output = multi_head(*made)
        np.testing.assert_allclose(output, [[(ratio * 10 + 20) / (ratio + 1)] * 2])


@settings(max_examples=150)
@given(layers())
def test_the_layer_of_torch_agrees_in_its_answer_and_its_weights(layer):
    module, words = layer.module()
    expected, weights = module(*map(tensor, layer.tokens), **words)
    for make in (np.asarray, torch.tensor):
        output = multi_head(*layer.arguments(make), **layer.named(make))
        assert_agree(output, expected)
        again, ours = multi_head(*layer.arguments(make), **layer.named(make), need_weights=True)
        assert_agree(again, expected)
        assert_agree(ours, weights)
        assert ours.shape == layer.weights_shape


@settings(max_examples=100)
@given(layers())
def test_the_layer_of_torch_agrees_in_all_its_gradients(layer):
    module, words = layer.module()
    leaves = [tensor(array).requires_grad_() for array in layer.tokens]
    output, _ = module(*leaves, **words)
    grad = layer.random.normal(size=tuple(output.shape))
    output.backward(tensor(grad))
    expected = dict(zip(("query", "key", "value"), leaves, strict=True)) | {
        name.replace(".", "_"): parameter for name, parameter in module.named_parameters()
    }
    for make in (np.asarray, torch.tensor):
        gradients = multi_head_backward(make(grad), *layer.arguments(make), **layer.named(make))
        for name, gradient in gradients._asdict().items():
            if gradient is None:
                assert name not in expected
            else:
                assert_agree(gradient, expected[name].grad)
                assert make is torch.tensor or gradient.flags.c_contiguous


@settings(max_examples=50)
@given(layers(batched=True))
def test_the_loops_agree_about_heads(layer):
    loops = multi_head_attention_loops(*layer.arguments(), **layer.options)
    assert_agree(multi_head(*layer.arguments(), **layer.options), loops)


@settings(max_examples=20)
@given(layers())
def test_gradients_of_heads_agree_with_finite_differences(layer):
    arguments = list(layer.arguments())
    grad = layer.random.normal(size=layer.tokens[0].shape)
    gradients = multi_head_backward(grad, *arguments, **layer.options)
    places = [place for place in range(8) if place != 3]  # the number of heads has none
    for place, gradient in zip(places, gradients, strict=True):
        if gradient is None:
            assert arguments[place] is None
            continue

        def loss(moved, place=place):
            given_arguments = [*arguments[:place], moved, *arguments[place + 1 :]]
            return (grad * multi_head(*given_arguments, **layer.options)).sum()

        assert_agree(gradient, finite_difference(loss, arguments[place]), 1e-6)


@settings(max_examples=50)
@given(layers("float32"))
def test_heads_in_single_precision_agree_to_a_few_parts_in_a_hundred_thousand(layer):
    module, words = layer.module()
    expected, weights = module(*map(tensor, layer.tokens), **words)
    output, ours = multi_head(*layer.arguments(), **layer.options, need_weights=True)
    assert_agree(output, expected, 1e-4)
    assert_agree(ours, weights, 1e-4)


@settings(max_examples=50)
@given(layers("float16"))
def test_heads_in_half_precision_are_rounded_once_at_the_end(layer):
    def double(array):
        return array.astype("float64") if array.dtype == np.float16 else array

    exact = multi_head(*layer.arguments(double), **layer.named(double), need_weights=True)
    for result, expected in zip(
        multi_head(*layer.arguments(), **layer.options, need_weights=True), exact, strict=True
    ):
        assert result.dtype == np.float16
        np.testing.assert_allclose(result.astype("float64"), expected, rtol=2**-11 + 1e-4, atol=1e-4)
    grad = layer.random.normal(size=layer.tokens[0].shape).astype("float16")
    gradients = multi_head_backward(grad, *layer.arguments(), **layer.options)
    exact = multi_head_backward(double(grad), *layer.arguments(double), **layer.named(double))
    for gradient, expected in zip(gradients, exact, strict=True):
        if gradient is not None:
            assert gradient.dtype == np.float16
            np.testing.assert_allclose(gradient.astype("float64"), expected, rtol=2**-11 + 1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["bool", "float32", "query"])
def test_a_mask_of_heads_may_be_of_three_number_types(dtype, kind):
    random = np.random.default_rng(0)
    x, *layer = (a.astype(dtype) for a in (random.normal(size=(2, 3, 4)), *one_head(random, 4)))
    mask = (ramp(3, 3) % 2).astype(dtype if kind == "query" else kind)
    exact = multi_head(*[x.astype("float64")] * 3, 2, *(p.astype("float64") for p in layer),
                       attn_mask=mask if kind == "bool" else mask.astype("float64"), need_weights=True)  # fmt: skip
    for make in (np.asarray, torch.tensor):
        arguments = [make(x)] * 3 + [2] + [make(p) for p in layer]
        results = multi_head(*arguments, attn_mask=make(mask), need_weights=True)
        alone = multi_head(*arguments, attn_mask=make(mask))
        for result, expected in zip((*results, alone), (*exact, exact[0]), strict=True):
            assert_agree(
                result, expected.astype(dtype), {"float16": 2**-6, "float32": 1e-5}.get(dtype, 1e-10)
            )
        gradients = multi_head_backward(results[0], *arguments, attn_mask=make(mask))
        assert all(gradient.dtype == make(x).dtype for gradient in gradients)


def test_true_lets_look_as_in_the_attention_without_heads_and_torch_s_layer_hides():
    random = np.random.default_rng(0)
    x, layer = random.normal(size=(1, 3, 2)), one_head(random, 2)
    seen = np.array([[True, False, False]] * 3)
    _, weights = multi_head(x, x, x, 1, *layer, attn_mask=seen, need_weights=True)
    np.testing.assert_array_equal(weights, [[[[1, 0, 0]] * 3]])
    module = Layer((x, x, x), 1, layer, {"attn_mask": None, "is_causal": False}, random).module()[0]
    _, theirs = module(*[tensor(x)] * 3, attn_mask=tensor(seen))
    assert (theirs[0, :, 0] == 0).all()
    for each in ({"attn_mask": seen}, {"is_causal": True}):  # one head with nothing mixed is the attention
        plain = multi_head(x, x, x, 1, np.concatenate([np.eye(2)] * 3), None, np.eye(2), None, **each)
        assert_agree(plain, attention(x, x, x, **each))


def one_head(random, features):
    shapes = (3 * features, features), (3 * features,), (features, features), (features,)
    return tuple(random.normal(size=shape) for shape in shapes)


@pytest.mark.parametrize("make", [np.asarray, torch.tensor])
def test_who_may_look_at_nothing_gets_the_last_bias_and_no_gradient(make):
    random = np.random.default_rng(0)
    x, layer = make(random.normal(size=(2, 3, 4))), [make(p) for p in one_head(random, 4)]
    for mask in (np.zeros((3, 3), bool), np.full((3, 3), -np.inf)):
        mask[0] = True if mask.dtype == bool else 0
        output, weights = multi_head(x, x, x, 2, *layer, attn_mask=make(mask), need_weights=True)
        assert (weights[:, :, 1:] == 0).all()
        np.testing.assert_array_equal(output[:, 1:], np.broadcast_to(layer[3], (2, 2, 4)))
        assert_agree(multi_head(x, x, x, 2, *layer, attn_mask=make(mask)), output)
        gradients = multi_head_backward(make(np.ones((2, 3, 4))), x, x, x, 2, *layer, attn_mask=make(mask))
        assert all(np.isfinite(np.asarray(gradient)).all() for gradient in gradients)
        assert (gradients.query[:, 1:] == 0).all() and (gradients.query[:, 0] != 0).all()


@pytest.mark.parametrize("make", [np.asarray, torch.tensor])
def test_nothing_to_look_at_and_nobody_who_looks_are_answered(make):
    random = np.random.default_rng(0)
    layer = [make(p) for p in one_head(random, 4)]
    for images, length, tokens in ((2, 3, 0), (2, 0, 3), (0, 2, 3), (0, 0, 0)):
        x, memory = make(np.ones((images, length, 4))), make(np.ones((images, tokens, 4)))
        for options in ({}, {"is_causal": True}, {"attn_mask": make(np.ones((length, tokens), bool))}):
            output, weights = multi_head(x, memory, memory, 2, *layer, need_weights=True, **options)
            assert tuple(weights.shape) == (images, 2, length, tokens)
            np.testing.assert_allclose(output, multi_head(x, memory, memory, 2, *layer, **options))
            if not tokens:
                np.testing.assert_array_equal(output, np.broadcast_to(layer[3], output.shape))
            gradients = multi_head_backward(output, x, memory, memory, 2, *layer, **options)
            assert [tuple(g.shape) for g in gradients] == [
                tuple(a.shape) for a in (x, memory, memory, *layer)
            ]


def test_nan_stays_with_its_image_and_reaches_whoever_looks_at_it():
    random = np.random.default_rng(0)
    x, layer = random.normal(size=(2, 3, 4)), one_head(random, 4)
    x[0, 2, 1] = np.nan
    expected = np.zeros((2, 3), bool)
    expected[0] = True
    for make in (np.asarray, torch.tensor):
        output, _ = multi_head(*[make(x)] * 3, 2, *map(make, layer), need_weights=True)
        np.testing.assert_array_equal(np.isnan(np.asarray(output)).all(axis=-1), expected)


@given(seeds)
def test_heads_are_equivariant_to_the_order_of_tokens_and_their_mean_does_not_know_it(seed_of):
    random, x = normal(seed_of, (2, 6, 4))
    order, layer = random.permutation(6), one_head(random, 4)
    answer, moved = (multi_head(y, y, y, 2, *layer) for y in (x, x[:, order]))
    assert_agree(moved, answer[:, order])
    assert_agree(moved.mean(axis=1), answer.mean(axis=1))


@given(seeds)
def test_the_order_of_the_heads_does_not_matter(seed_of):
    """Move their rows in the matrices before and their columns in the matrix behind."""
    random, x = normal(seed_of, (2, 5, 6))
    weight_in, bias_in, weight_out, bias_out = one_head(random, 6)
    order = random.permutation(3)
    features = np.arange(6).reshape(3, 2)[order].ravel()
    rows = np.concatenate([features, 6 + features, 12 + features])
    moved, weights = multi_head(
        x, x, x, 3, weight_in[rows], bias_in[rows], weight_out[:, features], bias_out, need_weights=True
    )
    answer, before = multi_head(x, x, x, 3, weight_in, bias_in, weight_out, bias_out, need_weights=True)
    assert_agree(moved, answer)
    assert_agree(weights, before[:, order])


def test_self_attention_has_the_sum_of_three_gradients():
    random = np.random.default_rng(0)
    x, layer = random.normal(size=(2, 3, 4)), one_head(random, 4)
    leaf = tensor(x).requires_grad_()
    multi_head(leaf, leaf, leaf, 2, *map(tensor, layer)).sum().backward()
    gradients = multi_head_backward(np.ones((2, 3, 4)), x, x, x, 2, *layer)
    assert_agree(gradients.query + gradients.key + gradients.value, leaf.grad)


def test_the_signature_of_heads_says_the_same_of_the_gradients():
    names = list(inspect.signature(multi_head).parameters)
    assert list(inspect.signature(multi_head_backward).parameters) == ["grad_output", *names[:-1]]
    assert list(MultiHeadGradients._fields) == [name for name in names[:8] if name != "num_heads"]


def test_a_module_s_own_parameters_can_be_given_and_learn():
    module = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    x = torch.ones(2, 3, 4)
    output = multi_head(
        x, x, x, 2, module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias
    )
    torch.testing.assert_close(output, module(x, x, x)[0])
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_heads_stay_on_their_device_with_torch_s_fused_kernel():
    with torch.device("meta"):
        x, module = torch.ones(2, 3, 4), torch.nn.MultiheadAttention(4, 2, batch_first=True)
        layer = module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias
        output = multi_head(x, x, x, 2, *layer)
    assert output.device.type == "meta" and output.shape == (2, 3, 4)


def test_autocast_lets_activations_and_weights_of_heads_differ():
    random = np.random.default_rng(0)
    x = torch.tensor(random.normal(size=(2, 3, 4))).bfloat16()
    layer = [torch.tensor(p).float() for p in one_head(random, 4)]
    with pytest.raises(TypeError, match=r"query is torch\.bfloat16 but in_proj_weight is torch\.float32"):
        multi_head(x, x, x, 2, *layer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = multi_head(x, x, x, 2, *layer)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output, multi_head(x, x, x, 2, *[p.bfloat16() for p in layer]))


def test_the_gradient_of_a_gradient_of_heads_is_right_too():
    """Which torch's fused kernels do not offer."""
    random = np.random.default_rng(0)
    leaves = [tensor(random.normal(size=(2, 3, 2))).requires_grad_() for _ in range(2)]
    layer = [tensor(p).requires_grad_() for p in one_head(random, 2)]

    def through(grad, x, *layer):
        return tuple(multi_head_backward(grad, x, x, x, 1, *layer)[:6])

    assert torch.autograd.gradcheck(through, (*leaves, *layer[:3], layer[3].detach()), fast_mode=True)


@pytest.mark.parametrize("need_weights", [False, True])
def test_weights_of_heads_are_counted_where_they_are_held(need_weights):
    x = zeros(1, 2**16, 4)
    layer = zeros(12, 4), None, zeros(4, 4), None
    arrays, tensors = (
        [one.make(library) if one is not None else None for one in (x, x, x, *layer)]
        for library in ("numpy", "torch")
    )
    with pytest.raises(ValueError, match="more than the 64 GiB that are allowed"):
        multi_head(*arrays[:3], 4, *arrays[3:], need_weights=need_weights)
    on_meta = [None if t is None else t.to("meta") for t in tensors]
    if need_weights:  # 4 heads of 2^16 x 2^16
        with pytest.raises(ValueError, match="would take 256 GiB, more than the 64 GiB that are allowed"):
            multi_head(*on_meta[:3], 4, *on_meta[3:], need_weights=True)
    else:
        assert multi_head(*on_meta[:3], 4, *on_meta[3:]).shape == (1, 2**16, 4)


# --- wrong calls ------------------------------------------------------------------------------------------

q, k, v = zeros(2, 3, 4), zeros(2, 5, 4), zeros(2, 5, 6)
g = zeros(2, 3, 6)
large = zeros(2**17, 1)
t, m = zeros(2, 3, 4), zeros(2, 5, 4)
layer = zeros(12, 4), zeros(12), zeros(4, 4), zeros(4)
H, HB = "multi_head_attention", "multi_head_attention_backward"
S, B = "scaled_dot_product_attention", "scaled_dot_product_attention_backward"


@pytest.mark.parametrize("scale", [Fraction(1, 2), np.float16(0.5), np.longdouble(0.5)])
def test_the_scale_is_any_real_number(scale):
    tokens = np.random.default_rng(0).normal(size=(3, 2))
    expected = attention(tokens, tokens, tokens, scale=0.5)
    assert_agree(attention(tokens, tokens, tokens, scale=scale), expected)
    assert_agree(attention(*[torch.tensor(tokens)] * 3, scale=scale), expected)


WRONG = [
    (attention, ([1], k, v), {}, f"TypeError: {S}: query must be a NumPy array or a torch tensor, got list"),
    (attention, (q, 3, v), {}, f"TypeError: {S}: key must be a NumPy array or a torch tensor, got int"),
    (attention, (q, k, None), {}, f"TypeError: {S}: value must be a NumPy array or a torch tensor, got NoneType"),
    (attention, (q, k, v, [True]), {}, f"TypeError: {S}: attn_mask must be a NumPy array or a torch tensor, got list"),
    (attention, (zeros(4), k, v), {}, f"ValueError: {S}: query must be (..., L, E), got (4,)"),
    (attention, (q, zeros(4), v), {}, f"ValueError: {S}: key must be (..., S, E), got (4,)"),
    (attention, (q, k, zeros()), {}, f"ValueError: {S}: value must be (..., S, Ev), got ()"),
    (attention, (q, zeros(2, 5, 3), v), {}, f"ValueError: {S}: query has 4 features but key has 3 (query (2, 3, 4), key (2, 5, 3))"),
    (attention, (q, zeros(2, 5, 1), v), {}, f"ValueError: {S}: query has 4 features but key has 1 (query (2, 3, 4), key (2, 5, 1))"),
    (attention, (q, k, zeros(2, 6, 6)), {}, f"ValueError: {S}: key has 5 tokens but value has 6 (key (2, 5, 4), value (2, 6, 6))"),
    (attention, (q, k, zeros(2, 1, 6)), {}, f"ValueError: {S}: key has 5 tokens but value has 1 (key (2, 5, 4), value (2, 1, 6))"),
    (attention, (zeros(2, 2, 3, 4), zeros(2, 2, 5, 4), zeros(2, 2, 1, 4)), {}, f"ValueError: {S}: key has 5 tokens but value has 1 (key (2, 2, 5, 4), value (2, 2, 1, 4))"),
    (attention, (q, zeros(3, 5, 4), v), {}, f"ValueError: {S}: the axes before the last two do not broadcast (query (2, 3, 4), key (3, 5, 4), value (2, 5, 6))"),
    (attention, (q, k, zeros(3, 5, 6)), {}, f"ValueError: {S}: the axes before the last two do not broadcast (query (2, 3, 4), key (2, 5, 4), value (3, 5, 6))"),
    (attention, (zeros(2, 4, 3, 4), zeros(2, 0, 5, 4), zeros(2, 0, 5, 4)), {}, f"ValueError: {S}: the axes before the last two do not broadcast (query (2, 4, 3, 4), key (2, 0, 5, 4), value (2, 0, 5, 4))"),
    (attention, (q, zeros(2, 5, 4, dtype="float32"), v), {}, f"TypeError: {S}: query is float64 but key is float32; they must be equal"),
    (attention, (q, k, zeros(2, 5, 6, dtype="float16")), {}, f"TypeError: {S}: query is float64 but value is float16; they must be equal"),
    (attention, (zeros(3, 4, dtype="bool"),) * 3, {}, f"TypeError: {S}: torch offers it for floating-point numbers alone, got bool"),
    (attention, (zeros(3, 4, dtype="int64"),) * 3, {}, f"TypeError: {S}: torch offers it for floating-point numbers alone, got int64"),
    (attention, (q, k, v, zeros(3, 4, dtype="bool")), {}, f"ValueError: {S}: attn_mask (3, 4) does not broadcast to the weights (2, 3, 5)"),
    (attention, (q, k, v, zeros(4, 1)), {}, f"ValueError: {S}: attn_mask (4, 1) does not broadcast to the weights (2, 3, 5)"),
    (attention, (q, k, v, zeros(1, 2, 3, 5)), {}, f"ValueError: {S}: attn_mask (1, 2, 3, 5) does not broadcast to the weights (2, 3, 5)"),
    (attention, (zeros(3, 4), zeros(5, 4), v, zeros(2, 3, 5)), {}, f"ValueError: {S}: attn_mask (2, 3, 5) does not broadcast to the weights (3, 5)"),
    (attention, (q, k, v, zeros(3, 5, dtype="int64")), {}, f"TypeError: {S}: attn_mask must be bool or float32 or float64, got int64"),
    (attention, (q, k, v, zeros(3, 5, dtype="float16")), {}, f"TypeError: {S}: attn_mask must be bool or float32 or float64, got float16"),
    (attention, (zeros(3, 4, dtype="float32"),) * 3, {"attn_mask": zeros(3, 3)}, f"TypeError: {S}: attn_mask must be bool or float32, got float64"),
    (attention, (q, k, v, zeros(3, 5), 0.0, True), {}, f"ValueError: {S}: give either attn_mask or is_causal=True, not both"),
    (attention, (q, k, v, None, "0.5"), {}, f"TypeError: {S}: dropout_p must be a number, got '0.5'"),
    (attention, (q, k, v, None, None), {}, f"TypeError: {S}: dropout_p must be a number, got None"),
    (attention, (q, k, v, None, -0.1), {}, f"ValueError: {S}: dropout_p must lie between 0 and 1, got -0.1"),
    (attention, (q, k, v, None, 1.5), {}, f"ValueError: {S}: dropout_p must lie between 0 and 1, got 1.5"),
    (attention, (q, k, v, None, math.nan), {}, f"ValueError: {S}: dropout_p must lie between 0 and 1, got nan"),
    (attention, (q, k, v, None, 0.0, 1), {}, f"TypeError: {S}: is_causal must be True or False, got 1"),
    (attention, (q, k, v), {"is_causal": None}, f"TypeError: {S}: is_causal must be True or False, got None"),
    (attention, (q, k, v), {"scale": "0.5"}, f"TypeError: {S}: scale must be a number or None, got '0.5'"),
    (attention, (q, k, v), {"scale": 10**400}, f"ValueError: {S}: scale must fit into a float, got an integer of 1329 bits"),
    (attention, (q, k, v), {"scale": "1" * 500}, f"TypeError: {S}: scale must be a number or None, got '{'1' * 37}...{'1' * 38}'"),
    (attention, (q, k, v, None, [0.5] * 500), {}, f"TypeError: {S}: dropout_p must be a number, got [{'0.5, ' * 12}...]"),
    (attention, (q, k, v), {"scale": 1j}, f"TypeError: {S}: scale must be a number or None, got 1j"),
    (attention, (q, k, v), {"enable_gqa": 1}, f"TypeError: {S}: enable_gqa must be True or False, got 1"),
    (attention, (zeros(3, 4), zeros(1, 5, 4), zeros(1, 5, 6)), {"enable_gqa": True}, f"ValueError: {S}: enable_gqa needs an axis of heads, (..., H, L, E); query is (3, 4)"),
    (attention, (q, zeros(5, 4), v), {"enable_gqa": True}, f"ValueError: {S}: enable_gqa needs an axis of heads, (..., H, S, E); key is (5, 4)"),
    (attention, (q, k, zeros(5, 6)), {"enable_gqa": True}, f"ValueError: {S}: enable_gqa needs an axis of heads, (..., H, S, Ev); value is (5, 6)"),
    (attention, (zeros(4, 3, 4), zeros(3, 5, 4), zeros(3, 5, 6)), {"enable_gqa": True}, f"ValueError: {S}: 4 query heads cannot share 3 key heads evenly (query (4, 3, 4), key (3, 5, 4))"),
    (attention, (zeros(4, 3, 4), zeros(2, 5, 4), zeros(8, 5, 6)), {"enable_gqa": True}, f"ValueError: {S}: 4 query heads cannot share 8 value heads evenly (query (4, 3, 4), value (8, 5, 6))"),
    (attention, (zeros(1, 4, 3, 4), zeros(1, 0, 5, 4), zeros(1, 4, 5, 4)), {"enable_gqa": True}, f"ValueError: {S}: 4 query heads cannot share 0 key heads evenly (query (1, 4, 3, 4), key (1, 0, 5, 4))"),
    (attention, (zeros(2, 4, 3, 4), zeros(3, 2, 5, 4), zeros(2, 2, 5, 4)), {"enable_gqa": True}, f"ValueError: {S}: the axes before the last two do not broadcast (query (2, 4, 3, 4), key (3, 4, 5, 4), value (2, 4, 5, 4))"),
    (attention, (large, zeros(1, 1), zeros(1, 2**17)), {}, f"ValueError: {S}: the result and its scratch would take 128 GiB, more than the 64 GiB that are allowed"),
    (backward, ([1], q, k, v), {}, f"TypeError: {B}: grad_output must be a NumPy array or a torch tensor, got list"),
    (backward, (g, [1], k, v), {}, f"TypeError: {B}: query must be a NumPy array or a torch tensor, got list"),
    (backward, (g, q, [1], v), {}, f"TypeError: {B}: key must be a NumPy array or a torch tensor, got list"),
    (backward, (g, q, k, v), {"scale": "1"}, f"TypeError: {B}: scale must be a number or None, got '1'"),
    (backward, (g, q, k, v, zeros(4, 1)), {}, f"ValueError: {B}: attn_mask (4, 1) does not broadcast to the weights (2, 3, 5)"),
    (backward, (g, q, k, [1]), {}, f"TypeError: {B}: value must be a NumPy array or a torch tensor, got list"),
    (backward, (zeros(2, 3, 4), q, k, v), {}, f"ValueError: {B}: grad_output is (2, 3, 4) but the output is (2, 3, 6) (query (2, 3, 4), key (2, 5, 4), value (2, 5, 6))"),
    (backward, (zeros(3, 6), q, k, v), {}, f"ValueError: {B}: grad_output is (3, 6) but the output is (2, 3, 6) (query (2, 3, 4), key (2, 5, 4), value (2, 5, 6))"),
    (backward, (zeros(2, 3, 6, dtype="float32"), q, k, v), {}, f"TypeError: {B}: query is float64 but grad_output is float32; they must be equal"),
    (backward, (g, q, zeros(2, 5, 3), v), {}, f"ValueError: {B}: query has 4 features but key has 3 (query (2, 3, 4), key (2, 5, 3))"),
    (backward, (g, q, k, v, zeros(3, 5), 0.0, True), {}, f"ValueError: {B}: give either attn_mask or is_causal=True, not both"),
    (backward, (g, q, k, v), {"dropout_p": 2}, f"ValueError: {B}: dropout_p must lie between 0 and 1, got 2"),
    (multi_head, ([1], m, m, 2, *layer), {}, f"TypeError: {H}: query must be a NumPy array or a torch tensor, got list"),
    (multi_head, (t, 3, m, 2, *layer), {}, f"TypeError: {H}: key must be a NumPy array or a torch tensor, got int"),
    (multi_head, (t, m, None, 2, *layer), {}, f"TypeError: {H}: value must be a NumPy array or a torch tensor, got NoneType"),
    (multi_head, (t, m, m, 2, None, *layer[1:]), {}, f"TypeError: {H}: in_proj_weight must be a NumPy array or a torch tensor, got NoneType"),
    (multi_head, (t, m, m, 2, layer[0], 0, *layer[2:]), {}, f"TypeError: {H}: in_proj_bias must be a NumPy array or a torch tensor, got int"),
    (multi_head, (t, m, m, 2, *layer[:2], None, None), {}, f"TypeError: {H}: out_proj_weight must be a NumPy array or a torch tensor, got NoneType"),
    (multi_head, (t, m, m, 2, *layer[:3], False), {}, f"TypeError: {H}: out_proj_bias must be a NumPy array or a torch tensor, got bool"),
    (multi_head, (t, m, m, 2.0, *layer), {}, f"TypeError: {H}: num_heads must be an integer, got 2.0"),
    (multi_head, (t, m, m, 0, *layer), {}, f"ValueError: {H}: num_heads must be at least 1, got 0"),
    (multi_head, (t, m, m, 3, *layer), {}, f"ValueError: {H}: 4 features cannot be split into 3 heads (query (2, 3, 4))"),
    (multi_head, (zeros(2, 3, 0),) * 3 + (1, *layer), {}, f"ValueError: {H}: 0 features cannot be split into 1 heads (query (2, 3, 0))"),
    (multi_head, (zeros(4), m, m, 2, *layer), {}, f"ValueError: {H}: query must be (N, L, E) or (L, E), got (4,)"),
    (multi_head, (zeros(1, 2, 3, 4), m, m, 2, *layer), {}, f"ValueError: {H}: query must be (N, L, E) or (L, E), got (1, 2, 3, 4)"),
    (multi_head, (t, zeros(5, 4), m, 2, *layer), {}, f"ValueError: {H}: key must be as the query but for the number of tokens, got query (2, 3, 4), key (5, 4)"),
    (multi_head, (t, zeros(1, 5, 4), m, 2, *layer), {}, f"ValueError: {H}: key must be as the query but for the number of tokens, got query (2, 3, 4), key (1, 5, 4)"),
    (multi_head, (t, m, zeros(2, 5, 6), 2, *layer), {}, f"ValueError: {H}: value must be as the query but for the number of tokens, got query (2, 3, 4), value (2, 5, 6)"),
    (multi_head, (t, m, zeros(2, 6, 4), 2, *layer), {}, f"ValueError: {H}: key has 5 tokens but value has 6 (key (2, 5, 4), value (2, 6, 4))"),
    (multi_head, (t, m, m, 2, zeros(4, 4), *layer[1:]), {}, f"ValueError: {H}: in_proj_weight must be (12, 4) for 4 features, got (4, 4)"),
    (multi_head, (t, m, m, 2, zeros(4, 12), *layer[1:]), {}, f"ValueError: {H}: in_proj_weight must be (12, 4) for 4 features, got (4, 12)"),
    (multi_head, (t, m, m, 2, layer[0], zeros(4), *layer[2:]), {}, f"ValueError: {H}: in_proj_bias must be (12,) for 4 features, got (4,)"),
    (multi_head, (t, m, m, 2, *layer[:2], zeros(3, 4), layer[3]), {}, f"ValueError: {H}: out_proj_weight must be (4, 4) for 4 features, got (3, 4)"),
    (multi_head, (t, m, m, 2, *layer[:3], zeros(1, 4)), {}, f"ValueError: {H}: out_proj_bias must be (4,) for 4 features, got (1, 4)"),
    (multi_head, (t, m, zeros(2, 5, 4, dtype="float32"), 2, *layer), {}, f"TypeError: {H}: query is float64 but value is float32; they must be equal"),
    (multi_head, (t, m, m, 2, *layer[:3], zeros(4, dtype="float32")), {}, f"TypeError: {H}: query is float64 but out_proj_bias is float32; they must be equal"),
    (multi_head, (zeros(3, 1, dtype="int64"),) * 3 + (1, zeros(3, 1, dtype="int64"), None, zeros(1, 1, dtype="int64"), None), {}, f"TypeError: {H}: torch offers it for floating-point numbers alone, got int64"),
    (multi_head, (t, m, m, 2, *layer), {"attn_mask": [True]}, f"TypeError: {H}: attn_mask must be a NumPy array or a torch tensor, got list"),
    (multi_head, (t, m, m, 2, *layer), {"attn_mask": zeros(3, 4)}, f"ValueError: {H}: attn_mask (3, 4) does not broadcast to the weights (2, 2, 3, 5)"),
    (multi_head, (t, m, m, 2, *layer), {"attn_mask": zeros(4, 3, 5)}, f"ValueError: {H}: attn_mask (4, 3, 5) does not broadcast to the weights (2, 2, 3, 5)"),
    (multi_head, (zeros(3, 4), zeros(5, 4), zeros(5, 4), 2, *layer), {"attn_mask": zeros(2, 2, 3, 5)}, f"ValueError: {H}: attn_mask (2, 2, 3, 5) does not broadcast to the weights (2, 3, 5)"),
    (multi_head, (t, m, m, 2, *layer), {"attn_mask": zeros(3, 5, dtype="int64")}, f"TypeError: {H}: attn_mask must be bool or float32 or float64, got int64"),
    (multi_head, (t, m, m, 2, *layer), {"attn_mask": zeros(3, 5), "is_causal": True}, f"ValueError: {H}: give either attn_mask or is_causal=True, not both"),
    (multi_head, (t, m, m, 2, *layer), {"is_causal": 1}, f"TypeError: {H}: is_causal must be True or False, got 1"),
    (multi_head, (t, m, m, 2, *layer), {"need_weights": None}, f"TypeError: {H}: need_weights must be True or False, got None"),
    (multi_head, (*[zeros(2**18, 4)] * 3, 2, *layer), {"need_weights": True}, f"ValueError: {H}: the result and its scratch would take 2048 GiB, more than the 64 GiB that are allowed"),
    (multi_head_backward, ([1], t, m, m, 2, *layer), {}, f"TypeError: {HB}: grad_output must be a NumPy array or a torch tensor, got list"),
    (multi_head_backward, (m, t, m, m, 2, *layer), {}, f"ValueError: {HB}: grad_output is (2, 5, 4) but the output is (2, 3, 4)"),
    (multi_head_backward, (zeros(2, 3, 4, dtype="float32"), t, m, m, 2, *layer), {}, f"TypeError: {HB}: query is float64 but grad_output is float32; they must be equal"),
    (multi_head_backward, (t, t, m, m, 3, *layer), {}, f"ValueError: {HB}: 4 features cannot be split into 3 heads (query (2, 3, 4))"),
    (multi_head_backward, (t, t, m, m, 2, *layer), {"attn_mask": zeros(3, 5), "is_causal": True}, f"ValueError: {HB}: give either attn_mask or is_causal=True, not both"),
    (multi_head_backward, (*[zeros(2**18, 4)] * 4, 2, *layer), {}, f"ValueError: {HB}: the result and its scratch would take 5120 GiB, more than the 64 GiB that are allowed"),
    (backward, (zeros(2**17, 2**17), large, zeros(1, 1), zeros(1, 2**17)), {}, f"ValueError: {B}: the result and its scratch would take 128 GiB, more than the 64 GiB that are allowed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "arguments", "options", "message"),
    WRONG,
    ids=[f"{case[-1]} {i}" for i, case in enumerate(WRONG)],
)
def test_a_wrong_call_is_told_what_is_wrong(function, arguments, options, message):
    assert_refused(function, arguments, options, message)


@pytest.mark.parametrize("dropout_p", [0.0, 0.5])
def test_too_many_weights_are_refused_for_arrays_and_left_to_torch_for_tensors(dropout_p):
    for function, more in ((attention, ()), (backward, (large,))):
        arrays = [array.make("numpy") for array in (*more, large, large, large)]
        with pytest.raises(ValueError, match=r"would take \d+ GiB, more than the 64 GiB that are allowed"):
            function(*arrays, dropout_p=dropout_p)
        meta = [torch.empty(1, 1, 2**17, 1, device="meta") for _ in arrays]
        results = function(*meta, dropout_p=dropout_p)
        for result in results if isinstance(results, tuple) else (results,):
            assert result.shape == meta[0].shape and result.device.type == "meta"
