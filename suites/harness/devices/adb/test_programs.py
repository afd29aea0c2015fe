"""Which adb a run takes where nobody names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.devices.adb import programs
from harness.devices.adb.programs import AdbProgram, adb_programs, find_adb_program


def test_the_machines_own_adb_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "adb"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_adb_program() == own


def test_without_one_it_is_the_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bundled, _ = adb_programs()
    assert bundled.name == "adbutils"
    assert find_adb_program() == bundled.path


def test_a_machine_without_any_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "adb_programs", lambda: (AdbProgram("debian", tmp_path / "no"),))
    assert find_adb_program() is None
