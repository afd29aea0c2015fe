"""Whether a node is a weight, asked of every node of a graph by each of Qualcomm's passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node

    Lookup = Callable[[ExportedProgram, Node], bool]

_LOOKUPS = ("is_param", "is_buffer", "is_lifted_tensor_constant")


@contextmanager
def quick_parameter_lookups() -> Iterator[None]:
    """Look only inputs up among a program's weights, for all threads.

    Each of torch's three lookups makes a dictionary of all weights first, and all are made for
    every node although weights are inputs of a graph: a seventh of an export's time.
    """
    from executorch.backends.qualcomm.builders import utils

    slow: dict[str, Lookup] = {name: getattr(utils, name) for name in _LOOKUPS}
    try:
        for name, lookup in slow.items():
            setattr(utils, name, _of_inputs(lookup))
        yield
    finally:
        for name, lookup in slow.items():
            setattr(utils, name, lookup)


def _of_inputs(lookup: Lookup) -> Lookup:
    def look_up(program: ExportedProgram, node: Node) -> bool:
        return node.op == "placeholder" and lookup(program, node)

    return look_up
