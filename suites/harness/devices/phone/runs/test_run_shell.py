"""How the answers of a run on a phone read, whole or cut."""

from __future__ import annotations

import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.phone.runs import run_shell
from harness.devices.phone.runs.run_shell import (
    CutAnswer,
    FoundRun,
    Started,
    end_text,
    find_text,
    parse_found,
    parse_poll,
    parse_start,
    poll_text,
    start_text,
)

BOOT = "0a8f6c1e-3b7d-4a55-9d6e-1f7b1d1c0a11"


def shell(text: str) -> bytes:
    return subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout


def poll_answer(state: str, log: bytes) -> bytes:
    return f"R {BOOT} {state} {len(log)} 1234 0\n".encode() + log


@given(log=st.binary(max_size=200), state=st.sampled_from(["run", "gone", "0", "137"]))
def test_a_whole_answer_reads_as_it_was_sent(log: bytes, state: str) -> None:
    poll = parse_poll(poll_answer(state, log))

    assert (poll.boot_id, poll.log, poll.peak_rss_kib) == (BOOT, log, 1234)
    assert poll.state == {"run": "run", "gone": "gone"}.get(state, "ended")
    assert poll.exit_code == {"0": 0, "137": 137}.get(state)


@given(log=st.binary(max_size=200), data=st.data())
def test_an_answer_cut_anywhere_is_known_to_be_cut(log: bytes, data: st.DataObject) -> None:
    answer = poll_answer("run", log)
    kept = data.draw(st.integers(0, len(answer) - 1))

    with pytest.raises(CutAnswer):
        parse_poll(answer[:kept])


@given(log=st.binary(max_size=50), more=st.binary(min_size=1, max_size=50))
def test_an_answer_with_more_than_it_says_is_not_believed(log: bytes, more: bytes) -> None:
    with pytest.raises(CutAnswer):
        parse_poll(poll_answer("run", log) + more)


def test_a_start_tells_the_boot_it_was_in_and_the_present_one() -> None:
    assert parse_start(f"S new 12 3456 {BOOT}\n".encode()) == Started("new", BOOT)


def test_a_claim_that_never_became_a_run_is_told() -> None:
    assert parse_start(b"S new\n") == Started("new", None)


@pytest.mark.parametrize("answer", [b"", b"S", b"S \n", b"S new 12"])
def test_a_start_that_was_cut_is_known_to_be_cut(answer: bytes) -> None:
    with pytest.raises(CutAnswer):
        parse_start(answer)


def test_any_shell_runs_a_command_with_quotes_comments_and_bad_syntax(tmp_path: Path) -> None:
    folder = f"{tmp_path}/a run"
    shell(start_text(folder, 'echo "it\'s"; exit 3 # done', "me"))

    shell(f"cd {shlex.quote(folder)}; while [ ! -f exit ]; do sleep 0.01; done")

    poll = parse_poll(shell(poll_text(folder, 0, 1000)))
    assert (poll.state, poll.exit_code, poll.log) == ("ended", 3, b"it's\n")


def test_a_log_is_sent_from_an_offset_and_no_more_of_it_than_asked_for(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"0123456789")
    (tmp_path / "exit").write_text("0\n")

    assert parse_poll(shell(poll_text(str(tmp_path), 3, 4))).log == b"3456"
    assert parse_poll(shell(poll_text(str(tmp_path), 10, 4))).log == b""


def test_what_a_poll_may_skip_of_a_log_that_ran_ahead(tmp_path: Path) -> None:
    """Whatever the offset within a block, the last bytes come, and where they stand."""
    printed = b"".join(b"%06d " % number for number in range(5000))
    (tmp_path / "log").write_bytes(printed)

    for offset, most in ((0, 10_000), (4097, 9000), (34_000, 5000)):
        poll = parse_poll(shell(poll_text(str(tmp_path), offset, most, may_skip=True)))
        assert poll.log_start == max(offset, len(printed) - most)
        assert poll.log == printed[poll.log_start :]


def test_a_run_cannot_fill_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_shell, "PRINTED_BYTES_LIMIT", 1 << 16)
    shell(start_text(str(tmp_path / "run"), "exec head -c 200000 /dev/zero", ""))
    shell(f"cd {tmp_path}/run; while [ ! -f exit ]; do sleep 0.01; done")

    poll = parse_poll(shell(poll_text(str(tmp_path / "run"), 0, 1 << 20)))
    assert (poll.exit_code, len(poll.log)) == (128 + signal.SIGXFSZ, 1 << 16)


def test_runs_are_found_by_their_claims(tmp_path: Path) -> None:
    shell(start_text(f"{tmp_path}/one", "exec sleep 60", '{"owner": "lab 7"}'))
    (tmp_path / "no run").mkdir()

    found = parse_found(shell(find_text(str(tmp_path))))
    ended = shell(end_text(f"{tmp_path}/one"))

    assert found == (FoundRun("one", "run", '{"owner": "lab 7"}'),)
    assert ended == b"E ended\n"
    assert parse_found(shell(find_text(str(tmp_path))))[0].state == "gone"


def test_no_folder_has_no_runs(tmp_path: Path) -> None:
    assert parse_found(shell(find_text(f"{tmp_path}/none"))) == ()
