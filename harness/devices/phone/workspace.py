"""Where things are on a phone."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass

from harness.devices.transport.phone import Commands


@dataclass(frozen=True)
class Workspace:
    """The folder that all sessions share on a phone.

    Attributes:
        root: Folder that everything lies in.
    """

    root: str

    @classmethod
    def on(cls, phone: Commands) -> Workspace:
        """The folder on one phone."""
        return cls(f"{phone.home}/snapgate")

    @property
    def runs(self) -> str:
        """Folders of runs, one each."""
        return f"{self.root}/runs"

    @property
    def claims(self) -> str:
        """Who uses the phone."""
        return f"{self.root}/claims"

    @property
    def by_hand(self) -> str:
        """Where a person runs again what failed."""
        return f"{self.root}/by_hand"

    def content(self, kind: str, digest: str) -> str:
        """Folder of files that never change.

        Args:
            kind: ``tools`` or ``artifacts``.
            digest: sha256 of what is in it.
        """
        return f"{self.root}/{kind}/{digest[:12]}"

    def image(self, digest: str) -> str:
        """Place of a raw image; no blank is in it, which list files separate names with."""
        return f"{self.root}/images/{digest[:16]}.raw"

    def new_run(self) -> str:
        """A folder that no other run has."""
        return f"{self.runs}/{secrets.token_hex(6)}"


def make_room_remedy(phone: Commands) -> str:
    """What to do about a full phone, as part of a sentence.

    Claims and runs stay: they may be another user's, who is there right now.
    """
    root = Workspace.on(phone).root
    command = shlex.join((*phone.shell_words, "rm", "-rf", f"{root}/artifacts", f"{root}/images"))
    return f"while nobody uses it, remove what older sessions brought: {command}"
