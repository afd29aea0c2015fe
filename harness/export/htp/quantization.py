"""Float modules to graphs with fixed-point encodings for the HTP.

One float module becomes one graph per method. Their observers have equal names where their
topology is equal, so encodings found with one graph can be copied to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import cast

import torch
from torch import Tensor, fx, nn
from torchao.quantization.pt2e.quantizer import Quantizer

from harness.export.htp.observers import counted_names, forget_graphs, uncopied_constructors
from harness.export.htp.quantizer import layer_path
from harness.export.weights.grid import QuantizedWeight

Inputs = tuple[Tensor, ...]
_RANGE = ("min_val", "max_val")


@dataclass(frozen=True)
class GraphEncoding:
    """Affine encoding of a tensor: ``real = (code - zero_point) * scale``."""

    scale: float
    zero_point: int
    code_min: int
    code_max: int


def prepare(
    module: nn.Module,
    inputs: Inputs,
    quantizer: Quantizer,
    weights: Mapping[str, QuantizedWeight] = MappingProxyType({}),
) -> fx.GraphModule:
    """Trace a module and put observers where the quantizer wants them.

    Args:
        module: Float, with the values of the codes in ``weights``.
        inputs: Of one call.
        quantizer: Says what gets which encoding.
        weights: Of layers whose codes are known already, by path.
    """
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

    # The guards would become users of every input and be observed as if they computed something.
    graph = torch.export.export(module, inputs, strict=False).module(check_guards=False)
    with uncopied_constructors(), counted_names():
        prepared: fx.GraphModule = prepare_pt2e(graph, quantizer)
    fix_weight_ranges(prepared, weights)
    return prepared


def fix_weight_ranges(prepared: fx.GraphModule, weights: Mapping[str, QuantizedWeight]) -> None:
    """Give layers the scales that their weights were rounded with.

    Args:
        prepared: An observed graph; its layers have the values of their codes.
        weights: By the layer's path, as a linear or as the convolution that it became.
    """
    for node in prepared.graph.nodes:
        if node.op != "get_attr" or not node.target.endswith(".weight"):
            continue
        quantized = weights.get(layer_path(node.target.removesuffix(".weight")))
        observers = [user for user in node.users if user.op == "call_module"]
        if quantized is None:
            continue
        for observer in map(partial(_observer, prepared), observers):
            # It learns the shape of its ranges from a first call, and takes no second one.
            observer(attrgetter(node.target)(prepared))
            highest = _bound(observer, "max_val")
            highest.copy_((quantized.scales * quantized.grid.code_max).view_as(highest))
            _bound(observer, "min_val").copy_(-highest)


def convert(prepared: fx.GraphModule) -> fx.GraphModule:
    """Replace observers by quantize and dequantize operations with their encodings."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

    converted: fx.GraphModule = convert_pt2e(prepared)
    _drop_unread_weights(converted)
    forget_graphs()
    return converted


def _drop_unread_weights(graph: fx.GraphModule) -> None:
    """Forget what the codes were made from: a graph of codes keeps the float weights, too."""
    nodes = graph.graph.nodes
    if any(node.op == "call_module" for node in nodes) or _has_graphs_within(graph):
        return
    read = {id(attrgetter(node.target)(graph)) for node in nodes if node.op == "get_attr"}
    for module in graph.modules():
        for name, weight in [*module.named_parameters(recurse=False)]:
            if id(weight) not in read:
                delattr(module, name)


def _has_graphs_within(graph: fx.GraphModule) -> bool:
    """Whether a graph calls other graphs, which may read what it does not."""
    return any(isinstance(one, fx.GraphModule) for one in graph.modules() if one is not graph)


def share_weights(first: fx.GraphModule, *others: fx.GraphModule) -> None:
    """Let graphs of one module hold equal codes and tables once: nobody writes them."""
    known = dict(first.named_buffers())
    for graph in others:
        for name, tensor in [*graph.named_buffers()]:
            twin = known.get(name)
            if twin is not None and twin.dtype == tensor.dtype and torch.equal(twin, tensor):
                owner, _, own_name = name.rpartition(".")
                setattr(graph.get_submodule(owner), own_name, twin)


def copy_ranges(source: fx.GraphModule, destination: fx.GraphModule) -> None:
    """Give a graph the activation ranges of another graph of the same module.

    Raises:
        ValueError: If the graphs differ in more than the shapes of their tensors.
    """
    observed, twins = _observers(source), _observers(destination)
    if alone := sorted(observed.keys() ^ twins.keys()):
        raise ValueError(f"observers without a twin in the other graph: {', '.join(alone)}")
    for name, observer in twins.items():
        for bound in _RANGE:
            _bound(observer, bound).copy_(_bound(observed[name], bound))


def observe_whole_tables(prepared: fx.GraphModule) -> None:
    """Show every lookup's observer the whole table instead of the rows that calibration hit.

    Rows that no sample reached (the rotary tables' late positions) would saturate.
    """
    for node in prepared.graph.nodes:
        if node.target is not torch.ops.aten.index.Tensor or node.args[0].op != "get_attr":
            continue
        table = attrgetter(node.args[0].target)(prepared)
        for user in node.users:
            if user.op == "call_module":
                prepared.get_submodule(str(user.target))(table)


def join_cache_ranges(prepared: fx.GraphModule, layers: int) -> None:
    """Let each cache input and the output that fills it share one range."""
    for observers in _cache_observers(prepared, layers):
        _join(observers)


def widen_cache_ranges(prepared: fx.GraphModule, layers: int, factor: float) -> None:
    """Multiply the range of every K and V, once they are joined."""
    for observers in _cache_observers(prepared, layers):
        for observer in observers:
            for bound in _RANGE:
                _bound(observer, bound).mul_(factor)


def join_logits_ranges(*graphs: fx.GraphModule) -> None:
    """Let the logits of several graphs share one range, since a file states it once."""
    _join([_observer(graph, _outputs(graph)[0]) for graph in graphs])


def _cache_observers(prepared: fx.GraphModule, layers: int) -> list[list[nn.Module]]:
    """Observers of each cache: caches are a decoder's last ``2 * layers`` inputs and outputs."""
    inputs = [node for node in prepared.graph.nodes if node.op == "placeholder"][-2 * layers :]
    found = []
    for node, output in zip(inputs, _outputs(prepared)[1:], strict=True):
        modules = [one for one in [*node.users, output] if one.op == "call_module"]
        # A cache and its new columns may already share one observer.
        unique = {id(module): module for one in modules for module in [_observer(prepared, one)]}
        found.append(list(unique.values()))
    return found


def _join(observers: Sequence[nn.Module]) -> None:
    lowest = torch.stack([_bound(one, "min_val") for one in observers]).amin(dim=0)
    highest = torch.stack([_bound(one, "max_val") for one in observers]).amax(dim=0)
    for observer in observers:
        _bound(observer, "min_val").copy_(lowest)
        _bound(observer, "max_val").copy_(highest)


def _bound(observer: nn.Module, name: str) -> Tensor:
    value = getattr(observer, name)
    assert isinstance(value, Tensor)
    return value


def _observer(prepared: fx.GraphModule, node: fx.Node) -> nn.Module:
    return prepared.get_submodule(str(node.target))


def _outputs(graph: fx.GraphModule) -> Sequence[fx.Node]:
    outputs: Sequence[fx.Node] = next(
        node for node in graph.graph.nodes if node.op == "output"
    ).args[0]
    return outputs


def output_encodings(converted: fx.GraphModule) -> list[GraphEncoding]:
    """Encodings of a converted graph's outputs, in their order."""
    return [_encoding(node) for node in _outputs(converted)]


def _encoding(dequantize: fx.Node) -> GraphEncoding:
    scale, zero_point, code_min, code_max = cast(tuple[float, int, int, int], dequantize.args[1:5])
    return GraphEncoding(scale, zero_point, code_min, code_max)


def _observers(prepared: fx.GraphModule) -> dict[str, nn.Module]:
    """Activation observers by name; those of weights see the same numbers in every graph."""
    return {
        name: module
        for name, module in prepared.named_modules()
        if name.startswith("activation_post_process") and hasattr(module, "min_val")
    }
