"""A ladder as a table: a row per signal, a column per pair of neighbouring stages."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from harness.artifacts.artifact import Artifact
from harness.ladder.comparison import Ladder, Rung


def ladder_table(ladder: Ladder, artifact: Artifact, *, show_all: bool) -> Table:
    """What each stage keeps of each signal, in dB.

    Args:
        ladder: Of an artifact.
        artifact: Told in the title.
        show_all: Every layer and turn, instead of the worst of all.
    """
    manifest = artifact.manifest
    title = f"{manifest.model} {manifest.mode} {manifest.precision_label}, signal to noise in dB"
    table = Table(title=title, show_edge=False, pad_edge=False)
    table.add_column("signal", overflow="fold")
    stages = list(dict.fromkeys(rung.behind for rung in ladder.rungs))
    for stage in stages:
        table.add_column(stage, justify="right", overflow="fold")
    by_row: dict[str, dict[str, list[Rung]]] = {}
    for rung in sorted(ladder.rungs, key=lambda one: one.signal.order[int(not show_all) :]):
        row = rung.signal.described if show_all else rung.signal.name
        by_row.setdefault(row, {}).setdefault(rung.behind, []).append(rung)
    for name, rungs in by_row.items():
        table.add_row(name, *(_cell(rungs.get(stage, ())) for stage in stages))
    return table


def _cell(rungs: Iterable[Rung]) -> Text:
    """The worst of some rungs, red where one does not hold."""
    found = list(rungs)
    if not found:
        return Text("")
    worst = min(found, key=lambda rung: (rung.holds, rung.likeness.sqnr_db))
    decibel = worst.likeness.sqnr_db
    told = {math.inf: "equal", -math.inf: "nothing"}.get(decibel, f"{decibel:.1f}")
    if worst.logits is not None and worst.logits.top1 < 1:
        told += f" ({worst.logits.top1:.1%} best tokens)"
    if worst.signal.layer is not None and len({rung.signal.layer for rung in found}) > 1:
        told += f" L{worst.signal.layer}"
    return Text(told, style="" if worst.holds else "bold red")
