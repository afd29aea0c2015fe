"""Answers that a session already has, each asked once, more of them where a verdict is open."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from harness.judging.interview import Answers
from harness.judging.questions import PictureQuestion
from harness.judging.session_cache import SessionCache

Key = TypeVar("Key", bound=Hashable)


class AnswerBook(Generic[Key]):
    """Answers by who was asked and about what; what failed fails again at once."""

    def __init__(self) -> None:
        self._known: dict[Key, Answers] = {}
        self._asked = SessionCache[tuple[Key, int], Answers]()

    def get(
        self,
        key: Key,
        questions: Sequence[PictureQuestion],
        put: Callable[[Sequence[PictureQuestion]], Answers],
    ) -> Answers:
        """Answers to all questions, of which only those are put that nobody has put yet.

        Args:
            key: Who is asked, and about what.
            questions: Longer lists of one key begin with the shorter ones.
            put: Asks.

        Raises:
            UserError: As ``put`` did the first time; likewise ``RunFailure``, ``ExportFailed``.
        """
        known = self._known.get(key)
        have = len(known.items) if known else 0
        if known is None or have < len(questions):
            more = self._asked.get((key, len(questions)), lambda: put(questions[have:]))
            known = replace(more, items=(*(known.items if known else ()), *more.items))
            self._known[key] = known
        return known.first(len(questions))
