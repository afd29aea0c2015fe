"""A command made from values is read as those values again."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.options.command_line import add_arguments, command_line, to_argv
from harness.options.option import COMMANDS, Command, Option
from harness.options.table import options_of
from harness.runtime.flag_syntax import parse_flags

TYPED: list[Command] = [name for name in COMMANDS if name != "runtime"]
"""Commands whose command lines are read by argparse; pytest's is."""

TEXT = st.text().filter(lambda text: text != "--")


def values_of(command: Command) -> st.SearchStrategy[dict[str, Any]]:
    """Whatever a person may say to a command, without what argparse cannot tell apart."""
    needed, others = {}, {}
    for name, option in options_of(command).items():
        by_place = not option.has_flag
        is_needed = by_place and option.default_for(command) is None
        (needed if is_needed else others)[name] = _value(option, by_place)
    return st.fixed_dictionaries(needed, optional=others)


def _value(option: Option, by_place: bool) -> st.SearchStrategy[Any]:
    if option.type is bool:
        return st.just(True)
    one: st.SearchStrategy[Any] = TEXT
    if by_place or option.arity == "pair":
        one = TEXT.filter(lambda text: not text.startswith("-"))
    if choices := option.allowed():
        one = st.sampled_from(choices)
    elif option.type is int:
        one = st.integers()
    elif option.type is Path:
        one = one.map(Path)
    if option.arity == "pair":
        return st.lists(one, min_size=2, max_size=2)
    return st.lists(one, min_size=1) if option.arity == "many" else one


def parse(command: Command, words: tuple[str, ...]) -> dict[str, Any]:
    """What a command line says."""
    parser = argparse.ArgumentParser()
    add_arguments(parser, command)
    typed = vars(parser.parse_args(words))
    return {name: value for name, value in typed.items() if value is not None}


@pytest.mark.parametrize("command", TYPED)
@given(data=st.data())
def test_a_command_line_gives_its_values_back(command: Command, data: st.DataObject) -> None:
    values = data.draw(values_of(command))
    assert parse(command, to_argv(command, values)) == values


@given(values=values_of("suites"))
def test_a_shell_reads_the_same_words(values: dict[str, Any]) -> None:
    typed = command_line("suites", values, "suites/perf/test_speed.py::test[a b]")
    words = ("pytest", "suites/perf/test_speed.py::test[a b]", *to_argv("suites", values))
    assert tuple(shlex.split(typed)) == words


@given(soc=st.sampled_from(["SM8550", "-x"]), qnn_dir=TEXT.map(Path))
def test_the_runner_reads_what_it_shares(soc: str, qnn_dir: Path) -> None:
    flags = parse_flags(to_argv("runtime", {"soc": soc, "qnn_dir": qnn_dir}))
    assert (flags.soc, flags.qnn_dir) == (soc, qnn_dir)


def test_commands_are_typed_as_a_person_does() -> None:
    export = {"exported_model": "smolvlm_500m", "target": "phone", "soc": "SM8550"}
    assert command_line("export", export) == (
        "python -m harness export smolvlm_500m --target phone --soc SM8550"
    )
    assert command_line("reports", {"report_dir": Path("my report")}) == (
        "python -m reports --report-dir 'my report'"
    )


def test_no_two_options_of_a_command_are_spelled_alike() -> None:
    for command in COMMANDS:
        flags = [option.flag for option in options_of(command).values()]
        assert len(set(flags)) == len(flags)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--serial A --serial B", "is given as A and as B; leave one of them out; for several"),
        ("--soc SM8550 --soc=SM8650", "argument --soc: is given as SM8550 and as SM8650"),
        ("--build-dir a --build-dir b", "is given as a and as b; leave one of them out"),
    ],
)
def test_a_value_is_taken_once(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser, "doctor")
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(words.split())
    assert told in capsys.readouterr().err


def test_the_same_value_twice_is_one_and_repeatable_options_repeat() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser, "doctor")
    words = "--serial A --serial A --adb-host a --adb-host b"
    given = vars(parser.parse_args(words.split()))
    assert (given["serial"], given["adb_host"]) == ("A", ["a", "b"])
