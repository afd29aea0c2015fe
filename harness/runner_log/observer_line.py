"""The ``PyTorchObserver`` JSON line that a runner prints on stdout (contract §5.6)."""

from __future__ import annotations

import json
from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import Any

from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.runner_log.line import LARGEST
from harness.runner_log.reported_turn import ReportedTurn, check_durations, finite_rates

OBSERVER = "PyTorchObserver {"

_LONGEST_VALUE = 60


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The line's keys in upstream's order; what has a default is lacked by some runners.

    Times are stamps of the wall clock or sums, in ticks.

    Attributes:
        SCALING_FACTOR_UNITS_PER_SECOND: Ticks per second.
    """

    prefill_token_per_sec: float | None = None
    decode_token_per_sec: float | None = None
    prompt_tokens: int
    generated_tokens: int
    model_load_start_ms: float
    model_load_end_ms: float
    inference_start_ms: float
    inference_end_ms: float
    # Upstream's multimodal runner has these keys but never fills them in.
    model_execution_start_ms: float = 0
    model_execution_end_ms: float = 0
    prompt_eval_end_ms: float
    first_token_ms: float
    aggregate_sampling_time_ms: float
    aggregate_model_execution_time_ms: float = 0
    SCALING_FACTOR_UNITS_PER_SECOND: float

    def stats(self) -> RunStats:
        """Counts and durations, as the statistics block has them as well."""
        to_ms = 1000 / self.SCALING_FACTOR_UNITS_PER_SECOND
        start, prompt_end = self.inference_start_ms, self.prompt_eval_end_ms
        return RunStats(
            prompt_tokens=self.prompt_tokens,
            generated_tokens=self.generated_tokens,
            load_ms=(self.model_load_end_ms - self.model_load_start_ms) * to_ms,
            inference_ms=(self.inference_end_ms - start) * to_ms,
            prompt_eval_ms=(prompt_end - start) * to_ms,
            decode_ms=(self.inference_end_ms - prompt_end) * to_ms,
            ttft_ms=(self.first_token_ms - start) * to_ms,
            sampling_ms=self.aggregate_sampling_time_ms * to_ms,
            # Upstream's multimodal runner writes 0, which is no measurement.
            execute_ms=self.aggregate_model_execution_time_ms * to_ms or None,
        )

    def line(self) -> str:
        """As a runner prints it: whole numbers without a decimal point."""
        told = {
            name: int(value) if float(value).is_integer() else value
            for name, value in asdict(self).items()
            if value is not None
        }
        return OBSERVER[:-1] + json.dumps(told, separators=(",", ":"))


def is_observation(text: str) -> bool:
    """Whether a text holds a whole observer line; one in a prompt may lack anything."""
    try:
        parse_observer(text, 0)
    except UserError:
        return False
    return True


def parse_observer(text: str, line: int) -> ReportedTurn:
    """Read one observer line; older runners lack the two rate keys, newer ones have further keys.

    Args:
        text: The line; an answer without a newline may stand before ``PyTorchObserver``.
        line: Its number in the runner's output.

    Raises:
        UserError: If the line is cut, lacks a key, or its stamps run backwards.
    """
    told = _read(text, line)
    stats = told.stats()
    check_durations(stats, line)
    rates = finite_rates(
        {"prompt_eval_tps": told.prefill_token_per_sec, "decode_tps": told.decode_token_per_sec}
    )
    return ReportedTurn(stats, rates, line)


def _read(text: str, line: int) -> Observation:
    where = f"The PyTorchObserver line {line} of the runner's output"
    again = "pull the whole output and parse it again"
    try:
        json_text = text[text.index(OBSERVER) + len(OBSERVER) - 1 :]
        values: dict[str, Any] = json.JSONDecoder().raw_decode(json_text)[0]
    except json.JSONDecodeError as error:
        raise UserError(
            f"{where} is cut or damaged at character {error.pos + 1} of {len(error.doc)}; {again}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is damaged ({error}); {again}.") from error
    required = [key for key in fields(Observation) if key.default is MISSING]
    if missing := [key.name for key in required if key.name not in values]:
        raise UserError(f"{where} lacks {', '.join(missing)}; {again}.")
    known = {key.name: key for key in fields(Observation) if key.name in values}
    for name, key in known.items():
        if not _is_right(key, values[name]):
            told = repr(values[name])[:_LONGEST_VALUE]
            raise UserError(f"{where} has {name} = {told}, not a count or time; {again}.")
    return Observation(**{name: values[name] for name in known})


def _is_right(key: Field[Any], value: object) -> bool:
    """Whether a key can have a value; a rate may be whatever a division by 0 makes."""
    if type(value) is float and key.default is None:
        return True
    if type(value) is int or (type(value) is float and key.type != "int"):
        least = 1 if key.name.startswith("SCALING") else -LARGEST
        return least <= value <= LARGEST
    return value is None and key.default is None
