"""Models of somebody's own: what their checkpoints make of a family."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoint_source import own_model, unpinned_notice
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec, get_spec_or_family


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """A checkpoint of the family that nobody registered."""
    return shutil.copytree(checkpoint_path("tiny_smolvlm"), tmp_path / "My Tune")


def test_a_checkpoint_tells_its_geometry(tuned: Path) -> None:
    model = own_model(get_spec_or_family("smolvlm"), tuned, str(tuned))
    known = get_spec("tiny_smolvlm")
    assert (model.vision, model.text) == (known.vision, known.text)
    assert model.is_own
    assert model.is_small
    assert not model.is_miniature


def test_two_checkpoints_of_one_folder_name_are_two_models(tuned: Path, tmp_path: Path) -> None:
    """Trends, baselines and gates go by the name."""
    family = get_spec_or_family("smolvlm")
    other = shutil.copytree(tuned, tmp_path / "elsewhere" / tuned.name)
    one = own_model(family, tuned, str(tuned)).name
    assert one.startswith("smolvlm.my_tune_")
    assert own_model(family, other, str(other)).name == one
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "comment": "trained for longer"}))
    assert own_model(family, other, str(other)).name != one


@pytest.mark.parametrize("named", ["My Tune", "My Tune/", "./My Tune", "My Tune/../My Tune"])
def test_a_folder_has_one_name_however_it_is_spelled(
    named: str, tuned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tuned.parent)
    family = get_spec_or_family("smolvlm")
    assert own_model(family, Path(named), named) == own_model(family, tuned, str(tuned))


def test_a_name_that_was_chosen_stays(tuned: Path) -> None:
    assert own_model(get_spec("smolvlm.mine"), tuned, str(tuned)).name == "smolvlm.mine"


def test_another_familys_checkpoint_is_refused(tuned: Path) -> None:
    with pytest.raises(UserError, match="internvl3 needs InternVL"):
        own_model(get_spec_or_family("internvl3"), tuned, str(tuned))


@pytest.mark.parametrize(
    ("revision", "named", "told"),
    [
        ("main", None, "HuggingFaceTB/SmolVLM-500M-Instruct is what its branch main holds"),
        ("main", "me/mine", "me/mine is what its branch main holds, revision 0123abc;"),
        ("0123abc", "me/mine", "me/mine is what its branch main holds"),
        ("0123abc", None, None),
    ],
)
def test_weights_of_a_branch_that_moves_are_told(
    revision: str, named: str | None, told: str | None, tmp_path: Path
) -> None:
    spec = replace(get_spec("smolvlm_500m"), revision=revision)
    notice = unpinned_notice(spec, named, tmp_path / "snapshots" / "0123abc")
    assert notice is None if told is None else told in (notice or "")


def test_weights_of_a_folder_move_nowhere(tmp_path: Path) -> None:
    assert unpinned_notice(get_spec("smolvlm_500m"), str(tmp_path), tmp_path) is None
    assert unpinned_notice(get_spec("tiny_smolvlm"), None, tmp_path) is None
