"""Hosts with virtual phones, each behind an adb server of its own, and what can happen to them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from benchmarks.farm_faults.link import Link
from benchmarks.farm_faults.plan import Fault
from benchmarks.full_disks.small_disk import NoDisk, SmallDisk, small_disk
from benchmarks.local_farm import SCHEDULER, LocalFarm, LocalHost, free_port
from benchmarks.stand_in_runner import write_stand_in
from harness.devices.adb.programs import adb_programs
from harness.devices.lease import LEASE_DIR_VARIABLE
from harness.errors import UserError
from harness.runtime.request import Request
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer

SOC = "SM8550"
_DISK_KIB = 512 << 10


@dataclass(frozen=True)
class FaultyHost:
    """A host's phones, and what leads to them and away.

    Attributes:
        name: Of the host.
        server: Its adb server.
        phones: Plugged into that.
        link: By which it reaches the scheduler.
        leases: Folder of its leases, as of a machine of its own.
    """

    name: str
    server: PrivateAdbServer
    phones: tuple[VirtualPhone, ...]
    link: Link
    leases: Path


class Laboratory:
    """A farm whose hosts have virtual phones; all of it ends with the block.

    Args:
        folder: Takes all that it needs.
        hosts: How many.
        phones_each: Phones of each.
        family: Of the artifact that is judged.
        request: What its stand-in runner answers.

    Attributes:
        store: Folder of the farm's store.
    """

    def __init__(
        self, folder: Path, hosts: int, phones_each: int, family: str, request: Request
    ) -> None:
        self._folder = folder
        self._names = [f"host{at}" for at in range(hosts)]
        self._phones_each = phones_each
        self._tools = write_stand_in(folder / "tools", family, request)
        self._stack = ExitStack()
        self._disk: SmallDisk | None = None
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.store = folder / "disk" / "störe"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    @property
    def has_disk(self) -> bool:
        """Whether the store is on a disk of its own, which can be full."""
        return self._disk is not None

    def strike(self, fault: Fault) -> bool:
        """Let a fault happen, and end it after its time.

        Returns:
            False if there was nothing that it could strike.
        """
        bench = self.benches[int(fault.choice * len(self.benches))]
        match fault.kind:
            case "job killed":
                return self._kill_job(fault.choice)
            case "worker killed":
                self._kill(bench.name, fault.lasts_s)
            case "scheduler killed":
                self._kill(SCHEDULER, fault.lasts_s)
            case "adb server killed":
                self._kill_server(bench, fault.lasts_s)
            case "store gone":
                self._take_store_away(fault.lasts_s)
            case "store full":
                return self._fill_store(fault.lasts_s)
            case "network cut" | "network silent":
                self._disturb(bench, fault)
        return True

    def _start(self) -> None:
        program = next((one for one in adb_programs() if one.installed), None)
        if program is None:
            raise UserError("There is no adb program; type: pip install adbutils")
        with suppress(NoDisk):
            self._disk = self._stack.enter_context(small_disk(self._folder / "disk", _DISK_KIB))
        self.store.parent.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.benches = tuple(self._bench(name, program.path, port) for name in self._names)
        hosts = [self._host(bench) for bench in self.benches]
        self.farm = LocalFarm(self._folder, hosts, str(self.store), port)
        self._stack.enter_context(self.farm)

    def _bench(self, name: str, program: Path, port: int) -> FaultyHost:
        server = self._stack.enter_context(PrivateAdbServer(program))
        phones = tuple(
            self._stack.enter_context(VirtualPhone(SOC, f"{name.upper()}-{at}"))
            for at in range(self._phones_each)
        )
        for phone in phones:
            server.attach(phone)
        link = self._stack.enter_context(Link(port))
        return FaultyHost(name, server, phones, link, self._folder / "leases" / name)

    def _host(self, bench: FaultyHost) -> LocalHost:
        words = ("--build-dir", str(self._tools), "--artifacts", str(self._folder / "artifacts"))
        own = {LEASE_DIR_VARIABLE: str(bench.leases)}
        return LocalHost(bench.name, words, {**bench.server.environment, **own}, bench.link.port)

    def _kill_job(self, choice: float) -> bool:
        """Kill a session, or the process between it and its host."""
        found = []
        for bench in self.benches:
            with suppress(psutil.NoSuchProcess):
                worker = psutil.Process(self.farm.processes[bench.name].pid)
                for process in worker.children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        if str(self._folder / "work") in " ".join(process.cmdline()):
                            found.append(process)
        if not found:
            return False
        with suppress(psutil.NoSuchProcess):
            found[int(choice * len(found))].kill()
        return True

    def _kill(self, name: str, lasts_s: float) -> None:
        with self._locks[name]:
            self.farm.kill(name)
            time.sleep(lasts_s)
            self.farm.start(name)

    def _kill_server(self, bench: FaultyHost, lasts_s: float) -> None:
        with self._locks[f"adb server of {bench.name}"]:
            bench.server.kill()
            time.sleep(lasts_s)
            bench.server.revive()

    def _take_store_away(self, lasts_s: float) -> None:
        """As a disk of another machine that is not mounted: an empty folder is in its place."""
        with self._locks["store"]:
            away = self.store.with_name("away")
            self.store.rename(away)
            self.store.mkdir()
            time.sleep(lasts_s)
            self.store.rename(self.store.with_name(f"below {time.monotonic_ns()}"))
            away.rename(self.store)

    def _fill_store(self, lasts_s: float) -> bool:
        with self._locks["store"]:
            if self._disk is None:
                return False
            self._disk.fill()
            time.sleep(lasts_s)
            self._disk.make_room()
            return True

    def _disturb(self, bench: FaultyHost, fault: Fault) -> None:
        with self._locks[f"network of {bench.name}"]:
            if fault.kind == "network cut":
                bench.link.cut()
            else:
                bench.link.silence()
            time.sleep(fault.lasts_s)
            bench.link.mend()
