"""A host's decoder reads as much of a cache as there is, and answers as if it had read all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.backends import xnnpack
from harness.export.graphs.text_decoder import CACHE_STEP, StaticDecoder, short_caches
from harness.export.worker.component import exported_methods
from harness.export.worker.modules import as_xnnpack_takes_it
from harness.runtime.decoder import Decoder
from harness.runtime.geometry import DecoderGeometry, check_decoder, read_geometry
from harness.runtime.kv_cache import KvCache
from harness.runtime.program import Program
from harness.runtime.program_description import ProgramDescription
from harness.vlm.spec import TextGeometry

TEXT = TextGeometry(
    hidden_size=32,
    intermediate_size=48,
    layers=1,
    heads=4,
    kv_heads=2,
    head_dim=8,
    vocab_size=40,
    rope_theta=10_000.0,
    rms_norm_eps=1e-5,
    qkv_bias=True,
)
CONTEXT, PREFILL_AR = 160, 8
METHODS = {"kv_forward": 1, "prefill_forward": PREFILL_AR}


@pytest.fixture(scope="module")
def decoder() -> StaticDecoder:
    torch.manual_seed(0)
    decoder = StaticDecoder(TEXT, CONTEXT)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return decoder.eval()


@pytest.fixture(scope="module")
def file(decoder: StaticDecoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("short") / "decoder.pte"
    methods = exported_methods(
        as_xnnpack_takes_it(decoder),
        {name: decoder.example_inputs(ar) for name, ar in METHODS.items()},
        {name: short_caches(TEXT.layers, CONTEXT - ar, ar) for name, ar in METHODS.items()},
    )
    with path.open("wb") as output:
        xnnpack.lower_to_pte(methods, {}, plan_io_memory=False, output=output)
    return path


@pytest.fixture(scope="module")
def geometry(file: Path) -> DecoderGeometry:
    found = ProgramDescription.read(file)
    decode, prefill = (found.signature(name) for name in METHODS)
    geometry = read_geometry(decode, prefill, TEXT.layers, CACHE_STEP)
    check_decoder(decode, geometry, 1)
    check_decoder(prefill, geometry, PREFILL_AR)
    return geometry


def test_whole_caches_are_what_the_file_declares(geometry: DecoderGeometry) -> None:
    assert geometry.context_length == CONTEXT


def test_one_delegate_takes_all_between_embeddings_and_logits(file: Path) -> None:
    from executorch.exir._serialize._program import deserialize_pte_binary
    from executorch.exir.schema import DelegateCall

    for plan in deserialize_pte_binary(file.read_bytes()).program.execution_plan:
        calls = [one.instr_args for one in plan.chains[0].instructions]
        assert sum(isinstance(call, DelegateCall) for call in calls) == 1
        # What looks the positions' cosines and sines up stays outside.
        assert len(calls) <= 8


def test_logits_and_new_columns_are_those_of_a_whole_cache(
    file: Path, geometry: DecoderGeometry
) -> None:
    rows = np.random.default_rng(0).normal(size=(140, TEXT.hidden_size)).astype(np.float32)
    found, lengths = [], []
    for one in (geometry, replace(geometry, cache_step=None)):
        program = Program(file)
        cache = KvCache(TEXT.layers, TEXT.kv_heads, TEXT.head_dim, CONTEXT - 1, "float32")
        prefill = Decoder(program.method("prefill_forward"), one, PREFILL_AR, cache)
        decode = Decoder(program.method("kv_forward"), one, 1, cache)
        prefill.begin()
        logits = [prefill.run(rows[:PREFILL_AR]).copy()]
        prefill.accept(PREFILL_AR)
        decode.begin()
        for row in rows[PREFILL_AR:]:
            logits.append(decode.run(row[None]).copy())
            decode.accept(1)
            lengths.append(cache.slots)
        cache.arrange(CONTEXT - 1)
        found.append((np.concatenate(logits), cache.views(CONTEXT - 1)))
    (logits, caches), (expected, whole) = found
    np.testing.assert_allclose(logits, expected, atol=2e-5)
    for ours, theirs in zip(caches, whole, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert sorted(set(lengths)) == [CACHE_STEP, 2 * CACHE_STEP, CONTEXT - 1]
