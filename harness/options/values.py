"""Values of a command's options, each with the place it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.options.files import read_settings
from harness.options.option import Command, Source, Value
from harness.options.table import options_of

_NOTHING = Value(None, Source("default"))


@dataclass(frozen=True, eq=False)
class Values(Mapping[str, Any]):
    """All options of a command by name; one without value is None.

    Attributes:
        command: Who takes them.
        found: Each with its source.
    """

    command: Command
    found: Mapping[str, Value]

    def __getitem__(self, name: str) -> Any:
        return self.found[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def source(self, name: str) -> Source:
        """Where a value came from."""
        return self.found[name].source

    def typed(self) -> dict[str, Any]:
        """What the command line says."""
        return {name: self[name] for name in self if self.source(name).kind == "command line"}

    def given(self) -> dict[str, Any]:
        """What somebody says, on the command line, in a file or in the environment."""
        return {name: self[name] for name in self if self.source(name).kind != "default"}

    def unless_typed(self, *names: str) -> Values:
        """Without what does not matter here: only who typed it has to be told.

        Args:
            names: Of options that do not matter; a file that sets them serves other commands.
        """
        untyped = set(names) - self.typed().keys()
        return replace(self, found={**self.found, **dict.fromkeys(untyped, _NOTHING)})

    def over_environment(self, variables: Mapping[str, Value]) -> Values:
        """With values of environment variables where nobody says anything else.

        Args:
            variables: By name of the option.
        """
        used = {name: one for name, one in variables.items() if name not in self.given()}
        return replace(self, found={**self.found, **used})


def resolve(
    command: Command, typed: Mapping[str, Any], start: Path = Path(), root: Path = Path()
) -> Values:
    """The command line over the laboratory's files over defaults.

    Args:
        command: Who takes the options.
        typed: What the command line says; absent or None where it says nothing.
        start: Where the search for files begins.
        root: Where relative defaults begin, and where the search ends outside of a repository.

    Raises:
        UserError: If a file is not TOML, or sets an unknown option or a wrong type.
    """
    settings = read_settings(start.absolute(), root.absolute())
    found = {}
    for name, option in options_of(command).items():
        value = typed.get(name)
        if value is not None:
            found[name] = Value(value, Source("command line"))
        elif option.is_setting and name in settings:
            found[name] = settings[name]
        else:
            default = option.default_for(command)
            at = root / default if isinstance(default, Path) else default
            found[name] = Value(at, Source("default"))
    return Values(command, found)
