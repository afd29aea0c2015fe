"""The fuzzer counts every end of a case, repeats it, and goes on behind one that ended it all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from benchmarks.fuzz import campaign
from benchmarks.fuzz.campaign import try_cases
from benchmarks.fuzz.kind import Outcome
from benchmarks.fuzz.mutations import mutated_bytes, mutated_json, mutated_text
from benchmarks.fuzz.registry import kinds
from benchmarks.fuzz.worker import dice_of
from harness.errors import UserError

SESSION = """
import json, os, signal, sys, time
first, last = int(sys.argv[-2]), int(sys.argv[-1])
for case in range(first, last):
    print(json.dumps({"case": case}), flush=True)
    if case == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if case == 3:
        time.sleep(600)
    outcome = "traceback" if case == 2 else "clear error"
    print(json.dumps({"case": case, "outcome": outcome, "detail": "x"}), flush=True)
"""


class Given:
    """A kind whose cases end as a session written above says."""

    name = "given"
    cases = 6
    limit_s = 2.0
    starts_programs = False

    def missing(self) -> str | None:
        """Every machine can try it."""
        return None

    def prepare(self, folder: Path) -> None:
        """Leave it to the session, which is another process."""

    def attempt(self, dice: Random) -> Outcome:
        """Never asked in this process."""
        raise NotImplementedError


def test_a_campaign_goes_on_behind_signals_and_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(kind: str, seed: int, first: int, last: int) -> list[str]:
        return [sys.executable, "-c", SESSION, kind, str(seed), str(first), str(last)]

    monkeypatch.setattr(campaign, "worker_command", command)
    found = try_cases(Given(), 0, range(6), time.monotonic() + 600)
    assert found.counts == {"clear error": 3, "signal": 1, "traceback": 1, "hang": 1}
    assert [(case, outcome) for case, outcome, _ in found.defects] == [
        (1, "signal"),
        (2, "traceback"),
        (3, "hang"),
    ]
    assert found.defects[0][2] == "SIGSEGV"


def test_a_case_that_a_machine_had_no_time_for_is_no_hang(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow_once = SESSION.replace(
        "if case == 3:", f"if case == 3 and not os.path.exists({str(tmp_path / 'tried')!r}):"
    ).replace("time.sleep", f"open({str(tmp_path / 'tried')!r}, 'w'); time.sleep")
    monkeypatch.setattr(
        campaign,
        "worker_command",
        lambda kind, seed, *cases: [sys.executable, "-c", slow_once, *map(str, cases)],
    )
    found = try_cases(Given(), 0, range(2, 6), time.monotonic() + 600)
    assert found.counts == {"clear error": 3, "traceback": 1}


def test_a_kind_that_cannot_be_prepared_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        campaign, "worker_command", lambda *_: [sys.executable, "-c", "raise OSError", "0", "6"]
    )
    with pytest.raises(RuntimeError, match="given cannot be prepared"):
        try_cases(Given(), 0, range(6), time.monotonic() + 600)


def test_a_case_is_the_same_whenever_it_is_tried() -> None:
    content, document = bytes(range(256)), {"a": [1, {"b": 2}], "c": "d"}
    for case in range(50):
        assert len({mutated_bytes(content, dice_of("kind", 7, case)) for _ in range(3)}) == 1
        assert len({mutated_text(b"a = 1\nb = 2\n", dice_of("kind", 7, case)) for _ in "abc"}) == 1
        assert len({mutated_json(document, dice_of("kind", 7, case)) for _ in range(3)}) == 1
    assert json.loads(json.dumps(document)) == {"a": [1, {"b": 2}], "c": "d"}
    assert len({mutated_bytes(content, dice_of("kind", 7, case)) for case in range(50)}) > 45


def test_kinds_are_tried_the_quick_ones_first() -> None:
    ours, programs = list(kinds())[:-6], list(kinds())[-6:]
    assert ours == [
        *("pictures", "manifests", "gates", "settings", "questions", "runner-logs"),
        *("journals", "checkpoints", "adb-streams"),
    ]
    assert programs[0] == "host-vision_encoder"
    assert all(name == kind.name for name, kind in kinds().items())


def test_a_program_that_reading_starts_is_refused_and_told() -> None:
    session = (
        "import os; from benchmarks.fuzz.worker import watch_programs; tried = watch_programs()\n"
        "try:\n    os.system('exit 3')\nexcept PermissionError:\n    print(*tried)"
    )
    done = subprocess.run([sys.executable, "-c", session], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("os.system\n", "")


@pytest.mark.parametrize("name", ["gates", "settings", "questions", "runner-logs"])
def test_files_of_a_kind_are_read_whole_and_put_back(name: str, tmp_path: Path) -> None:
    kind = kinds()[name]
    kind.prepare(tmp_path)
    before = contents(tmp_path)
    for case in range(5):
        with suppress(UserError):
            kind.attempt(dice_of(name, 0, case))
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
