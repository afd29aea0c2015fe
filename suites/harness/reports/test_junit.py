"""JUnit for a session that died: CI sees what ran, and nothing unjudged as green."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows.schema import OutcomeRow
from harness.results.run import Run
from reports.junit import render_junit
from suites.harness.reports.small_run import BROKEN_TEST, RUN_ID, session_row


def suite_of(directory: Path) -> ElementTree.Element:
    suite = ElementTree.fromstring(render_junit(Run.read(directory))).find("testsuite")
    assert suite is not None
    return suite


def test_totals_count_every_outcome(finished_run: Path) -> None:
    suite = suite_of(finished_run)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert suite.get("time") == "6.000"


def test_the_run_can_be_told_from_others(finished_run: Path) -> None:
    properties = {
        each.get("name"): each.get("value") for each in suite_of(finished_run).iter("property")
    }
    assert properties == {"run_id": RUN_ID, "finished": "true"}


def test_a_test_is_named_as_pytest_names_it(finished_run: Path) -> None:
    case = suite_of(finished_run).findall("testcase")[0]
    assert case.get("classname") == "suites.perf.test_rates"
    assert case.get("name") == "test_decode_rate[tiny_smolvlm-kv]"


@pytest.mark.parametrize(
    ("status", "label"),
    [
        (Status.INCONCLUSIVE, "INCONCLUSIVE"),
        (Status.NO_GATE, "NO GATE"),
        (Status.BLOCKED, "BLOCKED"),
    ],
)
def test_an_open_verdict_is_skipped_with_its_reason(
    tmp_path: Path, status: Status, label: str
) -> None:
    row = OutcomeRow(
        test_id="suites/perf/test_rates.py::TestRates::test_decode",
        outcome="skipped",
        status=status,
        duration_s=1.0,
        message="measured 5 runs\nand more",
        rerun_command="pytest",
    )
    with Journal(tmp_path, "main") as journal:
        journal.append(row)
    case = suite_of(tmp_path).find("testcase")
    assert case is not None
    assert case.get("classname") == "suites.perf.test_rates.TestRates"
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == f"{label}: measured 5 runs"
    assert skipped.text == f"{label}: measured 5 runs\nand more"


def test_characters_that_xml_forbids_are_spelled_out(finished_run: Path) -> None:
    names = BROKEN_TEST.rpartition("::")[2]
    [case] = [each for each in suite_of(finished_run).iter("testcase") if each.get("name") == names]
    error = case.find("error")
    assert error is not None
    assert error.text is not None
    assert "#x1B[31mE   AssertionError: left behind" in error.text
    assert error.text.endswith("#x00")


def test_every_character_is_told_in_valid_xml(tmp_path: Path) -> None:
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10400)])) + chr(0x10FFFF)
    row = OutcomeRow(
        test_id=f"a.py::t[{everything}]",
        outcome="failed",
        duration_s=1.0,
        message=f"{everything}\n]]>",
        rerun_command="pytest",
    )
    run_id = "run\x1b\x00<&\"'\uffff"
    with Journal(tmp_path, "main") as journal:
        journal.append(session_row().model_copy(update={"run_id": run_id}))
        journal.append(row)
    content = render_junit(Run.read(tmp_path))
    suite = ElementTree.fromstring(content).find("testsuite")
    assert suite is not None
    assert len(suite.findall("testcase")) == 2
    [named] = [one for one in suite.iter("property") if one.get("name") == "run_id"]
    assert named.get("value") == "run#x1B#x00<&\"'#xFFFF"
    assert "#x1B" in str(suite.findall("testcase")[0].get("name"))
