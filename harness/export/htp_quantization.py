"""Float modules to graphs with fixed-point encodings for the HTP.

One float module becomes one graph per method. Their observers have equal names where their
topology is equal, so encodings found with one graph can be copied to another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torchao.quantization.pt2e.quantizer import Quantizer

Inputs = tuple[Tensor, ...]
_RANGE = ("min_val", "max_val")


@dataclass(frozen=True)
class Encoding:
    """Affine encoding of a tensor: ``real = (code - zero_point) * scale``."""

    scale: float
    zero_point: int
    code_min: int
    code_max: int


def prepare(module: nn.Module, inputs: Inputs, quantizer: Quantizer) -> fx.GraphModule:
    """Trace a module and put observers where the quantizer wants them."""
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    # The guards would become users of every input and be observed as if they computed something.
    graph = torch.export.export(module, inputs, strict=True).module(check_guards=False)
    prepared: fx.GraphModule = prepare_pt2e(graph, quantizer)
    return prepared


def convert(prepared: fx.GraphModule) -> fx.GraphModule:
    """Replace observers by quantize and dequantize operations with their encodings."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    converted: fx.GraphModule = convert_pt2e(prepared)
    return converted


def copy_ranges(source: fx.GraphModule, destination: fx.GraphModule) -> None:
    """Give a graph the activation ranges of another graph of the same module.

    Raises:
        ValueError: If the graphs differ in more than the shapes of their tensors.
    """
    observed = _observers(source)
    for name, observer in _observers(destination).items():
        if name not in observed:
            raise ValueError(f"observer {name} has no twin in the calibrated graph")
        for bound in _RANGE:
            getattr(observer, bound).copy_(getattr(observed[name], bound))


def observe_whole_tables(prepared: fx.GraphModule) -> None:
    """Show every lookup's observer the whole table instead of the rows that calibration hit.

    Rows that no sample reached (the rotary tables' late positions) would saturate.
    """
    for node in prepared.graph.nodes:
        if node.target is not torch.ops.aten.index.Tensor or node.args[0].op != "get_attr":
            continue
        table = _attribute(prepared, node.args[0].target)
        for user in node.users:
            if user.op == "call_module":
                prepared.get_submodule(str(user.target))(table)


def join_cache_ranges(prepared: fx.GraphModule, first_cache: int, layers: int) -> None:
    """Let each cache input and the output that fills it share one range.

    Args:
        prepared: A decoder: caches are its last ``2 * layers`` inputs and outputs.
        first_cache: Index of the first cache among the inputs.
        layers: K of every layer comes first, then V of every layer.
    """
    inputs = [node for node in prepared.graph.nodes if node.op == "placeholder"]
    outputs = next(node for node in prepared.graph.nodes if node.op == "output").args[0]
    for index in range(2 * layers):
        nodes = [*inputs[first_cache + index].users, outputs[1 + index]]
        observers = {
            prepared.get_submodule(str(node.target)) for node in nodes if node.op == "call_module"
        }
        lowest = torch.stack([observer.min_val for observer in observers]).amin(dim=0)
        highest = torch.stack([observer.max_val for observer in observers]).amax(dim=0)
        for observer in observers:
            observer.min_val.copy_(lowest)
            observer.max_val.copy_(highest)


def output_encodings(converted: fx.GraphModule) -> list[Encoding]:
    """Encodings of a converted graph's outputs, in their order."""
    outputs = next(node for node in converted.graph.nodes if node.op == "output").args[0]
    return [_encoding(node) for node in outputs]


def _encoding(dequantize: fx.Node) -> Encoding:
    scale, zero_point, code_min, code_max = dequantize.args[1:5]
    return Encoding(float(scale), int(zero_point), int(code_min), int(code_max))


def _observers(prepared: fx.GraphModule) -> dict[str, nn.Module]:
    """Activation observers by name; those of weights see the same numbers in every graph."""
    return {
        name: module
        for name, module in prepared.named_modules()
        if name.startswith("activation_post_process") and hasattr(module, "min_val")
    }


def _attribute(module: nn.Module, path: str) -> Tensor:
    owner, _, name = path.rpartition(".")
    value = getattr(module.get_submodule(owner) if owner else module, name)
    assert isinstance(value, Tensor)
    return value
