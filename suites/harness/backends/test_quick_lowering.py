"""All that an export leaves out, together and on a decoder: the program is the same."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.backends.lean_lowering import lean_passes, without_collections
from harness.backends.qnn.provider import QnnInfo
from harness.backends.weight_recipe import WeightRecipe
from harness.backends.xnnpack import lower_to_pte
from harness.export.graphs.text_decoder import StaticDecoder, short_caches
from harness.export.worker.component import exported_methods
from harness.export.worker.linear_weights import quantize_linears
from harness.export.worker.modules import as_xnnpack_takes_it
from suites.harness.backends.conftest import RunPython
from suites.harness.export.test_short_caches import CONTEXT, METHODS, TEXT

GROUPED = replace(TEXT, intermediate_size=64)
"""Whose linears divide into groups of 32 inputs."""


def lowered(precision: str, path: Path, *, quick: bool) -> bytes:
    torch.manual_seed(0)
    decoder = StaticDecoder(GROUPED, CONTEXT)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    if precision != "fp32":
        quantize_linears(decoder, precision, WeightRecipe())  # type: ignore[arg-type]
    methods = exported_methods(
        as_xnnpack_takes_it(decoder.eval()),
        {name: decoder.example_inputs(ar) for name, ar in METHODS.items()},
        {name: short_caches(GROUPED.layers, CONTEXT - ar, ar) for name, ar in METHODS.items()},
    )
    with (
        path.open("wb") as file,
        lean_passes() if quick else nullcontext(),
    ):
        lower_to_pte(methods, {}, plan_io_memory=False, output=file)
    return path.read_bytes()


@pytest.mark.parametrize("precision", ["fp32", "8da4w"])
@pytest.mark.usefixtures("no_numbers_of_operators")
def test_a_decoder_with_open_extents_is_the_same(precision: str, tmp_path: Path) -> None:
    plain = lowered(precision, tmp_path / "plain.pte", quick=False)
    assert lowered(precision, tmp_path / "quick.pte", quick=True) == plain


TWICE_ON_THE_HTP = """
import sys
from contextlib import nullcontext
from pathlib import Path
import torch
from harness.backends.lean_lowering import lean_passes
from harness.backends.qnn.delegation import CompilerOptions, HtpMethod
from harness.backends.qnn.lowering import lower_to_pte
from harness.backends.qnn.provider import activate
from harness.export.htp.quantization import convert, prepare
from harness.export.htp.quantizer import make_quantizer
from harness.targets.soc import get_soc

activate()

class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)
    def forward(self, x):
        y = torch.nn.functional.silu(self.first(x)).transpose(1, 2).contiguous()
        return self.second(torch.softmax(y.transpose(1, 2), dim=-1) * 2 + x)

torch.manual_seed(0)
module, methods = Layers().eval(), {}
for name, tokens in {"kv_forward": 1, "prefill_forward": 16}.items():
    inputs = (torch.rand(1, tokens, 64),)
    graph = prepare(module, inputs, make_quantizer("16a8w", "SM8650", block_size=1))
    graph(*inputs)
    methods[name] = HtpMethod(convert(graph), inputs)
options = CompilerOptions(get_soc("SM8650"), fp16=False, for_phone=True)
for path, passes in zip(sys.argv[1:], (nullcontext, lean_passes), strict=True):
    with torch.no_grad(), passes(), Path(path).open("wb") as file:
        lower_to_pte(methods, {}, options, plan_io_memory=False, output=file)
"""
LONGEST_STAMP = 8
"""Bytes of a compiled context that tell when it was made."""


def test_a_graph_of_the_htp_is_the_same(
    qnn: QnnInfo, run_python: RunPython, tmp_path: Path
) -> None:
    plain, quick = tmp_path / "plain.pte", tmp_path / "quick.pte"
    run_python(TWICE_ON_THE_HTP, plain, quick).check_returncode()
    one, other = plain.read_bytes(), quick.read_bytes()
    assert len(one) == len(other)
    differing = [
        index for index, pair in enumerate(zip(one, other, strict=True)) if len({*pair}) > 1
    ]
    assert not differing or differing[-1] - differing[0] < LONGEST_STAMP


def test_garbage_is_collected_again_behind_it() -> None:
    assert gc.isenabled()
    with without_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
