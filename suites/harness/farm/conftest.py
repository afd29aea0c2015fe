"""Stores of both kinds: a folder, and an object store on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.farm.store import FarmStore


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """Address of a bucket of a server that speaks S3's protocol, on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    told = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        import s3fs

        s3fs.S3FileSystem().mkdir("farm")
        yield "s3://farm"
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        server.stop()


@pytest.fixture(params=["folder", "object store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FarmStore:
    """An empty store, in a folder with blanks and umlauts or in a bucket."""
    if request.param == "folder":
        return FarmStore(str(tmp_path / "störe of a farm"))
    bucket = request.getfixturevalue("object_store")
    return FarmStore(f"{bucket}/{tmp_path.name}")
