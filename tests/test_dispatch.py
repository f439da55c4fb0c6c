# ruff: noqa: E501  (messages stand whole, so that they can be searched for)

import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_inputs import CALLS
from torch.utils._python_dispatch import TorchDispatchMode

import convlib
from convlib import (
    conv1d,
    conv2d,
    conv2d_backward,
    conv2d_input,
    conv2d_weight,
    correlate2d,
    fold,
    pad,
    scaled_dot_product_attention,
    scaled_dot_product_attention_backward,
    sliding_windows,
    unfold,
)
from convlib._dispatch import dispatch

ARRAYS = np.ones((1, 4, 4)), np.ones((2, 1, 3, 3))
TENSORS = torch.ones(1, 4, 4), torch.ones(2, 1, 3, 3)


def run(code: str) -> str:
    """What a fresh Python prints."""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_importing_convlib_loads_neither_torch_nor_matplotlib():
    assert run("import convlib, sys; print({'torch', 'matplotlib'} & set(sys.modules))") == "set()"


def test_computing_with_arrays_never_imports_torch():
    code = """
import sys
import numpy as np
from convlib import *
x, w = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
conv2d(x, w, np.ones(1), padding="same")
conv1d(np.ones((1, 4)), np.ones((1, 1, 2))), conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)))
conv2d_backward(np.ones((1, 1, 2, 2)), x, w), conv_matrix(w, (1, 4, 4))
correlate2d(x[0, 0], w[0, 0]), convolve2d(x[0, 0], w[0, 0])
fold(unfold(x, 2), 4, 2), pad(x[0], (1, 1, 1, 1), "reflect"), pad(x, (1, 1), value=1.5), sliding_windows(x, (2, 2))
interpolate(x, 3, mode="lanczos", antialias=True), interpolate_backward(x, (1, 1, 6, 6), 4), resize_matrix(3, 2)
max_pool2d(x, 2), max_pool2d_backward(x[..., :2, :2], x, 2, ties="shared"), avg_pool2d(x, 2), lp_pool2d(x, 2, 2)
max_unpool2d(*max_pool2d(x, 2, return_indices=True), 2), adaptive_avg_pool2d(x, 3), global_max_pool2d(x)
blur_pool2d(x), c4_pool(c4_conv(c4_lift(x, w), np.ones((1, 1, 4, 2, 2)))), equivariance_error(blur_pool2d, abs, x)
scaled_dot_product_attention(x, x, x, x[0, 0] > 0, 0.5), scaled_dot_product_attention_backward(x, x, x, x, x[0, 0])
t = to_tokens(x) + position_encoding_2d(4, 4)
layer = t, t, t, 2, np.ones((12, 4)), None, np.ones((4, 4)), None
multi_head_attention(*layer), multi_head_attention_backward(t, *layer), from_tokens(t, (4, 4))
unpatchify(patchify(x, 2), 4, 2), unpatchify(patchify(x, 2, 1), 4, 2, 1)
for wrong in (lambda: conv2d([1], w), lambda: conv2d(x, w.astype(bool)), lambda: pad(x, (1, 1), value="a")):
    try:
        wrong()
    except TypeError:
        continue
    raise SystemExit("not refused")
print("torch" in sys.modules)
"""
    assert run(code) == "False"


def test_arrays_give_arrays_and_tensors_give_tensors():
    assert type(conv2d(*ARRAYS)) is np.ndarray
    assert type(conv2d(*TENSORS)) is torch.Tensor
    assert all(type(gradient) is np.ndarray for gradient in conv2d_backward(np.ones((2, 2, 2)), *ARRAYS))
    assert all(type(gradient) is torch.Tensor for gradient in conv2d_backward(torch.ones(2, 2, 2), *TENSORS))


def test_parameters_of_a_layer_are_tensors():
    layer = torch.nn.Conv2d(1, 2, 3)
    output = conv2d(TENSORS[0], layer.weight, layer.bias)
    torch.testing.assert_close(output, layer(TENSORS[0]))
    assert output.requires_grad


def test_tensors_given_by_keyword_are_seen():
    assert type(conv2d(weight=TENSORS[1], input=TENSORS[0])) is torch.Tensor
    assert (
        type(conv2d_input(input_size=(1, 4, 4), grad_output=torch.ones(2, 2, 2), weight=TENSORS[1]))
        is torch.Tensor
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv2d(ARRAYS[0], TENSORS[1]), "conv2d: input is a NumPy array but weight is a torch tensor; convert one of them"),
        (lambda: conv2d(TENSORS[0], weight=ARRAYS[1]), "conv2d: weight is a NumPy array but input is a torch tensor; convert one of them"),
        (lambda: conv2d(*ARRAYS, bias=torch.ones(2)), "conv2d: input is a NumPy array but bias is a torch tensor; convert one of them"),
        (lambda: conv2d_input((1, 4, 4), ARRAYS[1], torch.ones(2, 2, 2)), "conv2d_input: weight is a NumPy array but grad_output is a torch tensor; convert one of them"),
        (lambda: conv2d_weight(ARRAYS[0], (2, 1, 3, 3), torch.ones(2, 2, 2)), "conv2d_weight: input is a NumPy array but grad_output is a torch tensor; convert one of them"),
        (lambda: conv2d_backward(np.ones((2, 2, 2)), *TENSORS), "conv2d_backward: grad_output is a NumPy array but input is a torch tensor; convert one of them"),
        (lambda: scaled_dot_product_attention(*[ARRAYS[0]] * 3, TENSORS[0]), "scaled_dot_product_attention: query is a NumPy array but attn_mask is a torch tensor; convert one of them"),
        (lambda: scaled_dot_product_attention_backward(ARRAYS[0], *[TENSORS[0]] * 3), "scaled_dot_product_attention_backward: grad_output is a NumPy array but query is a torch tensor; convert one of them"),
        (lambda: correlate2d(np.ones((2, 2)), torch.ones(2, 2)), "correlate2d: input is a NumPy array but kernel is a torch tensor; convert one of them"),
    ],
)  # fmt: skip
def test_arrays_and_tensors_do_not_mix(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv2d(*ARRAYS, strid=2), "conv2d() got an unexpected keyword argument 'strid'"),
        (lambda: conv2d(*TENSORS, strid=2), "conv2d() got an unexpected keyword argument 'strid'"),
        (lambda: conv1d(ARRAYS[0]), "conv1d() missing 1 required positional argument: 'weight'"),
        (lambda: conv2d(*ARRAYS, input=ARRAYS[0]), "conv2d() got multiple values for argument 'input'"),
        (lambda: conv2d(*ARRAYS, None, 1, 0, 1, 1, 1), "conv2d() takes from 2 to 7 positional arguments but 8 were given"),
        (lambda: conv2d_weight(ARRAYS[0]), "conv2d_weight() missing 2 required positional arguments: 'weight_size' and 'grad_output'"),
        (lambda: pad(ARRAYS[0], (1, 1), fill=0), "pad() got an unexpected keyword argument 'fill'"),
        (lambda: unfold(ARRAYS[0]), "unfold() missing 1 required positional argument: 'kernel_size'"),
        (lambda: scaled_dot_product_attention(*[ARRAYS[0]] * 3, None, 0.0, False, 0.5), "scaled_dot_product_attention() takes from 3 to 6 positional arguments but 7 were given"),
        (lambda: scaled_dot_product_attention_backward(*[TENSORS[0]] * 3), "scaled_dot_product_attention_backward() missing 1 required positional argument: 'value'"),
        (lambda: correlate2d(ARRAYS[0], same=1), "correlate2d() got an unexpected keyword argument 'same'"),
    ],
)  # fmt: skip
def test_python_s_own_refusals_name_the_function_that_was_called(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    suggestion = ". Did you mean 'stride'?"  # from Python 3.13 on
    assert str(caught.value).removesuffix(suggestion) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unfold(torch.ones(1, 4, 4).int(), 2), "unfold: torch does not offer it for torch.int32"),
        (lambda: fold(torch.ones(4, 9).long(), 4, 2), "fold: torch does not offer it for torch.int64"),
        (lambda: pad(torch.ones(1, 4).bool(), (1, 1), "reflect"), "pad: torch does not offer it for torch.bool"),
        (lambda: conv2d(torch.ones(1, 4, 4).to(torch.uint16), torch.ones(1, 1, 2, 2).to(torch.uint16)), "conv2d: torch does not offer it for torch.uint16"),
        (lambda: conv2d_input((1, 4, 4), TENSORS[1].int(), torch.ones(2, 2, 2).int()), "conv2d_input: torch does not offer it for torch.int32"),
    ],
)  # fmt: skip
def test_number_types_for_which_torch_has_no_kernel_are_a_type_error(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message
    assert isinstance(caught.value.__cause__, NotImplementedError)


NO_NUMBERS = [
    (lambda: np.ones((1, 4, 4), object), "conv2d: input must hold numbers, got an array of dtype('O')"),
    (lambda: np.ones((1, 4, 4), str), "conv2d: input must hold numbers, got an array of dtype('<U1')"),
    (lambda: np.ones((1, 4, 4), "S3"), "conv2d: input must hold numbers, got an array of dtype('S3')"),
    (lambda: np.ones((1, 4, 4), "M8[s]"), "conv2d: input must hold numbers, got an array of dtype('<M8[s]')"),
    (lambda: np.ones((1, 4, 4), "m8[s]"), "conv2d: input must hold numbers, got an array of dtype('<m8[s]')"),
    (lambda: np.ones((1, 4, 4), "V4"), "conv2d: input must hold numbers, got an array of dtype('V4')"),
    (lambda: np.ones((1, 4, 4), [("a", "f4")]), "conv2d: input must hold numbers, got an array of dtype([('a', '<f4')])"),
    (lambda: np.ma.masked_equal(ARRAYS[0], 1), "conv2d: input is a masked array, and its mask would be lost; fill it first"),
    (lambda: TENSORS[0].to_sparse(), "conv2d: input must be a dense tensor, got one that is sparse_coo"),
    (lambda: TENSORS[0][0].to_sparse_csr(), "conv2d: input must be a dense tensor, got one that is sparse_csr"),
    (lambda: torch.nested.nested_tensor([TENSORS[0]]), "conv2d: input must be a dense tensor, got one that is nested"),
    (lambda: torch.nested.nested_tensor([TENSORS[0][0]], layout=torch.jagged), "conv2d: input must be a dense tensor, got one that is nested"),
    (lambda: torch.quantize_per_tensor(TENSORS[0], 0.1, 0, torch.quint8), "conv2d: input must be a dense tensor, got one that is quantized"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # torch's, about tensors that are not yet, or no longer, all there
@pytest.mark.parametrize(("make", "message"), NO_NUMBERS, ids=[message for _, message in NO_NUMBERS])
def test_an_array_holds_a_number_at_every_place(make, message):
    array = make()
    with pytest.raises(TypeError) as caught:
        conv2d(array, TENSORS[1] if isinstance(array, torch.Tensor) else ARRAYS[1])
    assert str(caught.value) == message


def test_tensors_on_two_devices_do_not_mix():
    with pytest.raises(TypeError) as caught:
        conv2d(TENSORS[0], TENSORS[1], torch.ones(2, device="meta"))
    assert str(caught.value) == "conv2d: input is on cpu but bias is on meta; move one of them"


class Marked(np.ndarray):
    """Arrays of other libraries are subclasses too."""


@pytest.mark.parametrize("kind", [Marked, np.recarray, np.matrix, np.memmap])
def test_a_subclass_is_computed_with_as_the_array_that_it_is(kind):
    image = np.arange(12.0).reshape(3, 4)
    given, kernel = image.view(kind), np.array([[1.0, 2.0]]).view(kind)
    for function, arguments in (
        (correlate2d, (given, kernel)),
        (pad, (given, (1, 1))),
        (sliding_windows, (given, (2, 2))),
        (fold, (np.ones((4, 6)).view(kind), (3, 4), 2)),
    ):
        answer = function(*arguments)
        assert type(answer) is np.ndarray
        plain = [a.view(np.ndarray) if isinstance(a, np.ndarray) else a for a in arguments]
        np.testing.assert_array_equal(answer, function(*plain))


def test_a_mode_is_a_word_and_not_an_array_of_words():
    with pytest.raises(ValueError) as caught:
        correlate2d(np.ones((2, 2)), np.ones((2, 2)), np.array(["full", "same"]))
    assert (
        str(caught.value)
        == "correlate2d: mode must be 'full', 'same' or 'valid', got array(['full', 'same'], dtype='<U4')"
    )


def test_what_torch_does_not_offer_on_a_device_names_the_device():
    class NotThere(TorchDispatchMode):
        def __torch_dispatch__(self, step, types, args=(), kwargs=None):
            raise NotImplementedError(f"Could not run {step} with arguments from the 'Meta' backend.")

    there = [tensor.to("meta") for tensor in TENSORS]
    with NotThere(), pytest.raises(TypeError) as caught:
        conv2d(*there)
    assert str(caught.value) == "conv2d: torch does not offer it for torch.float32 on meta"


DISPATCHED = [
    name for name in convlib.__all__ if hasattr(getattr(convlib, name), "__wrapped__")
]  # fmt: skip


def test_everything_that_takes_arrays_is_dispatched_or_made_of_what_is():
    assert set(convlib.__all__) - set(DISPATCHED) == {
        "sliding_windows", "conv_multiply_adds", "conv_output_size", "conv_parameters", "conv_transpose_output_size",
        "effective_kernel_size", "resize_matrix", "conv_choices", "conv_input_sizes", "conv_memory",
        "conv_pixel_uses", "pool_output_size", "equivariance_error", "conv_transpose_pixel_uses",
        "conv_path_counts", "bilinear_kernel", "position_encoding_2d",
    }  # fmt: skip


@pytest.mark.parametrize("name", DISPATCHED)
def test_array_tensor_and_torch_take_the_same_parameters(name):
    from convlib import torch_ops

    def parameters(function):
        if list(inspect.signature(function).parameters) == [
            "args",
            "kwargs",
        ]:  # two functions behind one name
            function = getattr(F, f"{name}_with_indices")
        return [(p.name, p.default) for p in inspect.signature(function).parameters.values()]

    ours = parameters(getattr(convlib, name))
    assert parameters(getattr(torch_ops, name)) == ours
    theirs = getattr(F, name, None) or getattr(torch.nn.grad, name, None)
    if theirs is not None and not inspect.isbuiltin(theirs):
        assert parameters(theirs) == ours
    elif theirs is not None:  # compiled functions have their signature in their docstring alone
        stated = theirs.__doc__[theirs.__doc__.index("(") + 1 : theirs.__doc__.index(")")]
        assert [part.split("=")[0].strip() for part in stated.split(",")] == [name for name, _ in ours]


def test_the_public_names_are_all_there_and_documented():
    assert sorted(convlib.__all__, key=str.lower) == convlib.__all__
    for name in convlib.__all__:
        assert ">>>" in inspect.getdoc(getattr(convlib, name)), name


# --- what was right once is right again ---------------------------------------------------------------------


class Blind(np.ndarray):
    """An array whose sizes can be seen, and whose numbers cannot."""

    def look(self, *args, **kwargs):
        raise LookupError("somebody looked at the numbers")

    __array_ufunc__ = __array_function__ = __getitem__ = __iter__ = __float__ = __bool__ = look


@pytest.mark.parametrize("key", CALLS)
def test_a_check_looks_at_sizes_and_not_at_numbers(key):
    """Only so may a call be right because one of the same sizes was: `dispatch`."""
    if key.startswith("max_unpool"):
        assert inspect.getclosurevars(getattr(convlib, key.split(",")[0])).nonlocals["by_values"]
        return
    seen = []

    def blind(*shape):
        seen.append(np.ones(shape).view(Blind))
        return seen[-1]

    CALLS[key](blind, 2)
    assert seen


def test_a_call_like_an_earlier_one_is_not_checked_again():
    checked = []

    def check(input, sizes=(1, 2), flag=1):
        checked.append(flag)

    @dispatch(check)
    def total(input, sizes=(1, 2), flag=1):
        return input.sum()

    for arguments, fresh in [
        ((ARRAYS[0],), True),
        ((ARRAYS[0] + 1,), False),
        ((ARRAYS[0].astype("float32"),), True),
        ((ARRAYS[0].astype(">f4"),), True),
        ((ARRAYS[0][0],), True),
        ((ARRAYS[0], (1, 2)), True),
        ((ARRAYS[0], (1, 2)), False),
        ((ARRAYS[0], (1, 1)), True),
        ((ARRAYS[0], (1, True)), True),  # equal, but not a size
        ((ARRAYS[0], (1, 2), 1), True),
        ((ARRAYS[0], (1, 2), True), True),
        ((ARRAYS[0], (1, 2), 1.0), True),
        ((ARRAYS[0], (1, 2), 1.0), True),  # what is not of a plain kind is never remembered
        ((ARRAYS[0].view(Marked),), True),
        ((ARRAYS[0].view(Marked),), True),
        ((TENSORS[0],), True),
    ]:
        checked.clear()
        if isinstance(arguments[0], torch.Tensor):
            with pytest.raises(AttributeError, match="total"):  # torch has no twin of it
                total(*arguments)
        else:
            assert total(*arguments) == arguments[0].sum()
        assert bool(checked) is fresh, arguments[1:]


def test_the_names_of_arguments_belong_to_a_call():
    checked = []
    apart = dispatch(lambda left=None, right=None: checked.append(1))(
        lambda left=None, right=None: left is None
    )
    assert [apart(left=ARRAYS[0]), apart(right=ARRAYS[0]), apart(ARRAYS[0])] == [False, True, False]
    assert len(checked) == 3


def test_a_wrong_call_stays_wrong_and_no_more_than_so_many_are_remembered(monkeypatch):
    for _ in range(2):
        with pytest.raises(ValueError, match="conv2d"):
            conv2d(np.ones((1, 3, 3)), np.ones((1, 2, 1, 1)))
    monkeypatch.setattr("convlib._dispatch.REMEMBERED", 1)
    checked = []
    total = dispatch(lambda input: checked.append(1))(lambda input: input.sum())
    for side in (2, 3, 2, 3, 3):
        total(np.ones(side))
    assert len(checked) == 4  # that of 2 once, that of 3 each time
