"""The file of ``--dump_logits_path``: raw logits of every token (contract §5.4)."""

from __future__ import annotations

from typing import IO, Any

from numpy.typing import NDArray

from harness.runtime.observer import Phase


class LogitsDump:
    """Writes prompt and decode logits in their own dtype, one row of V elements per token.

    Args:
        file: Binary file.
        upstream_compat: Write as many *bytes* of each prefill pass as it has logits, which is
            upstream's defect: a half of the row for uint16, a quarter for float32.
    """

    def __init__(self, file: IO[bytes], upstream_compat: bool) -> None:
        self._file = file
        self._upstream_compat = upstream_compat

    def write(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Append the logits ``[tokens, vocab_size]`` of one pass."""
        content = rows.tobytes()
        if phase == "prefill" and self._upstream_compat:
            content = content[: rows.size]
        self._file.write(content)
