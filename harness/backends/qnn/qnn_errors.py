"""What QNN and its HTP log about a failure."""

from __future__ import annotations

from harness.backends.qnn.known_error import KnownError, Weight

_REEXPORT = "copy or export it again"
_ISSUES = "https://github.com/pytorch/executorch/issues"

QNN_ERRORS = (
    KnownError(
        r"unknown custom config socModel",
        "QNN's libraries for this machine are newer than the QNN that the runner was built with, "
        "and read the options of its device from other places (error 14001)",
        "let the harness start it, which puts its bridge between them: --serial virtual:SM8550 "
        "--build-dir build-x86; or give the QNN SDK of the build",
        "upstream's runner on the emulator of QNN 2.47",
    ),
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
        r"version \S+ is mismatched\. The minimum supported version is (\S+?)\. ",
        "the QNN libraries are older than those the runner was built with",
        "give the QNN SDK of the build with --qnn-dir",
        "https://github.com/pytorch/executorch/pull/4998",
        Weight.HINT,
    ),
    KnownError(
        r"[Ff]ailed in loading stub: dlopen failed: library \"libQnnHtpV\d+Stub\.so\" not found"
        r"(?!: needed by)",
        "the stub of this SoC's HTP version is not beside the runner",
        "give a QNN SDK that has it with --qnn-dir",
        f"{_ISSUES}/8454",
    ),
    KnownError(
        r"Cannot Open QNN library (\S+), with error: (?:dlopen failed: library \")?(?:\S*/)?\1"
        r"(?:: cannot open|\" not found(?!: needed))",
        "the QNN libraries were not found",
        "see what is missing with: python -m harness doctor",
        "ExecuTorch 1.5.1 without QNN",
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
        Weight.EFFECT,
    ),
    KnownError(
        r"Can't create dlc from binary",
        "its context binary is damaged",
        _REEXPORT,
        "emulator of QNN 2.47 with a damaged file",
        Weight.EFFECT,
    ),
    KnownError(
        r"Failed to parse QNN Graph Info|QNN context cache is invalid",
        "its context binary is of another QNN than the libraries, or damaged",
        "give the QNN SDK that exported it with --qnn-dir, or export it again with this one",
        f"{_ISSUES}/6188",
        Weight.EFFECT,
    ),
    KnownError(
        r"Failed to interpret QNN [Cc]ontext binary",
        "QNN could not read its context binary: it is of another QNN version than the libraries, "
        "or damaged",
        "give the QNN SDK that exported it with --qnn-dir, or export it again with this one",
        f"{_ISSUES}/8640",
        Weight.HINT,
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
        r"Requires 0x([0-9a-fA-F]+) bytes of TCM, which is greater than the TCM size of 0x(\w+)",
        r"a graph needs 0x\1 bytes of the HTP's own memory (VTCM) and this SoC has 0x\2",
        "export it with a shorter --context, a smaller --prefill-ar or more shards",
        f"{_ISSUES}/1430",
    ),
    KnownError(
        r"\w version (\S+) is not supported[.,] The minimum supported version is (\d[\d.]*\d)",
        r"the QNN libraries have API \1 and the runner is for \2 and later of that generation",
        "give the QNN SDK that the runner was built with with --qnn-dir",
        "https://github.com/pytorch/executorch/pull/4998",
    ),
    KnownError(
        r"outside ELF segment|dynamic loading failed for file:///(libQnnHtpV\d+Skel\.so)",
        "the HTP did not load libQnnHtpV*Skel.so: it found none, or one of another HTP version, "
        "or half of one",
        "push the skel of this SoC's HTP version beside the runner and set ADSP_LIBRARY_PATH to "
        "that one folder; it takes no list",
        "https://github.com/qualcomm/fastrpc/issues/379",
    ),
    KnownError(
        r"SSR Detected",
        "the HTP crashed and was restarted by the phone",
        "run it again; if it repeats, export with smaller weights or a shorter --context",
        f"{_ISSUES}/3528",
        Weight.EFFECT,
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
        Weight.EFFECT,
    ),
    KnownError(
        r"Failed to find available PD|Failed to map weights buffer to device"
        r"|fastrpc memory map for fd: \d+ with length: (\d+) failed",
        "the HTP has no room for a context of this size (error 1002)",
        "close what else uses the HTP, or export with smaller weights or more shards",
        f"{_ISSUES}/18862, 6728 and 4517",
    ),
    KnownError(
        r"Failed to load skel, error|qnn_open failed|Unable to load Skel Library"
        r"|QnnDevice_create = 14001|QNN_DEVICE_ERROR_INVALID_CONFIG"
        r"|create device(?:: |\. Error: )14001|create device_handle for Backend ID \d+, error="
        r"|Transport layer setup failed|Failed to create transport for device|skel build id: err"
        r"|remote_handle\w*_open\w* failed for file:///libQnn",
        "the HTP's own library, libQnnHtpV*Skel.so, was not found or not allowed to load",
        "push the skel of this SoC's HTP version beside the runner and set ADSP_LIBRARY_PATH to it",
        "https://github.com/meta-pytorch/executorch-examples/pull/81",
        Weight.EFFECT,
    ),
    KnownError(
        r"Deserialize error|from binary [^\n]*err[ :]+(?:5005|0x138d)\b|Error 5005\b",
        "its context binary is damaged or of another HTP version",
        _REEXPORT + " for this SoC",
        "emulator of QNN 2.47 with a damaged file",
        Weight.EFFECT,
    ),
    KnownError(
        r"Error 5000\b|\berr[ :]+5000\b",
        "it was made by a newer QNN or for another SoC",
        "export it again with this QNN and this SoC",
        "https://github.com/qualcomm/ai-hub-apps/issues/148",
        Weight.EFFECT,
    ),
    KnownError(
        r"graph_?[Ee]xecute failed\. Error 6001|graph execute error\. Error code: 6001",
        "the HTP gave up a graph while it ran (error 6001), as it does when its process was ended",
        "restart the phone and run it again; if it repeats, export with a shorter --context or "
        "smaller weights",
        "https://github.com/microsoft/onnxruntime/issues/25335",
        Weight.EFFECT,
    ),
    KnownError(
        r"Cannot Open QNN library (\S+), with error: ([^\n]+)",
        r"\1 could not be loaded (\2)",
        "see what is missing with: python -m harness doctor",
        f"{_ISSUES}/10895",
        Weight.EFFECT,
    ),
    KnownError(
        r"from binary[^\n]* (?:err|Error)[ :=]+(?:1002|0x3ea)\b",
        "the HTP has no room for a context of this size (error 1002)",
        "close what else uses the HTP, or export with smaller weights or more shards",
        f"{_ISSUES}/18862",
        Weight.EFFECT,
    ),
    KnownError(
        r"expected magic number: 0x5678abcd but get: (?!0x2000000\b)0x",
        "it was written by an ExecuTorch that packs contexts in another way than the runner reads",
        "export it with the ExecuTorch that the runner was built from",
        f"{_ISSUES}/11100",
        Weight.EFFECT,
    ),
)
"""Of equal weight, what says most stands before what follows from it."""
