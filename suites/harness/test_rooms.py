"""Rooms stay apart: no circle of imports between files, and the wheel holds what users run."""

from __future__ import annotations

import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
from setuptools import find_packages

ROOT = Path(__file__).parents[2]

PRODUCT = ("harness", "training", "fixtures", "reports", "benchmarks")


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for type checking count: they would only hide a circle."""
    graph = grimp.build_graph(*PRODUCT, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        raise AssertionError(" <- ".join(error.args[1])) from None


def test_the_wheel_holds_harness_and_no_trainer() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = find_packages(str(ROOT), include=settings["packages"]["find"]["include"])
    assert "harness.miniatures" in found
    assert {package.partition(".")[0] for package in found} == {"harness"}
