"""A component's float32 module with the weights of a checkpoint."""

from __future__ import annotations

from torch import nn

from harness.errors import UserError
from harness.export.graphs.text_decoder import StaticAttention, StaticDecoder
from harness.export.graphs.token_embedding import TokenEmbedding
from harness.export.inputs.checkpoint import Checkpoint
from harness.vlm.family_parts import load_part
from harness.vocabulary import Component


def load_module(
    checkpoint: Checkpoint,
    component: Component,
    context_length: int | None = None,
    attention: type[StaticAttention] = StaticAttention,
) -> nn.Module:
    """Build a component's float32 module with its weights.

    Args:
        checkpoint: Where the weights are.
        component: Which module.
        context_length: Of a text decoder; the model's own if None.
        attention: How a text decoder's attention is written.

    Raises:
        UserError: If a weight is missing, left over or of another shape, or the family has no
            vision encoder.
    """
    spec = checkpoint.spec
    module: nn.Module
    if component == "vision_encoder":
        module = load_part(spec.family, "encoder")(spec.vision, spec.text)
    elif component == "token_embedding":
        module = TokenEmbedding(spec.text)
    else:
        module = StaticDecoder(spec.text, context_length or spec.context_length, attention)
    weights = checkpoint.component_weights(component)
    try:
        module.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"The checkpoint does not fit the {component} of {spec.name} ({reason}); "
            "name the right --checkpoint."
        ) from error
    return module.eval()
