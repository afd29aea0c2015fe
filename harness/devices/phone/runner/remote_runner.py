"""Processes of the runner on one phone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from harness.devices.phone.files.storage import check_room, read_small_files
from harness.devices.phone.runner.command import OUTPUT, SPEED, run_script
from harness.devices.phone.runner.output import LeftBehind
from harness.devices.phone.runs.claimed_run import ClaimedRun, RunResult
from harness.devices.phone.workspace import Workspace
from harness.devices.transport.errors import (
    NotEnoughSpace,
    PhoneFailure,
    PhoneRebooted,
    RunGone,
    RunOverran,
)
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import RetryLimits, retrying
from harness.kept_output import TAIL_BYTES
from harness.measure.wording import end_in_words

_REBOOTS = 2
"""Survived per run: the phone has everything that is needed to begin again."""
_COLLECT_S = 120.0
_LOGCAT_S = 30.0
_LAST_WORDS_S = 30.0
"""For what is known of a run that did not end by itself; it is worth no longer wait."""
_LOGGED_HERE = " executorch:"
"""In every line of ExecuTorch's log, unless the build logs to Android's (contract §5.5)."""
_UNKNOWN_EXIT_CODE = -1
"""Of a run that left none."""
_CHILD = "child"
"""File of a claimed run with the number of the process that does the work."""

Result = TypeVar("Result")

_LINE = re.compile(
    r"(?P<stamp>\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6})\s+\d+\s+\d+ (?P<level>[VDIWEF]) "
    r"(?P<tag>\S[^:]*?)\s*: (?P<message>.*)"
)
"""``logcat -v threadtime``, with or without ``-v usec``."""
_LEAP_YEAR = 2024
"""logcat prints no year; every day of the calendar exists in this one."""
_EXECUTORCH, _QNN = "ExecuTorch", "[Qnn ExecuTorch]"
_WORDS = {"E": "ERROR", "W": "WARNING", "F": "ERROR"}


class RemoteRunner:
    """Starts the runner and collects what it leaves.

    Args:
        phone: Phone that they run on.
        tools: Folder with the runner and its libraries, on the phone.
        name: Name of the runner's file.
        retry_limits: How long the phone may be away.
        on_reboot: Called before a run begins again on a phone that rebooted.
    """

    def __init__(
        self,
        phone: Commands,
        tools: str,
        name: str,
        retry_limits: RetryLimits | None = None,
        on_reboot: Callable[[], None] = lambda: None,
    ) -> None:
        self.tools = tools
        self.runner = f"{tools}/{name}"
        self._phone = phone
        self._retry_limits = retry_limits or RetryLimits()
        self._on_reboot = on_reboot

    def help_text(self, total_s: float = 60.0) -> str:
        """How the runner ended that was asked for ``--help``, and all that it printed.

        gflags ends with exit code 1 then.

        Raises:
            NotEnoughSpace: If the phone's disk is full behind it.
            PhoneFailure: If the phone is gone.
        """

        def ask() -> str:
            result, folder = self._run((self.runner, "--help"), None, "--help", total_s)
            self._check_room(folder)
            self._remove(folder)
            ended = f"It {end_in_words(result.exit_code)}."
            return f"{ended}\n{result.log.decode(errors='replace')}"

        return self._through_reboots(ask)

    def execute(
        self, arguments: Sequence[str], images: Sequence[str], about: str, total_s: float
    ) -> LeftBehind:
        """Run one process to its end, in a folder of its own that is removed afterwards.

        What is returned says why it ended, if it did not end in time or was killed.

        Args:
            arguments: Program and arguments.
            images: Raw images for the list file, in order.
            about: One line for whoever finds the run on the phone.
            total_s: Time until it counts as hung.

        Raises:
            NotEnoughSpace: If the phone's disk is full behind it.
            PhoneFailure: If the phone is gone.
        """

        def run() -> LeftBehind:
            result, folder = self._run(arguments, images, about, total_s)
            self._check_room(folder)
            left = self._collect(result, folder)
            self._remove(folder)
            return left

        try:
            return self._through_reboots(run)
        except (RunGone, RunOverran) as failure:
            return self._last_words(failure)

    def _through_reboots(self, run: Callable[[], Result]) -> Result:
        """Run and collect, anew after a reboot: it may have taken what was not yet collected."""
        for _ in range(_REBOOTS):
            try:
                return run()
            except PhoneRebooted:
                self._on_reboot()
        return run()

    def _run(
        self, arguments: Sequence[str], images: Sequence[str] | None, about: str, total_s: float
    ) -> tuple[RunResult, str]:
        folder = Workspace.on(self._phone).new_run()
        run = ClaimedRun(self._phone, folder, self._retry_limits)
        run.start(run_script(self.tools, arguments, images), about)
        try:
            return run.wait(total_s), folder
        except KeyboardInterrupt:
            # A phone that does not answer any more is no reason to go on.
            with suppress(PhoneFailure):
                run.end()
            raise

    def _check_room(self, folder: str) -> None:
        """Leave nothing of a run behind which the disk is full.

        What it wrote need not be whole, whatever its exit code is.
        """
        try:
            self._persist(lambda: check_room(self._phone, folder))
        except NotEnoughSpace:
            self._remove(folder)
            raise

    def _collect(self, result: RunResult, folder: str) -> LeftBehind:
        names = (OUTPUT, SPEED, _CHILD)
        files = self._persist(lambda: read_small_files(self._phone, folder, names, result.boot_id))
        log = result.log.decode(errors="replace")
        speed = files[SPEED]
        is_told = _LOGGED_HERE in log
        logcat = "" if is_told and result.exit_code == 0 else self._logcat(files[_CHILD])
        return LeftBehind(
            log=_whole_log(log, logcat),
            output=files[OUTPUT],
            speed=None if speed is None else speed.decode(errors="replace"),
            peak_kib=result.peak_rss_kib or None,
            logcat=logcat,
            exit_code=result.exit_code,
        )

    def _last_words(self, failure: RunGone | RunOverran) -> LeftBehind:
        """What a run that did not end by itself left; then its folder goes, too."""
        logcat, folder = "", failure.folder
        # The run's own end is what has to be told, whatever the phone does now.
        with suppress(PhoneFailure):
            # After a reboot the process's number is another's.
            if not isinstance(failure, PhoneRebooted):
                logcat = self._logcat(self._child(folder), _LAST_WORDS_S)
        full = self._is_full(folder)
        with suppress(PhoneFailure):
            ClaimedRun(self._phone, folder, self._retry_limits).remove(_LAST_WORDS_S)
        if full is not None:
            raise full from failure
        log = _whole_log(failure.log.decode(errors="replace"), logcat)
        return LeftBehind(
            log=log,
            output=None,
            speed=None,
            logcat=logcat,
            exit_code=_UNKNOWN_EXIT_CODE,
            cut_short=str(failure),
        )

    def _is_full(self, folder: str) -> NotEnoughSpace | None:
        """Whether the phone's disk is, as far as it tells in time."""
        try:
            self._persist(lambda: check_room(self._phone, folder), _LAST_WORDS_S)
        except NotEnoughSpace as full:
            return full
        except PhoneFailure:
            return None
        return None

    def _child(self, folder: str) -> bytes:
        """What a run noted of its process; nothing if it noted nothing."""
        command = f"cat {shlex.quote(f'{folder}/{_CHILD}')} 2>/dev/null"
        return self._persist(lambda: self._phone.ask(command, _LAST_WORDS_S), _LAST_WORDS_S).raw

    def _logcat(self, child: bytes | None, total_s: float = _COLLECT_S) -> str:
        """What the process logged to Android's log."""
        words = (child or b"").split()
        if not words:
            return ""
        # With the time in microseconds, as Android 7 and later can.
        command = f"logcat -d -v threadtime -v usec --pid={int(words[0])} | tail -c {TAIL_BYTES}"
        return self._persist(lambda: self._phone.ask(command, _LOGCAT_S), total_s).stdout

    def _remove(self, folder: str) -> None:
        ClaimedRun(self._phone, folder, self._retry_limits).remove()

    def _persist(self, action: Callable[[], Result], total_s: float = _COLLECT_S) -> Result:
        return retrying(self._phone, total_s, self._retry_limits).until_done(action)


def _whole_log(log: str, logcat: str) -> str:
    """What a process printed, and what it logged elsewhere if it logged nothing here."""
    return log if _LOGGED_HERE in log else f"{log}\n{as_runner_log(logcat)}"


def as_runner_log(logcat: str) -> str:
    """Keep the lines of ExecuTorch and QNN, in the form of contract §5.5.

    Times count from the first line, so that stages can be timed from them.
    """
    return "\n".join(_lines(logcat))


def _lines(logcat: str) -> Iterator[str]:
    start: datetime | None = None
    for found in filter(None, map(_LINE.fullmatch, logcat.splitlines())):
        stamp = datetime.strptime(f"{_LEAP_YEAR}-{found['stamp']}", "%Y-%m-%d %H:%M:%S.%f")
        start = start or stamp
        if found["tag"] == _EXECUTORCH:
            yield f"{found['level']} {_since(start, stamp)} executorch:logcat:0] {found['message']}"
        elif found["tag"] == _QNN:
            yield f"[{_WORDS.get(found['level'], 'INFO')}] {_QNN}: {found['message']}"


def _since(start: datetime, stamp: datetime) -> str:
    elapsed_us = (stamp - start) // (stamp.resolution)
    seconds, microseconds = divmod(max(elapsed_us, 0), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"
