"""Autograd and devices. *Placement* is judged without a GPU: a computation on meta tensors stays there.

`pytest -m cuda` runs the same operations on a CUDA device, with their values; without one they are skipped.
"""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import convlib

cuda = pytest.param("cuda", marks=[
    pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
])  # fmt: skip


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(len(shape) + sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


# Each operation with the tensors that it takes: every one of them is differentiated.
OPERATIONS: dict[str, tuple[Callable, tuple[torch.Tensor, ...]]] = {
    "conv1d": (
        partial(convlib.conv1d, stride=2, padding=1, dilation=2, groups=2),
        (numbers(2, 4, 9), numbers(2, 2, 3), numbers(2)),
    ),
    "conv1d, one sequence, same": (
        partial(convlib.conv1d, padding="same"), (numbers(2, 9), numbers(3, 2, 4)),
    ),
    "conv2d": (
        partial(convlib.conv2d, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        (numbers(2, 4, 5, 6), numbers(4, 2, 3, 2), numbers(4)),
    ),
    "conv2d, one image, same": (
        partial(convlib.conv2d, padding="same"), (numbers(2, 5, 6), numbers(3, 2, 2, 4)),
    ),
    "conv2d, valid": (
        partial(convlib.conv2d, padding="valid"), (numbers(1, 2, 5, 6), numbers(3, 2, 2, 3)),
    ),
    "conv3d": (
        partial(convlib.conv3d, stride=2, padding=1),
        (numbers(1, 2, 4, 3, 4), numbers(2, 2, 2, 3, 2), numbers(2)),
    ),
    "conv3d, one volume, same": (
        partial(convlib.conv3d, padding="same"), (numbers(1, 3, 3, 3), numbers(2, 1, 2, 1, 3)),
    ),
    "conv1d_input": (
        partial(convlib.conv1d_input, (2, 2, 9), stride=2), (numbers(3, 2, 4), numbers(2, 3, 3)),
    ),
    "conv2d_input": (
        partial(convlib.conv2d_input, (2, 4, 6, 5), stride=2, padding=1, groups=2),
        (numbers(2, 2, 3, 3), numbers(2, 2, 3, 3)),
    ),
    "conv2d_input, one image, same": (
        partial(convlib.conv2d_input, (2, 5, 6), padding="same"), (numbers(3, 2, 2, 4), numbers(3, 5, 6)),
    ),
    "conv3d_input": (
        partial(convlib.conv3d_input, (1, 2, 3, 3, 3)), (numbers(2, 2, 2, 2, 2), numbers(1, 2, 2, 2, 2)),
    ),
    "conv1d_weight": (
        lambda input, grad: convlib.conv1d_weight(input, (3, 2, 4), grad, stride=2),
        (numbers(2, 2, 9), numbers(2, 3, 3)),
    ),
    "conv2d_weight": (
        lambda input, grad: convlib.conv2d_weight(input, (2, 2, 3, 3), grad, stride=2, padding=1, groups=2),
        (numbers(2, 4, 6, 5), numbers(2, 2, 3, 3)),
    ),
    "conv2d_weight, one image, same": (
        lambda input, grad: convlib.conv2d_weight(input, (3, 2, 2, 4), grad, padding="same"),
        (numbers(2, 5, 6), numbers(3, 5, 6)),
    ),
    "conv3d_weight": (
        lambda input, grad: convlib.conv3d_weight(input, (2, 2, 2, 2, 2), grad),
        (numbers(1, 2, 3, 3, 3), numbers(1, 2, 2, 2, 2)),
    ),
    "conv2d_backward": (
        partial(convlib.conv2d_backward, padding=1),
        (numbers(2, 3, 4, 5), numbers(2, 2, 4, 5), numbers(3, 2, 3, 3)),
    ),
    "conv_matrix": (
        partial(convlib.conv_matrix, input_size=(2, 4, 3), padding="same"), (numbers(3, 2, 2, 3),),
    ),
    "correlate2d": (partial(convlib.correlate2d, mode="same"), (numbers(4, 5), numbers(2, 3))),
    "convolve2d": (convlib.convolve2d, (numbers(4, 5), numbers(2, 3))),
    "pad": (partial(convlib.pad, pad=(1, -1, 2, 0), value=1.5), (numbers(2, 3, 4),)),
    "pad, reflect": (partial(convlib.pad, pad=(1, 2, 2, 0), mode="reflect"), (numbers(2, 3, 4),)),
    "pad, replicate": (partial(convlib.pad, pad=(1, 2, 2, 0), mode="replicate"), (numbers(2, 3, 4),)),
    "pad, circular": (partial(convlib.pad, pad=(1, 2, 2, 0), mode="circular"), (numbers(2, 3, 4),)),
    "sliding_windows": (
        partial(convlib.sliding_windows, kernel_size=(2, 3), stride=2, dilation=(2, 1)),
        (numbers(2, 5, 6),),
    ),
    "unfold": (
        partial(convlib.unfold, kernel_size=(2, 3), dilation=2, padding=1, stride=2), (numbers(2, 5, 6),),
    ),
    "fold": (
        partial(convlib.fold, output_size=(5, 6), kernel_size=2, padding=1, stride=2), (numbers(1, 8, 12),),
    ),
    "interpolate, nearest": (partial(convlib.interpolate, size=(5, 3)), (numbers(1, 2, 4, 6),)),
    "interpolate, nearest-exact": (
        partial(convlib.interpolate, size=3, mode="nearest-exact"), (numbers(2, 1, 4),),
    ),
    "interpolate, linear": (
        partial(convlib.interpolate, scale_factor=1.7, mode="linear"), (numbers(2, 2, 5),),
    ),
    "interpolate, bilinear": (
        partial(convlib.interpolate, size=7, mode="bilinear", align_corners=True), (numbers(1, 2, 4, 6),),
    ),
    "interpolate, bicubic, antialias": (
        partial(convlib.interpolate, size=(2, 9), mode="bicubic", antialias=True), (numbers(1, 2, 6, 5),),
    ),
    "interpolate, bicubic": (partial(convlib.interpolate, size=7, mode="bicubic"), (numbers(1, 2, 4, 6),)),
    "interpolate, trilinear": (
        partial(convlib.interpolate, scale_factor=(2, 0.5, 1.5), mode="trilinear"), (numbers(1, 1, 3, 4, 2),),
    ),
    "interpolate, area": (partial(convlib.interpolate, size=(3, 5), mode="area"), (numbers(1, 2, 4, 6),)),
    "interpolate_backward": (
        partial(convlib.interpolate_backward, input_size=(1, 2, 4, 6), size=5, mode="bilinear"),
        (numbers(1, 2, 5, 5),),
    ),
    "interpolate_backward, antialias": (
        partial(
            convlib.interpolate_backward, input_size=(1, 2, 9, 6), size=3, mode="bilinear", antialias=True
        ),
        (numbers(1, 2, 3, 3),),
    ),
    "scaled_dot_product_attention": (
        convlib.scaled_dot_product_attention, (numbers(2, 3, 4, 2), numbers(2, 3, 5, 2), numbers(2, 3, 5, 6)),
    ),
    "scaled_dot_product_attention, mask of numbers": (
        partial(convlib.scaled_dot_product_attention, scale=-0.7),
        (numbers(2, 1, 4, 2), numbers(3, 5, 2), numbers(1, 5, 6), numbers(3, 1, 5)),
    ),
    "scaled_dot_product_attention, causal, grouped": (
        partial(convlib.scaled_dot_product_attention, is_causal=True, enable_gqa=True),
        (numbers(2, 4, 3, 2), numbers(2, 2, 5, 2), numbers(2, 1, 5, 3)),
    ),
    "scaled_dot_product_attention_backward": (
        partial(convlib.scaled_dot_product_attention_backward, is_causal=True),
        (numbers(2, 4, 3), numbers(2, 4, 2), numbers(1, 5, 2), numbers(5, 3)),
    ),
    "scaled_dot_product_attention_backward, mask of numbers, grouped": (
        partial(convlib.scaled_dot_product_attention_backward, scale=0.7, enable_gqa=True),
        (numbers(4, 4, 3), numbers(4, 4, 2), numbers(2, 5, 2), numbers(1, 5, 3), numbers(5)),
    ),
}  # fmt: skip
operations = pytest.mark.parametrize(("operation", "tensors"), OPERATIONS.values(), ids=OPERATIONS.keys())


class OneDevice(TorchDispatchMode):
    """Refuses every step of a computation that takes or gives a tensor of another device."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device
        self.steps = 0

    def __torch_dispatch__(self, step, types, args=(), kwargs=None):
        result = step(*args, **(kwargs or {}))
        seen = {
            leaf.device.type for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)
        }
        assert seen <= {self.device}, f"{step} works on {sorted(seen)}"
        self.steps += 1
        return result


def forward_and_backward(operation, tensors, device):
    """(results, gradients), from leaves on the device, with everything between seen by `OneDevice`."""
    leaves = [tensor.to(device, copy=True).requires_grad_() for tensor in tensors]
    with OneDevice(device) as guard:
        results = operation(*leaves)
        results = results if isinstance(results, tuple) else (results,)
        torch.autograd.backward(
            [result for result in results], [torch.ones_like(result) for result in results]
        )
    assert guard.steps > 0
    return results, [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("device", ["cpu", "meta", cuda])
@operations
def test_nothing_leaves_the_device_forward_or_backward(operation, tensors, device):
    results, gradients = forward_and_backward(operation, tensors, device)
    expected, expected_gradients = forward_and_backward(operation, tensors, "cpu")
    for actual, reference in zip((*results, *gradients), (*expected, *expected_gradients), strict=True):
        assert actual.device.type == device
        assert actual.shape == reference.shape
        assert actual.dtype == reference.dtype
        if device != "meta":
            torch.testing.assert_close(actual.cpu(), reference)


def test_the_guard_notices_a_tensor_of_another_device():
    with OneDevice("meta"), pytest.raises(AssertionError, match=r"works on \['cpu'\]"):
        torch.eye(3)
    two = torch.tensor(2.0)
    with OneDevice("meta"), pytest.raises(AssertionError, match=r"works on \['cpu', 'meta'\]"):
        torch.ones(2, device="meta") * two


@operations
def test_arrays_and_tensors_agree(operation, tensors):
    with torch.no_grad():
        twins = operation(*tensors)
    results = operation(*(tensor.numpy() for tensor in tensors))
    if not isinstance(results, tuple):
        results, twins = (results,), (twins,)
    for result, twin in zip(results, twins, strict=True):
        torch.testing.assert_close(torch.tensor(result), twin)


@operations
def test_autograd_flows_and_is_right(operation, tensors):
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(operation, leaves, fast_mode=True)


def test_the_gradient_of_the_gradient_is_right_too():
    leaves = [numbers(1, 2, 4, 4).requires_grad_(), numbers(2, 2, 2, 3).requires_grad_()]
    assert torch.autograd.gradgradcheck(partial(convlib.conv2d, padding="same"), leaves, fast_mode=True)


@pytest.mark.parametrize("device", ["cpu", cuda])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_smaller_number_types_stay_and_are_close(dtype, device):
    image, weight, bias = numbers(2, 4, 6, 6), numbers(3, 4, 3, 3), numbers(3)
    small = [tensor.to(device, dtype, copy=True).requires_grad_() for tensor in (image, weight, bias)]
    output = convlib.conv2d(*small, padding=1)
    assert output.dtype == dtype
    exact = convlib.conv2d(*(tensor.detach().double().cpu() for tensor in small), padding=1)
    tolerance = {
        torch.bfloat16: 2**-6,
        torch.float16: 2**-9,
        torch.float32: 1e-3 if device == "cuda" else 1e-5,
    }
    torch.testing.assert_close(output.double().cpu(), exact, rtol=tolerance[dtype], atol=4 * tolerance[dtype])
    output.sum().backward()
    assert all(tensor.grad.dtype == dtype for tensor in small)


def test_same_gives_no_warning_about_even_kernels():
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # torch tells most things only once; warnings are errors here
    try:
        convlib.conv2d(numbers(1, 5, 5), numbers(1, 1, 2, 2), padding="same")
    finally:
        torch.set_warn_always(before)


def test_checking_does_not_look_at_a_single_number():
    """Values on a GPU would have to be waited for."""

    class NoValues(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            assert getattr(function, "__name__", "") not in {
                "item",
                "tolist",
                "numpy",
                "__bool__",
                "__float__",
            }
            return function(*args, **(kwargs or {}))

    with NoValues():
        for operation, tensors in OPERATIONS.values():
            operation(*tensors)
