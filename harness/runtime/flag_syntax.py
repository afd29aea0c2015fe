"""How flags are typed and shown: a command line to ``Flags``, and ``--help``.

They are written as gflags writes them: ``--flag value``, ``--flag=value``, ``-flag value``,
``--switch``, ``--noswitch``, ``--switch=false``; hyphens may stand for underscores, the last of
several values counts, and a value may begin with a dash.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from harness.errors import UserError, suggest
from harness.runtime.flags import Flags

_USAGE = """\
python -m harness.runtime --artifact DIR --image photo.jpg --prompt "What is this?"
python -m harness.runtime --encoder_path E.pte --tok_embedding_path T.pte --decoder_path D.pte \\
    --tokenizer_path tokenizer.json --decoder_model_version smolvlm --eval_mode 1 \\
    --image_path list.txt --prompt "What is this?"
"""

_FIELDS: dict[str, FieldInfo] = {
    info.alias or name: info for name, info in Flags.model_fields.items()
}
_SWITCHES = frozenset(name for name, info in _FIELDS.items() if info.annotation is bool)
_REPEATABLE = frozenset(
    name for name, info in _FIELDS.items() if get_origin(info.annotation) is tuple
)


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Read a command line.

    Raises:
        UserError: If a flag is unknown, lacks its value or has one that it cannot take.
    """
    try:
        return Flags.model_validate(read_words(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"--{first['loc'][0]} cannot be {first['input']!r} ({first['msg']}); see --help."
        ) from error


def read_words(arguments: Sequence[str]) -> dict[str, Any]:
    """The values of a command line by flag, as they were typed; a list of what may be repeated.

    Raises:
        UserError: If a flag is unknown or lacks its value.
    """
    values: dict[str, Any] = {}
    words = iter(arguments)
    for word in words:
        name, value = _read_flag(word, words)
        if name in _REPEATABLE:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _read_flag(word: str, rest: Iterator[str]) -> tuple[str, str]:
    """Name and value of the flag that a word begins; the value may be the word after it."""
    if not re.match("--?[A-Za-z]", word):
        raise UserError(f"{word!r} follows no flag; quote values with spaces, see --help.")
    typed, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
    name = "help" if typed == "h" else typed.replace("-", "_")
    switch = name if name in _SWITCHES else name.removeprefix("no").removeprefix("_")
    if switch in _SWITCHES and name not in _FIELDS:
        if equals:
            raise UserError(f"--{typed} takes no value; write --{switch} or --no{switch}.")
        return switch, "false"
    if name not in _FIELDS:
        raise UserError(f"There is no flag --{typed}; {suggest(name, _FIELDS)}.")
    if equals:
        return name, value
    if name in _SWITCHES:
        return name, "true"
    following = next(rest, None)
    if following is None:
        raise UserError(f"--{name} needs a value; see --help.")
    return name, following


def help_text() -> str:
    """All flags in groups, with their defaults."""
    groups: dict[str, list[str]] = {}
    for name, info in _FIELDS.items():
        group = (info.json_schema_extra or {})["group"]  # type: ignore[index]  # a dict here
        groups.setdefault(str(group), []).append(_describe(name, info))
    sections = [f"{title}:\n" + "\n".join(lines) for title, lines in groups.items()]
    head = "Three .pte files, a tokenizer and pictures to text.\n\n" + textwrap.indent(_USAGE, "  ")
    return "\n\n".join([head.rstrip(), *sections])


def _describe(name: str, info: FieldInfo) -> str:
    text = info.description or ""
    if info.default not in (None, "", ()) and info.default is not False and "default" not in text:
        text += f" (default: {info.default})"
    flag = f"--{name}" if name in _SWITCHES else f"--{name} {_placeholder(info)}"
    return textwrap.fill(
        text, width=100, initial_indent=f"  {flag:<34}", subsequent_indent=" " * 36
    )


def _placeholder(info: FieldInfo) -> str:
    kinds = {info.annotation, *get_args(info.annotation)}
    if Path in kinds:
        return "PATH"
    return "TEXT" if str in kinds else "NUMBER"
