"""Passes over a graph that change nothing, and trace the whole of it again all the same.

A trace of a decoder of 32 layers in one graph with an open extent takes minutes. XNNPACK's two
passes about batch norms make one each although a decoder has none. On the way there ExecuTorch
decomposes each graph three times over, and there is nothing to do for two of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch._ops import OperatorBase
    from torch.export import ExportedProgram
    from torch.fx import GraphModule
    from torch.fx.passes.infra.pass_base import PassResult


@contextmanager
def without_idle_traces() -> Iterator[None]:
    """Lower without tracing a graph again that XNNPACK's passes or decomposing leave as it was.

    For a process that exports and does nothing else: torch and ExecuTorch are changed for all of
    its threads. The file that comes out is the same but for the numbers by which traces of a run
    name its operators, for these count the nodes of graphs on the way.
    """
    from executorch.backends.xnnpack._passes.xnnpack_pass import XNNPACKPass
    from executorch.exir.pass_base import ExportPass
    from torch.export import ExportedProgram
    from torch.fx.passes.infra.pass_base import PassResult

    begin = ExportPass.__call__
    before: list[tuple[object, ...]] = []

    def remember(self: ExportPass, graph_module: GraphModule) -> PassResult | None:
        before[:] = _nodes(graph_module)
        result: PassResult | None = begin(self, graph_module)
        return result

    def trace_if_changed(self: ExportPass, graph_module: GraphModule) -> PassResult:
        """What passes end with."""
        if before == _nodes(graph_module):
            return PassResult(graph_module, False)
        traced: PassResult = ExportPass.call(self, graph_module)
        return traced

    decompose = ExportedProgram.run_decompositions

    def decompose_if_any(
        self: ExportedProgram,
        decomp_table: dict[OperatorBase, Callable[..., Any]] | None = None,
        **options: Any,
    ) -> ExportedProgram:
        """The program itself, not a copy, where it stays as it is: who lowers it needs no other."""
        if decomp_table is not None and not _has_work(self, decomp_table):
            return self
        decomposed: ExportedProgram = decompose(self, decomp_table, **options)
        return decomposed

    try:
        XNNPACKPass.__call__ = remember
        XNNPACKPass.call = trace_if_changed
        ExportedProgram.run_decompositions = decompose_if_any  # type: ignore[method-assign]
        yield
    finally:
        ExportedProgram.run_decompositions = decompose  # type: ignore[method-assign]
        del XNNPACKPass.__call__, XNNPACKPass.call


def _has_work(program: ExportedProgram, table: Container[object]) -> bool:
    """Whether decomposing changes a graph.

    Whatever is asked for, packed weights are taken apart, and operators made functional.
    """
    import torch
    from torch.utils._python_dispatch import is_traceable_wrapper_subclass

    graphs = (
        one for one in program.graph_module.modules() if isinstance(one, torch.fx.GraphModule)
    )
    nodes = itertools.chain.from_iterable(one.graph.nodes for one in graphs)
    called = {node.target for node in nodes if node.op == "call_function"}
    # A size stands in the table to be computed another way, and comes out as it was.
    decomposed = any(one in table for one in called - {torch.ops.aten.sym_size.int})
    operators = [one for one in called if isinstance(one, torch._ops.OperatorBase)]
    tensors = (*program.state_dict.values(), *program.constants.values())
    unpacked = any(map(is_traceable_wrapper_subclass, tensors))
    return decomposed or unpacked or any(map(_is_always_decomposed, operators))


def _is_always_decomposed(operator: OperatorBase) -> bool:
    """Whether every decomposition takes an operator away, whatever it is asked for.

    That is what writes into its inputs, what may or may not be a view of one, and what has graphs
    within. Source: torch's ``_check_valid_to_preserve``.
    """
    import torch
    from torch._decomp import _should_decompose_because_unsafe_op

    if not isinstance(operator, torch._ops.OpOverload):
        return True
    arguments = operator._schema.arguments
    is_composite = operator.has_kernel_for_dispatch_key(
        torch._C.DispatchKey.CompositeImplicitAutograd
    )
    may_be_a_view = is_composite and any(one.alias_info is not None for one in arguments)
    return (
        operator._schema.is_mutable
        or may_be_a_view
        or _should_decompose_because_unsafe_op(operator)
    )


def _nodes(graph_module: GraphModule) -> list[tuple[object, ...]]:
    return [
        (node.name, node.op, str(node.target), str(node.args), str(node.kwargs))
        for node in graph_module.graph.nodes
    ]
