"""The place that all hosts of a farm share: files by their content, and what jobs left.

Any place that fsspec reaches: a folder, ``s3://``, ``gs://``. Names are written once and whole, so
that hosts that die halfway, two farms on one store and two hosts with one job do no harm:

    files/ab/abcdef...     a file, named by the SHA-256 of its content
    ends/<job key>.json    how a job ended; the first to write it is the one that counts
    taken/<job key>        a session has made that end a part of its run
    store.txt              what tells this store from others, and from a folder that is not mounted
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.farm.job_end import JobEnd, StoredFile
from harness.farm.shared_place import SharedPlace, StoreUnreachable

_AT_ONCE = 16
"""Requests to a store far away, each of which mostly waits."""
_MARK = "store.txt"
_TAKEN = b"taken"

Of = TypeVar("Of")


class OtherStore(UserError):
    """The place holds another store than the one that is meant."""


class StoreDamaged(UserError):
    """The store holds something else than it was given."""


class FarmStore:
    """Files and ends of jobs in one place.

    Args:
        url: A folder, or an address of any protocol that fsspec knows.

    Raises:
        UserError: If there is no such protocol, or its package is missing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._place = SharedPlace(url)

    def identity(self) -> str | None:
        """What tells this store from others; None of one that nobody began yet.

        Raises:
            StoreUnreachable: If nobody can say.
        """
        mark = self._place.read(_MARK)
        return mark.decode("ascii", "replace") if mark else None

    def begin(self) -> str:
        """Make a store of an empty place, unless it is one.

        Only whoever asks for jobs does: a host whose folder is not mounted must not.

        Returns:
            What tells it from others.

        Raises:
            StoreUnreachable: If it cannot be read or does not take what is written.
        """
        if self.identity() is None:
            self._place.create(_MARK, secrets.token_hex(8).encode())
        return _kept(self.identity(), self.url)

    def check(self, identity: str) -> None:
        """Make sure that this is the store that somebody means.

        Raises:
            StoreUnreachable: If there is none: a folder that is not mounted.
            OtherStore: If it is another one.
        """
        found = self.identity()
        if found is None:
            raise StoreUnreachable(
                f"{self.url} is no store now, and {identity} is wanted; mount it, or name it with "
                "--store."
            )
        if found != identity:
            raise OtherStore(
                f"{self.url} is the store {found}, and {identity} is wanted; give all one --store."
            )

    def put_file(self, source: Path) -> StoredFile:
        """Keep a file; one of the same content is there once.

        Returns:
            What it is known by; its path is the file's name.

        Raises:
            StoreUnreachable: If the store does not take it.
        """
        sha256, size = sha256_of(source), source.stat().st_size
        if not self._place.has(_file(sha256), size):
            self._place.write(source, _file(sha256))
        return StoredFile(path=source.name, sha256=sha256, size_bytes=size)

    def fetch(self, stored: StoredFile, target: Path) -> None:
        """Bring a file, whole and verified or not at all.

        Args:
            stored: What it is known by.
            target: Where it goes; folders are made.

        Raises:
            StoreUnreachable: If it cannot be read.
            StoreDamaged: If it is not there, or its content is another one.
            OSError: If this machine does not take it.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
        digest = hashlib.sha256()
        try:
            with os.fdopen(descriptor, "wb") as file:
                for block in self._blocks(stored):
                    digest.update(block)
                    file.write(block)
            if digest.hexdigest() != stored.sha256:
                raise StoreDamaged(
                    f"{self.url} holds {_file(stored.sha256)} with another content than its "
                    "name says; remove it there, and the job that made it is done again."
                )
            os.chmod(part, 0o644)
            os.replace(part, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
            raise

    def _blocks(self, stored: StoredFile) -> Iterator[bytes]:
        try:
            yield from self._place.blocks(_file(stored.sha256))
        except FileNotFoundError as error:
            raise StoreDamaged(
                f"{self.url} lacks {_file(stored.sha256)}, which a job left there; remove its end, "
                "and it is done again."
            ) from error

    def put_end(self, end: JobEnd) -> JobEnd:
        """Keep how a job ended, unless somebody did so before.

        Where a store takes no name for new alone, of two that write it at the same moment one is
        left, which counts for everybody.

        Returns:
            The end that counts.

        Raises:
            StoreUnreachable: If the store does not take it.
        """
        key = end.job.key
        if self.find_end(key) is None:
            self._place.create(_end(key), end.model_dump_json(indent=1).encode())
        return _kept(self.find_end(key), self.url)

    def find_end(self, key: str) -> JobEnd | None:
        """How a job ended; None if it did not yet.

        Raises:
            StoreUnreachable: If nobody can say.
            StoreDamaged: If it is not what a farm writes.
        """
        content = self._place.read(_end(key))
        if content is None:
            return None
        try:
            return JobEnd.model_validate_json(content)
        except ValidationError as error:
            raise StoreDamaged(
                f"{self.url} holds {_end(key)}, which no farm of this version wrote "
                f"({error.error_count()} faults); remove it there, and the job is done again."
            ) from error

    def find_ends(self, keys: Iterable[str]) -> dict[str, JobEnd]:
        """Those of many jobs that ended, by key; raises as :meth:`find_end`."""
        wanted = list(keys)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = zip(wanted, pool.map(self.find_end, wanted), strict=True)
            return {key: end for key, end in found if end is not None}

    def take(self, keys: Iterable[str]) -> None:
        """Note that a session has made ends of jobs a part of its run.

        Raises:
            StoreUnreachable: If the store does not take it.
        """
        for key in keys:
            if self._place.read(_taken(key)) is None:
                self._place.create(_taken(key), _TAKEN)

    def are_taken(self, keys: Iterable[str]) -> bool:
        """Whether sessions have taken the ends of all of these jobs.

        Raises:
            StoreUnreachable: If nobody can say.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            names = map(_taken, keys)
            return all(mark is not None for mark in pool.map(self._place.read, names))


def _file(sha256: str) -> str:
    return f"files/{sha256[:2]}/{sha256}"


def _taken(key: str) -> str:
    return f"taken/{key}"


def _end(key: str) -> str:
    return f"ends/{key}.json"


def _kept(found: Of | None, url: str) -> Of:
    """What was just written, or was there before.

    Raises:
        StoreUnreachable: If neither is there.
    """
    if found is None:
        raise StoreUnreachable(f"The store {url} does not keep what is written; see what it is.")
    return found
