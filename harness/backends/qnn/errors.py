"""What QNN's log lines mean and what to do about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownError:
    """One row of the table.

    Attributes:
        pattern: Regular expression that finds the line.
        cause: What is wrong, as part of a sentence.
        remedy: What to do; the next command where there is one.
        source: Where the line was seen.
    """

    pattern: str
    cause: str
    remedy: str
    source: str


_REEXPORT = "copy or export it again"

KNOWN_ERRORS = (
    KnownError(
        r"Shared weights buffer isn't supported on this platform",
        "its graphs share weights, which the emulator cannot load",
        "export it again with --target emulator",
        "emulator of QNN 2.47",
    ),
    KnownError(
        r"Using newer context binary on old SDK",
        "it was made by a newer QNN than runs here",
        "install that QNN or export it again with this one",
        "emulator of QNN 2.47 with a file of QNN 2.48",
    ),
    KnownError(
        r"Cannot Open QNN library (\S+), with error",
        "the QNN libraries were not found",
        "see what is missing with: python -m harness doctor",
        "ExecuTorch 1.5.1 without QNN",
    ),
    KnownError(
        r"Failed to interpret QNN context binary|Can't create dlc from binary",
        "its context binary is damaged",
        _REEXPORT,
        "emulator of QNN 2.47 with a damaged file",
    ),
    KnownError(
        r"Request feature vtcm size with value (\d+) unsupported",
        "it was compiled for a SoC with more VTCM than this one has",
        "export it again with --soc for this SoC",
        "https://github.com/pytorch/executorch/issues/9084",
    ),
    KnownError(
        r"Failed to find available PD|Failed to map weights buffer to device",
        "the HTP has no room for a context of this size (error 1002)",
        "close what else uses the HTP, or export with smaller weights or more shards",
        "https://github.com/pytorch/executorch/issues/18862 and 4517",
    ),
    KnownError(
        r"Failed to load skel, error|qnn_open failed",
        "the HTP's own library, libQnnHtpV*Skel.so, was not found or not allowed to load",
        "push the skel of this SoC's HTP version beside the runner and set ADSP_LIBRARY_PATH to it",
        "https://github.com/meta-pytorch/executorch-examples/pull/81",
    ),
    KnownError(
        r"Deserialize error|from binary with err 5005|Error 5005",
        "its context binary is damaged or of another HTP version",
        _REEXPORT + " for this SoC",
        "emulator of QNN 2.47 with a damaged file",
    ),
    KnownError(
        r"Error 5000\b|err : 5000\b",
        "it was made by a newer QNN or for another SoC",
        "export it again with this QNN and this SoC",
        "https://github.com/qualcomm/ai-hub-apps/issues/148",
    ),
)
"""Searched from the top: what says most stands before what follows from it."""


def explain(lines: Iterable[str]) -> str | None:
    """Cause and remedy of a failure, None where no line is known.

    Args:
        lines: Log lines of ExecuTorch and QNN.
    """
    log = "\n".join(lines)
    for known in KNOWN_ERRORS:
        if re.search(known.pattern, log):
            return f"{known.cause}; {known.remedy}"
    return None
