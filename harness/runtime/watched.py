"""``python -m harness.runtime.watched``: the runner alone, for whoever watches its process."""

from harness.installation import run
from harness.program import run_program

if __name__ == "__main__":
    run_program(lambda: run("harness.runtime.cli:main", "host"), readers="programs")
