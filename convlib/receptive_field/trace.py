"""From a model to the graph of its operations, by torch itself: `torch.export`, else `make_fx`."""

from __future__ import annotations

import contextlib
import functools
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn


@dataclass
class Trace:
    """Nodes in the order of their computation, and what else a reader of the graph needs."""

    nodes: list[fx.Node]
    images: set[fx.Node]
    outputs: list[fx.Node]
    constants: dict[fx.Node, Any] = field(default_factory=dict)

    def concrete(self, node: fx.Node) -> Any:
        """The value of a node that does not depend on the image: an index, a mask, a table of positions."""
        if node not in self.constants:
            if node.op != "call_function":
                raise LookupError(node.name)
            arguments = fx.map_arg((node.args, node.kwargs), self.concrete)
            with torch.no_grad():
                self.constants[node] = node.target(*arguments[0], **arguments[1])  # type: ignore[operator]
        return self.constants[node]


def trace(
    model: nn.Module, example: torch.Tensor, known: Callable[[fx.Node], bool] = lambda _: True
) -> Trace:
    """Follow one call of the model, with sizes alone: nothing is computed.

    Operations stay as large as they are in the code. Where one of them is not known, it is taken apart, and
    what `torch.export` cannot take apart (a block without gradients, say) is left to `make_fx`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(model, (example,))
            if any(map(_writes_into_a_view, program.graph.nodes)):
                program = program.run_decompositions({})
            first = _of_program(program)
        except Exception as problem:
            try:
                return _by_make_fx(model, example)
            except Exception:
                raise problem from None  # what torch.export says is the clearer of the two
        if _all_known(first, known):
            return first
        apart: list[Callable[[], Trace]] = [
            lambda: _of_program(program.run_decompositions({})),
            lambda: _by_make_fx(model, example),
        ]
        for again in apart:
            with contextlib.suppress(Exception):
                graph = again()
                if _all_known(graph, known):
                    return graph
    return first


def _all_known(graph: Trace, known: Callable[[fx.Node], bool]) -> bool:
    """Whether every operation on the way from the image is known."""
    seeing = set(graph.images)
    for node in graph.nodes:
        if node.op == "call_function" and not seeing.isdisjoint(node.all_input_nodes):
            seeing.add(node)
            if operation(node) != "getitem" and shapes(node) is not None and not known(node):
                return False
    return True


def _of_program(program: Any) -> Trace:
    signature = program.graph_signature
    held = {**program.state_dict, **program.constants}
    targets = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    nodes, constants, images = list(program.graph.nodes), {}, set()
    for node in nodes:
        if node.op == "placeholder":
            if node.name in targets:
                constants[node] = held.get(targets[node.name])
            else:
                images.add(node)
        elif node.op == "get_attr":
            constants[node] = getattr(program.graph_module, node.target, None)
    wanted = set(signature.user_outputs)
    outputs = [node for node in _results(nodes) if node.name in wanted]
    return Trace(nodes, images, outputs, constants)


def _by_make_fx(model: nn.Module, example: torch.Tensor) -> Trace:
    from torch.fx.experimental.proxy_tensor import make_fx

    def call(image: torch.Tensor) -> Any:
        return torch.utils._pytree.tree_leaves(model(image))

    graph = make_fx(call, tracing_mode="fake", record_module_stack=True, _allow_non_fake_inputs=True)(example)
    nodes = list(graph.graph.nodes)
    images = {node for node in nodes if node.op == "placeholder"}
    constants = {
        node: getattr(graph, node.target, None)
        for node in nodes
        if node.op == "get_attr" and "." not in node.target
    }
    return Trace(nodes, images, _results(nodes), constants)


def _results(nodes: list[fx.Node]) -> list[fx.Node]:
    found: list[fx.Node] = []
    fx.map_arg(nodes[-1].args, found.append)
    return list(dict.fromkeys(found))


VIEWS = re.compile(
    "aten::(slice|select|view|reshape|narrow|transpose|permute|split|chunk|unbind|diagonal|t)$"
)


def operation(node: fx.Node) -> str:
    """The name of the operation without its overload: ``aten::conv2d``."""
    schema = getattr(node.target, "_schema", None)
    return schema.name if schema else getattr(node.target, "__name__", str(node.target))


def _writes_into_a_view(node: fx.Node) -> bool:
    """Then a view and the tensor behind it change together, which a graph shows once it is functional."""
    schema = getattr(node.target, "_schema", None)
    if not (schema and schema.is_mutable and node.args and isinstance(node.args[0], fx.Node)):
        return False
    source: Any = node.args[0]
    if operation(source) == "getitem":
        source = source.args[0]
    return any(one.op == "call_function" and VIEWS.match(operation(one)) for one in (source, *source.users))


def modules(node: fx.Node) -> list[tuple[str, str]]:
    """Path and class of the modules around a node, the innermost last."""
    stack = node.meta.get("nn_module_stack") or {}
    found = []
    for path, kind in stack.values():
        name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        found.append((_plain(str(path)), name))
    return found


@functools.cache
def _plain(path: str) -> str:
    """Without the number of the call, and without what older exporters put in front."""
    return re.sub(r"^L\['self'\]\.?", "", re.sub(r"@\d+", "", path))


def shapes(node: fx.Node) -> Any:
    """The shape of what a node gives, or a list of shapes."""

    def shape(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return [shape(one) for one in value]
        return tuple(map(int, value.shape)) if isinstance(value, torch.Tensor) else None

    value = node.meta.get("val")
    return shape(node.meta.get("tensor_meta")) if value is None else shape(value)
