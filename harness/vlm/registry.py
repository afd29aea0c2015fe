"""All models and families by name."""

from __future__ import annotations

from harness.errors import UserError, suggest
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
