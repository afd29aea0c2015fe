"""Packages that only some uses need; ``pyproject.toml`` names them as the extra ``host``."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from harness.errors import UserError


def require_packages(names: Sequence[str], purpose: str) -> None:
    """Say what is missing before an import of it fails.

    Args:
        names: Top-level packages of the extra ``host``.
        purpose: What needs them; begins the sentence.

    Raises:
        UserError: If one of them is not installed.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{purpose} needs {', '.join(missing)}; install it with: pip install 'snapgate[host]'"
        )
