"""``python -m benchmarks.fuzz.worker KIND SEED FIRST LAST``: the session that cases are tried in.

Tells each case as a line of JSON when it begins and when it has ended, so that whoever reads knows
which one ended this process.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from random import Random
from typing import IO

from benchmarks.fuzz.kind import Kind, Outcome
from benchmarks.fuzz.registry import kinds
from harness.errors import UserError
from harness.program import run_program
from harness.run_folder import run_folder

_STARTS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork")


def dice_of(kind: str, seed: int, case: int) -> Random:
    """What decides a case, the same on every machine."""
    return Random(f"{kind} {seed} {case}")


def main() -> int:
    """Try cases."""
    name, seed, first, last = sys.argv[1], *map(int, sys.argv[2:5])
    # Libraries print where they like; only the copy is read.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    kind = kinds()[name]
    with run_folder() as folder:
        cases = folder / "cases"
        cases.mkdir()
        kind.prepare(cases)
        started = [] if kind.starts_programs else watch_programs()
        for case in range(first, last):
            _tell(told, case=case)
            outcome, detail = _try(kind, dice_of(name, seed, case))
            if started:
                outcome, detail = "program", ", ".join(started)
                started.clear()
            _tell(told, case=case, outcome=outcome, detail=detail)
    return 0


def watch_programs() -> list[str]:
    """Refuse to start a program from now on; what was tried is added to the list."""
    tried: list[str] = []

    def refuse(event: str, _: object) -> None:
        if event.startswith(_STARTS):
            tried.append(event)
            raise PermissionError(f"a program would be started ({event})")

    sys.addaudithook(refuse)
    return tried


def _try(kind: Kind, dice: Random) -> tuple[Outcome, str]:
    try:
        return kind.attempt(dice), ""
    except UserError as error:
        return "clear error", str(error)
    except BaseException:
        return "traceback", traceback.format_exc()


def _tell(told: IO[str], **message: object) -> None:
    told.write(f"{json.dumps(message)}\n")
    told.flush()


if __name__ == "__main__":
    run_program(main)
