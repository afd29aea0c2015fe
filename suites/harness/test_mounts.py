"""A folder that nothing may be executed from is named, with what moves it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import mounts
from harness.devices.virtual_session import check_virtual_folder
from harness.doctor import machine
from harness.errors import UserError
from harness.mounts import is_noexec
from harness.virtual_phone.machine.sandbox import NoSandbox, start_sandbox

MOUNTED = """
import subprocess, sys
from pathlib import Path
from harness.mounts import is_noexec
folder = Path(sys.argv[1])
if subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "none", folder]).returncode:
    sys.exit(77)
print(is_noexec(folder), is_noexec(folder / "not" / "yet"), is_noexec(folder.parent))
"""


@pytest.fixture
def noexec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder says that it is mounted so."""
    flags = SimpleNamespace(f_flag=os.ST_NOEXEC)
    monkeypatch.setattr(mounts, "os", SimpleNamespace(statvfs=lambda folder: flags))


def test_a_mounted_folder_and_what_will_be_in_it_are_told(tmp_path: Path) -> None:
    command = ("unshare", "--mount", "--map-root-user", sys.executable, "-c", MOUNTED)
    told = subprocess.run((*command, tmp_path), capture_output=True, text=True)
    if told.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {told.stderr.strip()}")
    assert told.stdout.split() == ["True", "True", "False"]


def test_ordinary_folders_let_programs_run(tmp_path: Path) -> None:
    assert not is_noexec(tmp_path / "absent" / "deeper")


@pytest.mark.usefixtures("noexec")
def test_a_virtual_phone_is_refused_before_anything_is_exported_for_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{tempfile.gettempdir()} is mounted noexec.*TMPDIR"):
        check_virtual_folder()
    with pytest.raises(NoSandbox, match=f"{tmp_path} is mounted noexec, .*--root"):
        start_sandbox(tmp_path, None)


@pytest.mark.usefixtures("noexec")
def test_the_doctor_names_cache_and_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine.platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    problems = {one.subject: one.problem or "" for one in machine.machine_diagnoses()}
    assert f"{tmp_path} is mounted noexec" in problems["cache"]
    assert "XDG_CACHE_HOME" in problems["cache"]
    assert "TMPDIR" in problems["temporary files"]
