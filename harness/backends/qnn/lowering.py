"""Lowering to the HTP with Qualcomm's compiler, and what it prints of the graphs it made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from harness.backends.qnn.delegation import CompilerOptions, HtpMethod, delegate
from harness.backends.qnn.native_log import STDOUT, captured_native_log

if TYPE_CHECKING:
    from executorch.exir import EdgeProgramManager


_HEADING = "DDR bandwidth summary"
_FIELD = re.compile(r"^(\w+)=(\d+)\s*$")


@dataclass(frozen=True)
class DdrTraffic:
    """DRAM traffic of one call of one graph, as the compiler counts it at the end of its work.

    Attributes:
        spill_bytes: Moved out of VTCM for lack of room.
        fill_bytes: Moved back into VTCM.
        write_total_bytes: All writes.
        read_total_bytes: All reads.
    """

    spill_bytes: int
    fill_bytes: int
    write_total_bytes: int
    read_total_bytes: int


def read_ddr_traffic(lines: Sequence[str]) -> list[DdrTraffic | None]:
    """Find all summaries in a compiler's output, in the order in which graphs were finished.

    Compilers of other versions may print none, or other figures: a summary that lacks one is None.
    """
    headings = [index for index, line in enumerate(lines) if _HEADING in line]
    return [_read_section(lines[start:end]) for start, end in pairwise([*headings, len(lines)])]


def _read_section(lines: Sequence[str]) -> DdrTraffic | None:
    names = [field.name for field in fields(DdrTraffic)]
    matches = [_FIELD.match(line.strip()) for line in lines]
    found = {match[1]: int(match[2]) for match in matches if match}
    return DdrTraffic(*map(found.__getitem__, names)) if found.keys() >= set(names) else None


@dataclass(frozen=True)
class LoweredMethod:
    """What became of one method.

    Attributes:
        delegates: Number of parts that run on the HTP.
        cpu_operations: Operations that stay on the CPU, each as often as it occurs.
        context_bytes: Size of the largest compiled context that holds a part of it; contexts hold
            the parts of all methods.
        traffic: DRAM traffic of one call of each part; None if the compiler did not tell it of
            every part of every method, so that nobody knows which part it told it of.
    """

    delegates: int
    cpu_operations: tuple[str, ...]
    context_bytes: int
    traffic: tuple[DdrTraffic, ...] | None


def lower_to_pte(
    methods: Mapping[str, HtpMethod],
    constants: Mapping[str, object],
    options: CompilerOptions,
    plan_io_memory: bool,
    output: BinaryIO,
) -> dict[str, LoweredMethod]:
    """Compile methods into one ``.pte`` with one context per part.

    The provider must be active. See :func:`harness.backends.xnnpack.lower_to_pte` for
    ``constants``, ``plan_io_memory`` and ``output``.

    Returns:
        What became of each method.
    """
    from executorch.backends.qualcomm._passes.build_quant_io import BuildQuantIo
    from executorch.exir import ExecutorchBackendConfig
    from executorch.exir.passes import MemoryPlanningPass

    edge, traffic = _compiled(methods, constants, options)
    program = edge.to_executorch(
        ExecutorchBackendConfig(
            passes=[BuildQuantIo()],
            memory_planning_pass=MemoryPlanningPass(
                alloc_graph_input=plan_io_memory, alloc_graph_output=plan_io_memory
            ),
        )
    )
    program.write_to_file(output)
    return _lowered(edge, tuple(methods), traffic)


def _compiled(
    methods: Mapping[str, HtpMethod], constants: Mapping[str, object], options: CompilerOptions
) -> tuple[EdgeProgramManager, list[DdrTraffic | None]]:
    """Let Qualcomm's compiler work, and read what it says of each graph."""
    log: list[str] = []
    try:
        with captured_native_log(STDOUT) as log:
            edge = delegate(methods, constants, options)
    finally:
        # The reason of a failure is in there, for whoever reads the export's log.
        print(*log, sep="\n")
    return edge, read_ddr_traffic(log)


def _lowered(
    edge: EdgeProgramManager, methods: Sequence[str], traffic: Sequence[DdrTraffic | None]
) -> dict[str, LoweredMethod]:
    contexts = {name: _contexts(edge, name) for name in methods}
    told = [one for one in traffic if one is not None]
    told_all = len(told) == len(traffic) == sum(map(len, contexts.values()))
    return {
        name: LoweredMethod(
            delegates=len(contexts[name]),
            cpu_operations=_cpu_operations(edge, name),
            context_bytes=max(contexts[name], default=0),
            # Parts are compiled one after the other, and of each part one graph per method.
            traffic=tuple(told[index :: len(methods)]) if told_all else None,
        )
        for index, name in enumerate(methods)
    }


def _contexts(edge: EdgeProgramManager, method: str) -> list[int]:
    """Sizes of the compiled contexts that hold the parts of a method."""
    return [
        len(module.processed_bytes)
        for _, module in edge.exported_program(method).graph_module.named_children()
        if hasattr(module, "processed_bytes")
    ]


def _cpu_operations(edge: EdgeProgramManager, method: str) -> tuple[str, ...]:
    graph = edge.exported_program(method).graph_module.graph
    names = [str(node.target) for node in graph.nodes if node.op == "call_function"]
    return tuple(sorted(name for name in names if "getitem" not in name and "delegate" not in name))
