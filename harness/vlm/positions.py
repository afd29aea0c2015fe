"""How long a conversation a model was trained for."""

from __future__ import annotations

from harness.errors import UserError


def check_positions(context_length: int, max_positions: int | None, subject: str) -> None:
    """Refuse a context beyond the positions that a model was trained for.

    Args:
        context_length: Tokens.
        max_positions: ``max_position_embeddings`` of its decoder. Scaled rotary embeddings, which
            reach further, are not exported; dynamic ones begin beyond it. None where nobody knows.
        subject: What has the context, with the number; begins the sentence.

    Raises:
        UserError: If it is beyond.
    """
    if max_positions is not None and context_length > max_positions:
        raise UserError(
            f"{subject} is beyond the {max_positions:,} positions that the model was "
            f"trained for (max_position_embeddings); export with --context {max_positions} or less."
        )
