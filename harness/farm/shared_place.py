"""A folder or an object store that all hosts of a farm reach; names in it appear whole."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from harness.errors import UserError

_LOG = logging.getLogger(__name__)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What clients make of a request that a store does not know."""


class StoreUnreachable(UserError):
    """The store does not answer or does not take what is written: worth trying again."""


class SharedPlace:
    """Names with contents, in any place that fsspec reaches.

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

    def read(self, name: str) -> bytes | None:
        """What a name holds; None if it is not there.

        Raises:
            StoreUnreachable: If nobody can say, as all of these.
        """
        with self._reaching():
            try:
                return bytes(self._system.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def blocks(self, name: str) -> Iterator[bytes]:
        """The same piece by piece.

        Raises:
            FileNotFoundError: If it is not there.
        """
        with self._reaching(), self._system.open(self._at(name), "rb") as file:
            while block := file.read(1 << 20):
                yield block

    def has(self, name: str, size: int) -> bool:
        """Whether a name is there whole; what is cut short is written again."""
        with self._reaching():
            self._system.invalidate_cache()
            try:
                return bool(self._system.size(self._at(name)) == size)
            except FileNotFoundError:
                return False

    def write(self, source: Path, name: str) -> None:
        """Write a name whole: in a folder by a rename, elsewhere objects appear when complete."""
        with self._writing():
            if not self._is_folder:
                self._system.put_file(str(source), self._at(name))
                return
            with self._part(name) as part:
                self._system.put_file(str(source), part)
                _keep(part)
                os.replace(part, self._at(name))
                _keep(self._folder(name))

    def create(self, name: str, content: bytes) -> None:
        """Write a name that is not there yet; one that is there stays, where a store can tell."""
        with self._writing():
            if self._is_folder:
                self._create_in_folder(name, content)
            else:
                self._create_object(name, content)

    def _create_in_folder(self, name: str, content: bytes) -> None:
        with self._part(name) as part:
            self._system.pipe_file(part, content)
            _keep(part)
            try:
                os.link(part, self._at(name))
            except FileExistsError:
                return
            except OSError as error:
                # A file system without hard links: exFAT, many of those in user space.
                if error.errno not in _NO_LINKS or os.path.exists(self._at(name)):
                    raise
                os.replace(part, self._at(name))
            _keep(self._folder(name))

    def _create_object(self, name: str, content: bytes) -> None:
        """Stores refuse a name that is there each in its own way, and some cannot at all."""
        try:
            self._system.pipe_file(self._at(name), content, mode="create")
        except FileExistsError:
            return
        except (NotImplementedError, OSError) as error:
            if self.read(name) is not None:
                return
            cannot = isinstance(error, NotImplementedError) or error.errno in _CANNOT
            if not cannot:
                raise
            _LOG.info("%s takes no name for new alone: %s", self.url, error)
            self._system.pipe_file(self._at(name), content)

    def _folder(self, name: str) -> str:
        return self._at(name).rpartition("/")[0]

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _part(self, name: str) -> Iterator[str]:
        """Another name beside one, which nothing is left of."""
        self._system.makedirs(self._folder(name), exist_ok=True)
        part = f"{self._at(name)}.{secrets.token_hex(6)}.part"
        try:
            yield part
        finally:
            with contextlib.suppress(OSError):
                os.unlink(part)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """As ``_reaching``; what is not there is a folder, or a bucket, that vanished."""
        with self._reaching():
            try:
                yield
            except FileNotFoundError as error:
                raise OSError(errno.EIO, f"{error.filename or self.url} is not there") from error

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
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
                f"The store {self.url} cannot be reached or written ({why}); see that it is there "
                "and has room; what waits for it goes on by itself then."
            ) from error


def _keep(path: str) -> None:
    """Have a file or a folder on its disk before anybody relies on it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
