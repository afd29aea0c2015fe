"""What is measured: every metric by name, and the speed metrics of one turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import UserError, suggest
from harness.measure.run_stats import RunStats

Better = Literal["higher", "lower"]
Kind = Literal["performance", "accuracy", "size", "export"]


@dataclass(frozen=True)
class Metric:
    """One measured quantity.

    Attributes:
        name: Carries its unit, as in gates, result columns and reports.
        unit: Unit of a value; ``share`` is a number from 0 to 1.
        better: Which direction is an improvement.
        kind: Performance depends on the device that ran; the others on the artifact alone.
        description: One line for a report's reader.
        two_sided: Whether too much is as wrong as too little, so that a gate has both bounds.
    """

    name: str
    unit: str
    better: Better
    kind: Kind
    description: str
    two_sided: bool = False


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("decode_tps", "token/s", "higher", "performance", "Tokens per second of decoding"),
        Metric(
            "prefill_tps",
            "token/s",
            "higher",
            "performance",
            "Prompt tokens per second of decoder prefill, image encoding excluded",
        ),
        Metric(
            "prompt_eval_tps",
            "token/s",
            "higher",
            "performance",
            "Prompt tokens per second up to the first token, image encoding included",
        ),
        Metric(
            "e2e_tps",
            "token/s",
            "higher",
            "performance",
            "Decoded tokens per second of the whole inference, upstream's reported speed",
        ),
        Metric("ttft_ms", "ms", "lower", "performance", "Start of inference to first token"),
        Metric("encode_ms", "ms", "lower", "performance", "Vision encoder, all images of a turn"),
        Metric("load_ms", "ms", "lower", "performance", "Loading the .pte files and tokenizer"),
        Metric("sampling_ms", "ms", "lower", "performance", "Sampling within decode steps"),
        Metric(
            "bookkeeping_ms_per_step",
            "ms",
            "lower",
            "performance",
            "Decode time outside execute() calls, per step",
        ),
        Metric("peak_rss_mib", "MiB", "lower", "performance", "Peak resident set of the runner"),
        Metric("pte_bytes", "byte", "lower", "size", "Size of one component's .pte file"),
        Metric(
            "ddr_bytes_per_token",
            "byte",
            "lower",
            "size",
            "DRAM traffic of one decode step, from the HTP compiler",
        ),
        Metric(
            "ms_per_token_lower_bound",
            "ms",
            "lower",
            "size",
            "DRAM traffic of one decode step over the SoC's peak bandwidth",
        ),
        Metric(
            "ms_per_token_of_weights",
            "ms",
            "lower",
            "size",
            "Weights and KV cache, each once, over the SoC's peak bandwidth: in place of "
            "ms_per_token_lower_bound where the compiler told no traffic",
        ),
        Metric("spill_bytes", "byte", "lower", "size", "Moved out of VTCM for lack of room"),
        Metric("cpu_ops", "1", "lower", "size", "Operators that the HTP does not run"),
        Metric("delegates", "1", "lower", "size", "Most pieces that one method is cut into"),
        Metric("vtcm_mib", "MiB", "lower", "size", "Tightly coupled memory compiled for"),
        Metric("context_bytes", "byte", "lower", "size", "Largest compiled context, 4 GB at most"),
        Metric("export_s", "s", "lower", "export", "Wall time of one component's export"),
        Metric("export_peak_rss_mib", "MiB", "lower", "export", "Peak resident set of an export"),
        Metric(
            "exact_match",
            "share",
            "higher",
            "accuracy",
            "Answers equal to the expected ones",
        ),
        Metric(
            "exact_match_drop",
            "share",
            "lower",
            "accuracy",
            "Exact match of the float model minus that of this precision",
        ),
        Metric(
            "length_ratio",
            "1",
            "higher",
            "accuracy",
            "Mean length of this precision's answers over that of the float model's, in tokens",
            two_sided=True,
        ),
        Metric(
            "blank_image_exact_match",
            "share",
            "lower",
            "accuracy",
            "Answers still equal to the expected ones with the image blanked",
        ),
        Metric(
            "swapped_image_exact_match",
            "share",
            "lower",
            "accuracy",
            "Answers still equal to the expected ones with another scene's image",
        ),
        Metric(
            "token_agreement",
            "share",
            "higher",
            "accuracy",
            "Token positions equal to the float reference's, mean over samples",
        ),
        Metric(
            "kv_hybrid_agreement",
            "share",
            "higher",
            "accuracy",
            "Token positions equal between kv and hybrid mode, mean over samples",
        ),
        Metric(
            "undecided_share",
            "share",
            "lower",
            "accuracy",
            "Tokens at which modes differ because two were equally likely",
        ),
        Metric(
            "requantized_agreement",
            "share",
            "higher",
            "accuracy",
            "As kv_hybrid_agreement, where the KV cache is converted between prefill and decode",
        ),
        Metric(
            "requantization_gain",
            "share",
            "higher",
            "accuracy",
            "Exact match with the KV cache converted minus that without",
        ),
        Metric(
            "kv_scale_ratio",
            "1",
            "higher",
            "accuracy",
            "Largest quotient of a layer's KV scales in prefill and decode",
        ),
        Metric(
            "lookahead_agreement",
            "share",
            "higher",
            "accuracy",
            "Token positions equal between kv mode and lookahead, mean over samples",
        ),
        Metric(
            "tokens_per_step",
            "token",
            "higher",
            "accuracy",
            "Tokens that a pass of the decode method yields, mean over the long answers",
        ),
        Metric(
            "golden_hit", "share", "higher", "accuracy", "Answers that name the required features"
        ),
        Metric("sqnr_db", "dB", "higher", "accuracy", "Signal to quantization noise against float"),
        Metric("perplexity", "1", "lower", "accuracy", "Perplexity of reference answers"),
    )
}

COMPARED_SPEEDS = (
    "decode_tps",
    "prefill_tps",
    "prompt_eval_tps",
    "e2e_tps",
    "ttft_ms",
    "encode_ms",
    "load_ms",
    "peak_rss_mib",
)
"""What two artifacts are compared by: figures that every runner tells."""

JUDGED_SPEEDS = (*COMPARED_SPEEDS, "bookkeeping_ms_per_step")
"""What a run's gates may be about."""


def get_metric(name: str) -> Metric:
    """Look up a metric.

    Raises:
        UserError: If no metric has that name; the message suggests the nearest one.
    """
    if name not in METRICS:
        raise UserError(f"There is no metric {name!r}; {suggest(name, METRICS)}.")
    return METRICS[name]


def perf_metrics(stats: RunStats) -> dict[str, float]:
    """Speed and memory of one turn by metric name.

    A stage that the runner did not time, or that its clock saw as 0 ms, has no rate: the metric is
    absent, never 0 or infinite.

    Args:
        stats: Durations in ms and counts of one turn.
    """
    tokens, prompt = stats.generated_tokens, stats.prompt_tokens
    steps = tokens if stats.decode_steps is None else stats.decode_steps
    # Upstream reports the prompt's rate as the speed when nothing was decoded (contract §5.4).
    e2e = (tokens, stats.inference_ms) if tokens else (prompt, stats.prompt_eval_ms)
    outside_execute_ms = (
        None if stats.execute_ms is None or not steps else stats.decode_ms - stats.execute_ms
    )
    measured = {
        "decode_tps": _per_second(tokens, stats.decode_ms) if tokens else None,
        "prefill_tps": _per_second(prompt, stats.prefill_ms),
        "prompt_eval_tps": _per_second(prompt, stats.prompt_eval_ms),
        "e2e_tps": _per_second(*e2e),
        "ttft_ms": stats.ttft_ms,
        "encode_ms": stats.encode_ms,
        "load_ms": stats.load_ms,
        "sampling_ms": stats.sampling_ms,
        "bookkeeping_ms_per_step": (
            None if outside_execute_ms is None else outside_execute_ms / steps
        ),
        "peak_rss_mib": stats.peak_rss_mib,
    }
    return {name: value for name, value in measured.items() if value is not None}


def _per_second(count: int, duration_ms: float | None) -> float | None:
    return count * 1000 / duration_ms if duration_ms else None
