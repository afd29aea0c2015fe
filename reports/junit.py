"""``junit.xml`` for a session that died before pytest could write its own."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from harness.results.rows.schema import OutcomeRow
from harness.results.run import Run
from reports.standing import LABELS

_ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def render_junit(run: Run) -> bytes:
    """The run's tests in the shape that pytest gives them (``xunit2``)."""
    suites = ElementTree.Element("testsuites", name="pytest tests")
    suite = ElementTree.SubElement(suites, "testsuite", _totals(run))
    properties = ElementTree.SubElement(suite, "properties")
    facts = {"run_id": run.run_id, "finished": str(run.finished and run.is_whole).lower()}
    if run.planned is not None:
        facts["planned"] = str(run.planned)
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=_legal(value))
    for row in run.outcomes:
        _add_test_case(suite, row)
    if told := _not_green(run):
        case = ElementTree.SubElement(suite, "testcase", classname="snapgate", name="session")
        ElementTree.SubElement(case, "error", message=_legal(told))
    content: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return content


def _not_green(run: Run) -> str:
    """Why the run is not green whatever its tests say; empty if it may be.

    What never ran has no test case, and what was skipped turns no CI system red.
    """
    nothing = "Nothing was judged." if run.judged_nothing else ""
    return " ".join(filter(None, (run.unfinished, nothing, *run.cut_short)))


def _totals(run: Run) -> dict[str, str]:
    def count(outcome: str) -> str:
        return str(sum(row.outcome == outcome for row in run.outcomes))

    totals = {
        "name": "pytest",
        "tests": str(len(run.outcomes) + bool(_not_green(run))),
        "failures": count("failed"),
        "errors": str(int(count("error")) + bool(_not_green(run))),
        "skipped": count("skipped"),
        "time": f"{sum(row.duration_s for row in run.outcomes):.3f}",
    }
    if run.started_at is not None:
        totals["timestamp"] = run.started_at.isoformat()
    return totals


def _add_test_case(suite: ElementTree.Element, row: OutcomeRow) -> None:
    *path, name = row.test_id.split("::")
    classname = ".".join([path[0].removesuffix(".py").replace("/", "."), *path[1:]]) if path else ""
    attributes = {"classname": classname, "name": name, "time": f"{row.duration_s:.3f}"}
    case = ElementTree.SubElement(
        suite, "testcase", {key: _legal(value) for key, value in attributes.items()}
    )
    if row.reruns:
        own = ElementTree.SubElement(case, "properties")
        ElementTree.SubElement(own, "property", name="reruns", value=str(row.reruns))
    if row.outcome in _ELEMENTS:
        reason = f"{LABELS[row.status]}: {row.message}" if row.status else row.message
        first_line = reason.partition("\n")[0]
        element = ElementTree.SubElement(case, _ELEMENTS[row.outcome], message=_legal(first_line))
        element.text = _legal(reason)


def _legal(text: str) -> str:
    """Spell out characters that XML 1.0 cannot carry, as pytest does."""
    return re.sub(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]",
        lambda match: f"#x{ord(match[0]):02X}",
        text,
    )
