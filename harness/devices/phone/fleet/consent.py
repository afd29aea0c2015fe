"""Whose commands are run: those of a file that the user named or owns, and those that were allowed.

A ``phones.toml`` is found where work is done, which may be somebody else's folder, and its
``recover`` commands are programs.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from harness.display import shown
from harness.lock_file import is_ours

Ask = Callable[[str], bool]
"""Asks a person; False where there is none."""


def ask_on_terminal(question: str) -> bool:
    """Whether somebody at the terminal says yes."""
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(shown(question), end=" [y/N] ", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def is_own(path: Path) -> bool:
    """Whether a file is this user's alone, and lies in a repository that is as well.

    Files that a person unpacked are that person's, too, so that the repository is asked for.
    """
    path = path.resolve()
    repository = next((one for one in path.parents if (one / ".git").exists()), None)
    return repository is not None and all(map(_is_written_by_us, (path, path.parent, repository)))


def _is_written_by_us(path: Path) -> bool:
    found = path.stat()
    # Groups of one user are common.
    is_groups = found.st_mode & stat.S_IWGRP and found.st_gid != os.getegid()
    return found.st_uid == os.geteuid() and not is_groups and not found.st_mode & stat.S_IWOTH


def consent_path() -> Path:
    """File of the commands that this user has allowed."""
    return platformdirs.user_data_path("snapgate", appauthor=False) / "allowed-commands"


@dataclass(frozen=True)
class Consent:
    """Commands that the user has allowed, each known by its hash.

    Attributes:
        memory: File of the hashes, a line each.
        ask: Asks for those that are not among them.
    """

    memory: Path
    ask: Ask

    def refusal(self, path: Path, commands: Sequence[str]) -> str | None:
        """Why commands of a file are not run, in a sentence that says how to allow them.

        Asks once, with the commands; a yes is remembered.

        Args:
            path: File that nobody named and that may be somebody else's.
            commands: All of its commands.

        Returns:
            None if they may be run.
        """
        known = self._known()
        new = [command for command in dict.fromkeys(commands) if _hash(command) not in known]
        if not new:
            return None
        told = " and ".join(map(repr, new))
        if self.ask(f"{path} is not known to be yours and wants to run {told}. Allow that?"):
            self._remember(new)
            return None
        return (
            f"{told} of {path} is not run, for that file was found and not named, and is not in a "
            f"repository of yours; to allow it: --phones {shlex.quote(str(path))}"
        )

    def _known(self) -> set[str]:
        if not is_ours(self.memory, stat.S_IFREG):
            return set()
        return set(self.memory.read_text(encoding="ascii", errors="replace").split())

    def _remember(self, commands: Sequence[str]) -> None:
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.memory, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{_hash(command)}\n" for command in commands)


def _hash(command: str) -> str:
    return hashlib.sha256(command.encode("utf-8", "surrogatepass")).hexdigest()
