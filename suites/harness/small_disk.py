"""Small disks of tests, which are skipped where this user may mount none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.full_disks import small_disk as mounted


@contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[mounted.SmallDisk]:
    """Mount a disk of its own over a folder."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mounted.small_disk(folder, size_kib))
        except mounted.NoDisk as error:
            pytest.skip(str(error))
        yield disk
