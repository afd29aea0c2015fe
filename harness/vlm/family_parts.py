"""Parts of a family that other rooms implement, loaded when needed.

A missing one is refused by name: no family ever gets another's.
"""

from __future__ import annotations

import pkgutil
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from harness.errors import UserError
from harness.vlm.spec import KeyLayout, VlmFamily

Part = Literal["key_layout", "encoder", "miniature"]

_NEEDED_TO: dict[Part, str] = {
    "key_layout": "read a checkpoint",
    "encoder": "export",
    "miniature": "train one",
}


def key_layout(family: VlmFamily) -> KeyLayout:
    """Which stored weight belongs to which component.

    Raises:
        UserError: If the family does not say.
    """
    if family.key_layout is None:
        raise _missing(family, "key_layout")
    return family.key_layout


def reference_of(family: VlmFamily, part: Literal["encoder", "miniature"]) -> str:
    """Where a part is implemented, as ``module:attribute``.

    Raises:
        UserError: If the family does not have it.
    """
    reference: str | None = getattr(family, part)
    if reference is None:
        raise _missing(family, part)
    return reference


def load_part(family: VlmFamily, part: Literal["encoder", "miniature"]) -> Any:
    """Import a part; see ``VlmFamily`` for what it is.

    Raises:
        UserError: If the family does not have it, or names it wrongly.
    """
    reference = reference_of(family, part)
    try:
        return pkgutil.resolve_name(reference)
    except (ImportError, AttributeError) as error:
        raise _not_found(family, part, str(error)) from error


def package_folders(family: VlmFamily, part: Literal["encoder", "miniature"]) -> tuple[Path, ...]:
    """Where the top-level package of a part is, found without importing it.

    Raises:
        UserError: If the family does not have the part, or it lies in no package.
    """
    package = re.split(r"[.:]", reference_of(family, part))[0]
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise _not_found(family, part, f"there is no package {package!r}")
    return tuple(map(Path, found.submodule_search_locations))


def _not_found(family: VlmFamily, part: Part, reason: str) -> UserError:
    return UserError(
        f"The {part} of family {family.name!r} cannot be had from {getattr(family, part)} "
        f"({reason}); correct {part} in its VlmFamily."
    )


def _missing(family: VlmFamily, part: Part) -> UserError:
    return UserError(
        f"Family {family.name!r} has no {part}, which it takes to {_NEEDED_TO[part]}; add {part} "
        "to its VlmFamily, as harness/vlm/smolvlm.py does."
    )
