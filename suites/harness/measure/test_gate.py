"""Which gates may be written, and which one applies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import UserError
from harness.measure.gate import Context, Gate, find_gate

PHONE = Context("smolvlm_500m", "phone", soc="SM8650", mode="kv", precision="16a8w")


def gate(**fields: Any) -> Gate:
    row = {
        "metric": "decode_tps",
        "model": "smolvlm_500m",
        "target": "phone",
        "soc": "SM8650",
        "min": 50,
        "confidence": "measured",
        "source": "run 1",
        "since": date(2026, 11, 23),
    }
    return Gate.model_validate({**row, **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": "decode_tsp"}, "did you mean decode_tps"),
        ({"min": None}, "either a bound"),
        ({"report_only": True, "reason": "untested"}, "either a bound"),
        ({"min": None, "report_only": True}, "needs a reason"),
        ({"reason": "slow"}, "nothing else does"),
        ({"confidence": None}, "needs a confidence"),
        ({"max": 40}, "min 50.0 is above max 40.0"),
        ({"target": None, "soc": None}, "needs target host or phone"),
        ({"target": "emulator"}, "the emulator's speed says nothing"),
        ({"soc": None}, "judged per SoC"),
        ({"minimum": 3}, "Extra inputs"),
        ({"precision": "8da4"}, "no precision '8da4'; did you mean 8da4w"),
        ({"precision": "text_decoder=int4"}, "no precision 'int4'"),
        ({"mode": "fast"}, "'kv', 'hybrid' or 'lookahead'"),
    ],
)
def test_a_gate_that_says_too_little_or_too_much_is_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        gate(**fields)


def test_a_selector_left_out_matches_everything() -> None:
    assert gate().applies_to("decode_tps", PHONE)
    assert not gate(mode="hybrid").applies_to("decode_tps", PHONE)
    assert not gate(soc="SM8750").applies_to("decode_tps", PHONE)
    assert not gate(model="internvl3_1b").applies_to("decode_tps", PHONE)


def test_a_gate_of_upstreams_protocol_judges_nothing_else() -> None:
    upstream = gate(protocol="upstream")
    assert find_gate([upstream], "decode_tps", PHONE) is None
    repeated = Context("smolvlm_500m", "phone", soc="SM8650", protocol="upstream")
    assert find_gate([upstream], "decode_tps", repeated) is upstream


def test_runs_of_another_workload_are_judged_by_gates_of_that_one_alone() -> None:
    usual, short = gate(), gate(workload="66 steps", min=40)
    shorter = replace(PHONE, workload="66 steps")
    assert find_gate([usual, short], "decode_tps", PHONE) is usual
    assert find_gate([usual, short], "decode_tps", shorter) is short
    assert find_gate([usual], "decode_tps", shorter) is None
    assert shorter.describe() == f"{PHONE.describe()} (66 steps)"
    assert "workload=66 steps" in short.describe()


def test_the_most_specific_gate_wins_wherever_it_stands() -> None:
    wide, narrow = gate(), gate(mode="kv", min=60)
    assert find_gate([wide, narrow], "decode_tps", PHONE) is narrow
    assert find_gate([narrow, wide], "decode_tps", PHONE) is narrow


def test_two_equally_specific_gates_are_named() -> None:
    pair = [gate(mode="kv"), gate(precision="16a8w", min=60)]
    with pytest.raises(UserError, match=r"2 equally.*>= 50 .*mode=kv.*>= 60 .*precision=16a8w"):
        find_gate(pair, "decode_tps", PHONE)


def test_without_an_applying_gate_there_is_none() -> None:
    assert find_gate([gate()], "ttft_ms", PHONE) is None


def test_looking_for_an_unknown_metric_is_an_error() -> None:
    with pytest.raises(UserError, match="no metric 'speed'"):
        find_gate([], "speed", PHONE)


def test_a_context_reads_as_a_person_would_say_it() -> None:
    assert PHONE.describe() == "smolvlm_500m 16a8w kv on phone SM8650"
    upstream = Context("tiny_smolvlm", "host", component="vision_encoder", protocol="upstream")
    assert upstream.describe() == "tiny_smolvlm vision_encoder on host (upstream protocol)"
