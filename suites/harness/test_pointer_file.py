"""A file that was not fetched is told from a damaged one, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.pointer_file import refuse_pointer

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 11421896\n"
POINTERS = {
    LFS: "git lfs pull",
    "\ufeff" + LFS: "git lfs pull",
    LFS.replace("\n", "\r\n"): "git lfs pull",
    LFS.replace("git-lfs.github", "hawser.github"): "git lfs pull",
    "/annex/objects/SHA256E-s12--abc.json\n": "git annex get",
    "../.git/annex/objects/Xx/Yy/SHA256E-s12--abc/SHA256E-s12--abc": "git annex get",
    "# xet version 0\nfilesize = 12\nhash = 'abc'\n": "git xet",
}


@pytest.mark.parametrize("content", POINTERS)
def test_a_pointer_is_refused_with_what_fetches_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content.encode())
    with pytest.raises(UserError, match=rf"tokenizer\.json is .*{POINTERS[content]}"):
        refuse_pointer(path)


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.symlink_to("../.git/annex/objects/ab/cd/SHA256E-s1--ef")
    with pytest.raises(UserError, match=r"a link to .*not there.*git annex get"):
        refuse_pointer(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=600), st.just(b""), st.just(LFS[8:].encode())))
def test_any_other_file_is_let_through(tmp_path: Path, content: bytes) -> None:
    assume(not any(mark in content for mark in (b"annex", b"# xet", b"version https")))
    path = tmp_path / "file"
    path.write_bytes(content)
    refuse_pointer(path)
    refuse_pointer(tmp_path / "missing")
    refuse_pointer(tmp_path)
