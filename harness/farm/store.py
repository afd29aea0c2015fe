"""The place that all hosts of a farm share: files by their content, and what jobs left.

Any place that fsspec reaches: a folder, ``s3://``, ``gs://``. Names are written once and whole, so
that hosts that die halfway, two farms on one store and two hosts with one job do no harm:

    files/ab/abcdef...     a file, named by the SHA-256 of its content
    ends/<job key>.json    how a job ended; the first to write it is the one that counts
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

import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import ValidationError

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.farm.job_end import JobEnd, StoredFile

_AT_ONCE = 16
"""Requests to a store far away, each of which mostly waits."""


class StoreUnreachable(UserError):
    """The store does not answer or does not take what is written: worth trying again."""


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
        try:
            self._system, self._root = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        except (ValueError, ImportError) as error:
            raise UserError(
                f"--store {url} cannot be used ({error}); name a folder, or install what its "
                "protocol needs."
            ) from error
        self._is_folder = isinstance(self._system, LocalFileSystem)

    def put_file(self, source: Path) -> StoredFile:
        """Keep a file; one of the same content is there once.

        Returns:
            What it is known by; its path is the file's name.

        Raises:
            StoreUnreachable: If the store does not take it.
        """
        sha256, size = sha256_of(source), source.stat().st_size
        with _reaching(self.url):
            name = self._file(sha256)
            if not self._has(name, size):
                self._write(source, name)
        return StoredFile(path=source.name, sha256=sha256, size_bytes=size)

    def fetch(self, stored: StoredFile, target: Path) -> None:
        """Bring a file, whole and verified or not at all.

        Args:
            stored: What it is known by.
            target: Where it goes; folders are made.

        Raises:
            StoreUnreachable: If it cannot be read, or is not there.
            StoreDamaged: If its content is another one.
            OSError: If this machine does not take it.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
        digest = hashlib.sha256()
        try:
            with os.fdopen(descriptor, "wb") as file:
                for block in self._blocks(self._file(stored.sha256)):
                    digest.update(block)
                    file.write(block)
            if digest.hexdigest() != stored.sha256:
                raise StoreDamaged(
                    f"{self.url} holds {self._file(stored.sha256)} with another content than its "
                    "name says; remove it there, and the job that made it is done again."
                )
            os.chmod(part, 0o644)
            os.replace(part, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
            raise

    def put_end(self, end: JobEnd) -> JobEnd:
        """Keep how a job ended, unless somebody did so before.

        Two that write at the same moment write one name: whichever is left counts, for everybody.

        Returns:
            The end that counts.

        Raises:
            StoreUnreachable: If the store does not take it.
        """
        earlier = self.find_end(end.job.key)
        if earlier is not None:
            return earlier
        with tempfile.TemporaryDirectory() as folder, _reaching(self.url):
            file = Path(folder) / "end.json"
            file.write_text(end.model_dump_json(indent=1))
            self._write(file, self._end(end.job.key))
        return end

    def find_end(self, key: str) -> JobEnd | None:
        """How a job ended; None if it did not yet.

        Raises:
            StoreUnreachable: If nobody can say.
            StoreDamaged: If it is not what a farm writes.
        """
        name = self._end(key)
        with _reaching(self.url):
            try:
                content = self._system.cat_file(name)
            except FileNotFoundError:
                return None
        try:
            return JobEnd.model_validate_json(content)
        except ValidationError as error:
            raise StoreDamaged(
                f"{self.url} holds {name}, which no farm of this version wrote "
                f"({error.error_count()} faults); remove it there, and the job is done again."
            ) from error

    def find_ends(self, keys: Iterable[str]) -> dict[str, JobEnd]:
        """Those of many jobs that ended, by key; raises as :meth:`find_end`."""
        wanted = list(keys)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = zip(wanted, pool.map(self.find_end, wanted), strict=True)
            return {key: end for key, end in found if end is not None}

    def _file(self, sha256: str) -> str:
        return f"{self._root}/files/{sha256[:2]}/{sha256}"

    def _end(self, key: str) -> str:
        return f"{self._root}/ends/{key}.json"

    def _has(self, name: str, size: int) -> bool:
        """Whether a file is there whole; what is cut short is written again."""
        self._system.invalidate_cache()
        try:
            return bool(self._system.size(name) == size)
        except FileNotFoundError:
            return False

    def _write(self, source: Path, name: str) -> None:
        """Write a name whole: in a folder by a rename, elsewhere objects appear when complete."""
        if not self._is_folder:
            self._system.put_file(str(source), name)
            return
        self._system.makedirs(name.rpartition("/")[0], exist_ok=True)
        part = f"{name}.{secrets.token_hex(6)}.part"
        try:
            self._system.put_file(str(source), part)
            os.replace(part, name)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise

    def _blocks(self, name: str) -> Iterator[bytes]:
        with _reaching(self.url), self._system.open(name, "rb") as file:
            while block := file.read(1 << 20):
                yield block


@contextlib.contextmanager
def _reaching(url: str) -> Iterator[None]:
    """Turn what a file system or its network fails with into one kind of error.

    Clients of object stores raise classes of their own, which this package cannot name.
    """
    try:
        yield
    except (UserError, FileNotFoundError):
        raise
    except Exception as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StoreUnreachable(
            f"The store {url} cannot be reached or written ({why}); see that it is there and has "
            "room; what waits for it goes on by itself then."
        ) from error
