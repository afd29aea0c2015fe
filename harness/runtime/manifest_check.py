"""Whether an artifact's files are what its manifest says. Imports without torch.

A manifest decides which gates judge an artifact, and anybody can write one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.artifacts.artifact import Artifact
from harness.artifacts.foreign import place_of
from harness.artifacts.manifest import MANIFEST_NAME
from harness.backends.qnn.delegates import QnnDelegate, read_delegates
from harness.backends.quantized_program import is_quantized
from harness.errors import UserError
from harness.runtime.geometry import DecoderGeometry
from harness.runtime.model_description import PREFILL, ModelDescription, Programs
from harness.targets.registry import get_target
from harness.vlm.registry import get_family, get_spec_or_family, known_models
from harness.vlm.spec import TextGeometry, VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode

_FIXED = "a quantized one"


def check_manifest(artifact: Artifact) -> None:
    """Refuse an artifact whose manifest says what its files do not.

    The files win: of two statements that differ the sentence names both.

    Raises:
        UserError: If a file is damaged or does not fit the others, or something differs: mode,
            context, sizes, KV encodings, target, SoC, model, family, or a float precision of what
            is quantized and the other way round.
    """
    manifest = artifact.manifest
    family = get_family(manifest.family)
    spec = get_spec_or_family(manifest.model)
    if spec.family != family:
        raise UserError(
            f"{artifact.directory / MANIFEST_NAME} says model {manifest.model} of family "
            f"{manifest.family}, and it is of {spec.family.name}; export the artifact again."
        )
    for name, said, found in _differing(artifact):
        if said != found:
            raise UserError(
                f"{artifact.directory / MANIFEST_NAME} says {name} {said}, and the files have "
                f"{found}; export the artifact again, or copy the manifest of these files."
            )


def _differing(artifact: Artifact) -> Iterator[tuple[str, object, object]]:
    """What manifest and files say, by name, in the order in which it can be read."""
    manifest = artifact.manifest
    programs = Programs.read(*map(artifact.path, COMPONENTS))
    yield "mode", manifest.mode, _mode(programs)
    found = programs.describe(manifest.mode, manifest.lookahead)
    yield "context_length", manifest.context_length, found.geometry.context_length
    if manifest.mode != "kv":
        yield "prefill_ar", manifest.prefill_ar, found.geometry.prefill_ar
    yield "image_size_px", manifest.image_size_px, found.image_size_px
    yield "tokens_per_image", manifest.tokens_per_image, found.tokens_per_image
    if found.encodings.scheme != "none":
        yield "kv_encodings", manifest.kv_encodings, found.encodings.scheme
    delegates = {name: read_delegates(artifact.path(name)) for name in COMPONENTS}
    target, soc = place_of(artifact.directory, delegates)
    meant = get_target(manifest.target)
    # Files tell a backend and whether they share the HTP's memory, which targets have in common.
    is_alike = (meant.backend, meant.shares_memory) == (target.backend, target.shares_memory)
    yield "target", meant.name, meant.name if is_alike else target.name
    yield "backend", manifest.backend, target.backend.name
    yield "soc", manifest.soc, soc
    if manifest.model in known_models():
        model, sizes = sizes_of(known_models()[manifest.model]), described_sizes(found)
        for name, size in sizes.items():
            yield f"model {manifest.model}, whose {name} is", model[name], size
    for component in COMPONENTS:
        said, has = manifest.component(component).precision, _kind(artifact, component, delegates)
        is_so = has == ("fp16" if said == "fp16" else "fp32" if said == "fp32" else _FIXED)
        yield f"precision of {component}", said, said if is_so else has


def _mode(programs: Programs) -> Mode:
    """Mode that a decoder was exported for; lookahead's decodes several tokens a call."""
    if PREFILL not in programs.decoder.method_names:
        return "kv"
    mask = programs.decoder.signature(programs.decode_name).inputs[1].shape
    return "hybrid" if mask[-2:-1] in ((), (1,)) else "lookahead"


def _kind(
    artifact: Artifact,
    component: Component,
    delegates: Mapping[Component, Sequence[QnnDelegate]],
) -> str:
    """Precision of a component, as far as its file tells it."""
    if delegates[component]:
        is_fp16 = any(delegate.is_fp16 for delegate in delegates[component])
        return "fp16" if is_fp16 else _FIXED
    return _FIXED if is_quantized(artifact.path(component)) else "fp32"


def described_sizes(found: ModelDescription) -> dict[str, int]:
    """Sizes that tell models apart, as files have them."""
    return _sizes(found.geometry, found.image_size_px, found.tokens_per_image)


def sizes_of(spec: VlmSpec) -> dict[str, int]:
    """Sizes that tell models apart, as a model has them."""
    return _sizes(spec.text, spec.vision.image_size_px, spec.vision.tokens_per_image)


def _sizes(
    text: TextGeometry | DecoderGeometry, image_size_px: int, tokens_per_image: int
) -> dict[str, int]:
    return {
        "layers": text.layers,
        "KV heads": text.kv_heads,
        "head dimension": text.head_dim,
        "hidden size": text.hidden_size,
        "vocabulary": text.vocab_size,
        "image size": image_size_px,
        "tokens per image": tokens_per_image,
    }
