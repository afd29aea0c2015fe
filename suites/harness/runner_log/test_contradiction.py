"""Numbers of one run that contradict each other are refused, whichever of them is the wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.runner_log.log import parse_runner_log

LOG = (Path(__file__).parent / "data" / "x86_q0.log").read_text()
(WHOLE,) = parse_runner_log(LOG)
STATISTICS = LOG[LOG.index("Prompt Tokens:") : LOG.index("Sampling time")]
_MICROSECOND_MS = 0.001
_DURATIONS = [name for name in RunStats.model_fields if name.endswith("_ms")]


@given(data=st.data())
def test_a_digit_that_changed_in_the_block_yields_no_other_number(data: st.DataObject) -> None:
    places = [found.start() for found in re.finditer(r"\d", STATISTICS)]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([one for one in "0123456789" if one != STATISTICS[place]]))
    changed = STATISTICS[:place] + digit + STATISTICS[place + 1 :]
    try:
        (turn,) = parse_runner_log(LOG.replace(STATISTICS, changed))
    except UserError:
        return
    assert turn.rates == pytest.approx(WHOLE.rates, rel=1e-5)
    for name in _DURATIONS:
        expected = getattr(WHOLE.stats, name)
        assert getattr(turn.stats, name) == pytest.approx(expected, abs=_MICROSECOND_MS * 1.01)


@pytest.mark.parametrize(
    ("told", "instead", "fact"),
    [
        ("Total inference time:\t\t0.378", "Total inference time:\t\t0.387", "a rate of 13.2275"),
        ("Model Load Time:\t\t0.064", "Model Load Time:\t\t0.046", "load_ms = 46, the PyTorch"),
        ("Generated 5 tokens:", "Generated 6 tokens:", "counts 6 generated tokens here and 5"),
        ("Sampling time over 37", "Sampling time over 73", "73 tokens of 32 and 5"),
        ("Rate: \t28.735632", "Rate: \t82.735632", "5 tokens in 174 ms and a rate of 82.7356"),
        ("00:00:00.158275", "00:00:00.058275", "encode_ms = -10.151"),
    ],
)
def test_a_contradiction_is_told_with_its_numbers(told: str, instead: str, fact: str) -> None:
    assert LOG.count(told) == 1
    with pytest.raises(UserError, match=re.escape(fact)):
        parse_runner_log(LOG.replace(told, instead))
