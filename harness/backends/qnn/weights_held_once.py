"""Weights that Qualcomm's compiler reads where they lie, instead of from copies of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from executorch.exir import EdgeProgramManager
    from torch import Tensor, UntypedStorage, fx
    from torch.export import ExportedProgram

_COPY = "copy_exported_program_for_preprocess"
"""The backend's hook for what is handed to it, which it may change."""

_CONVOLUTION, _DEQUANTIZED = "aten.convolution.default", "dequantize"
_WEIGHT, _IS_TRANSPOSED = 1, 6
"""Places of a convolution's arguments."""

_AS_COMPILED = (2, 3, 1, 0)
"""A convolution's weight is handed to the compiler as height, width, inputs, outputs."""
_AS_STORED = (3, 2, 0, 1)
"""The way back from there."""


@contextmanager
def weights_held_once(edge: EdgeProgramManager) -> Iterator[None]:
    """Hold weights once while the compiler works, however many graphs use them.

    Otherwise each graph's program is copied for it with all weights, each weight of a convolution
    is arranged anew for each graph, and what describes a tensor to the compiler holds a copy, too:
    four copies of a decoder's weights where two graphs share them, beside the compiler's own.
    Weights that are handed over in another form than they have, as those of 4 bits are, are still
    copied for each graph. For a process that exports and does nothing else: ExecuTorch is changed
    for all of its threads.

    Args:
        edge: Graphs in Qualcomm's dialect. Weights of their convolutions, ``[outputs, inputs,
            height, width]`` of any dtype, are arranged in memory as the compiler wants them and
            stay so, for whoever else holds them, too; their values stay.
    """
    from executorch.backends.qualcomm.python import PyQnnManagerAdaptor
    from executorch.backends.qualcomm.qnn_preprocess import QnnBackend

    programs = [edge.exported_program(name) for name in edge.methods]
    for weight in _weights_of_convolutions(programs):
        weight.data = weight.permute(_AS_COMPILED).contiguous().permute(_AS_STORED)
    memories = (one.untyped_storage() for program in programs for one in _weights(program).values())
    # Kept until the end, so that an address that is known stays that of a weight.
    kept = {memory.data_ptr(): memory for memory in memories}
    describe, copied = PyQnnManagerAdaptor.TensorWrapper, QnnBackend.__dict__.get(_COPY)

    def describe_in_place(*arguments: Any) -> Any:
        *others, data, is_copied = arguments
        return describe(*others, data, is_copied and not _is_whole_weight(data, kept))

    try:
        PyQnnManagerAdaptor.TensorWrapper = describe_in_place
        setattr(QnnBackend, _COPY, staticmethod(_copy_of_graph))
        yield
    finally:
        PyQnnManagerAdaptor.TensorWrapper = describe
        with suppress(AttributeError):
            delattr(QnnBackend, _COPY)
        if copied is not None:
            setattr(QnnBackend, _COPY, copied)


def _copy_of_graph(program: ExportedProgram, compile_specs: object) -> ExportedProgram:
    """A program to change, that shares its weights with the one it is a copy of."""
    return copy.deepcopy(program, {id(weight): weight for weight in _weights(program).values()})


def _weights(program: ExportedProgram) -> dict[str, Tensor]:
    from torch import Tensor

    held = {**program.state_dict, **program.constants}
    return {name: one for name, one in held.items() if isinstance(one, Tensor)}


def _weights_of_convolutions(programs: list[ExportedProgram]) -> list[Tensor]:
    """Each once, of those that nothing but convolutions reads.

    Others have to lie as they are: whoever describes them hands their memory over as it is.
    """
    found: dict[int, Tensor] = {}
    elsewhere: set[int] = set()
    for program in programs:
        signature, weights = program.graph_signature, _weights(program)
        names: Mapping[str, str] = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        for node in program.graph.find_nodes(op="placeholder"):
            weight = weights.get(names.get(node.name, ""))
            if weight is None:
                continue
            if all(_convolves(user, node) for user in node.users):
                found[id(weight)] = weight
            else:
                elsewhere.add(id(weight))
    return [
        weight
        for identity, weight in found.items()
        if identity not in elsewhere and weight.dim() == len(_AS_COMPILED)
    ]


def _convolves(user: fx.Node, weight: fx.Node) -> bool:
    """Whether a node is a convolution by a weight, or brings it to convolutions alone."""
    if _DEQUANTIZED in str(user.target):
        return user.args[0] is weight and all(_convolves(one, user) for one in user.users)
    return (
        _CONVOLUTION in str(user.target)
        and user.args[_WEIGHT] is weight
        and not user.args[_IS_TRANSPOSED]
    )


def _is_whole_weight(data: np.ndarray[Any, Any], kept: Mapping[int, UntypedStorage]) -> bool:
    memory = kept.get(data.ctypes.data)
    return memory is not None and 0 < memory.nbytes() == data.nbytes
