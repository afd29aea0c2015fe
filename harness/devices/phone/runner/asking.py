"""What a session asks of a runner on a phone: looked at as a whole before the phone is asked."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Manifest
from harness.devices.phone.runner.command import sequence_length
from harness.devices.phone.runner.dialogue import Dialogue, hold_dialogue
from harness.devices.phone.runner.generation import RunnerGeneration
from harness.devices.phone.runner.option_limits import check_options
from harness.runtime.prompt_limit import check_prompt_fits
from harness.runtime.request import Request, RunOptions
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import Mode


def hold_dialogues(
    artifact: Artifact,
    tokenizer: Tokenizer,
    requests: Sequence[Request],
    options: RunOptions,
    generation: RunnerGeneration,
) -> tuple[Dialogue, ...]:
    """Say requests in the runner's way; one that it cannot answer costs none of the others a run.

    Args:
        artifact: Artifact that is to answer.
        tokenizer: The artifact's.
        requests: Questions.
        options: How to generate.
        generation: Generation of the runner.

    Raises:
        UserError: If the runner cannot follow the options or hold a conversation, or a prompt is
            beyond the context.
    """
    manifest = artifact.manifest
    family = get_family(manifest.family)
    check_options(options, generation)
    dialogues = []
    for request in requests:
        told = hold_dialogue(request, family, tokenizer, manifest.tokens_per_image, generation)
        check_fits(told, manifest, options.mode, sequence_length(told, options, None))
        dialogues.append(told)
    return tuple(dialogues)


def check_fits(dialogue: Dialogue, manifest: Manifest, mode: Mode, seq_len: int) -> None:
    """Refuse what cannot fit however short the answers are, before the phone is asked.

    Args:
        dialogue: Conversation that is to be held.
        manifest: Of the artifact.
        mode: It runs in.
        seq_len: Cap on positions; 0 for the context.

    Raises:
        PromptTooLong: If a turn's prompt is beyond the context or the cap.
    """
    context, ar = manifest.context_length, 1 if mode == "kv" else manifest.prefill_ar
    if mode == "lookahead" and manifest.lookahead is not None:
        ar = max(ar, manifest.lookahead.ar)
    n_past = 0
    for tokens in dialogue.prompt_tokens:
        check_prompt_fits(tokens, n_past, min(seq_len or context, context), context, ar)
        n_past += tokens
