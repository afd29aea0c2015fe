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
        is_signed: Whether it may be negative.
    """

    name: str
    unit: str
    better: Better
    kind: Kind
    description: str
    two_sided: bool = False
    is_signed: bool = False


DESCRIPTIONS: dict[tuple[Kind, Better, str], dict[str, str]] = {
    ("performance", "higher", "token/s"): {
        "decode_tps": "Tokens per second of decoding",
        "prefill_tps": "Prompt tokens per second of decoder prefill, image encoding excluded",
        "prompt_eval_tps": (
            "Prompt tokens per second up to the first token, image encoding included"
        ),
        "e2e_tps": "Decoded tokens per second of the whole inference, upstream's reported speed",
    },
    ("performance", "lower", "ms"): {
        "ttft_ms": "Start of inference to first token",
        "encode_ms": "Vision encoder, all images of a turn",
        "load_ms": "Loading the .pte files and tokenizer",
        "sampling_ms": "Sampling within decode steps",
        "bookkeeping_ms_per_step": "Decode time outside execute() calls, per step",
    },
    ("performance", "lower", "MiB"): {"peak_rss_mib": "Peak resident set of the runner"},
    ("size", "lower", "byte"): {
        "pte_bytes": "Size of one component's .pte file",
        "ddr_bytes_per_token": "DRAM traffic of one decode step, from the HTP compiler",
        "ddr_bytes_per_image": "DRAM traffic of encoding one image, from the HTP compiler",
        "spill_bytes": "Moved out of VTCM for lack of room",
        "context_bytes": "Largest compiled context, 4 GB at most",
    },
    ("size", "lower", "ms"): {
        "ms_per_token_lower_bound": "DRAM traffic of one decode step over the SoC's peak bandwidth",
        "ms_per_token_of_weights": (
            "Weights and KV cache, each once, over the SoC's peak bandwidth: in place of "
            "ms_per_token_lower_bound where the compiler told no traffic"
        ),
    },
    ("size", "lower", "1"): {
        "cpu_ops": "Operators that the HTP does not run",
        "delegates": "Most pieces that one method is cut into",
    },
    ("size", "lower", "MiB"): {"vtcm_mib": "Tightly coupled memory compiled for"},
    ("export", "lower", "s"): {"export_s": "Wall time of one component's export"},
    ("export", "lower", "MiB"): {"export_peak_rss_mib": "Peak resident set of an export"},
    ("accuracy", "higher", "share"): {
        "exact_match": "Answers equal to the expected ones",
        "token_agreement": "Token positions equal to the float reference's, mean over samples",
        "kv_hybrid_agreement": (
            "Token positions equal between kv and hybrid mode, mean over samples"
        ),
        "requantized_agreement": (
            "As kv_hybrid_agreement, where the KV cache is converted between prefill and decode"
        ),
        "requantization_gain": "Exact match with the KV cache converted minus that without",
        "lookahead_agreement": (
            "Token positions equal between kv mode and lookahead, mean over samples"
        ),
        "golden_hit": "Answers that name the required features",
        "held_agreement": (
            "Steps whose best token is the float model's, where the float model's answer is read"
        ),
    },
    ("accuracy", "lower", "share"): {
        "exact_match_drop": "Exact match of the float model minus that of this precision",
        "blank_image_exact_match": (
            "Answers still equal to the expected ones with the image blanked"
        ),
        "swapped_image_exact_match": (
            "Answers still equal to the expected ones with another scene's image"
        ),
        "undecided_share": "Tokens at which modes differ because two were equally likely",
    },
    ("accuracy", "higher", "1"): {
        "length_ratio": (
            "Mean length of this precision's answers over that of the float model's, in tokens"
        ),
        "kv_scale_ratio": "Largest quotient of a layer's KV scales in prefill and decode",
    },
    ("accuracy", "higher", "token"): {
        "tokens_per_step": (
            "Tokens that a pass of the decode method yields, mean over the long answers"
        )
    },
    ("accuracy", "higher", "dB"): {
        "sqnr_db": "Logits over their difference from the float model's, whose answer is read"
    },
    ("accuracy", "lower", "1"): {
        "signals_lost": "Signals that a stage of a model does not keep",
        "perplexity_ratio": "Perplexity of a text over that of the float model on the same tokens",
    },
}
"""What metrics are, by kind, improvement and unit."""

_TWO_SIDED = frozenset({"length_ratio"})
_SIGNED = frozenset({"requantization_gain", "exact_match_drop", "sqnr_db"})
"""Differences, and a logarithm."""

METRICS = {
    name: Metric(
        name, unit, better, kind, description, name in _TWO_SIDED, is_signed=name in _SIGNED
    )
    for (kind, better, unit), described in DESCRIPTIONS.items()
    for name, description in described.items()
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
