"""Which numbers of an HTP graph get which width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from harness.backends.qnn.recipe import LayerOverride, WeightScheme

if TYPE_CHECKING:
    from torchao.quantization.pt2e.quantizer import Quantizer

_DTYPES = {"16a8w": "use_16a8w", "16a4w": "use_16a4w", "16a4w_block": "use_16a4w_block"}


def make_quantizer(
    scheme: WeightScheme,
    soc: str,
    *,
    block_size: int,
    kv_bits: Literal[8, 16] | None = None,
    overrides: Sequence[LayerOverride] = (),
) -> Quantizer:
    """Make the quantizer of one component.

    Activations are affine 16-bit per tensor, observed by minimum and maximum: a moving average
    would forget, and a cache that starts empty would ruin it. Weights of linears and convolutions
    follow the scheme; weights in blocks are for convolutions only.

    Args:
        scheme: Of the weights.
        soc: SoC that the graph is for.
        block_size: Inputs that share one scale in ``16a4w_block``.
        kv_bits: 8 keeps K and V in 8 bits up to the cache; None for a graph without a cache.
        overrides: Later ones win.
    """
    import torch
    from executorch.backends.qualcomm.quantizer.custom_annotation import annotate_kv_8bit
    from executorch.backends.qualcomm.quantizer.quant_recipe import (
        QuantGranularity,
        QuantRecipe,
    )
    from executorch.backends.qualcomm.quantizer.quantizer import QnnQuantizer, QuantDtype
    from executorch.backends.qualcomm.serialization.qc_schema import (
        QcomChipset,
        QnnExecuTorchBackendType,
    )
    from torchao.quantization.pt2e import MinMaxObserver

    def details(scheme: WeightScheme) -> dict[str, object]:
        per_block = scheme == "16a4w_block"
        return {
            "quant_dtype": getattr(QuantDtype, _DTYPES[scheme]),
            "is_qat": False,
            "act_observer": MinMaxObserver,
            "granularity": (
                QuantGranularity.PER_BLOCK if per_block else QuantGranularity.PER_CHANNEL
            ),
            "extra_kwargs": {"block_size": (1, block_size, 1, 1)} if per_block else {},
        }

    recipe = QuantRecipe(
        QuantDtype.use_16a8w,
        False,
        act_observer=MinMaxObserver,
        granularity=QuantGranularity.PER_TENSOR,
    )
    convolutions = {torch.ops.aten.conv2d.default}
    both = {*convolutions, torch.ops.aten.linear.default}
    recipe.add_node_target(convolutions if scheme == "16a4w_block" else both, **details(scheme))
    for rank, override in enumerate(overrides):
        layers = rf"(?:{override.pattern}).*\.conv$"
        recipe.add_regex({layers}, priority=2 + rank, **details(override.scheme))
    if kv_bits == 8:
        recipe.custom_quant_annotations = [annotate_kv_8bit]
    quantizer: Quantizer = QnnQuantizer(
        backend=QnnExecuTorchBackendType.kHtpBackend, soc_model=QcomChipset[soc]
    )
    quantizer.set_recipe(recipe)
    return quantizer
