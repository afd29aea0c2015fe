"""What a host adds to the words of each of its jobs: where things are on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.options.command_line import to_argv
from harness.options.option import Command
from harness.options.table import options_of
from harness.options.values import Values

PLACES_OF_A_HOST = frozenset({"adb", "adb_host", "build_dir", "phones", "qnn_dir"})
"""Options that each host of a farm answers for itself, beside those of its folders."""


@dataclass(frozen=True)
class HostWords:
    """Words of one host.

    Attributes:
        session: For ``python -m pytest``.
        export: For ``python -m harness export``.
    """

    session: tuple[str, ...] = ()
    export: tuple[str, ...] = ()


def host_words(options: Values) -> HostWords:
    """Say to every job what was said to its host, on its command line, in a file or by a variable.

    Args:
        options: Of ``python -m harness farm worker``.
    """
    given = options.given()
    told = {name: given[name] for name in sorted(PLACES_OF_A_HOST & given.keys())}
    told["artifacts"] = options["artifacts"]
    return HostWords(_words("suites", told), _words("export", told))


def _words(command: Command, told: Mapping[str, Any]) -> tuple[str, ...]:
    known = options_of(command)
    return to_argv(command, {name: value for name, value in told.items() if name in known})
