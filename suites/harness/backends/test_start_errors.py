"""What linker and shell say of a program that does not start is its cause."""

from __future__ import annotations

import re

import pytest

from harness.backends.qnn.errors import explain

RUNNER = "/data/local/tmp/snapgate/tools/1/qnn_multimodal_runner"
LINK = 'CANNOT LINK EXECUTABLE "./qnn_multimodal_runner": '


@pytest.mark.parametrize(
    ("line", "explanation"),
    [
        (
            f'{LINK}library "libc++_shared.so" not found: needed by main executable',
            r"^libc\+\+_shared.so, .* NDK .*; copy it from the NDK .* beside the runner in --build",
        ),
        (
            'CANNOT LINK EXECUTABLE: could not load library "libc++_shared.so" needed by "./x"; '
            'caused by library "libc++_shared.so" not found',
            r"^libc\+\+_shared.so, .*; copy it from the NDK",
        ),
        (
            f'{LINK}library "libqnn_executorch_backend.so" not found: needed by main executable',
            "no libqnn_executorch_backend.so, which main executable needs; copy it beside",
        ),
        (
            f'{LINK}library "libQnnSystem.so" not found: needed by /data/x/libqnn_executorch.so in '
            "namespace (default)",
            "libqnn_executorch.so.* needs libQnnSystem.so, .*--qnn-dir",
        ),
        (
            f'{LINK}cannot locate symbol "_ZN10executorch3abcE" referenced by "{RUNNER}"...',
            "asks for the symbol _ZN10executorch3abcE, .*of several builds; give runner and",
        ),
        (f'{LINK}"{RUNNER}" has bad ELF magic: 76657273', "no ELF file, or half of one; .*lfs"),
        (f'{LINK}"x.so" is for EM_X86_64 (62) instead of EM_AARCH64 (183)', "another kind of mach"),
        (f'{LINK}"x.so" is 32-bit instead of 64-bit', "built for another kind of machine"),
        (f'{LINK}"x.so" has unexpected e_machine: 62 (EM_X86_64)', "another kind of machine"),
        (f"/system/bin/sh: {RUNNER}: not executable: 64-bit ELF file", "another kind of machine"),
        ("sh: 1: exec: ./x: Exec format error", "another kind of machine"),
        ("bash: ./x: cannot execute binary file: Exec format error", "another kind of machine"),
        (
            f"{LINK}program alignment (4096) cannot be smaller than system page size (16384)",
            "pages of 4096 bytes and the phone has pages of 16384",
        ),
        ("error: only position independent: only support position-independent executables", "fPIE"),
        ("error: only position independent executables (PIE) are supported.", "without -fPIE"),
        (
            f'{LINK}library "libomp.so" not found',
            "found no libomp.so, which ./qnn_multimodal_runner needs; copy it beside",
        ),
        (
            'error: "./x": executable\'s TLS segment is underaligned: alignment is 8, needs to be '
            "at least 64 for ARM64 Bionic",
            "linked statically, or by an old NDK, .*; build it again",
        ),
        (
            f'{LINK}couldn\'t map "/sdcard/x/libfoo.so" segment 1: Operation not permitted',
            "does not let /sdcard/x/libfoo.so be executed, .*noexec",
        ),
        (
            'dlopen failed: file offset for the library "/x/libQnnHtp.so" >= file size: 0 >= 0',
            "no ELF file, or half of one",
        ),
        ('dlopen failed: "/data/x/libQnnHtp.so" has no section headers', "or half of one"),
        ("./x[1]: syntax error: unexpected '('", "built for another kind of machine"),
        ('./x: 1: Syntax error: "(" unexpected', "built for another kind of machine"),
        (
            "./x: symbol lookup error: ./libfoo.so: undefined symbol: _ZN3abcE",
            "./libfoo.so asks for the symbol _ZN3abcE, .*of several builds",
        ),
        (
            "./x: error while loading shared libraries: libqnn_executorch_backend.so: cannot open "
            "shared object file: No such file or directory",
            "libqnn_executorch_backend.so is neither beside the program nor .*--build-dir",
        ),
        ("bash: ./x: cannot execute: required file not found", "no ./x, or not the loader"),
        (f"{LINK}something new", "cannot start ./qnn_multimodal_runner: something new"),
        (
            "./x: error while loading shared libraries: libfoo.so.2: cannot open shared object "
            "file: No such file or directory",
            "this machine has no libfoo.so.2, which a library needs",
        ),
        (
            "./x: error while loading shared libraries: libc++abi.so.1: cannot open shared object "
            "file: No such file or directory",
            r"this machine has no libc\+\+abi.so.1, .*; apt-get install libc\+\+1 libunwind8",
        ),
        (
            "libunwind.so.1: cannot open shared object file: No such file or directory",
            r"this machine has no libunwind.so.1, .*; apt-get install libc\+\+1 libunwind8",
        ),
        (
            "./x: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by x)",
            "built against GLIBC_2.38, which is newer than this system's",
        ),
        (
            "./x: /lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by ./x)",
            "built against GLIBCXX_3.4.32",
        ),
        (
            "Error loading shared library libc++.so.1: No such file or directory (needed by x.so)",
            r"this machine has no libc\+\+.so.1, which x.so needs",
        ),
        (
            "/c/shim-1.so: failed to map segment from shared object: Operation not permitted",
            "does not let /c/shim-1.so be executed, .* mounted noexec; .*XDG_CACHE_HOME",
        ),
        (f"/system/bin/sh: {RUNNER}: can't execute: Permission denied", f"not execute {RUNNER}"),
        (f"sh: 1: exec: {RUNNER}: Permission denied", f"may not execute {RUNNER}: .*noexec"),
        (f"/system/bin/sh: {RUNNER}: inaccessible or not found", f"the shell finds no {RUNNER}"),
        (f"/system/bin/sh: {RUNNER}: not found", f"the shell finds no {RUNNER}, or not the loader"),
        (f"bash: line 1: {RUNNER}: No such file or directory", f"the shell finds no {RUNNER}"),
        (f"sh[2]: {RUNNER}: can't execute: Text file busy", f"{RUNNER} is being written to"),
        ("sh: can't create list.txt: Read-only file system", "cannot be written to; restart"),
        ("printf: write error: No space left on device", "the disk is full"),
    ],
)
def test_what_stops_a_start_is_told(line: str, explanation: str) -> None:
    noise = "[WARNING] [Qnn ExecuTorch]: Failed to interpret QNN context binary. Error code 30010"
    assert re.search(explanation, explain([noise, line]) or "")
    assert re.search(explanation, explain([line, noise]) or "")


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: linker: Warning: unused DT entry: unknown processor-specific (type 0x70000001)",
        "I 00:00.0 executorch:cpuinfo_utils.cpp:71] Reading file /sys/devices/soc0/image_version",
        "Failed to open midr file /sys/devices/soc0/image_version",
        "W adsprpc: Couldn't find file x.farf, errno (No such file or directory)",
        "sh: not found",
        'libc    : Access denied finding property "ro.hardware.chipname"',
        "I fastrpc_apps_user.c:3647: open_device_node: no access to default device of domain 3, "
        "open thru HAL, (sess_id 0)",
    ],
)
def test_noise_of_good_starts_explains_nothing(line: str) -> None:
    assert explain([line]) is None


def test_a_lack_of_memory_is_no_folder_that_forbids_programs() -> None:
    line = "x.so: failed to map segment from shared object: Cannot allocate memory"
    assert "no memory" in (explain([line]) or "")
