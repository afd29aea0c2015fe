"""What the files say wins over what a manifest says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.manifest import MANIFEST_NAME
from harness.errors import UserError
from harness.runtime.pre_generated import open_pre_generated
from suites.harness.fixtures.conftest import hollow_artifact

FOR_HTP = {"target": "emulator", "backend": "qnn", "soc": "SM8650"}


def rewritten(folder: Path, *, precision: str | None = None, **changes: Any) -> Path:
    """A folder whose manifest says something else than before."""
    path = folder / MANIFEST_NAME
    fields = {**json.loads(path.read_text()), **changes}
    if precision is not None:
        fields["components"][2]["precision"] = precision
    path.write_text(json.dumps(fields))
    return folder


@pytest.mark.parametrize(
    "fields",
    [
        {},
        FOR_HTP,
        {**FOR_HTP, "target": "phone"},
        {"mode": "kv"},
        {"model": "tiny_internvl3", "family": "internvl3", "context_length": 128},
        {"model": "smolvlm.my_tune"},
        {"mode": "lookahead", "lookahead": {"window": 4, "ngram": 5, "gcap": 4}},
    ],
)
def test_what_files_and_manifest_say_alike_is_taken(tmp_path: Path, fields: dict[str, Any]) -> None:
    open_pre_generated(hollow_artifact(tmp_path / "artifact", **fields))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mode": "kv"}, "says mode kv, and the files have hybrid"),
        (
            {"mode": "lookahead", "lookahead": {"window": 4, "ngram": 5, "gcap": 4}},
            "mode lookahead",
        ),
        ({"context_length": 10**9}, "says context_length 1000000000, and the files have 256"),
        ({"context_length": 128}, "says context_length 128"),
        ({"prefill_ar": 32}, "says prefill_ar 32, and the files have 16"),
        ({"image_size_px": 512}, "says image_size_px 512, and the files have 64"),
        ({"tokens_per_image": 64}, "says tokens_per_image 64"),
        (FOR_HTP, "says target emulator, and the files have host"),
        ({"soc": "SM8650"}, "says soc SM8650, and the files have None"),
        (
            {"model": "smolvlm_500m"},
            "model smolvlm_500m, whose layers is 32, and the files have",
        ),
        (
            {"model": "tiny_internvl3"},
            "model tiny_internvl3 of family smolvlm, and it is of i",
        ),
        ({"family": "internvl3"}, "model tiny_smolvlm of family internvl3"),
        ({"family": "gpt"}, "There is no model family 'gpt'"),
        ({"model": "unheard_of"}, "There is no model 'unheard_of'"),
        ({"precision": "8da4w"}, "precision of text_decoder 8da4w, and the files have fp32"),
        ({"precision": "fp16"}, "precision of text_decoder fp16, and the files have fp32"),
    ],
)
def test_a_difference_is_named(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    folder = rewritten(hollow_artifact(tmp_path / "artifact"), **changes)
    with pytest.raises(UserError, match=sentence):
        open_pre_generated(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"soc": "SM8750"}, "says soc SM8750, and the files have SM8650"),
        ({"target": "phone"}, "says target phone, and the files have emulator"),
        ({"precision": "16a8w"}, "precision of text_decoder 16a8w, and the files have fp16"),
        ({"precision": "fp32"}, "precision of text_decoder fp32, and the files have fp16"),
    ],
)
def test_a_difference_of_files_for_the_htp_is_named(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    folder = hollow_artifact(tmp_path / "artifact", **FOR_HTP)
    with pytest.raises(UserError, match=sentence):
        open_pre_generated(rewritten(folder, **changes))
