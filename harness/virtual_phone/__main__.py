"""``python -m harness.virtual_phone``."""

import sys

from harness.installation import run

if __name__ == "__main__":
    sys.exit(run("harness.virtual_phone.command_line:main"))
