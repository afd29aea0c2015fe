"""Errors that a user can cause and cure."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

Found = TypeVar("Found")


class UserError(Exception):
    """A mistake in what was asked for: shown as one sentence, exit code 2, never a traceback.

    The message states the fact, the number behind it and the next command to type (design §10).
    """


class SeveralErrors(UserError):
    """Mistakes that are told together, one a line.

    Attributes:
        sentences: At least two.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        lines = [f"{len(sentences)} things are wrong:", *(f"- {one}" for one in sentences)]
        super().__init__("\n".join(lines))
        self.sentences = tuple(sentences)


def sentences_of(error: UserError) -> tuple[str, ...]:
    """Each mistake that an error tells."""
    return error.sentences if isinstance(error, SeveralErrors) else (str(error),)


def as_one(sentences: Sequence[str]) -> UserError:
    """The error that tells all of at least one mistake."""
    return SeveralErrors(sentences) if len(sentences) > 1 else UserError(sentences[0])


class Findings:
    """Mistakes that are told together, in the order in which they were looked for."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._told)

    def note(self, check: Callable[[], Found]) -> Found | None:
        """What a check finds; or None, with its mistake among the others."""
        try:
            return check()
        except UserError as error:
            self.add(error)
            return None

    def add(self, error: UserError) -> None:
        """Keep what an error tells, each mistake once."""
        self._told |= dict.fromkeys(sentences_of(error))

    def tell(self) -> None:
        """End here if anything was found.

        Raises:
            UserError: With all mistakes, each once and on a line of its own.
        """
        if self._told:
            raise as_one(tuple(self._told))


def suggest(word: str, known: Iterable[str]) -> str:
    """Sentence part that helps after a mistyped word: the nearest known word and all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}known: {', '.join(names)}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence; of many the first ones and how many there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def check_installed(names: Sequence[str], purpose: str) -> None:
    """Say which packages that only some uses need are missing; imports none.

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


def require_packages(names: Sequence[str], purpose: str) -> None:
    """Say which packages that only some uses need are missing or broken, and import the others.

    Args:
        names: Top-level packages of the extra ``host``.
        purpose: What needs them; begins the sentence.

    Raises:
        UserError: If one of them is not installed, or cannot be imported.
    """
    check_installed(names, purpose)
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
