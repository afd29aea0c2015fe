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
        ("phone_other_arch", "for another HTP version than this SoC has; export it again with"),
        ("phone_arch_of_device", "for another HTP version than this SoC has; export it again with"),
        ("phone_no_stub", "stub of this SoC's HTP version is not beside the runner; give a QNN"),
        ("phone_mixed_libraries", "two versions of QNN's libraries are mixed"),
        ("phone_newer_file", "by a newer QNN than the runner was built with; build the runner"),
        ("phone_old_libraries", "libraries are older than those the runner was built with"),
        ("phone_crashed_htp", "the HTP crashed and was restarted by the phone; run it again"),
        ("phone_graph_too_large", "more memory than a process of the HTP may have; export it"),
        ("phone_lost_graph", r"lost a graph of a file with several \(error 1100\)"),
        ("phone_no_shared_memory", "could not register shared memory, .*; build the runner of a"),
        ("phone_unknown_soc", "QNN does not know the phone's SoC; give a newer QNN SDK"),
        ("phone_no_unsigned_programs", "lets no unsigned program onto its HTP"),
        ("phone_no_memory_map", r"no room for a context of this size \(error 1002\); close"),
        ("phone_skel_of_2024", "Skel.so, was not found .*; push the skel"),
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


def test_a_line_of_every_load_explains_nothing() -> None:
    """Each file that was prepared for its SoC prints this magic number, good ones too."""
    line = "QnnContextCustomProtocol expected magic number: 0x5678abcd but get: "
    assert explain([f"{line}0x2000000"]) is None
    assert "packs contexts in another way" in (explain([f"{line}0x10"]) or "")


def test_an_unknown_failure_is_not_guessed_at() -> None:
    assert explain(["[ERROR] [Qnn ExecuTorch]: something new"]) is None
