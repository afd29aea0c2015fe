"""One component for the CPU: weights in, one ``.pte`` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from harness.backends import xnnpack
from harness.backends.lean_lowering import lean_passes, without_collections
from harness.backends.weight_recipe import WeightRecipe
from harness.backends.weights_in_files import weights_in_files
from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.component import (
    decoder_constants,
    load_module,
    method_inputs,
    open_extents,
)
from harness.export.graphs.samples import (
    LONGEST_OWN_SAMPLE,
    embedded_samples,
    own_samples,
    tokenized_samples,
)
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.graphs.token_embedding import (
    Int4TokenEmbedding,
    Int8TokenEmbedding,
    TokenEmbedding,
)
from harness.export.inputs.build_config import BuildConfig
from harness.export.weights.turned_decoder import turn_hidden_states
from harness.export.worker.linear_weights import quantize_linears
from harness.export.worker.messages import ReportStage, Task
from harness.export.worker.modules import as_xnnpack_takes_it


def build_component(checkpoint: Checkpoint, task: Task, report: ReportStage) -> None:
    """Export one component.

    Args:
        checkpoint: Where the weights are.
        task: What to build, and the ``.pte`` to write.
        report: Told the name of each stage as it begins.

    Raises:
        UserError: If a weight is missing or left over.
    """
    module = component_module(checkpoint, task, report)
    with without_collections():
        _write(module, checkpoint, task, report)


def component_module(checkpoint: Checkpoint, task: Task, report: ReportStage) -> nn.Module:
    """A component as its file will compute, still in torch.

    Args:
        checkpoint: Where the weights are.
        task: What to build, from which samples.
        report: Told the name of each stage as it begins.

    Raises:
        UserError: If a weight is missing or left over.
    """
    config = task.config
    report("weights")
    rows = _rows(checkpoint, task)
    module = load_module(checkpoint, config.component, config.context_length)
    if config.precision == "fp32":
        return module
    report("quantize")
    return _quantized(module, config, rows)


def _write(module: nn.Module, checkpoint: Checkpoint, task: Task, report: ReportStage) -> None:
    report("export")
    config = task.config
    extents: dict[str, tuple[object, ...]] = {}
    constants: dict[str, int | bool] = {}
    if isinstance(module, StaticDecoder):
        module, extents = as_xnnpack_takes_it(module), open_extents(config)
        constants = decoder_constants(checkpoint.spec, config)
    methods = exported_methods(module, method_inputs(checkpoint.spec, config, module), extents)
    report("lower")
    with (
        task.output.open("wb") as file,
        weights_in_files(task.output.parent),
        lean_passes(),
    ):
        xnnpack.lower_to_pte(
            methods, constants, plan_io_memory=config.component == "vision_encoder", output=file
        )


def exported_methods(
    module: nn.Module,
    inputs: Mapping[str, tuple[Tensor, ...]],
    extents: Mapping[str, tuple[object, ...]],
) -> dict[str, ExportedProgram]:
    """Graphs of a component's methods.

    Args:
        module: Of all of them; without gradients from then on.
        inputs: Examples, by method.
        extents: Which of their extents stay open, where some do.
    """
    module.requires_grad_(False)
    with torch.no_grad():
        return {
            name: torch.export.export(
                module,
                examples,
                strict=False,
                dynamic_shapes=extents.get(name),
                # It cannot prove of open extents that a view of the scores has as many elements.
                prefer_deferred_runtime_asserts_over_guards=True,
            )
            for name, examples in inputs.items()
        }


def _rows(checkpoint: Checkpoint, task: Task) -> list[Tensor]:
    """What a decoder of 4-bit weights reads while they are found, ``[tokens, hidden]`` each."""
    config = task.config
    is_decoder = config.component == "text_decoder"
    if not is_decoder or config.weights is None or not config.weights.reads_samples:
        return []
    samples = task.calibration or own_samples(whole=config.weights.rounding == "learned")
    embedded = embedded_samples(checkpoint, tokenized_samples(checkpoint, samples))
    rows = (torch.cat([segment.rows for segment in segments]) for segments in embedded)
    longest = config.context_length
    assert longest is not None
    if not task.calibration:
        longest = min(longest, LONGEST_OWN_SAMPLE)
    return [one[:longest] for one in rows]


def _quantized(module: nn.Module, config: BuildConfig, rows: Sequence[Tensor]) -> nn.Module:
    if isinstance(module, TokenEmbedding):
        table = module.embedding.weight.detach()
        return Int4TokenEmbedding(table) if config.precision == "4w" else Int8TokenEmbedding(table)
    if config.rotates_hidden:
        assert isinstance(module, StaticDecoder)
        turn_hidden_states(module)
    quantize_linears(module, config.precision, config.weights or WeightRecipe(), rows)
    return module
