"""Every answer is on record as soon as it is there, and whoever waits is told how long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.device import RunFailure, TakeAnswer, ThisMachine, wait_for_all
from harness.judging.interview import Interview
from harness.judging.questions import Scenes
from harness.judging.record import Record
from harness.measure.run_stats import RunStats
from harness.miniatures.committed import checkpoint_path
from harness.runtime.generation import Generation, Turn
from harness.runtime.request import Request, RunOptions
from harness.vlm.registry import get_spec
from suites.harness.fixtures.conftest import hollow_artifact
from suites.harness.judging.benches import Recorded

TINY = get_spec("tiny_smolvlm")
TIMES = ("load_ms", "prompt_eval_ms", "ttft_ms", "decode_ms", "inference_ms", "sampling_ms")


class Talker(ThisMachine):
    """A device that answers anything with a word, and breaks before a request."""

    target, soc, serial = "host", None, "talker"

    def __init__(self, recorded: list[int], breaks_at: int | None) -> None:
        self.on_record: list[int] = []
        self._recorded = recorded
        self._breaks_at = breaks_at

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Answer in order, and note how many answers were on record before each."""
        stats = RunStats(prompt_tokens=9, generated_tokens=1, **dict.fromkeys(TIMES, 1.0))
        answers: list[Generation] = []
        for number, request in enumerate(requests):
            self.on_record.append(len(self._recorded))
            if number == self._breaks_at:
                raise RunFailure(134, ("runner",), "it broke", tuple(answers))
            turn = Turn(echo="", text=" red", token_ids=(1, 2), stats=stats)
            answers.append(Generation(request_id=request.id, turns=(turn,)))
            take(answers[-1])
        return tuple(answers)


@pytest.mark.parametrize("breaks_at", [None, 4])
def test_an_answer_is_on_record_before_the_next_question(
    tmp_path: Path, breaks_at: int | None
) -> None:
    artifact = open_artifact(hollow_artifact(tmp_path / "artifact"))
    artifact.tokenizer_path.write_bytes(
        (checkpoint_path(TINY.name) / "tokenizer.json").read_bytes()
    )
    recorded = Recorded(None)
    device, told = Talker(recorded.rows, breaks_at), list[str]()  # type: ignore[arg-type]
    record = Record(recorded, "suites/accuracy/test_answers.py::test", device)
    interview = Interview(record, TINY, artifact, "kv", tell=told.append)
    questions = Scenes(6, tmp_path).questions()
    if breaks_at is None:
        answers = interview.put(questions, {})
        assert [one.question for one in answers.items] == list(questions)
    else:
        with pytest.raises(RunFailure):
            interview.put(questions, {})
    kept = len(questions) if breaks_at is None else breaks_at
    assert [row.sample_id for row in recorded.rows] == [one.id for one in questions[:kept]]
    assert device.on_record == [*range(len(device.on_record))]
    assert told[0].startswith("answer 1 of 6: tiny_smolvlm")
    assert told[1].startswith("answer 2 of 6, about ")
