"""Any torch model: its graph, node by node, from the image to the outputs."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import fx, nn

from convlib.receptive_field import mixing, rearranging, spatial
from convlib.receptive_field.field import Field
from convlib.receptive_field.operators import Call, UnknownOperation, apply, everything, find, pointwise
from convlib.receptive_field.report import Misalignment, Report
from convlib.receptive_field.row import Row
from convlib.receptive_field.seen import each_pixel
from convlib.receptive_field.trace import Trace, modules, operation, shapes, trace
from convlib.receptive_field.track import Track
from convlib.receptive_field.value import Reach, Value

JOINS = (pointwise, rearranging.joining, rearranging.stacking)
SILENT = {"getitem", "aten::detach", "aten::alias", "aten::clone", "aten::contiguous", "aten::dropout"}
ROOMS = (mixing, rearranging, spatial)  # importing them fills the table of operations


def analyse(model: nn.Module, example: torch.Tensor, unknown: str) -> Report:
    """What every node of the model's graph sees of the example image."""
    graph = trace(model, example, lambda node: find(node) is not None)
    return Walk(graph, tuple(example.shape[2:]), unknown).report()


class Walk:
    """One pass over the nodes in the order of their computation."""

    def __init__(self, graph: Trace, image: tuple[int, ...], unknown: str) -> None:
        self.graph, self.image, self.unknown = graph, image, unknown
        self.values: dict[fx.Node, Any] = {}
        self.order = {node: number for number, node in enumerate(graph.nodes)}
        self.names = dict(_names(graph))
        self.misalignments: list[Misalignment] = []

    def report(self) -> Report:
        """All rows, in order."""
        rows = []
        for node in self.graph.nodes:
            if node.op == "output":
                continue
            value = self.values[node] = self.value(node)
            if isinstance(value, Value) and value.reaches and node.op == "call_function":
                source = node.all_input_nodes[0] if operation(node) == "getitem" else node
                below = [self.values[one] for one in self._seeing(source)]
                paths = tuple(path for path, _ in modules(node) if path)
                last = node in self.graph.outputs
                rows.append(Row(self.names[node], _operation(node), paths, self.image, value, below, last))
        return Report(self.image, rows, self.misalignments)

    def value(self, node: fx.Node) -> Any:
        """What one node gives: a `Value`, a list of them, or None for what is no tensor."""
        shape = shapes(node)
        if node in self.graph.images:
            return _image(shape, self.image)
        if not self._seeing(node):
            return _blind(shape)
        if operation(node) == "getitem":
            source, index = node.args
            return self.values[source][index]  # type: ignore[index]
        if shape is None:
            return None
        return self._operated(node)

    def _operated(self, node: fx.Node) -> Any:
        where = self.names[node]
        call = Call(node, self.graph, self.values, where)
        known = find(node)
        problem = f"{call.name} is not known"
        if known:
            try:
                result = apply(call, known)
            except UnknownOperation as unknown:
                problem = str(unknown)
            else:
                if known in JOINS:
                    self._compare(node, call)
                return result
        if self.unknown != "whole":
            raise UnknownOperation(
                f"receptive_field: {problem}, at node {node.name!r} ({where}); with unknown='whole' every "
                "unit of it is taken to see whatever its inputs see"
            )
        reason = f"{call.name} is not known, {where}"
        return _each(call.shapes, lambda shape: everything(call.tensors(), shape, reason))

    def _seeing(self, node: fx.Node) -> list[fx.Node]:
        return [one for one in node.all_input_nodes if _sees(self.values.get(one))]

    def _compare(self, node: fx.Node, call: Call) -> None:
        """Where paths meet, they should look at the same places."""
        meeting = [one for one in self._seeing(node) if isinstance(self.values[one], Value)]
        joined_dim = call.get("dim", default=None) if "tensors" in call and call.name != "stack" else None
        for axis in range(len(self.image)):
            known: list[tuple[fx.Node, Track]] = []
            for one in meeting:
                track = self.values[one].reaches[axis].track
                track = track and track.settled()
                if track and (joined_dim is None or track.dim != joined_dim % len(call.shape)):
                    known.append((one, track))
            for one, track in known[1:]:
                first, other = known[0][1].field, track.field
                if not first.aligned(other):
                    self._note(node, axis, (known[0][0], one), (first, other))
                    break

    def _note(
        self, node: fx.Node, axis: int, ends: tuple[fx.Node, fx.Node], fields: tuple[Field, Field]
    ) -> None:
        paths = self._paths(*ends)
        jumps, centres = tuple(one.jump for one in fields), tuple(one.centre for one in fields)
        self.misalignments.append(Misalignment(self.names[node], axis, paths, jumps, centres))

    def _paths(self, left: fx.Node, right: fx.Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The two ways from the last node that both come from, by name."""
        colours: dict[fx.Node, int] = {}
        came: dict[tuple[fx.Node, int], fx.Node | None] = {}
        queue: list[tuple[int, fx.Node]] = []

        def visit(node: fx.Node, colour: int, after: fx.Node | None) -> None:
            for bit in (1, 2):
                if colour & bit:
                    came.setdefault((node, bit), after)
            if node not in colours:
                heapq.heappush(queue, (-self.order[node], node))
            colours[node] = colours.get(node, 0) | colour

        visit(left, 1, None)
        visit(right, 2, None)
        fork = left
        while queue:
            _, fork = heapq.heappop(queue)
            if colours[fork] == 3:
                break
            for below in self._seeing(fork):
                visit(below, colours[fork], fork)
        return self._way(fork, 1, came), self._way(fork, 2, came)

    def _way(
        self, fork: fx.Node, colour: int, came: dict[tuple[fx.Node, int], fx.Node | None]
    ) -> tuple[str, ...]:
        names, node = [], came.get((fork, colour))
        while node is not None:
            if operation(node) not in SILENT:
                names.append(self.names[node])
            node = came.get((node, colour))
        return tuple(names)


def _image(shape: tuple[int, ...], image: tuple[int, ...]) -> Value:
    reaches = []
    for axis, size in enumerate(image):
        dim = len(shape) - len(image) + axis
        reaches.append(Reach(each_pixel(size, dim, len(shape)), size, Track(Field(), dim, size)))
    return Value(shape, tuple(reaches))


def _each(shape: Any, make: Any) -> Any:
    if isinstance(shape, list):
        return [_each(one, make) for one in shape]
    return None if shape is None else make(shape)


def _blind(shape: Any) -> Any:
    return _each(shape, Value)


def _sees(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_sees, value))
    return isinstance(value, Value) and bool(value.reaches)


def _operation(node: fx.Node) -> str:
    """The operation's short name; for one of several results, that of the operation behind it."""
    if operation(node) == "getitem":
        source, index = node.args
        return f"{_operation(source)}[{index}]"  # type: ignore[arg-type]
    return operation(node).removeprefix("aten::").removesuffix("_")


def _names(graph: Trace) -> Iterator[tuple[fx.Node, str]]:
    """The path of its module for each node, with the operation where a module has several."""
    inside: dict[str, set[str]] = {}
    seeing: set[fx.Node] = set(graph.images)
    for node in graph.nodes:
        if node.op == "call_function" and not seeing.isdisjoint(node.all_input_nodes):
            seeing.add(node)
            inside.setdefault(_path(node), set()).add(_operation(node).partition("[")[0])
    used: Counter[str] = Counter()
    for node in graph.nodes:
        path = _path(node) if node.op == "call_function" else ""
        name = _operation(node) if node.op == "call_function" else node.name
        if path:
            name = path if len(inside.get(path, ())) == 1 and _is_leaf(node) else f"{path} ({name})"
        used[name] += node in seeing
        yield node, name if used[name] < 2 else f"{name} #{used[name]}"


def _path(node: fx.Node) -> str:
    stack = modules(node)
    return stack[-1][0] if stack else ""


def _is_leaf(node: fx.Node) -> bool:
    stack = modules(node)
    return bool(stack) and stack[-1][1].startswith("torch.nn.modules.")
