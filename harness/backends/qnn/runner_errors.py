"""What ExecuTorch and the runner log about a failure."""

from __future__ import annotations

from harness.backends.qnn.known_error import KnownError, Weight

_REEXPORT = "copy or export it again"
_ISSUES = "https://github.com/pytorch/executorch/issues"

RUNNER_ERRORS = (
    KnownError(
        r"Backend QnnBackend is not registered",
        "the runner was built without the QNN backend",
        "build it with -DEXECUTORCH_BUILD_QNN=ON (backends/qualcomm/scripts/build.sh) and give "
        "that folder with --build-dir",
        f"{_ISSUES}/6820",
    ),
    KnownError(
        r"Backend XnnpackBackend is not registered",
        "a component was exported for the host (XNNPACK) and the runner was built without that",
        "export it for QNN: --target phone, or --target emulator where the runner is a build-x86",
        "upstream's runner, x86_64, with an artifact for the host",
    ),
    KnownError(
        r"Backend (?!Qnn)(\w+) is not registered",
        r"the runner was built without \1, which a component was exported for",
        "export it for QNN with --target phone, or give a runner that has it with --build-dir",
        "https://github.com/pytorch/executorch/blob/main/runtime/executor/method.cpp",
    ),
    KnownError(
        r"unknown command line flag '(\w+)'",
        r"the runner has no flag --\1: it is of another time than the harness takes it for",
        "build the runner of a newer ExecuTorch and give it with --build-dir",
        "https://github.com/gflags/gflags/blob/master/src/gflags.cc",
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
        r"File \S+: offset \d+ \+ size_ \d+ > file_size|Verification failed; data may be truncated"
        r"|File size is too small",
        "a file ends before its program does",
        _REEXPORT,
        "https://github.com/pytorch/executorch/blob/main/runtime/executor/program.cpp",
    ),
    KnownError(
        r"SUPPORT_REGEX_LOOKAHEAD",
        "the runner was built without the regular expressions that this tokenizer has",
        "build it with -DSUPPORT_REGEX_LOOKAHEAD=ON and give it with --build-dir",
        f"{_ISSUES}/10867",
    ),
    KnownError(
        r"\[json\.exception\.(?!parse_error)[^\n]*",
        r"the runner does not understand a tokenizer or configuration file: \g<0>",
        "build the runner of a newer ExecuTorch and give it with --build-dir",
        f"{_ISSUES}/12528",
    ),
    KnownError(
        # A tokenizer of another kind is tried as JSON first, and then loaded.
        r"(?:Error parsing json file|json\.exception\.parse_error)(?![\s\S]*Loaded \w+ tokenizer)",
        "a tokenizer or configuration file is no JSON, as a pointer of git lfs is none",
        "run git lfs pull where it comes from, and export again",
        "https://github.com/pytorch-labs/tokenizers/blob/main/src/hf_tokenizer.cpp",
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
        r"std::bad_alloc|Failed to allocate memory|Cannot allocate memory|\bOut of memory\b",
        "the runner found no memory for the model",
        "close other apps or restart the phone; then a smaller model or a shorter --context",
        f"{_ISSUES}/9311",
    ),
    KnownError(
        r"(?:^|[\s(])Killed(?:\)|\s*$| {2,}\S)",
        "the system ended the runner, as it does for lack of memory",
        "close other apps or restart the phone; then a smaller model or a shorter --context",
        f"{_ISSUES}/9311",
        Weight.EFFECT,
    ),
    KnownError(
        r"(?:^|[\s(])(Segmentation fault|Bus error|Illegal instruction|Bad system call)\b",
        r"the runner crashed (\1)",
        "run it again; if it repeats, give runner and QNN libraries of other builds with "
        "--build-dir and --qnn-dir",
        "https://man7.org/linux/man-pages/man7/signal.7.html",
        Weight.EFFECT,
    ),
)
"""Of equal weight, what says most stands before what follows from it."""
