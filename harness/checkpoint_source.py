"""Where a checkpoint and its calibration set come from: the package, a folder or the hub."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path

from harness.artifacts.artifact import sha256_of
from harness.display import own
from harness.errors import UserError
from harness.miniatures.committed import calibration_path, checkpoint_path
from harness.vlm.registry import own_name
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS

_NO_HUB = "Downloading needs huggingface-hub: pip install 'snapgate[host]'."
_HUB_S = 10.0
_MOVES = "main"


def find_checkpoint(spec: VlmSpec, checkpoint: str | None) -> Path:
    """Resolve ``--checkpoint`` to a folder, downloading from the hub if that is what it names.

    Args:
        spec: The model.
        checkpoint: A folder, a hub id, or None for the model's own.

    Raises:
        UserError: If nothing is there, the hub cannot be reached, or a family was named without a
            checkpoint.
    """
    if checkpoint is not None:
        if is_hub_id(checkpoint):
            return _download(checkpoint, None)
        return Path(checkpoint).expanduser()
    if spec.is_miniature:
        return checkpoint_path(spec.name)
    if spec.hub_id is None:
        raise UserError(
            f"{spec.name!r} is a family, which has no weights of its own; name a checkpoint: "
            f"python -m harness export {spec.name} --checkpoint DIR|HUB_ID"
        )
    return _download(spec.hub_id, spec.revision)


def local_checkpoint(spec: VlmSpec, checkpoint: str | None) -> Path | None:
    """The folder that ``find_checkpoint`` would return, as far as it is there; None if it is not.

    Raises:
        UserError: As ``find_checkpoint``.
    """
    named = checkpoint or spec.hub_id
    if named is None or not is_of_hub(spec, checkpoint):
        return find_checkpoint(spec, checkpoint)
    revision = spec.revision if checkpoint is None else None
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        return Path(snapshot_download(named, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def is_of_hub(spec: VlmSpec, checkpoint: str | None) -> bool:
    """Whether a checkpoint is one of the hub's, downloaded already or not.

    Raises:
        UserError: If what is named can be neither that nor a folder.
    """
    named = checkpoint or (None if spec.is_miniature else spec.hub_id)
    return named is not None and is_hub_id(named)


def check_on_hub(spec: VlmSpec, checkpoint: str | None) -> None:
    """Ask the hub for a checkpoint that has to be downloaded; takes a second.

    Raises:
        UserError: As ``find_checkpoint``.
    """
    hub_id = checkpoint or spec.hub_id
    assert hub_id is not None
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise UserError(_NO_HUB) from error
    revision = spec.revision if checkpoint is None else None
    try:
        HfApi().model_info(hub_id, revision=revision, timeout=_HUB_S)
    # The hub's own errors, and those of whichever client it speaks HTTP with.
    except Exception as error:
        raise _not_on_hub(hub_id, error) from error


def unpinned_notice(spec: VlmSpec, checkpoint: str | None, folder: Path) -> str | None:
    """What to know of weights that a branch of the hub holds, which moves; None of others.

    Args:
        spec: The model.
        checkpoint: What ``--checkpoint`` names.
        folder: Where ``find_checkpoint`` found it; the hub's cache names it by its revision.
    """
    is_pinned = checkpoint is None and spec.revision not in (None, _MOVES)
    if is_pinned or not is_of_hub(spec, checkpoint):
        return None
    return (
        f"{checkpoint or spec.hub_id} is what its branch {_MOVES} holds, revision {folder.name}; "
        "that may be another model tomorrow, so keep the folder and name it with --checkpoint."
    )


def own_model(spec: VlmSpec, checkpoint: Path, named: str) -> VlmSpec:
    """A family as the model that a checkpoint is: with its geometry, and under a name of its own.

    Where nobody chose the name it is made of the checkpoint's and of its content, so that figures
    of two checkpoints are never taken for one model's.

    Args:
        spec: A family, or a model of somebody's own.
        checkpoint: Folder of the checkpoint.
        named: What the checkpoint was asked for by: a folder or a hub id.

    Raises:
        UserError: If it is no checkpoint of the family.
    """
    from harness.checkpoint.checkpoint import open_checkpoint

    opened = open_checkpoint(checkpoint, spec)
    positions = opened.spec.max_positions or spec.context_length
    found = replace(opened.spec, context_length=min(spec.context_length, positions))
    if spec.name != spec.family.name:
        return found
    words = [opened.component_sha256(component) for component in COMPONENTS]
    words += [sha256_of(checkpoint / name) for name in ("config.json", "tokenizer.json")]
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
    label = Path(os.path.abspath(Path(named).expanduser())).name
    return replace(found, name=own_name(spec.family.name, label, digest[:8]))


def find_calibration(spec: VlmSpec, calibration: Path | None) -> Path | None:
    """Resolve ``--calibration``: what was given, else what a miniature comes with, else None."""
    if calibration is None and spec.is_miniature:
        return calibration_path()
    return calibration


def is_hub_id(checkpoint: str) -> bool:
    """Whether ``--checkpoint`` names a repository of the hub rather than a folder.

    Raises:
        UserError: If it can be neither.
    """
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        return False
    if folder.is_absolute() or checkpoint.count("/") != 1 or checkpoint.startswith("."):
        raise UserError(f"Checkpoint {checkpoint} is neither a folder nor a hub id OWNER/NAME.")
    return True


def _download(hub_id: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise UserError(_NO_HUB) from error
    try:
        # Its progress moves on the terminal.
        with redirect_stderr(own(sys.stderr)):
            return Path(
                snapshot_download(
                    hub_id, revision=revision, allow_patterns=["*.json", "*.safetensors", "*.jinja"]
                )
            )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise _not_on_hub(hub_id, error) from error


def _not_on_hub(hub_id: str, error: Exception) -> UserError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(
        f"{hub_id} cannot be had from the hub ({reason}); download it elsewhere and give "
        "its folder with --checkpoint DIR."
    )
