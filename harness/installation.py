"""What this Python has of what Snapgate needs. Imports nothing that may be missing.

Commands start here, so that a Python without our packages is told so in place of a traceback.
"""

from __future__ import annotations

import importlib.metadata
import pkgutil
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import UserError

OLDEST_PYTHON = (3, 11)
PYTHONS = ("3.11", "3.12")
ALWAYS = ""
"""The extra of what every command needs."""
_DISTRIBUTION = "snapgate"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_CLONE = Path(__file__).parents[1]
_OURS = ("harness", "reports", "fixtures", "training", "benchmarks")


def run(target: str, extra: str = ALWAYS, arguments: Sequence[str] | None = None) -> int:
    """Run a command whose modules are imported only if everything that they need is there.

    Args:
        target: ``module:function``; the function takes words and returns an exit code.
        extra: What it needs beyond what every command needs.
        arguments: Words behind the command; the process's own if None.

    Returns:
        The command's exit code, or 2 after a sentence about what is missing.
    """
    try:
        check_python()
        check_packages(ALWAYS)
        main = _imported(target, extra)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return main(sys.argv[1:] if arguments is None else arguments)


def check_python() -> None:
    """Refuse a Python that cannot even read our modules.

    Raises:
        UserError: If it is too old.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise _other_python()


def _other_python() -> UserError:
    return UserError(
        f"Snapgate needs Python {' or '.join(PYTHONS)} and {sys.executable} is "
        f"{_python_version()}; install one of them, then type: python{PYTHONS[0]} -m venv "
        f".venv && {pip_command('host', 'suites', program='.venv/bin/python')}"
    )


def check_packages(*extras: str) -> None:
    """Make sure that all packages of some extras are installed.

    Raises:
        UserError: If some are not; those of the other extras are told, too.
    """
    if not any(missing_packages(extra) for extra in extras):
        return
    if ".".join(map(str, sys.version_info[:2])) not in PYTHONS:
        # pip would refuse to install what is missing.
        raise _other_python()
    lacks = {extra: missing_packages(extra) for extra in (ALWAYS, "host", "suites")}
    told = "; ".join(
        f"{', '.join(names)}, {_purpose(extra)}" for extra, names in lacks.items() if names
    )
    wanted = [extra for extra, names in lacks.items() if names and extra]
    raise UserError(
        f"{sys.executable} (Python {_python_version()}) lacks {told}; type: {pip_command(*wanted)}"
    )


def missing_packages(extra: str) -> tuple[str, ...]:
    """Names of an extra's packages that are not installed."""
    return tuple(name for name in requirements(extra) if _version(name) is None)


def requirements(extra: str) -> dict[str, str]:
    """Packages of an extra by name, each with the whole requirement: ``torch==2.13.0``."""
    found = {}
    for line in _declared(extra):
        name = _NAME.match(line)
        assert name is not None
        found[name[0]] = line.partition(";")[0].strip()
    return found


def pip_command(*extras: str, program: str = sys.executable) -> str:
    """What installs Snapgate with some extras: from the clone that this is, else by its name."""
    words = ",".join(filter(None, extras))
    named = f"[{words}]" if words else ""
    if not (_CLONE / "pyproject.toml").is_file():
        return shlex.join([program, "-m", "pip", "install", f"{_DISTRIBUTION}{named}"])
    where = "." if Path.cwd() == _CLONE else str(_CLONE)
    return shlex.join([program, "-m", "pip", "install", "-e", f"{where}{named}"])


def _imported(target: str, extra: str) -> Callable[[Sequence[str]], int]:
    try:
        main: Callable[[Sequence[str]], int] = pkgutil.resolve_name(target)
        return main
    except (ImportError, OSError) as error:
        name = getattr(error, "name", None) or "a package"
        if name.partition(".")[0] in _OURS:
            raise
        check_packages(extra)
        raise UserError(
            f"{sys.executable} cannot import {name} ({error}); install it again, with: "
            f"{pip_command(extra)}"
        ) from error


def _declared(extra: str) -> list[str]:
    """Requirements as the clone's ``pyproject.toml`` has them, else the installed package's."""
    source = _CLONE / "pyproject.toml"
    if source.is_file():
        # Pythons before 3.11 have none, and are told so before.
        import tomllib

        project = tomllib.loads(source.read_text(encoding="utf-8"))["project"]
        optional: dict[str, list[str]] = project["optional-dependencies"]
        return list(optional[extra] if extra else project["dependencies"])
    lines = importlib.metadata.requires(_DISTRIBUTION) or []
    wanted = extra or None
    return [line for line in lines if _extra_of(line) == wanted]


def _extra_of(line: str) -> str | None:
    found = _EXTRA.search(line)
    return found and found[1]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _purpose(extra: str) -> str:
    if extra == ALWAYS:
        return "which every command needs"
    return {
        "host": "which exports and runs on this machine need",
        "suites": "which tests and reports need",
    }[extra]


def _python_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))
