"""The table of all options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from harness.options.groups.farm import FARM_OPTIONS
from harness.options.groups.judging import JUDGING_OPTIONS
from harness.options.groups.model import MODEL_OPTIONS
from harness.options.groups.place import PLACE_OPTIONS
from harness.options.groups.positional import POSITIONAL_OPTIONS
from harness.options.groups.records import RECORDS_OPTIONS
from harness.options.groups.terminal import TERMINAL_OPTIONS
from harness.options.option import Command, Option

OPTIONS = (
    *POSITIONAL_OPTIONS,
    *PLACE_OPTIONS,
    *MODEL_OPTIONS,
    *JUDGING_OPTIONS,
    *RECORDS_OPTIONS,
    *FARM_OPTIONS,
    *TERMINAL_OPTIONS,
)


@cache
def options_of(command: Command) -> Mapping[str, Option]:
    """What a command takes, by name; positional words first."""
    return {option.name: option for option in OPTIONS if command in option.commands}
