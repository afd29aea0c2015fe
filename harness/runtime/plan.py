"""From flags to what is run: everything that can be refused before the runtime is loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.artifacts.artifact import open_artifact
from harness.artifacts.foreign import find_foreign
from harness.artifacts.given_name import named_artifact
from harness.artifacts.manifest import MANIFEST_NAME
from harness.errors import UserError
from harness.options.groups.model import default_artifacts
from harness.picture_source import check_exists, is_url, pin
from harness.runtime.files import RunFiles
from harness.runtime.flags import Flags
from harness.runtime.manifest_check import check_manifest
from harness.runtime.output import is_device
from harness.runtime.request import Request, RunOptions, check_lookahead, read_requests
from harness.vlm.mode import EVAL_MODES, LookaheadShape
from harness.vlm.registry import get_family, known_families
from harness.vlm.spec import VlmFamily
from harness.vlm.turn import reading
from harness.vocabulary import Mode

_DEFAULT_PROMPT = "Describe this image:"
_DEFAULT_SEQ_LEN = 128
_ARTIFACT_STANDS_FOR = ("encoder_path", "tok_embedding_path", "decoder_path", "tokenizer_path")
_NO_MODEL = (
    "Nothing says which model to run; give the folder or name that python -m harness export "
    "printed: python -m harness.runtime --artifact DIR --image photo.jpg --prompt 'What is this?' "
    "(--help has all flags, upstream's too)."
)
_ONE_CONVERSATION_ONLY = (
    "prompt",
    "system_prompt",
    "image",
    "image_path",
    "sha256",
    "num_iters",
    "json_output",
    "dump_logits_path",
    "output_path",
    "performance_output_path",
)


@dataclass(frozen=True)
class RunPlan:
    """A checked command line."""

    files: RunFiles
    family: VlmFamily
    options: RunOptions
    requests: tuple[Request, ...]
    qnn_dir: Path | None


def make_plan(
    flags: Flags, laboratory: Mapping[str, Any] = MappingProxyType({"soc": None, "qnn_dir": None})
) -> RunPlan:
    """Resolve a command line.

    Args:
        flags: What was typed.
        laboratory: ``soc`` and ``qnn_dir`` of files for the HTP where neither a flag nor the
            artifact tells them.

    Raises:
        UserError: If flags contradict each other, ask for what is not built, or name a file that
            is missing or unusable.
    """
    _refuse_unbuilt(flags)
    if flags.requests is not None:
        _refuse(flags, _ONE_CONVERSATION_ONLY, "--requests")
    model = _model(flags)
    mode = model.mode
    if flags.eval_mode is not None:
        mode = next(name for name, number in EVAL_MODES.items() if number == flags.eval_mode)
    if flags.artifact is not None and mode == "lookahead" and model.mode != "lookahead":
        raise UserError(
            f"Lookahead (--eval_mode 2) does not run on {flags.artifact}, which is a {model.mode} "
            "artifact; leave --eval_mode out, or export it again with --mode lookahead."
        )
    if flags.dump_logits_path is not None and mode != "kv":
        raise UserError("--dump_logits_path works in kv mode only; add --eval_mode 0.")
    _check_outputs(flags)
    options = RunOptions(
        mode=mode,
        lookahead=_lookahead(flags) or (model.lookahead if mode == "lookahead" else None),
        temperature=flags.temperature,
        top_p=flags.top_p,
        seed=flags.seed,
        seq_len=model.seq_len if flags.seq_len is None else flags.seq_len,
        max_new_tokens=flags.max_new_tokens,
        ignore_eos=flags.ignore_eos,
        warmup=flags.warmup,
        upstream_compat=flags.upstream_compat,
        requantization=flags.requantization,
        record_margins=flags.record_margins,
    )
    check_lookahead(options)
    model.files.check(flags.soc or model.soc or laboratory["soc"])
    qnn_dir = flags.qnn_dir
    if qnn_dir is None and laboratory["qnn_dir"] is not None and model.files.are_for_htp:
        qnn_dir = laboratory["qnn_dir"]
    requests = (_conversation(flags),) if flags.requests is None else read_requests(flags.requests)
    for request in requests:
        reading(flags.upstream_compat).place_images(request.prompts, len(request.images))
        for image in request.images:
            check_exists(image)
    return RunPlan(model.files, model.family, options, requests, qnn_dir)


def _refuse_unbuilt(flags: Flags) -> None:
    if flags.audio_path is not None:
        raise UserError("--audio_path is not supported: the models take images; use --image.")
    if flags.tokenized_prompt is not None:
        raise UserError("--tokenized_prompt is not supported; give the text as --prompt.")


def _refuse(flags: Flags, names: tuple[str, ...], beside: str) -> None:
    given = [name for name in names if name in flags.model_fields_set]
    if given:
        raise UserError(
            f"--{given[0].removesuffix('_output')} does not go with {beside}; drop one of them."
        )


def _lookahead(flags: Flags) -> LookaheadShape | None:
    """The branch that the flags describe; 0 is upstream's way of not giving a size."""
    sizes = {name: getattr(flags, name) for name in ("window", "ngram", "gcap")}
    if not any(sizes.values()):
        return None
    missing = [f"--{name}" for name, size in sizes.items() if not size]
    if missing:
        raise UserError(
            f"--window, --ngram and --gcap go together, and {' and '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing; give all three."
        )
    return LookaheadShape(**sizes)


@dataclass(frozen=True)
class _Model:
    """What is run, and what holds where no flag says otherwise."""

    files: RunFiles
    family: VlmFamily
    mode: Mode
    lookahead: LookaheadShape | None
    seq_len: int
    soc: str | None = None


def _model(flags: Flags) -> _Model:
    if flags.artifact is not None and not flags.artifact.is_dir():
        named = named_artifact(str(flags.artifact), default_artifacts())
        flags = flags.model_copy(update={"artifact": named or flags.artifact})
    if flags.artifact is not None:
        _refuse(flags, _ARTIFACT_STANDS_FOR, "--artifact")
        if not (flags.artifact / MANIFEST_NAME).exists():
            return _foreign_model(flags.artifact, flags.decoder_model_version)
        if "decoder_model_version" in flags.model_fields_set:
            raise UserError(
                f"--decoder_model_version is for a folder without {MANIFEST_NAME}, which "
                f"{flags.artifact} has; leave it out."
            )
        artifact = open_artifact(flags.artifact)
        check_manifest(artifact)
        manifest = artifact.manifest
        family, files = get_family(manifest.family), RunFiles.of(artifact)
        return _Model(files, family, manifest.mode, manifest.lookahead, seq_len=0, soc=manifest.soc)
    if not flags.model_fields_set.intersection((*_ARTIFACT_STANDS_FOR, "decoder_model_version")):
        raise UserError(_NO_MODEL)
    if flags.decoder_model_version not in known_families():
        raise UserError(
            f"--decoder_model_version {flags.decoder_model_version} is not supported; give "
            f"{' or '.join(known_families())}, or --artifact DIR."
        )
    files = RunFiles(
        flags.encoder_path, flags.tok_embedding_path, flags.decoder_path, flags.tokenizer_path
    )
    family = get_family(flags.decoder_model_version)
    return _Model(files, family, "hybrid", None, _DEFAULT_SEQ_LEN)


def _foreign_model(directory: Path, family: str) -> _Model:
    """What another exporter wrote, which does not tell its family."""
    files = find_foreign(directory)
    if family not in known_families():
        raise UserError(
            f"{directory} has no {MANIFEST_NAME} and its files do not tell their family; add "
            f"--decoder_model_version {' or '.join(known_families())}."
        )
    return _Model(RunFiles.of_foreign(files), get_family(family), files.mode, None, seq_len=0)


def _check_outputs(flags: Flags) -> None:
    """Look at the files that this run will write, while no time is lost yet."""
    one = ("output_path", "performance_output_path", "dump_logits_path")
    for name in one if flags.requests is None else ("generations_path",):
        path: Path | None = getattr(flags, name)
        if path is None or not flags.writes(name):
            continue
        if not path.parent.is_dir():
            raise UserError(f"Folder {path.parent} of {path.name} does not exist; create it first.")
        if path.is_dir():
            raise UserError(f"--{name} {path} is a folder; give the path of a file.")
        # A device such as /dev/null is written itself, any other file appears in its folder.
        written = path if is_device(path) else path.parent
        if not os.access(written, os.W_OK):
            raise UserError(f"You may not write to {written}; give another --{name}.")


def _conversation(flags: Flags) -> Request:
    """The one request that the flags describe."""
    images = (*_listed_images(flags.image_path), *_pinned(flags.image, flags.sha256))
    if not images and flags.image_path is None and not flags.prompt:
        raise UserError(
            "No image was given and nothing was asked; add --image photo.jpg or --image_path LIST, "
            "or ask without an image with --prompt 'What is the capital of France?'."
        )
    return Request(
        id="0",
        prompts=tuple(map(_as_typed, flags.prompt)) or (_DEFAULT_PROMPT,),
        images=images,
        system_prompt=_as_typed(flags.system_prompt),
    )


def _as_typed(prompt: str) -> str:
    """A prompt of the command line, whose bytes arrive as lone surrogates in another locale."""
    try:
        return prompt.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError as error:
        raise UserError(
            f"The prompt {prompt!r} is not UTF-8; check the terminal's encoding."
        ) from error


def _listed_images(path: Path | None) -> list[str]:
    """Entries of upstream's list file (contract §5.2)."""
    if path is None:
        return []
    try:
        return path.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"Image list {path} cannot be read ({error}); give a text file of paths, or a picture "
            f"as --image."
        ) from error


def _pinned(images: tuple[str, ...], digests: tuple[str, ...]) -> list[str]:
    urls = sum(map(is_url, images))
    if digests and len(digests) != urls:
        raise UserError(
            f"{len(digests)} --sha256 were given for {urls} URLs; give one per URL, or none."
        )
    rest = iter(digests)
    return [pin(image, next(rest)) if digests and is_url(image) else image for image in images]
