"""The table of ``python -m harness export`` on an ordinary terminal."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from harness.commands.export import component_table


def test_sizes_are_whole_on_a_terminal_of_80_columns() -> None:
    def built(file: str, precision: str, pte_bytes: int) -> Any:
        named = {"file": file, "precision": precision, "pte_bytes": pte_bytes}
        figures = SimpleNamespace(**named, export_s=1234.5, export_peak_rss_mib=6430.0)
        return SimpleNamespace(file=figures, reused=False)

    manifest = SimpleNamespace(model="smolvlm_500m", mode="hybrid")
    components = [
        built("vision_encoder_xnnpack.pte", "fp32", 374_952_448),
        built("hybrid_llama_xnnpack.pte", "8da4w", 1_492_736_000),
    ]
    export = SimpleNamespace(artifact=SimpleNamespace(manifest=manifest), components=components)
    console = Console(file=io.StringIO(), width=80)
    console.print(component_table(cast("Any", export)))
    told = cast("io.StringIO", console.file).getvalue()
    for figure in ("374,952,448", "1,492,736,000", "1234.5", "6,430", "built"):
        assert figure in told
