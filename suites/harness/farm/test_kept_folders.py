"""A host keeps what its jobs brought, but no more than it has room for, and all else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.artifacts.given_name import ARTIFACTS, give_name
from harness.farm.kept_folders import KeptFolders

SIZE = 1000


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cäche of artifacts"


def bring(kept: KeptFolders, cache: Path, name: str, used_at_s: int) -> Path:
    """A component and its artifact, which share one file, as a job brings them."""
    component, artifact = cache / "components" / name, cache / ARTIFACTS / f"{name}-whole"
    for folder in (component, artifact):
        folder.mkdir(parents=True)
    (component / "model.pte").write_bytes(bytes(SIZE))
    os.link(component / "model.pte", artifact / "model.pte")
    for folder in (component, artifact):
        kept.brought(folder)
        os.utime(kept._record(folder), (used_at_s, used_at_s))
    give_name(artifact, f"farm-{name}")
    return component


def test_the_folders_used_last_stay(cache: Path) -> None:
    kept = KeptFolders(cache, limit_bytes=2 * SIZE)
    old, middle, new = (bring(kept, cache, name, at) for at, name in enumerate("abc", 1))
    by_hand = cache / "components" / "by-hand"
    by_hand.mkdir()
    (by_hand / "model.pte").write_bytes(bytes(9 * SIZE))
    with kept.using([]):
        assert old.is_dir()
    assert kept.here() == {middle, new, by_hand, *whole(cache, "b", "c")}
    assert not (cache / ARTIFACTS / "farm-a").is_symlink()
    assert (cache / ARTIFACTS / "farm-b").is_dir()


def whole(cache: Path, *names: str) -> list[Path]:
    return [cache / ARTIFACTS / f"{name}-whole" for name in names]


def test_what_a_job_uses_stays_and_counts_as_used(cache: Path) -> None:
    kept = KeptFolders(cache, limit_bytes=SIZE)
    old, new = (bring(kept, cache, name, at) for at, name in enumerate("ab", 1))
    both = [old, *whole(cache, "a")]
    with kept.using(both):
        with kept.using([]):
            pass
        assert all(folder.is_dir() for folder in both)
    assert kept.here() == {*both}
    assert not new.exists()


def test_what_somebody_named_by_hand_stays(cache: Path) -> None:
    kept = KeptFolders(cache, limit_bytes=0)
    bring(kept, cache, "a", 1)
    (artifact,) = whole(cache, "a")
    give_name(artifact, "before-fix")
    with kept.using([]):
        pass
    assert kept.here() == {artifact}


def test_a_cache_that_no_job_filled_is_left_alone(cache: Path) -> None:
    kept = KeptFolders(cache, limit_bytes=0)
    with kept.using([]):
        pass
    assert kept.here() == frozenset()
    folder = cache / "components" / "by-hand"
    folder.mkdir(parents=True)
    with kept.using([folder]):
        pass
    assert kept.here() == {folder}
