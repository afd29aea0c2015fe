"""The doctor says of artifacts where upstream's runner would cut their answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.artifacts.given_name import ARTIFACTS
from harness.commands.main import main
from harness.doctor.artifacts import artifact_diagnoses, named_diagnosis
from harness.doctor.diagnosis import show_diagnoses
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec
from suites.harness.fixtures.conftest import hollow_artifact

FIRST_ADDED = 257


def tokenizer_of(model: str, *added: str) -> str:
    """A miniature's ``tokenizer.json``; with ``added`` of these alone, behind single bytes."""
    content = json.loads((checkpoint_path(model) / "tokenizer.json").read_text())
    if added:
        entry = content["added_tokens"][0]
        vocabulary = content["model"]["vocab"].items()
        words = {token: number for token, number in vocabulary if number < FIRST_ADDED - 1}
        content["model"] |= {"vocab": {**words, "!!": FIRST_ADDED - 1}, "merges": []}
        content["added_tokens"] = [
            {**entry, "id": number, "content": token}
            for number, token in enumerate(added, start=FIRST_ADDED)
        ]
    return json.dumps(content)


def cached(cache: Path, name: str, model: str, *added: str) -> Path:
    family = get_spec(model).family.name
    folder = hollow_artifact(cache / ARTIFACTS / name, model=model, family=family)
    (folder / "tokenizer.json").write_text(tokenizer_of(model, *added))
    return folder


def foreign(folder: Path, *added: str) -> Path:
    """What upstream's exporter writes: no manifest."""
    folder.mkdir()
    for name in ("vision_encoder_qnn.pte", "tok_embedding_qnn.pte", "hybrid_llama_qnn.pte"):
        (folder / name).write_bytes(b"program")
    (folder / "tokenizer.json").write_text(tokenizer_of("tiny_internvl3", *added))
    return folder


@pytest.mark.parametrize(
    ("model", "added", "is_cut"),
    [
        ("tiny_smolvlm", (), True),
        ("tiny_internvl3", (), True),
        ("tiny_internvl3", ("<|im_start|>", "<|im_end|>"), False),
        ("tiny_internvl3", ("<|endoftext|>", "<|im_end|>"), True),
        ("tiny_internvl3", ("<s>", "<|im_end|>", "<|eos|>", "<|endoftext|>"), True),
    ],
    ids=["tiny_smolvlm", "tiny_internvl3", "one end", "two ends", "three ends"],
)
def test_a_word_at_id_0_is_named_where_names_do_not_tell_the_end(
    tmp_path: Path, model: str, added: tuple[str, ...], is_cut: bool
) -> None:
    cached(tmp_path, "made", model, *added)
    (told,) = artifact_diagnoses(tmp_path)
    named = named_diagnosis("made", tmp_path)
    assert (told.subject, told.note) == (model, named.note)
    assert told.problem is None
    if not is_cut:
        assert told.note is None
        return
    assert told.note == (
        "upstream's runner cuts answers behind '!' (id 0), which it takes for the end of a text; "
        "to see such answers: python -m harness.runtime --artifact DIR --upstream_compat"
    )


def test_what_upstream_does_with_many_models_is_one_line_and_no_alarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    for model in ("tiny_smolvlm", "tiny_internvl3"):
        cached(tmp_path, model, model)
    assert show_diagnoses(tuple(artifact_diagnoses(tmp_path)), as_json=False) == 0
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if "cuts answers" in line]
    assert line.startswith("i tiny_internvl3, tiny_smolvlm: upstream's runner")
    assert "!" not in told.replace("'!'", "")


def test_artifacts_with_one_tokenizer_are_one_line_and_names_are_none(tmp_path: Path) -> None:
    cached(tmp_path, "a", "tiny_smolvlm")
    cached(tmp_path, "b", "tiny_smolvlm")
    cached(tmp_path, "c", "tiny_internvl3")
    (tmp_path / ARTIFACTS / "before-fix").symlink_to("a")
    assert [(one.subject, one.value) for one in artifact_diagnoses(tmp_path)] == [
        ("tiny_smolvlm", "2 artifacts, the last is b"),
        ("tiny_internvl3", "1 artifact, the last is c"),
    ]


def test_files_without_a_manifest_are_judged_by_their_tokenizer(tmp_path: Path) -> None:
    cut = named_diagnosis(str(foreign(tmp_path / "cut")), tmp_path)
    assert "cuts answers behind '!'" in str(cut.note)
    whole = named_diagnosis(str(foreign(tmp_path / "whole", "<|im_end|>")), tmp_path)
    assert whole.note is None


def test_a_damaged_tokenizer_or_manifest_stops_no_doctor(tmp_path: Path) -> None:
    hollow_artifact(tmp_path / ARTIFACTS / "hollow")
    damaged = hollow_artifact(tmp_path / ARTIFACTS / "damaged")
    (damaged / "manifest.json").write_text("{")
    (told,) = artifact_diagnoses(tmp_path)
    assert "is not a readable tokenizer.json" in str(told.problem)


def test_a_folder_that_is_no_artifact_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder"):
        named_diagnosis(str(tmp_path / "nowhere"), tmp_path)


def test_the_command_tells_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cached(tmp_path, "made", "tiny_smolvlm")
    given = str(foreign(tmp_path / "given"))
    main(["doctor", "--json", "--artifacts", str(tmp_path), "--artifact", given])
    told = {one["subject"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["artifact"]["value"] == given
    assert "cuts answers" in told["tiny_smolvlm"]["note"]
    assert "cuts answers" in told["artifact"]["note"]
