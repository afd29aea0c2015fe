"""Names that people give to artifacts: links beside the folders, which no key depends on."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from harness.errors import UserError

ARTIFACTS = "artifacts"
"""Folder of a cache that artifacts and their names lie in."""

_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_LONGEST = 64
_LIKE_A_KEY = re.compile(r"[0-9a-f]{6,64}")
_RESERVED = re.compile(r"latest.*")


def check_name(name: str) -> str:
    """The name, if it can stand for an artifact wherever one is named.

    Raises:
        UserError: If it is not a word of a file's name, or means something else there.
    """
    if not _FOLDER.fullmatch(name) or len(name) > _LONGEST:
        raise UserError(
            f"--name {name!r} cannot name an artifact; give up to {_LONGEST} of a-z, A-Z, 0-9, _, "
            "- and . that begin with none of the last two, for instance before-fix."
        )
    if _LIKE_A_KEY.fullmatch(name) or _RESERVED.fullmatch(name):
        kind = "a key" if _LIKE_A_KEY.fullmatch(name) else "a run"
        raise UserError(
            f"--name {name} would be taken for {kind}; add a word to it, for instance fix-{name}."
        )
    return name


def give_name(folder: Path, name: str) -> str | None:
    """Let a name stand for an artifact from now on.

    Args:
        folder: The artifact's.
        name: Checked.

    Returns:
        Folder of the artifact that it stood for until now; None if it is new or stays.

    Raises:
        UserError: If an artifact's own folder is called so, or no link can be written.
    """
    link = folder.parent / name
    if link.exists() and not link.is_symlink():
        raise UserError(f"--name {name} is the folder of another artifact; give another name.")
    before = os.readlink(link) if link.is_symlink() else None
    part = link.with_name(f".{name}-{secrets.token_hex(4)}")
    try:
        os.symlink(folder.name, part)
        os.replace(part, link)
    except OSError as error:
        raise UserError(
            f"The name {name} cannot be written to {folder.parent} ({error.strerror}); use the "
            "folder's own name, or another --artifacts."
        ) from error
    return before if before != folder.name else None


def named_artifact(text: str, cache: Path) -> Path | None:
    """The artifact folder of a cache that has a name, given or its own; None if none has.

    Raises:
        UserError: If the name stands for an artifact that is there no longer.
    """
    found = cache / ARTIFACTS / text
    if not _FOLDER.fullmatch(text) or not (found.is_dir() or found.is_symlink()):
        return None
    if not found.is_dir():
        raise UserError(
            f"{text} stands for the artifact {os.readlink(found)}, which is gone; export it "
            f"again with --name {text}."
        )
    return found
