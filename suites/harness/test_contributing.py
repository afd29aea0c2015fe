"""What CONTRIBUTING says of rooms is what import-linter holds; what it tells to touch is there."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "CONTRIBUTING.md").read_text()
ROOM = re.compile(r"^\| (\d+) \| `([\w/]+)(?:\.py)?` \|", re.MULTILINE)
SYMBOLS = re.compile(r"((?:`[\w\[\]]+`(?:, )?)+) in `([\w/<>.]+\.\w+)`")


def contracts(kind: str) -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return [contract for contract in settings["contracts"] if contract["type"] == kind]


def layers_of_the_linter() -> list[set[str]]:
    """From top to bottom; the rooms of harness take harness's own place, which is the lowest."""
    whole, inside = contracts("layers")
    above = [set(re.findall(r"\w+", layer)) for layer in whole["layers"]]
    assert above.pop() == set(inside["containers"])
    return above + [
        {f"harness/{room}" for room in re.findall(r"\w+", layer)} for layer in inside["layers"]
    ]


def layers_of_the_document() -> list[set[str]]:
    rooms: dict[int, set[str]] = defaultdict(set)
    for number, room in ROOM.findall(DOCUMENT):
        rooms[int(number)].add(room)
    assert list(rooms) == list(range(1, len(rooms) + 1))
    return list(rooms.values())


def test_the_document_lists_the_rooms_of_the_linter_layer_by_layer() -> None:
    assert layers_of_the_document() == layers_of_the_linter()


def test_the_linter_knows_every_room_of_harness() -> None:
    found = {path.stem for path in (ROOT / "harness").iterdir() if path.suffix in ("", ".py")}
    _, inside = contracts("layers")
    known = {room for layer in inside["layers"] for room in re.findall(r"\w+", layer)}
    assert known == {name for name in found if not name.startswith("__")}


def test_the_document_names_every_further_contract() -> None:
    names = [contract["name"] for contract in contracts("forbidden")]
    assert [name for name in names if f"- {name}" not in DOCUMENT] == []


def names_in(path: Path) -> set[str]:
    """What a Python file defines, or the tables of a TOML file, those of its examples included."""
    text = path.read_text()
    if path.suffix != ".py":
        return set(re.findall(r"\[\[\w+\]\]", text))
    found = set()
    for node in ast.parse(text).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


@pytest.mark.parametrize(("symbols", "pattern"), SYMBOLS.findall(DOCUMENT))
def test_what_is_to_be_touched_is_there(symbols: str, pattern: str) -> None:
    paths = list(ROOT.glob(pattern.replace("<model>", "tiny_*")))
    assert paths
    for path in paths:
        assert set(re.findall(r"[\w\[\]]+", symbols)) <= names_in(path)


def test_enough_is_told_to_be_tested() -> None:
    assert len(SYMBOLS.findall(DOCUMENT)) > 10
