"""How fast a phone's memory lets an artifact decode at most, from what its manifest says."""

from __future__ import annotations

from dataclasses import dataclass

from harness.artifacts.manifest import Manifest
from harness.judging.htp_cost import ddr_bytes_per_token
from harness.measure.roofline import bytes_per_token, ms_per_token_lower_bound
from harness.vlm.spec import TextGeometry
from harness.vocabulary import CALIBRATED

_UPSTREAM_KV_BITS = 16
_FLOAT_KV_BITS = 32
"""Of a cache that graphs of floating point take and give."""


@dataclass(frozen=True)
class DecodeLimit:
    """Time that a decode step takes at least.

    Attributes:
        metric: Says where its traffic is known from: ``ms_per_token_lower_bound`` by the HTP
            compiler, ``ms_per_token_of_weights`` by the sizes of weights and cache.
        milliseconds: Of one step at the memory's peak rate.
    """

    metric: str
    milliseconds: float


def decode_limit(
    manifest: Manifest, text: TextGeometry, dram_gb_per_s: float | None
) -> DecodeLimit | None:
    """The limit of an artifact on a phone; None where the memory's rate is unknown.

    Args:
        manifest: Of the artifact.
        text: Geometry of its decoder.
        dram_gb_per_s: Of the phone's SoC, in 1e9 bytes per second; None where it is unknown.
    """
    if dram_gb_per_s is None:
        return None
    traffic = ddr_bytes_per_token(manifest.component("text_decoder").graphs)
    if traffic is not None:
        limit_ms = ms_per_token_lower_bound(traffic, dram_gb_per_s)
        return DecodeLimit("ms_per_token_lower_bound", limit_ms)
    # The file is all weights but for its graphs, which share them on a phone.
    weight_bytes = manifest.component("text_decoder").pte_bytes
    presumed = bytes_per_token(weight_bytes, kv_cache_bytes(manifest, text))
    limit_ms = ms_per_token_lower_bound(presumed, dram_gb_per_s)
    return DecodeLimit("ms_per_token_of_weights", limit_ms)


def kv_cache_bytes(manifest: Manifest, text: TextGeometry) -> int:
    """Size of the K and V of all layers at the exported length."""
    rows = 2 * text.layers * text.kv_heads * manifest.context_length
    return rows * text.head_dim * _kv_bits(manifest) // 8


def _kv_bits(manifest: Manifest) -> int:
    if manifest.component("text_decoder").precision not in CALIBRATED:
        return _FLOAT_KV_BITS
    return _UPSTREAM_KV_BITS if manifest.htp is None else manifest.htp.kv_bits
