"""All models and families by name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from harness.errors import UserError
from harness.vlm import internvl3, smolvlm
from harness.vlm.spec import VlmFamily, VlmSpec

SPECS: dict[str, VlmSpec] = {
    spec.name: spec
    for spec in (
        smolvlm.SMOLVLM_500M,
        internvl3.INTERNVL3_1B,
        smolvlm.TINY_SMOLVLM,
        internvl3.TINY_INTERNVL3,
    )
}

FAMILIES: dict[str, VlmFamily] = {
    family.name: family for family in (smolvlm.FAMILY, internvl3.FAMILY)
}


def suggest(word: str, known: Iterable[str]) -> str:
    """Sentence part that helps after a mistyped word: the nearest known word and all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}known: {', '.join(names)}"


def get_spec(name: str) -> VlmSpec:
    """Look up a model.

    Raises:
        UserError: If no model has that name; the message suggests the nearest one.
    """
    if name not in SPECS:
        raise UserError(f"There is no model {name!r}; {suggest(name, SPECS)}.")
    return SPECS[name]


def get_family(name: str) -> VlmFamily:
    """Look up a family by its runner version (``--decoder_model_version``).

    Raises:
        UserError: If no family has that name; the message suggests the nearest one.
    """
    if name not in FAMILIES:
        raise UserError(f"There is no model family {name!r}; {suggest(name, FAMILIES)}.")
    return FAMILIES[name]
