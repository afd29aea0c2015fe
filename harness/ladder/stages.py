"""The stages of one artifact: modules with float weights, modules of its recipe, its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
from torch import nn

from harness.artifacts.artifact import Artifact
from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.bookkeeping import without_graph_bookkeeping
from harness.export.graphs.component import load_module
from harness.export.graphs.samples import tokenized_samples
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.component import component_methods, htp_decoder
from harness.export.inputs.build_config import BuildConfig
from harness.export.weights.hadamard import HadamardMap
from harness.export.worker.component import component_module
from harness.export.worker.messages import Task
from harness.ladder.file_stage import FileStage
from harness.ladder.module_stage import DecoderCall, ModuleParts, ModuleStage
from harness.ladder.signals import Array
from harness.runtime.files import RunFiles
from harness.runtime.request import RunOptions
from harness.vocabulary import FLOATS, Component, Mode

_DIGIT, _CODE = 1e-6, 2**-15
"""Of float32, and of 16 bits of fixed point."""

MODULES, RECIPE = "float modules", "modules of the recipe"

Tasks = Mapping[Component, Task]


def float_modules(checkpoint: Checkpoint, context_length: int) -> ModuleStage:
    """The exporter's modules with the weights of a checkpoint, before anything is rounded."""
    decoder = load_module(checkpoint, "text_decoder", context_length)
    assert isinstance(decoder, StaticDecoder)
    call = DecoderCall(decoder)
    parts = ModuleParts(
        encoder=load_module(checkpoint, "vision_encoder"),
        embed=_table(load_module(checkpoint, "token_embedding")),
        decoder=decoder,
        prefill=call,
        decode=call,
    )
    return ModuleStage(MODULES, parts, checkpoint.spec.family)


def is_rounded(tasks: Tasks) -> bool:
    """Whether a recipe leaves any component other than float, so that its modules differ."""
    return any(task.config.precision not in FLOATS for task in tasks.values())


def recipe_modules(
    checkpoint: Checkpoint, tasks: Tasks, report: Callable[[Component, str], None]
) -> ModuleStage:
    """Modules with the weights, and on the HTP the ranges, that an artifact's files have.

    Raises:
        UserError: If a weight or sample does not fit.
    """
    with without_graph_bookkeeping():
        encoder, context = _encoder(checkpoint, tasks["vision_encoder"], report), _context(tasks)
        embed = _embedding(checkpoint, tasks["token_embedding"], report)
        decoder, prefill, decode = _decoder(checkpoint, tasks["text_decoder"], context, report)
    is_fixed = _is_for_htp(tasks["text_decoder"].config)
    parts = ModuleParts(
        encoder,
        embed,
        decoder,
        prefill,
        decode,
        _turned_keys(tasks, decoder),
        _CODE if is_fixed else _DIGIT,
    )
    return ModuleStage(RECIPE, parts, checkpoint.spec.family)


def file_stage(artifact: Artifact, checkpoint: Checkpoint, mode: Mode) -> FileStage:
    """The artifact's files.

    Raises:
        UserError: If they are unusable.
    """
    manifest, head_dim = artifact.manifest, checkpoint.spec.text.head_dim
    place = "CPU" if manifest.soc is None else f"{manifest.soc} emulator"
    is_fixed = manifest.component("text_decoder").precision not in FLOATS
    turns = is_fixed and manifest.htp is not None and manifest.htp.rotate_keys
    return FileStage(
        f".pte on {place}",
        RunFiles.of(artifact),
        checkpoint.spec.family,
        RunOptions(mode=mode),
        _back(head_dim) if turns else None,
    )


def _encoder(
    checkpoint: Checkpoint, task: Task, report: Callable[[Component, str], None]
) -> nn.Module:
    if task.config.precision in FLOATS:
        return load_module(checkpoint, "vision_encoder")
    return _modules(checkpoint, task, report)["forward"]


def _embedding(
    checkpoint: Checkpoint, task: Task, report: Callable[[Component, str], None]
) -> Callable[[Sequence[int]], Array]:
    if task.config.precision in FLOATS:
        return _table(load_module(checkpoint, "token_embedding"))
    return _table(_modules(checkpoint, task, report)["tok_embedding_kv_forward"])


def _decoder(
    checkpoint: Checkpoint, task: Task, context: int, report: Callable[[Component, str], None]
) -> tuple[StaticDecoder, DecoderCall, DecoderCall]:
    config = task.config
    if config.precision in FLOATS:
        decoder = load_module(checkpoint, "text_decoder", context)
        assert isinstance(decoder, StaticDecoder)
        return decoder, DecoderCall(decoder), DecoderCall(decoder)
    methods = _modules(checkpoint, task, report)
    if not _is_for_htp(config):
        decoder = cast(StaticDecoder, methods["kv_forward"])
        return decoder, DecoderCall(decoder), DecoderCall(decoder)
    decode = DecoderCall(methods["kv_forward"], config.decode_ar)
    if config.prefill_ar is None:
        return htp_decoder(checkpoint, context), decode, decode
    prefill = DecoderCall(methods["prefill_forward"], config.prefill_ar)
    return htp_decoder(checkpoint, context), prefill, decode


def _modules(
    checkpoint: Checkpoint, task: Task, report: Callable[[Component, str], None]
) -> dict[str, nn.Module]:
    """Modules by method; on the CPU one serves all of them."""
    config = task.config

    def tell(stage: str) -> None:
        report(config.component, stage)

    if not _is_for_htp(config):
        module = component_module(checkpoint, task, tell)
        return dict.fromkeys(("forward", "kv_forward", "tok_embedding_kv_forward"), module)
    conversations = tokenized_samples(checkpoint, task.calibration)
    methods, _ = component_methods(checkpoint, config, conversations, tell)
    return {name: method.module for name, method in methods.items()}


def _is_for_htp(config: BuildConfig) -> bool:
    return config.soc is not None


def _context(tasks: Tasks) -> int:
    context = tasks["text_decoder"].config.context_length
    assert context is not None
    return context


def _table(module: nn.Module) -> Callable[[Sequence[int]], Array]:
    """Rows of ids, one call for each where a graph takes one alone."""

    def embed(ids: Sequence[int]) -> Array:
        with torch.no_grad():
            rows = [module(torch.tensor([[one]], dtype=torch.int32))[0] for one in ids]
        found: Array = torch.cat(rows).numpy()
        return found

    return embed


def _turned_keys(tasks: Tasks, decoder: StaticDecoder) -> Array | None:
    config = tasks["text_decoder"].config
    turns = config.precision not in FLOATS and config.htp is not None and config.htp.rotate_keys
    return _back(decoder.geometry.head_dim) if turns else None


def _back(head_dim: int) -> Array:
    matrix: Array = HadamardMap(head_dim).matrix.T.numpy()
    return matrix
