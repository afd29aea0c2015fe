"""``python -m harness``: commands beside the suites."""

from __future__ import annotations

import sys

from harness.commands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
