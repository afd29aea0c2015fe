"""``--precision`` and recipe files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artifacts.manifest import COMPONENTS
from harness.errors import UserError
from harness.export.recipe import (
    DEFAULT_RECIPES,
    PRECISIONS,
    Recipe,
    check_built,
    load_recipe,
    parse_precision,
)

precisions = st.sampled_from(PRECISIONS)
recipes = st.builds(
    Recipe, vision_encoder=precisions, token_embedding=precisions, text_decoder=precisions
)


@given(recipes)
def test_a_label_typed_as_precision_gives_the_recipe_back(recipe: Recipe) -> None:
    assert parse_precision(recipe.label, Recipe()) == recipe


@given(recipes, st.sampled_from(COMPONENTS), precisions)
def test_one_component_is_changed_and_the_others_kept(
    base: Recipe, component: str, precision: str
) -> None:
    changed = parse_precision(f"{component}={precision}", base)
    assert changed == base.model_copy(update={component: precision})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8da4", "did you mean 8da4w"),
        ("decoder=fp32", "did you mean text_decoder"),
        ("text_decoder=8da4w,fp32", "where component=precision is due"),
    ],
)
def test_a_mistyped_precision_suggests_the_right_one(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_precision(text, Recipe())


def test_a_recipe_file_names_components(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('text_decoder = "8da4w"\n')
    assert load_recipe(path) == Recipe(text_decoder="8da4w")


@pytest.mark.parametrize("content", [None, "text_decoder = ", 'head = "fp32"\n'])
def test_a_bad_recipe_file_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError):
        load_recipe(path)


@pytest.mark.parametrize("target", ["emulator", "phone"])
def test_what_is_not_built_says_so(target: str) -> None:
    with pytest.raises(UserError, match="not built"):
        check_built(Recipe(), target)  # type: ignore[arg-type]  # any word may be typed
    with pytest.raises(UserError, match="not built"):
        check_built(Recipe(text_decoder="16a8w"), "host")


@pytest.mark.parametrize(
    ("word", "table"),
    [("16a8w", "16w"), ("16a4w_block", "16w"), ("fp16", "fp16"), ("fp32", "fp32")],
)
def test_one_word_includes_the_table_that_goes_with_it(word: str, table: str) -> None:
    """Activations are no matter of a table, so its precision has words of its own."""
    recipe = parse_precision(word, DEFAULT_RECIPES["emulator"])
    assert recipe.label == word
    assert recipe.token_embedding == table
