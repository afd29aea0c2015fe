"""Changes to bytes and to JSON, as broken disks, editors and strangers make them."""

from __future__ import annotations

import json
import re
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


_VALUE = re.compile(rb'"(?:[^"\\\n]|\\.)*"|-?\d[\w.:+-]*|\btrue\b|\bfalse\b|\bnull\b')
"""A text, a number, a date or a word, as JSON, TOML and a runner's log write them."""

_LITERALS = (
    *(b"nan", b"inf", b"-inf", b"NaN", b"Infinity", b"1e999", b"-1", b"0", b"-0.0", b"1e-320"),
    *(b"true", b"null", b"9" * 30, b"9" * 400, b"9" * 5000, b"[]", b"{}", b"[1, 2]", b"0x1F"),
    *(b'""', b'"."', b'"../.."', b'"/etc/passwd"', b'"/dev/zero"', b'"nan"', b'"3"', b"1979-05-27"),
    *(b"1979-05-27T07:32:00Z", b'"a\\u0000b"', b'"\\u001b[2J"', b'"\\ud800"', b'"~nobody_/x"'),
    *(b'"' + b"x" * 5000 + b'"', b"[" * 100_000, b'{"a":' * 50_000, b"[" * 12 + b"]" * 12),
    *("\u0663".encode(), "\u202e".encode(), b"\xff\xfe", b"\x00", b"\x1b]0;x\x07"),
)
"""What is written in place of a value; some are values of one format, some of none."""

_BREAKS = (b"\r\n", b"\r", b"\x0b", b"\x0c", b"\x85", "\u2028".encode(), b"\n\n", b"\x00\n")

_STRAY = (b"\xef\xbb\xbf", b"\x1b[2J\n", b"\x00" * 9, b"\xff\n")


def mutated_text(content: bytes, dice: Random) -> bytes:
    """A copy of what is written in lines: bytes, values or lines changed, or several of these."""
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        change = dice.choice(
            (mutated_bytes, _with_values, _with_values, _with_values, _with_lines, _with_lines)
        )
        content = change(content or b"\n", dice)
    return content


def _with_values(content: bytes, dice: Random) -> bytes:
    places = list(_VALUE.finditer(content))
    if not places:
        return mutated_bytes(content, dice)
    place = dice.choice(places)
    literal = dice.choice(_LITERALS) if dice.random() < 0.7 else dice.choice(places)[0]
    return content[: place.start()] + literal + content[place.end() :]


def _with_lines(content: bytes, dice: Random) -> bytes:
    lines = content.splitlines(keepends=True)
    first, second = sorted((dice.randrange(len(lines)), dice.randrange(len(lines))))
    match dice.randrange(7):
        case 0:
            del lines[first : second + 1]
        case 1:
            lines[second:second] = lines[first : second + 1]
        case 2:
            dice.shuffle(lines)
        case 3:
            lines[first] = lines[first][: dice.randrange(len(lines[first]))]
        case 4:
            lines = [line.rstrip(b"\n") + dice.choice(_BREAKS) for line in lines]
        case 5:
            cut = dice.randrange(len(lines[first]))
            lines[first] = lines[first][:cut] + lines[second] + lines[first][cut:]
        case _:
            lines.insert(first, dice.choice(_STRAY))
    return b"".join(lines)
