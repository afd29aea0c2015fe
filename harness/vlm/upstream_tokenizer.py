"""Text to ids as upstream's C++ tokenizer makes them, where that differs from the model's own.

Imports without torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Engine
from tokenizers import normalizers

from harness.errors import UserError
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_nfc import normalize_as_upstream
from harness.vlm.upstream_stops import upstream_stop_ids


class UpstreamTokenizer(Tokenizer):
    """A ``tokenizer.json`` as upstream's runner reads it (contract §4.4).

    Added tokens are found in the text as it was typed, by their names alone, and have the ids that
    the file gives them, where ``tokenizers`` counts anew; each stretch between them is normalized
    by itself.

    Raises:
        UserError: If the file is unusable, also for upstream's tokenizer alone.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._normalize = _upstream_normalizer(self._engine.normalizer, path)
        content = json.loads(path.read_text(encoding="utf-8"))
        _check_pre_tokenizer(content.get("pre_tokenizer"), path)
        self._literals = _literals(content.get("added_tokens"), path)
        # Whatever normalization makes of a stretch, upstream finds no added token in it.
        words = {**content, "normalizer": None, "added_tokens": [], "post_processor": None}
        self._engine = Engine.from_str(json.dumps(words))
        self._engine.no_truncation()
        self._engine.no_padding()
        longest_first = sorted(self.added_tokens, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def encode(self, text: str, *, as_word: bool = False) -> list[int]:
        """Ids of one text piece, as :meth:`Tokenizer.encode`."""
        if as_word:
            return self._encode_words(text)
        ids, start = list[int](), 0
        for found in self._names.finditer(text):
            ids += self._encode_words(text[start : found.start()])
            ids.append(self.added_tokens[found.group()])
            start = found.end()
        return ids + self._encode_words(text[start:])

    def token_of(self, token_id: object) -> str | None:
        """The token of an id, an added one before a word that has the same."""
        added = self._literals.get(token_id) if type(token_id) is int else None
        return super().token_of(token_id) if added is None else added.decode()

    def stop_ids(self, family: VlmFamily) -> frozenset[int]:
        """Ids at which upstream ends an answer, one of them guessed (contract §4.3)."""
        return upstream_stop_ids(self, family)

    def failing_ids(self, rows: int) -> frozenset[int]:
        """Ids of a padded output head: upstream's tokenizer fails at them, which ends a turn."""
        return frozenset(number for number in range(rows) if self.token_of(number) is None)

    def _encode_words(self, text: str) -> list[int]:
        ids: list[int] = self._engine.encode(self._normalize(text), add_special_tokens=False).ids
        return ids


@lru_cache(maxsize=4)
def upstream_tokenizer(path: Path) -> UpstreamTokenizer:
    """The tokenizer of an artifact, which never changes, read once for all prompts.

    Raises:
        UserError: As ``UpstreamTokenizer`` does.
    """
    return UpstreamTokenizer(path)


def _upstream_normalizer(normalizer: Any, path: Path) -> Callable[[str], str]:
    if normalizer is None:
        return str
    if isinstance(normalizer, normalizers.NFC):
        return normalize_as_upstream
    if isinstance(normalizer, normalizers.Replace | normalizers.Prepend):
        return normalizer.normalize_str
    if isinstance(normalizer, normalizers.Sequence):
        within: Any = normalizer
        steps = [_upstream_normalizer(step, path) for step in within]
        if steps:
            return lambda text: _in_turn(steps, text)
    raise _not_loaded(path, f"the normalizer {type(normalizer).__name__}")


def _literals(entries: list[dict[str, Any]] | None, path: Path) -> dict[int, bytes]:
    """Added tokens by the id that the file has for them; upstream wants each of both once."""
    if entries is None:
        raise _not_loaded(path, "no added_tokens")
    literals = {entry["id"]: entry["content"].encode() for entry in entries}
    if not len(entries) == len(literals) == len({*literals.values()}):
        raise _not_loaded(path, "an added token twice, by its id or its name")
    return literals


def _check_pre_tokenizer(entry: Mapping[str, Any] | None, path: Path) -> None:
    """Refuse what cuts a text into words in a way that upstream does not know.

    Args:
        entry: The part of a ``tokenizer.json``; None where it has none.
        path: Of the file.
    """
    match entry:
        case None | {"type": "ByteLevel" | "Digits"}:
            return
        case {"type": "Split", "behavior": "Isolated" | "Removed" | "MergedWithPrevious"}:
            return
        case {"type": "Sequence", "pretokenizers": [_, *_] as steps}:
            for step in steps:
                _check_pre_tokenizer(step, path)
            return
    told = " ".join(filter(None, (entry["type"], entry.get("behavior"))))
    raise _not_loaded(path, f"the pre-tokenizer {told}")


def _not_loaded(path: Path, part: str) -> UserError:
    return UserError(
        f"{path} has {part}, which upstream's tokenizer does not load; run without "
        "--upstream_compat."
    )


def _in_turn(steps: list[Callable[[str], str]], text: str) -> str:
    for step in steps:
        text = step(text)
    return text
