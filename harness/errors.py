"""Errors that a user can cause and cure."""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what was asked for: shown as one sentence, exit code 2, never a traceback.

    The message states the fact, the number behind it and the next command to type (design.md §10).
    """
