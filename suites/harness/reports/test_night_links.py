"""Squares of nights lead to the reports that are still where they were built."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results.run import Run
from reports.build import build_report
from reports.night_links import night_links
from reports.past import read_past
from suites.harness.reports.nights import write_levels


@pytest.mark.parametrize("place", ["out/../{run}", "runs/{run}/report"])
def test_a_night_is_linked_where_its_own_report_lies(tmp_path: Path, place: str) -> None:
    last = write_levels(tmp_path / "runs", [100.0, 101.0, 102.0])
    first, second, _ = sorted((tmp_path / "runs").iterdir())
    for run in (first, second):
        build_report(run, tmp_path / place.format(run=run.name))
    past = read_past(Run.read(last))
    links = night_links(past, tmp_path / "runs", tmp_path / "out")
    assert list(links) == [first.name, second.name]
    for link in links.values():
        assert (tmp_path / "out" / link).resolve().is_file()
    index = build_report(last, tmp_path / "out").files[0].read_text()
    assert f'href="{links[first.name]}"' in index


def test_a_folder_that_every_night_reports_to_is_no_earlier_nights(tmp_path: Path) -> None:
    last = write_levels(tmp_path / "runs", [100.0, 101.0])
    build_report(last, tmp_path / "runs" / last.name / "report")
    assert night_links(read_past(Run.read(last)), tmp_path / "runs", tmp_path / "out") == {}
