"""Passes that decide operator by operator, asked beforehand what they would change.

On its way into ExecuTorch's dialect a graph is traced anew by eight passes, and six of them look
for what most graphs do not hold: a transposition without its axes, operands of mixed types. Their
own functions say of each operator what they would write, and need no trace for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.fx import Graph, Node, Proxy, map_arg
from torch.utils import _pytree as pytree

from harness.backends.known_values import is_the_same

if TYPE_CHECKING:
    from executorch.exir.pass_base import ExportPass
    from torch.fx import GraphModule
    from torch.fx.passes.infra.pass_base import PassResult


@contextmanager
def with_asked_passes() -> Iterator[None]:
    """Leave a graph as it is where such a pass would write it as it is.

    For a process that exports and does nothing else: ExecuTorch is changed for all of its threads.
    A graph that somebody changed since it was last traced is traced again, for a trace finds out
    the values of nodes, too.
    """
    from executorch.exir.pass_base import _ExportPassBase
    from torch._export.pass_base import _ExportPassBaseDeprecatedDoNotUse
    from torch.fx.passes.infra.pass_base import PassResult

    asked, traced = _asked_passes(), _TracedGraph()
    bases: tuple[Any, ...] = (_ExportPassBase, _ExportPassBaseDeprecatedDoNotUse)
    traces = {base: base.call for base in bases}

    def remembering(base: Any) -> Any:
        def trace_and_remember(self: object, graph_module: GraphModule) -> PassResult:
            is_asked = isinstance(self, asked) and traced.is_as_left(graph_module)
            if is_asked and not _would_change(self, graph_module):
                return PassResult(graph_module, False)
            result: PassResult = traces[base](self, graph_module)
            traced.remember(result.graph_module)
            return result

        return trace_and_remember

    try:
        for base in bases:
            base.call = remembering(base)
        yield
    finally:
        for base, trace in traces.items():
            base.call = trace


def _asked_passes() -> tuple[type, ...]:
    """Passes that keep nothing of an operator that they were asked about before."""
    from executorch.exir.passes import MemoryFormatOpsPass
    from executorch.exir.passes.normalize_transpose_pass import NormalizeTransposePass
    from executorch.exir.passes.remove_mixed_type_operators import RemoveMixedTypeOperators
    from executorch.exir.passes.replace_broken_ops_with_function_ops_pass import (
        ReplaceBrokenOpsWithFunctionalOpsPass,
    )
    from executorch.exir.passes.scalar_to_tensor_pass import ScalarToTensorPass
    from executorch.exir.passes.sym_to_tensor_pass import SymToTensorPass

    return (
        MemoryFormatOpsPass,
        NormalizeTransposePass,
        RemoveMixedTypeOperators,
        ReplaceBrokenOpsWithFunctionalOpsPass,
        ScalarToTensorPass,
        SymToTensorPass,
    )


class _TracedGraph:
    """What the last trace of a pass has written."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._parts: list[object] = []

    def remember(self, graph_module: GraphModule) -> None:
        """Keep what a trace has written."""
        self._graph, self._parts = graph_module.graph, _parts(graph_module.graph)

    def is_as_left(self, graph_module: GraphModule) -> bool:
        """Whether a graph is that one, and nobody has changed it since."""
        if graph_module.graph is not self._graph:
            return False
        parts = _parts(graph_module.graph)
        return len(parts) == len(self._parts) and all(map(_are_alike, parts, self._parts))


def _parts(graph: Graph) -> list[object]:
    """What makes up the nodes, one after the other: arguments and values never change in place."""
    return [
        part
        for node in graph.nodes
        for part in (node, node.target, node.args, node.kwargs, node.meta.get("val"))
    ]


def _are_alike(one: object, other: object) -> bool:
    """Whether two parts are the same, or arguments of the same."""
    if one is other:
        return True
    are_arguments = isinstance(one, tuple | dict) and isinstance(other, tuple | dict)
    return are_arguments and _have_the_same_leaves(one, other)


def _have_the_same_leaves(one: object, other: object) -> bool:
    leaves, others = pytree.tree_leaves(one), pytree.tree_leaves(other)
    return len(leaves) == len(others) and all(map(is_the_same, leaves, others))


def _would_change(decider: ExportPass, graph_module: GraphModule) -> bool:
    """Whether a pass would write any operator otherwise than it is."""
    from executorch.exir.pass_base import NodeMetadata, ProxyValue, _ExportPassBase

    nodes = graph_module.graph.nodes
    values = {node: ProxyValue(node.meta.get("val"), Proxy(node)) for node in nodes}
    written: list[tuple[object, ...]] = []
    write = _ExportPassBase.call_operator

    def note(self: ExportPass, *call: object) -> object:
        written.append(call)
        return values[node]

    try:
        _ExportPassBase.call_operator = note
        for node in nodes:
            if node.op == "get_attr" or isinstance(node.target, torch._ops.HigherOrderOperator):
                return True
            if not _is_operator(node):
                continue
            args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
            written.clear()
            value = decider.call_operator(node.target, args, kwargs, NodeMetadata(node.meta))
            as_is = value is values[node] and len(written) == 1
            if not as_is or not _is_call(written[0], node, args, kwargs):
                return True
    finally:
        _ExportPassBase.call_operator = write
    return False


def _is_operator(node: Node) -> bool:
    from executorch.exir.dialects.edge._ops import EdgeOpOverload

    return isinstance(node.target, torch._ops.OpOverload | EdgeOpOverload)


def _is_call(
    call: tuple[Any, ...], node: Node, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> bool:
    """Whether what a pass would write is the node: same operator, operands and notes."""
    operator, its_args, its_kwargs, meta = call
    return (
        operator is node.target
        and len(its_args) == len(args)
        and its_kwargs.keys() == kwargs.keys()
        and _have_the_same_leaves((its_args, its_kwargs), (args, kwargs))
        and meta.data.keys() == node.meta.keys()
        and all(meta.data[name] is noted for name, noted in node.meta.items())
    )
