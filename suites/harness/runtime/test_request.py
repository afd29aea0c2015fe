"""Requests survive their file, whatever characters they hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.runtime.request import Request, read_requests, write_requests

LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"

text = st.text(st.one_of(st.sampled_from(LINE_ENDS), st.characters(codec="utf-8")))
requests = st.builds(
    Request,
    id=text,
    prompts=st.lists(text, min_size=1, max_size=3).map(tuple),
    images=st.lists(text, max_size=2).map(tuple),
    system_prompt=text,
)


@given(st.lists(requests, min_size=1, max_size=4, unique_by=lambda request: request.id))
def test_what_is_written_is_read(written: list[Request]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "requests.jsonl"
        write_requests(path, written)
        assert read_requests(path) == tuple(written)


def test_the_file_is_utf8_in_every_locale(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from harness.runtime.request import Request; "
        "from harness.runtime.request import write_requests; "
        "write_requests(Path('r.jsonl'), [Request(id='0', prompts=(chr(0x1F426),))])"
    )
    root = str(Path(__file__).parents[3])
    env = {**os.environ, "PYTHONPATH": root, "LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    env["PYTHONCOERCECLOCALE"] = "0"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    assert read_requests(tmp_path / "r.jsonl") == (Request(id="0", prompts=("\U0001f426",)),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "holds no request"),
        ("{", "Line 1 of .* is no request"),
        ('{"id": "a"}', "Line 1 of .*: prompts: Field required"),
        ('{"id": "a", "prompts": []}', "Line 1 of .*: prompts"),
        ('{"id": "a", "prompts": ["x"], "picture": "p"}', "Line 1 of .*: picture"),
        ('{"id": "a", "id": "b", "prompts": ["x"]}', "Line 1 of .*'id' twice"),
        ('{"id": "a", "prompts": ["\\ud800"]}', "Line 1 of .* is no request"),
        ("[" * 100_000, "Line 1 of .* is no request: it is nested too deeply"),
        ('{"id": "a", "prompts": ["x"]}\n\n{"id": "a", "prompts": ["y"]}', "Line 3 .* id 'a'"),
    ],
)
def test_bad_requests_are_told_by_their_line(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(content)
    with pytest.raises(UserError, match=sentence):
        read_requests(path)


def test_a_file_that_may_never_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "requests.jsonl")
    with pytest.raises(UserError, match="no regular file"):
        read_requests(tmp_path / "requests.jsonl")
