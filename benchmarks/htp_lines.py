"""What each cell of the HTP matrix came to, and whether that is good."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.table import Table

from benchmarks.run_methods import CallTime

MAX_DECODE_CPU_MS = 80.0
"""Most CPU time of a decode step of a miniature in 16a8w on the emulator. It takes 27 to 34 ms, and
160 ms where the same decoder computes in float16."""


@dataclass(frozen=True)
class Line:
    """What one cell came to; a column of the CSV per field.

    Attributes:
        precision: Of the component, which for a table follows from the recipe.
        export_s: Wall seconds of the compilation, when it was made.
        delegates: Most pieces that one method is cut into; 1 where all of it is delegated.
        cpu_ops: Operators left on the CPU.
        spill_bytes: Over all methods; None where the compiler did not tell.
        run_ms: Emulator's wall time for one call of every method; says nothing about a phone.
        kv_forward_cpu_ms: CPU time of one decode step; None where there is no ``kv_forward``.
        problem: Why it did not compile or run, or is not good though it did; empty if all is well.
    """

    soc: str
    recipe: str
    component: str
    model: str
    precision: str
    pte_bytes: int = 0
    export_s: float = 0.0
    delegates: int = 0
    cpu_ops: str = ""
    spill_bytes: int | None = 0
    run_ms: float = 0.0
    kv_forward_cpu_ms: float | None = None
    problem: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it compiled, is delegated as a whole, and ran as fast as it should."""
        return not self.problem and not self.cpu_ops and self.delegates == 1


def with_times(line: Line, took: Mapping[str, CallTime]) -> Line:
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


def table(lines: list[Line]) -> Table:
    """The matrix as it is shown in a terminal."""
    shown = Table(title=f"HTP: {sum(line.is_good for line in lines)} of {len(lines)} are good")
    for name in ("SoC", "recipe", "component", "model", "precision"):
        shown.add_column(name, no_wrap=True)
    for name in ("bytes", "compile s", "spill bytes", "run ms", "decode CPU ms"):
        shown.add_column(name, justify="right")
    shown.add_column("not delegated, or problem")
    for line in lines:
        style = None if line.is_good else "red"
        left = f"in {line.delegates} pieces: {line.cpu_ops}" if not line.is_good else ""
        figures = (f"{line.pte_bytes:,}", f"{line.export_s:.0f}", _bytes(line.spill_bytes))
        cpu_ms = "" if line.kv_forward_cpu_ms is None else f"{line.kv_forward_cpu_ms:.0f}"
        times = (f"{line.run_ms:.0f}", cpu_ms)
        words = (line.soc, line.recipe, line.component, line.model, line.precision)
        shown.add_row(*words, *figures, *times, line.problem or left, style=style)
    return shown


def _bytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def write_csv(path: Path, lines: list[Line]) -> None:
    """Write one row per cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(Line)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([getattr(line, name) for name in names] for line in lines)
