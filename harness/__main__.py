"""``python -m harness``: commands beside the suites."""

from __future__ import annotations

import sys

from harness.installation import run

if __name__ == "__main__":
    sys.exit(run("harness.commands.main:main"))
