"""How the parts of a farm reach each other: by TLS with the farm's own certificates.

Plain TCP is for one machine: whoever reaches a scheduler runs what they like on every host.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed.comm.core import connect
from distributed.security import Security

from harness.errors import UserError
from harness.farm.certificates import find_certificates

DEFAULT_PORT = 8786
"""Of Dask's schedulers."""
_PROTOCOLS = ("tls", "tcp")
_TRUST_S = 5.0
_ALERTS = ("ALERT_", "ALERT UNKNOWN CA", "CERTIFICATE_REQUIRED", "WRONG_VERSION_NUMBER")
"""In what OpenSSL says of a peer that does not take a certificate, or speaks no TLS."""
_ENDED = "Connection reset by peer"


@dataclass(frozen=True)
class Endpoint:
    """Where a scheduler listens, and how it is spoken to.

    Attributes:
        protocol: ``tls`` or ``tcp``.
        host: Name or address.
        port: TCP port.
        security: Of every connection; None for plain TCP.
    """

    protocol: str
    host: str
    port: int
    security: Security | None

    @property
    def bound_to(self) -> str | None:
        """What a worker listens on: loopback where the scheduler does, else as Dask finds it."""
        return self.host if _is_loopback(self.host) else None

    @property
    def address(self) -> str:
        """As Dask and command lines spell it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}"


def endpoint(address: str, certificates: Path | None, *, allows_plain: bool = False) -> Endpoint:
    """Check an address and what it is spoken to with.

    Args:
        address: Such as ``tls://lab1:8786``; without a port Dask's own.
        certificates: Folder of the farm's; needed for TLS.
        allows_plain: Whether somebody asked for plain TCP between machines.

    Raises:
        UserError: If it is no such address, certificates are missing or no good, or it is plain TCP
            to another machine and nobody asked for that.
    """
    protocol, host, port = _parts(address)
    if protocol == "tcp":
        if not allows_plain and not _is_loopback(host):
            raise UserError(
                f"{address} is plain TCP: whoever reaches it runs commands on every host; use "
                f"tls://{host}:{port} with --certificates, or say --plain."
            )
        return Endpoint(protocol, host, port, None)
    if certificates is None:
        raise UserError(
            f"{address} needs the farm's certificates; name their folder with --certificates, or "
            "make one with: python -m harness farm certificates"
        )
    found = find_certificates(certificates)
    certificate, key = str(found.certificate), str(found.key)
    security = Security(
        require_encryption=True,
        tls_ca_file=str(found.authority),
        tls_scheduler_cert=certificate,
        tls_scheduler_key=key,
        tls_worker_cert=certificate,
        tls_worker_key=key,
        tls_client_cert=certificate,
        tls_client_key=key,
    )
    return Endpoint(protocol, host, port, security)


async def check_trust(where: Endpoint) -> None:
    """Find out whether a scheduler that listens takes these certificates; Dask would try for long.

    Raises:
        UserError: If it does not, or shows others, or does not speak TLS.
        OSError: If nobody listens there.
    """
    try:
        comm = await connect(where.address, timeout=_TRUST_S, **_arguments(where))
        try:
            await comm.write({"op": "identity", "reply": True, "close": True})
            await comm.read()
        finally:
            comm.abort()
    except (OSError, TimeoutError) as error:
        causes = [str(cause) for cause in _causes(error)]
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)) or any(
            word in cause for cause in causes for word in _ALERTS
        ):
            raise UserError(
                f"{where.address} does not take the certificates of this host, or this host not "
                "those that it shows; copy the folder of --certificates from the scheduler's host "
                f"({causes[0]})."
            ) from error
        if where.security is None and _ENDED in causes[0]:
            raise UserError(
                f"{where.address} ends connections of plain TCP, as a scheduler that speaks TLS "
                f"does; use tls://{where.host}:{where.port} with --certificates."
            ) from error
        raise


def deepest(error: BaseException) -> BaseException:
    """What an error came of, which Dask wraps."""
    return next(_causes(error))


def _arguments(where: Endpoint) -> dict[str, Any]:
    if where.security is None:
        return {}
    arguments: dict[str, Any] = where.security.get_connection_args("worker")
    return arguments


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of, the deepest first."""
    if (deeper := error.__cause__ or error.__context__) is not None:
        yield from _causes(deeper)
    yield error


def _parts(address: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or not host or parts.scheme not in _PROTOCOLS or parts.path not in ("", "/"):
        raise UserError(
            f"{address!r} is no address of a farm's scheduler; it looks like "
            f"tls://lab1:{DEFAULT_PORT}, or tcp://127.0.0.1:{DEFAULT_PORT} on one machine."
        )
    return parts.scheme, host, DEFAULT_PORT if port is None else port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
