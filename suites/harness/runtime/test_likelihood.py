"""Files give a text the probabilities that the float model gives it."""

from __future__ import annotations

import pytest
import torch

from benchmarks.real_text.likelihood import FileText, ModuleText, float_decoder, token_table
from harness.checkpoint.checkpoint import open_checkpoint
from harness.runtime.files import RunFiles
from harness.runtime.request import RunOptions
from harness.vocabulary import Mode
from suites.harness.runtime.random_checkpoint import RandomModel

TOKENS = 45


@pytest.mark.parametrize("run_mode", ["kv", "hybrid"])
def test_a_file_reads_as_the_float_model_does(smolvlm: RandomModel, run_mode: Mode) -> None:
    checkpoint = open_checkpoint(smolvlm.checkpoint, smolvlm.spec)
    module = ModuleText(float_decoder(checkpoint, TOKENS), token_table(checkpoint))
    files = RunFiles.of(smolvlm.artifact)
    reader = FileText(files, smolvlm.spec.family, RunOptions(mode=run_mode))
    for seed in (1, 2):
        drawn = torch.randint(100, 400, (TOKENS,), generator=torch.Generator().manual_seed(seed))
        window = tuple(drawn.tolist())
        assert reader.losses(window) == pytest.approx(module.losses(window), abs=0.02)
