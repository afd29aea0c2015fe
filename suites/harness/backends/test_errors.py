"""QNN's log lines are translated into what is wrong and what to do.

The ``emulator_*`` and ``no_libraries`` logs are of ExecuTorch 1.5.1 with QNN 2.47; the ``phone_*``
logs are excerpts of reports that ``KNOWN_ERRORS`` cites.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.backends.qnn.errors import KNOWN_ERRORS, explain

LOGS = Path(__file__).with_name("data")


@pytest.mark.parametrize(
    ("log", "explanation"),
    [
        ("emulator_shared_weights", "share weights, .*; export it again with --target emulator$"),
        ("emulator_newer_qnn", "made by a newer QNN than runs here; install that QNN or"),
        ("emulator_damaged_graph", "damaged or of another HTP version; copy or export it again"),
        ("emulator_damaged_context", "its context binary is damaged; copy or export it again"),
        ("no_libraries", "libraries were not found; .*python -m harness doctor$"),
        ("phone_no_room", r"no room for a context of this size \(error 1002\); close"),
        ("phone_no_skel", "Skel.so, was not found .*; push the skel"),
        ("phone_vtcm", "for a SoC with more VTCM than this one has; export it again with --soc"),
    ],
)
def test_a_real_log_is_explained(log: str, explanation: str) -> None:
    text = explain((LOGS / f"{log}.log").read_text().splitlines())
    assert text is not None
    assert re.search(explanation, text)


def test_every_row_is_needed_by_some_log_or_says_who_reported_it() -> None:
    logs = "\n".join(path.read_text() for path in LOGS.glob("*.log"))
    for known in KNOWN_ERRORS:
        assert re.search(known.pattern, logs) or known.source.startswith("https://")


def test_what_says_most_wins_over_what_follows_from_it() -> None:
    log = (LOGS / "phone_vtcm.log").read_text()
    assert "Error 5005" in log
    assert "VTCM" in (explain(log.splitlines()) or "")


def test_an_unknown_failure_is_not_guessed_at() -> None:
    assert explain(["[ERROR] [Qnn ExecuTorch]: something new"]) is None
