"""A ladder in a process of its own: what comes back, and what is told where nothing does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import Artifact
from harness.errors import UserError
from harness.export.request import ExportRequest
from harness.ladder import apart
from harness.ladder.apart import climb_apart
from harness.runtime.request import Request
from suites.harness.ladder.conftest import request_of

Exported = Callable[[ExportRequest], Artifact]


@pytest.fixture
def exports(exported: Exported) -> tuple[ExportRequest, Artifact]:
    request = request_of()
    return request, exported(request)


def test_a_ladder_comes_back_with_what_was_done_on_the_way(
    exports: tuple[ExportRequest, Artifact], conversations: tuple[Request, ...]
) -> None:
    told: list[str] = []
    ladder = climb_apart(*exports, conversations, told.append)
    assert ladder.accusation is None
    assert ladder.same_answers == 1.0
    assert {rung.signal.turn for rung in ladder.rungs} == {0, 1}
    inside = {"patch embeddings", "vision states", "projector input", "hidden states"}
    assert inside < {rung.signal.name for rung in ladder.rungs}
    assert told[-1] == ".pte on CPU: conversation 2 of 2"


def test_a_context_that_is_too_short_is_told(
    exports: tuple[ExportRequest, Artifact], conversations: tuple[Request, ...]
) -> None:
    request, artifact = exports
    with pytest.raises(UserError, match=r"a context of 64 holds \d+ of one; give a larger"):
        climb_apart(replace(request, context_length=64), artifact, conversations)


def test_a_picture_that_is_missing_is_told(
    exports: tuple[ExportRequest, Artifact], tmp_path: Path
) -> None:
    lost = Request(id="0", prompts=("What?",), images=(str(tmp_path / "lost.png"),))
    with pytest.raises(UserError, match=r"lost\.png"):
        climb_apart(*exports, [lost])


def _killed(messages: Any, order: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _broken(messages: Any, order: Any) -> None:
    log = os.open(order.folder / apart._LOG, os.O_WRONLY)
    os.dup2(log, 2)
    raise RuntimeError("a library broke")


@pytest.mark.parametrize(
    ("end", "told"), [(_killed, "for lack of memory"), (_broken, "a library broke")]
)
def test_a_process_that_dies_is_told_in_a_sentence(
    exports: tuple[ExportRequest, Artifact],
    end: Callable[..., None],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apart, "_climb", end)
    with pytest.raises(UserError, match=told):
        climb_apart(*exports, [])
