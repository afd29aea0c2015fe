"""``python -m harness``: commands beside the suites."""

from __future__ import annotations

from harness.installation import run
from harness.program import run_program

if __name__ == "__main__":
    run_program(lambda: run("harness.commands.main:main"))
