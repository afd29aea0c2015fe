"""Lowering to the HTP with Qualcomm's compiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from harness.backends.qnn.compiler_log import DdrTraffic, read_ddr_traffic
from harness.backends.qnn.native_log import STDOUT, captured_native_log
from harness.backends.qnn.soc import Soc

if TYPE_CHECKING:
    import torch
    from executorch.exir import EdgeProgramManager
    from torch import Tensor, fx, nn

_OLDEST_ARCH_WITH_SHARED_WEIGHTS = 73
"""The compiler takes older ones, whose phones cannot load what it makes (contract §1.4)."""


@dataclass(frozen=True)
class HtpMethod:
    """One graph of a ``.pte``.

    Attributes:
        module: A float module for fp16, else a graph with quantize and dequantize operations.
        inputs: Example inputs.
        input_dtypes: By index, inputs that are handed over as codes instead of float32.
        output_dtypes: The same for outputs.
    """

    module: nn.Module
    inputs: tuple[Tensor, ...]
    input_dtypes: Mapping[int, torch.dtype] = field(default_factory=dict)
    output_dtypes: Mapping[int, torch.dtype] = field(default_factory=dict)


@dataclass(frozen=True)
class CompilerOptions:
    """What the compiler is told.

    Attributes:
        soc: SoC that the file is for.
        fp16: Compute in float16 instead of fixed point.
        for_phone: Share weights between graphs and buffers between processor and HTP, which the
            emulator cannot load (qnn_from_pypi §3). Weights are shared between two graphs or more,
            from HTP v73 on.
    """

    soc: Soc
    fp16: bool
    for_phone: bool


@dataclass(frozen=True)
class LoweredMethod:
    """What became of one method.

    Attributes:
        delegates: Number of parts that run on the HTP.
        cpu_operations: Operations that stay on the CPU, each as often as it occurs.
        context_bytes: Size of the largest compiled context that holds a part of it; contexts hold
            the parts of all methods.
        traffic: DRAM traffic of one call of each part; None if the compiler did not tell it of
            every part of every method, so that nobody knows which part it told it of.
    """

    delegates: int
    cpu_operations: tuple[str, ...]
    context_bytes: int
    traffic: tuple[DdrTraffic, ...] | None


def lower_to_pte(
    methods: Mapping[str, HtpMethod],
    constants: Mapping[str, object],
    options: CompilerOptions,
    plan_io_memory: bool,
    output: BinaryIO,
) -> dict[str, LoweredMethod]:
    """Compile methods into one ``.pte`` with one context per part.

    The provider must be active. See :func:`harness.backends.xnnpack.lower_to_pte` for
    ``constants``, ``plan_io_memory`` and ``output``.

    Returns:
        What became of each method.
    """
    from executorch.backends.qualcomm._passes.build_quant_io import BuildQuantIo
    from executorch.exir import ExecutorchBackendConfig
    from executorch.exir.passes import MemoryPlanningPass

    edge, traffic = _compiled(methods, constants, options)
    program = edge.to_executorch(
        ExecutorchBackendConfig(
            passes=[BuildQuantIo()],
            memory_planning_pass=MemoryPlanningPass(
                alloc_graph_input=plan_io_memory, alloc_graph_output=plan_io_memory
            ),
        )
    )
    program.write_to_file(output)
    return _lowered(edge, tuple(methods), traffic)


def _compiled(
    methods: Mapping[str, HtpMethod], constants: Mapping[str, object], options: CompilerOptions
) -> tuple[EdgeProgramManager, list[DdrTraffic | None]]:
    """Let Qualcomm's compiler work, and read what it says of each graph."""
    from executorch.backends.qualcomm.utils.utils import to_edge_transform_and_lower_to_qnn

    specs = {name: _compile_specs(options, len(methods)) for name in methods}
    log: list[str] = []
    try:
        with captured_native_log(STDOUT) as log:
            edge: EdgeProgramManager = to_edge_transform_and_lower_to_qnn(
                {name: method.module for name, method in methods.items()},
                {name: method.inputs for name, method in methods.items()},
                specs,
                constant_methods=dict(constants),
                passes_job={name: _passes(method) for name, method in methods.items()},
            )
    finally:
        # The reason of a failure is in there, for whoever reads the export's log.
        print(*log, sep="\n")
    return edge, read_ddr_traffic(log)


def _compile_specs(options: CompilerOptions, graphs: int) -> list[object]:
    from executorch.backends.qualcomm.serialization.qc_schema import QcomChipset
    from executorch.backends.qualcomm.utils.utils import (
        generate_htp_compiler_spec,
        generate_qnn_executorch_compiler_spec,
    )

    can_share = graphs > 1 and options.soc.htp_arch >= _OLDEST_ARCH_WITH_SHARED_WEIGHTS
    htp = generate_htp_compiler_spec(
        use_fp16=options.fp16, use_weight_sharing=options.for_phone and can_share
    )
    specs: list[object] = generate_qnn_executorch_compiler_spec(
        soc_model=QcomChipset[options.soc.name],
        backend_options=htp,
        shared_buffer=options.for_phone,
    )
    return specs


def _passes(method: HtpMethod) -> object:
    """Qualcomm's own passes, told which inputs and outputs are codes."""
    from executorch.backends.qualcomm._passes import TagQuantIO
    from executorch.backends.qualcomm._passes.qnn_pass_manager import get_qnn_pass_manager_cls
    from executorch.backends.qualcomm.utils.constants import (
        QCOM_PASS_ACTIVATE_KEY,
        QCOM_PASS_ARGS_KWARGS_DEFAULTS_KEY,
    )

    passes = get_qnn_pass_manager_cls().get_capture_program_passes()
    if method.input_dtypes or method.output_dtypes:
        job = passes[TagQuantIO]
        job[QCOM_PASS_ACTIVATE_KEY] = True
        job[QCOM_PASS_ARGS_KWARGS_DEFAULTS_KEY]["get_quant_io_dtype_fn"] = _CodeTensors(method)
    return passes


class _CodeTensors:
    """Tells the dtype of inputs and outputs that are codes, by their place in the signature.

    Upstream goes by shape, which mistakes one tensor for another as soon as two sizes of a model
    coincide (contract §8, trap 4).
    """

    def __init__(self, method: HtpMethod) -> None:
        self._method = method

    def __call__(self, node: fx.Node) -> torch.dtype | None:
        if node.op == "placeholder":
            inputs = _user_inputs(node.graph, len(self._method.inputs))
            return self._method.input_dtypes.get(inputs.index(node)) if node in inputs else None
        outputs = _outputs(node.graph)
        return self._method.output_dtypes.get(outputs.index(node)) if node in outputs else None


def _user_inputs(graph: fx.Graph, count: int) -> list[fx.Node]:
    """Weights and buffers are lifted in front of a graph's own inputs."""
    return [node for node in graph.nodes if node.op == "placeholder"][-count:]


def _outputs(graph: fx.Graph) -> Sequence[fx.Node]:
    outputs: Sequence[fx.Node] = next(node for node in graph.nodes if node.op == "output").args[0]
    return outputs


def _lowered(
    edge: EdgeProgramManager, methods: Sequence[str], traffic: Sequence[DdrTraffic | None]
) -> dict[str, LoweredMethod]:
    contexts = {name: _contexts(edge, name) for name in methods}
    told = [one for one in traffic if one is not None]
    told_all = len(told) == len(traffic) == sum(map(len, contexts.values()))
    return {
        name: LoweredMethod(
            delegates=len(contexts[name]),
            cpu_operations=_cpu_operations(edge, name),
            context_bytes=max(contexts[name], default=0),
            # Parts are compiled one after the other, and of each part one graph per method.
            traffic=tuple(told[index :: len(methods)]) if told_all else None,
        )
        for index, name in enumerate(methods)
    }


def _contexts(edge: EdgeProgramManager, method: str) -> list[int]:
    """Sizes of the compiled contexts that hold the parts of a method."""
    return [
        len(module.processed_bytes)
        for _, module in edge.exported_program(method).graph_module.named_children()
        if hasattr(module, "processed_bytes")
    ]


def _cpu_operations(edge: EdgeProgramManager, method: str) -> tuple[str, ...]:
    graph = edge.exported_program(method).graph_module.graph
    names = [str(node.target) for node in graph.nodes if node.op == "call_function"]
    return tuple(sorted(name for name in names if "getitem" not in name and "delegate" not in name))
