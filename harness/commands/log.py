"""``python -m harness log``: what a runner's log on disk tells, and what it does not."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from harness.commands.terminal_table import terminal_width
from harness.console import PlainConsole
from harness.errors import UserError
from harness.measure.metrics import METRICS, perf_metrics
from harness.measure.run_stats import RunStats
from harness.measure.wording import number, plural
from harness.options.values import Values
from harness.runner_log.failed_check import why_it_ended
from harness.runner_log.log import parse_runner_log
from harness.runner_log.messages import ENCODE_BEGINS_UNTIL_MARCH_2026

_STANDARD_INPUT = Path("-")
_LARGEST_MIB = 256
_TURNS_BESIDE_EACH_OTHER = 4
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
"""PowerShell writes the first where its user redirects what adb prints."""

_COUNTS = {
    "prompt_tokens": "Rows of the prompt, those of pictures included",
    "generated_tokens": "Decode steps: tokens behind the first one",
    "decode_steps": "Passes of the decoder in lookahead",
    "stop_reason": "Why the turn ended",
}
_DURATIONS = {
    "inference_ms": "Start of inference to its end",
    "prompt_eval_ms": "Start of inference to first token, as the runner says it",
    "decode_ms": "First token to end",
    "prefill_ms": "Decoder over the prompt",
    "embed_ms": "Token embedding of the prompt",
    "execute_ms": "Inside execute() while decoding",
}
_TOLD = {
    **_COUNTS,
    **{
        name: metric.description for name, metric in METRICS.items() if metric.kind == "performance"
    },
    **_DURATIONS,
}
"""Everything that a log may hold, with what it is."""

_NO_STAMPS = "needs the stamped lines of standard error"
_NO_TIME = "nothing was decoded, or in 0 ms"
_WHY_MISSING = {
    "decode_steps": "told by lookahead alone",
    "stop_reason": "no line says why the turn ended",
    "decode_tps": _NO_TIME,
    "e2e_tps": _NO_TIME,
    "prompt_eval_tps": "the prompt took 0 ms",
    "prefill_tps": _NO_STAMPS,
    "prefill_ms": _NO_STAMPS,
    "encode_ms": f"a turn without a picture; else {_NO_STAMPS}",
    "embed_ms": "no runner's log has it; our own prints it with --json",
    "execute_ms": "upstream's runner prints 0, which is no measurement",
    "bookkeeping_ms_per_step": "needs execute_ms",
    "peak_rss_mib": "no line tells it, or one tells 0 where the platform cannot",
}
_NOTE = "Load and inference times leave the vision encoder out: the runner is of before March 2026."


def run_log(options: Values) -> int:
    """Show every metric that the log of a run holds, turn by turn, and what is missing in it.

    It is what the runner printed, upstream's or ours: standard output, standard error or both, or
    Android's logcat.
    """
    path = options["log_file"]
    text = _read(path)
    ended = why_it_ended(text)
    try:
        turns = parse_runner_log(text)
    except UserError as error:
        raise UserError(f"{path}: {f'the run failed: {ended}.' if ended else error}") from error
    _show([turn.stats for turn in turns])
    if ENCODE_BEGINS_UNTIL_MARCH_2026.label in text:
        print(textwrap.fill(_NOTE, terminal_width()))
    if ended:
        held = plural(len(turns), "turn")
        raise UserError(f"{path}: the run failed behind {held}: {ended}.")
    return 0


def _read(path: Path) -> str:
    """The text of a file, or of standard input for ``-``.

    Raises:
        UserError: If it cannot be read, or is no log by its size.
    """
    limit = _LARGEST_MIB << 20
    try:
        if path == _STANDARD_INPUT:
            content = sys.stdin.buffer.read(limit + 1)
        else:
            with path.expanduser().open("rb") as file:
                content = file.read(limit + 1)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); give the file that the runner's output "
            "went to, or - for standard input."
        ) from error
    if len(content) > limit:
        raise UserError(f"{path} has more than {_LARGEST_MIB} MiB; no runner prints that much.")
    marks = (name for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark))
    return content.decode(next(marks, "utf-8"), errors="replace")


def _show(turns: Sequence[RunStats]) -> None:
    held = [_held(stats) for stats in turns]
    console = PlainConsole(width=terminal_width())
    for start in range(0, len(held), _TURNS_BESIDE_EACH_OTHER):
        console.print(_table_of_turns(held[start : start + _TURNS_BESIDE_EACH_OTHER], start + 1))
    console.print(_table_of_missing(held))


def _table_of_turns(turns: Sequence[Mapping[str, str]], first: int) -> Table:
    """What some of a few turns have, a column for each."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("metric", no_wrap=True)
    for turn, _ in enumerate(turns, start=first):
        table.add_column(f"turn {turn}", justify="right", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for name, what in _TOLD.items():
        if any(name in turn for turn in turns):
            table.add_row(name, *(turn.get(name, "missing") for turn in turns), what)
    return table


def _table_of_missing(turns: Sequence[Mapping[str, str]]) -> Table:
    """What turns lack, and why."""
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for heading in ("missing", "in turn", "because"):
        table.add_column(heading, no_wrap=heading == "missing", overflow="fold")
    for name in _TOLD:
        lacking = [str(turn) for turn, held in enumerate(turns, start=1) if name not in held]
        where = "all" if len(lacking) == len(turns) else ", ".join(lacking)
        if lacking:
            table.add_row(name, where, _WHY_MISSING[name])
    return table


def _held(stats: RunStats) -> Mapping[str, str]:
    """What a turn's log tells, in words, by name."""
    told = {name: value for name, value in stats if value is not None and value != "unknown"}
    return {
        name: value if isinstance(value, str) else number(value)
        for name, value in {**told, **perf_metrics(stats)}.items()
    }
