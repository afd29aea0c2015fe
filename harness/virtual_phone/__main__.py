"""``python -m harness.virtual_phone``."""

from harness.installation import run
from harness.program import run_program

if __name__ == "__main__":
    run_program(lambda: run("harness.virtual_phone.command_line:main"))
