"""What has to be known of each SoC; the rate of its memory is in ``thresholds/socs.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from harness.errors import UserError, suggest


@dataclass(frozen=True)
class Soc:
    """A Snapdragon SoC as its HTP compiler sees it.

    Attributes:
        name: As Qualcomm and ``--soc`` write it, ``SM8550``.
        chip_id: Its number in QNN and in the ``.pte``.
        htp_arch: Version of the HTP, 73 for V73.
        vtcm_mib: Tightly coupled memory of the HTP.
    """

    name: str
    chip_id: int
    htp_arch: int
    vtcm_mib: int


_SOCS = (
    Soc("QCM6490", 93, 68, 2),
    Soc("QCS9100", 77, 73, 8),
    Soc("SA8255", 52, 73, 8),
    Soc("SA8295", 39, 68, 8),
    Soc("SA8797", 72, 81, 16),
    Soc("SAR2230P", 95, 81, 4),
    Soc("SM8350", 30, 68, 4),
    Soc("SM8450", 36, 69, 8),
    Soc("SM8475", 42, 69, 8),
    Soc("SM8550", 43, 73, 8),
    Soc("SM8650", 57, 75, 8),
    Soc("SM8750", 69, 79, 8),
    Soc("SM8845", 97, 81, 8),
    Soc("SM8850", 87, 81, 8),
    Soc("SSG2115P", 46, 73, 2),
    Soc("SSG2125P", 58, 73, 2),
    Soc("SW6100", 96, 81, 4),
    Soc("SXR1230P", 45, 73, 2),
    Soc("SXR2230P", 53, 69, 8),
    Soc("SXR2330P", 75, 79, 8),
)
"""ExecuTorch 1.5.1, backends/qualcomm/serialization/qc_schema.py (contract §1.4)."""

SOCS = {soc.name: soc for soc in _SOCS}
_BY_CHIP_ID = {soc.chip_id: soc for soc in _SOCS}


def get_soc(name: str) -> Soc:
    """Look up a SoC by name, upper or lower case.

    Raises:
        UserError: If there is no such SoC; the message names the nearest one.
    """
    soc = SOCS.get(name.upper())
    if soc is None:
        raise UserError(f"There is no SoC {name!r}; {suggest(name.upper(), SOCS)}.")
    return soc


def soc_label(chip_id: int) -> str:
    """Name of the SoC with this number, or the number where it is not a SoC we know."""
    soc = _BY_CHIP_ID.get(chip_id)
    return soc.name if soc else f"the SoC with chip id {chip_id}"


def _known(name: str) -> str:
    if name not in SOCS:
        raise ValueError(f"there is no SoC {name!r}; {suggest(name, SOCS)}")
    return name


KnownSoc = Annotated[str, AfterValidator(_known)]
"""Of a field that a person fills in."""
