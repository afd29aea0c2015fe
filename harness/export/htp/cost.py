"""What the graphs of a compiled ``.pte`` will cost, as compiler and context binary state it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.artifacts.manifest import GraphCost
from harness.backends.qnn.context_info import describe_context
from harness.backends.qnn.delegates import read_delegates
from harness.backends.qnn.lowering import LoweredMethod
from harness.backends.qnn.provider import QnnInfo

_BYTES_PER_MIB = 2**20


def graph_costs(
    lowered: Mapping[str, LoweredMethod], path: Path, qnn: QnnInfo
) -> tuple[GraphCost, ...]:
    """One row per method.

    Args:
        lowered: What became of each method.
        path: The ``.pte`` that holds them.
        qnn: The active QNN.
    """
    vtcm = _vtcm_mib_by_graph(path, qnn)
    return tuple(_cost(name, method, vtcm.get(name)) for name, method in lowered.items())


def _vtcm_mib_by_graph(path: Path, qnn: QnnInfo) -> dict[str, int]:
    """What the contexts state, which is not what was asked for if the compiler overrode it."""
    contexts = dict.fromkeys(delegate.context for delegate in read_delegates(path))
    described = [describe_context(path, one, qnn) for one in contexts if one is not None]
    graphs = [graph for context in described if context is not None for graph in context.graphs]
    return {
        graph.name: graph.vtcm_bytes // _BYTES_PER_MIB
        for graph in graphs
        if graph.vtcm_bytes is not None
    }


def _cost(name: str, method: LoweredMethod, vtcm_mib: int | None) -> GraphCost:
    def total(figure: str) -> int | None:
        told = method.traffic
        return None if told is None else sum(getattr(one, figure) for one in told)

    return GraphCost(
        method=name,
        ddr_read_bytes=total("read_total_bytes"),
        ddr_write_bytes=total("write_total_bytes"),
        spill_bytes=total("spill_bytes"),
        fill_bytes=total("fill_bytes"),
        vtcm_mib=vtcm_mib,
        delegates=method.delegates,
        cpu_ops=method.cpu_operations,
        context_bytes=method.context_bytes,
    )
