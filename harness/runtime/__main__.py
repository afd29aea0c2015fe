"""``python -m harness.runtime``."""

import sys

from harness.installation import run

if __name__ == "__main__":
    sys.exit(run("harness.runtime.cli:main", "host"))
