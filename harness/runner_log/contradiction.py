"""Numbers of a runner's output that cannot all be true: refused, none of them believed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.runner_log.reported_turn import ReportedTurn

_DURATIONS = ("load_ms", "inference_ms", "prompt_eval_ms", "decode_ms", "ttft_ms", "sampling_ms")
"""What both reports of a turn tell."""

_LAST_DIGIT = 1e-6
"""Of printed seconds and rates."""


def check_agreement(blocks: Sequence[ReportedTurn], observed: Sequence[ReportedTurn]) -> None:
    """Refuse two reports of the same turns that differ; one of them alone is taken.

    Args:
        blocks: Turns as the statistics blocks of a log tell them.
        observed: As the ``PyTorchObserver`` lines do.

    Raises:
        UserError: If there are more of one kind, or they count or time otherwise.
    """
    if not blocks or not observed:
        return
    if len(blocks) != len(observed):
        raise UserError(
            f"The runner's output has {len(blocks)} statistics blocks but {len(observed)}"
            " PyTorchObserver lines; pull stdout and stderr of one whole run."
        )
    for block, line in zip(blocks, observed, strict=True):
        counts = [(t.stats.prompt_tokens, t.stats.generated_tokens) for t in (block, line)]
        if counts[0] != counts[1]:
            raise UserError(
                f"The statistics block at line {block.line} counts {counts[0]} prompt and generated"
                f" tokens, the PyTorchObserver line {line.line} {counts[1]}: they are of different"
                " runs; pull stdout and stderr of one run."
            )
        for name in _DURATIONS:
            told_ms = [getattr(turn.stats, name) for turn in (block, line)]
            if not math.isclose(*told_ms, abs_tol=1000 * _LAST_DIGIT):
                raise UserError(
                    f"The statistics block at line {block.line} has {name} = {told_ms[0]:g}, the"
                    f" PyTorchObserver line {line.line} {told_ms[1]:g}: one of them is damaged or"
                    " of another run; pull stdout and stderr of one run."
                )


def check_rates(stats: RunStats, rates: Mapping[str, float], line: int) -> None:
    """Refuse rates that do not follow from the counts and times beside them.

    Args:
        stats: Of one turn.
        rates: Tokens per second by metric name, as printed beside them.
        line: Of the output, for the sentence.

    Raises:
        UserError: If one does not.
    """
    made_of = {
        "e2e_tps": (stats.generated_tokens, stats.inference_ms),
        "prompt_eval_tps": (stats.prompt_tokens, stats.prompt_eval_ms),
        "decode_tps": (stats.generated_tokens, stats.decode_ms),
    }
    for name, rate in rates.items():
        tokens, duration_ms = made_of[name]
        counted = rate * duration_ms / 1000
        if not math.isclose(counted, tokens, abs_tol=_LAST_DIGIT * (rate + duration_ms / 1000)):
            raise UserError(
                f"The statistics block that ends at line {line} of the runner's output says"
                f" {tokens} tokens in {duration_ms:g} ms and a rate of {rate:g} per second: a"
                " number of it is damaged; pull the whole output and parse it again."
            )


def check_stages(stats: RunStats, line: int) -> None:
    """Refuse stages of a turn, timed from the stamps of a log, that took less than nothing.

    Raises:
        UserError: If one did: a digit is damaged, or the lines are in another order.
    """
    for name in ("encode_ms", "prefill_ms"):
        duration_ms = getattr(stats, name)
        if duration_ms is not None and duration_ms < 0:
            raise UserError(
                f"The stamps before line {line} of the runner's output tell {name} ="
                f" {duration_ms:g}: a line is damaged or not in its place; pull the whole output"
                " and parse it again."
            )
