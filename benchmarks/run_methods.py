"""Every graph of one ``.pte``, loaded and run once: ``python -m benchmarks.run_methods FILE``.

A process of its own, since a backend that breaks takes its process with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from harness.backends.qnn.provider import activate
from harness.errors import UserError
from harness.runtime.program import Program


def run_methods(path: Path) -> dict[str, float]:
    """Run each method with inputs on zeros.

    Args:
        path: The ``.pte``.

    Returns:
        Milliseconds of one call by method.

    Raises:
        UserError: If a method cannot be loaded or run, or returns what is not finite.
    """
    program = Program(path)
    took_ms = {}
    for name in sorted(program.method_names):
        # The others are metadata, whose values need not be tensors (contract §2.6).
        if not name.endswith("forward"):
            continue
        method = program.method(name)
        bound = method.bind([np.zeros(spec.shape, spec.dtype) for spec in method.inputs])
        for output in bound.execute():
            if not np.isfinite(output).all():
                raise UserError(
                    f"{method} returns numbers that are not finite; look at its recipe."
                )
        took_ms[name] = bound.execute_ns / 1e6
    return took_ms


def main() -> int:
    """Print the milliseconds as one JSON line, the last of standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_methods", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--qnn-dir", type=Path)
    options = parser.parse_args()
    try:
        activate(options.qnn_dir)
        print(json.dumps(run_methods(options.file)), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
