"""Pixels as a checkpoint wants them are those that runners make, or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.checkpoint.checkpoint import open_checkpoint
from harness.checkpoint.pixels import check_pixels
from harness.errors import UserError
from harness.vlm.internvl3 import INTERNVL3_1B
from harness.vlm.registry import get_spec
from harness.vlm.smolvlm import SMOLVLM_500M
from suites.harness.checkpoint.conftest import MakeCopy, edit
from suites.harness.checkpoint.published import SMOLVLM_PIXELS

PIXELS, PROCESSOR = "preprocessor_config.json", "processor_config.json"


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    ("model", "changes", "setting"),
    [
        ("tiny_smolvlm", {"image_mean": [0.485, 0.456, 0.406]}, "image_mean"),
        ("tiny_smolvlm", {"image_mean": 0.4}, "image_mean"),
        ("tiny_smolvlm", {"image_std": [0.5, 0.5]}, "image_std"),
        ("tiny_smolvlm", {"image_std": "wide"}, "image_std"),
        ("tiny_smolvlm", {"rescale_factor": 1.0}, "rescale_factor"),
        ("tiny_smolvlm", {"resample": 3}, "resample"),
        ("tiny_smolvlm", {"resample": "nearest"}, "resample"),
        ("tiny_smolvlm", {"do_normalize": False}, "do_normalize"),
        ("tiny_smolvlm", {"do_rescale": False}, "do_rescale"),
        ("tiny_smolvlm", {"do_resize": False}, "do_resize"),
        ("tiny_smolvlm", {"do_center_crop": True}, "do_center_crop"),
        ("tiny_smolvlm", {"max_image_size.longest_edge": 32}, "max_image_size.longest_edge"),
        ("tiny_smolvlm", {"max_image_size": ...}, "max_image_size.longest_edge"),
        ("tiny_smolvlm", {"size.longest_edge": 96}, "size.longest_edge"),
        ("tiny_smolvlm", {"size": {"shortest_edge": 64}}, "size.shortest_edge"),
        ("tiny_smolvlm", {"image_seq_len": 64}, "image_seq_len"),
        ("tiny_internvl3", {"image_mean": ...}, "image_mean"),
        ("tiny_internvl3", {"image_std": None}, "image_std"),
        ("tiny_internvl3", {"size": {"height": 64, "width": 128}}, "size.width"),
        ("tiny_internvl3", {"size": 48}, "size"),
        ("tiny_internvl3", {"patch_size": 14}, "patch_size"),
        ("tiny_internvl3", {"patch_size": [8, 14]}, "patch_size"),
        ("tiny_smolvlm", {"image_seq_len": [[16]]}, "image_seq_len"),
        ("tiny_smolvlm", {"image_seq_len": {"a": [16]}}, "image_seq_len"),
    ],
)
def test_other_pixels_are_refused(
    copied: MakeCopy, model: str, changes: dict[str, Any], setting: str, nested: bool
) -> None:
    folder = copied(model)
    edit(folder / PIXELS, changes)
    if nested:
        # As transformers 5 saves it; the older file beside it does not count.
        (folder / PROCESSOR).write_text(f'{{"image_processor": {(folder / PIXELS).read_text()}}}')
        (folder / PIXELS).write_text('{"do_normalize": false}')
    name = PROCESSOR if nested else PIXELS
    with pytest.raises(UserError, match=rf"{name} has {setting} "):
        open_checkpoint(folder, get_spec(model))


@pytest.mark.parametrize(
    "changes",
    [
        {"do_image_splitting": True},
        {"size.longest_edge": 256},
        {"size": ..., "do_resize": True, "size.longest_edge": 64},
        {"resample": "LANCZOS"},
        {"image_mean": 0.5, "image_std": [0.5000000001, 0.5, 0.5]},
        {"do_pad": False, "do_thumbnail": False, "do_center_crop": None},
        {"image_mean": None, "resample": ...},
        {"patch_size": [8, 8]},
    ],
)
def test_what_changes_no_pixel_is_taken(copied: MakeCopy, changes: dict[str, Any]) -> None:
    folder = copied()
    edit(folder / PIXELS, changes)
    assert open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_the_processors_own_count_of_tokens_is_compared(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / PROCESSOR, {"image_seq_len": 169})
    with pytest.raises(UserError, match=r"image_seq_len 169, and runners .* with 16;"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    name=st.sampled_from(sorted(SMOLVLM_PIXELS)),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
)
def test_no_value_of_a_setting_is_a_traceback(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / PIXELS).write_text(json.dumps(SMOLVLM_PIXELS | {name: value}))
    with suppress(UserError):
        check_pixels(tmp_path, SMOLVLM_500M, {})


def test_the_defaults_of_image_processors_are_those_of_transformers() -> None:
    from transformers import GotOcr2ImageProcessorPil, Idefics3ImageProcessorPil

    for spec, processor in (
        (SMOLVLM_500M, Idefics3ImageProcessorPil()),
        (INTERNVL3_1B, GotOcr2ImageProcessorPil()),
    ):
        how = spec.family.preprocessing
        taken = {"image_mean": how.mean, "image_std": how.std} | dict(how.defaults)
        for name, value in taken.items():
            found = getattr(processor, name)
            wanted = value if isinstance(value, dict) else list(value)
            assert (dict(found) if isinstance(value, dict) else list(found)) == wanted
