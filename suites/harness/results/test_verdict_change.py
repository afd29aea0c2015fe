"""What turned a verdict: its gate, or what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.measure.verdict import Status
from harness.results.series import Series
from harness.results.verdict_change import Judgement, VerdictChange, is_noisy

GATE = {
    "gate_min": 50.0,
    "gate_max": None,
    "gate_source": "run 1",
    "gate_confidence": "measured",
    "gate_since": None,
}
GREEN = Judgement(
    series=Series("smolvlm_500m", "decode_tps"),
    run_id="1",
    status=Status.PASS,
    median=55.0,
    lower=54.0,
    upper=56.0,
    gate=GATE,
    facts={("code", "commit"): "a" * 12, ("artifact", "key"): "b" * 12},
    thresholds="/lab/thresholds",
)


def red(median: float = 55.0, **gate: object) -> VerdictChange:
    now = replace(
        GREEN,
        status=Status.FAIL,
        median=median,
        lower=median - 1,
        upper=median + 1,
        gate={**GATE, **gate},
    )
    return VerdictChange(GREEN, now)


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ({"gate_min": 60.0}, "gate raised from >= 50 to >= 60"),
        ({"gate_min": 40.0}, "gate lowered from >= 50 to >= 40"),
        ({"gate_max": 54.0}, "gate changed from >= 50 to >= 50 and <= 54"),
        ({"gate_min": None, "gate_max": 50.0}, "gate changed from >= 50 to <= 50"),
        ({"gate_min": None}, "gate changed from >= 50 to none"),
    ],
)
def test_what_became_of_a_gate_is_told_with_its_file_and_the_value(
    gate: dict[str, object], told: str
) -> None:
    where = "in thresholds/smolvlm_500m.toml, measured value unchanged at 55"
    assert red(**gate).gate_sentence == f"{told} {where}"


def test_a_gate_with_the_same_bound_tells_its_other_fields() -> None:
    assert red(gate_source="run 2").gate_sentence == (
        "gate >= 50 in thresholds/smolvlm_500m.toml has another source, measured value unchanged "
        "at 55"
    )


def test_a_value_that_moved_too_is_told_with_both_figures() -> None:
    assert red(52.0, gate_min=60.0).gate_sentence.endswith("measured value 55 before and 52 now")


@pytest.mark.parametrize(
    ("change", "is_by_gate"),
    [
        (red(55.0, gate_min=60.0), True),
        (red(52.0, gate_min=60.0), True),
        (red(40.0, gate_min=60.0), False),
        (red(40.0), False),
        (VerdictChange(replace(GREEN, status=Status.FAIL), red(gate_min=60.0).now), False),
        (VerdictChange(GREEN, replace(GREEN, gate={**GATE, "gate_min": 52.0})), False),
    ],
)
def test_the_gate_is_the_cause_where_the_one_before_would_not_have_failed(
    change: VerdictChange, is_by_gate: bool
) -> None:
    assert change.is_by_gate_alone is is_by_gate


def test_what_is_held_is_named() -> None:
    assert red().held == (
        f"commit {'a' * 12}",
        "packages",
        "options",
        "gate >= 50",
        f"artifact {'b' * 12}",
    )
    assert red(gate_min=60.0).held == ()
    for fact in (("package", "torch"), ("device", "PHONE fingerprint"), ("host", "cores")):
        now = replace(red().now, facts={**GREEN.facts, fact: "another"})
        assert VerdictChange(GREEN, now).held == ()


def test_only_what_is_timed_scatters() -> None:
    assert is_noisy("decode_tps")
    assert not any(map(is_noisy, ("exact_match", "pte_bytes", "cpu_ops", "unheard_of")))
