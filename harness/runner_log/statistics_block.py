"""The seven statistics lines that a runner logs per turn (contract §5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.errors import UserError
from harness.measure.run_stats import RunStats
from harness.runner_log.contradiction import check_rates
from harness.runner_log.line import Line, LogLine
from harness.runner_log.reported_turn import ReportedTurn, check_durations, finite_rates

_FIRST = "token counts"
_RATE = " (seconds)\t\t Rate: \t{%s:f} (tokens/second)"
_BLOCK = {
    _FIRST: Line(
        "\tPrompt Tokens:", " {prompt_tokens:d}    Generated Tokens: {generated_tokens:d}"
    ),
    "Model Load Time": Line("\tModel Load Time:", "\t\t{load_s:f} (seconds)"),
    "Total inference time": Line(
        "\tTotal inference time:", "\t\t{inference_s:f}" + _RATE % "e2e_tps"
    ),
    "Prompt evaluation": Line(
        "\t\tPrompt evaluation:", "\t{prompt_eval_s:f}" + _RATE % "prompt_eval_tps"
    ),
    "Generated tokens": Line(
        "\t\tGenerated {generated_tokens:d} tokens:", "\t{decode_s:f}" + _RATE % "decode_tps"
    ),
    "Time to first generated token": Line(
        "\tTime to first generated token:", "\t{ttft_s:f} (seconds)"
    ),
    "Sampling time": Line(
        "\tSampling time over {all_tokens:d} tokens:", "\t{sampling_s:f} (seconds)"
    ),
}
_DURATIONS = ("load", "inference", "prompt_eval", "decode", "ttft", "sampling")
_RATED = {"e2e": "inference", "prompt_eval": "prompt_eval", "decode": "decode"}
"""Rates, with the durations that they are over."""

_Fields = dict[str, dict[str, float]]


def block_lines(stats: RunStats) -> list[str]:
    """The block of one turn, without the logger's prefixes; a phase of 0 ms has a rate of 0."""
    seconds = {f"{name}_s": getattr(stats, f"{name}_ms") / 1000 for name in _DURATIONS}
    rates = {
        "e2e_tps": _rate_tps(stats.generated_tokens, stats.inference_ms),
        "prompt_eval_tps": _rate_tps(stats.prompt_tokens, stats.prompt_eval_ms),
        "decode_tps": _rate_tps(stats.generated_tokens, stats.decode_ms),
    }
    values = {
        "prompt_tokens": stats.prompt_tokens,
        "generated_tokens": stats.generated_tokens,
        "all_tokens": stats.prompt_tokens + stats.generated_tokens,
        **seconds,
        **rates,
    }
    return [line.write(**values) for line in _BLOCK.values()]


def _rate_tps(tokens: int, duration_ms: float) -> float:
    """Tokens per second; 0 where there was no time."""
    return tokens * 1000 / duration_ms if duration_ms else 0.0


def parse_blocks(lines: Iterable[LogLine]) -> Iterator[ReportedTurn]:
    """Read all statistics blocks; other lines may stand between theirs.

    Yields:
        One turn per block, in order.

    Raises:
        UserError: If a line of a block is damaged or missing, or a duration is negative.
    """
    fields: _Fields = {}
    last = 0
    for line in lines:
        name = next((name for name, one in _BLOCK.items() if one.begins(line.message)), None)
        if name is None:
            continue
        if name == _FIRST and fields:
            raise _incomplete(fields, last)
        fields[name] = _read_line(name, line)
        last = line.number
        if len(fields) == len(_BLOCK):
            yield _turn(fields, last)
            fields = {}
    if fields:
        raise _incomplete(fields, last)


def _read_line(name: str, line: LogLine) -> dict[str, float]:
    values = _BLOCK[name].read(line.message)
    if values is None:
        raise UserError(
            f"Line {line.number} of the runner's output, {name!r}, is cut or damaged:"
            f" {line.message.strip()!r}; pull the whole output and parse it again."
        )
    return values


def _incomplete(fields: _Fields, line: int) -> UserError:
    missing = ", ".join(name for name in _BLOCK if name not in fields)
    return UserError(
        f"The statistics block that ends at line {line} of the runner's output has {len(fields)} of"
        f" {len(_BLOCK)} lines and lacks {missing}; pull the whole output and parse it again."
    )


def _check_counts(fields: _Fields, line: int) -> None:
    """Refuse a block whose lines count differently."""
    told = fields[_FIRST]
    prompt, generated = int(told["prompt_tokens"]), int(told["generated_tokens"])
    again = int(fields["Generated tokens"]["generated_tokens"])
    total = int(fields["Sampling time"]["all_tokens"])
    where = f"The statistics block that ends at line {line} of the runner's output"
    remedy = "pull the whole output and parse it again"
    if again != generated:
        raise UserError(
            f"{where} counts {again} generated tokens here and {generated} there; {remedy}."
        )
    if total != prompt + generated:
        raise UserError(f"{where} samples {total} tokens of {prompt} and {generated}; {remedy}.")


def _turn(fields: _Fields, line: int) -> ReportedTurn:
    values = {name: value for one in fields.values() for name, value in one.items()}
    _check_counts(fields, line)
    durations_ms = {f"{name}_ms": values[f"{name}_s"] * 1000 for name in _DURATIONS}
    stats = RunStats(
        prompt_tokens=int(values["prompt_tokens"]),
        generated_tokens=int(fields[_FIRST]["generated_tokens"]),
        **durations_ms,
    )
    check_durations(stats, line)
    # Upstream prints a rate of 0 over no time.
    timed = {f"{name}_tps" for name in _RATED if values[f"{_RATED[name]}_s"]}
    rates = {name: value for name, value in finite_rates(values).items() if name in timed}
    check_rates(stats, rates, line)
    return ReportedTurn(stats, rates, line)
