"""One node of a graph as its operation sees it, and the table of all operations that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import fx

from convlib.receptive_field.meeting import union
from convlib.receptive_field.trace import Trace, operation, shapes
from convlib.receptive_field.value import Value


class UnknownOperation(NotImplementedError):
    """An operation whose reach is not known; the message names the node."""


class Call:
    """The arguments of one node by name; tensors are `Value`, and what was not asked for is remembered."""

    def __init__(self, node: fx.Node, trace: Trace, values: dict[fx.Node, Any], where: str) -> None:
        self.node, self.trace, self.values, self.where = node, trace, values, where
        self.name = operation(node).removeprefix("aten::")
        self.shapes = shapes(node)
        self.used: set[str] = set()
        schema = getattr(node.target, "_schema", None)
        parameters = schema.arguments if schema else []
        self.names = [one.name for one in parameters]
        self.given: dict[str, Any] = {
            one.name: one.default_value for one in parameters if one.has_default_value()
        }
        self.given |= {one.name: given for one, given in zip(parameters, node.args, strict=False)}
        self.given |= node.kwargs

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result, or of the first of several."""
        first: Any = self.shapes
        while isinstance(first, list):
            first = first[0]
        return tuple(first)

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def __getitem__(self, name: str) -> Any:
        self.used.add(name)
        return self._value(self.given[name])

    def get(self, *names: str, default: Any = None) -> Any:
        """The first of several names that the overload at hand knows."""
        return next((self[name] for name in names if name in self.given), default)

    @property
    def first(self) -> Value:
        """The tensor that comes first, whatever its name."""
        value: Value = self[self.names[0]]
        return value

    def _value(self, given: Any) -> Any:
        if isinstance(given, fx.Node):
            return self.values[given]
        if isinstance(given, list | tuple):
            return [self._value(one) for one in given]
        return given

    def ints(self, name: str, count: int, default: Any = 0) -> list[int]:
        """One integer for each axis."""
        given = self.get(name)
        if given is None or given == []:
            given = default
        several = list(given) if isinstance(given, list | tuple) else [given]
        return several * count if len(several) == 1 else several

    def concrete(self, name: str) -> torch.Tensor:
        """The value of a tensor that does not depend on the image."""
        value: torch.Tensor = fx.map_arg(self.given[name], self.trace.concrete)
        return value

    def tensors(self, only_unused: bool = False) -> list[Value]:
        """All tensors among the arguments that see something of the image."""
        found: list[Value] = []

        def collect(value: Any) -> None:
            if isinstance(value, Value) and value.reaches:
                found.append(value)
            elif isinstance(value, list):
                for one in value:
                    collect(one)

        for name, given in self.given.items():
            if not (only_unused and name in self.used):
                collect(self._value(given))
        return found


Operator: TypeAlias = Callable[[Call], Any]
OPERATORS: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Enter a function in the table under the names of its operations."""

    def enter(function: Operator) -> Operator:
        for name in names:
            OPERATORS[name] = function
        return function

    return enter


def everything(values: Sequence[Value], shape: Sequence[int], reason: str) -> Value:
    """Each unit sees whatever any unit of any of these tensors sees."""
    ones = [1] * len(shape)
    points = [
        value.mixed(range(len(value.shape)), reason, [1] * len(value.shape)).reshaped(ones)
        for value in values
    ]
    return union(points, ones).broadcast(shape).lost(reason)


def pointwise(call: Call) -> Value:
    """Each unit sees what the units at its place see."""
    call.used |= call.given.keys()
    return union(call.tensors(), call.shape)


# Known to torch as a composition of others, so that no tag says it; or copies, or a tensor like another.
POINTWISE = """
    dropout alpha_dropout feature_dropout feature_alpha_dropout native_dropout bernoulli fake_quantize
    relu6 selu celu hardswish hardsigmoid prelu _prelu_kernel rrelu rrelu_with_noise log_sigmoid
    log_sigmoid_forward softplus softshrink hardshrink hardtanh mish silu gelu elu leaky_relu threshold
    where masked_fill square clamp clip addcmul addcdiv lerp rsub floor_divide true_divide divide
    multiply subtract negative absolute clamp_min clamp_max logical_and special_expit nan_to_num real positive
    clone contiguous detach alias lift_fresh lift_fresh_copy _to_copy to type_as conj _conj resolve_conj
    resolve_neg copy fill zero float half double
    zeros_like ones_like empty_like full_like rand_like randn_like new_zeros new_ones"""
OPERATORS.update(dict.fromkeys(POINTWISE.split(), pointwise))


def find(node: fx.Node) -> Operator | None:
    """The operator of a node, if it is known."""
    name = operation(node).removeprefix("aten::")
    known = OPERATORS.get(name) or OPERATORS.get(name.removesuffix("_"))
    if known is None and torch.Tag.pointwise in getattr(node.target, "tags", ()):
        return pointwise
    return known


def apply(call: Call, known: Operator) -> Any:
    """Run an operator; a tensor that it did not ask for, such as a computed weight, is seen as a whole."""
    result = known(call)
    unasked = call.tensors(only_unused=True)
    if unasked and isinstance(result, Value):
        whole = everything(unasked, result.shape, f"a weight computed from the image, {call.where}")
        result = union([result, whole], result.shape)
    if isinstance(call.shapes, list) and isinstance(result, Value):
        main = result
        result = [
            main
            if shape == main.shape
            else everything([main], shape, call.where)
            if shape is not None
            else None
            for shape in call.shapes
        ]
    return result
