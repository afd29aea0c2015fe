"""All models and families by name."""

from __future__ import annotations

from dataclasses import replace

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
    """Look up a model that can be judged.

    Raises:
        UserError: If no model has that name; the message suggests the nearest one, or says how to
            make a model of a family.
    """
    if name in FAMILIES:
        raise UserError(
            f"Artifacts of a family ({name!r}) can be run but not judged; add a VlmSpec to "
            f"harness/vlm/{name}.py, see README."
        )
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


def get_spec_or_family(name: str) -> VlmSpec:
    """Look up a model, or a family as a model whose geometry a checkpoint will tell.

    Raises:
        UserError: If neither has that name; the message suggests the nearest one.
    """
    if name in FAMILIES:
        member = next(spec for spec in SPECS.values() if spec.family.name == name)
        return replace(
            member, name=name, upstream_name=None, hub_id=None, revision=None, is_miniature=False
        )
    if name not in SPECS:
        raise UserError(f"There is no model {name!r}; {suggest(name, [*SPECS, *FAMILIES])}.")
    return SPECS[name]
