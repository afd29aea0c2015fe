"""Lowering to XNNPACK, the host CPU's backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from executorch.exir import EdgeProgramManager
    from torch.export import ExportedProgram
    from torchao.quantization import Int8DynamicActivationIntxWeightConfig

GROUP_SIZE = 32
"""Input features of a linear that share one int4 scale in ``8da4w``."""


def config_8da4w() -> Int8DynamicActivationIntxWeightConfig:
    """The one quantized scheme of linears that XNNPACK has kernels for.

    Weights are symmetric int4, one scale per output channel and group of ``GROUP_SIZE`` inputs;
    activations are int8, asymmetric per token, quantized at run time.
    """
    import torch
    from torchao.quantization import Int8DynamicActivationIntxWeightConfig
    from torchao.quantization.granularity import PerGroup

    return Int8DynamicActivationIntxWeightConfig(
        weight_dtype=torch.int4,  # type: ignore[attr-defined]  # torch 2.13 has no stub for it
        weight_granularity=PerGroup(GROUP_SIZE),
    )


def lower_to_pte(
    methods: Mapping[str, ExportedProgram],
    constants: Mapping[str, object],
    plan_io_memory: bool,
    output: BinaryIO,
) -> None:
    """Lower exported programs into one ``.pte``.

    Weights that several methods share are stored once. What XNNPACK cannot take stays on
    ExecuTorch's portable CPU kernels.

    Args:
        methods: Method name to exported program.
        constants: Constant methods, the file's metadata (contract §2.6).
        plan_io_memory: Whether the file reserves memory for inputs and outputs: yes for the vision
            encoder, no for decoder and token embedding (contract §2.2).
        output: Where the file's bytes go.
    """
    from executorch.exir import ExecutorchBackendConfig
    from executorch.exir.passes import MemoryPlanningPass

    program = _edge(methods, constants).to_executorch(
        ExecutorchBackendConfig(
            memory_planning_pass=MemoryPlanningPass(
                alloc_graph_input=plan_io_memory, alloc_graph_output=plan_io_memory
            )
        )
    )
    program.write_to_file(output)


def _edge(
    methods: Mapping[str, ExportedProgram], constants: Mapping[str, object]
) -> EdgeProgramManager:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    return to_edge_transform_and_lower(
        dict(methods),
        partitioner={name: [XnnpackPartitioner()] for name in methods},
        constant_methods=dict(constants),
        # Quantized embedding and torchao operators are not in the core set the check knows.
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
