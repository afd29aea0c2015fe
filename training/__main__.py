"""``python -m training``."""

from __future__ import annotations

import sys

from harness.installation import run

if __name__ == "__main__":
    sys.exit(run("training.command_line:main", "host"))
