"""Answers are taken one by one from a file that is still being written."""

from __future__ import annotations

from pathlib import Path

from harness.devices.answer_file import AnswerFile
from harness.measure.run_stats import RunStats
from harness.runtime.generation import Generation, Turn

TIMES = ("load_ms", "prompt_eval_ms", "ttft_ms", "decode_ms", "inference_ms", "sampling_ms")


def answer(name: str) -> Generation:
    stats = RunStats(prompt_tokens=9, generated_tokens=1, **dict.fromkeys(TIMES, 1.0))
    turn = Turn(echo="", text="größer", token_ids=(1, 2), stats=stats)
    return Generation(request_id=name, turns=(turn,))


def test_each_answer_is_taken_once_and_when_its_line_is_whole(tmp_path: Path) -> None:
    taken: list[str] = []
    file = AnswerFile(tmp_path / "answers.jsonl", lambda one: taken.append(one.request_id))
    assert file.read() == ()
    first, second, third = (f"{answer(name).model_dump_json()}\n".encode() for name in "abc")
    # A character of two bytes is cut, too.
    cut = second.index("ß".encode()) + 1
    file.path.write_bytes(first + second[:cut])
    assert (file.read(), taken) == ((answer("a"),), ["a"])
    assert (file.read(), taken) == ((answer("a"),), ["a"])
    file.path.write_bytes(first + second + third + b"{")
    assert [one.request_id for one in file.read()] == taken == ["a", "b", "c"]
