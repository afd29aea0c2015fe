"""Pages of every kind of run that people open: green, red, killed, empty, hostile, huge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from benchmarks.synthetic_store import Store, write_store
from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows.schema import (
    AnswerRow,
    DeviceRow,
    OutcomeRow,
    QuarantineRow,
    Row,
    SessionEndRow,
)
from reports.build import build_report
from suites.harness.reports.nights import FIRST_NIGHT, a_sample, a_verdict, write_night
from suites.harness.reports.small_run import (
    ANSWER_TEST,
    RUN_ID,
    SPEED_TEST,
    answer_row,
    outcome_rows,
    sample_rows,
    session_row,
    verdict_rows,
)
from suites.harness.reports.test_parts import a_comparison

PHONE = {"target": "phone", "soc": "SM8550", "device": "VIRTUAL-SM8550"}
LONG = "w" * 180
HOSTILE = "</script><img src=x onerror=alert(1)>\u202eevil\u0000\u2028\U0001f4a9 \ufffd&amp;{{7*7}}"


def green(results: Path) -> Path:
    """136 verdicts that pass, nothing else to tell."""
    return write_store(results, Store(nights=10, further_verdicts=4, slowed=False))


def red(results: Path) -> Path:
    """One speed fell on one phone, and a runner crashed."""
    return write_store(results, Store(nights=24, further_verdicts=4))


def many_nights(results: Path) -> Path:
    """More nights than a row of squares holds, with changes of level that lie close together."""
    for number in range(400):
        value = (100.0, 80.0, 120.0)[number // 7 % 3] + number % 2
        rows = [a_sample(value), a_verdict(value, Status.PASS)]
        folder = write_night(results, number, rows)
    return folder


def empty(results: Path) -> Path:
    """A session that ended before it had done anything."""
    return write_night(results, 0, [], exit_status=5)


def killed(results: Path) -> Path:
    """A session of which nobody knows how it would have gone on."""
    return write_night(results, 0, [*sample_rows(), verdict_rows()[1]], exit_status=None)


def compared(results: Path) -> Path:
    """Outcomes of all kinds."""
    rows = [
        a_comparison("slower", 0.94),
        a_comparison("same", 1.001).model_copy(update={"metric": "ttft_ms", "unit": "ms"}),
        a_comparison("blocked", None).model_copy(update={"metric": "load_ms", "unit": "ms"}),
        a_comparison("faster", 1.2).model_copy(update={"metric": "e2e_tps", "quarantined": True}),
        a_failure(SPEED_TEST, "decode_tps of the candidate is 6 % lower", Status.FAIL),
    ]
    return write_night(results, 0, rows, exit_status=1)


def blocked(results: Path) -> Path:
    """A phone that did not become fit, and a metric that nobody wrote a gate for."""
    cannot = a_verdict(0.0, Status.BLOCKED, **PHONE, sentence="decode_tps: the phone stays at 44 C")
    cannot = cannot.model_copy(update={"median": None, "lower": None, "upper": None})
    return write_night(results, 0, [cannot, verdict_rows()[0]], exit_status=12)


def virtual(results: Path) -> Path:
    """Two nights on a virtual phone, whose speed fell."""
    device = DeviceRow.model_validate({**PHONE, "virtual": True, "at": FIRST_NIGHT})
    for number in range(12):
        value = 40.0 if number < 6 else 20.0
        rows = [
            device,
            *(a_sample(value, **PHONE, virtual=True, run_index=index) for index in range(5)),
            a_verdict(value, Status.PASS, **PHONE, gate_min=None),
            a_comparison("same", 1.0).model_copy(update=PHONE),
        ]
        folder = write_night(results, number, rows)
    return folder


def mixed(results: Path) -> Path:
    """A session on two targets behind a clock that was set back, and nights that were allowed."""
    for number, allow in enumerate(["", "blocked", "no-gate,blocked", ""]):
        ended = [a_verdict(0.0, Status.BLOCKED)] if allow else [a_verdict(101.0, Status.PASS)]
        options = {"allow": allow} if allow else None
        write_night(results, number, ended, options=options)
    emulator = {"target": "emulator", "soc": "SM8650", "device": "emulator-SM8650"}
    size = {"unit": "byte", "precision": "fp32", "component": "vision_encoder", "gate_min": None}
    rows: list[Row] = [
        DeviceRow.model_validate({**PHONE, "virtual": True, "at": FIRST_NIGHT}),
        a_verdict(43.0, Status.PASS, **PHONE, gate_min=None),
        *(
            a_verdict(1_952_640.0, Status.PASS, **{**emulator, **size, **artifact})
            for artifact in (
                {"metric": "pte_bytes", "gate_max": 2_470_707.0, "artifact_key": "a" * 64},
                {"metric": "pte_bytes", "gate_max": 2_470_707.0, "artifact_key": "b" * 64},
                {"metric": "context_bytes", "gate_max": 2.0**32 - 1, "artifact_key": "a" * 64},
            )
        ),
        _answer(ANSWER_TEST, **{**emulator, "artifact_key": "a" * 64, "precision": "fp32"}),
    ]
    behind = {"sequence": round((FIRST_NIGHT + timedelta(days=30)).timestamp() * 1e6)}
    return write_night(results, 4, rows, session=behind)


def long_names(results: Path) -> Path:
    """Names without a place to break, wherever a name is shown."""
    names = {"model": LONG, "device": LONG, "precision": LONG, "metric": LONG}
    test = f"suites/perf/test_{LONG}.py::test_{LONG}[{LONG}]"
    rows: list[Row] = [
        a_sample(100.0, **names),
        a_verdict(100.0, Status.FAIL, **names, test_id=test, sentence=LONG),
        a_failure(test, f"AssertionError: {LONG}"),
        _answer(test, LONG, LONG, model=LONG, given=LONG, correct=False, sample_id=LONG),
        a_comparison("slower", 0.9).model_copy(update={**names, "sentence": LONG}),
        QuarantineRow(
            metric=LONG,
            model=LONG,
            owner=LONG,
            reason=LONG,
            expires=FIRST_NIGHT.date(),
            expired=True,
        ),
    ]
    for number in range(12):
        value = 100.0 if number < 6 else 50.0
        folder = write_night(
            results, number, [a_sample(value, **names)] if number < 11 else rows, commit=LONG
        )
    return folder


def hostile(results: Path) -> Path:
    """Strings that would end a script, a table or a line wherever they are not escaped."""
    names = {"model": HOSTILE, "device": HOSTILE, "precision": HOSTILE, "metric": HOSTILE}
    rows = [
        a_sample(100.0, **names, valid=False, invalid_reason=HOSTILE),
        a_verdict(100.0, Status.FAIL, **names, test_id=HOSTILE, sentence=HOSTILE),
        a_failure(HOSTILE, HOSTILE),
        _answer(HOSTILE, HOSTILE, HOSTILE, given=HOSTILE, correct=False, model=HOSTILE),
    ]
    return write_night(results, 0, rows, exit_status=1)


def wrong_answers(results: Path) -> Path:
    """Golden answers that name too little, and many failures of few causes."""
    golden = {"question_kind": "golden", "expected": "blue triangle, red cross, digit two"}
    with Journal(results / RUN_ID, "main") as journal:
        image = journal.store_thumbnail(Image.new("RGB", (64, 48), "red"))
        given = "There is a blue triangle beside the digit two, which nobody had asked about."
        rows: list[Row] = [
            session_row(),
            *(answer_row(sample_id=f"scene-{n}", image=image) for n in range(24)),
            _answer(f"{ANSWER_TEST}-golden", given=given, correct=False, image=image, **golden),
            _answer(f"{ANSWER_TEST}-golden", given=golden["expected"], sample_id="g2", **golden),
            a_verdict(
                0.5,
                Status.FAIL,
                test_id=f"{ANSWER_TEST}-golden",
                metric="golden_hit",
                unit="share",
                gate_min=1.0,
                n_samples=1,
            ),
            a_failure(f"{ANSWER_TEST}-golden", "golden_hit is 0.5, gate >= 1: fail", Status.FAIL),
            *(
                a_failure(f"suites/robustness/test_kill.py::test_kill[{n}]", f"pid {n} hangs")
                for n in range(30)
            ),
            *outcome_rows(),
            SessionEndRow(exit_status=1),
        ]
        for row in rows:
            journal.append(row)
    return journal.directory


def a_failure(test_id: str, message: str, status: Status | None = None) -> OutcomeRow:
    """A test that failed, with what was kept of it."""
    command = f"pytest '{test_id}'"
    return OutcomeRow(
        test_id=test_id,
        outcome="failed",
        status=status,
        duration_s=1.0,
        message=message,
        rerun_command=command,
        evidence={"command": command, "stdout": f"{message}\n" * 3},
    )


def _answer(test_id: str, question: str = "Describe it.", *_: str, **fields: object) -> AnswerRow:
    row = answer_row(question=question, **{"reference": None})
    return row.model_copy(update={"test_id": test_id, **fields})


KINDS: Mapping[str, Callable[[Path], Path]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            green,
            red,
            many_nights,
            empty,
            killed,
            compared,
            blocked,
            virtual,
            mixed,
            long_names,
            hostile,
            wrong_answers,
        )
    }
)


def write_pages(folder: Path, kinds: Sequence[str] = tuple(KINDS)) -> Mapping[str, Path]:
    """Build the pages.

    Returns: ``index.html`` by kind.
    """
    return {
        kind: build_report(KINDS[kind](folder / kind / "runs"), folder / kind / "report").files[0]
        for kind in kinds
    }
