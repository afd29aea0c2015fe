"""``python -m harness.virtual_phone.upstream``: what such a phone has for its runner."""

import sys

from harness.program import run_program
from harness.virtual_phone.upstream.runner import main

if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
