"""The three ``.pte`` of an artifact, one of them mutated, in a folder without a manifest."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import struct
import traceback
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.fuzz.artifacts import export_miniature
from benchmarks.fuzz.kind import Outcome
from benchmarks.fuzz.mutations import mutated_bytes
from harness.artifacts.manifest import MANIFEST_NAME
from harness.backends.qnn.libraries import find_libraries
from harness.errors import UserError
from harness.runtime.files import RunFiles
from harness.runtime.pre_generated import open_pre_generated
from harness.runtime.request import Request, RunOptions
from harness.targets.registry import get_target
from harness.vlm.registry import get_spec
from harness.vocabulary import Component, Precision, Target

_RUN_LIMIT_S = 60.0
_TOKENS = 4
_SHARE_OF_DESCRIPTION = 0.7
"""Of mutations within what ExecuTorch reads before it loads weights."""

_PROGRAM_BYTES = struct.Struct("<Q")
_PROGRAM_BYTES_OFFSET = 16
_HEADER_BYTES = 8


class ProgramFiles:
    """One component of one target.

    A session describes the files in its own process, which nothing may end; what then runs them is
    a process of its own, as a session's device starts one.
    """

    cases = 200
    limit_s = _RUN_LIMIT_S + 60.0
    starts_programs = True

    def __init__(self, target: Target, component: Component) -> None:
        self.name = f"{target}-{component}"
        self._target = target
        self._component = component

    def missing(self) -> str | None:
        """Say so where the target needs QNN and there is none."""
        try:
            if get_target(self._target).backend.is_htp:
                find_libraries(None)
        except UserError as error:
            return str(error)
        return None

    def prepare(self, folder: Path) -> None:
        """Copy an artifact without its manifest, and note what it answers."""
        # Loaded once, before the runs branch off.
        from harness.runtime.runner import MultimodalRunner

        self._runner = MultimodalRunner
        artifact = export_miniature(self._target)
        self._spec = get_spec(artifact.manifest.model)
        self._precisions: dict[Component, Precision] = {
            entry.component: entry.precision for entry in artifact.manifest.components
        }
        self._folder = folder / "artifact"
        shutil.copytree(artifact.directory, self._folder)
        (self._folder / MANIFEST_NAME).unlink()
        self._path = self._folder / artifact.path(self._component).name
        self._whole = self._path.read_bytes()
        self._picture = folder / "picture.raw"
        side = self._spec.vision.image_size_px
        pixels = np.linspace(-1, 1, 3 * side * side, dtype="<f4")
        self._picture.write_bytes(pixels.tobytes())
        outcome, self._expected = self._run_apart()
        if outcome != "same answer":
            raise RuntimeError(f"the artifact without a mutation: {outcome}: {self._expected}")

    def attempt(self, dice: Random) -> Outcome:
        """Describe the files, then run them."""
        last = None
        if dice.random() < _SHARE_OF_DESCRIPTION:
            (last,) = _PROGRAM_BYTES.unpack_from(self._whole, _PROGRAM_BYTES_OFFSET)
        self._path.write_bytes(mutated_bytes(self._whole, dice, _HEADER_BYTES, last))
        open_pre_generated(self._folder, self._spec, precisions=self._precisions)
        outcome, answer = self._run_apart()
        if outcome == "clear error":
            raise UserError(answer)
        if outcome == "traceback":
            raise RuntimeError(answer)
        return "other answer" if outcome == "same answer" and answer != self._expected else outcome

    def _run_apart(self) -> tuple[Outcome, str]:
        """Answer in a child, which starts with everything imported."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.write(writing, "\n".join(self._answer()).encode())
            os._exit(0)
        os.close(writing)
        try:
            ready, _, _ = select.select([reading], [], [], _RUN_LIMIT_S)
            told = os.read(reading, 1 << 16).decode() if ready else ""
        finally:
            os.close(reading)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        kind, _, text = told.partition("\n")
        return {"error": "clear error", "answer": "same answer", "traceback": "traceback"}.get(
            kind, "ended apart"
        ), text  # type: ignore[return-value]  # words of Outcome

    def _answer(self) -> tuple[str, str]:
        try:
            files = RunFiles.of(
                open_pre_generated(self._folder, self._spec, precisions=self._precisions)
            )
            options = RunOptions(max_new_tokens=_TOKENS, ignore_eos=True)
            runner = self._runner(files, self._spec.family, options)
            request = Request(id="0", prompts=("hi",), images=(str(self._picture),))
            return "answer", str(runner.run(request).last.token_ids)
        except UserError as error:
            return "error", str(error)
        except BaseException:
            return "traceback", traceback.format_exc()
