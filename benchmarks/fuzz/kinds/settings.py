"""What people write to say how a session runs: laboratory's file, phones, recipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from harness.devices.phone.fleet.inventory import find_inventory
from harness.export.recipe import load_recipe, recipe_fault
from harness.options.values import LABORATORY_FILE, PROJECT_FILE, resolve
from harness.targets.emulator import EMULATOR

_LABORATORY = b"""
model = ["tiny_smolvlm", "tiny_internvl3"]
target = "phone"
serial = "R5CX10ABCDE"
phones = "lab/phones.toml"
checkpoint = "ada/smolvlm"
compare = ["latest", "baseline"]
results = "~/results"
thresholds = "thresholds"
runs = 9
"""

_PROJECT = b"""
[project]
name = "laboratory"

[tool.snapgate]
results = "results"
report_dir = "report"
"""

_PHONES = b"""
[[phone]]
serialno = "R5CX10ABCDE"
name = "s24"
labels = ["nightly", "cracked screen"]
recover = "uhubctl -a cycle -p 2"
soc = "SM8650"

[[phone]]
serialno = "2b7f"
name = "qrd"
"""

_RECIPE = b"""
vision_encoder = "16a8w"
token_embedding = "16w"
text_decoder = "16a4w_block"

[htp]
kv_bits = 8
block_size = 32

[[htp.overrides]]
component = "text_decoder"
pattern = 'layers\\.0\\.mlp'
scheme = "16a8w"

[weights]
rounding = "learned"

[decoder]
rotate_hidden = true
"""


class SettingFiles(FileKind):
    """One of each."""

    name = "settings"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """A small example of each."""
        return [
            Whole(folder / LABORATORY_FILE, _LABORATORY, _read_options),
            Whole(folder / "project" / PROJECT_FILE, _PROJECT, _read_options),
            Whole(folder / "lab" / "phones.toml", _PHONES, _read_phones),
            Whole(folder / "recipe.toml", _RECIPE, _read_recipe),
        ]


def _read_options(path: Path) -> object:
    return dict(resolve("suites", {}, path.parent, path.parent))


def _read_phones(path: Path) -> object:
    return find_inventory(None, path.parent)


def _read_recipe(path: Path) -> object:
    recipe = load_recipe(path)
    return recipe.label, recipe_fault(recipe, EMULATOR)
