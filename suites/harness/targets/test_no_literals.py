"""What depends on a target or backend is asked of an object: no product file decides by a name."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from harness.targets.registry import targets
from harness.vocabulary import Backend

ROOT = Path(__file__).parents[3]
PRODUCT = ("harness", "fixtures", "reports", "benchmarks", "training")
REGISTRY = ROOT / "harness" / "targets"

NAMES = frozenset({*targets(), *get_args(Backend)})
OBJECTS = frozenset(name.upper() for name in NAMES)
"""``HOST``, ``QNN`` and so on, whose names can be compared with as well."""

LOOK_UPS = frozenset({"get", "get_target", "startswith", "endswith", "index", "count"})

OTHER_MEANINGS = {
    "seconds['phone']": "benchmarks: times by who was asked, directly or as a phone",
    "Literal['xnnpack', 'qnn']": "harness/vocabulary: where the backends are named",
    "builder['host']": "harness/export/cache: network name of the machine that builds",
    "session['host']": "harness/results: column that describes a session's machine",
}
"""What a word is that happens to be a target's or backend's name, and where."""


def decisions(code: str) -> set[str]:
    """Expressions that hang on a target's name, as they are written."""
    tree = ast.parse(code)
    return {
        ast.unparse(node)
        for node in ast.walk(tree)
        if any(map(_names_a_target, _compared(node))) or any(map(_is_name, _chosen(node)))
    }


def _compared(node: ast.AST) -> Iterable[ast.expr]:
    """What a value is compared with, or looked up by."""
    match node:
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.MatchValue(value=value):
            return [value]
        case ast.Subscript(slice=key):
            return [key]
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            return arguments if name in LOOK_UPS else []
        case ast.Dict(keys=keys) if all(key and _names_a_target(key) for key in keys):
            return [key for key in keys if key]
    return []


def _chosen(node: ast.AST) -> Iterable[ast.expr | None]:
    """What is taken where nobody says anything."""
    match node:
        case ast.arguments(defaults=defaults, kw_defaults=more):
            return [*defaults, *more]
        case ast.AnnAssign(value=value) | ast.keyword(arg="default", value=value):
            return [value]
    return []


def _is_name(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value in NAMES


def _names_a_target(node: ast.expr) -> bool:
    """Whether it is a name, a collection with one, or the name of a target's object."""
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return any(map(_names_a_target, elements))
        case ast.Attribute(value=ast.Name(id=name)) | ast.Name(id=name):
            return name in OBJECTS
    return _is_name(node)


def product_files() -> list[Path]:
    found = [path for room in PRODUCT for path in (ROOT / room).rglob("*.py")]
    return [path for path in found if not path.is_relative_to(REGISTRY)]


def test_no_product_file_decides_by_the_name_of_a_target() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {decision}"
        for path in product_files()
        for decision in decisions(path.read_text()) - OTHER_MEANINGS.keys()
    }
    assert found == set()


def test_every_other_meaning_still_occurs() -> None:
    code = "\n".join(path.read_text() for path in product_files())
    found = decisions(code.replace("from __future__ import annotations", ""))
    assert found >= OTHER_MEANINGS.keys()


@pytest.mark.parametrize(
    "code",
    [
        'device.target == "phone"',
        'config.backend == "qnn"',
        '"phone" not in accepted',
        'target in ("host", "phone")',
        "target is HOST",
        "target.name == HOST.name",
        'DEFAULT_RECIPES["host"]',
        "limits[PHONE.name]",
        'name.startswith("emulator")',
        'get_target("host")',
        '{"host": 1, "emulator": 2}',
        "{HOST.name: 1}",
        'def export(target="host"): ...',
        'target: Target = "host"',
        'Source = Literal["float", "host"]',
        'parser.add_argument("--target", default="host")',
        'match target:\n    case "host": ...',
    ],
)
def test_a_decision_is_seen_however_it_is_written(code: str) -> None:
    assert decisions(code)


@pytest.mark.parametrize(
    "code",
    [
        "target.backend.is_htp",
        "target: Target = HOST.name",
        "return PHONE if is_for_phone else EMULATOR",
        '{"pid": 1, "host": "name"}',
        'Finding("phone", "none attached")',
        'folder / "phone"',
    ],
)
def test_what_asks_an_object_or_means_something_else_is_none(code: str) -> None:
    assert not decisions(code)
