"""The flags of upstream's runner: what gflags takes, refuses and shows (contract §5.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from harness.errors import UserError
from harness.runtime.flag_syntax import read_words
from harness.runtime.flags import Flags

_DEFAULTS: dict[str, tuple[str, str]] = {
    "audio_path": ("string", '""'),
    "decoder_model_version": ("string", '"llama3"'),
    "decoder_path": ("string", '"decoder.pte"'),
    "dump_logits_path": ("string", '""'),
    "encoder_path": ("string", '"encoder.pte"'),
    "eval_mode": ("int32", "1"),
    "gcap": ("int32", "0"),
    "image_path": ("string", '""'),
    "ngram": ("int32", "0"),
    "num_iters": ("int32", "1"),
    "output_path": ("string", '"outputs.txt"'),
    "performance_output_path": ("string", '"inference_speed.txt"'),
    "prompt": ("string", '"Describe this image:"'),
    "seq_len": ("int32", "128"),
    "shared_buffer": ("bool", "false"),
    "system_prompt": ("string", '""'),
    "temperature": ("double", "0"),
    "tok_embedding_path": ("string", '"tok_embedding.pte"'),
    "tokenized_prompt": ("string", '""'),
    "tokenizer_path": ("string", '"tokenizer.bin"'),
    "window": ("int32", "0"),
}
"""Type and default of each flag."""

_INT32 = 2**31
_INTEGER = re.compile(r"\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))")
_TRUTHS = {
    **dict.fromkeys(("1", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("0", "f", "false", "n", "no"), False),
}
_HELP = "help"
_PROMPT = "--prompt"
_LIST = "image_path"
"""Empty, it counts as not given."""
_REST = "--"


class BadFlags(Exception):
    """A command line that gflags does not take; the text is what it says."""


def read_flags(arguments: Sequence[str]) -> Flags:
    """Read a command line, with upstream's deviations wherever ours differs.

    Numbers may be any that their type holds: what is none of them for ours, upstream's program
    looks at later or not at all.

    Raises:
        BadFlags: If a flag is unknown, lacks its value or has one of another type.
    """
    try:
        typed = read_words(tuple(_words_of_flags(arguments)))
        numbers = {name: read(name, typed.pop(name)) for name, read in _numbers() if name in typed}
        for name, value in typed.items():
            if _kind(name) == "bool":
                typed[name] = _truth(name, value)
        if typed.get(_LIST) == "":
            del typed[_LIST]
        flags = Flags.model_validate(typed)
    except UserError as error:
        raise BadFlags(str(error)) from error
    # Read for speech models alone.
    ignored = {"audio_path": None}
    given = {"prompt": prompts_of(arguments), "upstream_compat": True}
    return flags.model_copy(update={**ignored, **given, **numbers})


def prompts_of(arguments: Sequence[str]) -> tuple[str, ...]:
    """Prompts as upstream collects them: the word behind each ``--prompt``, whatever it is."""
    words = iter(arguments)
    return tuple(value for word in words if word == _PROMPT for value in islice(words, 1))


def _numbers() -> Iterator[tuple[str, Callable[[str, str], float]]]:
    """Flags of numbers, with what reads their values."""
    readers: dict[str, Callable[[str, str], float]] = {"int32": _int32, "double": _double}
    for name, (kind, _) in _DEFAULTS.items():
        if kind in readers:
            yield name, readers[kind]


def _int32(name: str, value: str) -> int:
    found = _INTEGER.fullmatch(value)
    if found is None:
        raise _illegal(name, value)
    sign, hexadecimal, decimal = found.groups()
    number = int(f"{sign}{hexadecimal or decimal}", 16 if hexadecimal else 10)
    if not -_INT32 <= number < _INT32:
        raise _illegal(name, value)
    return number


def _double(name: str, value: str) -> float:
    try:
        number = float(value) if "_" not in value else None
    except ValueError:
        number = None
    if number is None or (math.isinf(number) and "inf" not in value.lower()):
        raise _illegal(name, value)
    return number


def _truth(name: str, value: str) -> bool:
    if value.lower() not in _TRUTHS:
        raise _illegal(name, value)
    return _TRUTHS[value.lower()]


def _illegal(name: str, value: str) -> BadFlags:
    return BadFlags(f"illegal value '{value}' specified for {_kind(name)} flag '{name}'")


def help_text() -> str:
    """What ``--help`` prints, without the descriptions."""
    listed = (
        f"    -{name} () type: {kind} default: {default}"
        for name, (kind, default) in _DEFAULTS.items()
    )
    head = "qnn_multimodal_runner: Warning: SetUsageMessage() never called\n"
    return "\n".join([head, "  Flags from qnn_multimodal_runner.cpp:", *listed])


def _words_of_flags(arguments: Sequence[str]) -> Iterator[str]:
    """Flags and their values; gflags passes other words over.

    Raises:
        BadFlags: If a flag is unknown or lacks its value.
    """
    words = iter(arguments)
    for word in words:
        if word == _REST:
            return
        if not word.startswith("-") or word == "-":
            continue
        typed, equals, _ = word.removeprefix("-").removeprefix("-").partition("=")
        name = typed.replace("-", "_")
        is_switch = _kind(name) == "bool" or _kind(name.removeprefix("no")) == "bool"
        if name != _HELP and _kind(name) is None and not is_switch:
            raise BadFlags(f"unknown command line flag '{typed}'")
        # gflags looks at no value of a switch that it puts out.
        yield word.partition("=")[0] if is_switch and _kind(name) is None else word
        if not equals and not is_switch and name != _HELP:
            value = next(words, None)
            if value is None:
                raise BadFlags(f"flag '--{typed}' is missing its argument")
            yield value


def _kind(name: str) -> str | None:
    """Type of a flag, None if there is no such flag."""
    return _DEFAULTS[name][0] if name in _DEFAULTS else None
