"""Certificates: made once, kept from others, refused when they are no good."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from distributed import Scheduler

from harness.errors import UserError
from harness.farm.certificates import FILES, find_certificates, make_certificates
from harness.farm.connection import check_trust, endpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "zertifikate für uns"
    make_certificates(made)
    return made


def test_what_was_made_is_found_and_nobody_else_reads_the_key(folder: Path) -> None:
    found = find_certificates(folder)
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert found.key.stat().st_mode & 0o077 == 0


def test_certificates_in_use_are_not_written_over(folder: Path) -> None:
    with pytest.raises(UserError, match=r"holds authority\.pem and certificate\.pem and key\.pem"):
        make_certificates(folder)


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(UserError, match=f"lacks {missing}"):
        find_certificates(folder)


def test_a_key_that_others_may_read_is_refused(folder: Path) -> None:
    (folder / "key.pem").chmod(0o644)
    with pytest.raises(UserError, match=r"Others may read .*chmod 600"):
        find_certificates(folder)


def test_what_is_no_certificate_is_named(folder: Path) -> None:
    (folder / "certificate.pem").write_text("-----BEGIN CERTIFICATE-----\nno\n")
    with pytest.raises(UserError, match="is no certificate"):
        find_certificates(folder)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("lab1:8786", "is no address of a farm's scheduler"),
        ("http://lab1:8786", "is no address of a farm's scheduler"),
        ("tls://:8786", "is no address of a farm's scheduler"),
        ("tls://lab1:none", "is no address of a farm's scheduler"),
        ("tls://lab1:8786/there", "is no address of a farm's scheduler"),
        ("tls://lab1:8786", "needs the farm's certificates"),
        ("tcp://lab1:8786", "is plain TCP"),
        ("tcp://10.0.0.7:8786", "is plain TCP"),
        ("tcp://[fe80::1]:8786", "is plain TCP"),
    ],
)
def test_addresses_that_are_none_or_not_safe_are_refused(address: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        endpoint(address, None)


@pytest.mark.parametrize(
    ("address", "spelled"),
    [
        ("tcp://127.0.0.1", "tcp://127.0.0.1:8786"),
        ("tcp://localhost:1", "tcp://localhost:1"),
        ("tcp://[::1]:1", "tcp://[::1]:1"),
    ],
)
def test_plain_tcp_is_for_one_machine(address: str, spelled: str) -> None:
    assert endpoint(address, None).address == spelled


def test_plain_tcp_between_machines_is_had_by_asking_for_it() -> None:
    assert endpoint("tcp://lab1", None, allows_plain=True).address == "tcp://lab1:8786"


def test_whoever_has_other_certificates_or_none_is_told_so(folder: Path, tmp_path: Path) -> None:
    make_certificates(tmp_path / "other")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tls://127.0.0.1:{port}"

    async def ask() -> None:
        own = endpoint(address, folder)
        with pytest.raises(OSError, match=str(port)):
            await check_trust(own)
        async with Scheduler(
            host="127.0.0.1", port=port, protocol="tls", security=own.security, dashboard=False
        ):
            await check_trust(own)
            with pytest.raises(UserError, match="does not take the certificates of this host"):
                await check_trust(endpoint(address, tmp_path / "other"))
            with pytest.raises(UserError, match=f"use tls://127.0.0.1:{port} with --certificates"):
                await check_trust(endpoint(f"tcp://127.0.0.1:{port}", None))

    asyncio.run(ask())
