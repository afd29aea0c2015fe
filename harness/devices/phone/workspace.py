"""Where things are on a phone."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

ROOT = "/data/local/tmp/snapgate"
"""The one folder that a plain adb shell may write to and run programs from is its parent."""

RUNS = f"{ROOT}/runs"
BY_HAND = f"{ROOT}/by_hand"
"""Where a person runs again what failed."""


def content_folder(kind: str, digest: str) -> str:
    """Folder of files that never change.

    Args:
        kind: ``tools`` or ``artifacts``.
        digest: sha256 of what is in it.
    """
    return f"{ROOT}/{kind}/{digest[:12]}"


def image_path(digest: str) -> str:
    """Place of a raw image; no blank is in it, which list files separate names with."""
    return f"{ROOT}/images/{digest[:16]}.raw"


def new_run_folder() -> str:
    """A folder that no other run has."""
    return f"{RUNS}/{secrets.token_hex(6)}"


def make_room_remedy(adb_words: Sequence[str]) -> str:
    """What to do about a full phone, as part of a sentence.

    Claims and runs stay: they may be another user's, who is there right now.

    Args:
        adb_words: How the adb program is asked for the phone.
    """
    command = " ".join((*adb_words, "shell", "rm", "-rf", f"{ROOT}/artifacts", f"{ROOT}/images"))
    return f"while nobody uses it, remove what older sessions brought: {command}"
