"""Where the reports of earlier nights are, seen from this one's page."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from reports.past import Past

PAGE = "index.html"
_HEAD_BYTES = 4096
"""The title, which names the run, is among the first of a page."""


def night_links(past: Past, results: Path, out: Path) -> Mapping[str, str]:
    """Relative addresses by run id, of those nights whose report is still where it was built.

    A folder that every night reports to holds the last one's, so what is found must name its run.

    Args:
        past: The nights; this run itself gets no link.
        results: Folder of the runs.
        out: Folder of the page with the links.
    """
    told = _report_folders(past)
    links = {}
    for night in past.nights[:-1]:
        run_id = night.run_id
        places = [*told.get(run_id, ()), out.parent / run_id, results / run_id / "report"]
        found = next((place for place in places if _is_report_of(place / PAGE, run_id)), None)
        if found is not None:
            links[run_id] = quote(Path(os.path.relpath(found / PAGE, out)).as_posix())
    return links


def _report_folders(past: Past) -> Mapping[str, Sequence[Path]]:
    """Where sessions were told to report to."""
    folders: dict[str, list[Path]] = defaultdict(list)
    sessions = past.history.sessions
    for run_id, options in zip(sessions["run_id"], sessions["options"].dropna(), strict=True):
        folder = json.loads(options).get("report_dir")
        if isinstance(folder, str):
            folders[run_id].append(Path(folder))
    return folders


def _is_report_of(page: Path, run_id: str) -> bool:
    try:
        with page.open("rb") as file:
            return f"Snapgate {run_id}</title>".encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False
