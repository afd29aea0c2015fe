"""JSON that somebody else wrote, within limits: what two readers could take for two things is none.

Imports nothing of ours.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

MOST_BYTES = 64 << 20
"""Of a file; the largest that checkpoints hold, an index of weights, have a few MB."""

_MOST_DIGITS = 40
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str) -> Any:
    """Parse a document.

    Raises:
        ValueError: If it is none, is nested deeper than a program's stack, or holds a name twice,
            a number that is none, or half a character.
    """
    try:
        content = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_no_number
        )
        if _SURROGATE.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return content


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """Read a file of UTF-8, with or without a byte order mark.

    Raises:
        ValueError: As :func:`parse_json`, or if the file is no regular one or too large.
        OSError: If it cannot be read.
    """
    return parse_json(read_bounded(path, most_bytes).decode("utf-8-sig"))


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """A file's bytes.

    Raises:
        ValueError: If it is no regular file, which may never end, or has more bytes.
        OSError: If it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes >> 20} MiB")
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it holds {twice!r} twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
