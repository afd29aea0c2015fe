"""What a runner on a phone cannot be asked for: refused in a sentence, never left out."""

from __future__ import annotations

from collections.abc import Iterator

from harness.artifacts.manifest import Manifest
from harness.devices.phone.runner.generation import RunnerGeneration
from harness.errors import UserError
from harness.runtime.request import RunOptions

UPSTREAM_TOP_P = 0.9
"""The only one that upstream's runner samples with (contract §4.7)."""


def completed(options: RunOptions, manifest: Manifest) -> RunOptions:
    """The options with the lookahead branch of the file, which no runner on a phone is told else.

    Raises:
        UserError: If they name another branch, with which upstream's runner reads beyond buffers.
    """
    exported = manifest.lookahead
    if options.mode != "lookahead" or options.lookahead == exported:
        return options
    if options.lookahead is not None and exported is not None:
        raise UserError(
            f"Lookahead {options.lookahead} was asked for and the file was exported with "
            f"{exported}; leave it out."
        )
    return options.model_copy(update={"lookahead": options.lookahead or exported})


def check_options(options: RunOptions, generation: RunnerGeneration) -> None:
    """Refuse options that a runner has no way to follow.

    Raises:
        UserError: If there is one; told of all of them.
    """
    if generation.is_ours:
        return
    if reasons := tuple(_reasons(options)):
        raise UserError(
            f"The runner on the phone, {generation.describe()}, {'; it '.join(reasons)}."
        )


def _reasons(options: RunOptions) -> Iterator[str]:
    """What it does instead of what is asked, each with what to ask for."""
    if options.ignore_eos:
        yield "ends each answer at its stop token; ask for no more tokens than the answer has"
    if options.record_margins:
        yield "does not tell its second choices; leave record_margins out"
    if not options.requantization:
        yield (
            "has no switch for leaving the KV cache unconverted; measure that with --target "
            "emulator"
        )
    if options.seq_len < 0:
        yield f"aborts at seq_len {options.seq_len}; give 0 for the whole context"
    if options.temperature > 0 and not options.upstream_compat:
        yield (
            f"would take raw codes for logits at temperature {options.temperature:g} "
            "(contract §4.7); decode greedily, or ask for upstream_compat"
        )
    if options.temperature > 0 and options.top_p != UPSTREAM_TOP_P:
        yield f"samples with top-p {UPSTREAM_TOP_P} alone; leave top_p {options.top_p:g} out"
    if options.seed and (options.temperature > 0 or options.mode == "lookahead"):
        yield f"takes no seed; leave seed {options.seed} out"
