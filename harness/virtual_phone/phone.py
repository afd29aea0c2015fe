"""A virtual phone in this process."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from harness.run_folder import run_folder
from harness.virtual_phone.controls import ControlRequest, PhoneControls, PhoneStatus
from harness.virtual_phone.machine.sandbox import Isolation
from harness.virtual_phone.machine.virtual_build import loadable_targets
from harness.virtual_phone.profile import FEATURES, PhoneProfile, default_properties
from harness.virtual_phone.protocol.adbd import Adbd

_CALL_S = 30.0


class VirtualPhone(PhoneControls):
    """A phone that serves from ``with`` to its end, in a thread of its own.

    Args:
        soc: SoC, its ``ro.soc.model``.
        serialno: Serial number, its ``ro.serialno``; made up if not given.
        root: Folder of its files, which stays; a temporary one if not given.
        port: Port to listen on, on loopback; 0 for any free one.
        properties: Further system properties, or other values.
        isolation: Kind of sandbox; None for the best that the machine allows.
        features: What its adbd names in its greeting.

    Raises:
        NoSandbox: If the demanded sandbox is not to be had.
    """

    def __init__(
        self,
        soc: str = "SM8550",
        serialno: str | None = None,
        root: Path | None = None,
        port: int = 0,
        properties: Mapping[str, str] | None = None,
        isolation: Isolation | None = None,
        features: tuple[str, ...] = FEATURES,
    ) -> None:
        self.soc = soc
        self.serialno = serialno or f"VIRTUAL{secrets.token_hex(4).upper()}"
        self.accepted_targets = loadable_targets()
        self._ending = ExitStack()
        folder = root or self._ending.enter_context(run_folder()) / "phone"
        own = default_properties(soc, self.serialno, self.accepted_targets)
        self._profile = PhoneProfile(folder, {**own, **(properties or {})}, isolation, features)
        self._port = port
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()),
            name=f"virtual-phone-{self.serialno}",
            daemon=True,
        )
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._adbd = Adbd(self._profile, self._port)
        except BaseException:
            self._ending.close()
            raise
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._ending.close()

    @property
    def port(self) -> int:
        """Port that the adb server connects to."""
        return self._adbd.port

    @property
    def root(self) -> Path:
        """Folder of the phone's files."""
        return self._profile.folder

    def control(self, request: ControlRequest) -> PhoneStatus:
        """Change the phone, and tell how it is then; from any thread but the phone's own."""

        async def obey() -> PhoneStatus:
            return self._adbd.control(request)

        return asyncio.run_coroutine_threadsafe(obey(), self._loop).result(_CALL_S)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        await self._adbd.start()
        self._ready.set()
        await self._end.wait()
        await self._adbd.stop()
