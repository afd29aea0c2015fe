"""The shell text with which a run lives on a phone, and how its answers read. Pure.

A run is a folder on the phone:

- ``claim``, a folder: made by whoever starts the run. ``mkdir`` succeeds once, so a start that is
  sent again because its answer was lost starts nothing twice.
- ``about``: what the starter wants to be known of the run.
- ``process``: number, start time and boot id of the shell that leads the run's process group.
- ``child``: number and start time of the process that does the work.
- ``log``: what the run printed.
- ``exit``: its exit code; appears whole, by renaming, when the run has ended. On a disk without
  room for it, the code is in the name: ``exit.137``.

The text is plain POSIX shell; it runs in Android's mksh with toybox and in dash.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

from harness.kept_output import PRINTED_BYTES_LIMIT

BOOT_ID = "/proc/sys/kernel/random/boot_id"

RunState = Literal["run", "gone", "ended"]

_ULIMIT_BLOCK_BYTES = 512
"""What ``ulimit -f`` counts in (POSIX)."""
_READ_BLOCK_BYTES = 4096

_QUIET = "exec 2>/dev/null; "
"""Complaints are of no use to whoever reads the answer."""

_NOW = f"read -r now < {BOOT_ID}; "

# Start time in clock ticks since the boot: field 22 of the stat file. The name in field 2 may hold
# spaces, so count from behind it. Number and start time together are one process for ever, while
# numbers alone come round again. A zombie (Z) is dead, whoever has yet to notice.
_STARTED = (
    "started() { read -r s < /proc/$1/stat && set -- ${s##*) } && [ $1 != Z ] && echo ${20}; } "
    "2>/dev/null; "
)
_ALIVE = (
    "p=; t=; b=; c=; d=; read -r p t b < process; read -r c d < child; "
    'is() { [ -n "$2" ] && [ "$b" = "$now" ] && [ "$(started $1)" = "$2" ]; }; '
)

# A leader that ends between the two looks has left its exit code.
_STATE = (
    "ended() { e=$(cat exit); for x in exit.[0-9]*; do "
    '[ -f "$x" ] && e=${x#exit.}; done; [ -n "$e" ]; }; '
    'if ended; then :; elif is "$p" "$t"; then e=run; else sleep 0.2; ended || e=gone; fi; '
)


def start_text(folder: str, command: str, about: str) -> str:
    """Start a command once, detached from the connection; answers as ``parse_start`` reads.

    HUP is ignored and all three streams lead elsewhere: a lost connection leaves such a process
    be, and hardly any other. No file that it writes, its log included, grows beyond
    ``PRINTED_BYTES_LIMIT``: the system ends what goes on writing there (SIGXFSZ).

    Args:
        folder: Folder of the run; made when missing.
        command: Any shell text. Its memory is told while it runs if its last word is ``exec``
            and a program.
        about: One line for whoever finds the run.
    """
    leader = (
        f"trap '' HUP; {_STARTED}{_NOW}"
        "echo $$ $(started $$) $now > process.new && mv process.new process || exit; "
        f"ulimit -f {PRINTED_BYTES_LIMIT // _ULIMIT_BLOCK_BYTES}; "
        f"sh -c {shlex.quote(command)} > log 2>&1 < /dev/null & "
        "echo $! $(started $!) > child; wait $!; e=$?; { echo $e > exit.new && "
        "mv exit.new exit; } || mv exit.new exit.$e || mv process exit.$e"
    )
    return (
        f"mkdir -p {shlex.quote(folder)} && cd {shlex.quote(folder)} || exit 1; "
        f"if mkdir claim 2>/dev/null; then printf '%s\\n' {shlex.quote(about)} > about || "
        f"{{ cd /; rm -r {shlex.quote(folder)}; exit 1; }}; "
        f"setsid sh -c {shlex.quote(leader)} > /dev/null 2>&1 < /dev/null & fi; "
        "i=0; while [ ! -s process ] && [ $i -lt 50 ]; do i=$((i+1)); sleep 0.1; done; "
        f"{_NOW}echo S $now $(cat process)"
    )


def poll_text(folder: str, offset: int, most: int, may_skip: bool = False) -> str:
    """Ask how a run is; answers as ``parse_poll`` reads.

    The exit code is looked for before the log is measured, so that a log which comes with an exit
    code is whole. The log is read in blocks from where it is wanted, since ``tail -c +N`` reads
    all that lies before.

    Args:
        folder: Folder of the run.
        offset: Bytes of the log that are known.
        most: Bytes of the log to send at most.
        may_skip: Whether to send the last ``most`` bytes where there are more, not the next ones.
    """
    skip = f"[ $((s-o)) -gt {most} ] && o=$((s-{most})); " if may_skip else ""
    return (
        f"{_QUIET}cd {shlex.quote(folder)} || exit 1; {_NOW}{_STARTED}{_ALIVE}{_STATE}"
        'm=0; [ "$e" = run ] && [ -n "$c" ] && '
        'while read -r k v u; do [ "$k" = VmHWM: ] && m=$v; done < /proc/$c/status; '
        f"s=$(wc -c < log || echo 0); s=$((s)); o={offset}; {skip}"
        f"n=$((s-o)); [ $n -gt {most} ] && n={most}; [ $n -lt 0 ] && n=0; echo R $now $e $n $m $o; "
        f"b={_READ_BLOCK_BYTES}; [ $n -gt 0 ] && dd if=log bs=$b skip=$((o/b)) count=$((n/b+2)) | "
        "tail -c +$((o%b+1)) | head -c $n; true"
    )


def end_text(folder: str) -> str:
    """End a run and all its processes; answers ``E ended`` or ``E alive``."""
    return (
        f"{_QUIET}cd {shlex.quote(folder)} || {{ echo E ended; exit 0; }}; "
        f"{_NOW}{_STARTED}{_ALIVE}"
        'ours() { is "$p" "$t" || is "$c" "$d"; }; '
        # A command such as timeout leads a process group of its own, within the same session.
        "session() { for f in /proc/[0-9]*/stat; do ( read -r s < $f && set -- ${s##*) } && "
        '[ "$4" = "$p" ] && f=${f%/stat} && echo ${f#/proc/} ); done; }; '
        "patiently() { i=0; while ours && [ $i -lt $1 ]; do i=$((i+1)); sleep 0.1; done; }; "
        "if ours; then kill -TERM -$p; patiently 10; all=$(session); kill -KILL -$p $all; "
        "patiently 20; fi; "
        "if ours; then echo E alive; else echo E ended; fi"
    )


def find_text(folder: str) -> str:
    """List the runs whose folders are in a folder; answers as ``parse_found`` reads."""
    return (
        f"{_QUIET}cd {shlex.quote(folder)} || exit 0; {_NOW}{_STARTED}"
        'for run in */; do ( cd "$run" && [ -d claim ] || exit 0; '
        f"{_ALIVE}{_STATE}"
        'echo F "${run%/}" $e "$(cat about)" ); done'
    )


@dataclass(frozen=True)
class Started:
    """What a start answers.

    Attributes:
        boot_id: Boot of the phone now.
        claimed_in: Boot id when the run started; None if it never did.
    """

    boot_id: str
    claimed_in: str | None


@dataclass(frozen=True)
class Poll:
    """What a poll answers.

    Attributes:
        boot_id: Boot of the phone now.
        state: ``run``, ``gone`` (killed without leaving an exit code) or ``ended``.
        exit_code: Exit code of a run that ended.
        log: The part of the log that was asked for.
        peak_rss_kib: Most memory the command's process ever held so far (``VmHWM``); 0 unknown.
        log_start: Where that part begins.
    """

    boot_id: str
    state: RunState
    exit_code: int | None
    log: bytes
    peak_rss_kib: int
    log_start: int


@dataclass(frozen=True)
class FoundRun:
    """A run found on a phone.

    Attributes:
        name: Name of its folder.
        state: State, as in ``Poll``.
        about: What its starter said of it.
    """

    name: str
    state: RunState
    about: str


class CutAnswer(ValueError):
    """An answer that did not arrive whole."""


_START = re.compile(r"^S (\S+)(?: \d+ \d+ (\S+))?\s*$", re.MULTILINE)
_POLL = re.compile(rb"R (\S+) (run|gone|\d+) (\d+) (\d+) (\d+)\r?\n")
_FOUND = re.compile(r"^F (\S+) (run|gone|\d+) ?(.*?)\r?$", re.MULTILINE)


def parse_start(answer: bytes) -> Started:
    """Read the answer to ``start_text``.

    Raises:
        CutAnswer: If it is not whole.
    """
    found = _START.search(answer.decode(errors="replace"))
    if not found:
        raise CutAnswer(f"a start answered {answer[:80]!r}")
    return Started(found[1], found[2])


def parse_poll(answer: bytes) -> Poll:
    """Read the answer to ``poll_text``.

    Raises:
        CutAnswer: If it has fewer or more bytes than its first line says.
    """
    found = _POLL.match(answer)
    log = answer[found.end() :] if found else b""
    if not found or len(log) != int(found[3]):
        raise CutAnswer(f"a poll answered {len(answer)} bytes: {answer[:80]!r}")
    word = found[2].decode()
    return Poll(
        boot_id=found[1].decode(),
        state=_state(word),
        exit_code=int(word) if word.isdigit() else None,
        log=log,
        peak_rss_kib=int(found[4]),
        log_start=int(found[5]),
    )


def parse_found(answer: bytes) -> tuple[FoundRun, ...]:
    """Read the answer to ``find_text``."""
    text = answer.decode(errors="replace")
    return tuple(FoundRun(name, _state(word), about) for name, word, about in _FOUND.findall(text))


def _state(word: str) -> RunState:
    match word:
        case "run":
            return "run"
        case "gone":
            return "gone"
        case _:
            return "ended"
