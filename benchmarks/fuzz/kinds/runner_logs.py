"""What runners print: upstream's on phones and x86, finished and failed, and ours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import harness
from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from harness.devices.phone.runner.dialogue import Dialogue
from harness.devices.phone.runner.output import LeftBehind, UnusableRun, read_answer
from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.miniatures.committed import checkpoint_path
from harness.runner_log.failed_check import why_it_ended
from harness.runner_log.log import parse_runner_log
from harness.runtime.generation import Generation, Turn
from harness.vlm.tokenizer import Tokenizer

_LOGS = "suites/harness/runner_log/data"
_ECHO, _ANSWER = "<user>What?", "A cat.<end_of_utterance>"
_TOKENIZER = checkpoint_path("tiny_smolvlm") / "tokenizer.json"


class RunnerLogs(FileKind):
    """Real logs, which tests of their reader keep."""

    name = "runner-logs"

    def missing(self) -> str | None:
        """Say so where this is no clone: logs of phones are not installed."""
        return None if _folder().is_dir() else f"{_LOGS} of a clone is not there"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """A copy of each file."""
        logs = sorted(_folder().glob("*.log"))
        told = [Whole(folder / log.name, log.read_bytes(), _read) for log in logs]
        own = _folder() / "x86_q0.log"
        turn = _own_turn(own)
        line = Generation(request_id="0", turns=(turn,)).model_dump_json()
        whole = f"{own.read_text()}\n{line}\n".encode()
        read = partial(_read_own, stats=turn.stats)
        return [*told, Whole(folder / "own.log", whole, read)]


def _folder() -> Path:
    return Path(harness.__file__).parents[1] / _LOGS


def _read(path: Path) -> object:
    text = path.read_bytes().decode(errors="replace")
    reason = why_it_ended(text)
    try:
        return reason, parse_runner_log(text)
    except UserError:
        # A failed run has no statistics, which is no mutation's doing.
        if reason is None:
            raise
        return reason, None


def _own_turn(log: Path) -> Turn:
    stats = parse_runner_log(log.read_text())[-1].stats
    return Turn(echo=_ECHO, text=_ANSWER, token_ids=(1, 2), stats=stats)


def _read_own(path: Path, stats: RunStats) -> object:
    left = LeftBehind(
        log=path.read_bytes().decode(errors="replace"),
        output=f"{_ECHO}{_ANSWER}".encode(),
        speed=str(stats.generated_tokens * 1000 / stats.inference_ms),
    )
    dialogue = Dialogue(("What?",), (_ECHO,), (stats.prompt_tokens,), is_exact=True)
    try:
        return read_answer("0", left, dialogue, Tokenizer(_TOKENIZER))
    except UnusableRun as error:
        raise UserError(str(error)) from error
