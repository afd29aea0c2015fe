"""Values of a graph's nodes that are known before a pass asks for them.

ExecuTorch's passes run a whole graph on fake tensors to write it anew. Of most nodes neither the
operator nor an input is another than before, so neither is the value, which the node still holds.
With an open extent each value that is computed again costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import Interpreter, Node
from torch.fx.node import map_arg
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from executorch.exir.pass_base import ExportPass

_NOBODY = object()


@contextmanager
def with_known_values() -> Iterator[None]:
    """Let passes take a node's value from the graph that they read where it cannot be another.

    For a process that exports and does nothing else: ExecuTorch is changed for all of its threads.
    The file that comes out is the same, byte for byte.
    """
    from executorch.exir.pass_base import _ExportPassBase

    reader: Any = _ExportPassBase.ExportInterpreter
    read, write = reader.run_node, _ExportPassBase._fx
    knowing = _KnowingInterpreter()

    def run_node(self: Interpreter, node: Node) -> object:
        knowing.node = node
        return read(self, node)

    def write_with_known_value(self: ExportPass, *arguments: object) -> object:
        self.interpreter = knowing
        return write(self, *arguments)

    try:
        reader.run_node, _ExportPassBase._fx = run_node, write_with_known_value
        yield
    finally:
        reader.run_node, _ExportPassBase._fx = read, write


class _KnowingInterpreter(Interpreter):
    """Computes values of what a pass writes.

    Attributes:
        node: Of the graph that the pass reads, the one that it is at.
    """

    node: Node | None = None

    def __init__(self) -> None:
        super().__init__(torch.fx.GraphModule(torch.nn.Module(), torch.fx.Graph()))

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Value of an operator on values."""
        node = self.node
        known = None if node is None or target is not node.target else node.meta.get("val")
        # Passes run without gradients, so values with some are not what they would find.
        if node is None or not isinstance(known, FakeTensor) or known.requires_grad:
            return super().call_function(target, args, kwargs)
        if _are_the_same((args, kwargs), (node.args, node.kwargs)):
            return known
        computed = super().call_function(target, args, kwargs)
        # The same object lets the nodes behind it keep theirs.
        return known if _is_alike(computed, known) else computed


def _are_the_same(values: object, of_nodes: Any) -> bool:
    """Whether values are those that the inputs of a node had."""
    values_of_nodes = map_arg(of_nodes, lambda node: node.meta.get("val", _NOBODY))
    given, structure = pytree.tree_flatten(values)
    had, same_structure = pytree.tree_flatten(values_of_nodes)
    return structure == same_structure and all(
        one is other or (type(one) in (bool, int, float, str) and one == other)
        for one, other in zip(given, had, strict=True)
    )


def _is_alike(computed: object, known: FakeTensor) -> bool:
    return isinstance(computed, FakeTensor) and _layout(computed) == _layout(known)


def _layout(value: FakeTensor) -> tuple[object, ...]:
    extents = (*value.shape, *value.stride(), value.storage_offset())
    return value.dtype, value.ndim, *map(str, extents)
