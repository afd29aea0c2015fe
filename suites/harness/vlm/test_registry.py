"""Models and families are found by name, and a mistyped name is told its nearest neighbour."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.checkpoint_source import find_checkpoint
from harness.errors import UserError
from harness.vlm.registry import (
    get_family,
    get_spec,
    get_spec_or_family,
    is_own_name,
    known_families,
    known_models,
    own_name,
)


def test_published_models_stand_beside_their_miniatures() -> None:
    published = {"smolvlm_256m", "smolvlm_500m", "internvl3_1b"}
    assert set(known_models()) == {*published, "tiny_smolvlm", "tiny_internvl3"}
    assert set(known_families()) == {"smolvlm", "internvl3"}
    for name, spec in known_models().items():
        assert get_spec(name) is spec
        assert get_family(spec.family.name) is spec.family
        assert spec.is_miniature == name.startswith("tiny_")


@pytest.mark.parametrize(
    ("lookup", "typed", "meant"),
    [
        (get_spec, "smolvm_500m", "smolvlm_500m"),
        (get_spec, "internvl3-1b", "internvl3_1b"),
        (get_spec, "tiny_smolvl", "tiny_smolvlm"),
        (get_family, "smolvm", "smolvlm"),
        (get_family, "internvl", "internvl3"),
        (get_spec_or_family, "intern_vl3", "internvl3"),
        (get_spec_or_family, "smollvlm", "smolvlm"),
    ],
)
def test_a_mistyped_name_gets_a_suggestion(
    lookup: Callable[[str], object], typed: str, meant: str
) -> None:
    with pytest.raises(UserError, match=rf"{typed!r}; did you mean {meant}\? known: "):
        lookup(typed)


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(UserError) as error:
        get_spec("qqq")
    assert "did you mean" not in str(error.value)
    assert all(name in str(error.value) for name in known_models())


def test_a_family_is_a_model_whose_geometry_a_checkpoint_will_tell() -> None:
    spec = get_spec_or_family("smolvlm")
    assert (spec.name, spec.family.name) == ("smolvlm", "smolvlm")
    assert (spec.hub_id, spec.revision, spec.upstream_name) == (None, None, None)


@pytest.mark.parametrize("family", known_families())
def test_a_family_is_no_miniature_and_asks_for_a_checkpoint(family: str) -> None:
    spec = get_spec_or_family(family)
    assert not spec.is_miniature
    with pytest.raises(UserError, match=rf"harness export {family} --checkpoint DIR\|HUB_ID"):
        find_checkpoint(spec, None)


@pytest.mark.parametrize("family", known_families())
def test_a_family_alone_cannot_be_judged(family: str) -> None:
    with pytest.raises(UserError, match=rf"--model {family} --checkpoint DIR\|HUB_ID"):
        get_spec(family)


def test_a_checkpoint_is_judged_under_a_name_of_its_own() -> None:
    spec = get_spec("smolvlm.my_tune")
    assert (spec.name, spec.family.name, spec.is_own) == ("smolvlm.my_tune", "smolvlm", True)
    assert is_own_name(spec.name)
    assert not any(is_own_name(name) for name in (*known_models(), *known_families()))


@pytest.mark.parametrize(
    "name",
    [f"smolvlm.{own}" for own in ("", "My-Tune", "a.b", "a/b", "käse", "a" * 61)],
)
def test_a_name_of_ones_own_is_a_file_name_and_a_word(name: str) -> None:
    """It names a file of thresholds, and pytest ids are cut at dashes."""
    with pytest.raises(UserError, match=r"no name of a model of one.* for instance") as raised:
        get_spec(name)
    assert is_own_name(str(raised.value).split()[-1].rstrip("."))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("SmolVLM-256M Instruct", "smolvlm.smolvlm_256m_instruct_1a2b"),
        ("checkpoint-1000", "smolvlm.checkpoint_1000_1a2b"),
        ("käse", "smolvlm.kaese_1a2b"),
        ("ka\u0308se", "smolvlm.kaese_1a2b"),
        ("GRÖSSE-Straße", "smolvlm.groesse_strasse_1a2b"),
        ("café.v2", "smolvlm.cafe_v2_1a2b"),
        ("日本", "smolvlm.u65e5_u672c_1a2b"),
        ("中国", "smolvlm.u4e2d_u56fd_1a2b"),
        ("Ⅳ ﬁn", "smolvlm.iv_fin_1a2b"),
        ("👍", "smolvlm.1a2b"),
        ("ü" * 60, f"smolvlm.{'ue' * 20}_1a2b"),
        ("", "smolvlm.1a2b"),
    ],
)
def test_a_name_that_is_made_up_holds_letters_of_files_alone(label: str, name: str) -> None:
    assert own_name("smolvlm", label, "1a2b") == name
    assert is_own_name(name)


def test_small_is_what_is_exported_in_seconds() -> None:
    assert {name: spec.is_small for name, spec in known_models().items()} == {
        "smolvlm_256m": False,
        "smolvlm_500m": False,
        "internvl3_1b": False,
        "tiny_smolvlm": True,
        "tiny_internvl3": True,
    }


def test_a_model_is_not_taken_for_its_family() -> None:
    assert get_spec_or_family("internvl3_1b") is known_models()["internvl3_1b"]
