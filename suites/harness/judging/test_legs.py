"""The two legs of a comparison have names, and what differs between them is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.given_name import ARTIFACTS, give_name
from harness.backends.decoder_recipe import DecoderRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.judging.baseline import find_artifact
from harness.judging.legs import Legs
from suites.harness.fixtures.conftest import hollow_artifact


def an_artifact(folder: Path, **changes: object) -> Artifact:
    return open_artifact(hollow_artifact(folder, **changes))


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("before", "after"), ("before", "after")),
        (("before/artifact", "after/artifact"), ("before/artifact", "after/artifact")),
        (("x/one/a", "y/one/a"), ("x/one/a", "y/one/a")),
    ],
)
def test_legs_are_named_by_what_tells_their_folders_apart(
    folders: tuple[str, str], names: tuple[str, str], tmp_path: Path
) -> None:
    made = [an_artifact(tmp_path / name, key=f"{n}" * 64) for n, name in enumerate(folders)]
    assert Legs(*made).names == names


def test_one_artifact_on_both_sides_is_told(tmp_path: Path) -> None:
    one = an_artifact(tmp_path / "same")
    legs = Legs(one, one)
    assert legs.names == ("same", "same")
    assert legs.differences == ()
    assert legs.told == "it is one artifact on both sides"


def test_artifacts_that_differ_in_nothing_but_their_keys_are_told_by_these(tmp_path: Path) -> None:
    one, other = (an_artifact(tmp_path / key, key=key * 64) for key in "ab")
    assert Legs(one, other).told == (
        f"their keys {'a' * 12} and {'b' * 12} differ in nothing that a manifest tells"
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"context_length": 256}, {"context_length": 512}, "context 256 -> 512"),
        ({"prefill_ar": 16}, {"prefill_ar": 32}, "prefill ar 16 -> 32"),
        ({"mode": "kv"}, {"mode": "hybrid"}, "mode kv -> hybrid"),
        (
            {"kv_encodings": "shared"},
            {"kv_encodings": "requantized"},
            "KV encodings shared -> requantized",
        ),
        (
            {"decoder": DecoderRecipe()},
            {"decoder": DecoderRecipe(rotate_hidden=False)},
            "decoder recipe default -> rotate_hidden=False",
        ),
        (
            {"weights": WeightRecipe(rounding="learned")},
            {"weights": WeightRecipe()},
            "recipe of 4-bit weights rounding=learned -> default",
        ),
        ({"versions": {"torch": "2.12"}}, {"versions": {"torch": "2.13"}}, "torch 2.12 -> 2.13"),
        ({"versions": {}}, {"versions": {"qnn": "v2.47"}}, "qnn none -> v2.47"),
    ],
)
def test_what_the_manifests_differ_in_is_told(
    before: dict[str, object], after: dict[str, object], told: str, tmp_path: Path
) -> None:
    one = an_artifact(tmp_path / "one", key="1" * 64, **before)
    other = an_artifact(tmp_path / "other", key="2" * 64, **after)
    assert Legs(one, other).differences == (told,)
    assert Legs(one, other).told == f"they differ in {told}"


def test_components_are_told_by_their_weights_precision_or_key(tmp_path: Path) -> None:
    one, other = (an_artifact(tmp_path / name, key=name[0] * 64) for name in ("one", "two"))
    vision, table, decoder = other.manifest.components
    changed = (
        vision.model_copy(update={"weights_sha256": "1" * 64, "key": "v"}),
        table.model_copy(update={"precision": "16w", "key": "t"}),
        decoder.model_copy(update={"key": "d"}),
    )
    manifest = other.manifest.model_copy(update={"components": changed})
    assert Legs(one, Artifact(other.directory, manifest)).differences == (
        "weights of vision_encoder",
        "token_embedding fp32 -> 16w",
        "key of text_decoder",
    )


def test_commits_are_told_first_and_many_differences_are_cut(tmp_path: Path) -> None:
    one = an_artifact(tmp_path / "one", key="1" * 64, versions={str(n): "1" for n in range(9)})
    other = an_artifact(tmp_path / "other", key="2" * 64)
    legs = Legs(one, other, ("a" * 40, "b" * 40 + "-dirty"))
    first = f"they differ in commit {'a' * 12} -> {'b' * 12}-dirty, 0 1 -> none"
    assert legs.told.startswith(first)
    assert legs.told.endswith(" and 6 more")
    assert not Legs(one, other, ("a" * 40, "a" * 40)).differences[0].startswith("commit")


def test_legs_are_named_as_people_named_them(tmp_path: Path) -> None:
    for number, name in enumerate(("before-fix", "after-fix")):
        made = an_artifact(tmp_path / ARTIFACTS / f"tiny-{number}", key=f"{number}" * 64)
        give_name(made.directory, name)
    legs = [find_artifact(name, tmp_path) for name in ("before-fix", "after-fix")]
    assert Legs(*map(open_artifact, legs)).names == ("before-fix", "after-fix")
