"""Whether a node is a weight, asked of every node of a graph by each of Qualcomm's passes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.export.graph_signature import ExportGraphSignature, InputSpec
    from torch.fx import Node

    Lookup = Callable[[ExportedProgram, Node], bool]

_LOOKUPS = ("is_param", "is_buffer", "is_lifted_tensor_constant")
_TABLES = (
    "inputs_to_parameters",
    "inputs_to_buffers",
    "inputs_to_lifted_tensor_constants",
    "non_persistent_buffers",
)


@contextmanager
def quick_parameter_lookups() -> Iterator[None]:
    """Look only inputs up among a program's weights, in tables that are made once, for all threads.

    Each of torch's three lookups makes a table of all weights first, and all are made for every
    node although weights are inputs of a graph: a seventh of an export's time. A table is made anew
    when inputs are added, taken away or renamed; what renames them otherwise than by
    ``replace_all_uses``, ``torch.export`` itself, has no place within.
    """
    from executorch.backends.qualcomm.builders import utils
    from torch.export.graph_signature import ExportGraphSignature

    slow: dict[str, Lookup] = {name: getattr(utils, name) for name in _LOOKUPS}
    made: dict[str, Any] = {name: getattr(ExportGraphSignature, name) for name in _TABLES}
    rename, tables = ExportGraphSignature.replace_all_uses, dict[tuple[str, int], _Table]()

    def rename_and_forget(self: ExportGraphSignature, old: str, new: str) -> None:
        tables.clear()
        rename(self, old, new)

    try:
        for name, lookup in slow.items():
            setattr(utils, name, _of_inputs(lookup))
        for name, table in made.items():
            setattr(ExportGraphSignature, name, property(_kept(name, table.fget, tables)))
        ExportGraphSignature.replace_all_uses = rename_and_forget  # type: ignore[method-assign]
        yield
    finally:
        ExportGraphSignature.replace_all_uses = rename  # type: ignore[method-assign]
        for name, table in made.items():
            setattr(ExportGraphSignature, name, table)
        for name, lookup in slow.items():
            setattr(utils, name, lookup)


def _of_inputs(lookup: Lookup) -> Lookup:
    def look_up(program: ExportedProgram, node: Node) -> bool:
        return node.op == "placeholder" and lookup(program, node)

    return look_up


@dataclass(frozen=True)
class _Table:
    """What a signature said of its inputs.

    Attributes:
        signature: Kept, so that no other gets its identity.
        inputs: Descriptions of the inputs.
        content: The table.
    """

    signature: ExportGraphSignature
    inputs: tuple[InputSpec, ...]
    content: Any


def _kept(
    name: str,
    make: Callable[[ExportGraphSignature], Any],
    tables: dict[tuple[str, int], _Table],
) -> Callable[[ExportGraphSignature], Any]:
    def table(self: ExportGraphSignature) -> Any:
        known, inputs = tables.get((name, id(self))), self.input_specs
        if known is None or not _are_the_same(known.inputs, inputs):
            known = tables[name, id(self)] = _Table(self, tuple(inputs), make(self))
        return known.content

    return table


def _are_the_same(inputs: Sequence[InputSpec], others: Sequence[InputSpec]) -> bool:
    return len(inputs) == len(others) and all(map(operator.is_, inputs, others))
