"""pytest's way to the suites, installed with the package: no folder changes what a command means.

pytest takes the folders of a command line, values of options that it does not know yet among them,
for what to collect, and finds its root and settings from there. So in a session of suites this
module declares their options before that matters, and begins the session anew with the settings
of the clone wherever pytest found others. In a session of anybody else it looks for a clone of ours
and does nothing; so it imports nothing of ours before there is one.

PYTEST_DONT_REWRITE: pytest would warn that it cannot, in a session that begins anew.
"""

from __future__ import annotations

import argparse
import copy
import shlex
import sys
import tomllib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.options.option import Option

_ANEW = pytest.StashKey[list[str]]()
"""Command line to begin anew with."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None]:
    """Declare the options where suites are meant, and see to it that they are found."""
    clone = _meant_clone(early_config, parser, args)
    if clone is None:
        yield
        _refuse_stray_options(early_config, parser, args)
        return
    _guard_streams(clone)
    if _has_root(early_config, clone) and _names_tests(early_config, parser, args, clone):
        _declare(early_config, parser, args)
        yield
        _check(early_config, parser, args)
        return
    early_config.stash[_ANEW] = _command_from(early_config, parser, args, clone)
    args.clear()
    early_config.known_args_namespace.noconftest = True
    early_config.known_args_namespace.file_or_dir = []
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Begin anew where this session has the wrong root."""
    command = config.stash.get(_ANEW, None)
    if command is None:
        return None
    return int(pytest.main(command, plugins=config.invocation_params.plugins))


def _meant_clone(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> Path | None:
    """The clone whose suites a command line means: by what it names, else by where it is typed."""
    here = config.invocation_params.dir
    words = [
        here / str(word).partition("::")[0] for word in config.known_args_namespace.file_or_dir
    ]
    near = next(filter(None, map(_clone_above, (here, config.rootpath, *words))), None)
    if near is None:
        return None
    meant = _places(config, parser, args, near) or [here, config.rootpath]
    return next(filter(None, map(_clone_above, meant)), None)


def _clone_above(place: Path) -> Path | None:
    """The nearest folder at or above a place that is a clone of this repository."""
    return next((folder for folder in (place, *place.parents) if _is_clone(folder)), None)


def _is_clone(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    if not (folder / "suites").is_dir() or not project.is_file():
        return False
    try:
        table = tomllib.loads(project.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    return bool(table.get("project", {}).get("name") == "snapgate")


def _places(
    config: pytest.Config, parser: pytest.Parser, args: Sequence[str], clone: Path | None
) -> list[Path]:
    """What a command line names to collect, values of our options left out."""

    def parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        return parser.parse_known_and_unknown_args(words, namespace=copy.copy(config.option))

    known, unknown = parse(args)
    if any(word.startswith("--") for word in unknown):
        known, _ = parse(list(_without(_options(clone), args)))
    return [
        config.invocation_params.dir / str(word).partition("::")[0] for word in known.file_or_dir
    ]


def _guard_streams(clone: Path) -> None:
    """Let a session that nobody can read measure and report all the same.

    Streams that somebody else put in place of this process's own are theirs.
    """
    if sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__:
        with _nearest(clone):
            from harness.program import guard_streams
        guard_streams("pytest", is_output_needed=False)


@contextmanager
def _nearest(clone: Path | None) -> Iterator[None]:
    """Import ours from a clone: a session imports ours only once."""
    before = sys.path[:]
    sys.path[:0] = [] if clone is None else [str(clone)]
    try:
        yield
    finally:
        sys.path[:] = before


def _options(clone: Path | None) -> dict[str, Option]:
    """Our options by their flags, as the clone has them."""
    with _nearest(clone):
        from harness.options.table import options_of
    return {option.flag: option for option in options_of("suites").values()}


def _without(options: Mapping[str, Option], args: Iterable[str]) -> Iterator[str]:
    words = iter(args)
    for word in words:
        option = options.get(word.partition("=")[0])
        if option is None:
            yield word
        elif "=" not in word and option.type is not bool:
            for _ in range(2 if option.arity == "pair" else 1):
                next(words, None)


def _has_root(config: pytest.Config, clone: Path) -> bool:
    settings = config.inipath
    return (
        settings is not None
        and settings.parent.resolve() == clone.resolve() == config.rootpath.resolve()
    )


def _names_tests(
    config: pytest.Config, parser: pytest.Parser, args: Sequence[str], clone: Path
) -> bool:
    """Whether pytest finds tests without being told more than the command line tells it."""
    here = config.invocation_params.dir.resolve()
    is_there = here == clone.resolve() or here.is_relative_to(clone.resolve() / "suites")
    return is_there or bool(_places(config, parser, args, clone))


def _declare(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> None:
    from fixtures.settings.options import add_options

    add_options(parser)
    cut = config.known_args_namespace.confcutdir
    with _without_report_of_earlier(config, args):
        config.known_args_namespace = parser.parse_known_args(
            args, namespace=copy.copy(config.option)
        )
    config.known_args_namespace.confcutdir = cut


def _check(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> None:
    """Find what is wrong with a command line before pytest does, which then tells nobody."""
    if not config.known_args_namespace.help:
        with _without_report_of_earlier(config, args):
            parser.parse(args, namespace=copy.copy(config.option))


@contextmanager
def _without_report_of_earlier(config: pytest.Config, args: Sequence[str]) -> Iterator[None]:
    """Let no earlier report stand for a session that its command line keeps from starting."""
    try:
        yield
    except pytest.UsageError as error:
        from fixtures.settings.options import report_dir_of
        from reports.retired import retire_report

        own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        own.add_argument("--report-dir", type=Path)
        folder = report_dir_of(config, own.parse_known_args(args)[0].report_dir)
        why = str(error).rpartition("error: ")[2].partition("\n")[0]
        retire_report(folder, f"did not start: {why}.")
        raise


def _command_from(
    config: pytest.Config, parser: pytest.Parser, args: Sequence[str], clone: Path
) -> list[str]:
    """The command line with the clone's settings, and its suites where nothing was named.

    Raises:
        pytest.UsageError: If it asks for other settings or another root itself.
    """
    known = config.known_args_namespace
    for flag, value in (("-c", known.inifilename), ("--rootdir", known.rootdir)):
        wanted = clone / "pyproject.toml" if flag == "-c" else clone
        if value and (config.invocation_params.dir / value).resolve() != wanted.resolve():
            raise pytest.UsageError(
                f"{flag} is {value}, and the suites of {clone} are judged with {wanted}; leave "
                f"{flag} out."
            )
    suites = [] if _places(config, parser, args, clone) else [str(clone / "suites")]
    settings = str(clone / "pyproject.toml")
    return ["-c", settings, "--rootdir", str(clone), *config.invocation_params.args, *suites]


def _refuse_stray_options(
    config: pytest.Config, parser: pytest.Parser, args: Sequence[str]
) -> None:
    """Say where the suites are, where pytest would only say that it does not know our options.

    Raises:
        pytest.UsageError: If an option is ours and nobody else's.
    """
    _, unknown = parser.parse_known_and_unknown_args(args, namespace=copy.copy(config.option))
    flags = {word.partition("=")[0] for word in unknown if word.startswith("--")}
    if not flags:
        return
    try:
        ours = flags & _options(None).keys()
    except ImportError:
        # Somebody else's package of that name lies nearer than ours.
        return
    if ours:
        here = config.invocation_params.dir
        named = {str(place) for place in _places(config, parser, args, None)}
        typed = [word for word in config.invocation_params.args if str(here / word) not in named]
        root = Path(sys.modules["harness"].__file__ or "").parents[1]
        suites = str(root / "suites") if _is_clone(root) else "CLONE/suites"
        raise pytest.UsageError(
            f"{min(ours)} is an option of Snapgate's suites, and none are in "
            f"{', '.join(sorted(named)) or here}; type: {shlex.join(['pytest', suites, *typed])}"
        )
