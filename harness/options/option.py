"""What an option is, and a value of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Command = Literal[
    "suites",
    "export",
    "ladder",
    "results",
    "compare",
    "noise",
    "summary",
    "log",
    "doctor",
    "options",
    "farm",
    "reports",
    "runtime",
]
"""Who takes options: pytest with the suites, ``python -m harness export``, ..., ``python -m
reports``, ``python -m harness.runtime``."""
COMMANDS: tuple[Command, ...] = get_args(Command)

Arity = Literal["one", "many", "pair"]
"""Values of an option: one; one each time that it is repeated; or two behind one flag."""


class PathOrName(str):
    """A folder, or the name of something that is found elsewhere: a key, a hub id, a word."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: Name in values and files; flags have hyphens for its underscores.
        commands: Commands that take it; what the suites take, files may set for all of them.
        help: What it is; the default is added.
        type: ``str``, ``int``, ``Path``, ``PathOrName``, or ``bool`` for a switch.
        arity: How many values it has.
        default: What holds where nobody says anything, or what finds it on this machine, or either
            by command; None where it depends on other things.
        words: Description of the default for people; empty to show the default itself.
        choices: The only values that there are, or what finds them.
        metavar: Name of a value in help, where type and flag do not tell it.
        spelled: Flag where it is not the name; without dashes, the place of a word tells what it
            is.
        several: What to type for several values of an option that takes one.
    """

    name: str
    commands: tuple[Command, ...]
    help: str
    type: type = str
    arity: Arity = "one"
    default: Any | Callable[[], Any] | Mapping[Command, Any] = None
    words: str = ""
    choices: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    metavar: str | tuple[str, str] | None = None
    spelled: str = ""
    several: str = ""

    @property
    def is_setting(self) -> bool:
        """Whether files may set it."""
        return "suites" in self.commands

    @property
    def flag(self) -> str:
        """How a command line spells it."""
        return self.spelled or f"--{self.name.replace('_', '-')}"

    @property
    def has_flag(self) -> bool:
        """Whether it is spelled with a flag; else its place among the words tells it."""
        return self.flag.startswith("-")

    def allowed(self) -> tuple[str, ...]:
        """The only values that there are; none for any."""
        return self.choices() if callable(self.choices) else self.choices

    def default_for(self, command: Command) -> Any:
        """What holds for a command, on this machine, where nobody says anything."""
        value = self.default.get(command) if isinstance(self.default, Mapping) else self.default
        return value() if callable(value) else value

    def default_words(self, command: Command) -> str:
        """What holds where nobody says anything, for people; empty for nothing."""
        is_own = isinstance(self.default, Mapping) and command in self.default
        if self.words and not is_own:
            return self.words
        value = self.default_for(command)
        return "" if value is None else str(value)

    def described(self, command: Command) -> str:
        """Its help, with the default."""
        default = self.default_words(command)
        repeats = "repeatable" if self.arity == "many" else ""
        return "; ".join(filter(None, [self.help, repeats, default and f"default: {default}"]))


SourceKind = Literal["command line", "file", "environment", "default"]


@dataclass(frozen=True)
class Source:
    """Where a value comes from.

    Attributes:
        kind: Kind of source; each goes before those behind it.
        place: Path of the file, or name of the variable.
    """

    kind: SourceKind
    place: str = ""

    def __str__(self) -> str:
        return self.place or self.kind


@dataclass(frozen=True)
class SourcedValue:
    """A value of an option and where it comes from."""

    value: Any
    source: Source
