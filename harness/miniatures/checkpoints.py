"""Where the committed checkpoints of the miniatures are."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError

_ROOT = Path(__file__).parent / "checkpoints"


def checkpoint_path(name: str) -> Path:
    """Folder of a miniature's trained checkpoint, as ``from_pretrained`` reads it.

    Raises:
        UserError: If this installation has no checkpoint of that name.
    """
    folder = _ROOT / name
    if not (folder / "config.json").is_file():
        raise UserError(
            f"There is no trained miniature {name!r} in {_ROOT}; "
            f"train it with: python -m training train {name} --out {folder}"
        )
    return folder
