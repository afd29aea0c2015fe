"""What memory traffic alone makes a decode step take at least (roofline model)."""

from __future__ import annotations


def ms_per_token_lower_bound(ddr_bytes: int, dram_gb_per_s: float) -> float:
    """Milliseconds to move a decode step's traffic at the memory's peak rate.

    A phone is slower: its memory never reaches the peak and the HTP does not have it alone.

    Args:
        ddr_bytes: Read and written by one step.
        dram_gb_per_s: Peak bandwidth in 1e9 bytes per second.
    """
    return ddr_bytes / (dram_gb_per_s * 1e9) * 1e3
