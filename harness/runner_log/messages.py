"""The messages of a turn that tell more than the turn's statistics (contract §5.5)."""

from __future__ import annotations

from harness.measure.run_stats import StopReason
from harness.runner_log.line import Line

_RSS = " {rss_mib:f} MiB (0 if unsupported)"

TURN_BEGINS = Line("Prompt after expanding image token:")
"""Every turn's first message that all generations have; the prompt follows, of any number of
lines."""
TURN_LISTED = Line("Turn-{index:d}:")
"""A turn of the conversation, all of them before the first begins; the prompt follows likewise."""

ENCODE_BEGINS = Line("Encoding tensor with numel:", " {numel:d}")
ENCODE_BEGINS_UNTIL_MARCH_2026 = Line("Encoding image tensor with numel:", " {numel:d}")
ENCODE_ENDS = Line("Encoder execution completed", ", got hidden states")

PREFILL_BEGINS = Line(
    "Prompt Processor: total", " {tokens:d} prompt tokens (AR-{ar:d} * {passes:d} iters)"
)
PREFILL_ENDS = Line("RSS after prompt prefill:", _RSS)

LOOKAHEAD = Line("Lookahead Decoding:", " n_generated = {generated:d} / n_accept = {accepted:d}")

STOP_TOKEN = Line("\nReached to the end of generation")
CAP = Line(
    "Warning: Generation stopped at seq_len limit",
    " ({seq_len:d}) without reaching EOS token. Response may be incomplete.",
)
FULL_CACHE = Line("\nReached to the maximum sequence length")

STOPS: tuple[tuple[Line, StopReason], ...] = (
    (STOP_TOKEN, "stop_token"),
    (CAP, "length"),
    (FULL_CACHE, "length"),
    # Upstream's alone.
    (Line("Sequence length ({tokens:d} tokens) reached!"), "length"),
)
"""Messages that tell why a turn ended, with the reason."""

TURN_ENDS = Line("RSS after finishing text generation", ":" + _RSS)
