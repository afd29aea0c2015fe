"""``python -m training.stand_in``."""

from harness.installation import run
from harness.program import run_program

if __name__ == "__main__":
    run_program(lambda: run("training.stand_in.command_line:main", "host"))
