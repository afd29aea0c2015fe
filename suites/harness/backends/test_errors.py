"""QNN's log lines are translated into what is wrong and what to do.

The ``emulator_*`` and ``no_libraries`` logs are of ExecuTorch 1.5.1 with QNN 2.47, the ``x86_*``
logs of upstream's runner (August 2026) with that QNN; the ``phone_*`` logs are excerpts of reports
that ``KNOWN_ERRORS`` cites.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.backends.qnn.errors import KNOWN_ERRORS, explain

LOGS = Path(__file__).with_name("data")


@pytest.mark.parametrize(
    ("log", "explanation"),
    [
        ("emulator_shared_weights", "share weights, .*; export it again with --target emulator$"),
        ("emulator_newer_qnn", "made by a newer QNN than runs here; install that QNN or"),
        ("emulator_damaged_graph", "damaged or of another HTP version; copy or export it again"),
        ("emulator_damaged_context", "its context binary is damaged; copy or export it again"),
        ("x86_runner_without_shim", "newer than the QNN that the runner was built with.*14001"),
        (
            "x86_runner_with_host_artifact",
            r"exported for the host \(XNNPACK\).*; export",
        ),
        ("no_libraries", "libraries were not found; .*python -m harness doctor$"),
        ("phone_no_room", r"no room for a context of this size \(error 1002\); close"),
        ("phone_no_skel", "Skel.so, was not found .*; push the skel"),
        ("phone_vtcm", "for a SoC with more VTCM than this one has; export it again with --soc"),
        ("phone_other_arch", "for another HTP version than this SoC has; export it again with"),
        ("phone_arch_of_device", "for another HTP version than this SoC has; export it again with"),
        ("phone_no_stub", "stub of this SoC's HTP version is not beside the runner; give a QNN"),
        ("phone_mixed_libraries", "two versions of QNN's libraries are mixed"),
        ("phone_newer_file", "by a newer QNN than the runner was built with; build the runner"),
        ("phone_old_libraries", "libraries are older than those the runner was built with"),
        ("phone_crashed_htp", "the HTP crashed and was restarted by the phone; run it again"),
        ("phone_graph_too_large", "more memory than a process of the HTP may have; export it"),
        ("phone_lost_graph", r"lost a graph of a file with several \(error 1100\)"),
        ("phone_no_shared_memory", "could not register shared memory, .*; build the runner of a"),
        ("phone_unknown_soc", "QNN does not know the phone's SoC; give a newer QNN SDK"),
        ("phone_no_unsigned_programs", "lets no unsigned program onto its HTP"),
        ("phone_no_memory_map", r"no room for a context of this size \(error 1002\); close"),
        ("phone_skel_of_2024", "Skel.so, was not found .*; push the skel"),
    ],
)
def test_a_real_log_is_explained(log: str, explanation: str) -> None:
    text = explain((LOGS / f"{log}.log").read_text().splitlines())
    assert text is not None
    assert re.search(explanation, text)


LINES = {
    "30010": "[WARNING] [Qnn ExecuTorch]: Failed to interpret QNN context binary. Error code 30010."
    " Try verifying binary with online-prepare format.",
    "magic": "[INFO] [Qnn ExecuTorch]: QnnContextCustomProtocol expected magic number: 0x5678abcd "
    "but get: 0x2000000",
    "cache": "[ERROR] [Qnn ExecuTorch]: Failed to parse QNN Graph Info. The cache might be broken. "
    "Please consider to re-generate the cache.",
    "skel": "[ERROR] [Qnn ExecuTorch]: QnnDsp <E> Failed to load skel, error: 1008",
    "stub": 'QnnDsp <W> Failed in loading stub: dlopen failed: library "libQnnHtpV79Stub.so" not '
    "found",
    "stub's": 'QnnDsp <W> Failed in loading stub: dlopen failed: library "libcdsprpc.so" not found:'
    ' needed by "/data/local/tmp/x/libQnnHtpV79Stub.so" in namespace (default)',
    "soc": "[WARNING] [Qnn ExecuTorch]: QnnDsp <W> No Snapdragon SOC detected",
    "4000": "[WARNING] [Qnn ExecuTorch]: QnnDsp <W> Failed to create transport instance: 4000",
    "14001": "QnnDevice_create = 14001 / 0x36b1",
    "config": "QNN_DEVICE_ERROR_INVALID_CONFIG",
    "elf": "E fastrpc_apps_user.c: Error 0x80000406: remote_handle_open_domain: dynamic loading "
    "failed for file:///libQnnHtpV79Skel.so?qnn_skel_handle_invoke&_modver=1.0&_dom=cdsp on domain "
    "3 (dlerror RX VA 0xFFF00000 outside ELF segment)",
    "tcm": '"_x" generated: Requires 0x2400000 bytes of TCM, which is greater than the TCM size of '
    "0x800000!",
    "finalize": "QnnDsp <E> Failed to finalize graph (id: 1) with err 1002",
    "6001": "[ERROR] [Qnn ExecuTorch]: qnn_graph_execute failed. Error 6001",
    "1002": "[ERROR] [Qnn ExecuTorch]: Can't create context from binary. Error 1002.",
    "method": "E 00:00:00.071665 executorch:program.cpp:67] No method named 'kv_forward' in "
    "program",
    "unchecked": "F 00:00:00.071679 executorch:result.h:170] In function CheckOk(), assert failed: "
    "hasValue_",
    "open": "E 00:00:00.0 executorch:mmap_data_loader.cpp:95] Failed to open vision.pte: No such "
    "file or directory (2)",
    "identifier": "E executorch:program.cpp:80] Program identifier '0000' != expected 'ET12'",
    "kernel": "E executorch:operator_registry.cpp:256] kernel 'quantized_decomposed::"
    "embedding_4bit.dtype_out' not found.",
    "json": "E tokenizers:hf_tokenizer.cpp:167] Error parsing json file: [json.exception."
    "parse_error.101] parse error at line 1, column 1",
    "api": "[ERROR] [Qnn ExecuTorch]: Qnn API version 3.0.0 is not supported, The minimum supported"
    " version is 2.26.0. ",
    "api_of_1.5": "[ERROR] [Qnn ExecuTorch]: Qnn API version 3.0.0 is not supported. The minimum "
    "supported version is 2.26.0. Please make sure you have the correct backend library version.",
    "older": "[WARNING] [Qnn ExecuTorch]: Qnn API version 2.25.0 is mismatched. The minimum "
    "supported version is 2.26.0. Please make sure you have the correct backend library version.",
    "newer": "[WARNING] [Qnn ExecuTorch]: Qnn API version 2.35.0 is used. The version is tested "
    "against 2.26.0.",
    "map": "[ERROR] [Qnn ExecuTorch]:  <E> fastrpc memory map for fd: 80 with length: 482344960 "
    "failed with error: 0x1",
    "unsigned": "[ERROR] [Qnn ExecuTorch]:  <E> createUnsignedPD unsigned PD or DSPRPC_GET_DSP_INFO"
    " not supported by HTP",
    "transport": "QnnDsp <E> Failed to create transport for device, error: 4000",
    "denied": "E x: fastrpc_apps_user.c:1778: Error 0xffffffff: remote_handle64_open failed for "
    "file:///libQnnHtpV79Skel.so?qnn_skel_handle_invoke&_modver=1.0&_dom=cdsp (errno Permission "
    "denied) (user err 0xffffffff)",
    "genie_5000": '[ERROR] "Could not create context from binary for context index = 0 : err 5000"',
    "genie_5005": '[ERROR] "Could not create context from binary for context index = 0 : err 5005"',
    "genie_1002": '[ERROR] "Could not create context from binary for context index = 3 : err 1002"',
    "tiktoken": "I 00:00:00.069284 executorch:llm_runner_helper.cpp:72] Loaded TikToken tokenizer",
    "null": "libc++abi: terminating due to uncaught exception of type "
    "nlohmann::json_abi_v3_11_3::detail::type_error: [json.exception.type_error.304] cannot use at"
    "() with null",
    "re2": "E tokenizers:re2_regex.cpp:26] Failed to compile regex: (?!x), error: invalid perl "
    "operator: (?!",
    "lookahead": "E tokenizers:regex.cpp:70] RE2 could not compile the pattern and no fallback "
    "regex engine is linked. Turn on SUPPORT_REGEX_LOOKAHEAD, or depend on the regex_lookahead "
    "target, to support patterns such as lookahead.",
    "flag": "ERROR: unknown command line flag 'tok_embedding_path'",
    "xnnpack": "E executorch:method.cpp:108] Backend XnnpackBackend is not registered.",
    "cut": "E executorch:program.cpp:88] Verification failed; data may be truncated or corrupt",
    "enomem": "E executorch:mmap_data_loader.cpp:180] mmap(...) failed: Out of memory (12)",
    "crashed": "Segmentation fault (core dumped)",
    "mksh's": "[1] + Killed               ./qnn_multimodal_runner",
    "bad_alloc": "terminating with uncaught exception of type std::bad_alloc",
    "killed": "Killed",
    "aborted": "Aborted",
    "arch": "[WARNING] [Qnn ExecuTorch]: QnnDsp <W> Arch 68 set by custom config is different from "
    "arch associated with SoC 57, will overwrite it to 75",
    "libc++": "[ERROR] [Qnn ExecuTorch]: Cannot Open QNN library libQnnHtp.so, with error: "
    "libc++.so.1: cannot open shared object file: No such file or directory",
    "libQnnHtp": "[ERROR] [Qnn ExecuTorch]: Cannot Open QNN library libQnnHtp.so, with error: "
    'dlopen failed: library "libQnnHtp.so" not found',
    "libQnnHtp's": "[ERROR] [Qnn ExecuTorch]: Cannot Open QNN library libQnnHtp.so, with error: "
    'dlopen failed: library "liblog.so" not found: needed by /data/x/libQnnHtp.so',
    "namespace": "Cannot Open QNN library libQnnHtp.so, with error: dlopen failed: library "
    '"/vendor/lib64/libcdsprpc.so" needed or dlopened by "/data/local/tmp/x/libQnnHtpV79Stub.so" is'
    ' not accessible for the namespace "(default)"',
}
"""As public threads have them, shortened."""


@pytest.mark.parametrize(
    ("names", "explanation"),
    [
        ("30010", "of another QNN version than the libraries, or damaged; give the QNN SDK"),
        ("30010 magic", "of another QNN version than the libraries, or damaged; give the QNN SDK"),
        ("30010 cache", "of another QNN than the libraries, or damaged; give the QNN SDK"),
        ("30010 skel", "Skel.so, was not found"),
        ("30010 killed", "ended the runner, as it does for lack of memory"),
        ("30010 method", "has no method kv_forward"),
        ("skel stub", "stub of this SoC's HTP version is not beside the runner"),
        ("skel stub's", "the phone has no libcdsprpc.so, through which programs reach its HTP"),
        ("soc 4000 skel", "QNN does not know the phone's SoC"),
        ("14001 config", "Skel.so, was not found"),
        ("skel elf", "did not load libQnnHtpV.*Skel.so.*of another HTP version.* one folder"),
        ("finalize tcm", "needs 0x2400000 bytes of .*VTCM.* this SoC has 0x800000"),
        ("6001", "gave up a graph while it ran"),
        ("1002", r"no room for a context of this size \(error 1002\)"),
        ("unchecked method aborted", "the file has no method kv_forward"),
        ("open", "there is no file vision.pte"),
        ("identifier", "no ExecuTorch program: it begins with '0000' instead of 'ET12'"),
        ("kernel", "without the operator quantized_decomposed::embedding_4bit.dtype_out"),
        ("json", "is no JSON, as a pointer of git lfs is none; run git lfs pull"),
        ("api_of_1.5", "have API 3.0.0 and the runner is for 2.26.0 and later"),
        ("older", "older than those the runner was built with"),
        ("older skel", "Skel.so, was not found"),
        ("map unsigned", r"no room for a context of this size \(error 1002\)"),
        ("unsigned", "lets no unsigned program onto its HTP"),
        ("transport", "Skel.so, was not found or not allowed"),
        ("denied", "Skel.so, was not found or not allowed"),
        ("genie_5000".replace(" ", "_"), "by a newer QNN or for another SoC"),
        ("api", "have API 3.0.0 and the runner is for 2.26.0 and later"),
        ("bad_alloc aborted", "no memory for the model"),
        ("killed", "ended the runner, as it does for lack of memory"),
        ("libc++", r"no libc\+\+.so.1, .*; apt-get install libc\+\+1 libunwind8"),
        ("libQnnHtp", "the QNN libraries were not found"),
        ("libQnnHtp's", "the linker found no liblog.so, which /data/x/libQnnHtp.so needs"),
        ("namespace", "does not let .*Stub.so load /vendor/lib64/libcdsprpc.so"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_line_that_says_most_decides_wherever_it_stands(
    names: str, explanation: str, order: int
) -> None:
    lines = [LINES[name] for name in names.split()]
    assert re.search(explanation, explain(lines[::order]) or "")


@pytest.mark.parametrize("name", ["arch", "aborted", "magic", "4000", "newer", "re2"])
def test_a_warning_of_good_runs_explains_nothing(name: str) -> None:
    assert explain([LINES[name]]) is None


def test_every_row_is_needed_by_some_log_or_says_who_reported_it() -> None:
    logs = "\n".join(path.read_text() for path in LOGS.glob("*.log"))
    for known in KNOWN_ERRORS:
        assert re.search(known.pattern, logs) or known.source.startswith("https://")


def test_what_says_most_wins_over_what_follows_from_it() -> None:
    log = (LOGS / "phone_vtcm.log").read_text()
    assert "Error 5005" in log
    assert "VTCM" in (explain(log.splitlines()) or "")


def test_a_line_of_every_load_explains_nothing() -> None:
    """Each file that was prepared for its SoC prints this magic number, good ones too."""
    line = "QnnContextCustomProtocol expected magic number: 0x5678abcd but get: "
    assert explain([f"{line}0x2000000"]) is None
    assert "packs contexts in another way" in (explain([f"{line}0x10"]) or "")


def test_an_unknown_failure_is_not_guessed_at() -> None:
    assert explain(["[ERROR] [Qnn ExecuTorch]: something new"]) is None


def test_a_tokenizer_that_is_loaded_in_the_end_is_no_cause() -> None:
    """It is tried as JSON first."""
    assert explain([LINES["json"], LINES["tiktoken"]]) is None
    later = explain([LINES["json"], LINES["tiktoken"], LINES["skel"]])
    assert "Skel.so" in (later or "")
