"""What one turn of one run took, stage by stage."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

StopReason = Literal["stop_token", "length", "unknown"]


class RunStats(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """Durations and counts of one turn; None where a runner does not tell.

    Attributes:
        prompt_tokens: Merged prompt length, image rows included (P in the contract).
        generated_tokens: Tokens behind the first one, which is one less than the tokens emitted
            (contract §4.6).
        load_ms: Loading encoder, token embedding, decoder and tokenizer.
        encode_ms: Vision encoder over all images of the turn.
        embed_ms: Token embedding of the prompt's text pieces.
        prefill_ms: Decoder over the prompt, without image encoding and token embedding.
        prompt_eval_ms: Upstream's figure: start of inference to first token, encoding included.
        ttft_ms: Start of inference to first token.
        decode_ms: First token to end.
        inference_ms: Start of inference to end.
        sampling_ms: Sampling within decode steps.
        execute_ms: Time inside ``execute`` calls during decode; the rest of ``decode_ms`` is ours.
        decode_steps: Passes of the decode method: as many as ``generated_tokens``, or fewer where
            lookahead found several tokens in a pass.
        peak_rss_mib: Peak resident set of the process when the turn ended.
        stop_reason: Why the turn ended.
    """

    prompt_tokens: int
    generated_tokens: int
    load_ms: float
    prompt_eval_ms: float
    ttft_ms: float
    decode_ms: float
    inference_ms: float
    sampling_ms: float
    encode_ms: float | None = None
    embed_ms: float | None = None
    prefill_ms: float | None = None
    execute_ms: float | None = None
    decode_steps: int | None = None
    peak_rss_mib: float | None = None
    stop_reason: StopReason = "unknown"
