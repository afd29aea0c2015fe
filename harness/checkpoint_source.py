"""Where a checkpoint and its calibration set come from: the package, a folder or the hub."""

from __future__ import annotations

from pathlib import Path

import psutil

from harness.errors import UserError
from harness.miniatures.committed import calibration_path, checkpoint_path
from harness.vlm.spec import VlmSpec

_FLOAT32_COPIES = 4
"""Copies of a component's float32 weights alive at the peak of an export, measured on miniatures
and on random full-size decoders: module, exported program, lowered program, file."""


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


def memory_need_gib(checkpoint: Path) -> float:
    """Estimated peak memory of an export, from the size of the weight files.

    Weights on disk are taken as bfloat16 and become float32 in memory.
    """
    stored = sum(file.stat().st_size for file in checkpoint.glob("*.safetensors"))
    return stored * 2 * _FLOAT32_COPIES / 2**30


def memory_available_gib() -> float:
    """Memory this machine could give a new process."""
    return float(psutil.virtual_memory().available) / 2**30


def _download(hub_id: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise UserError(
            "Downloading needs huggingface-hub: pip install 'snapgate[host]'."
        ) from error
    try:
        return Path(
            snapshot_download(
                hub_id, revision=revision, allow_patterns=["*.json", "*.safetensors", "*.jinja"]
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{hub_id} cannot be had from the hub ({reason}); download it elsewhere and give "
            "its folder with --checkpoint DIR."
        ) from error
