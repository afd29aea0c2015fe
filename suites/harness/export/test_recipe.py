"""``--precision`` and recipe files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.decoder_recipe import DecoderRecipe
from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
from harness.backends.weight_recipe import WeightRecipe
from harness.errors import UserError
from harness.export.recipe import (
    PRECISIONS,
    Recipe,
    check_precisions,
    default_recipe,
    load_recipe,
    parse_precision,
)
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.targets.phone import PHONE
from harness.targets.registry import targets
from harness.targets.target import TargetSpec
from harness.vocabulary import COMPONENTS

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
    assert load_recipe(path, Recipe()) == Recipe(text_decoder="8da4w")


@pytest.mark.parametrize("content", [None, "text_decoder = ", 'head = "fp32"\n'])
def test_a_bad_recipe_file_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError):
        load_recipe(path, Recipe())


@pytest.mark.parametrize("target", [EMULATOR, PHONE], ids=lambda target: target.name)
def test_a_float32_decoder_cannot_run_on_the_htp(target: TargetSpec) -> None:
    with pytest.raises(UserError, match="text_decoder cannot have precision 'fp32'"):
        check_precisions(
            Recipe(vision_encoder="fp16", token_embedding="16w", text_decoder="fp32"), target
        )


def test_the_host_has_no_fixed_point_graphs() -> None:
    with pytest.raises(UserError, match="choose one of: fp32, 8da4w"):
        check_precisions(Recipe(text_decoder="16a8w"), HOST)


@pytest.mark.parametrize("target", targets().values(), ids=targets())
def test_every_target_can_run_its_default_recipe(target: TargetSpec) -> None:
    check_precisions(default_recipe(target), target)


def test_details_of_htp_graphs_come_from_the_recipe_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        'text_decoder = "16a4w_block"\n'
        "[htp]\nkv_bits = 8\nblock_size = 16\n"
        '[[htp.overrides]]\ncomponent = "text_decoder"\npattern = "lm_head"\nscheme = "16a8w"\n'
    )
    recipe = load_recipe(path, default_recipe(EMULATOR))
    assert recipe.vision_encoder == "16a8w"
    assert (recipe.htp.kv_bits, recipe.htp.block_size) == (8, 16)
    assert recipe.htp.overrides_of("text_decoder")[0].scheme == "16a8w"
    assert recipe.htp.overrides_of("vision_encoder") == ()


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("kv_bits = 12", "htp.kv_bits"),
        ("block = 32", "htp.block"),
        ("decode_kv_headroom = 0.5", "htp.decode_kv_headroom"),
        ("[weights]\nhead_bits = 5", "weights.head_bits"),
        ('[weights]\nrounding = "gptq"', "weights.rounding"),
        ("[weights]\nbits = 4", "weights.bits"),
        ("[decoder]\nrotate_hidden = 1", "decoder.rotate_hidden"),
        (
            '[[htp.overrides]]\ncomponent = "text_decoder"\npattern = "("\nscheme = "16a8w"',
            "htp.overrides.0.pattern",
        ),
    ],
)
def test_wrong_details_are_named(tmp_path: Path, table: str, place: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f"[htp]\n{table}\n")
    with pytest.raises(UserError, match=place):
        load_recipe(path, default_recipe(EMULATOR))


def test_htp_details_mean_nothing_on_the_host(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[htp]\nkv_bits = 8\n")
    with pytest.raises(UserError, match="leave it out for target 'host'"):
        check_precisions(load_recipe(path, Recipe()), HOST)


@pytest.mark.parametrize(
    ("word", "table"),
    [("16a8w", "16w"), ("16a4w_block", "16w"), ("fp16", "fp16"), ("fp32", "fp32")],
)
def test_one_word_includes_the_table_that_goes_with_it(word: str, table: str) -> None:
    """Activations are no matter of a table, so its precision has words of its own."""
    recipe = parse_precision(word, default_recipe(EMULATOR))
    assert recipe.label == word
    assert recipe.token_embedding == table


def test_details_are_part_of_the_name_that_gates_go_by() -> None:
    plain = default_recipe(EMULATOR)
    override = LayerOverride(component="text_decoder", pattern="lm_head", scheme="16a4w")
    labels = {
        plain.model_copy(update={"htp": htp}).label
        for htp in (
            HtpRecipe(),
            HtpRecipe(kv_bits=8),
            HtpRecipe(kv_bits=8, block_size=16),
            HtpRecipe(overrides=(override,)),
            HtpRecipe(overrides=(override, override)),
        )
    }
    assert {"16a8w", "16a8w[kv_bits=8]", "16a8w[kv_bits=8,block_size=16]"} < labels
    assert len(labels) == 5
    learned = Recipe(text_decoder="8da4w", weights=WeightRecipe(rounding="learned"))
    assert learned.label == "text_decoder=8da4w[rounding=learned]"
    as_upstream = plain.model_copy(update={"decoder": DecoderRecipe(rotate_hidden=False)})
    assert as_upstream.label == "16a8w[rotate_hidden=False]"


@pytest.mark.parametrize(
    ("recipe", "rotates"),
    [
        (Recipe(), False),
        (Recipe(decoder=DecoderRecipe(rotate_hidden=True)), False),
        (Recipe(text_decoder="8da8w"), True),
        (Recipe(text_decoder="8da4w"), False),
        (Recipe(text_decoder="8da4w", decoder=DecoderRecipe(rotate_hidden=True)), True),
        (Recipe(text_decoder="16a8w", decoder=DecoderRecipe(rotate_hidden=False)), False),
        (
            Recipe(
                text_decoder="16a8w",
                htp=HtpRecipe(
                    overrides=(
                        LayerOverride(component="text_decoder", pattern="mlp", scheme="16a4w"),
                    )
                ),
            ),
            False,
        ),
    ],
)
def test_hidden_states_are_turned_where_all_weights_have_8_bits(
    recipe: Recipe, rotates: bool
) -> None:
    assert recipe.rotates_hidden == rotates


def test_details_of_a_decoder_come_from_the_recipe_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('text_decoder = "8da8w"\n[decoder]\nrotate_hidden = false\n')
    assert load_recipe(path).decoder == DecoderRecipe(rotate_hidden=False)


def test_details_of_4_bit_weights_come_from_the_recipe_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('text_decoder = "8da4w"\n[weights]\nrounding = "learned"\nhead_bits = 4\n')
    recipe = load_recipe(path)
    assert recipe.weights == WeightRecipe(rounding="learned", head_bits=4)
    assert recipe.takes_samples
    assert not recipe.fixes_ranges
