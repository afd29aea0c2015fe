"""Changes to bytes and to JSON, as broken disks, editors and strangers make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_BYTES = (0, 1, 0x7F, 0x80, 0xFF)

HOSTILE: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 10**9, 2**63, 1e308, "", ".", "..", [], {}),
    *("../secret/x", "/etc/passwd", "a\0b", "\x1b[2J", "\u202e", "x" * 5000, "256", "kv", "nan"),
)
"""Values in place of others."""

_TEXTS = ("[" * 200_000, '{"a":' * 100_000, "NaN", "1e999", "9" * 5000, '"\\ud800"', "\x00", "")


def mutated_bytes(content: bytes, dice: Random, first: int = 0, last: int | None = None) -> bytes:
    """A copy with a few bytes changed, cut out, doubled or inserted, or without its end.

    Args:
        content: What is copied.
        dice: Decides.
        first: From here on it is changed.
        last: Before this; None for the end.
    """
    data = bytearray(content)
    end = min(last or len(data), len(data))
    for _ in range(dice.choice((1, 1, 2, 4, 16, 64))):
        at = dice.randrange(first, max(end, first + 1))
        if at < len(data):
            data[at] = dice.choice((dice.randrange(256), *_BYTES))
    if dice.random() < 0.2:
        at, length = dice.randrange(len(data)), dice.randrange(1, 64)
        if dice.random() < 0.5:
            del data[at : at + length]
        else:
            data[at:at] = data[at : at + length]
    if dice.random() < 0.1:
        del data[dice.randrange(len(data)) :]
    return bytes(data)


def mutated_json(document: Any, dice: Random) -> str:
    """The text of a document with values replaced, names lost, renamed or doubled, or damaged."""
    copy = json.loads(json.dumps(document))
    for _ in range(dice.choice((1, 1, 2, 3))):
        dice.choice(_CHANGES)(copy, dice)
    text = json.dumps(copy)
    if dice.random() < 0.2:
        at = dice.randrange(len(text))
        text = text[:at] + dice.choice(_TEXTS) + text[at + dice.randrange(2) :]
    if dice.random() < 0.1:
        text = text.replace('": ', f'": 0, "{dice.choice(list(document))}": ', 1)
    return text


def _somewhere(document: Any, dice: Random) -> tuple[Any, Any]:
    """A container and a key of it."""
    while True:
        keys: Sequence[Any] = list(document) if isinstance(document, dict) else range(len(document))
        key = dice.choice(keys)
        inner = document[key]
        if not isinstance(inner, dict | list) or not inner or dice.random() < 0.2:
            return document, key
        document = inner


def _replace(document: Any, dice: Random) -> None:
    container, key = _somewhere(document, dice)
    container[key] = dice.choice(HOSTILE)


def _remove(document: Any, dice: Random) -> None:
    container, key = _somewhere(document, dice)
    if len(document) > 1:
        del container[key]


def _rename(document: Any, dice: Random) -> None:
    container, key = _somewhere(document, dice)
    if isinstance(container, dict):
        container[str(dice.choice(HOSTILE))] = container.pop(key)


_CHANGES: tuple[Callable[[Any, Random], None], ...] = (_replace, _replace, _remove, _rename)
