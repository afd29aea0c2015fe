"""An exporting process that was killed is explained by what was true of memory."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness.export.worker import process
from harness.export.worker.process import ExportFailed
from harness.machine_memory import MemoryRoom

BEFORE = MemoryRoom(3 << 30, limit_bytes=4 << 30, kills=2)


@pytest.mark.parametrize(
    ("kills", "sentence"),
    [
        (3, "the kernel ended it at the memory limit of this container or control group"),
        (2, "that is what the kernel does for lack of memory, or somebody did it by hand"),
        (None, "that is what the kernel does for lack of memory, or somebody did it by hand"),
    ],
)
def test_a_container_that_ended_it_is_named(
    kills: int | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "memory_room", lambda: MemoryRoom(1 << 30, 4 << 30, kills))
    log = tmp_path / "export.log"
    log.write_text("the last line\n")
    failure = ExportFailed("text_decoder", -signal.SIGKILL, log, BEFORE)
    assert sentence in failure.sentence
    assert "3.0 GiB were available within the 4.0 GiB that this container" in failure.sentence
    assert str(failure).endswith("the last line")


def test_any_other_end_leads_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "export.log"
    log.write_text("why\n")
    told = ExportFailed("vision_encoder", 3, log, BEFORE).sentence
    assert told == (
        f"the export of vision_encoder ended with exit code 3; read the log that was kept in {log}"
    )
