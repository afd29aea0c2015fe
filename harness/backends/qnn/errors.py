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
_ISSUES = "https://github.com/pytorch/executorch/issues"

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
        r"Unknown QNN BinaryInfo version (\d+)",
        "it was made by a newer QNN than the runner was built with",
        "build the runner with the QNN SDK that exported it, or export it again with the runner's",
        f"{_ISSUES}/9311",
    ),
    KnownError(
        r"Stub lib id mismatch: expected \((\S+?)[_)].*detected \((\S+?)[_)]",
        "two versions of QNN's libraries are mixed: the phone's system has some of its own",
        "keep LD_LIBRARY_PATH and ADSP_LIBRARY_PATH on the folder that holds all of one SDK",
        f"{_ISSUES}/8762",
    ),
    KnownError(
        r"library version \S+ is mismatched\. The minimum supported version is (\S+?)\. ",
        "the QNN libraries are older than those the runner was built with",
        "give the QNN SDK of the build with --qnn-dir",
        "https://github.com/pytorch/executorch/pull/4998",
    ),
    KnownError(
        r"[Ff]ailed in loading stub: dlopen failed: library \"(\S+)\" not found",
        "the stub of this SoC's HTP version is not beside the runner",
        "give a QNN SDK that has it with --qnn-dir",
        f"{_ISSUES}/8454",
    ),
    KnownError(
        r"Cannot Open QNN library (\S+), with error",
        "the QNN libraries were not found",
        "see what is missing with: python -m harness doctor",
        "ExecuTorch 1.5.1 without QNN",
    ),
    KnownError(
        r"Backend QnnBackend is not registered",
        "the runner was built without the QNN backend",
        "build it with -DEXECUTORCH_BUILD_QNN=ON (backends/qualcomm/scripts/build.sh) and give "
        "that folder with --build-dir",
        f"{_ISSUES}/6820",
    ),
    KnownError(
        r"Request feature arch with value (\d+) unsupported|Unsupported HTP arch (\d+) from device",
        "it was compiled for another HTP version than this SoC has",
        "export it again with --soc for this SoC",
        f"{_ISSUES}/11100 and 1176",
    ),
    KnownError(
        r"No Snapdragon SOC detected",
        "this QNN does not know the phone's SoC",
        "give a newer QNN SDK with --qnn-dir and export again with it",
        f"{_ISSUES}/16465",
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
        f"{_ISSUES}/9084",
    ),
    KnownError(
        r"graph requires estimated allocation\s+of (\d+) KB, limit is (\d+) KB",
        "a graph needs more memory than a process of the HTP may have",
        "export it with a shorter --context, smaller weights or more shards",
        f"{_ISSUES}/17782",
    ),
    KnownError(
        r"SSR Detected",
        "the HTP crashed and was restarted by the phone",
        "run it again; if it repeats, export with smaller weights or a shorter --context",
        f"{_ISSUES}/3528",
    ),
    KnownError(
        r"Dma execution failed on the skel side\. result = 1100",
        "the HTP lost a graph of a file with several (error 1100), a fault of old runners",
        "build the runner of a newer ExecuTorch and give it with --build-dir",
        f"{_ISSUES}/15985",
    ),
    KnownError(
        r"PreRegisterMem failed to get file descriptor",
        "the runner could not register shared memory, a fault of ExecuTorch before November 2025",
        "build the runner of a newer ExecuTorch and give it with --build-dir",
        f"{_ISSUES}/15732",
    ),
    KnownError(
        r"createUnsignedPD unsigned PD .*not supported by HTP",
        "the phone lets no unsigned program onto its HTP, or the HTP is full",
        "restart the phone; if it repeats, this phone cannot be used",
        "https://github.com/pytorch/executorch/pull/4030",
    ),
    KnownError(
        r"Failed to find available PD|Failed to map weights buffer to device"
        r"|fastrpc memory map for fd: \d+ with length: (\d+) failed",
        "the HTP has no room for a context of this size (error 1002)",
        "close what else uses the HTP, or export with smaller weights or more shards",
        f"{_ISSUES}/18862, 6728 and 4517",
    ),
    KnownError(
        r"Failed to load skel, error|qnn_open failed|Unable to load Skel Library",
        "the HTP's own library, libQnnHtpV*Skel.so, was not found or not allowed to load",
        "push the skel of this SoC's HTP version beside the runner and set ADSP_LIBRARY_PATH to it",
        "https://github.com/meta-pytorch/executorch-examples/pull/81",
    ),
    KnownError(
        r"Deserialize error|from binary with err (?:5005|0x138d)|Error 5005",
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
    KnownError(
        r"expected magic number: 0x5678abcd but get: (?!0x2000000\b)0x",
        "it was written by an ExecuTorch that packs contexts in another way than the runner reads",
        "export it with the ExecuTorch that the runner was built from",
        f"{_ISSUES}/11100",
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
