"""Who takes an option: sets of commands that several options share."""

from __future__ import annotations

from harness.options.option import Command

SUITES: tuple[Command, ...] = ("suites",)
EXPORTS: tuple[Command, ...] = ("export", "ladder")
EXPORTED: tuple[Command, ...] = ("suites", *EXPORTS)
PHONES: tuple[Command, ...] = ("suites", "doctor")
FARM: tuple[Command, ...] = ("farm",)
FARMS: tuple[Command, ...] = ("suites", "farm")
PHONES_AND_FARM: tuple[Command, ...] = (*PHONES, *FARM)
ROWS: tuple[Command, ...] = ("results",)
REPORTS: tuple[Command, ...] = ("reports",)
