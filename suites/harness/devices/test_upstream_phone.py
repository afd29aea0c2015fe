"""A phone with upstream's runner: which prompt is timed there, what is answered, what refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.virtual_session import open_virtual_phone
from harness.errors import UserError
from harness.judging import timed_turn
from harness.judging.questions import Scenes
from harness.runtime.prompt_limit import PromptTooLong
from harness.runtime.request import Request, RunOptions


@pytest.fixture(scope="module")
def device() -> Iterator[PhoneDevice]:
    """A virtual phone with upstream's limits."""
    with open_virtual_phone("virtual:SM8550:upstream") as phone:
        yield phone


def test_it_says_that_it_is_none_of_ours(device: PhoneDevice) -> None:
    assert device.serial == "VIRTUAL-SM8550-upstream"
    assert device.runner == "of March 2026 or later"
    assert {"ignore_eos", "record_margins"} <= device.lacks
    assert device.method.endswith("N no more than the answer has")


def test_speed_is_timed_over_what_an_answer_allows(
    device: PhoneDevice,
    random_smolvlm: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody knows how much a miniature of random weights says."""
    monkeypatch.setattr(timed_turn, "LEAST_DECODED_TOKENS", 1)
    questions = Scenes(6, tmp_path).questions()
    workload = timed_turn.own_workload(device, (random_smolvlm,), "kv", questions, "What is it?")
    run = workload.run(random_smolvlm)
    steps = run.turn.stats.generated_tokens
    assert steps == workload.options.max_new_tokens
    assert workload.label == f"{steps} steps of 'What is it?'"
    assert run.turn.is_retokenized
    assert run.turn.stats.decode_ms == pytest.approx(round(run.turn.stats.decode_ms), abs=1e-6)


def test_a_text_without_a_picture_is_answered(
    device: PhoneDevice, random_smolvlm: Artifact
) -> None:
    request = Request(id="text", prompts=("Hello",))
    (answer,) = device.run(random_smolvlm, [request], RunOptions(mode="kv", max_new_tokens=2))
    assert answer.last.stats.generated_tokens == 2


def test_what_cannot_be_answered_costs_no_run(
    device: PhoneDevice, random_smolvlm: Artifact, tmp_path: Path
) -> None:
    """Nothing is pushed for it, and none of the requests before it is run."""
    (question, *_) = Scenes(6, tmp_path).questions()
    context = random_smolvlm.manifest.context_length
    beyond = Request(id="long", prompts=("x y " * context,))
    sent = device.bytes_sent
    with pytest.raises(PromptTooLong, match=str(context)):
        device.run(random_smolvlm, [question.request(), beyond], RunOptions(mode="kv"))
    with pytest.raises(UserError, match="does not tell its second choices"):
        device.run(random_smolvlm, [question.request()], RunOptions(record_margins=True))
    assert device.bytes_sent == sent
