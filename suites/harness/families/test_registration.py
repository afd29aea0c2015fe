"""What a family lacks or registers wrongly is refused by name, and never taken from another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from harness.commands.main import main
from harness.errors import UserError
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec, known_models
from harness.vlm.spec import VlmSpec
from suites.harness.families.conftest import REFERENCE, TOY_PACKAGE, Site
from training.saving import build_model, load_tokenizer

NAME = "tiny_smolvlm"

TWIN = """
from dataclasses import replace
from toy_llava.vlm import TOY

MODELS = (replace(TOY, family=replace(TOY.family, name="twin")),)
"""


def spec_with(**parts: Any) -> VlmSpec:
    spec = get_spec(NAME)
    return replace(spec, family=replace(spec.family, **parts))


Refusal = Callable[..., str]
"""What a command says on standard error before it ends with 2, on one line."""


@pytest.fixture
def refusal(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Refusal]:
    """Refusals of commands in a process that knows the site and has looked at no family yet."""

    def refused(*words: str) -> str:
        assert main(words) == 2
        return " ".join(capsys.readouterr().err.split())

    monkeypatch.syspath_prepend(site.folder)
    known_models.cache_clear()
    yield refused
    known_models.cache_clear()


def export(spec: VlmSpec, root: Path) -> None:
    request = ExportRequest(spec, checkpoint_path(NAME), Recipe(), mode="kv")
    export_artifact(request, root, lambda component, stage: None)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_tokenizer(checkpoint_path(NAME))


@pytest.mark.parametrize("part", ["encoder", "key_layout"])
def test_a_family_without_a_part_is_not_exported(part: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"Family 'smolvlm' has no {part}, .* its VlmFamily"):
        export(spec_with(**{part: None}), tmp_path)
    assert not any((tmp_path / "components").glob("*"))


def test_a_family_without_a_miniature_is_not_trained(tokenizer: Tokenizer) -> None:
    with pytest.raises(UserError, match=r"Family 'smolvlm' has no miniature, .* its VlmFamily"):
        build_model(spec_with(miniature=None), tokenizer)


@pytest.mark.parametrize("reference", ["training.families.nobody:MINIATURE", "training:MINIATURE"])
def test_a_part_that_is_not_where_it_should_be_is_named(
    reference: str, tokenizer: Tokenizer
) -> None:
    with pytest.raises(UserError, match=rf"miniature of family 'smolvlm' .* {reference} \("):
        build_model(spec_with(miniature=reference), tokenizer)


@pytest.mark.parametrize(
    ("families", "sentence"),
    [
        (
            {"smolvlm": REFERENCE},
            "Family 'smolvlm' is registered twice, as harness.vlm.smolvlm:MODELS and as "
            f"{REFERENCE}; uninstall the package of one.",
        ),
        (
            {"toy": "toy_lava.vlm:MODELS"},
            "Family 'toy' cannot be had from toy_lava.vlm:MODELS (No module named 'toy_lava'); "
            "repair or uninstall the package that registers it.",
        ),
        (
            {"toy": REFERENCE},
            f"{REFERENCE} should hold the models of family 'toy', and holds those of toy_llava; "
            "repair or uninstall the package that registers it.",
        ),
        (
            {"toy": "toy_llava.vlm:FAMILY"},
            "Family 'toy' cannot be had from toy_llava.vlm:FAMILY ('VlmFamily' object is not "
            "iterable); repair or uninstall the package that registers it.",
        ),
    ],
)
def test_a_wrong_registration_is_refused_in_one_sentence(
    families: Mapping[str, str], sentence: str, refusal: Refusal, site: Site
) -> None:
    site.install("toy-llava", families, TOY_PACKAGE)
    assert refusal("export", "tiny_smolvlm").endswith(sentence)


def test_two_packages_with_one_model_are_refused(refusal: Refusal, site: Site) -> None:
    site.install("toy-llava", {"toy_llava": REFERENCE, "twin": "twin:MODELS"}, TOY_PACKAGE)
    (site.folder / "twin.py").write_text(TWIN)
    sentence = "Two families have a model 'llava_of_two_layers': toy_llava and twin"
    assert sentence in refusal("export", "tiny_smolvlm")


def test_a_family_from_outside_is_known_by_its_name(refusal: Refusal, site: Site) -> None:
    site.install("toy-llava", {"toy_llava": REFERENCE}, TOY_PACKAGE)
    assert "did you mean toy_llava?" in refusal("export", "toy_lava", "--checkpoint", "nowhere")
