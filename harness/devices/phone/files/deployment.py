"""What a session brings to a phone, each thing once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from harness.devices.phone.files.local_digests import LocalDigests
from harness.devices.phone.files.push import push_files
from harness.devices.phone.files.transfer import FileToPush, PushLimits
from harness.devices.phone.workspace import Workspace, make_room_remedy
from harness.devices.transport.errors import NotEnoughSpace
from harness.devices.transport.phone import Phone
from harness.devices.transport.retrying import RetryLimits
from harness.errors import UserError

_PROGRAM, _DATA = 0o755, 0o644


class Deployment:
    """Files of this session on one phone.

    Args:
        phone: Phone that they are brought to.
        digests: Knows the hashes of local files.
        retry_limits: How long the phone may be away meanwhile; as usual if not given.
    """

    def __init__(
        self,
        phone: Phone,
        digests: LocalDigests,
        retry_limits: RetryLimits | None = None,
    ) -> None:
        self._phone = phone
        self._workspace = Workspace.on(phone)
        self._digests = digests
        self._limits = PushLimits(retry_limits=retry_limits or RetryLimits())
        self._there: dict[str, FileToPush] = {}
        self._bytes_sent = 0

    @property
    def bytes_sent(self) -> int:
        """Bytes sent so far; 0 where everything was there."""
        return self._bytes_sent

    def bring_folder(self, kind: str, files: Sequence[Path]) -> str:
        """Bring files that belong together, and return their folder on the phone.

        Args:
            kind: ``tools``, whose files may be run, or ``artifacts``.
            files: On this machine, each with a name of its own.

        Raises:
            UserError: If the phone has no room for them.
            PhoneFailure: If they do not arrive.
        """
        told = "\n".join(sorted(f"{path.name} {self._digests.of(path)}" for path in files))
        folder = self._workspace.content(kind, hashlib.sha256(told.encode()).hexdigest())
        permissions = _PROGRAM if kind == "tools" else _DATA
        self._bring([FileToPush(path, f"{folder}/{path.name}", permissions) for path in files])
        return folder

    def bring_image(self, raw: Path) -> str:
        """Bring a raw image, and return its path on the phone.

        Raises:
            UserError: If the phone has no room for it.
            PhoneFailure: If it does not arrive.
        """
        remote = self._workspace.image(self._digests.of(raw))
        self._bring([FileToPush(raw, remote)])
        return remote

    def restore(self) -> None:
        """Look again at everything that was brought, and bring what is gone or damaged.

        A phone that goes down hard may lose what was written last, under names that stay.

        Raises:
            UserError: If the phone has no room for it.
            PhoneFailure: If it does not arrive.
        """
        brought = list(self._there.values())
        self._there.clear()
        self._bring(brought)

    def _bring(self, files: Sequence[FileToPush]) -> None:
        missing = [file for file in files if file.remote not in self._there]
        if not missing:
            return
        try:
            pushed = push_files(self._phone, missing, self._digests, self._limits)
        except NotEnoughSpace as error:
            raise UserError(f"{error}; {make_room_remedy(self._phone)}") from error
        self._there |= {file.remote: file for file in missing}
        self._bytes_sent += sum(one.bytes_sent for one in pushed)
