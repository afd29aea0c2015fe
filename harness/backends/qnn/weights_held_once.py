"""Weights that Qualcomm's compiler reads where they lie, instead of from copies of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from executorch.exir import EdgeProgramManager
    from torch import Tensor
    from torch.export import ExportedProgram

    Place = tuple[int, tuple[int, ...], tuple[int, ...]]

_AS_COMPILED = (2, 3, 1, 0)
"""A convolution's weight is handed to the compiler as height, width, inputs, outputs."""
_AS_STORED = (3, 2, 0, 1)
"""The way back from there."""


@contextmanager
def weights_held_once(edge: EdgeProgramManager) -> Iterator[None]:
    """Hold each weight once while the compiler works, however many graphs use it.

    Otherwise each graph's program is copied for it with all weights, each weight of a convolution
    is arranged anew for each graph, and what describes a tensor to the compiler holds a copy, too:
    four copies of a decoder's weights where two graphs share them, beside the compiler's own. For
    a process that exports and does nothing else: ExecuTorch is changed for all of its threads.

    Args:
        edge: Graphs in Qualcomm's dialect, whose weights stay as they are in value; those of
            convolutions are arranged in memory as the compiler wants them.
    """
    from executorch.backends.qualcomm.python import PyQnnManagerAdaptor
    from executorch.backends.qualcomm.qnn_preprocess import QnnBackend

    weights = [weight for name in edge.methods for weight in _weights(edge.exported_program(name))]
    _arrange(weights)
    # The weights are kept until the end: an address that is known stays that of a weight.
    sizes = {weight.data_ptr(): weight.untyped_storage().nbytes() for weight in weights}
    describe, copied = PyQnnManagerAdaptor.TensorWrapper, QnnBackend.__dict__.get(_COPY)

    def describe_in_place(*arguments: Any) -> Any:
        *others, data, is_copied = arguments
        return describe(*others, data, is_copied and not _is_whole_weight(data, sizes))

    try:
        PyQnnManagerAdaptor.TensorWrapper = describe_in_place
        setattr(QnnBackend, _COPY, staticmethod(_copy_of_graph))
        yield
    finally:
        PyQnnManagerAdaptor.TensorWrapper = describe
        if copied is None:
            delattr(QnnBackend, _COPY)
        else:
            setattr(QnnBackend, _COPY, copied)


_COPY = "copy_exported_program_for_preprocess"
"""The backend's hook for what is handed to it, which it may change."""


def _copy_of_graph(program: ExportedProgram, compile_specs: object) -> ExportedProgram:
    """A program to change, that shares its weights with the one it is a copy of."""
    return copy.deepcopy(program, {id(weight): weight for weight in _weights(program)})


def _weights(program: ExportedProgram) -> list[Tensor]:
    from torch import Tensor

    held = (*program.state_dict.values(), *program.constants.values())
    return [one for one in held if isinstance(one, Tensor)]


def _arrange(weights: Sequence[Tensor]) -> None:
    """Lay weights of convolutions out as the compiler wants them, those that share memory once."""
    arranged: dict[Place, Tensor] = {}
    for weight in weights:
        if weight.dim() != len(_AS_COMPILED) or not weight.is_contiguous():
            continue
        place = (weight.data_ptr(), tuple(weight.shape), weight.stride())
        if place not in arranged:
            arranged[place] = weight.permute(_AS_COMPILED).contiguous().permute(_AS_STORED)
        weight.data = arranged[place]


def _is_whole_weight(data: np.ndarray[Any, Any], sizes: dict[int, int]) -> bool:
    return bool(data.nbytes) and sizes.get(data.ctypes.data) == data.nbytes
