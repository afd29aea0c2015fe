"""``python -m reports``."""

from __future__ import annotations

import sys

from harness.installation import run

if __name__ == "__main__":
    sys.exit(run("reports.command_line:main", "suites"))
