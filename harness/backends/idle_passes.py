"""XNNPACK's passes that change nothing, which trace their whole graph again all the same.

A trace of a decoder of 32 layers in one graph with an open extent takes minutes, and ExecuTorch's
two passes about batch norms make one each although a decoder has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.fx import GraphModule
    from torch.fx.passes.infra.pass_base import PassResult


@contextmanager
def without_idle_traces() -> Iterator[None]:
    """Lower to XNNPACK without tracing a graph again that a pass has left as it was.

    For a process that exports and does nothing else: ExecuTorch is changed for all of its threads.
    The file that comes out is the same, byte for byte.
    """
    from executorch.backends.xnnpack._passes.xnnpack_pass import XNNPACKPass
    from executorch.exir.pass_base import ExportPass
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

    try:
        XNNPACKPass.__call__ = remember
        XNNPACKPass.call = trace_if_changed
        yield
    finally:
        del XNNPACKPass.__call__, XNNPACKPass.call


def _nodes(graph_module: GraphModule) -> list[tuple[object, ...]]:
    return [
        (node.name, node.op, str(node.target), str(node.args), str(node.kwargs))
        for node in graph_module.graph.nodes
    ]
