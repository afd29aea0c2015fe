"""Paths of the phone, walked in its own folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.virtual_phone.machine.root_folder import RootFolder

STEPS = st.sampled_from(["..", ".", "", "data", "local", "tmp", "outside", "up", "a b"])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> RootFolder:
    root = RootFolder(tmp_path_factory.mktemp("phone"), in_chroot=False)
    (root.folder / "outside").symlink_to("/etc")
    (root.folder / "data/up").symlink_to("../../../..")
    (root.folder / "data/local/tmp/loop").symlink_to("loop")
    return root


@given(st.lists(STEPS, max_size=9).map("/".join))
def test_no_path_leads_out_of_the_folder(root: RootFolder, path: str) -> None:
    assert root.follow(path).resolve().is_relative_to(root.folder)
    assert root.resolve(path).parent.resolve().is_relative_to(root.folder.parent)


def test_a_link_to_an_absolute_path_stays_on_the_phone(root: RootFolder) -> None:
    assert root.follow("/outside/passwd") == root.folder / "etc/passwd"
    assert root.resolve("/outside") == root.folder / "outside"


def test_a_link_that_takes_a_file_s_place_leads_nowhere(root: RootFolder, tmp_path: Path) -> None:
    (secret := tmp_path / "secret").write_text("of the machine's")
    (root.folder / "data/swapped").symlink_to(tmp_path)
    (root.folder / "data/link").symlink_to(secret)
    os.mkfifo(root.folder / "data/pipe")
    for planted in ("data/swapped/secret", "data/link", "data/pipe"):
        with pytest.raises(OSError, match=r"denied|symbolic"):
            root.open(root.folder / planted, os.O_RDONLY)
    (root.folder / "data/file").write_text("of the phone's")
    with os.fdopen(root.open(root.folder / "data/file", os.O_RDONLY)) as file:
        assert file.read() == "of the phone's"


def test_a_circle_of_links_is_an_error(root: RootFolder) -> None:
    with pytest.raises(OSError, match="symbolic links"):
        root.follow("/data/local/tmp/loop")


def test_the_boot_id_changes_when_it_is_renewed(root: RootFolder) -> None:
    before = root.boot_id_file.read_text()
    root.renew_boot_id()
    assert len(root.boot_id_file.read_text()) == len(before) == 37
    assert root.boot_id_file.read_text() != before


@pytest.mark.parametrize(
    ("command", "here"),
    [
        ("cat /data/local/tmp/x", "cat R/data/local/tmp/x"),
        ("cd '/data' && ls /sys/class", "cd 'R/data' && ls R/sys/class"),
        ("cat /proc/sys/kernel/random/boot_id", "cat R/system/etc/boot_id"),
        ("cat /proc/1/status /usr/data/x /database", "cat /proc/1/status /usr/data/x /database"),
        ("x=/data;cat $x", "x=R/data;cat $x"),
    ],
)
def test_paths_in_a_command_are_rewritten(root: RootFolder, command: str, here: str) -> None:
    assert root.rewrite(command) == here.replace("R/", f"{root.folder}/")


def test_the_phone_s_folders_exist(root: RootFolder) -> None:
    assert all((root.folder / name).is_dir() for name in ("data/local/tmp", "sdcard", "vendor"))
    assert Path(root.folder / "system/bin/getprop").stat().st_mode & 0o111
