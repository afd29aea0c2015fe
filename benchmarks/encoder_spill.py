"""What each form of a vision encoder's graph spills: ``python -m benchmarks.encoder_spill``.

Compiles cuts of a few layers, of the published models' exact geometry and random weights, and
prints what the compiler counts. ``harness.export.htp.encoder_form`` chooses by what this showed.
``--layers 0`` compiles whole encoders, ``--run`` runs the compiled cut on the emulator, too.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.qnn.libraries import find_libraries
from harness.backends.qnn.provider import activate
from harness.errors import UserError
from harness.program import run_program
from harness.vlm.registry import get_spec, known_models
from harness.vlm.spec import VlmSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMS: dict[str, dict[str, Any]] = {
    "as written": {},
    "padded": {},
    "heads apart": {"heads_apart": True},
    "rows 256": {"mlp_rows": 256},
    "columns 1024": {"mlp_columns": 1024},
    "heads apart, rows 512": {"heads_apart": True, "mlp_rows": 512},
    "heads apart, rows 256": {"heads_apart": True, "mlp_rows": 256},
    "heads apart, rows 128": {"heads_apart": True, "mlp_rows": 128},
    "heads apart, columns 2048": {"heads_apart": True, "mlp_columns": 2048},
    "heads apart, columns 1024": {"heads_apart": True, "mlp_columns": 1024},
    "heads apart, columns 512": {"heads_apart": True, "mlp_columns": 512},
    "chosen": {},
}
"""What is tried beside padding; all but ``as written`` are padded to whole tiles."""


@dataclass(frozen=True)
class SpillCase:
    """One graph to compile.

    Attributes:
        layers: Of the encoder; 0 for all.
        form: One of ``FORMS``.
        is_run: Whether it is also run on the emulator.
    """

    model: str
    soc: str
    layers: int
    form: str
    is_run: bool


@dataclass(frozen=True)
class SpillLine:
    """What became of one graph; a column of the table per field.

    Attributes:
        cpu_s: Of quantizing and compiling.
        pte_mb: Size of the file.
        error_percent: Largest difference of the emulator's features from the float module's, of
            their range; empty where it was not run.
    """

    model: str
    soc: str
    layers: int
    form: str
    spill_mb: float | None
    fill_mb: float | None
    read_mb: float | None
    write_mb: float | None
    pte_mb: float
    cpu_s: float
    error_percent: str


def compile_case(cell: SpillCase, qnn_dir: Path | None) -> SpillLine:
    """Compile one graph in this process, which must not have used QNN otherwise."""
    activate(qnn_dir)
    logging.disable(logging.WARNING)
    import torch

    from harness.backends.lean_lowering import lean_passes, without_collections
    from harness.backends.qnn.delegation import CompilerOptions, HtpMethod
    from harness.backends.qnn.lowering import lower_to_pte
    from harness.export.graphs.bookkeeping import without_graph_bookkeeping
    from harness.export.htp.modules import with_builtin_gelu
    from harness.export.htp.quantization import convert, prepare
    from harness.export.htp.quantizer import make_quantizer
    from harness.targets.soc import get_soc
    from harness.vlm.family_parts import load_part

    spec = _cut(get_spec(cell.model), cell.layers)
    torch.manual_seed(0)
    with torch.no_grad(), without_graph_bookkeeping(), tempfile.TemporaryDirectory() as folder:
        encoder = load_part(spec.family, "encoder")(spec.vision, spec.text).eval()
        # Zeros, as fresh embeddings are, have no range to be encoded in.
        for parameter in (one for one in encoder.parameters() if not one.any()):
            parameter.normal_(std=0.02)
        side = spec.vision.image_size_px
        pixels = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1
        expected = encoder(pixels)
        began = time.process_time()
        written = _written(with_builtin_gelu(encoder), cell, spec, pixels)
        prepared = prepare(written, (pixels,), make_quantizer("16a8w", cell.soc, block_size=1))
        prepared(pixels)
        method = HtpMethod(convert(prepared), (pixels,))
        options = CompilerOptions(get_soc(cell.soc), fp16=False, for_phone=False)
        path = Path(folder) / "encoder.pte"
        with path.open("wb") as file, lean_passes(), without_collections():
            lowered = lower_to_pte({"forward": method}, {}, options, True, file)["forward"]
        cpu_s = time.process_time() - began
        difference = _difference(path, pixels, expected) if cell.is_run else ""
        pte_mb = path.stat().st_size / 1e6
    told = lowered.traffic or ()

    def megabytes(figure: str) -> float | None:
        return round(sum(getattr(one, figure) for one in told) / 1e6, 1) if told else None

    return SpillLine(
        cell.model,
        cell.soc,
        spec.vision.layers,
        cell.form,
        spill_mb=megabytes("spill_bytes"),
        fill_mb=megabytes("fill_bytes"),
        read_mb=megabytes("read_total_bytes"),
        write_mb=megabytes("write_total_bytes"),
        pte_mb=round(pte_mb, 1),
        cpu_s=round(cpu_s, 1),
        error_percent=difference,
    )


def _cut(spec: VlmSpec, layers: int) -> VlmSpec:
    return replace(spec, vision=replace(spec.vision, layers=layers)) if layers else spec


def _written(encoder: nn.Module, cell: SpillCase, spec: VlmSpec, pixels: Tensor) -> nn.Module:
    """The encoder in a form."""
    from harness.export.htp.encoder_form import (
        EncoderForm,
        choose_form,
        sequence_rows,
        whole_tiles,
        with_form,
    )
    from harness.targets.soc import get_soc

    rows = sequence_rows(encoder, pixels)
    assert rows is not None
    chosen = choose_form(spec.vision, rows, get_soc(cell.soc))
    padded = whole_tiles(rows)
    forms = {name: EncoderForm(padded, **details) for name, details in FORMS.items()}
    forms |= {"as written": EncoderForm(rows), "chosen": chosen}
    return with_form(encoder, rows, forms[cell.form])


def _difference(path: Path, pixels: Tensor, expected: Tensor) -> str:
    from executorch.runtime import Runtime

    (found,) = Runtime.get().load_program(path).load_method("forward").execute((pixels,))
    largest = (found - expected).abs().max() / (expected.max() - expected.min())
    return f"{100 * largest.item():.2f}"


def lines_of(cells: list[SpillCase], qnn_dir: Path | None) -> Iterator[SpillLine]:
    """One graph after the other, each in a process of its own."""
    with ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for cell in cells:
            yield pool.submit(compile_case, cell, qnn_dir).result()


def main() -> int:
    """Print the table in Markdown, a line as soon as it is known.

    Returns:
        2 for a user error.
    """
    options = _parser().parse_args()
    try:
        find_libraries(options.qnn_dir)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cells = [
        SpillCase(model, soc, options.layers, form, options.run)
        for model in options.model or _models()
        for soc in options.soc or ["SM8650"]
        for form in options.form or FORMS
    ]
    names = [field.name for field in fields(SpillLine)]
    print("|", " | ".join(names), "|")
    print("|" + "---|" * len(names))
    for line in lines_of(cells, options.qnn_dir):
        print("|", " | ".join(str(value) for value in astuple(line)), "|", flush=True)
    return 0


def _models() -> list[str]:
    return [name for name, spec in known_models().items() if not spec.is_miniature]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encoder_spill", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--model",
        action="append",
        choices=list(known_models()),
        help="repeatable; default: all that are no miniatures",
    )
    parser.add_argument("--soc", action="append", help="repeatable; default: SM8650")
    parser.add_argument("--layers", type=int, default=2, help="0: all; default: 2")
    parser.add_argument("--form", action="append", choices=list(FORMS), help="repeatable")
    parser.add_argument("--run", action="store_true", help="run on the emulator, too")
    parser.add_argument("--qnn-dir", type=Path, help="QNN libraries")
    return parser


if __name__ == "__main__":
    run_program(main)
