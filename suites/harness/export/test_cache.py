"""The component cache: built once, never half, never wrong."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import signal
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock

from harness.artifacts.artifact import sha256_of
from harness.artifacts.manifest import ComponentFile
from harness.errors import UserError
from harness.export.cache import RECORD_NAME, Build, CachedComponent, ComponentCache
from harness.export.inputs.build_config import BuildConfig
from suites.harness.export.test_component_key import config

CONFIG = config("vision_encoder")
CONTENT = b"the bytes of a component"


def describe(path: Path, of: BuildConfig = CONFIG) -> ComponentFile:
    return ComponentFile(
        component=of.component,
        precision=of.precision,
        key=of.key,
        file=path.name,
        sha256=sha256_of(path),
        weights_sha256=of.weights_sha256,
        pte_bytes=path.stat().st_size,
        export_s=1.0,
        export_peak_rss_mib=1.0,
    )


def build(folder: Path) -> ComponentFile:
    path = folder / CONFIG.file_name
    path.write_bytes(CONTENT)
    return describe(path)


def refuse_to_build(folder: Path) -> ComponentFile:
    raise AssertionError(f"{folder} is built although the cache has it")


def go_on() -> None:
    """Nothing ends the wait."""


def get(root: Path, builder: Build = build) -> tuple[CachedComponent, list[str]]:
    told: list[str] = []
    return ComponentCache(root).get_or_build(CONFIG, builder, told.append, go_on), told


def test_what_is_there_is_reused(tmp_path: Path) -> None:
    built, _ = get(tmp_path)
    reused, told = get(tmp_path, refuse_to_build)
    assert (built.reused, reused.reused) == (False, True)
    assert reused.path.read_bytes() == CONTENT
    assert told == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (CONFIG.file_name, None),
        (CONFIG.file_name, CONTENT[:5]),
        (CONFIG.file_name, CONTENT[::-1]),
        (RECORD_NAME, None),
        (RECORD_NAME, b"{"),
        (RECORD_NAME, b"\xff\xfe"),
    ],
    ids=["file gone", "file cut", "file changed", "record gone", "record cut", "record binary"],
)
def test_what_is_damaged_is_set_aside_and_built_again(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    damaged = get(tmp_path)[0].directory / name
    damaged.unlink()
    if content is not None:
        damaged.write_bytes(content)
    again, told = get(tmp_path)
    assert not again.reused
    assert again.path.read_bytes() == CONTENT
    assert "set aside" in told[0]
    assert len(list((tmp_path / "rejected").iterdir())) == 1


def test_a_place_where_nobody_can_make_a_folder_is_told() -> None:
    with pytest.raises(UserError, match=r"/proc/nowhere cannot be written .* with --artifacts"):
        ComponentCache(Path("/proc/nowhere"))


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> ComponentFile:
        (folder / CONFIG.file_name).write_bytes(b"half")
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        get(tmp_path, fail)
    assert list((tmp_path / "components").iterdir()) == []
    assert list((tmp_path / "building").iterdir()) == []
    assert not get(tmp_path)[0].reused


def _slow_worker(root: Path, builds: Path) -> None:
    def slowly(folder: Path) -> ComponentFile:
        (builds / str(os.getpid())).touch()
        time.sleep(1.5)
        return build(folder)

    found, told = get(root, slowly)
    assert found.path.read_bytes() == CONTENT
    assert found.reused == any("is building it" in sentence for sentence in told)


def test_two_at_once_build_once_and_the_waiting_one_knows_who_builds(tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    builds.mkdir()
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_slow_worker, args=(tmp_path / "cache", builds)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(list(builds.iterdir())) == 1


def _hang(root: Path, started: Path) -> None:
    def hang(folder: Path) -> ComponentFile:
        (folder / CONFIG.file_name).write_bytes(b"half")
        started.touch()
        time.sleep(600)
        raise AssertionError

    get(root, hang)


def test_a_builder_killed_midway_hinders_nobody(tmp_path: Path) -> None:
    started = tmp_path / "started"
    builder = multiprocessing.get_context("fork").Process(
        target=_hang, args=(tmp_path / "cache", started)
    )
    builder.start()
    while not started.exists():
        time.sleep(0.01)
    assert builder.pid is not None
    os.kill(builder.pid, signal.SIGKILL)
    builder.join(30)
    after, _ = get(tmp_path / "cache")
    assert not after.reused
    assert after.path.read_bytes() == CONTENT
    assert list((tmp_path / "cache" / "building").iterdir()) == []


@pytest.mark.parametrize("lives", [True, False], ids=["lives", "was killed"])
def test_what_another_component_was_built_in_goes_with_its_builder(
    lives: bool, tmp_path: Path
) -> None:
    cache = ComponentCache(tmp_path)
    other = CONFIG.model_copy(update={"model": "another"})
    workspace = cache.building / f"{other.folder_name}-0123abcd"
    workspace.mkdir()
    with FileLock(cache.locks / f"{other.key}.lock") if lives else nullcontext():
        (cache.locks / f"{other.key}.lock").touch()
        get(tmp_path)
    assert workspace.exists() == lives


def test_a_cache_that_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--artifacts"):
        ComponentCache(tmp_path / "file" / "cache")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_cache_that_fills_up_or_is_read_only_names_the_option(tmp_path: Path, code: int) -> None:
    def run_out(folder: Path) -> ComponentFile:
        (folder / CONFIG.file_name).write_bytes(CONTENT[:3])
        raise OSError(code, os.strerror(code))

    with pytest.raises(UserError, match=rf"{os.strerror(code)}.*--artifacts"):
        get(tmp_path, run_out)
    assert list((tmp_path / "components").iterdir()) == []


def test_an_error_of_another_kind_stays_what_it_is(tmp_path: Path) -> None:
    def fail(folder: Path) -> ComponentFile:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    with pytest.raises(BrokenPipeError):
        get(tmp_path, fail)


def test_what_is_there_is_read_without_a_lock(tmp_path: Path) -> None:
    get(tmp_path)
    shutil.rmtree(tmp_path / "locks")
    (tmp_path / "locks").mkdir()
    assert get(tmp_path, refuse_to_build)[0].reused
    assert list((tmp_path / "locks").iterdir()) == []


def _reject(root: Path, builds: Path) -> None:
    def once(folder: Path) -> ComponentFile:
        (builds / str(os.getpid())).touch()
        return build(folder)

    assert get(root, once)[0].path.read_bytes() == CONTENT


def test_many_that_find_the_same_damage_build_once(tmp_path: Path) -> None:
    """Nobody may set aside what another process has already built anew."""
    builds = tmp_path / "builds"
    builds.mkdir()
    damaged = get(tmp_path / "cache")[0].path
    damaged.unlink()
    damaged.write_bytes(CONTENT[::-1])
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_reject, args=(tmp_path / "cache", builds)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)
    assert len(list(builds.iterdir())) == 1
    assert len(list((tmp_path / "cache" / "rejected").iterdir())) == 1
