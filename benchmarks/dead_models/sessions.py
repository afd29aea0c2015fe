"""Sessions of the suites on one artifact, and what each suite said of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from pydantic import BaseModel

from harness.devices.lease import LEASE_DIR_VARIABLE

SUITES = ("accuracy", "perf", "size")

_ROOT = Path(__file__).parents[2]
_FEW = ("--scenes", "12", "--runs", "5", "--pairs", "8", "--cooldown", "0")
_PATIENCE_S = 900


class SuiteEnd(BaseModel, frozen=True):
    """What one suite said.

    Attributes:
        failed: Tests that failed.
        passed: Tests that passed.
        others: Tests that were skipped, or ended in neither.
        sentence: The first failure's, empty where nothing failed.
    """

    failed: int
    passed: int
    others: int
    sentence: str = ""


class SessionEnd(BaseModel, frozen=True):
    """What one session said of an artifact.

    Attributes:
        exit_status: Of pytest.
        seconds: Wall time.
        suites: By name; none where the session was refused before it began.
        refusal: Why.
    """

    exit_status: int
    seconds: float
    suites: dict[str, SuiteEnd]
    refusal: str = ""

    @property
    def named(self) -> list[str]:
        """What was said of the artifact, each sentence once."""
        said = (self.refusal, *(suite.sentence for suite in self.suites.values()))
        return [sentence for sentence in dict.fromkeys(said) if sentence]


def run_session(artifact: Path, where: Sequence[str], folder: Path) -> SessionEnd:
    """Run all three suites on an artifact.

    Args:
        artifact: A folder with a manifest.
        where: Options that say where to run.
        folder: For report and results; made here.

    Raises:
        subprocess.TimeoutExpired: If it takes a quarter of an hour.
    """
    folder.mkdir(parents=True, exist_ok=True)
    junit = folder / "junit-of-pytest.xml"
    kept = ("--results", str(folder / "results"), "--report-dir", str(folder / "report"))
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}"),
        *(str(_ROOT / "suites" / suite) for suite in SUITES),
        *("--pre-gen-pte", str(artifact), *where, *_FEW, *kept),
    ]
    with (folder / "session.log").open("w") as log:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            # Speeds are not looked at, so nobody has to be waited for.
            env={**os.environ, LEASE_DIR_VARIABLE: str(folder / "lease")},
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_S,
            check=False,
        )
    if not junit.exists():
        refusal = (folder / "session.log").read_text().strip().splitlines()
        return SessionEnd(
            exit_status=done.returncode,
            seconds=0,
            suites={},
            refusal=refusal[-1] if refusal else "",
        )
    root = ElementTree.parse(junit).getroot()
    seconds = sum(float(suite.get("time", 0)) for suite in root.iter("testsuite"))
    cases = list(root.iter("testcase"))
    ends = {suite: _end_of(suite, cases) for suite in SUITES}
    return SessionEnd(exit_status=done.returncode, seconds=seconds, suites=ends)


def _end_of(suite: str, cases: Sequence[ElementTree.Element]) -> SuiteEnd:
    own = [one for one in cases if f"suites.{suite}." in one.get("classname", "")]
    faults = [fault for one in own for fault in (*one.iter("failure"), *one.iter("error"))]
    skipped = sum(1 for one in own if one.find("skipped") is not None)
    sentence = (
        " ".join((faults[0].get("message") or faults[0].text or "").split()) if faults else ""
    )
    return SuiteEnd(
        failed=len(faults),
        passed=len(own) - len(faults) - skipped,
        others=skipped,
        sentence=sentence,
    )
