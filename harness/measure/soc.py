"""What performance and export need to know of a Snapdragon SoC."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Soc(BaseModel):
    """One row of ``thresholds/socs.toml``.

    Attributes:
        name: As Qualcomm and ``--soc`` write it, ``SM8550``.
        chip_id: Number of the SoC in QNN's compile specs.
        htp_arch: Version of the HTP, 73 for V73.
        vtcm_mib: Tightly coupled memory of the HTP.
        dram_gb_per_s: Peak DRAM bandwidth in 1e9 bytes per second, None where unknown.
        source: Where the numbers can be looked up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    chip_id: int
    htp_arch: int
    vtcm_mib: int
    dram_gb_per_s: float | None = None
    source: str
