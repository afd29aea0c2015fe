"""Every source that decides what an export writes, or says what it costs, is in the cache's key."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import grimp
import pytest

import harness
from harness.errors import UserError
from harness.export.component_key import SOURCE_FOLDERS, exporter_sha256, hash_sources
from harness.vlm.registry import get_family, known_families

PACKAGE = Path(harness.__file__).parent

WORKER = "harness.export.worker.__main__"

DECIDES_NOTHING = {
    "harness.artifacts.manifest": "names of what is recorded, with a version of its own",
    "harness.control_groups": "where a container's limits stand",
    "harness.elf": "whether a library is whole, and for this machine",
    "harness.errors": "how to refuse",
    "harness.finished_program": "how much is kept of what another program prints",
    "harness.kept_output": "the same",
    "harness.machine_memory": "tells of memory, and gives some of it back",
    "harness.measure.wording": "numbers and plurals in sentences",
    "harness.mounts": "whether a folder lets programs be run from it",
    "harness.options.command_line": "spells the command that a refusal names",
    **{
        f"harness.options.groups.{group}": "spelling of those of one group"
        for group in (
            "farm",
            "judging",
            "model",
            "place",
            "positional",
            "records",
            "takers",
            "terminal",
        )
    },
    "harness.options.option": "spelling of one option in it",
    "harness.options.table": "spelling of all of them",
    "harness.parent_process": "ends the process when nobody waits for it any more",
    "harness.pointer_file": "tells what was not fetched",
    "harness.strict_json": "refuses what two readers take for two things; its values are json's",
    "harness.vocabulary": "words; those that are asked for are in the key",
}
"""Modules that an exporting process loads although they reach neither a file nor its costs."""


def loaded_by_the_worker() -> list[str]:
    """All modules of ours that an exporting process can import, families included."""
    graph = grimp.build_graph("harness", cache_dir=None)
    roots = {WORKER, *(str(one.encoder).partition(":")[0] for one in known_families().values())}
    return sorted(roots.union(*(graph.find_upstream_modules(root) for root in roots)))


def source_of(module: str) -> str:
    return "/".join(module.split(".")[1:]) + ".py"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of our sources that a test may change."""
    return Path(
        shutil.copytree(PACKAGE, tmp_path / "harness", ignore=shutil.ignore_patterns("*.pyc"))
    )


def test_a_change_of_any_module_that_the_worker_loads_changes_the_key(package: Path) -> None:
    before = hash_sources(package)
    without_effect = []
    for module in loaded_by_the_worker():
        source = package / source_of(module)
        content = source.read_text()
        source.write_text(content + "\n")
        if hash_sources(package) == before:
            without_effect.append(module)
        source.write_text(content)
    assert without_effect == sorted(DECIDES_NOTHING)


@pytest.mark.parametrize("source", ["backends/qnn/shim.c", "vlm/new.py", "export/htp/new.py"])
def test_sources_in_c_and_new_ones_are_in_the_key_too(package: Path, source: str) -> None:
    before = hash_sources(package)
    with (package / source).open("a") as file:
        file.write("\n")
    assert hash_sources(package) != before


@pytest.mark.parametrize("source", ["export/cache.py", "export/exporter.py", "measure/verdict.py"])
def test_a_source_that_only_organizes_or_judges_changes_no_key(package: Path, source: str) -> None:
    before = hash_sources(package)
    (package / source).write_text("")
    assert hash_sources(package) == before


def test_every_folder_of_the_key_holds_sources() -> None:
    assert all(any((PACKAGE / folder).glob("*.py")) for folder in SOURCE_FOLDERS)


def test_the_key_of_a_family_from_outside_covers_its_whole_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    family = get_family("smolvlm")
    keys = [exporter_sha256(family)]
    for name in ("one", "other"):
        folder = tmp_path / f"family_{name}"
        folder.mkdir()
        (folder / "encoder.py").touch()
        (folder / "blocks.py").write_text(f"NAME = {name!r}\n")
        keys.append(exporter_sha256(replace(family, encoder=f"family_{name}.encoder:Encoder")))
    assert len(set(keys)) == 3


def test_an_encoder_in_no_package_is_refused_by_name() -> None:
    family = replace(get_family("smolvlm"), encoder="nowhere.to_be_found:Encoder")
    with pytest.raises(UserError, match=r"encoder of family 'smolvlm' .* nowhere\.to_be_found"):
        exporter_sha256(family)
