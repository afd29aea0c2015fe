"""``python -m training`` trains, evaluates and refuses in one sentence."""

from pathlib import Path

import pytest

from training.command_line import main

SMALL = ["--steps", "2", "--scenes-per-step", "2"]


def test_train_then_evaluate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["train", "tiny_internvl3", "--out", str(tmp_path), *SMALL]) == 0
    checkpoint = ["--checkpoint", str(tmp_path)]
    assert main(["evaluate", "tiny_internvl3", *checkpoint, "--scenes", "6"]) == 0
    table = capsys.readouterr().out
    for word in ("colour", "relation", "describe", "total", "blank image", "swapped image"):
        assert word in table


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("tiny_smolvm", "did you mean tiny_smolvlm"),
        ("smolvlm_500m", "smolvlm_500m is no miniature"),
    ],
)
def test_a_name_that_cannot_be_trained_is_refused(
    name: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", name, "--out", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err


def test_resuming_with_other_steps_after_the_decay_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "tiny_smolvlm", "--out", str(tmp_path), *SMALL]) == 0
    again = ["train", "tiny_smolvlm", "--out", str(tmp_path), "--steps", "9"]
    assert main([*again, "--scenes-per-step", "2"]) == 2
    assert "choose another --out" in capsys.readouterr().err
