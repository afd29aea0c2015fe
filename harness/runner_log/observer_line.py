"""The ``PyTorchObserver`` JSON line that a runner prints on stdout (contract §5.6)."""

from __future__ import annotations

import json
from typing import Any

from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.runner_log.reported_turn import ReportedTurn, check_durations, finite_rates

OBSERVER = "PyTorchObserver {"

_COUNTS = ("prompt_tokens", "generated_tokens")
_TIMES = (
    "model_load_start_ms",
    "model_load_end_ms",
    "inference_start_ms",
    "inference_end_ms",
    "prompt_eval_end_ms",
    "first_token_ms",
    "aggregate_sampling_time_ms",
    "SCALING_FACTOR_UNITS_PER_SECOND",
)


def parse_observer(text: str, line: int) -> ReportedTurn:
    """Read one observer line; older runners lack the two rate keys, newer ones have further keys.

    Args:
        text: The line; an answer without a newline may stand before ``PyTorchObserver``.
        line: Its number in the runner's output.

    Raises:
        UserError: If the line is cut, lacks a key, or its stamps run backwards.
    """
    values = _read_json(text, line)
    to_ms = 1000 / values["SCALING_FACTOR_UNITS_PER_SECOND"]
    start, prompt_end = values["inference_start_ms"], values["prompt_eval_end_ms"]
    durations_ms = {
        "load_ms": (values["model_load_end_ms"] - values["model_load_start_ms"]) * to_ms,
        "inference_ms": (values["inference_end_ms"] - start) * to_ms,
        "prompt_eval_ms": (prompt_end - start) * to_ms,
        "decode_ms": (values["inference_end_ms"] - prompt_end) * to_ms,
        "ttft_ms": (values["first_token_ms"] - start) * to_ms,
        "sampling_ms": values["aggregate_sampling_time_ms"] * to_ms,
    }
    check_durations(durations_ms, line)
    stats = RunStats(
        prompt_tokens=values["prompt_tokens"],
        generated_tokens=values["generated_tokens"],
        # Upstream's multimodal runner has the key but never fills it in.
        execute_ms=values.get("aggregate_model_execution_time_ms", 0) * to_ms or None,
        **durations_ms,
    )
    rates = finite_rates(
        {
            "prompt_eval_tps": values.get("prefill_token_per_sec"),
            "decode_tps": values.get("decode_token_per_sec"),
        }
    )
    return ReportedTurn(stats, rates, line)


def _read_json(text: str, line: int) -> dict[str, Any]:
    where = f"The PyTorchObserver line {line} of the runner's output"
    again = "pull the whole output and parse it again"
    try:
        json_text = text[text.index(OBSERVER) + len(OBSERVER) - 1 :]
        values: dict[str, Any] = json.JSONDecoder().raw_decode(json_text)[0]
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where} is cut or damaged at character {error.pos + 1} of {len(error.doc)}; {again}."
        ) from error
    if missing := [key for key in (*_COUNTS, *_TIMES) if key not in values]:
        raise UserError(f"{where} lacks {', '.join(missing)}; {again}.")
    wrong = [key for key in _COUNTS if type(values[key]) is not int]
    wrong += [key for key in _TIMES if type(values[key]) not in (int, float)]
    if wrong or values["SCALING_FACTOR_UNITS_PER_SECOND"] <= 0:
        culprit = wrong[0] if wrong else "SCALING_FACTOR_UNITS_PER_SECOND"
        raise UserError(f"{where} has {culprit} = {values[culprit]!r}, not a count or time.")
    return values
