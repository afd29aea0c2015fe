"""Exceptions can be raised wherever there is a block around them."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parents[1]
ROOMS = ("harness", "fixtures", "reports", "benchmarks", "training")


def classes() -> dict[str, ast.ClassDef]:
    """All classes of the product by name."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text())))
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


KNOWN = classes()


def is_exception(name: str) -> bool:
    if name not in KNOWN:
        kind = getattr(builtins, name, None)
        return isinstance(kind, type) and issubclass(kind, BaseException)
    return any(is_exception(base.id) for base in KNOWN[name].bases if isinstance(base, ast.Name))


@pytest.mark.parametrize("name", sorted(filter(is_exception, KNOWN)))
def test_an_exception_takes_the_traceback_that_a_block_sets(name: str) -> None:
    """A frozen dataclass does not: a ``contextmanager`` would raise FrozenInstanceError instead."""
    told = [ast.unparse(decorator) for decorator in KNOWN[name].decorator_list]
    assert not [decorator for decorator in told if "frozen=True" in decorator]
