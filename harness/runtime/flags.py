"""Flags of ``python -m harness.runtime``: those of ``qnn_multimodal_runner`` and ours."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from harness.options.table import options_of

_BRANCH = "lookahead, as exported (default: that of --artifact)"


def _flag(group: str, default: Any, description: str, **constraints: Any) -> Any:
    return Field(
        default=default, description=description, json_schema_extra={"group": group}, **constraints
    )


_file = partial(_flag, "Files")
_said = partial(_flag, "Conversation")
_generation = partial(_flag, "Generation")
_output = partial(_flag, "Output")
_process = partial(_flag, "Process")
_accepted = partial(_flag, "Accepted for upstream's sake")


def _shared(name: str, group: str) -> Any:
    """A flag that other commands have as well; a laboratory's file may set it."""
    option = options_of("runtime")[name]
    return _flag(group, option.default_for("runtime"), option.described("runtime"))


class Flags(BaseModel, frozen=True, extra="forbid"):
    """Values of all flags, named as they are typed (contract §5.1)."""

    artifact: Path | None = _file(
        None,
        "folder that an exporter wrote; stands for the four paths below and the mode, and with its "
        "manifest.json for --decoder_model_version too",
    )
    encoder_path: Path = _file(Path("encoder.pte"), "vision encoder (.pte)")
    tok_embedding_path: Path = _file(Path("tok_embedding.pte"), "token embedding (.pte)")
    decoder_path: Path = _file(Path("decoder.pte"), "text decoder (.pte)")
    tokenizer_path: Path = _file(Path("tokenizer.bin"), "tokenizer.json")
    decoder_model_version: str = _file("llama3", "family of the model")
    soc: str | None = _shared("soc", "Files")
    qnn_dir: Path | None = _shared("qnn_dir", "Files")

    prompt: tuple[str, ...] = _said(
        (),
        "user prompt, once per turn; <image> marks the place of an image "
        "(default: 'Describe this image:')",
    )
    system_prompt: str = _said("", "system prompt, repeated in every turn")
    image: tuple[str, ...] = _said((), "picture, raw tensor (.raw) or URL, once per image")
    sha256: tuple[str, ...] = _said(
        (), "expected sha256 of the downloads, one per URL, in their order"
    )
    image_path: Path | None = _said(
        None,
        "text file that lists images, separated by spaces and newlines; they "
        "come before those of --image",
    )
    requests: Path | None = _said(
        None,
        "JSON lines, one request each (id, prompts, images, system_prompt), "
        "answered in one process, each on an empty cache",
    )

    eval_mode: int | None = _generation(
        None, "0 kv, 1 hybrid, 2 lookahead (default: 1, or the mode of --artifact)", ge=0, le=2
    )
    window: int = _generation(0, f"{_BRANCH}: guesses per level", ge=0)
    ngram: int = _generation(0, f"{_BRANCH}: tokens of an n-gram", ge=0)
    gcap: int = _generation(0, f"{_BRANCH}: n-grams verified per step", ge=0)
    temperature: float = _generation(0.0, "0 for greedy decoding", ge=0, allow_inf_nan=False)
    top_p: float = _generation(0.9, "probability mass to sample from", gt=0, le=1)
    seed: int = _generation(
        0, "seed of sampling and of lookahead's first guesses, the same for every request", ge=0
    )
    seq_len: int | None = _generation(
        None,
        "cap on prompt and answer tokens of all turns together "
        "(default: 128, or the whole context with --artifact)",
    )
    max_new_tokens: int | None = _generation(
        None, "cap on the tokens of a turn behind its first one", ge=0
    )
    ignore_eos: bool = _generation(False, "decode on after a stop token")
    num_iters: int = _generation(
        1,
        "repeat the conversation on top of its own context, as upstream does "
        "(no benchmark: see --warmup and --requests)",
        ge=1,
    )
    warmup: int = _generation(0, "conversations to run and discard before the first one", ge=0)
    upstream_compat: bool = _generation(
        False,
        "reproduce upstream's deviations: contents of unused cache slots, guessed stop token, ids "
        "under NFC, every <image> a place of one, first token never tested for a stop, raw logit "
        "codes at a temperature, cache requantized without rounding and saturation, guesses of "
        "lookahead, cut rows in --dump_logits_path",
    )
    requantization: bool = _generation(
        True,
        "convert the KV cache between prefill and decode where the file asks for it; "
        "--norequantization is for measuring what that is worth",
    )

    output_path: Path = _output(
        Path("outputs.txt"), "prompts and answers of all turns; with --artifact only if given"
    )
    performance_output_path: Path = _output(
        Path("inference_speed.txt"),
        "end-to-end tokens per second of the last turn; with --artifact only if given",
    )
    dump_logits_path: Path | None = _output(
        None, "raw logits of every token, [tokens, vocabulary]; --eval_mode 0 only"
    )
    generations_path: Path = _output(
        Path("generations.jsonl"),
        "answers to --requests, one JSON line each, written as soon as it is known",
    )
    record_margins: bool = _output(
        False,
        "add to each answer which token was the second choice for every token (runner_up_ids) "
        "and how far it was behind the first (top2_gaps)",
    )
    stream: bool = _output(False, "print the answer while it is generated")
    quiet: bool = _output(False, "print the answer alone: no log and no statistics")
    json_output: bool = _output(
        False,
        "print text, token ids and statistics as one JSON line, the last of stdout",
        alias="json",
    )

    help: bool = _output(False, "show this text")

    threads: int | None = _process(
        None,
        "threads to compute with on this CPU (default: one per processor that this process may "
        "use); fewer may be as fast where there is other work: the answers are the same",
        ge=1,
    )
    exit_with_parent: bool = _process(
        False,
        "end with the thread that started it (Linux), and when standard input closes; for a "
        "program that holds it open as long as it lives",
    )

    shared_buffer: bool = _accepted(False, "no effect: host memory needs no RPC buffers")
    audio_path: Path | None = _accepted(None, "not supported")
    tokenized_prompt: Path | None = _accepted(None, "not supported")

    def writes(self, flag: str) -> bool:
        """Whether a file is written: one that was asked for, or that upstream's runner writes."""
        is_upstreams = flag in ("output_path", "performance_output_path")
        return self.artifact is None or not is_upstreams or flag in self.model_fields_set
