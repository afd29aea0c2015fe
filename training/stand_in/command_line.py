"""Command line: ``python -m training.stand_in MODEL --out DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from transformers.utils import logging

from harness.console import PlainConsole
from harness.errors import UserError
from harness.vlm.registry import get_spec, known_models
from training.stand_in.language_package import language_gguf
from training.stand_in.language_weights import MODEL, write_language_checkpoint
from training.stand_in.random_weights import write_random_checkpoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one checkpoint; a user error becomes one sentence and exit code 2."""
    options = _parser().parse_args(arguments)
    # Bars of the libraries, of steps that nobody waits for.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call] # no hints in transformers
    try:
        _write(options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.stand_in",
        description="Write a checkpoint folder of a published model's geometry, laid out as on "
        "the hub: bfloat16 in several files with an index, tokenizer, processor files.",
    )
    parser.add_argument("model", help=" or ".join(_models()))
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="of the random weights")
    parser.add_argument(
        "--language",
        action="store_true",
        help=f"for {MODEL}: decoder, embedding and tokenizer of SmolLM2-135M-Instruct",
    )
    parser.add_argument("--gguf", type=Path, help="SmolLM2-135M-Instruct, instead of a download")
    return parser


def _models() -> list[str]:
    return [name for name, spec in known_models().items() if not spec.is_miniature]


def _write(options: argparse.Namespace) -> None:
    spec = get_spec(options.model)
    if spec.is_miniature:
        raise UserError(f"{spec.name} comes with the package; give {' or '.join(_models())}.")
    if options.language or options.gguf is not None:
        if spec.name != MODEL:
            raise UserError(f"There is real language for {MODEL} alone, not for {spec.name}.")
        write_language_checkpoint(options.gguf or language_gguf(), options.out, options.seed)
        what = "language of SmolLM2-135M-Instruct, a vision tower of random weights"
    else:
        write_random_checkpoint(spec, options.out, options.seed)
        what = f"random weights of seed {options.seed}"
    PlainConsole().print(
        f"{options.out}: {spec.name}, {what}; export it with\n"
        f"python -m harness export {spec.name} --checkpoint {options.out}",
        soft_wrap=True,
    )
