"""``python -m harness.runtime``: the runner, in a process of its own.

Whoever watches the runner's process already gives ``--exit_with_parent``, as sessions do, or starts
``harness.runtime.watched``, as virtual phones do.
"""

import sys

from harness.installation import run
from harness.program import run_program
from harness.runtime.apart import run_apart


def _main() -> int:
    def work() -> int:
        return run("harness.runtime.cli:main", "host")

    return work() if "--exit_with_parent" in sys.argv else run_apart(work)


if __name__ == "__main__":
    run_program(_main, readers="programs")
