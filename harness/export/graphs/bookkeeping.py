"""What torch does for the reader of a graph, left out while nobody reads.

An export changes graphs hundreds of times, and after each change torch writes the graph out as
Python and compiles that, and for each new node it copies the whole history of the node that it
was made from. Neither reaches the file; together they took a third of an export's time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.fx.graph import _PyTreeCodeGen
from torch.fx.graph_module import GraphModule
from torch.fx.traceback import NodeSource

_generate_code = GraphModule.recompile


@contextmanager
def without_graph_bookkeeping() -> Iterator[None]:
    """Generate a graph's code when the graph is called, and let nodes share their histories.

    For a process that exports and does nothing else: torch is changed for all of its threads. Code
    that traces a graph by reading its Python (``torch.export`` with ``strict=True``) has no place
    within.
    """
    try:
        GraphModule.recompile = _generate_code_later  # type: ignore[assignment,method-assign]
        # A history never changes once it is written.
        NodeSource.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]
        yield
    finally:
        GraphModule.recompile = _generate_code  # type: ignore[method-assign]
        del NodeSource.__deepcopy__  # type: ignore[attr-defined]


def _generate_code_later(self: GraphModule) -> None:
    codegen = self._graph._codegen
    if isinstance(codegen, _PyTreeCodeGen):
        self._in_spec = codegen.pytree_info.in_spec
        self._out_spec = codegen.pytree_info.out_spec
    # Debug messages print it.
    self._code = ""
    # Every graph module has a class of its own.
    type(self).forward = _generate_code_and_call


def _generate_code_and_call(self: GraphModule, *args: Any, **kwargs: Any) -> Any:
    _generate_code(self)
    return self(*args, **kwargs)
