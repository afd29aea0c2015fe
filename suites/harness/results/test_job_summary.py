"""The page of a CI job says what is not green."""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path

import pytest

from harness.measure.change_point import ChangePoint
from harness.measure.verdict import Status
from harness.results.annotations import step_annotations
from harness.results.history import load_history
from harness.results.job_summary import job_summary
from harness.results.journal import Journal
from harness.results.markdown import link, within
from harness.results.rows.schema import AnswerRow, ComparisonRow, OutcomeRow, QuarantineRow
from harness.results.run import Run
from harness.results.series import Series
from harness.results.trend_alerts import TrendAlert
from suites.harness.results.made_up import (
    SUBJECT,
    TEST,
    a_device,
    a_session,
    a_verdict,
    night_id,
    write_run,
)


def test_a_green_run_is_short(tmp_path: Path) -> None:
    told = job_summary(write_run(tmp_path, 0, [a_verdict()]), [])
    assert told.splitlines()[0] == f"## Run `{night_id(0)}`: green"
    assert "|" not in told


def test_a_value_that_is_no_number_is_left_empty(tmp_path: Path) -> None:
    told = job_summary(write_run(tmp_path, 0, [a_verdict(Status.FAIL, median=math.nan)]), [])
    assert "nan" not in told


def test_a_killed_run_says_so(tmp_path: Path) -> None:
    assert "did not finish" in job_summary(write_run(tmp_path, 0, [], exit_status=None), [])


def test_a_run_of_which_one_session_was_killed_is_not_green(tmp_path: Path) -> None:
    run = write_run(tmp_path, 0, [a_verdict()])
    with Journal(run, "main-2") as journal:
        journal.append(a_session(run.name, "main-2"))
    assert "did not finish" in job_summary(run, [])


def test_quarantine_is_at_the_top(tmp_path: Path) -> None:
    row = QuarantineRow(
        metric="decode_tps",
        model="tiny_smolvlm",
        where="mode=kv",
        owner="ada@example.org",
        reason="flips",
        expires=date(2026, 9, 14),
        expired=True,
    )
    lines = job_summary(write_run(tmp_path, 0, [row, a_verdict(Status.FAIL)], 1), []).splitlines()
    [place] = [number for number, line in enumerate(lines) if "Quarantine is over" in line]
    assert "decode_tps of tiny_smolvlm (mode=kv), ada@example.org until 2026-09-14" in lines[place]
    assert place < next(number for number, line in enumerate(lines) if line.startswith("| fail"))


def test_of_a_metric_measured_again_the_last_verdict_counts(tmp_path: Path) -> None:
    rows = [a_verdict(Status.FAIL), a_verdict(Status.INCONCLUSIVE, cold_session=1)]
    told = job_summary(write_run(tmp_path, 0, rows, 10), [])
    assert "1 verdict: 0 pass, 0 fail, 1 inconclusive" in told


def test_quarantined_verdicts_are_marked(tmp_path: Path) -> None:
    told = job_summary(write_run(tmp_path, 0, [a_verdict(Status.FAIL, quarantined=True)]), [])
    assert "| fail (quarantined) | decode_tps |" in told


def test_a_test_that_broke_is_named_with_its_last_line(tmp_path: Path) -> None:
    row = OutcomeRow(
        test_id=TEST,
        outcome="error",
        duration_s=1,
        message="first\nno such image",
        rerun_command="pytest",
    )
    assert f"- **error** `{TEST}`: no such image" in job_summary(write_run(tmp_path, 0, [row]), [])


def test_comparisons_have_their_own_table_and_cells_stay_cells(tmp_path: Path) -> None:
    row = ComparisonRow.model_validate(
        {
            **SUBJECT,
            "baseline_key": "f00d",
            "metric": "decode_tps",
            "unit": "token/s",
            "outcome": "slower",
            "n_pairs": 20,
            "sentence": "SLOWER | by 5 %",
        }
    )
    told = job_summary(write_run(tmp_path, 0, [row]), [])
    assert "| slower | decode_tps | SLOWER &#124; by 5 % |" in told
    cold = {"outcome": "inconclusive", "sentence": "again", "cold_session": 1, "quarantined": True}
    told = job_summary(write_run(tmp_path, 1, [row, row.model_copy(update=cold)]), [])
    assert "| inconclusive (quarantined) | decode_tps | again |" in told
    assert "SLOWER" not in told


def test_a_trend_is_told(tmp_path: Path) -> None:
    alert = TrendAlert(
        Series("tiny_smolvlm", "decode_tps"),
        night_id(4),
        night_id(5),
        ChangePoint(index=5, found_at=9, before=100.0, after=90.0, p_value=1e-6),
        "token/s",
    )
    run = write_run(tmp_path, 0, [], 13)
    told = job_summary(run, [alert])
    assert "green, but a trend turned to the worse" in told
    assert "- **Trend**: decode_tps of tiny_smolvlm changed by -10.0 % since run" in told
    [annotation] = step_annotations(Run.read(run), [alert])
    assert annotation.startswith("::warning title=Trend::decode_tps of tiny_smolvlm changed by")


def test_hundreds_of_verdicts_do_not_flood_the_page(tmp_path: Path) -> None:
    rows = [a_verdict(Status.FAIL, test_id=f"{TEST}{number}") for number in range(120)]
    told = job_summary(write_run(tmp_path, 0, rows), [])
    assert told.count("\n| fail |") == 50
    assert "and 70 more, see the report." in told


def test_a_failed_gate_is_told_in_numbers_with_its_margin_and_since_when(tmp_path: Path) -> None:
    gate = {"gate_min": 100.0, "test_id": TEST}
    write_run(tmp_path, 0, [a_device(), a_verdict(Status.PASS, median=101.0, **gate)])
    for night in (1, 2):
        write_run(
            tmp_path, night, [a_verdict(Status.FAIL, median=90.0, **gate)], 1, git_commit="def"
        )
    run = tmp_path / night_id(2)
    told = job_summary(run, [], load_history(tmp_path), "https://ci.example/runs/7")
    assert "| fail | decode_tps | tiny_smolvlm fp32 kv host host-5ca1ab1e | 90 token/s |" in told
    assert f"| &#62;= 100 | -10.0 % | {night_id(1)}, 2 runs |" in told
    assert (
        f"**What changed** since run `{night_id(0)}`, which passed:\n\n- code commit: abc → def"
        in told
    )
    assert "[Report and results](https://ci.example/runs/7)" in told
    assert (
        "<details><summary>Evidence</summary>\n\n- decode_tps of tiny_smolvlm is 100: fail" in told
    )


def test_a_gate_that_was_raised_is_told_as_the_cause(tmp_path: Path) -> None:
    for night, gate in ((0, 90.0), (1, 120.0)):
        ended = (Status.PASS, Status.FAIL)[night]
        verdict = a_verdict(ended, median=100.0, lower=99.0, upper=101.0, gate_min=gate)
        write_run(tmp_path, night, [verdict], night)
    told = job_summary(tmp_path / night_id(1), [], load_history(tmp_path))
    assert (
        "- **gate alone** decode_tps of tiny_smolvlm fp32 kv host host-5ca1ab1e: gate raised from "
        ">= 90 to >= 120 in thresholds/tiny_smolvlm.toml, measured value unchanged at 100"
    ) in told


@pytest.mark.parametrize(
    "hostile",
    [
        "a | b",
        "</details></table><script>alert(1)</script>",
        "``` ` **bold** _so_ ~~gone~~",
        "[link](https://evil.example) ![x](y) https://evil.example",
        "two\nlines\r\n\n# and a heading\x1b[31m\x00",
        "&lt;b&gt; $x^2$ @ada #12 :tada:",
        "|" * 5000,
    ],
)
def test_what_a_model_or_a_test_says_stays_text(tmp_path: Path, hostile: str) -> None:
    answer = AnswerRow.model_validate(
        {**SUBJECT, "sample_id": "s", "question": hostile, "expected": hostile, "given": hostile}
        | {"correct": False, "question_kind": "describe"}
    )
    failure = OutcomeRow(
        test_id=f"a.py::t[{hostile}]",
        outcome="error",
        duration_s=1,
        message=hostile,
        rerun_command="pytest",
    )
    verdict = a_verdict(Status.FAIL, sentence=hostile, device=hostile)
    told = job_summary(write_run(tmp_path, 0, [answer, failure, verdict]), [])
    cells = {line.count("|") for line in told.splitlines() if line.startswith("| ")}
    assert cells == {8, 5}
    outside_of_code = "\n".join(re.sub("`[^`]*`", "", line) for line in told.splitlines()[1:])
    for sign in ("<script", "**bold", "[link", "https://", "```", "# and", "$x", "@ada", "&lt;"):
        assert sign not in outside_of_code
    assert told.count("<details>") == told.count("</details>") == 2
    assert not re.search("[\x00-\x09\x0b-\x1f]", told)


def test_a_summary_stays_below_what_github_shows(tmp_path: Path) -> None:
    rows = [
        a_verdict(Status.FAIL, test_id=f"{TEST}{n}", sentence="|" * 9000, device="|" * 9000)
        for n in range(60)
    ]
    told = job_summary(write_run(tmp_path, 0, rows), [])
    assert len(told.encode()) <= 1_000_000
    assert told.count("<details>") == told.count("</details>")
    cut = within(["a" * 10, "<details>", "b" * 200], 150, "The rest is cut off here.")
    assert cut.splitlines() == [
        "a" * 10,
        "<details>",
        "",
        "</details>",
        "",
        "The rest is cut off here.",
    ]


def test_failing_gates_are_errors_and_undecided_ones_warnings(tmp_path: Path) -> None:
    rows = [
        a_verdict(Status.FAIL, sentence="100 % slower, or:\nmore"),
        a_verdict(Status.INCONCLUSIVE, metric="ttft_ms"),
        a_verdict(Status.FAIL, metric="load_ms", quarantined=True),
        a_verdict(Status.NO_GATE, metric="encode_ms"),
    ]
    told = step_annotations(Run.read(write_run(tmp_path, 0, rows)), [])
    assert told[0] == (
        "::error file=suites/perf/test_speed.py,title=decode_tps of tiny_smolvlm fp32 kv host "
        "host-5ca1ab1e::100 %25 slower, or:%0Amore"
    )
    assert told[1].startswith("::warning file=suites/perf/test_speed.py,title=ttft_ms of ")
    assert len(told) == 2


def test_properties_of_annotations_are_escaped(tmp_path: Path) -> None:
    row = OutcomeRow(
        test_id="a.py::t[x:y,z%]", outcome="error", duration_s=1, message="", rerun_command="p"
    )
    [told] = step_annotations(Run.read(write_run(tmp_path, 0, [row])), [])
    assert told == "::error file=a.py,title=a.py%3A%3At[x%3Ay%2Cz%25]::no message"


def test_an_annotation_is_one_line_in_which_nothing_is_a_command(tmp_path: Path) -> None:
    sentence = "red\r\n::add-mask::pass\x1b[2J\u202e\u2028##[error]x"
    row = a_verdict(Status.FAIL, sentence=sentence, test_id="a\x1b.py::t")
    [told] = step_annotations(Run.read(write_run(tmp_path, 0, [row])), [])
    assert told.startswith("::error file=a\\x1b.py,title=")
    assert told.endswith("::red%0A\\x3a:add-mask::pass\\x1b[2J\\u202e\\u2028\\x23#[error]x")


def test_there_are_no_more_annotations_than_github_shows(tmp_path: Path) -> None:
    rows = [a_verdict(Status.FAIL, test_id=f"{TEST}{n}") for n in range(30)]
    told = step_annotations(Run.read(write_run(tmp_path, 0, rows)), [])
    assert len(told) == 10
    assert told[-1] == "::warning title=Snapgate::21 annotations more, see the job's summary."


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://ci/run 1?a=b#c", "[Report](https://ci/run%201?a=b#c)"),
        ('HTTP://ci/a)b](c<d>"e\n', "[Report](HTTP://ci/a%29b%5D%28c%3Cd%3E%22e%0A)"),
        ("report/index.html", "[Report](report/index.html)"),
        ("javascript:alert(1)", "Report: `javascript:alert(1)`"),
        ("JavaScript:alert(1)", "Report: `JavaScript:alert(1)`"),
        ("data:text/html,x", "Report: `data:text/html,x`"),
        ("file:///etc/passwd", "Report: `file:///etc/passwd`"),
        ("vbscript:x", "Report: `vbscript:x`"),
        ("java\nscript:x", "Report: `java script:x`"),
        (" javascript:x", "Report: `javascript:x`"),
    ],
)
def test_only_addresses_of_the_web_are_links(address: str, told: str) -> None:
    assert link("Report", address) == told
