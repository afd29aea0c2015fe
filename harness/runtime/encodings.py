"""What the integers of a decoder's KV cache and logits stand for. Imports without torch.

A ``.pte`` says so in constant methods, of which there are two families (contract §2.6). Files whose
prefill and decode graphs share their encodings have upstream's ``get_kv_output_{i}_quant_attr``.
Files whose graphs were calibrated apart have ``get_{k,v}_{scale,zero_point}_{output,input}_
{layer}``: output is the prefill graph's cache, input the decode graph's (contract §4.9). Within one
graph the cache that goes in and the columns that come out always have one encoding.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from harness.errors import UserError

KvScheme = Literal["none", "shared", "requantized"]
"""``none``: a float cache, or an integer one of a file that does not tell its encodings."""

Constant = bool | int | float | str

_REQUANTIZED = re.compile(r"get_[kv]_(scale|zero_point)_(input|output)_\d+")
_DECODE_SCALE = re.compile(r"get_([kv])_scale_input_(\d+)")
_SHARED = re.compile(r"get_kv_output_\d+_quant_attr")
_EXPORT_AGAIN = "export the file again"


class Metadata(Protocol):
    """Constant methods of a file."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def method_names(self) -> frozenset[str]:
        """Methods of all kinds."""
        ...

    def constants(self, name: str) -> tuple[Constant, ...]:
        """All values of a constant method."""
        ...


@dataclass(frozen=True)
class Encoding:
    """Affine encoding of one tensor: ``real = (code - zero_point) * scale``."""

    scale: float
    zero_point: int


IDENTITY = Encoding(scale=1.0, zero_point=0)
"""Of float tensors, and of codes that are used as they are."""


@dataclass(frozen=True)
class CacheEncodings:
    """Encodings of one graph's KV cache, in layer order."""

    keys: tuple[Encoding, ...]
    values: tuple[Encoding, ...]

    @property
    def in_input_order(self) -> tuple[Encoding, ...]:
        """All K, then all V, as a decoder method takes and returns them (contract §2.2)."""
        return self.keys + self.values


def identity_encodings(layers: int) -> CacheEncodings:
    """Encodings of a float cache."""
    return CacheEncodings((IDENTITY,) * layers, (IDENTITY,) * layers)


@dataclass(frozen=True)
class DecoderEncodings:
    """Encodings of a decoder file as a run needs them.

    Attributes:
        scheme: How prefill and decode relate in the file.
        prefill: Of the cache that the prefill method reads and feeds; in kv mode ``decode``.
        decode: Of the cache that the decode method reads and feeds.
        logits: None where the file has integer logits and does not tell their encoding.
    """

    scheme: KvScheme
    prefill: CacheEncodings
    decode: CacheEncodings
    logits: Encoding | None

    def without_requantization(self) -> DecoderEncodings:
        """The cache taken from prefill to decode as it is, which a requantized file forbids."""
        return replace(self, prefill=self.decode)


def kv_scheme(method_names: frozenset[str]) -> KvScheme:
    """Which family of KV metadata a file has; the requantized one decides if it has both."""
    if any(map(_REQUANTIZED.fullmatch, method_names)):
        return "requantized"
    return "shared" if any(map(_SHARED.fullmatch, method_names)) else "none"


def largest_scale_ratio(metadata: Metadata) -> float:
    """Largest quotient of the two scales that one layer's K or V has, at least 1 (contract §4.9).

    Raises:
        ValueError: If prefill and decode share their encodings.
    """
    ratios = []
    for name in metadata.method_names:
        if match := _DECODE_SCALE.fullmatch(name):
            kind, layer = match.groups()
            (decode,) = map(float, metadata.constants(name))
            (prefill,) = map(float, metadata.constants(f"get_{kind}_scale_output_{layer}"))
            ratios.append(max(decode / prefill, prefill / decode))
    if not ratios:
        raise ValueError(f"{metadata.path} has shared KV encodings")
    return max(ratios)


def read_encodings(
    metadata: Metadata, layers: int, kv_dtype: str, logits_dtype: str, *, has_prefill: bool
) -> DecoderEncodings:
    """Read a decoder file's encodings.

    Args:
        metadata: The file.
        layers: L.
        kv_dtype: numpy dtype name of the cache; nothing is read for a float one.
        logits_dtype: numpy dtype name of the logits; likewise.
        has_prefill: Whether the run uses a prefill method of its own. Without one the decode
            method feeds its own cache, and files of kv mode lack the prefill half (contract §4.9).

    Raises:
        UserError: If metadata is incomplete, impossible, or describes one graph twice.
    """
    logits = _read_logits(metadata, logits_dtype)
    scheme = kv_scheme(metadata.method_names) if _is_integer(kv_dtype) else "none"
    if scheme == "requantized":
        decode = _read_requantized(metadata, "input", layers, kv_dtype)
        if not has_prefill:
            return DecoderEncodings(scheme, decode, decode, logits)
        prefill = _read_requantized(metadata, "output", layers, kv_dtype)
        if prefill == decode and any(map(_SHARED.fullmatch, metadata.method_names)):
            raise UserError(
                f"{metadata.path} gives the encodings of its decode graph for both graphs, as "
                f"exporters between January and March 2026 did, so the cache of its prefill cannot "
                f"be requantized; use --eval_mode 0 or {_EXPORT_AGAIN}."
            )
        return DecoderEncodings(scheme, prefill, decode, logits)
    both = (
        _read_shared(metadata, layers, kv_dtype)
        if scheme == "shared"
        else identity_encodings(layers)
    )
    return DecoderEncodings(scheme, both, both, logits)


def _is_integer(dtype: str) -> bool:
    return np.issubdtype(np.dtype(dtype), np.integer)


def _read_logits(metadata: Metadata, dtype: str) -> Encoding | None:
    if not _is_integer(dtype):
        return IDENTITY
    names = ("get_logits_scale", "get_logits_zero_point")
    if not metadata.method_names.intersection(names):
        return None
    _require(metadata, names, "the encoding of its logits")
    scale, zero_point = (metadata.constants(name)[0] for name in names)
    return _encoding(metadata, names[0], scale, zero_point, dtype)


def _read_requantized(
    metadata: Metadata, side: Literal["input", "output"], layers: int, dtype: str
) -> CacheEncodings:
    def name(kind: str, what: str, layer: int) -> str:
        return f"get_{kind}_{what}_{side}_{layer}"

    def read(kind: str) -> tuple[Encoding, ...]:
        return tuple(
            _encoding(
                metadata,
                name(kind, "scale", layer),
                metadata.constants(name(kind, "scale", layer))[0],
                metadata.constants(name(kind, "zero_point", layer))[0],
                dtype,
            )
            for layer in range(layers)
        )

    needed = [
        name(kind, what, layer)
        for layer in range(layers)
        for kind in ("k", "v")
        for what in ("scale", "zero_point")
    ]
    _require(metadata, needed, "what requantizing its KV cache after prefill needs")
    return CacheEncodings(read("k"), read("v"))


def _read_shared(metadata: Metadata, layers: int, dtype: str) -> CacheEncodings:
    """The attributes count in graph order, where V of a layer comes before K (contract §2.6)."""
    names = [f"get_kv_output_{index}_quant_attr" for index in range(2 * layers)]
    _require(metadata, names, "the encodings of its KV cache")
    found = []
    for name in names:
        scale, zero_point, *_ = metadata.constants(name)
        found.append(_encoding(metadata, name, scale, zero_point, dtype))
    return CacheEncodings(keys=tuple(found[1::2]), values=tuple(found[0::2]))


def _require(metadata: Metadata, names: list[str] | tuple[str, ...], purpose: str) -> None:
    missing = [name for name in names if name not in metadata.method_names]
    if missing:
        raise UserError(
            f"{metadata.path} lacks {missing[0]}, one of {len(missing)} missing of {len(names)} "
            f"values that tell {purpose}; {_EXPORT_AGAIN}."
        )


def _encoding(
    metadata: Metadata, name: str, scale: Constant, zero_point: Constant, dtype: str
) -> Encoding:
    top = np.iinfo(dtype).max
    if (
        isinstance(scale, str)
        or isinstance(zero_point, str)
        or not (math.isfinite(scale) and scale > 0)
        or not (0 <= zero_point <= top and zero_point == int(zero_point))
    ):
        raise UserError(
            f"{metadata.path} is wrong about {name} (scale {scale}, zero point {zero_point} for "
            f"codes 0 to {top}); {_EXPORT_AGAIN}."
        )
    return Encoding(float(scale), int(zero_point))
