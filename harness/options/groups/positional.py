"""Words of command lines that stand without a flag."""

from __future__ import annotations

from pathlib import Path

from harness.options.groups.takers import EXPORTS, FARM
from harness.options.option import COMMANDS, Option

_RUN = "name of a run, its beginning, path or 'latest'"

POSITIONAL_OPTIONS = (
    Option("exported_model", EXPORTS, "model, or a family with --checkpoint", spelled="model"),
    Option("first_run", ("compare",), _RUN, metavar="RUN1", spelled="first"),
    Option("second_run", ("compare",), _RUN, metavar="RUN2", spelled="second"),
    Option("summarized_run", ("summary",), _RUN, default="latest", metavar="RUN", spelled="run_id"),
    Option(
        "log_file",
        ("log",),
        "what a runner printed, - for standard input",
        Path,
        metavar="FILE",
        spelled="file",
    ),
    Option(
        "farm_part",
        FARM,
        "what to start or to make",
        choices=("scheduler", "worker", "status", "certificates"),
        spelled="part",
    ),
    Option("command", ("options",), "whose", default="suites", choices=COMMANDS, spelled="command"),
)
