"""Files from a phone: whole and verified, or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from harness.artifacts.atomic_file import replacing
from harness.devices.adb.files.storage import remote_digests, remote_sizes
from harness.devices.adb.files.transfer import CorruptedOnTheWay
from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.errors import PhoneRefused
from harness.devices.adb.protocol.retrying import RetryLimits, retrying
from harness.devices.adb.protocol.sync_stream import StreamLimits


@dataclass(frozen=True)
class PullLimits:
    """When to give up.

    Attributes:
        stall_s: Time in which the next 64 KiB must come.
        total_s: Time for the file.
        retry_limits: How long the phone may be away within that.
    """

    stall_s: float = 20.0
    total_s: float = 600.0
    retry_limits: RetryLimits = field(default_factory=RetryLimits)


@dataclass(frozen=True)
class Pulled:
    """A file that is here, verified.

    Attributes:
        sha256: Of its content, as both ends computed it.
        size_bytes: Of its content.
        drops: How often the connection was cut meanwhile.
    """

    sha256: str
    size_bytes: int
    drops: int


def pull_file(
    phone: AdbPhone, remote: str, local: Path, limits: PullLimits | None = None
) -> Pulled:
    """Bring a file here; ``local`` appears whole, or stays as it was.

    Raises:
        PhoneRefused: If there is no such file, or it cannot be read.
        CorruptedOnTheWay: If it arrives with another hash twice, or is being written to.
        DeadlineExceeded: If the phone stays away, or the time is over.
        OSError: If ``local`` cannot be written.
    """
    given = limits or PullLimits()
    retry = retrying(phone, given.total_s, given.retry_limits)

    def pull() -> tuple[str, int]:
        return _pull(phone, remote, local, StreamLimits(given.stall_s, retry.left_s))

    try:
        sha256, size_bytes = retry.until_done(pull)
    except CorruptedOnTheWay:
        sha256, size_bytes = retry.until_done(pull)
    return Pulled(sha256, size_bytes, retry.drops)


def _pull(phone: AdbPhone, remote: str, local: Path, limits: StreamLimits) -> tuple[str, int]:
    size_bytes = remote_sizes(phone, [remote])[remote]
    if size_bytes is None:
        raise PhoneRefused(f"there is no file {remote}")
    expected = remote_digests(phone, {remote: size_bytes})[remote]
    if expected is None:
        raise PhoneRefused(f"{remote} cannot be read")
    received, digest = 0, hashlib.sha256()
    with replacing(local) as file, phone.open_sync(limits) as stream:
        for part in stream.receive_file(remote):
            file.write(part)
            digest.update(part)
            received += len(part)
        if digest.hexdigest() != expected:
            raise CorruptedOnTheWay(remote, expected, digest.hexdigest())
    return expected, received
