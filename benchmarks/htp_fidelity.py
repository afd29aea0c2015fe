"""Emulator against calibrated fake-quantization: ``python -m benchmarks.htp_fidelity``.

The same decoder graphs run twice on unseen scenes, each on its own cache: with quantize and
dequantize operations in float on the CPU, and compiled on Qualcomm's emulator.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from rich.table import Table
from torch import Tensor

from harness.backends.qnn.provider import activate
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.console import PlainConsole
from harness.errors import UserError
from harness.export.cache import RECORD_NAME, ComponentRecord
from harness.export.calibration_file import load_calibration
from harness.export.exporter import export_component
from harness.export.graphs.bookkeeping import without_graph_bookkeeping
from harness.export.graphs.component import load_module
from harness.export.htp.activation_ranges import CalibratedGraph
from harness.export.htp.component import calibrated_decoder, htp_decoder
from harness.export.htp.float_cache import FloatCache
from harness.export.htp.quantization import GraphEncoding
from harness.export.inputs.build_config import BuildConfig
from harness.export.inputs.calibration import CalibrationSample
from harness.export.inputs.conversation import EmbeddedSegment, embed, read_conversation
from harness.export.recipe import default_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.miniatures.scenes import evaluation_samples
from harness.options.groups.model import default_artifacts
from harness.program import run_program
from harness.runtime.program import Array, Program
from harness.targets.emulator import EMULATOR
from harness.vlm.registry import get_spec

MAX_ERROR = 0.01
"""Largest error of a logit that passes, as a share of the logits' range."""

MIN_ARGMAX = 0.99
"""Smallest share of steps with the same best token that passes."""


class EmulatedGraph:
    """A compiled method, called like the float graph that it was made from.

    Args:
        program: The ``.pte``.
        name: Which method.
        graph: Its encodings.
    """

    def __init__(self, program: Program, name: str, graph: CalibratedGraph) -> None:
        method = program.method(name)
        self._inputs = [np.zeros(spec.shape, spec.dtype) for spec in method.inputs]
        self._bound = method.bind(self._inputs)
        self._caches = (*graph.keys, *graph.values)
        self._logits = graph.logits

    def __call__(
        self, rows: Tensor, mask: Tensor, positions: Tensor, *caches: Tensor
    ) -> list[Tensor]:
        """See :meth:`harness.export.graphs.text_decoder.StaticDecoder.forward`."""
        hidden, codes, places, *slots = self._inputs
        hidden[...] = rows.numpy()
        codes[...] = np.where(mask.numpy() == 0, np.iinfo(codes.dtype).max, 0)
        places[...] = positions.numpy()
        for slot, cache, encoding in zip(slots, caches, self._caches, strict=True):
            slot[...] = _encode(cache, encoding)
        outputs = self._bound.execute()
        encodings = (self._logits, *self._caches)
        return [_decode(one, encoding) for one, encoding in zip(outputs, encodings, strict=True)]


@dataclass(frozen=True)
class Fidelity:
    """How closely a compiled method follows its fake-quantized twin.

    Attributes:
        method: Name.
        steps: Tokens compared.
        max_error: Largest difference of a logit over the range of the logits' encoding.
        argmax_share: Share of tokens after which both would say the same.
    """

    method: str
    steps: int
    max_error: float
    argmax_share: float

    @property
    def passes(self) -> bool:
        """Whether both bounds hold."""
        return self.max_error <= MAX_ERROR and self.argmax_share >= MIN_ARGMAX


def compare(
    graph: CalibratedGraph,
    emulated: EmulatedGraph,
    name: str,
    checkpoint: Checkpoint,
    conversations: Sequence[Sequence[EmbeddedSegment]],
) -> Fidelity:
    """Feed whole conversations, expected answers included, to both sides."""
    decoder = htp_decoder(checkpoint, None)
    ar = graph.inputs[0].shape[1]
    span = (graph.logits.code_max - graph.logits.code_min) * graph.logits.scale
    errors, equal = [], []
    for segments in track(conversations, f"{name} ", console=PlainConsole(stderr=True)):
        twin, compiled = FloatCache(decoder), FloatCache(decoder)
        for rows in torch.split(torch.cat([segment.rows for segment in segments]), ar):
            wanted = twin.step(graph.module, rows, ar)
            given = compiled.step(emulated, rows, ar)
            errors.append(float((wanted - given).abs().max()) / span)
            equal += (wanted.argmax(dim=-1) == given.argmax(dim=-1)).tolist()
    return Fidelity(name, len(equal), max(errors), sum(equal) / len(equal))


def scenes(checkpoint: Checkpoint, count: int) -> Iterator[tuple[EmbeddedSegment, ...]]:
    """Embedded questions and answers of unseen scenes."""
    encoder = load_module(checkpoint, "vision_encoder")
    table = load_module(checkpoint, "token_embedding").get_parameter("embedding.weight")
    spec, tokenizer = checkpoint.spec, checkpoint.directory / "tokenizer.json"
    with tempfile.TemporaryDirectory() as folder:
        for index, sample in enumerate(evaluation_samples(count)):
            picture = Path(folder) / f"{index}.png"
            sample.draw().save(picture)
            said = {"user": sample.question.prompt, "assistant": sample.question.answer}
            messages = [{"role": role, "content": text} for role, text in said.items()]
            one = CalibrationSample.model_validate(
                {"files": [picture.as_posix()], "messages": messages}
            )
            conversation = read_conversation(one, spec, tokenizer)
            rows = [encoder(torch.from_numpy(one))[0] for one in conversation.pictures]
            yield embed(conversation, table, rows)


def fidelity_of(model: str, soc: str, precision: str, count: int) -> list[Fidelity]:
    """Measure all methods of one miniature's decoder.

    Raises:
        UserError: If the decoder cannot be exported or run here.
    """
    spec = get_spec(model)
    recipe = parse_precision(precision, default_recipe(EMULATOR))
    calibration = find_calibration(spec, None)
    if calibration is None:
        raise UserError(f"{model} comes with no calibration set; name a miniature.")
    request = ExportRequest(
        spec=spec,
        checkpoint=find_checkpoint(spec, None),
        recipe=recipe,
        target=EMULATOR.name,
        soc=soc,
        calibration=calibration,
    )
    cached = export_component(
        request, "text_decoder", default_artifacts(), lambda component, stage: None
    )
    config = _config(cached.directory)
    checkpoint = open_checkpoint(request.checkpoint, spec)
    activate()
    tokenizer = checkpoint.directory / "tokenizer.json"
    samples = load_calibration(calibration).samples
    conversations = [read_conversation(one, checkpoint.spec, tokenizer) for one in samples]
    with without_graph_bookkeeping():
        calibrated = calibrated_decoder(checkpoint, config, conversations)
    program = Program(cached.path)
    with torch.no_grad():
        unseen = list(scenes(checkpoint, count))
        return [
            compare(graph, EmulatedGraph(program, name, graph), name, checkpoint, unseen)
            for name, graph in calibrated.graphs.items()
        ]


def main() -> int:
    """Print the table; exit code 1 if a bound is broken, 2 for a user error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.htp_fidelity", description=__doc__)
    parser.add_argument("--model", action="append", help="default: both miniatures")
    parser.add_argument("--soc", default="SM8650")
    parser.add_argument("--precision", default="16a8w")
    parser.add_argument("--scenes", type=int, default=24)
    options = parser.parse_args()
    table = Table(title=f"emulator against fake-quantization, {options.precision}, {options.soc}")
    for heading in ("model", "method", "steps", "max error / range", "same best token", ""):
        table.add_column(heading)
    passed = True
    try:
        for model in options.model or ("tiny_smolvlm", "tiny_internvl3"):
            for found in fidelity_of(model, options.soc, options.precision, options.scenes):
                passed = passed and found.passes
                table.add_row(
                    model,
                    found.method,
                    str(found.steps),
                    f"{found.max_error:.4%}",
                    f"{found.argmax_share:.2%}",
                    "PASS" if found.passes else "FAIL",
                )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    PlainConsole(width=100).print(table)
    return 0 if passed else 1


def _config(directory: Path) -> BuildConfig:
    record = ComponentRecord.model_validate_json((directory / RECORD_NAME).read_text())
    return record.config


def _encode(values: Tensor, encoding: GraphEncoding) -> Array:
    codes: Array = np.rint(values.numpy() / encoding.scale) + encoding.zero_point
    return codes.clip(encoding.code_min, encoding.code_max)


def _decode(codes: Array, encoding: GraphEncoding) -> Tensor:
    real = (codes.astype(np.float64) - encoding.zero_point) * encoding.scale
    return torch.from_numpy(real.astype(np.float32))


if __name__ == "__main__":
    run_program(main)
