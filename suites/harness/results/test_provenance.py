"""A number can be traced to its machine, versions and commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.results.provenance import describe_host, git_commit, package_versions


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    command = ["git", *identity, "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_host_is_described_by_what_moves_a_measurement() -> None:
    host = describe_host()
    assert host.cores >= 1
    assert host.memory_mib > 100
    assert host.cpu_model
    assert host.os


def test_installed_versions_are_listed_and_others_left_out() -> None:
    versions = package_versions(["pydantic", "no-such-distribution"])
    assert set(versions) == {"python", "pydantic"}


def test_the_commit_says_when_files_differ_from_it(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert git_commit(tmp_path) == head
    (tmp_path / "a").write_text("2")
    assert git_commit(tmp_path) == f"{head}-dirty"


def test_there_is_no_commit_outside_of_a_repository(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
