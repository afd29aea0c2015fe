"""Faults of every kind, planted one at a time: each is found, and the ladder says where it is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from harness.artifacts.artifact import Artifact
from harness.export.families.smolvlm import SmolVlmEncoder
from harness.export.graphs import component as graphs
from harness.export.graphs import text_decoder
from harness.export.graphs.text_decoder import StaticAttention, StaticDecoder
from harness.export.request import ExportRequest
from harness.export.weights.rounding import round_weights
from harness.export.worker import linear_weights
from harness.export.worker.component import build_component
from harness.ladder.apart import climb_apart
from harness.ladder.climb import LadderSubject
from harness.ladder.float_stage import FloatStage
from harness.ladder.stages import MODULES, RECIPE
from harness.runtime import image as runtime_image
from harness.runtime import phases
from harness.runtime.attention_mask import AttentionMask
from harness.runtime.embedding import PromptEmbedding
from harness.runtime.kv_cache import KvCache
from harness.runtime.request import Request
from harness.vlm.preprocess import preprocess
from harness.vlm.registry import get_spec
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import Component
from suites.harness.ladder.conftest import Climb, MakeSubject, checkpoint_of, request_of

FLOAT, FILE = FloatStage.name, ".pte on CPU"


def test_without_a_fault_nobody_is_accused(smolvlm: LadderSubject, climbed: Climb) -> None:
    ladder = climbed(smolvlm)
    assert ladder.accusation is None
    assert min(rung.likeness.sqnr_db for rung in ladder.rungs) > 100


def accuses(ladder_of: Climb, subject: LadderSubject, *, stages: str, signal: str) -> None:
    """Check that a ladder names the stages between which a signal drops, and the signal."""
    ladder = ladder_of(subject)
    drop = ladder.drop
    assert drop is not None, "nothing was found"
    assert (f"{drop.before} -> {drop.behind}", drop.signal.described) == (stages, signal)
    assert drop.signal.described in str(ladder.accusation)


# Faults of the exporter's modules.


def test_position_ids_off_by_one(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = SmolVlmEncoder.forward

    def shifted(self: SmolVlmEncoder, pixel_values: Tensor) -> Tensor:
        table = self.vision_model.get_parameter("embeddings.position_embedding.weight")
        right = table.clone()
        table.copy_(right.roll(1, dims=0))
        features = forward(self, pixel_values)
        table.copy_(right)
        return features

    monkeypatch.setattr(SmolVlmEncoder, "forward", shifted)
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {MODULES}", signal="patch embeddings")


def test_keys_not_transposed(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = StaticAttention.project

    def untransposed(self: StaticAttention, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = project(self, *inputs)
        return q, k.transpose(2, 3).reshape(k.shape), v

    monkeypatch.setattr(StaticAttention, "project", untransposed)
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {MODULES}", signal="keys of layer 0")


def test_a_wrong_rope_theta(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = text_decoder.rotary_tables
    monkeypatch.setattr(
        text_decoder,
        "rotary_tables",
        lambda geometry, context: tables(
            replace(geometry, rope_theta=geometry.rope_theta * 1.1), context
        ),
    )
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {MODULES}", signal="keys of layer 0")


def test_an_epsilon_of_norms_that_is_a_hundred_times_too_large(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    norm = nn.RMSNorm
    monkeypatch.setattr(nn, "RMSNorm", lambda size, eps: norm(size, eps=100 * eps))
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {MODULES}", signal="keys of layer 0")


def test_heads_paired_wrongly(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    attend = StaticAttention.attend

    def interleaved(self: StaticAttention, q: Tensor, *rest: Any) -> Tensor:
        heads, groups = self.geometry.heads, self.geometry.kv_heads
        order = [head for first in range(groups) for head in range(first, heads, groups)]
        mixed = attend(self, q[:, order], *rest)
        return mixed[:, np.argsort(order)]

    monkeypatch.setattr(StaticAttention, "attend", interleaved)
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {MODULES}", signal="hidden states of layer 0")


def test_an_attention_without_its_scale_in_one_layer(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = StaticDecoder.__init__

    def unscaled(self: StaticDecoder, *details: Any) -> None:
        whole(self, *details)
        attention = self.layers[1].get_submodule("self_attn")
        assert isinstance(attention, StaticAttention)
        attend, scale = attention.attend, math.sqrt(attention.geometry.head_dim)
        attention.attend = lambda q, *rest: attend(q * scale, *rest)  # type: ignore[method-assign]

    monkeypatch.setattr(StaticDecoder, "__init__", unscaled)
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {MODULES}", signal="hidden states of layer 1")


# Faults of the runner.


def test_a_mask_one_column_short(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = AttentionMask.begin
    monkeypatch.setattr(
        AttentionMask, "begin", lambda self, n_past: begin(self, max(n_past - 1, 0))
    )
    accuses(climbed, smolvlm, stages=f"{MODULES} -> {FILE}", signal="kept keys of layer 1")


def test_a_column_that_decode_writes_one_position_on(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = KvCache.commit

    def late(self: KvCache, new: Sequence[Any], count: int) -> None:
        if count > 1:
            commit(self, new, count)
            return
        self.filled += 1
        commit(self, new, count)
        self.filled -= 1

    monkeypatch.setattr(KvCache, "commit", late)
    accuses(climbed, smolvlm, stages=f"{MODULES} -> {FILE}", signal="kept keys of layer 0")


def test_the_row_before_the_prompts_last(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefill = phases.prefill

    def off_by_one(decoder: Any, embeddings: Any, observer: Any) -> Any:
        kept: list[NDArray[Any]] = []
        keep = observer.logits
        observer.logits = lambda phase, rows: kept.append(rows.copy())
        prefill(decoder, embeddings, observer)
        observer.logits = keep
        return np.concatenate(kept)[-2]

    monkeypatch.setattr(phases, "prefill", off_by_one)
    accuses(climbed, smolvlm, stages=f"{MODULES} -> {FILE}", signal="first logits")


def test_rows_swapped_where_an_image_begins(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = PromptEmbedding.embed

    def swapped(self: PromptEmbedding, pieces: Any, *rest: Any) -> Any:
        rows = embed(self, pieces, *rest)
        first = len(pieces[0])
        rows[[first - 1, first]] = rows[[first, first - 1]]
        return rows

    monkeypatch.setattr(PromptEmbedding, "embed", swapped)
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {FILE}", signal="prompt rows")


def test_mean_and_deviation_of_the_other_family(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, make = get_spec("tiny_internvl3").family.preprocessing, preprocess
    monkeypatch.setattr(
        runtime_image,
        "preprocess",
        lambda image, side, how: make(image, side, replace(how, mean=other.mean, std=other.std)),
    )
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {FILE}", signal="pixels")


def test_blue_for_red(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = preprocess
    monkeypatch.setattr(runtime_image, "preprocess", lambda *how: make(*how)[:, ::-1].copy())
    accuses(climbed, smolvlm, stages=f"{FLOAT} -> {FILE}", signal="pixels")


def test_a_stop_token_that_is_missing(
    smolvlm: LadderSubject, climbed: Climb, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.runtime import loaded_model

    class Endless(Tokenizer):
        def stop_ids(self, family: Any) -> frozenset[int]:
            return frozenset()

    monkeypatch.setattr(loaded_model, "Tokenizer", Endless)
    ladder = climbed(smolvlm)
    assert ladder.drop is None
    assert ladder.accusation == "in the runner: in the answer it goes on behind the stop token"


# Faults of files.

Damage = Callable[[nn.Module], None]


@pytest.fixture
def damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[LadderSubject, Component, Damage], LadderSubject]:
    """An artifact one of whose files was exported with other weights."""

    def damage(subject: LadderSubject, component: Component, how: Damage) -> LadderSubject:
        load = graphs.load_module

        def loaded(*wanted: Any) -> nn.Module:
            module = load(*wanted)
            with torch.no_grad():
                how(module)
            return module

        with monkeypatch.context() as patched:
            patched.setattr("harness.export.worker.component.load_module", loaded)
            return rebuilt(subject, component, tmp_path)

    return damage


def rebuilt(subject: LadderSubject, component: Component, folder: Path) -> LadderSubject:
    """An artifact with one file exported again in this process."""
    artifact = subject.artifact
    copy = folder / "artifact"
    copy.mkdir()
    for file in artifact.directory.iterdir():
        (copy / file.name).symlink_to(file)
    entry = artifact.manifest.component(component)
    output = copy / entry.file
    output.unlink()
    task = subject.tasks[component].model_copy(update={"output": output})
    build_component(checkpoint_of(artifact), task, lambda stage: None)
    return replace(subject, artifact=Artifact(copy, artifact.manifest))


def other_weights(module: nn.Module) -> None:
    """As if they were of another checkpoint: as large, and in another order."""
    torch.manual_seed(1)
    for weight in module.parameters():
        flat = weight.flatten()
        weight.copy_(flat[torch.randperm(len(flat))].view_as(weight))


def test_values_of_one_layer_a_twentieth_too_large(
    smolvlm: LadderSubject, climbed: Climb, damaged: Any
) -> None:
    def louder(module: nn.Module) -> None:
        module.get_parameter("layers.1.self_attn.v_proj.weight").mul_(1.05)

    broken = damaged(smolvlm, "text_decoder", louder)
    accuses(climbed, broken, stages=f"{MODULES} -> {FILE}", signal="values of layer 1")


def test_one_layers_weights_of_another_checkpoint(
    smolvlm: LadderSubject, climbed: Climb, damaged: Any
) -> None:
    def foreign(module: nn.Module) -> None:
        other_weights(module.get_submodule("layers.2"))

    broken = damaged(smolvlm, "text_decoder", foreign)
    accuses(climbed, broken, stages=f"{MODULES} -> {FILE}", signal="keys of layer 2")


def test_a_token_embedding_of_another_checkpoint(
    smolvlm: LadderSubject, climbed: Climb, damaged: Any
) -> None:
    broken = damaged(smolvlm, "token_embedding", other_weights)
    accuses(climbed, broken, stages=f"{MODULES} -> {FILE}", signal="token rows")


def test_a_vision_encoder_left_random(smolvlm: LadderSubject, climbed: Climb, damaged: Any) -> None:
    broken = damaged(smolvlm, "vision_encoder", other_weights)
    accuses(climbed, broken, stages=f"{MODULES} -> {FILE}", signal="image features")


def test_a_zero_point_off_by_one_in_one_group(
    make_subject: MakeSubject, climbed: Climb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = make_subject(precision="8da4w")
    rounded = round_weights

    def shifted(module: nn.Module, *rest: Any) -> Any:
        found = rounded(module, *rest)
        codes = found["layers.1.self_attn.k_proj"].codes
        codes[3, :32] = (codes[3, :32] + 1).clamp(max=7)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(linear_weights, "round_weights", shifted)
        broken = rebuilt(subject, "text_decoder", tmp_path)
    assert climbed(subject).accusation is None
    accuses(climbed, broken, stages=f"{RECIPE} -> {FILE}", signal="keys of layer 1")


# Faults of calibration, on Qualcomm's emulator.


@pytest.mark.htp
def test_ranges_that_saw_black_pictures_alone(
    exported: Callable[[ExportRequest], Artifact],
    conversations: tuple[Request, ...],
    tmp_path: Path,
) -> None:
    request = request_of(target="emulator")
    assert request.calibration is not None
    samples = json.loads(request.calibration.read_text())
    Image.new("RGB", (256, 256)).save(tmp_path / "black.png")
    for sample in samples:
        sample["files"] = ["black.png" for _ in sample["files"]]
    black = tmp_path / "black.json"
    black.write_text(json.dumps(samples))
    # The files are good ones: what is wrong is found before they are looked at.
    artifact = exported(request)
    ladder = climb_apart(replace(request, calibration=black), artifact, conversations)
    assert ladder.drop is not None
    named = f"{ladder.drop.before} -> {ladder.drop.behind}"
    assert (named, ladder.drop.signal.described) == (f"{MODULES} -> {RECIPE}", "image features")
