"""What memory traffic alone makes a decode step take at least (roofline model)."""

from __future__ import annotations


def bytes_per_token(weight_bytes: int, kv_cache_bytes: int) -> int:
    """Traffic of a decode step where no compiler counted it: all weights and the whole cache, once.

    Args:
        weight_bytes: Of the decoder with its head; of an embedding table no more than one row.
        kv_cache_bytes: Of all layers at the exported length: a static graph reads masked rows, too.

    Raises:
        ValueError: If a size is negative, or there are no weights.
    """
    if weight_bytes <= 0 or kv_cache_bytes < 0:
        raise ValueError(f"{weight_bytes} bytes of weights and {kv_cache_bytes} of cache")
    return weight_bytes + kv_cache_bytes


def ms_per_token_lower_bound(ddr_bytes: int, dram_gb_per_s: float) -> float:
    """Milliseconds to move a decode step's traffic at the memory's peak rate.

    A phone is slower: its memory never reaches the peak and the HTP does not have it alone.

    Args:
        ddr_bytes: Read and written by one step.
        dram_gb_per_s: Peak bandwidth in 1e9 bytes per second.
    """
    return ddr_bytes / (dram_gb_per_s * 1e9) * 1e3


def roofline_share(decode_tps: float, limit_ms: float, tokens_per_step: float = 1.0) -> float:
    """Measured decode speed over the limit that memory sets; small models reach 0.4 to 0.5.

    Args:
        decode_tps: Measured tokens per second.
        limit_ms: From ``ms_per_token_lower_bound``.
        tokens_per_step: More than 1 where lookahead finds several tokens in a pass.
    """
    return decode_tps / tokens_per_step * limit_ms / 1e3
