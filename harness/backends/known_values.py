"""Values of a graph's nodes that a pass has found out before.

ExecuTorch's passes run a whole graph on fake tensors to write it anew. For most nodes operator and
inputs are those of the pass before, and so is the value. With an open extent each value that is
computed again costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import Interpreter, Node
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from executorch.exir.pass_base import ExportPass


@contextmanager
def with_known_values() -> Iterator[None]:
    """Let passes take over a node's value where an earlier pass computed it from the same values.

    For a process that exports and does nothing else: ExecuTorch is changed for all of its threads.
    The file that comes out is the same, byte for byte.
    """
    from executorch.exir.pass_base import _ExportPassBase
    from torch._export.pass_base import _ExportPassBaseDeprecatedDoNotUse

    knowing = _KnowingInterpreter()
    with ExitStack() as stack:
        for base in (_ExportPassBase, _ExportPassBaseDeprecatedDoNotUse):
            stack.enter_context(_asks(base, knowing))
        yield


@contextmanager
def _asks(base: Any, knowing: _KnowingInterpreter) -> Iterator[None]:
    """Let passes of one base compute values where they are known."""
    reader = base.ExportInterpreter
    read, write = reader.run_node, base._fx

    def run_node(self: Interpreter, node: Node) -> object:
        knowing.node = node
        return read(self, node)

    def write_with_known_value(self: ExportPass, *arguments: object) -> object:
        self.interpreter = knowing
        return write(self, *arguments)

    try:
        reader.run_node, base._fx = run_node, write_with_known_value
        yield
    finally:
        reader.run_node, base._fx = read, write


@dataclass(frozen=True)
class _Call:
    """How a value came about: what is compared by identity is kept alive by it.

    Attributes:
        value: What came out.
        operator: Of torch; an operator of ExecuTorch's dialect computes what that of torch does.
        leaves: Operands, one by one.
        structure: How they belong together.
    """

    value: FakeTensor
    operator: object
    leaves: tuple[object, ...]
    structure: pytree.TreeSpec

    def is_of(self, operator: object, leaves: Sequence[object], structure: pytree.TreeSpec) -> bool:
        """Whether another call is the same."""
        return (
            operator is self.operator
            and structure == self.structure
            and all(map(is_the_same, leaves, self.leaves))
        )


class _KnowingInterpreter(Interpreter):
    """Computes values of what a pass writes.

    Attributes:
        node: Of the graph that the pass reads, the one that it is at.
    """

    node: Node | None = None

    def __init__(self) -> None:
        super().__init__(torch.fx.GraphModule(torch.nn.Module(), torch.fx.Graph()))
        self._calls: dict[int, _Call] = {}

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Value of an operator on values."""
        known = None if self.node is None else self.node.meta.get("val")
        # Passes run without gradients, so values with some are not what they would compute.
        if not isinstance(known, FakeTensor) or known.requires_grad:
            return super().call_function(target, args, kwargs)
        leaves, structure = pytree.tree_flatten((args, kwargs))
        call, operator = self._calls.get(id(known)), _torch_operator(target)
        if call is not None and call.is_of(operator, leaves, structure):
            return known
        computed = super().call_function(target, args, kwargs)
        if not _is_alike(computed, known):
            return computed
        # The same object lets what follows be known, too.
        self._calls[id(known)] = _Call(known, operator, tuple(leaves), structure)
        return known


def _torch_operator(target: Any) -> object:
    return target if isinstance(target, torch._ops.OpOverload) else getattr(target, "_op", target)


def is_the_same(one: object, other: object) -> bool:
    """Whether two operands are: one object, or numbers or words of one type that are equal."""
    plain = type(one) is type(other) and isinstance(one, bool | int | float | str)
    return one is other or (plain and one == other)


def _is_alike(computed: object, known: FakeTensor) -> bool:
    return (
        isinstance(computed, FakeTensor)
        and computed.fake_mode is known.fake_mode
        and computed.constant is known.constant is None
        and _layout(computed) == _layout(known)
    )


def _layout(value: FakeTensor) -> tuple[object, ...]:
    extents = (*value.shape, *value.stride(), value.storage_offset())
    return value.device, value.dtype, value.requires_grad, value.ndim, *map(str, extents)
