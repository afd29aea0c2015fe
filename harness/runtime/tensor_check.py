"""What a graph returned, refused where no model that is alive returns it.

A weight that is no number spreads through everything behind it, and a choice among such logits is
a token all the same. So every tensor between two graphs is looked at, and the first that is broken
is named. Imports without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError

Rows = NDArray[Any]

_AGAIN = "its file is damaged or its precision too narrow: export it again"

_FEW_TOKENS = 2
"""Tokens that were never trained may share a row."""


def check_finite(rows: Rows, graph: str, tensor: str, step: str) -> None:
    """Refuse a tensor with NaN or infinity.

    Args:
        rows: ``[rows, width]``; of codes nothing can be told.
        graph: Whose output it is: ``"vision encoder"``.
        tensor: What the rows are: ``"features"``.
        step: When: ``"picture 1"``.

    Raises:
        UserError: If a value is no finite number.
    """
    if rows.dtype.kind != "f" or _is_finite(rows):
        return
    broken = np.argwhere(~np.isfinite(rows))
    row, column = broken[0]
    raise UserError(
        f"The {graph} returned {tensor} with {len(broken)} of {rows.size} values that are no "
        f"finite number, at {step} (the first, {rows[row, column]}, in row {row}, column {column});"
        f" {_AGAIN}."
    )


def check_logits(row: Rows, step: str) -> None:
    """Refuse logits that no token can be chosen by.

    Args:
        row: ``[vocab_size]``, values or codes.
        step: Which: ``"decode step 3"``.

    Raises:
        UserError: If a value is no finite number, all are the same, or every code is the lowest
            or the highest that there is.
    """
    check_finite(row[None], "text decoder", "logits", step)
    low, high = row.min(), row.max()
    if low == high and row.size > 1:
        raise UserError(
            f"The text decoder returned the same logit, {low}, for all {row.size} tokens at "
            f"{step}; {_AGAIN}."
        )
    if row.dtype.kind == "u" and low == 0 and high == np.iinfo(row.dtype).max:
        saturated = np.count_nonzero((row == low) | (row == high))
        if saturated == row.size:
            raise UserError(
                f"The text decoder returned logits whose {row.size} codes are all {low} or {high} "
                f"at {step}, beyond what their encoding holds; {_AGAIN}."
            )


def check_embeddings(rows: Rows, token_ids: Sequence[int], step: str) -> None:
    """Refuse embeddings with NaN or infinity, or that are the same whatever the token is.

    Args:
        rows: float32 ``[len(token_ids), hidden_size]``.
        token_ids: What was embedded.
        step: When.

    Raises:
        UserError: If they are.
    """
    check_finite(rows, "token embedding", "rows", step)
    different = len(set(token_ids))
    if different > _FEW_TOKENS and (rows == rows[0]).all():
        raise UserError(
            f"The token embedding returned one and the same row for {different} different tokens "
            f"of {step}; {_AGAIN}."
        )


def _is_finite(rows: Rows) -> bool:
    # The extremes are NaN where any value is, and take no memory.
    return bool(np.isfinite(rows.min()) and np.isfinite(rows.max()))
