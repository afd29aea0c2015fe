"""Command lines: parsers made from the table, and commands to repeat or to resume something."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.options.option import Command, Option
from harness.options.table import options_of

_PROGRAMS: Mapping[Command, tuple[str, ...]] = {
    "suites": ("pytest",),
    "reports": ("python", "-m", "reports"),
    "runtime": ("python", "-m", "harness.runtime"),
}


class Once(argparse.Action):
    """Takes one value however often it is typed: the last of several is nobody's choice.

    Args:
        several: How to ask for several, where that can be had.
        settings: What every action has.
    """

    def __init__(self, *, several: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._several = several

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Take it.

        Raises:
            argparse.ArgumentError: If it was given with another value before.
        """
        before = getattr(namespace, self.dest, None)
        if before is not None and before != values:
            told = f"is given as {_shown(before)} and as {_shown(values)}; leave one of them out"
            raise argparse.ArgumentError(self, "; ".join(filter(None, (told, self._several))))
        setattr(namespace, self.dest, values)


def _shown(values: Any) -> str:
    return " ".join(map(str, values)) if isinstance(values, list) else str(values)


_METAVARS: Mapping[type, str] = {Path: "PATH", int: "N"}


def add_arguments(parser: argparse.ArgumentParser, command: Command) -> None:
    """Declare a command's options; what is not typed is None, so that a file may say it.

    Args:
        parser: Parser of the command alone.
        command: Command whose options are declared.
    """
    for option in options_of(command).values():
        flag, settings = declaration(option, command)
        if option.has_flag:
            parser.add_argument(flag, dest=option.name, **settings)
        else:
            is_needed = option.default_for(command) is None
            parser.add_argument(option.name, nargs=None if is_needed else "?", **settings)


def declaration(option: Option, command: Command) -> tuple[str, dict[str, Any]]:
    """Flag and settings of an option, as ``argparse`` and pytest take them."""
    flag = option.flag
    settings: dict[str, Any] = {
        "default": None,
        "help": option.described(command).replace("%", "%%"),
    }
    if option.type is bool:
        return flag, {**settings, "action": "store_true"}
    settings |= {"type": option.type if option.type in (int, Path) else str}
    if choices := option.allowed():
        settings["choices"] = choices
    else:
        settings["metavar"] = (
            option.metavar or _METAVARS.get(option.type) or flag.strip("-").upper()
        )
    if option.arity == "many":
        settings["action"] = "append"
    elif option.has_flag:
        settings["action"] = partial(Once, several=option.several)
    if option.arity == "pair":
        settings["nargs"] = 2
    return flag, settings


def to_argv(command: Command, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Words that say the values to a command; parsing them gives the values back.

    Args:
        command: Command that takes the words.
        values: Value by name of the option; None is not said.
    """
    words: list[str] = []
    options = options_of(command)
    by_place = [name for name in options if name in values and not options[name].has_flag]
    for name in dict.fromkeys([*by_place, *values]):
        option, value = options[name], values[name]
        flag = option.flag
        if value is None or value is False:
            continue
        if value is True:
            words.append(flag)
        elif option.arity == "pair":
            words += [flag, *map(str, value)]
        else:
            for one in map(str, value if option.arity == "many" else [value]):
                words += _said(flag, one)
    return tuple(words)


def _said(flag: str, value: str) -> list[str]:
    if not flag.startswith("-"):
        return [value]
    # A value that begins like a flag is taken for one, unless they are one word.
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]


def command_line(command: Command, values: Mapping[str, Any], *words: str) -> str:
    """The command as a person types it.

    Args:
        command: Command that takes the values.
        values: As ``to_argv`` takes them.
        words: Words behind the program, before the options.
    """
    program = _PROGRAMS.get(command, ("python", "-m", "harness", command))
    return shlex.join([*program, *words, *to_argv(command, values)])
