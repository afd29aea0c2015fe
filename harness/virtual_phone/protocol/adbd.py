"""The phone's adbd: takes connections, loses them, and obeys its controls. Lives in one loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from harness.virtual_phone.controls import ControlRequest, PhoneStatus
from harness.virtual_phone.faults import Cut, Faults
from harness.virtual_phone.handset import Handset
from harness.virtual_phone.peers import can_tell_users, is_from_this_user
from harness.virtual_phone.profile import PhoneProfile
from harness.virtual_phone.protocol.connection import Connection
from harness.virtual_phone.protocol.server_requests import (
    ServerRefused,
    connect_phone,
    disconnect_phone,
)

_BUFFER_BYTES = 4 << 20
_GOODBYE_S = 2.0
_LOWEST_PORT = 5586
_HIGHEST_PORT = 65535


class Adbd:
    """Serves one phone on loopback.

    Args:
        profile: What kind of phone it is.
        port: Port to listen on; 0 for any free one.

    Raises:
        ValueError: If the port is one where adb servers look for emulators.
        NoSandbox: If the demanded sandbox is not to be had.
        OSError: If the port is taken.
    """

    def __init__(self, profile: PhoneProfile, port: int) -> None:
        if port != 0 and not _LOWEST_PORT <= port <= _HIGHEST_PORT:
            raise ValueError(f"port {port}: an adb server takes 5555 to 5585 for emulators")
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        try:
            self._handset = Handset(profile, self._cut_later)
        except BaseException:
            self._listening.close()
            raise
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._down_until_s = 0.0
        self._cuts = 0
        self._server_port: int | None = None

    async def start(self) -> None:
        """Take connections from now on."""
        self._handset.sandbox.serve(asyncio.get_running_loop())
        self._server = await asyncio.start_server(
            self._accept, sock=self._listening, limit=_BUFFER_BYTES
        )

    async def stop(self) -> None:
        """End the transports and every process of the phone."""
        self._server.close()
        for chore in self._chores:
            chore.cancel()
        self._lose(Cut(how="fin"))
        self._handset.sandbox.stop_serving(asyncio.get_running_loop())
        self._handset.sandbox.end()
        for connection in tuple(self._connections):
            await connection.wait_for_services()
        # A loop that ends with a connection still open prints its cancellation as an error.
        self._lose(Cut())
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=_GOODBYE_S)

    def control(self, request: ControlRequest) -> PhoneStatus:
        """Obey.

        Raises:
            ValueError: If it asks for an ``unplug`` of a phone that is not plugged in.
        """
        handset = self._handset
        if request.server_port is not None:
            self._server_port = request.server_port
        if self._server_port is None and _unplugs(request):
            raise ValueError("unplug needs an adb server: PrivateAdbServer.attach(phone) first")
        if request.properties is not None:
            handset.set_properties(request.properties)
        if request.battery is not None:
            handset.root.write_battery(request.battery)
        if request.thermal is not None:
            handset.root.write_thermal(request.thermal)
        if request.faults is not None:
            self._set_faults(request.faults)
        if request.cut is not None:
            self._cut(request.cut)
        return self.status()

    def status(self) -> PhoneStatus:
        """How the phone is."""
        handset = self._handset
        return PhoneStatus(
            port=self.port,
            serialno=handset.properties["ro.serialno"],
            isolation=handset.sandbox.isolation,
            isolation_reason=handset.isolation_reason,
            shared=self._shared(),
            faults=handset.faults,
            connections=len(self._connections),
            cuts=self._cuts,
            reboots=handset.reboots,
            bytes_in=handset.traffic.bytes_in,
            bytes_out=handset.traffic.bytes_out,
            services=tuple(handset.services),
        )

    def _shared(self) -> tuple[str, ...]:
        told = () if can_tell_users() else ("the phone itself, with every user of this machine",)
        return (*self._handset.sandbox.shared, *told)

    def _set_faults(self, faults: Faults) -> None:
        before = self._handset.faults.availability
        self._handset.set_faults(faults)
        if faults.availability == before:
            return
        waited = faults.availability == "device" and any(
            [connection.allow() for connection in self._connections]
        )
        if not waited:
            self._lose(Cut())

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_from_this_user(writer.get_extra_info("socket")):
            writer.transport.abort()
            return
        refuses = self._handset.faults.availability == "refusing"
        if refuses or asyncio.get_running_loop().time() < self._down_until_s:
            writer.transport.abort()
            return
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        connection = Connection(self._handset, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._connections[connection] = task
        try:
            await connection.run()
        finally:
            del self._connections[connection]

    def _cut_later(self, cut: Cut, delay_s: float) -> None:
        """Not at once even without delay: what the trigger met goes through first."""
        asyncio.get_running_loop().call_later(delay_s, self._cut, cut)

    def _cut(self, cut: Cut) -> None:
        self._cuts += 1
        loop = asyncio.get_running_loop()
        if cut.how == "unplug":
            self._unplug(cut)
        self._down_until_s = loop.time() + cut.down_s
        self._lose(cut)
        if cut.reboot:
            self._handset.reboot(loop)

    def _lose(self, cut: Cut) -> None:
        for connection in tuple(self._connections):
            connection.cut("rst" if cut.how == "unplug" else cut.how)

    def _unplug(self, cut: Cut) -> None:
        """Let the server forget the phone, and find it again when it is back."""
        port = self._server_port
        assert port is not None

        async def plug_in_again() -> None:
            # A server that is gone has forgotten the phone, and takes it back when it restarts.
            with contextlib.suppress(OSError, ServerRefused):
                await asyncio.to_thread(disconnect_phone, port, self.port)
            await asyncio.sleep(cut.down_s)
            with contextlib.suppress(OSError, ServerRefused):
                await asyncio.to_thread(connect_phone, port, self.port)

        chore = asyncio.ensure_future(plug_in_again())
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)


def _unplugs(request: ControlRequest) -> bool:
    faults, cut = request.faults, request.cut
    triggered = [] if faults is None else [trigger.cut for trigger in faults.triggers]
    return any(one.how == "unplug" for one in [*triggered, *([cut] if cut else [])])
