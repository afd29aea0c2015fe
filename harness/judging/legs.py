"""The two legs of a comparison, as a person tells them apart: by name, and by what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import ComponentFile, Manifest

_FIELDS = (
    *("mode", "context_length", "prefill_ar", "lookahead", "kv_encodings"),
    *("htp", "weights", "decoder"),
)
_WORDS = {
    "context_length": "context",
    "kv_encodings": "KV encodings",
    "htp": "HTP recipe",
    "weights": "recipe of 4-bit weights",
    "decoder": "decoder recipe",
}
_NO_VERSION = ("qnn_licence",)
_TOLD = 4


@dataclass(frozen=True)
class Legs:
    """What is compared.

    Attributes:
        baseline: ``A``.
        candidate: ``B``.
        commits: At which the baseline was green and the candidate is compared; None where one of
            them is unknown.
    """

    baseline: Artifact
    candidate: Artifact
    commits: tuple[str, str] | None = None

    @property
    def names(self) -> tuple[str, str]:
        """Folders by their names, with as many parents as tell two of one name apart."""
        one, other = self.baseline.directory.parts, self.candidate.directory.parts
        for depth in range(1, max(len(one), len(other))):
            if one[-depth:] != other[-depth:]:
                return "/".join(one[-depth:]), "/".join(other[-depth:])
        return one[-1], other[-1]

    @property
    def differences(self) -> tuple[str, ...]:
        """In what the artifacts differ, each as ``torch 2.12.0 -> 2.13.0``."""
        return tuple(self._differences())

    @property
    def told(self) -> str:
        """The same as the end of a sentence."""
        if self.baseline.manifest.key == self.candidate.manifest.key:
            return "it is one artifact on both sides"
        found = self.differences
        if not found:
            keys = (leg.manifest.key[:12] for leg in (self.baseline, self.candidate))
            return "their keys {} and {} differ in nothing that a manifest tells".format(*keys)
        more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
        return f"they differ in {', '.join(found[:_TOLD])}{more}"

    def _differences(self) -> Iterator[str]:
        one, other = self.baseline.manifest, self.candidate.manifest
        if self.commits and self.commits[0] != self.commits[1]:
            yield "commit {} -> {}".format(*(name[:12] + name[40:] for name in self.commits))
        for pair in zip(one.components, other.components, strict=True):
            yield from _of_component(*pair)
        for name in _FIELDS:
            values = getattr(one, name), getattr(other, name)
            if values[0] != values[1]:
                yield _moved(_WORDS.get(name, name.replace("_", " ")), *map(_text, values))
        yield from _of_versions(one, other)
        if one.tokenizer_files != other.tokenizer_files:
            yield "tokenizer"


def _of_component(one: ComponentFile, other: ComponentFile) -> Iterator[str]:
    if one.precision != other.precision:
        yield _moved(one.component, one.precision, other.precision)
    if one.weights_sha256 != other.weights_sha256:
        yield f"weights of {one.component}"
    elif one.key != other.key and one.precision == other.precision:
        yield f"key of {one.component}"


def _of_versions(one: Manifest, other: Manifest) -> Iterator[str]:
    for name in sorted({*one.versions, *other.versions}):
        values = one.versions.get(name, "none"), other.versions.get(name, "none")
        if values[0] != values[1] and name not in _NO_VERSION:
            yield _moved(name, *values)


def _moved(name: str, before: str, after: str) -> str:
    return f"{name} {before} -> {after}"


def _text(value: object) -> str:
    details = getattr(value, "details", value)
    return "none" if details is None else str(details) or "default"
