"""What a ladder writes into a run."""

from __future__ import annotations

import math
import statistics

from harness.judging.measured import Measured
from harness.judging.record import Record
from harness.ladder.comparison import Ladder
from harness.results.rows.ladder import LadderRow


def write_ladder(record: Record, measured: Measured, ladder: Ladder) -> None:
    """Write down what every stage kept of every signal.

    Args:
        record: Of the test that climbed.
        measured: The artifact, where it ran.
        ladder: Of it.
    """
    subject = record.subject(measured).model_dump()
    order = sorted({rung.signal for rung in ladder.rungs}, key=lambda signal: signal.order)
    places = {signal: place for place, signal in enumerate(order)}
    for rung in ladder.rungs:
        found, logits = rung.likeness, rung.logits
        record.recorder.append(
            LadderRow(
                **subject,
                before=rung.before,
                behind=rung.behind,
                place=places[rung.signal],
                signal=rung.signal.name,
                layer=rung.signal.layer,
                turn=rung.signal.turn,
                component=rung.signal.component,
                sqnr_db=found.sqnr_db,
                channel_db=found.worst_channel_db,
                cosine=found.cosine,
                largest_error=found.largest_error,
                least_db=rung.bound.whole,
                least_channel_db=rung.bound.channel,
                top1=logits and logits.top1,
                top5=logits and logits.top5,
                kl_nats=logits and statistics.fmean(logits.kl_nats),
                kept=rung.holds,
            )
        )
    record.recorder.append(
        LadderRow(
            **subject,
            before="its own logits",
            behind=ladder.rungs[-1].behind,
            place=len(places),
            signal="answers",
            turn=max(rung.signal.turn for rung in ladder.rungs),
            sqnr_db=-math.inf if ladder.answers else math.inf,
            channel_db=-math.inf if ladder.answers else math.inf,
            cosine=float(not ladder.answers),
            largest_error=float(bool(ladder.answers)),
            least_db=0.0,
            least_channel_db=0.0,
            kept=not ladder.answers,
        )
    )
