"""``python -m training``."""

from harness.installation import run
from harness.program import run_program

if __name__ == "__main__":
    run_program(lambda: run("training.command_line:main", "host"))
