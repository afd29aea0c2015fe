"""Emulator against fake-quantization on real language: ``python -m benchmarks.real_text.fidelity``.

A decoder that is compiled for Qualcomm's emulator and its twin with quantize and dequantize
operations in float read the same text in the passes of prefill, each on its own cache. Ends with 1
where a bound is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.htp_fidelity import EmulatedGraph
from benchmarks.real_text.likelihood import Window, losses, token_table
from benchmarks.real_text.recipes import recipes
from benchmarks.real_text.samples import write_samples
from benchmarks.real_text.text import windows
from harness.backends.qnn.provider import activate
from harness.checkpoint.checkpoint import open_checkpoint
from harness.console import PlainConsole
from harness.errors import UserError, suggest
from harness.export.cache import RECORD_NAME, ComponentRecord
from harness.export.calibration_file import load_calibration
from harness.export.exporter import export_component
from harness.export.graphs.bookkeeping import without_graph_bookkeeping
from harness.export.graphs.samples import tokenized_samples
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.component import calibrated_decoder, htp_decoder
from harness.export.htp.float_cache import Call, FloatCache
from harness.export.request import ExportRequest
from harness.measure.perplexity import TokenLosses, perplexity_ratio
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.runtime.program import Program
from harness.targets.emulator import EMULATOR
from harness.vlm.registry import get_spec

MIN_ARGMAX = 0.99
"""Smallest share of tokens with the same best successor that passes."""

MAX_PERPLEXITY_ERROR = 0.01
"""Largest difference of the quotient of both perplexities from 1 that passes."""

METHOD = "prefill_forward"


@dataclass(frozen=True)
class TextFidelity:
    """How closely a compiled decoder follows its fake-quantized twin on a text.

    Attributes:
        tokens: Read by both.
        argmax_share: Share of tokens after which both would say the same.
        perplexity_ratio: Perplexity of the compiled decoder over that of its twin.
    """

    tokens: int
    argmax_share: float
    perplexity_ratio: float

    @property
    def passes(self) -> bool:
        """Whether both bounds hold."""
        is_as_likely = abs(self.perplexity_ratio - 1) <= MAX_PERPLEXITY_ERROR
        return is_as_likely and self.argmax_share >= MIN_ARGMAX


@torch.no_grad()
def compare(
    twin: Call,
    compiled: Call,
    decoder: StaticDecoder,
    table: Tensor,
    text: Sequence[Window],
    ar: int,
) -> TextFidelity:
    """Let both read every window from an empty cache.

    Args:
        twin: With quantize and dequantize operations.
        compiled: On the emulator.
        decoder: The float decoder, which gives geometry and context.
        table: Token embedding.
        text: What is read.
        ar: Tokens per call of both.
    """
    pairs, equal = [], []
    for window in text:
        logits = [_read(call, decoder, table[list(window)], ar) for call in (twin, compiled)]
        pairs.append(TokenLosses(*(losses(one.numpy(), window) for one in logits)))
        best = [one.argmax(dim=-1) for one in logits]
        equal += (best[0] == best[1]).tolist()
    return TextFidelity(len(equal), float(np.mean(equal)), perplexity_ratio(pairs).value)


def _read(call: Call, decoder: StaticDecoder, rows: Tensor, ar: int) -> Tensor:
    cache = FloatCache(decoder)
    return torch.cat([cache.step(call, part, ar) for part in torch.split(rows, ar)])


def fidelity(
    checkpoint_folder: Path, model: str, soc: str | None, recipe_name: str, tokens: int
) -> TextFidelity:
    """Export a decoder for the emulator, calibrate its twin, and let both read.

    Raises:
        UserError: If there is no such recipe, or the decoder cannot be exported or run here.
    """
    known, spec = recipes(EMULATOR), get_spec(model)
    if recipe_name not in known:
        raise UserError(f"There is no recipe {recipe_name!r}; {suggest(recipe_name, known)}.")
    checkpoint = open_checkpoint(checkpoint_folder, spec)
    tokenizer = checkpoint.directory / "tokenizer.json"
    with tempfile.TemporaryDirectory() as folder:
        samples = write_samples(Path(folder), tokenizer)
        request = ExportRequest(
            spec=spec,
            checkpoint=checkpoint_folder,
            recipe=known[recipe_name],
            target=EMULATOR.name,
            soc=soc,
            calibration=samples,
        )
        cached = export_component(
            request, "text_decoder", default_artifacts(), lambda component, stage: None
        )
        record = ComponentRecord.model_validate_json((cached.directory / RECORD_NAME).read_text())
        activate()
        conversations = tokenized_samples(checkpoint, load_calibration(samples).samples)
        with without_graph_bookkeeping():
            twins = calibrated_decoder(checkpoint, record.config, conversations)
    twin = twins.prefill
    compiled = EmulatedGraph(Program(cached.path), METHOD, twin)
    decoder = htp_decoder(checkpoint, record.config.context_length)
    table = token_table(checkpoint)
    ar = twin.inputs[0].shape[1]
    return compare(twin.module, compiled, decoder, table, windows(tokenizer, tokens), ar)


def main() -> int:
    """Print what was found; exit code 1 if a bound is broken, 2 for a user error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_text.fidelity", description=__doc__
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="of real language")
    parser.add_argument("--model", default="smolvlm_256m", help="that the checkpoint is")
    parser.add_argument("--soc", help="default: the emulator's")
    parser.add_argument("--recipe", default="16a8w", help="by name; default: %(default)s")
    parser.add_argument("--tokens", type=int, default=256, help="default: %(default)s")
    options = parser.parse_args()
    try:
        found = fidelity(
            options.checkpoint, options.model, options.soc, options.recipe, options.tokens
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    PlainConsole().print(
        f"{'PASS' if found.passes else 'FAIL'}: {options.model} in {options.recipe}, "
        f"{found.tokens} tokens: the emulator's best token is that of fake-quantization in "
        f"{found.argmax_share:.2%}, its perplexity {found.perplexity_ratio:.4f} times as large",
        soft_wrap=True,
    )
    return 0 if found.passes else 1


if __name__ == "__main__":
    run_program(main)
