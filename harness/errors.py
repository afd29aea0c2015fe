"""Errors that a user can cause and cure."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what was asked for: shown as one sentence, exit code 2, never a traceback.

    The message states the fact, the number behind it and the next command to type (design §10).
    """


def suggest(word: str, known: Iterable[str]) -> str:
    """Sentence part that helps after a mistyped word: the nearest known word and all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}known: {', '.join(names)}"


def require_packages(names: Sequence[str], purpose: str) -> None:
    """Say which packages that only some uses need are missing or broken, and import the others.

    Args:
        names: Top-level packages of the extra ``host``.
        purpose: What needs them; begins the sentence.

    Raises:
        UserError: If one of them is not installed, or cannot be imported.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"{purpose} needs {', '.join(missing)}; install it with: pip install 'snapgate[host]'"
        )
    for name in names:
        try:
            importlib.import_module(name)
        # Libraries that are missing, of another CPU or of another package's version: each import
        # runs what the package likes, and raises what that raises.
        except Exception as error:
            raise UserError(
                f"{purpose} needs {name}, which is installed and cannot be imported "
                f"({type(error).__name__}: {error}); look at: python -m harness doctor"
            ) from error
