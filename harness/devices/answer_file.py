"""The file that a runner writes its answers to, read while it is still writing."""

from __future__ import annotations

from pathlib import Path

from harness.devices.device import TakeAnswer
from harness.runtime.generation import Generation


class AnswerFile:
    """Answers as far as their lines are complete: a killed process may leave half of one.

    Args:
        path: JSON lines, as ``--generations_path`` names them; it need not be there yet.
        take: Gets each answer when its line is first seen.
    """

    def __init__(self, path: Path, take: TakeAnswer) -> None:
        self.path = path
        self._take = take
        self._read_bytes = 0
        self._answers: list[Generation] = []

    def read(self) -> tuple[Generation, ...]:
        """Look for further answers; all that are there."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read_bytes)
                written = file.read()
            for line in written[: written.rfind(b"\n") + 1].splitlines(keepends=True):
                answer = Generation.model_validate_json(line)
                self._read_bytes += len(line)
                self._answers.append(answer)
                self._take(answer)
        return tuple(self._answers)
