"""The flags of upstream's runner: what gflags takes, refuses and shows (contract §5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from harness.errors import UserError
from harness.runtime.flag_syntax import parse_flags
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

_HELP = "help"
_PROMPT = "--prompt"
_REST = "--"


class BadFlags(Exception):
    """A command line that gflags does not take; the text is what it says."""


def read_flags(arguments: Sequence[str]) -> Flags:
    """Read a command line, with upstream's deviations wherever ours differs.

    Raises:
        BadFlags: If a flag is unknown, lacks its value or has one of another type.
    """
    try:
        flags = parse_flags(tuple(_words_of_flags(arguments)))
    except UserError as error:
        raise BadFlags(str(error)) from error
    # Read for speech models alone.
    ignored = {"audio_path": None}
    given = {"prompt": prompts_of(arguments), "upstream_compat": True}
    return flags.model_copy(update={**ignored, **given})


def prompts_of(arguments: Sequence[str]) -> tuple[str, ...]:
    """Prompts as upstream collects them: the word behind each ``--prompt``, whatever it is."""
    words = iter(arguments)
    return tuple(value for word in words if word == _PROMPT for value in islice(words, 1))


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
        yield word
        if not equals and not is_switch and name != _HELP:
            value = next(words, None)
            if value is None:
                raise BadFlags(f"flag '--{typed}' is missing its argument")
            yield value


def _kind(name: str) -> str | None:
    """Type of a flag, None if there is no such flag."""
    return _DEFAULTS[name][0] if name in _DEFAULTS else None
