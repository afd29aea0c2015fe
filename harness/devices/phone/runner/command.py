"""Command line of a multimodal runner on a phone (contract §5.1), and the shell text around it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from harness.devices.phone.runner.dialogue import Dialogue
from harness.devices.phone.runner.generation import RunnerGeneration
from harness.devices.phone.workspace import Workspace
from harness.devices.runner_process import lookahead_flags, switch_flags
from harness.devices.transport.phone import Commands
from harness.errors import UserError
from harness.runtime.request import RunOptions
from harness.vlm.mode import EVAL_MODES

OUTPUT = "outputs.txt"
SPEED = "inference_speed.txt"
IMAGE_LIST = "images.txt"
"""Files of a run, in its folder on the phone."""


@dataclass(frozen=True)
class RemoteModel:
    """Absolute paths of a model's files on the phone, and of the runner that loads them.

    Attributes:
        family: What the runner calls ``--decoder_model_version``.
        shares_buffers: Whether the runner may share its buffers with the HTP.
    """

    runner: str
    encoder: str
    embedding: str
    decoder: str
    tokenizer: str
    family: str
    shares_buffers: bool = True


def sequence_length(dialogue: Dialogue, options: RunOptions, counted: int | None) -> int:
    """``--seq_len`` that lets the runner decode as many steps as the options ask for.

    It is a cap on positions: with a prompt of P tokens, P + N + 1 leaves room for N steps behind
    the first token (contract §4.6).

    Args:
        dialogue: Conversation that will be held.
        options: Number of steps to generate, or a cap on positions.
        counted: Length of the prompt as this runner once counted it; None to trust the dialogue.

    Raises:
        UserError: If several turns are to have a fixed number of steps, which no cap can give.
    """
    if options.max_new_tokens is None:
        return options.seq_len
    if len(dialogue.prompts) > 1:
        raise UserError(
            f"{len(dialogue.prompts)} turns of {options.max_new_tokens} steps each cannot be asked "
            "of a runner on a phone, whose only cap counts all turns; ask one turn per request."
        )
    return (counted or dialogue.prompt_tokens[0]) + options.max_new_tokens + 1


def runner_arguments(
    model: RemoteModel,
    generation: RunnerGeneration,
    dialogue: Dialogue,
    images: tuple[str, ...],
    options: RunOptions,
    *,
    system_prompt: str,
    seq_len: int,
) -> tuple[str, ...]:
    """Program and arguments, none of them quoted.

    Args:
        model: Files of the model on the phone.
        generation: Generation of the runner.
        dialogue: Conversation that is held.
        images: Raw tensors on the phone; the list file of them is ``IMAGE_LIST`` in the run's
            folder.
        options: How to generate.
        system_prompt: Text that every turn repeats.
        seq_len: Cap on positions, from ``sequence_length``.
    """
    arguments = [
        model.runner,
        *("--decoder_model_version", model.family),
        *("--tokenizer_path", model.tokenizer),
        *("--encoder_path", model.encoder),
        *(f"--{generation.embedding_flag}", model.embedding),
        *("--decoder_path", model.decoder),
        *("--image_path", images[0] if generation.is_single_turn else IMAGE_LIST),
        *("--output_path", OUTPUT),
        *("--performance_output_path", SPEED),
        *("--eval_mode", str(EVAL_MODES[options.mode])),
        *("--temperature", f"{options.temperature:g}"),
        *("--seq_len", str(seq_len)),
        *(("--shared_buffer",) if model.shares_buffers else ()),
    ]
    if options.lookahead is not None:
        arguments += lookahead_flags(options.lookahead)
    if system_prompt:
        arguments += ["--system_prompt", system_prompt]
    # As words of their own: upstream collects prompts from the raw words (contract §5.1).
    for prompt in dialogue.prompts:
        arguments += ["--prompt", prompt]
    if generation.is_ours:
        arguments += ["--json", *switch_flags(options)]
        arguments += [f"--top_p={options.top_p}", f"--seed={options.seed}"]
    return tuple(arguments)


def run_script(
    libraries: str, arguments: Sequence[str], images: Sequence[str] | None = None
) -> str:
    """Write the list of images and start a program, in the folder that the shell is in.

    Both variables name the libraries' folder: the linker finds QNN there, and FastRPC the HTP's
    own skel (contract §1.4). The program takes the shell's place, so that the process which is
    watched is the runner itself.

    Args:
        libraries: Folder with the runner's libraries and the HTP's skel, on the phone.
        arguments: Program and arguments.
        images: Raw images for the list file, in order; None for a program that reads none. A
            conversation without images needs the empty file: without one upstream's runner aborts.
    """
    found = shlex.quote(libraries)
    listed = "" if images is None else f"{_listing(images)} > {IMAGE_LIST}; "
    return (
        f"{listed}export LD_LIBRARY_PATH={found} ADSP_LIBRARY_PATH={found}; "
        f"exec {shlex.join(arguments)}"
    )


def _listing(images: Sequence[str]) -> str:
    return f"printf '%s\\n' {shlex.join(images)}" if images else ":"


def command_by_hand(
    phone: Commands, tools: str, arguments: Sequence[str], images: Sequence[str]
) -> tuple[str, ...]:
    """What a person types to do the same as ``run_script``, in a folder of its own that stays."""
    folder = Workspace.on(phone).by_hand
    script = f"mkdir -p {folder} && cd {folder} && {run_script(tools, arguments, images)}"
    return (*phone.shell_words, shlex.quote(script))
