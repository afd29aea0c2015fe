"""Manifests of an artifact whose other files are whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

from benchmarks.fuzz.artifacts import export_miniature
from benchmarks.fuzz.kind import Outcome
from benchmarks.fuzz.mutations import mutated_bytes, mutated_json
from harness.artifacts.manifest import MANIFEST_NAME
from harness.runtime.pre_generated import open_pre_generated


class Manifests:
    """What a stranger may write beside good files."""

    name = "manifests"
    cases = 500
    limit_s = 60.0
    starts_programs = False

    def missing(self) -> str | None:
        """Every machine has what manifests are read with."""
        return None

    def prepare(self, folder: Path) -> None:
        """Copy an artifact."""
        self._folder = folder / "artifact"
        shutil.copytree(export_miniature().directory, self._folder)
        self._text = (self._folder / MANIFEST_NAME).read_text()
        self._expected = open_pre_generated(self._folder).manifest

    def attempt(self, dice: Random) -> Outcome:
        """Open it as ``--pre-gen-pte`` does."""
        path = self._folder / MANIFEST_NAME
        if dice.random() < 0.25:
            path.write_bytes(mutated_bytes(self._text.encode(), dice))
        else:
            path.write_text(mutated_json(json.loads(self._text), dice))
        found = open_pre_generated(self._folder).manifest
        return "same answer" if found == self._expected else "other answer"
