"""What each cell of the HTP matrix came to, and whether that is good."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.table import Table

from benchmarks.run_methods import CallTime
from harness.backends.qnn.delegates import QnnDelegate
from harness.targets.emulator import EMULATOR
from harness.targets.registry import get_target
from harness.vocabulary import CPU_TABLES, Target

MAX_DECODE_CPU_MS = 80.0
"""Most CPU time of a decode step of a miniature in 16a8w on the emulator. It takes 27 to 34 ms, and
160 ms where the same decoder computes in float16."""


@dataclass(frozen=True)
class CellResult:
    """What one cell came to; a column of the CSV per field.

    Attributes:
        recipe: Its label.
        precision: Of the component.
        export_s: Wall seconds of the compilation, when it was made.
        delegates: Most pieces that one method is cut into; 1 where all of it is delegated.
        cpu_ops: Operators left on the CPU.
        spill_bytes: Over all methods; None where the compiler did not tell.
        run_ms: Emulator's wall time for one call of every method, which says nothing about a phone;
            None of what was not run.
        kv_forward_cpu_ms: CPU time of one decode step; None where there is no ``kv_forward``.
        problem: Why it did not compile or run, or is not good though it did; empty if all is well.
    """

    soc: str
    recipe: str
    component: str
    model: str
    precision: str
    target: Target = EMULATOR.name
    pte_bytes: int = 0
    export_s: float = 0.0
    delegates: int = 0
    cpu_ops: str = ""
    spill_bytes: int | None = 0
    run_ms: float | None = None
    kv_forward_cpu_ms: float | None = None
    problem: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it compiled, is delegated as a whole, and ran as fast as it should.

        A phone's file is not run, and of a table for the CPU nothing is delegated.
        """
        was_made = self.pte_bytes > 0
        was_run = self.run_ms is not None or get_target(self.target).shares_memory
        is_whole = self.delegates == (0 if self.precision in CPU_TABLES else 1)
        return not self.problem and not self.cpu_ops and was_made and was_run and is_whole


def with_times(line: CellResult, took: Mapping[str, CallTime]) -> CellResult:
    """Enter what the methods of a file took, and judge the decode step."""
    decode = took.get("kv_forward")
    cpu_ms = None if decode is None else round(decode.cpu_ms, 1)
    run_ms = round(sum(call.wall_ms for call in took.values()), 1)
    timed = replace(line, run_ms=run_ms, kv_forward_cpu_ms=cpu_ms)
    is_bounded = (line.component, line.precision) == ("text_decoder", "16a8w")
    if is_bounded and cpu_ms is not None and cpu_ms > MAX_DECODE_CPU_MS:
        slow = f"a decode step takes {cpu_ms} ms of CPU, more than {MAX_DECODE_CPU_MS:.0f}"
        return replace(timed, problem=f"{slow}; look for what is computed in float.")
    return timed


def with_delegates(line: CellResult, delegates: Sequence[QnnDelegate]) -> CellResult:
    """Judge whether the delegates of a phone's file share weights and buffers."""
    sharing = sum(one.shares_weights and one.shared_buffer for one in delegates)
    if delegates and sharing == len(delegates):
        return line
    fact = f"{sharing} of {len(delegates)} delegates share weights and buffers"
    return replace(line, problem=f"{fact}, as all of a phone's file must.")


def with_twin(line: CellResult, twin: CellResult | None) -> CellResult:
    """Judge whether a phone's file is smaller than the emulator's, which has all weights twice.

    Args:
        line: Of the phone's file.
        twin: Of the emulator's; None as long as there is none.
    """
    if line.problem:
        return line
    if twin is None or twin.pte_bytes == 0:
        return replace(line, problem="There is no emulator's file to compare its size with.")
    if line.pte_bytes >= twin.pte_bytes:
        fact = f"{line.pte_bytes:,} bytes are not less than the {twin.pte_bytes:,}"
        return replace(line, problem=f"{fact} of the emulator's file: no weights are shared.")
    return line


def table(lines: list[CellResult]) -> Table:
    """The matrix as it is shown in a terminal."""
    shown = Table(title=f"HTP: {sum(line.is_good for line in lines)} of {len(lines)} are good")
    for name in ("SoC", "recipe", "component", "model", "precision", "target"):
        shown.add_column(name, no_wrap=name != "recipe", overflow="fold")
    for name in ("bytes", "compile s", "spill bytes", "run ms", "decode CPU ms"):
        shown.add_column(name, justify="right")
    shown.add_column("not delegated, or problem")
    for line in lines:
        style = None if line.is_good else "red"
        left = f"in {line.delegates} pieces: {line.cpu_ops}" if not line.is_good else ""
        figures = (f"{line.pte_bytes:,}", f"{line.export_s:.0f}", _bytes(line.spill_bytes))
        times = (_ms(line.run_ms), _ms(line.kv_forward_cpu_ms))
        words = (line.soc, line.recipe, line.component, line.model, line.precision, line.target)
        shown.add_row(*words, *figures, *times, line.problem or left, style=style)
    return shown


def _bytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _ms(taken: float | None) -> str:
    return "" if taken is None else f"{taken:.0f}"


def write_csv(path: Path, lines: list[CellResult]) -> None:
    """Write one row per cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(CellResult)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([getattr(line, name) for name in names] for line in lines)
