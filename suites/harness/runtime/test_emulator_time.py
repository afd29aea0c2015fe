"""Whoever runs a full-size file on the emulator is told what that takes, and nobody else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.backends.delegate_data import FileRange
from harness.backends.qnn.delegates import QnnDelegate
from harness.runtime import emulator_time as module
from harness.runtime.emulator_time import EmulatorTime, emulator_time
from harness.runtime.files import RunFiles

FILES = RunFiles(Path("encoder"), Path("embedding"), Path("decoder"), Path("tokenizer"))


def delegate(method: str, context: FileRange | None) -> QnnDelegate:
    return QnnDelegate(method, 57, 75, 8, False, False, False, context)


def time_of(
    monkeypatch: pytest.MonkeyPatch, contexts: dict[str, list[FileRange | None]]
) -> EmulatorTime | None:
    def read(path: Path) -> tuple[QnnDelegate, ...]:
        found = contexts.get(path.name, [])
        return tuple(delegate(f"method_{index}", one) for index, one in enumerate(found))

    monkeypatch.setattr(module, "read_delegates", read)
    return emulator_time(FILES)


def test_graphs_of_one_context_share_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    both = FileRange(0, 800_000_000)
    found = time_of(monkeypatch, {"decoder": [both, both], "encoder": [FileRange(0, 100_000_000)]})
    assert found == EmulatorTime(50.0, 8.0)
    assert found.sentence is not None
    assert "about 50 s for a picture and 8 s for each token" in found.sentence


def test_minutes_are_told_as_minutes() -> None:
    sentence = EmulatorTime(600.0, 7.0).sentence
    assert sentence is not None
    assert "about 10 min for a picture" in sentence


@pytest.mark.parametrize(
    "contexts",
    [
        pytest.param({}, id="host"),
        pytest.param({"encoder": [FileRange(0, 1)]}, id="no decoder for the HTP"),
        pytest.param({"decoder": [FileRange(0, 1_000_000)]}, id="a miniature"),
        pytest.param({"decoder": [None]}, id="a context that cannot be found"),
    ],
)
def test_nobody_else_is_told(
    contexts: dict[str, list[FileRange | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = time_of(monkeypatch, contexts)
    assert found is None or found.sentence is None
