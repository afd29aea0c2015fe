"""All kinds of files that are mutated; a further one is a module and a line here."""

from __future__ import annotations

from benchmarks.fuzz.kind import Kind
from benchmarks.fuzz.kinds.adb_streams import AdbStreams
from benchmarks.fuzz.kinds.checkpoints import CheckpointFiles
from benchmarks.fuzz.kinds.gates import GateFiles
from benchmarks.fuzz.kinds.journals import Journals
from benchmarks.fuzz.kinds.manifests import Manifests
from benchmarks.fuzz.kinds.pictures import Pictures
from benchmarks.fuzz.kinds.programs import ProgramFiles
from benchmarks.fuzz.kinds.questions import QuestionFiles
from benchmarks.fuzz.kinds.runner_logs import RunnerLogs
from benchmarks.fuzz.kinds.settings import SettingFiles
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.vocabulary import COMPONENTS


def kinds() -> dict[str, Kind]:
    """Kinds by name, the quick ones first."""
    found: list[Kind] = [
        *(Pictures(), Manifests(), GateFiles(), SettingFiles(), QuestionFiles(), RunnerLogs()),
        *(Journals(), CheckpointFiles(), AdbStreams()),
    ]
    found += [
        ProgramFiles(target.name, component)
        for target in (HOST, EMULATOR)
        for component in COMPONENTS
    ]
    return {kind.name: kind for kind in found}
