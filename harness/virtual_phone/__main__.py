"""``python -m harness.virtual_phone``."""

import sys

from harness.virtual_phone.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
