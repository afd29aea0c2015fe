"""What ExecuTorch and QNN log about a failure."""

from __future__ import annotations

from harness.backends.qnn.known_error import KnownError, Weight

_REEXPORT = "copy or export it again"
_ISSUES = "https://github.com/pytorch/executorch/issues"

LOG_ERRORS = (
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
        r"No method named '(\w+)' in program",
        r"the file has no method \1: it is for another mode or another runner than this one",
        "export it for the mode that runs, or give the runner that fits it with --build-dir",
        f"{_ISSUES}/21452",
    ),
    KnownError(
        r"kernel '([\w:.]+)' not found|Missing operator: \[\d+\] ([\w:.]+)",
        r"the runner was built without the operator \1\2",
        "build it with -DEXECUTORCH_BUILD_KERNELS_QUANTIZED=ON and give it with --build-dir, or "
        "export the component for QNN",
        f"{_ISSUES}/13399",
    ),
    KnownError(
        r"Program identifier '([^'\n]*)' != expected '(\w+)'",
        r"the file is no ExecuTorch program: it begins with '\1' instead of '\2'",
        f"{_REEXPORT}; where it is a pointer, run git lfs pull",
        "https://github.com/pytorch/executorch/blob/main/runtime/executor/program.cpp",
    ),
    KnownError(
        r"Failed to open ([^\s:]+): No such file or directory",
        r"there is no file \1 where the runner looks for it",
        "run it again, which pushes what is missing; by hand, give its whole path",
        "https://github.com/pytorch/executorch/blob/main/extension/data_loader/"
        "mmap_data_loader.cpp",
    ),
    KnownError(
        r"Error parsing json file|json\.exception\.parse_error",
        "a tokenizer or configuration file is no JSON, as a pointer of git lfs is none",
        "run git lfs pull where it comes from, and export again",
        "https://github.com/pytorch-labs/tokenizers/blob/main/src/hf_tokenizer.cpp",
    ),
    KnownError(
        r"Qnn API version (\S+) is not supported, The minimum supported version is (\d[\d.]*\d)",
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
        r"assert failed \([^\n]*\): sequence length exceeded",
        "prompts, pictures and answers do not fit into the context",
        "ask less, or export it again with a longer --context",
        "https://github.com/pytorch/executorch/blob/main/examples/qualcomm/oss_scripts/llama/"
        "runner/multimodal_runner/multimodal_runner.cpp",
    ),
    KnownError(
        r"assert failed \([^\n]*\): Input image size mismatch\. file bytes: (\d+), "
        r"expected bytes: (\d+)",
        r"a raw image has \1 bytes and the vision encoder takes \2",
        "run it again, which makes it anew; by hand, make it for this artifact's image size",
        "https://github.com/pytorch/executorch/blob/main/examples/qualcomm/oss_scripts/llama/"
        "runner/multimodal_runner/utils.h",
    ),
    KnownError(
        r"assert failed \([^\n]*\): ([^\n]+?)\.?$",
        r"the runner stopped itself: \1",
        "change the request as it says",
        "https://github.com/pytorch/executorch/blob/main/runtime/platform/assert.h",
        Weight.EFFECT,
    ),
    KnownError(
        r"std::bad_alloc|Failed to allocate memory|Cannot allocate memory",
        "the runner found no memory for the model",
        "close other apps or restart the phone; then a smaller model or a shorter --context",
        f"{_ISSUES}/9311",
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
        r"|QnnDevice_create = 14001|QNN_DEVICE_ERROR_INVALID_CONFIG|create device: 14001"
        r"|Transport layer setup failed",
        "the HTP's own library, libQnnHtpV*Skel.so, was not found or not allowed to load",
        "push the skel of this SoC's HTP version beside the runner and set ADSP_LIBRARY_PATH to it",
        "https://github.com/meta-pytorch/executorch-examples/pull/81",
        Weight.EFFECT,
    ),
    KnownError(
        r"Deserialize error|from binary with err (?:5005|0x138d)|Error 5005",
        "its context binary is damaged or of another HTP version",
        _REEXPORT + " for this SoC",
        "emulator of QNN 2.47 with a damaged file",
        Weight.EFFECT,
    ),
    KnownError(
        r"Error 5000\b|err : 5000\b",
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
        r"(?:from binary with err |Can't create context from binary\. Error )(?:1002|0x3ea)\b",
        "the HTP has no room for a context of this size (error 1002)",
        "close what else uses the HTP, or export with smaller weights or more shards",
        f"{_ISSUES}/18862",
        Weight.EFFECT,
    ),
    KnownError(
        r"(?:^|\s)Killed\s*$",
        "the system ended the runner, as it does for lack of memory",
        "close other apps or restart the phone; then a smaller model or a shorter --context",
        f"{_ISSUES}/9311",
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
