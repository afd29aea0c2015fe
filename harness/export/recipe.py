"""Which precision each component gets. Imports without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from harness.artifacts.manifest import precision_label, table_precision
from harness.backends.decoder_recipe import DecoderRecipe, rotates_by_default
from harness.backends.qnn.recipe import HtpRecipe
from harness.backends.weight_recipe import WeightRecipe
from harness.errors import UserError, suggest
from harness.targets.target import TargetSpec
from harness.toml_file import BadToml, parse, read_text
from harness.vocabulary import (
    CALIBRATED,
    COMPONENTS,
    FLOATS,
    FOUR_BIT_WEIGHTS,
    PRECISIONS,
    Component,
    Precision,
)

_DETAILS: Mapping[str, type[BaseModel]] = {
    "htp": HtpRecipe,
    "weights": WeightRecipe,
    "decoder": DecoderRecipe,
}
"""Tables of a recipe file."""


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """Precision per component, and the details of HTP graphs.

    ``8da4w`` means int8 activations quantized at run time and int4 weights in groups of 32 for
    linears, int8 for the one that makes logits; ``8da8w`` int8 weights, one scale per output. For
    the token embedding, which has no activations, both mean an int8 table, whose rows are those of
    an int8 layer of logits tied to it unless hidden states are turned.
    """

    vision_encoder: Precision = "fp32"
    token_embedding: Precision = "fp32"
    text_decoder: Precision = "fp32"
    htp: HtpRecipe = HtpRecipe()
    weights: WeightRecipe = WeightRecipe()
    decoder: DecoderRecipe = DecoderRecipe()

    def precision(self, component: Component) -> Precision:
        """Precision of one component."""
        return cast(Precision, getattr(self, component))

    @property
    def label(self) -> str:
        """What reports call the recipe; see ``precision_label``."""
        precisions = {name: self.precision(name) for name in COMPONENTS}
        return precision_label(precisions, self.htp, self.weights, self.decoder)

    @property
    def four_bit_weights(self) -> frozenset[Component]:
        """Components of which some weights have 4 bits, so that ``weights`` is about them."""
        overridden = {one.component for one in self.htp.overrides if one.has_four_bits}
        # A table has no layers, whatever its precision is called.
        layered = {name for name in COMPONENTS if name != "token_embedding"}
        own = {name for name in layered if self.precision(name) in FOUR_BIT_WEIGHTS}
        return frozenset(own | overridden)

    @property
    def quantizes_decoder(self) -> bool:
        """Whether the text decoder has codes for numbers, so that ``decoder`` is about it."""
        return self.text_decoder not in FLOATS

    @property
    def rotates_hidden(self) -> bool:
        """Whether the text decoder's hidden states are turned."""
        told = self.decoder.rotate_hidden
        by_default = rotates_by_default(self.text_decoder, self.htp)
        return self.quantizes_decoder and (by_default if told is None else told)

    @property
    def resolved(self) -> Recipe:
        """The same with details of the decoder as they come out; nothing is told of a float one."""
        rotates = self.rotates_hidden if self.quantizes_decoder else None
        return self.model_copy(update={"decoder": DecoderRecipe(rotate_hidden=rotates)})

    @property
    def takes_samples(self) -> bool:
        """Whether an export makes use of calibration samples."""
        return self.weighs_weights or self.fixes_ranges

    @property
    def fixes_ranges(self) -> bool:
        """Whether ranges of activations are fixed at export, which takes samples with pictures."""
        return any(self.precision(name) in CALIBRATED for name in COMPONENTS)

    @property
    def weighs_weights(self) -> bool:
        """Whether what the text decoder reads decides its weights.

        Where nobody gives samples, it reads a text that comes with the exporter.
        """
        return self.weights.reads_samples and "text_decoder" in self.four_bit_weights


def default_recipe(target: TargetSpec) -> Recipe:
    """What is exported where nobody names a precision."""
    return Recipe.model_validate(target.backend.recipe)


def further_recipes(target: TargetSpec) -> tuple[Recipe, ...]:
    """What a session exports besides where nobody names a precision."""
    further = target.backend.further_recipe if target.is_quick else None
    return () if further is None else (Recipe.model_validate(further),)


def parse_precision(text: str | None, base: Recipe) -> Recipe:
    """Apply ``--precision`` to a base recipe.

    Args:
        text: One precision for the text decoder and vision encoder and, see ``table_precision``,
            the token embedding; or ``component=precision`` pairs separated by commas; None keeps
            the base.
        base: What applies where the text says nothing.

    Raises:
        UserError: If a component or precision does not exist.
    """
    if text is None:
        return base
    words = [word.strip() for word in text.split(",") if word.strip()]
    if len(words) == 1 and "=" not in words[0]:
        precision = _known(words[0])
        return base.model_copy(
            update={
                "vision_encoder": precision,
                "token_embedding": table_precision(precision),
                "text_decoder": precision,
            }
        )
    return _from_pairs(dict(_pair(word) for word in words), base)


def load_recipe(path: Path, base: Recipe | None = None) -> Recipe:
    """Read a recipe file: TOML with one key per component, and tables of details.

    Args:
        path: The file.
        base: What applies where the file says nothing; fp32 throughout if None.

    Raises:
        UserError: If the file is missing, unreadable, not TOML, or names what does not exist.
    """
    try:
        table = parse(read_text(path))
    except FileNotFoundError as error:
        raise UserError(f"Recipe {path} does not exist; check --recipe.") from error
    except (BadToml, UnicodeDecodeError) as error:
        raise UserError(
            f"Recipe {path} is not TOML ({error}); correct it as docs/htp.md shows."
        ) from error
    except OSError as error:
        raise UserError(
            f"Recipe {path} cannot be read ({error.strerror}); give --recipe a TOML file."
        ) from error
    details = {name: table.pop(name) for name in _DETAILS if name in table}
    try:
        recipe = _from_pairs(table, base or Recipe())
    except UserError as error:
        raise UserError(f"Recipe {path}: {error}") from error
    read = {name: _read_details(path, name, details.get(name, {})) for name in _DETAILS}
    return recipe.model_copy(update=read)


def _read_details(path: Path, name: str, details: object) -> BaseModel:
    """One table of a recipe file."""
    try:
        # Lists are tuples to JSON, and a text or a yes is no number.
        return _DETAILS[name].model_validate_json(json.dumps(details, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, (name, *first["loc"])))
        raise UserError(
            f"Recipe {path} is wrong about {place} ({first['msg']}); correct it."
        ) from error


def check_precisions(recipe: Recipe, target: TargetSpec) -> None:
    """Refuse what the target cannot run.

    Raises:
        UserError: If a component has such a precision, or details are for other graphs.
    """
    fault = recipe_fault(recipe, target)
    if fault is not None:
        raise UserError(fault)


def recipe_fault(recipe: Recipe, target: TargetSpec) -> str | None:
    """Why a target cannot run what a recipe makes, in a sentence; None if it can."""
    for component in COMPONENTS:
        precision, known = recipe.precision(component), target.backend.precisions[component]
        if precision not in known:
            return (
                f"{component} cannot have precision {precision!r} on target {target.name!r}; "
                f"choose one of: {', '.join(known)}."
            )
    if not target.backend.is_htp and recipe.htp != HtpRecipe():
        return f"[htp] of the recipe is for HTP graphs; leave it out for target {target.name!r}."
    return None


def _pair(word: str) -> tuple[str, str]:
    component, equals, precision = word.partition("=")
    if not equals:
        raise UserError(
            f"--precision has {word!r} where component=precision is due, "
            "e.g. --precision vision_encoder=fp32,text_decoder=8da4w."
        )
    return component, precision


def _from_pairs(pairs: Mapping[str, Any], base: Recipe) -> Recipe:
    for component in pairs:
        if component not in COMPONENTS:
            raise UserError(
                f"There is no component {component!r}; {suggest(component, COMPONENTS)}."
            )
    return base.model_copy(
        update={component: _known(str(precision)) for component, precision in pairs.items()}
    )


def _known(precision: str) -> Precision:
    if precision not in PRECISIONS:
        raise UserError(f"There is no precision {precision!r}; {suggest(precision, PRECISIONS)}.")
    return precision
