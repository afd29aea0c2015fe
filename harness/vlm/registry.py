"""All models and families by name: those of the package, and those that others install.

A package adds a family by an entry point in the group ``snapgate.families``, named like the family,
whose object is the sequence of the family's models::

    [project.entry-points."snapgate.families"]
    llava = "llava_for_snapgate.vlm:MODELS"

Entry points rather than calls register it, so that every process of a session knows it.
"""

from __future__ import annotations

import functools
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata

from harness.errors import UserError, suggest
from harness.vlm.spec import VlmFamily, VlmSpec
from harness.vlm.transliteration import transliterated

ENTRY_POINTS = "snapgate.families"

_BUILT_IN = {"smolvlm": "harness.vlm.smolvlm:MODELS", "internvl3": "harness.vlm.internvl3:MODELS"}


_LONGEST = 60
_LONGEST_LABEL = 40
"""Of a name that nobody chose: its digest stays whole behind it."""
_OWN_NAME = re.compile(rf"(?P<family>[^.]+)\.(?P<own>[a-z0-9_]{{1,{_LONGEST}}})")
"""Of a checkpoint that somebody judges as a model of its own. No registered name has a dot; names
of files and parts of pytest ids may have one."""


def get_spec(name: str) -> VlmSpec:
    """Look up a model that can be judged.

    Args:
        name: A registered model, or ``FAMILY.NAME`` for a checkpoint of one's own.

    Raises:
        UserError: If no model has that name; the message suggests the nearest one, or says how to
            make a model of a family.
    """
    if name in known_families():
        raise UserError(
            f"{name!r} is a family, and what is judged is one model; name its weights with "
            f"--model {name} --checkpoint DIR|HUB_ID."
        )
    return get_spec_or_family(name)


def get_family(name: str) -> VlmFamily:
    """Look up a family by its runner version (``--decoder_model_version``).

    Raises:
        UserError: If no family has that name; the message suggests the nearest one.
    """
    families = known_families()
    if name not in families:
        raise UserError(f"There is no model family {name!r}; {suggest(name, families)}.")
    return families[name]


def get_spec_or_family(name: str) -> VlmSpec:
    """Look up a model, or a family as a model whose geometry a checkpoint will tell.

    Raises:
        UserError: If neither has that name, or a name of one's own is none; the message suggests
            the nearest one.
    """
    models, families = known_models(), known_families()
    family, dot, own = name.partition(".")
    if dot and family in families and not is_own_name(name):
        raise UserError(
            f"{name!r} is no name of a model of one's own; give {family}.NAME with at most "
            f"{_LONGEST} of a-z, 0-9 and _, for instance {own_name(family, own)}."
        )
    if family in families:
        member = next(spec for spec in models.values() if spec.family.name == family)
        return replace(
            member,
            name=name,
            upstream_name=None,
            hub_id=None,
            revision=None,
            is_miniature=False,
            is_own=True,
        )
    if name not in models:
        raise UserError(f"There is no model {name!r}; {suggest(name, [*models, *families])}.")
    return models[name]


def own_name(family: str, label: str, digest: str = "") -> str:
    """Name for a checkpoint of a family.

    Args:
        family: Its name.
        label: May hold anything, in any script and of any length.
        digest: What tells the checkpoint from others with the same label; kept whole.
    """
    label = transliterated(label)[:_LONGEST_LABEL].strip("_")
    return f"{family}.{'_'.join(filter(None, (label, digest))) or 'checkpoint'}"


def is_own_name(name: str) -> bool:
    """Whether a name is one that somebody gave to a checkpoint of a family."""
    match = _OWN_NAME.fullmatch(name)
    return match is not None and match["family"] in known_families()


def known_families() -> Mapping[str, VlmFamily]:
    """All families by name."""
    return {spec.family.name: spec.family for spec in known_models().values()}


def known_miniatures() -> tuple[VlmSpec, ...]:
    """The models whose checkpoints come with the package."""
    return tuple(spec for spec in known_models().values() if spec.is_miniature)


@functools.cache
def known_models() -> Mapping[str, VlmSpec]:
    """All models by name, looked for once per process.

    Raises:
        UserError: If a family from outside cannot be had as it was registered.
    """
    found: dict[str, VlmSpec] = {}
    for family, reference in _registrations().items():
        for spec in _read_models(family, reference):
            if spec.name in found:
                raise UserError(
                    f"Two families have a model {spec.name!r}: {found[spec.name].family.name} and "
                    f"{family} ({reference}); uninstall the package of one."
                )
            found[spec.name] = spec
    return found


def _registrations() -> dict[str, str]:
    """Where the models of each family are, as ``module:attribute``."""
    found = dict(_BUILT_IN)
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name in found:
            raise UserError(
                f"Family {entry.name!r} is registered twice, as {found[entry.name]} and as "
                f"{entry.value}; uninstall the package of one."
            )
        found[entry.name] = entry.value
    return found


def _read_models(family: str, reference: str) -> tuple[VlmSpec, ...]:
    try:
        models = tuple(pkgutil.resolve_name(reference))
    except (ImportError, AttributeError, TypeError) as error:
        raise UserError(
            f"Family {family!r} cannot be had from {reference} ({error}); repair or uninstall the "
            "package that registers it."
        ) from error
    families = {spec.family.name for spec in models if isinstance(spec, VlmSpec)}
    if families != {family}:
        raise UserError(
            f"{reference} should hold the models of family {family!r}, and holds those of "
            f"{', '.join(sorted(families)) or 'none'}; repair or uninstall the package that "
            "registers it."
        )
    return models
