"""``python -m reports``."""

from __future__ import annotations

from harness.installation import run
from harness.program import run_program

if __name__ == "__main__":
    run_program(lambda: run("reports.command_line:main", "suites"))
