"""What a library needs is read from its bytes, however it is cut or damaged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.elf import companions, is_whole, needed_libraries
from suites.harness.devices.phone.files_for_phones import write_elf


def test_what_a_linked_file_needs_is_read(tmp_path: Path) -> None:
    path = write_elf(tmp_path / "x", needs=["libone.so", "libtwo.so.1"])
    assert needed_libraries(path) == ("libone.so", "libtwo.so.1")
    assert needed_libraries(write_elf(tmp_path / "y")) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no ELF files")
def test_a_program_of_this_machine_needs_its_c_library() -> None:
    assert any(name.startswith("libc.") for name in needed_libraries(Path("/bin/sh").resolve()))


def test_a_file_is_whole_until_it_is_cut(tmp_path: Path) -> None:
    path = write_elf(tmp_path / "x", needs=["libone.so"])
    content = path.read_bytes()
    assert is_whole(path)
    for length in (0, 10, 70, len(content) // 2):
        path.write_bytes(content[:length])
        assert not is_whole(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_cut_or_changed_file_fails(tmp_path: Path, data: st.DataObject) -> None:
    whole = write_elf(tmp_path / "x", needs=["libone.so", "libtwo.so"]).read_bytes()
    cut = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at in data.draw(st.lists(st.integers(0, max(len(cut) - 1, 0)), max_size=8)) if cut else ():
        cut[at] = data.draw(st.integers(0, 255))
    (tmp_path / "x").write_bytes(cut)
    assert all(isinstance(name, str) for name in needed_libraries(tmp_path / "x"))
    assert is_whole(tmp_path / "x") in (True, False)


def test_what_files_need_of_each_other_or_by_an_absolute_name_is_no_companion(
    tmp_path: Path,
) -> None:
    one = write_elf(tmp_path / "one.so", needs=["two.so", "three.so", "/bin/sh", ""])
    two = write_elf(tmp_path / "two.so", needs=["one.so"])
    three = write_elf(tmp_path / "three.so", needs=["absent.so"])
    assert companions((one, two), (tmp_path,)) == (three,)
