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
from harness.backends.weight_recipe import WeightRecipe
from harness.backends.xnnpack import lower_to_pte
from harness.export.graphs.text_decoder import StaticDecoder, short_caches
from harness.export.worker.component import exported_methods
from harness.export.worker.linear_weights import quantize_linears
from harness.export.worker.modules import as_xnnpack_takes_it
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


def test_garbage_is_collected_again_behind_it() -> None:
    assert gc.isenabled()
    with without_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
