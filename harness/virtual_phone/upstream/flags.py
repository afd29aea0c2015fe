"""The flags of upstream's runner: what gflags takes, refuses and shows (contract §5.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

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
_HELPS = ("help", "helpfull", "helpshort", "helppackage")
_VERSION = "version"
_OF_GFLAGS = (*_HELPS, _VERSION)
_PROGRAM = "qnn_multimodal_runner"
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
    typed: dict[str, str | bool] = {}
    numbers: dict[str, float] = {}
    for name, value in _given(arguments):
        kind = _kind(name)
        if kind is None:
            raise BadFlags(f"unknown command line flag '{name}'")
        if value is None:
            raise BadFlags(f"flag '--{name}' is missing its argument")
        if kind in _NUMBERS:
            numbers[name] = _NUMBERS[kind](name, value)
        else:
            typed[name] = _truth(name, value) if kind == "bool" else value
    if typed.get(_LIST) == "":
        del typed[_LIST]
    ours = {name: value for name, value in typed.items() if name not in (*_OF_GFLAGS, "prompt")}
    flags = Flags.model_validate(ours)
    # Read for speech models alone.
    ignored = {"audio_path": None}
    given = {"prompt": prompts_of(arguments), "upstream_compat": True}
    return flags.model_copy(update={**ignored, **given, **numbers})


def prompts_of(arguments: Sequence[str]) -> tuple[str, ...]:
    """Prompts as upstream collects them: the word behind each ``--prompt``, whatever it is."""
    words = iter(arguments)
    return tuple(value for word in words if word == _PROMPT for value in islice(words, 1))


def asked_of_gflags(arguments: Sequence[str]) -> tuple[str, int] | None:
    """What gflags prints and ends with, whatever else is wrong; None where it is not asked."""
    asked = {
        name: _TRUTHS.get((value or "").lower(), False)
        for name, value in _given(arguments)
        if name in _OF_GFLAGS
    }
    if any(asked.get(name) for name in _HELPS):
        return help_text(), 1
    return (_PROGRAM, 0) if asked.get(_VERSION) else None


def applied_temperature(temperature: float) -> float:
    """The temperature that comes of upstream's ``1 / temperature`` in single precision.

    Returns:
        0 for greedy decoding, where the quotient is 0; NaN where logits times the quotient are no
        numbers.
    """
    with np.errstate(all="ignore"):
        divisor = np.float32(temperature)
        quotient = np.float32(1) / divisor if divisor else np.float32(0)
    if quotient == 0:
        return 0.0
    return temperature if np.isfinite(quotient) else math.nan


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
    head = f"{_PROGRAM}: Warning: SetUsageMessage() never called\n"
    return "\n".join([head, f"  Flags from {_PROGRAM}.cpp:", *listed])


def _given(arguments: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Flags with their values, None where one is missing; gflags passes other words over.

    One that is unknown has no value either, and is named as it was typed.
    """
    words = iter(arguments)
    for word in words:
        if word == _REST:
            return
        if not word.startswith("-") or word == "-":
            continue
        typed, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        name = typed.replace("-", "_")
        if _kind(name) is None:
            # gflags looks at no value of a switch that it puts out.
            put_out = name.removeprefix("no")
            yield (put_out, "false") if _kind(put_out) == "bool" else (typed, None)
        elif equals:
            yield name, value
        else:
            yield name, "true" if _kind(name) == "bool" else next(words, None)


def _kind(name: str) -> str | None:
    """Type of a flag, None if there is no such flag."""
    if name in _OF_GFLAGS:
        return "bool"
    return _DEFAULTS[name][0] if name in _DEFAULTS else None


_NUMBERS: Mapping[str, Callable[[str, str], float]] = {"int32": _int32, "double": _double}
"""What reads values of a type."""
