"""Verdicts and the sentences that carry their evidence."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.sample import Sample
from harness.measure.statistics import next_sample_count
from harness.measure.verdict import Status, Verdict, judge, judge_exact

HOST = Context("tiny_smolvlm", "host", mode="kv")
RUN = Provenance("run 20261123-a1", date(2026, 11, 23))
FIVE_RUNS = (790.4, 812.0, 820.0, 805.0, 833.0)


def bounded(minimum: float | None = None, maximum: float | None = None) -> Gate:
    return Gate(
        metric="decode_tps",
        model="tiny_smolvlm",
        target="host",
        min=minimum,
        max=maximum,
        confidence="measured",
        source="run 1",
        since=date(2026, 11, 23),
    )


def judged(values: Sequence[float], gate: Gate | None, context: Context = HOST) -> Verdict:
    return judge([Sample(v) for v in values], gate, "decode_tps", context, provenance=RUN)


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        (bounded(minimum=100), Status.PASS),
        (bounded(minimum=790.4), Status.INCONCLUSIVE),
        (bounded(minimum=791), Status.INCONCLUSIVE),
        (bounded(minimum=833), Status.INCONCLUSIVE),
        (bounded(minimum=834), Status.INCONCLUSIVE),
        (bounded(minimum=930), Status.FAIL),
        (bounded(maximum=930), Status.PASS),
        (bounded(maximum=800), Status.INCONCLUSIVE),
        (bounded(maximum=690), Status.FAIL),
        (bounded(minimum=690, maximum=930), Status.PASS),
        (bounded(minimum=800, maximum=900), Status.INCONCLUSIVE),
        (bounded(minimum=100, maximum=200), Status.FAIL),
        (None, Status.NO_GATE),
    ],
)
def test_a_noisy_metric_passes_fails_or_stays_open(gate: Gate | None, status: Status) -> None:
    assert judged(FIVE_RUNS, gate).status is status


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        (
            bounded(minimum=100),
            "decode_tps of tiny_smolvlm kv on host is 812 (95 % sure >= 790.4, 5 runs),"
            " gate >= 100: pass",
        ),
        (
            bounded(minimum=950),
            "decode_tps of tiny_smolvlm kv on host is 812 (95 % sure <= 833, 5 runs),"
            " gate >= 950: fail",
        ),
        (
            bounded(minimum=100, maximum=800),
            "decode_tps of tiny_smolvlm kv on host is 812 (95 % sure >= 790.4, 95 % sure <= 833,"
            " 5 runs), gate >= 100 and <= 800: inconclusive, measure 10 runs in all",
        ),
    ],
)
def test_the_sentence_gives_median_bounds_runs_and_gate(gate: Gate, sentence: str) -> None:
    assert judged(FIVE_RUNS, gate).sentence == sentence


def test_five_runs_close_to_the_gate_say_how_close() -> None:
    assert judged(FIVE_RUNS, bounded(minimum=750)).sentence.endswith(
        "gate >= 750: inconclusive, too close for so few runs (3.9 of 7 standard deviations away),"
        " measure 10 runs in all"
    )


HEATING_UP = tuple(109.0 - 0.9 * run for run in range(20))


def test_a_session_that_heats_up_towards_the_gate_stays_open() -> None:
    verdict = judged(HEATING_UP, bounded(minimum=95))
    assert verdict.status is Status.INCONCLUSIVE
    assert "after the last look, neighbouring runs resemble each other" in verdict.sentence


def test_the_same_runs_in_another_order_are_judged() -> None:
    in_turns = [HEATING_UP[9 * run % 20] for run in range(20)]
    assert judged(in_turns, bounded(minimum=95)).status is Status.PASS


def test_after_20_runs_an_open_verdict_stays_open() -> None:
    verdict = judged([90.0, 110.0] * 10, bounded(minimum=100))
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.sentence.endswith("inconclusive after the last look")


def test_fewer_than_five_runs_neither_pass_nor_fail() -> None:
    verdict = judged([1000.0] * 4, bounded(minimum=1))
    assert verdict.status is Status.INCONCLUSIVE
    assert (verdict.lower, verdict.upper) == (None, None)


def test_the_sentence_tells_a_provisional_gate() -> None:
    gate = bounded(minimum=100).model_copy(update={"confidence": "provisional"})
    assert "gate >= 100 (provisional): pass" in judged(FIVE_RUNS, gate).sentence


def test_a_missing_gate_ends_with_the_row_to_add() -> None:
    verdict = judged(FIVE_RUNS, None)
    fact, row = verdict.sentence.split("thresholds/tiny_smolvlm.toml:")
    assert "is 812" in fact
    assert tomllib.loads(row)["gate"] == [
        {
            "metric": "decode_tps",
            "target": "host",
            "mode": "kv",
            "min": 750,
            "confidence": "measured",
            "source": "run 20261123-a1",
            "since": date(2026, 11, 23),
        }
    ]
    assert judged(FIVE_RUNS * 4, verdict.proposal).status is Status.PASS


def test_too_few_runs_propose_nothing() -> None:
    verdict = judged([1.0], None)
    assert verdict.status is Status.NO_GATE
    assert verdict.proposal is None
    assert "5 valid finite samples are needed" in verdict.sentence


def test_an_emulators_speed_is_reported_and_never_proposed() -> None:
    verdict = judged(FIVE_RUNS, None, Context("tiny_smolvlm", "emulator", mode="kv"))
    assert verdict.status is Status.NO_GATE
    assert verdict.proposal is None
    assert "report only: the emulator's speed says nothing about a phone" in verdict.sentence


def test_a_report_only_row_says_why_nothing_is_judged() -> None:
    gate = Gate(
        metric="decode_tps",
        model="tiny_smolvlm",
        report_only=True,
        reason="not measured yet",
        source="nobody",
        since=date(2026, 11, 23),
    )
    verdict = judged(FIVE_RUNS, gate)
    assert verdict.status is Status.NO_GATE
    assert verdict.proposal is None
    assert verdict.sentence.endswith("5 runs), report only: not measured yet")


def with_invalid(valid: int, invalid: int) -> list[Sample]:
    return [Sample(1000.0)] * valid + [Sample(1.0, "thermal status rose")] * invalid


def test_invalid_samples_are_kept_but_do_not_count() -> None:
    verdict = judge(with_invalid(7, 3), bounded(minimum=900), "decode_tps", HOST, provenance=RUN)
    assert verdict.status is Status.PASS
    assert (verdict.median, len(verdict.samples)) == (1000.0, 10)
    assert "7 runs" in verdict.sentence


@pytest.mark.parametrize("gate", [None, bounded(minimum=900)])
def test_more_than_30_percent_invalid_samples_block(gate: Gate | None) -> None:
    verdict = judge(with_invalid(3, 2), gate, "decode_tps", HOST, provenance=RUN)
    assert verdict.status is Status.BLOCKED
    assert verdict.proposal is None
    assert "2 of 5 runs do not count, more than 30 %" in verdict.sentence
    assert "thermal status rose (2 runs)" in verdict.sentence


def test_a_metric_that_no_run_reported_blocks() -> None:
    verdict = judged([], bounded(minimum=100))
    assert verdict.status is Status.BLOCKED
    assert "no run reported it" in verdict.sentence


def test_nan_is_not_a_sample() -> None:
    with pytest.raises(ValueError, match="not NaN"):
        Sample(math.nan)


SIZE = Gate(
    metric="pte_bytes",
    model="tiny_smolvlm",
    min=90,
    max=110,
    confidence="derived",
    source="weights",
    since=date(2026, 11, 23),
)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (0, Status.FAIL),
        (89, Status.FAIL),
        (90, Status.PASS),
        (110, Status.PASS),
        (111, Status.FAIL),
    ],
)
def test_an_exact_metric_is_judged_on_one_value(value: float, status: Status) -> None:
    assert judge_exact(value, SIZE, "pte_bytes", HOST, provenance=RUN).status is status


def test_an_exact_value_is_written_with_the_digits_that_decide() -> None:
    gate = SIZE.model_copy(update={"metric": "exact_match", "min": 1.0, "max": None})
    verdict = judge_exact(0.99999, gate, "exact_match", HOST, provenance=RUN)
    assert verdict.sentence.endswith("is 0.99999, gate >= 1: fail")


def test_a_size_without_gate_is_proposed_both_bounds() -> None:
    proposal = judge_exact(110_000_001, None, "pte_bytes", HOST, provenance=RUN).proposal
    assert proposal is not None
    assert (proposal.min, proposal.max) == (104_000_000, 116_000_000)


def test_an_infinite_value_is_judged_and_not_proposed() -> None:
    verdict = judge_exact(math.inf, None, "sqnr_db", HOST, provenance=RUN)
    assert verdict.proposal is None
    gate = SIZE.model_copy(update={"metric": "sqnr_db", "min": 30.0, "max": None})
    assert judge_exact(math.inf, gate, "sqnr_db", HOST, provenance=RUN).status is Status.PASS


def test_a_verdict_survives_being_stored_as_json() -> None:
    verdict = judged(FIVE_RUNS, bounded(minimum=100))
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def final_status(random: np.random.Generator, true_median: float, gate: Gate) -> Status:
    """Judge as the performance suite does: 5 runs, and more only while the verdict is open."""
    runs = list(random.normal(true_median, 0.03 * true_median, 20))
    count = next_sample_count(0)
    while count is not None:
        status = judged(runs[:count], gate).status
        if status is not Status.INCONCLUSIVE:
            return status
        count = next_sample_count(count)
    return Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("true_median", "wrong", "at_most"),
    [
        (100.0, Status.PASS, 0.055),
        (100.0, Status.FAIL, 0.055),
        (95.0, Status.PASS, 0.0),
        (105.0, Status.FAIL, 0.0),
    ],
)
def test_three_looks_seldom_end_in_a_wrong_call(
    true_median: float, wrong: Status, at_most: float
) -> None:
    random = np.random.default_rng(11)
    gate = bounded(minimum=100)
    ends = [final_status(random, true_median, gate) for _ in range(1000)]
    assert ends.count(wrong) / len(ends) <= at_most


@pytest.mark.parametrize(
    ("metric", "is_proposed"), [("decode_tps", False), ("kv_scale_ratio", True)]
)
def test_no_gate_of_speed_is_proposed_from_a_busy_machine(metric: str, is_proposed: bool) -> None:
    """What a model answers is no matter of the machine's other work."""
    samples = [Sample(value) for value in (50.0, 51.0, 50.5, 50.2, 50.7)]
    found = judge(samples, None, metric, HOST, provenance=replace(RUN, load=4.0))
    assert found.status is Status.NO_GATE
    assert (found.proposal is not None) == is_proposed
    told = "runs on a quiet machine (the machine had 4.0 processes to run by core) are needed"
    assert (told in found.sentence) == (not is_proposed)
