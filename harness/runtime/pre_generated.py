"""Files that were exported before, as an artifact: what a manifest says, or would, read from them.

Imports without torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.artifacts.artifact import Artifact, open_artifact, sha256_of
from harness.artifacts.foreign import ForeignFiles, find_foreign, place_of, presumed_precisions
from harness.artifacts.manifest import MANIFEST_NAME, ComponentFile, Manifest
from harness.backends.qnn.delegates import read_delegates
from harness.checkpoint.statements import check_statements
from harness.errors import UserError
from harness.runtime.manifest_check import check_manifest, described_sizes, sizes_of
from harness.runtime.model_description import ModelDescription, Programs
from harness.runtime.program_file import check_program_file
from harness.runtime.stored_rows import check_stored_rows
from harness.vlm.mode import LookaheadShape
from harness.vlm.positions import check_positions
from harness.vlm.registry import known_families, known_models
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Precision


def open_pre_generated(
    directory: Path,
    model: VlmSpec | None = None,
    *,
    precisions: Mapping[Component, Precision] | None = None,
    lookahead: LookaheadShape | None = None,
) -> Artifact:
    """Open files that were exported before, by ours or by somebody else's exporter.

    A folder with a manifest is opened strictly, and holds what that says. Of any other folder the
    files are found by their names and checked against the contract and each other; sizes, SoC and
    KV encodings are read from them. What no file tells is an argument.

    Args:
        directory: The folder.
        model: What it should be; None for the model whose sizes it has.
        precisions: What the components were quantized to; None for float16 where the HTP computes
            so and upstream's recipe elsewhere.
        lookahead: Branch that a file for lookahead was exported with.

    Raises:
        UserError: If a file is missing, damaged, of a layout that cannot be run or of another
            model, if its token embedding holds NaN, if the tokenizer is of another vocabulary, or
            if an argument is needed.
    """
    if (directory / MANIFEST_NAME).exists():
        artifact = open_artifact(directory)
        check_manifest(artifact)
        check_stored_rows(artifact.path("token_embedding"))
        return artifact
    files = find_foreign(directory)
    for path in files.programs.values():
        check_program_file(path)
    check_stored_rows(files.programs["token_embedding"])
    _require_branch(files, lookahead)
    programs = Programs.read(*(files.programs[component] for component in COMPONENTS))
    found = programs.describe(files.mode, lookahead)
    spec = _identify(directory, found, model)
    context_length = found.geometry.context_length
    subject = f"The context of {context_length:,} tokens in {directory}"
    check_positions(context_length, spec.max_positions, subject)
    check_statements(directory, spec, config={}, image_token_id=found.image_token_id)
    delegates = {name: read_delegates(path) for name, path in files.programs.items()}
    hashes = {name: sha256_of(path) for name, path in files.programs.items()}
    target, soc = place_of(directory, delegates)
    if precisions is None:
        precisions = presumed_precisions(directory, delegates)
    manifest = Manifest(
        model=spec.name,
        family=spec.family.name,
        key=hashlib.sha256("\n".join(sorted(hashes.values())).encode()).hexdigest(),
        target=target.name,
        backend=target.backend.name,
        soc=soc,
        mode=files.mode,
        context_length=found.geometry.context_length,
        prefill_ar=found.geometry.prefill_ar,
        lookahead=lookahead if files.mode == "lookahead" else None,
        image_size_px=found.image_size_px,
        tokens_per_image=found.tokens_per_image,
        kv_encodings="requantized" if found.encodings.scheme == "requantized" else "shared",
        components=tuple(
            _component(name, path, precisions[name], hashes[name])
            for name, path in files.programs.items()
        ),
        tokenizer_files={files.tokenizer.name: sha256_of(files.tokenizer)},
        versions={"abi": str(found.abi)},
        created_at=_written_at(files),
    )
    return Artifact(directory, manifest)


def _require_branch(files: ForeignFiles, lookahead: LookaheadShape | None) -> None:
    if files.mode == "lookahead" and lookahead is None:
        raise UserError(
            f"{files.programs['text_decoder']} does not tell the branch that it was exported for; "
            f"give --lookahead W,N,G (upstream's default is 8,5,8)."
        )


def _identify(directory: Path, found: ModelDescription, model: VlmSpec | None) -> VlmSpec:
    """The model that has the files' sizes."""
    sizes = described_sizes(found)
    if model is not None and sizes_of(model) == sizes:
        return model
    fitting = [spec for spec in known_models().values() if sizes_of(spec) == sizes]
    if model is None and len(fitting) == 1:
        return fitting[0]
    described = ", ".join(f"{name} {size}" for name, size in sizes.items())
    if model is not None:
        wanted = sizes_of(model)
        name = next(name for name, size in sizes.items() if size != wanted[name])
        raise UserError(
            f"{directory} holds no {model.name}: its {name} is {sizes[name]} instead of "
            f"{wanted[name]}; give --model of what was exported."
        )
    if fitting:
        raise UserError(
            f"{directory} may hold {' or '.join(spec.name for spec in fitting)} ({described}); "
            f"say which with --model."
        )
    raise UserError(
        f"{directory} holds a model that is not known ({described}); name the checkpoint that it "
        f"was made from: --model {' or '.join(known_families())} --checkpoint DIR"
    )


def _component(name: Component, path: Path, precision: Precision, sha256: str) -> ComponentFile:
    return ComponentFile(
        component=name,
        precision=precision,
        key=sha256,
        file=path.name,
        sha256=sha256,
        weights_sha256=None,
        pte_bytes=path.stat().st_size,
        export_s=None,
        export_peak_rss_mib=None,
    )


def _written_at(files: ForeignFiles) -> str:
    seconds = max(path.stat().st_mtime for path in files.programs.values())
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
