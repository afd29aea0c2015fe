"""A long command on a phone that outlives the connection: claimed, detached and polled."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.devices.phone.files.storage import check_room
from harness.devices.phone.runs import run_shell
from harness.devices.transport.errors import (
    ConnectionLost,
    PhoneRebooted,
    PhoneRefused,
    RunGone,
    RunOverran,
)
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import Retry, RetryLimits, retrying
from harness.kept_output import HEAD_BYTES, TAIL_BYTES, KeptOutput

_ASK_S = 15.0
_LOG_BYTES_PER_POLL = TAIL_BYTES
_LOOKS_FOR_A_START = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class RunResult:
    """A command that ended by itself, well or badly.

    Attributes:
        boot_id: Boot of the phone when it was seen to have ended; files of another boot may be
            damaged.
        exit_code: Exit code of the command; 128 and the number of the signal that killed it.
        log: What it printed, in order; of a long log head, tail and a count of what is left out.
        drops: How often the connection was cut since the start.
        peak_rss_kib: Most memory its process was seen to hold; 0 where it was too quick to be
            looked at. Memory of the HTP is not in it.
    """

    boot_id: str
    exit_code: int
    log: bytes
    drops: int
    peak_rss_kib: int


class ClaimedRun:
    """One command on a phone.

    It is started once however often the start must be sent, runs on while nobody is connected,
    and its log arrives in order and once: whole, or its head and its end.

    Args:
        phone: Phone that it runs on. It is asked by serial, so its connection may be another one
            when it comes back.
        folder: Folder for this run alone; it stays until ``remove``.
        retry_limits: How long the phone may be away.
    """

    def __init__(
        self, phone: Commands, folder: str, retry_limits: RetryLimits | None = None
    ) -> None:
        self._phone = phone
        self._folder = folder
        self._retry_limits = retry_limits or RetryLimits()
        self._boot_id: str | None = None
        self._log = KeptOutput()
        self._drops = 0
        self._peak_rss_kib = 0

    def start(self, command: str, about: str = "", total_s: float = 60.0) -> None:
        """Start the command; do nothing if it was started before.

        Args:
            command: Shell text, as ``start_text`` takes it.
            about: One line for whoever finds the run.
            total_s: Time for starting alone.

        Raises:
            NotEnoughSpace: If the phone's disk is full; nothing runs then.
            PhoneRefused: If the folder cannot be made.
            PhoneRebooted: If it was started, and the phone has rebooted since.
            RunGone: If it was claimed and never started.
            DeadlineExceeded: If the phone stays away.
        """
        text = run_shell.start_text(self._folder, command, about)
        for _ in range(_LOOKS_FOR_A_START):
            started = self._persist(total_s, lambda: self._started(text))
            if started.claimed_in is not None:
                break
        else:
            self._persist(total_s, lambda: check_room(self._phone, self._folder))
            raise RunGone(self._folder, "it was claimed and never started")
        if started.claimed_in != started.boot_id:
            raise PhoneRebooted(self._folder)
        self._boot_id = started.boot_id

    def wait(self, total_s: float, on_log: Callable[[bytes], None] | None = None) -> RunResult:
        """Wait until the command ends, through cuts.

        Args:
            total_s: Time until the command counts as hung; it is then ended on the phone.
            on_log: Told each new part of the log that arrives.

        Raises:
            RunOverran: If it did not end in time.
            RunGone: If it was killed without leaving an exit code, as a phone without memory does.
            PhoneRebooted: If the phone rebooted meanwhile.
            DeadlineExceeded: If the phone stays away.
        """
        retry = self._retry(total_s)
        pause_s = _FIRST_PAUSE_S
        try:
            while True:
                has_head = self._log.end >= HEAD_BYTES
                poll = retry.until_done(self._poll)
                if poll.log and on_log:
                    on_log(poll.log)
                is_behind = not has_head and len(poll.log) == _LOG_BYTES_PER_POLL
                if poll.state != "run" and not is_behind:
                    return self._result(poll, retry.drops)
                if poll.state == "run" and retry.left_s == 0:
                    raise self._overran(total_s)
                if is_behind:
                    continue
                retry.pause(pause_s)
                pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
        finally:
            self._drops += retry.drops

    def end(self, total_s: float = 30.0) -> None:
        """End the command and every process that it started; do nothing if it has ended.

        Raises:
            PhoneRefused: If a process outlives even that, as one that waits for a driver does.
            DeadlineExceeded: If the phone stays away.
        """
        answer = self._persist(
            total_s, lambda: self._phone.ask(run_shell.end_text(self._folder), _ASK_S)
        )
        if "E ended" not in answer.stdout:
            raise PhoneRefused(f"the run in {self._folder} outlives kill -9; reboot the phone")

    def remove(self, total_s: float = 30.0) -> None:
        """Delete the folder of a run that has ended.

        Raises:
            DeadlineExceeded: If the phone stays away.
        """
        command = f"rm -rf {shlex.quote(self._folder)}"
        self._persist(total_s, lambda: self._phone.ask(command, _ASK_S))

    def _result(self, last: run_shell.Poll, drops: int) -> RunResult:
        if last.exit_code is None:
            # Its leader is dead; the work itself may go on and would disturb the next run.
            self.end()
            raise RunGone(self._folder, log=self._log.content())
        drops += self._drops
        log = self._log.content()
        return RunResult(last.boot_id, last.exit_code, log, drops, self._peak_rss_kib)

    def _overran(self, total_s: float) -> RunOverran:
        self.end()
        return RunOverran(self._folder, total_s, self._log.content())

    def _persist(self, total_s: float, action: Callable[[], Result]) -> Result:
        retry = self._retry(total_s)
        try:
            return retry.until_done(action)
        finally:
            self._drops += retry.drops

    def _retry(self, total_s: float) -> Retry:
        return retrying(self._phone, total_s, self._retry_limits)

    def _started(self, text: str) -> run_shell.Started:
        answer = self._phone.ask(text, _ASK_S)
        if answer.exit_code == 1:
            said = answer.stderr or answer.stdout
            check_room(self._phone, self._folder, said)
            raise PhoneRefused(said)
        return _whole(run_shell.parse_start, answer.raw)

    def _poll(self) -> run_shell.Poll:
        known = self._log.end
        text = run_shell.poll_text(
            self._folder, known, _LOG_BYTES_PER_POLL, may_skip=known >= HEAD_BYTES
        )
        answer = self._phone.ask(text, _ASK_S)
        if answer.exit_code == 1:
            raise RunGone(self._folder, "its folder is gone", self._log.content())
        poll = _whole(run_shell.parse_poll, answer.raw)
        if poll.boot_id != (self._boot_id or poll.boot_id):
            raise PhoneRebooted(self._folder)
        self._boot_id = poll.boot_id
        self._log.add(poll.log, poll.log_start)
        self._peak_rss_kib = max(self._peak_rss_kib, poll.peak_rss_kib)
        return poll


def find_runs(phone: Commands, folder: str) -> tuple[run_shell.FoundRun, ...]:
    """Runs whose folders are in a folder, whoever started them.

    Raises:
        ConnectionLost: If the phone does not answer.
    """
    return run_shell.parse_found(phone.ask(run_shell.find_text(folder), _ASK_S).raw)


def _whole(parse: Callable[[bytes], Result], answer: bytes) -> Result:
    try:
        return parse(answer)
    except run_shell.CutAnswer as error:
        raise ConnectionLost(str(error)) from error
