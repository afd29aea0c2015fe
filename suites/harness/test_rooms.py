"""Rooms stay apart: no circle of imports between files, and the wheel holds what users run."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest
from setuptools import find_packages

from harness.vlm.registry import known_families

ROOT = Path(__file__).parents[2]

PRODUCT = ("harness", "training", "fixtures", "reports", "benchmarks")

FAMILY_TABLES = ("harness/vlm/registry.py", "benchmarks/interop/upstream_inputs.py")
"""Where a family is one line: ours, and what upstream's exporter calls it."""


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """What each file of the product imports, inside functions and for type checking as well."""
    graph = grimp.build_graph(*PRODUCT, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def test_no_files_import_each_other_in_a_circle(imports: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        raise AssertionError(" <- ".join(error.args[1])) from None


def test_every_folder_of_sources_is_a_package() -> None:
    """The linter and the tests above pass over the files of one that is none."""
    folders = {path.parent for room in PRODUCT for path in (ROOT / room).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_no_room_holds_more_than_18_percent_of_the_product() -> None:
    rooms = [path for path in (ROOT / "harness").iterdir() if path.is_dir()]
    rooms += [ROOT / room for room in PRODUCT if room != "harness"]
    lines = {
        room.name: sum(len(path.read_text().splitlines()) for path in room.rglob("*.py"))
        for room in rooms
    }
    assert max(lines.values()) <= 0.18 * sum(lines.values()), lines


def test_no_class_name_has_two_meanings() -> None:
    files = [path for room in PRODUCT for path in (ROOT / room).rglob("*.py")]
    nodes = [node for path in files for node in ast.parse(path.read_text()).body]
    names = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    assert [name for name, times in names.items() if times > 1 and name[0] != "_"] == []


def test_nobody_imports_what_python_runs(imports: dict[str, set[str]]) -> None:
    """A process would load such a file twice, once as ``__main__``."""
    assert not {name for names in imports.values() for name in names if name.endswith("__main__")}


def test_no_file_but_a_familys_own_asks_which_family_it_is() -> None:
    names = {word for one in known_families().values() for word in (one.name, one.architecture)}
    own = {f"{name}.py" for name in known_families()}
    asking = [
        path.relative_to(ROOT).as_posix()
        for room in PRODUCT
        for path in (ROOT / room).rglob("*.py")
        if path.name not in own
        and any(
            isinstance(node, ast.Constant) and node.value in names
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert sorted(asking) == sorted(FAMILY_TABLES)


def test_the_wheel_holds_harness_and_no_trainer() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = find_packages(str(ROOT), include=settings["packages"]["find"]["include"])
    assert "harness.miniatures" in found
    assert {package.partition(".")[0] for package in found} == {"harness"}


def test_the_wheel_holds_every_file_beside_the_sources() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    listed = {
        path
        for package, patterns in settings["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
        if path.is_file()
    }
    files = {path for path in (ROOT / "harness").rglob("*") if path.is_file()}
    assert {path for path in files if path.suffix not in (".py", ".pyc")} == listed
