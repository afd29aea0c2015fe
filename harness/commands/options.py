"""``python -m harness options``: what every option is set to, and by whom."""

from __future__ import annotations

import json
import os
from typing import Any

from rich.table import Table

from harness.console import PlainConsole
from harness.options.adb_environment import adb_variables
from harness.options.table import options_of
from harness.options.values import Values, resolve


def run_options(options: Values) -> int:
    """Print what each option of a command is set to where nobody types it, and who set it."""
    command = options["command"]
    values = resolve(command, {})
    if "adb_host" in values:
        values = values.over_environment(adb_variables(os.environ, values.given()))
    if options["json"]:
        told = {
            name: {"value": values[name], "source": str(values.source(name))} for name in values
        }
        print(json.dumps(told, indent=2, default=str))
    else:
        PlainConsole().print(_table(values))
    return 0


def _table(values: Values) -> Table:
    table = Table(title=f"options of {values.command}", show_edge=False, pad_edge=False)
    table.add_column("option", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for name, option in options_of(values.command).items():
        source = values.source(name)
        value = values[name]
        unset = option.default_words(values.command) or ("off" if option.type is bool else "none")
        told = unset if value is None else _told(value)
        style = "dim" if source.kind == "default" else ""
        table.add_row(name, told, str(source), style=style)
    return table


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
