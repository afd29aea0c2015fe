"""Graphs to programs whose parts Qualcomm's compiler has compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.backends.qnn.parameter_lookups import quick_parameter_lookups
from harness.backends.qnn.weights_held_once import weights_held_once
from harness.errors import UserError
from harness.machine_memory import collect_garbage
from harness.targets.soc import Soc

if TYPE_CHECKING:
    import torch
    from executorch.exir import EdgeProgramManager
    from torch import Tensor, fx, nn
    from torch.export import ExportedProgram

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
            emulator cannot load (contract §6.6). Weights are shared between two graphs or more,
            from HTP v73 on.
    """

    soc: Soc
    fp16: bool
    for_phone: bool


def delegate(
    methods: Mapping[str, HtpMethod], constants: Mapping[str, object], options: CompilerOptions
) -> EdgeProgramManager:
    """Hand the methods' parts to Qualcomm's compiler.

    Does what upstream's ``to_edge_transform_and_lower_to_qnn`` does, in less time: graphs are
    traced without ``torch._dynamo``, which finds nothing in what has been traced before, and
    decomposed once instead of three times. Upstream also decomposes ``stack`` and ``unbind`` of
    integers, which our graphs have none of.

    Args:
        methods: By name; their parts share contexts.
        constants: Constant methods.
        options: What the compiler is told.
    """
    from executorch.backends.qualcomm.partition.qnn_partitioner import QnnPartitioner
    from executorch.backends.qualcomm.utils.qnn_manager_lifecycle import QnnManagerContext
    from executorch.backends.qualcomm.utils.qnn_sdk_setup import (
        disable_mkldnn_on_amd,
        setup_qnn_sdk,
    )

    setup_qnn_sdk()
    disable_mkldnn_on_amd()
    specs = {name: _compile_specs(options, len(methods)) for name in methods}
    with QnnManagerContext(specs):
        edge = _in_qualcomms_dialect(methods, constants, specs)
        # Behind that lie copies of every graph, and the compiler takes the most memory.
        collect_garbage()
        with quick_parameter_lookups(), weights_held_once(edge):
            lowered: EdgeProgramManager = edge.to_backend(
                {name: QnnPartitioner(spec) for name, spec in specs.items()}
            )
    for name in methods:
        _check_nothing_is_left(name, lowered.exported_program(name))
    return lowered


def _check_nothing_is_left(method: str, program: ExportedProgram) -> None:
    """Refuse what no processor runs, as upstream does.

    Raises:
        RuntimeError: If an operator that was kept whole for the compiler was not taken by it.
    """
    from executorch.backends.qualcomm.partition.utils import get_skip_decomp_table
    from executorch.exir.program._program import _sanity_check_graph_for_non_decomp_ops

    _sanity_check_graph_for_non_decomp_ops(
        method, program, get_skip_decomp_table(), None, generate_error=True
    )


def _in_qualcomms_dialect(
    methods: Mapping[str, HtpMethod],
    constants: Mapping[str, object],
    specs: Mapping[str, list[object]],
) -> EdgeProgramManager:
    """Graphs of operators that the compiler knows."""
    import torch
    from executorch.backends.qualcomm._passes.qnn_pass_manager import get_qnn_pass_manager_cls
    from executorch.backends.qualcomm.partition.utils import get_skip_decomp_table
    from executorch.backends.qualcomm.utils.utils import qnn_edge_config
    from executorch.exir import to_edge
    from executorch.exir.program._program import lift_constant_tensor_pass

    programs, passes = {}, {}
    for name, method in methods.items():
        exported = torch.export.export(method.module, method.inputs, strict=False)
        manager = get_qnn_pass_manager_cls()()
        programs[name] = manager.transform_for_export_pipeline(exported)
        passes[name] = manager.get_to_edge_transform_passes(
            exported, passes_job=_passes(method), compiler_specs=specs[name]
        )
    config = replace(qnn_edge_config(), preserve_ops=get_skip_decomp_table())
    edge = to_edge(programs, dict(constants), compile_config=config)
    with quick_parameter_lookups():
        edge = edge.transform(passes)
    for name in methods:
        lift_constant_tensor_pass(edge.exported_program(name))
    return edge


def _compile_specs(options: CompilerOptions, graphs: int) -> list[object]:
    from executorch.backends.qualcomm.utils.utils import (
        generate_htp_compiler_spec,
        generate_qnn_executorch_compiler_spec,
    )

    can_share = graphs > 1 and options.soc.htp_arch >= _OLDEST_ARCH_WITH_SHARED_WEIGHTS
    htp = generate_htp_compiler_spec(
        use_fp16=options.fp16, use_weight_sharing=options.for_phone and can_share
    )
    specs: list[object] = generate_qnn_executorch_compiler_spec(
        soc_model=_chipset(options.soc), backend_options=htp, shared_buffer=options.for_phone
    )
    return specs


def _chipset(soc: Soc) -> object:
    """ExecuTorch's name for a SoC.

    Raises:
        UserError: If the ExecuTorch that is installed has none.
    """
    from executorch.backends.qualcomm.serialization.qc_schema import QcomChipset

    if soc.name not in QcomChipset.__members__:
        raise UserError(
            f"ExecuTorch {version('executorch')} cannot compile for {soc.name}: its QcomChipset "
            "has no such SoC; install one that has, or give another --soc."
        )
    return QcomChipset[soc.name]


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
    coincide (contract §6.6).
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
