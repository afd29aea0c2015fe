"""The command line of ``python -m harness``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from harness.commands.doctor import run_doctor
from harness.commands.export import run_export
from harness.commands.farm import run_farm
from harness.commands.ladder import run_ladder
from harness.commands.log import run_log
from harness.commands.options import run_options
from harness.commands.results import run_compare, run_noise, run_results, run_summary
from harness.display import shown
from harness.errors import UserError
from harness.options.command_line import add_arguments
from harness.options.option import Command
from harness.options.values import Values, resolve
from harness.program import INTERRUPTED, Terminated

_COMMANDS: Mapping[Command, tuple[str, Callable[[Values], int]]] = {
    "export": ("export a model to three .pte files", run_export),
    "ladder": ("where the signal drops between a float model and its files", run_ladder),
    "doctor": ("say what this machine has and lacks", run_doctor),
    "options": ("say what every option is set to, and by whom", run_options),
    "results": ("filter and group what was measured", run_results),
    "compare": ("lay two runs side by side", run_compare),
    "noise": ("what devices differ from themselves by", run_noise),
    "farm": ("spread sessions over hosts", run_farm),
    "log": ("what the log of a run tells, upstream's or ours", run_log),
    "summary": ("a run in Markdown, for a CI job's page", run_summary),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code: 0, 1 for an export that died or a ladder that loses a signal, 2 for a user
        error, 130 when interrupted; of these two 143 when terminated, 129 when the terminal is
        gone.
    """
    typed = vars(_parser().parse_args(arguments))
    command: Command = typed.pop("snapgate_command")
    try:
        return _COMMANDS[command][1](resolve(command, typed))
    except UserError as error:
        print(f"error: {shown(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interruption:
        kept = "; components that were finished are kept" if command == "export" else ""
        print(f"interrupted{kept}", file=sys.stderr)
        return interruption.status if isinstance(interruption, Terminated) else INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness",
        description="Export vision-language models for the suites and look at what was measured.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="snapgate_command")
    for name, (summary, run) in _COMMANDS.items():
        add_arguments(commands.add_parser(name, help=summary, description=run.__doc__), name)
    return parser
