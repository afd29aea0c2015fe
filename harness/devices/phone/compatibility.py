"""Whether an artifact can run on a phone, said before a byte of it is pushed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Manifest
from harness.backends.delegate_data import FileRange
from harness.backends.qnn.delegates import QnnDelegate, read_delegates
from harness.backends.qnn.loadable import check_soc
from harness.devices.phone.qnn_version import QnnVersion, version_of_context, version_text
from harness.devices.phone.runner.generation import RunnerGeneration
from harness.errors import UserError
from harness.targets.registry import get_target
from harness.targets.soc import Soc
from harness.vocabulary import COMPONENTS, Target

CONTEXT_LIMIT_BYTES = 4 << 30
"""Of the HTP, for one context binary (contract §1.3)."""

_GIB = 1 << 30
_SINGLE_TURN_LAYOUTS = ("#16292", "#16536", "#16506", "#17805")
"""Layouts of files that the runner of PR #16536 and its next weeks read (contract §1.5)."""


@dataclass(frozen=True)
class RunnerSetup:
    """What a phone runs artifacts with.

    Attributes:
        soc: SoC of the phone.
        accepted_targets: Targets whose artifacts it loads; a virtual phone's are other ones.
        generation: Generation of its runner.
        qnn_version: Version of its QNN libraries; None where they do not tell, or there are none.
        shares_buffers: Whether the runner may share its buffers with the HTP; upstream's crashes
            of that on QNN's emulator.
    """

    soc: Soc
    accepted_targets: tuple[Target, ...]
    generation: RunnerGeneration
    qnn_version: QnnVersion | None
    shares_buffers: bool = True


def check_artifact(artifact: Artifact, setup: RunnerSetup) -> None:
    """Refuse an artifact that the phone's runner cannot load or would run wrongly.

    Raises:
        UserError: If it is for another target, SoC or generation of the runner, of a newer QNN, or
            too large for the HTP.
    """
    check_target(artifact, setup)
    check_layout(artifact, setup.generation)
    check_requantization(artifact, setup.generation)
    is_remote = get_target(setup.accepted_targets[0]).is_remote
    if not is_remote and setup.qnn_version is None:
        # A virtual phone's runner of ours refuses what it cannot load, and says so.
        return
    for component in COMPONENTS:
        path = artifact.path(component)
        check_delegates(path, read_delegates(path), setup)


def check_target(artifact: Artifact, setup: RunnerSetup) -> None:
    """Refuse, with a ``UserError``, an artifact for another target or SoC."""
    manifest = artifact.manifest
    if manifest.target not in setup.accepted_targets:
        raise UserError(
            f"{artifact.directory} is for the {manifest.target}, and this phone loads those for "
            f"{' or '.join(setup.accepted_targets)}; export it again with --target "
            f"{setup.accepted_targets[0]}."
        )
    if manifest.soc not in (None, setup.soc.name):
        raise UserError(
            f"{artifact.directory} was compiled for {manifest.soc} and the phone has "
            f"{setup.soc.name}; export it again with --soc {setup.soc.name}."
        )


def check_delegates(path: Path, delegates: tuple[QnnDelegate, ...], setup: RunnerSetup) -> None:
    """Refuse a file whose parts for the HTP cannot be loaded, whatever its folder says of it.

    Raises:
        UserError: If it was compiled for another SoC, by a newer QNN, or into too large a context.
    """
    check_soc(path, setup.soc, delegates)
    for context in dict.fromkeys(delegate.context for delegate in delegates):
        if context is not None:
            _check_context(path, context, setup.qnn_version)


def refuse_unrunnable(manifest: Manifest, where: object) -> None:
    """Refuse files that none of upstream's runners runs (contract §4.9).

    Those that convert the KV cache read a mask of rank 3, and no later one converts it.

    Args:
        manifest: Of the files.
        where: How the message calls them.

    Raises:
        UserError: If a KV cache is to be converted beside a mask of rank 4, as in files of ours.
    """
    if manifest.kv_encodings == "requantized" and not _is_old(manifest):
        raise UserError(
            f"{where} has KV encodings that a runner must convert and a mask of rank 4, and no "
            "runner for phones takes both: those of January to March 2026 abort on the mask, later "
            "ones do not convert; export it again with --kv-encodings shared, or use --target "
            "emulator."
        )


def _is_old(manifest: Manifest) -> bool:
    return manifest.versions.get("abi", "").startswith(_SINGLE_TURN_LAYOUTS)


def check_layout(artifact: Artifact, generation: RunnerGeneration) -> None:
    """Refuse a layout of another time than upstream's runner; ours reads all (contract §1.5)."""
    if generation.is_ours:
        return
    refuse_unrunnable(artifact.manifest, artifact.directory)
    layout = artifact.manifest.versions.get("abi", "")
    is_old = _is_old(artifact.manifest)
    if is_old != generation.is_single_turn:
        told = f"the layout of {layout}" if layout else "the layout of July 2026"
        raise UserError(
            f"{artifact.directory} has {told}, and the runner on the phone is one "
            f"{generation.describe()}, which reads another; give --build-dir of the ExecuTorch "
            "that fits, or export it again."
        )


def check_requantization(artifact: Artifact, generation: RunnerGeneration) -> None:
    """Refuse a file whose KV cache must be converted where the runner does not (design §5)."""
    if artifact.manifest.kv_encodings == "requantized" and not generation.requantizes:
        raise UserError(
            f"{artifact.directory} has KV encodings that the runner must convert between prefill "
            f"and decode, and the one on the phone, {generation.describe()}, does not: it would "
            "answer wrongly; export it again with --kv-encodings shared."
        )


def _check_context(path: Path, context: FileRange, phone_version: QnnVersion | None) -> None:
    if context.size > CONTEXT_LIMIT_BYTES:
        raise UserError(
            f"{path} holds a context of {context.size / _GIB:.2f} GiB and the HTP takes "
            f"{CONTEXT_LIMIT_BYTES // _GIB} GiB at most; export it with smaller weights or more "
            "shards."
        )
    made_by = version_of_context(path, context)
    if made_by is not None and phone_version is not None and made_by > phone_version:
        raise UserError(
            f"{path} was made by QNN {version_text(made_by)} and the libraries for the phone are "
            f"{version_text(phone_version)}, which cannot load newer files; give that QNN SDK "
            "with --qnn-dir, or export it again with this one."
        )
