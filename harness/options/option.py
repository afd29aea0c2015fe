"""What an option is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Command = Literal[
    "suites",
    "export",
    "results",
    "compare",
    "noise",
    "summary",
    "doctor",
    "options",
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
class Default:
    """What holds where nobody says anything.

    Attributes:
        value: The value, or what finds this machine's; None where it depends on other things.
        words: What it is, for people; empty to show the value.
    """

    value: Any | Callable[[], Any] = None
    words: str = ""

    def find(self) -> Any:
        """The value on this machine."""
        return self.value() if callable(self.value) else self.value

    def __str__(self) -> str:
        return self.words or ("" if self.value is None else str(self.find()))


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: In values and files; flags have hyphens for its underscores.
        commands: Who takes it. What the suites take, files may set for all who take it.
        help: What it is; the default is added.
        type: ``str``, ``int``, ``Path``, ``PathOrName``, or ``bool`` for a switch.
        arity: How many values it has.
        default: Where nobody says anything, as in ``Default``.
        words: What the default is, for people.
        default_of: What holds instead for single commands.
        choices: The only values that there are, or what finds them.
        metavar: Of a value in help, where type and flag do not tell it.
        spelled: Flag where it is not the name, by command; without dashes, it is a word by place.
    """

    name: str
    commands: tuple[Command, ...]
    help: str
    type: type = str
    arity: Arity = "one"
    default: Any | Callable[[], Any] = None
    words: str = ""
    default_of: Mapping[Command, Default] = field(default_factory=dict)
    choices: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    metavar: str | tuple[str, str] | None = None
    spelled: Mapping[Command, str] = field(default_factory=dict)

    @property
    def is_setting(self) -> bool:
        """Whether files may set it."""
        return "suites" in self.commands

    def flag(self, command: Command) -> str:
        """How a command line spells it."""
        return self.spelled.get(command, f"--{self.name.replace('_', '-')}")

    def has_flag(self, command: Command) -> bool:
        """Whether it is spelled with a flag; else its place among the words tells it."""
        return self.flag(command).startswith("-")

    def allowed(self) -> tuple[str, ...]:
        """The only values that there are; none for any."""
        return self.choices() if callable(self.choices) else self.choices

    def default_for(self, command: Command) -> Default:
        """What holds for a command where nobody says anything."""
        return self.default_of.get(command, Default(self.default, self.words))

    def described(self, command: Command) -> str:
        """Its help, with the default."""
        default = str(self.default_for(command))
        repeats = "repeatable" if self.arity == "many" else ""
        return "; ".join(filter(None, [self.help, repeats, default and f"default: {default}"]))
