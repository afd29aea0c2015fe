"""Files that a person edits may begin with a byte order mark, as editors on Windows save them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from harness.devices.phone.fleet.inventory import find_inventory
from harness.export.calibration_file import load_calibration
from harness.export.recipe import load_recipe
from harness.results.thresholds import append_rows, load_gates, load_quarantine
from harness.runtime.request import read_requests

GATE = """
[[gate]]
metric = "decode_tps"
target = "host"
min = 1
confidence = "measured"
source = "a run"
since = 2026-11-23
"""
SAMPLE = {"files": ["picture.png"], "messages": [{"role": "user", "content": "How many?"}]}


def marked(path: Path, text: str) -> Path:
    path.write_bytes(codecs.BOM_UTF8 + text.encode())
    return path


def test_gates_and_rows_behind_them(tmp_path: Path) -> None:
    marked(tmp_path / "socs.toml", "")
    marked(tmp_path / "tiny_smolvlm.toml", GATE)
    append_rows(tmp_path, "tiny_smolvlm", GATE.replace("decode_tps", "prefill_tps"))
    assert [gate.metric for gate in load_gates(tmp_path)] == ["decode_tps", "prefill_tps"]


READERS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "quarantine": ("quarantine.toml", "", lambda path: load_quarantine(path.parent)),
    "phones": ("phones.toml", "", lambda path: find_inventory(path, path.parent)),
    "recipe": ("recipe.toml", 'text_decoder = "8da4w"', load_recipe),
    "requests": ("r.jsonl", '{"id": "1", "prompts": ["Hi"]}', read_requests),
    "calibration": ("samples.json", json.dumps([SAMPLE]), load_calibration),
}


@pytest.mark.parametrize("kind", READERS)
def test_other_files(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    name, text, read = READERS[kind]
    read(marked(tmp_path / name, text))
