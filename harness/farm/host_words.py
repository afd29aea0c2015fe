"""What a host adds to the words of each of its jobs: where things are on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.farm.job import Job
from harness.options.command_line import to_argv
from harness.options.option import Command
from harness.options.table import options_of
from harness.options.values import Values, search_folders
from harness.targets.registry import get_target

_ADB, _COMPILER, _LIST_OF_PHONES = "adb", "qnn_dir", "phones"
PLACES_OF_A_HOST = frozenset({_ADB, "adb_host", "build_dir", _LIST_OF_PHONES, _COMPILER})
"""Options that each host of a farm answers for itself, beside those of its folders."""


@dataclass(frozen=True)
class HostWords:
    """Words of one host, by option.

    Attributes:
        typed: What was typed at its worker, or is in a file that its jobs do not read; other files
            and variables say the rest to each job, too.
        artifacts: Its artifact cache.
    """

    typed: Mapping[str, Any]
    artifacts: Path

    def of(self, job: Job, serialno: str | None) -> tuple[str, ...]:
        """Words for a job: no more than it takes, for what is typed and does not matter is refused.

        Args:
            job: What is to be done.
            serialno: Phone that it gets; None for none.
        """
        command: Command = "export" if job.kind == "export" else "suites"
        target = get_target(job.target)
        on_phone = serialno is not None
        compiles = target.backend.is_htp and (job.kind == "export" or not target.is_remote)
        told = {
            name: value
            for name, value in self.typed.items()
            if on_phone
            or (compiles and name == _COMPILER)
            # Phones that do not exist come with their session.
            or (target.is_remote and name == _ADB)
        }
        known = {name: told[name] for name in told if name in options_of(command)}
        return to_argv(command, {**known, "artifacts": self.artifacts})


def host_words(options: Values, root: Path) -> HostWords:
    """What each job is told besides.

    Args:
        options: Of ``python -m harness farm worker``, paths made absolute.
        root: Clone that jobs are run from.
    """
    read_by_jobs = {str(folder) for folder in search_folders(root, root)}
    told = {}
    for name in sorted(PLACES_OF_A_HOST & set(options)):
        source = options.source(name)
        is_other_file = source.kind == "file" and str(Path(source.place).parent) not in read_by_jobs
        # Typed, commands of a list of phones are run unasked; a file does not ask for that.
        if source.kind == "command line" or (is_other_file and name != _LIST_OF_PHONES):
            told[name] = options[name]
    return HostWords(told, options["artifacts"])
