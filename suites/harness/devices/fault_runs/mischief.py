"""Makes a drawn fault strike a virtual phone, at its moment."""

from __future__ import annotations

import re
import threading
import time
from types import TracebackType
from typing import Self

from benchmarks.stand_in_runner import HANG_FILE
from harness.virtual_phone.faults import CommandRule, Cut, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.fault_runs.plan import FaultedRun

_LOOK_S = 0.02


class Mischief:
    """One fault, which nothing is left of at the end of ``with``.

    Args:
        run: What strikes, and when.
        phone: Whom.
        server: That the phone is plugged into.
    """

    def __init__(self, run: FaultedRun, phone: VirtualPhone, server: PrivateAdbServer) -> None:
        self._run = run
        self._phone = phone
        self._server = server
        self._over = threading.Event()
        self._acted = threading.Event()
        self._thread: threading.Thread | None = None
        self._set: Faults | None = None
        self._seen = self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        (self._phone.root / HANG_FILE).unlink(missing_ok=True)

    def arm(self) -> None:
        """Let it strike from now on; do nothing the second time."""
        if self._set is not None:
            return
        faults = self._armed()
        self._set = faults or Faults()
        if faults is not None:
            self._phone.set_faults(faults)
            return
        before = self._phone.status()
        self._seen, self._bytes = len(before.services), before.bytes_in
        self._thread = threading.Thread(target=self._strike_in_time, daemon=True)
        self._thread.start()

    @property
    def struck(self) -> bool:
        """Whether it did; a run that it missed proves nothing."""
        status = self._phone.status()
        return self._acted.is_set() or status.cuts > 0 or status.faults != self._set

    @property
    def drops(self) -> int:
        """How often the transport was lost by it."""
        own = self._acted.is_set() and self._run.fault.act in ("restart_server", "lock")
        return self._phone.status().cuts + int(own)

    def _armed(self) -> Faults | None:
        """What the phone itself can wait for; None where somebody has to watch it."""
        run, fault = self._run, self._run.fault
        match fault.act:
            case "cut":
                cut = Cut(how=fault.how, down_s=run.lasts_s, reboot=fault.reboot)
                after = run.after_bytes if run.moment is None else None
                trigger = CutTrigger(
                    after_bytes_in=after, on_command=run.moment, delay_s=run.delay_s, cut=cut
                )
                return Faults(triggers=(trigger,))
            case "fill_disk":
                after = run.after_bytes if run.moment is None else None
                return Faults(disk_full_after_bytes=after, disk_full_on_command=run.moment)
            case "corrupt":
                return Faults(corrupt_pushes=fault.times)
            case "hang":
                rule = CommandRule(pattern=run.moment or "", hang=True, times=fault.times)
                return Faults(command_rules=(rule,))
            case _:
                return None

    def _strike_in_time(self) -> None:
        if self._run.fault.act != "hang_runner":
            while not self._is_time():
                if self._over.wait(_LOOK_S):
                    return
            time.sleep(self._run.delay_s)
        self._strike()
        self._acted.set()

    def _is_time(self) -> bool:
        status, moment = self._phone.status(), self._run.moment
        if moment is None:
            return status.bytes_in - self._bytes >= self._run.after_bytes
        asked = (_command_of(service) for service in status.services[self._seen :])
        return any(re.search(moment, command) for command in asked)

    def _strike(self) -> None:
        match self._run.fault.act:
            case "restart_server":
                self._server.restart()
            case "lock":
                self._phone.set_fault(availability="unauthorized")
                time.sleep(self._run.lasts_s)
                self._phone.allow()
            case "hang_runner":
                (self._phone.root / HANG_FILE).touch()


def _command_of(service: str) -> str:
    return service.partition(":")[2]
