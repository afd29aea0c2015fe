"""What linker and shell say of a program that does not start, or of a library that it loads."""

from __future__ import annotations

from harness.backends.qnn.known_error import KnownError

_BIONIC = "https://android.googlesource.com/platform/bionic/+/refs/heads/main/linker/linker.cpp"
_GLIBC = "https://sourceware.org/git/?p=glibc.git;f=elf/dl-load.c"
_MKSH = "https://github.com/MirBSD/mksh/blob/master/exec.c"
_ISSUES = "https://github.com/pytorch/executorch/issues"

LLVM_RUNTIME_COMMAND = "apt-get install libc++1 libunwind8"
"""Of Debian and Ubuntu; libc++1 brings libc++abi along."""

_NOT_FOUND = r"(?:library|could not load library) \"{name}\"(?: not found| needed by)"
_MISSING_HERE = r"(?:^|[\s(:]){name}: cannot open shared object file(?!: Permission)"
_BESIDE = "copy it beside the runner in --build-dir, from where it is pushed along"
_SYMBOL = "which no library has that came with it: they are of several builds"
_ONE_BUILD = (
    "give runner and libraries of one build with --build-dir, and the QNN SDK that it was built "
    "with with --qnn-dir"
)


def _shell(reason: str) -> str:
    """What mksh, dash or bash says of a program, in its own group."""
    return (
        r"^\S*sh(?:\[\d+\])?: (?:line )?(?:\d+: )?(?:exec: )?(\S[^:\n]*): "
        rf"(?:can't execute: |cannot execute[^:\n]*: )?(?:{reason})"
    )


START_ERRORS = (
    KnownError(
        _NOT_FOUND.format(name=r"(libc\+\+_shared\.so)"),
        r"\1, the C++ runtime of the NDK that built the runner, is not beside it",
        "copy it from the NDK (toolchains/llvm/prebuilt/*/sysroot/usr/lib/aarch64-linux-android) "
        "beside the runner in --build-dir, from where it is pushed along",
        _BIONIC,
    ),
    KnownError(
        r"library \"(\S+?)\"(?: \(\S+\))? needed or dlopened by \"(\S+?)\" is not accessible",
        r"Android's linker does not let \2 load \1, which is of the phone's vendor",
        "keep LD_LIBRARY_PATH on the runner's folder alone; if it stays so, use a phone whose "
        "/vendor/etc/public.libraries.txt lists that library",
        _BIONIC,
    ),
    KnownError(
        _NOT_FOUND.format(name=r"(?:\S*/)?(lib[ac]dsprpc\.so)"),
        r"the phone has no \1, through which programs reach its HTP",
        "use a phone with a Snapdragon and its vendor's system",
        _BIONIC,
    ),
    KnownError(
        r"library \"(libQnn\S+?\.so)\" not found: needed by ([^\n]+)",
        r"\2 needs \1, which is not beside the runner",
        "give a QNN SDK that has it with --qnn-dir",
        _BIONIC,
    ),
    KnownError(
        r"(?:library|could not load library) \"(?!libQnn)(\S+?)\"(?: not found:)? needed by "
        r"([^\n;]+)",
        r"the linker found no \1, which \2 needs",
        _BESIDE,
        f"{_ISSUES}/7981",
    ),
    KnownError(
        r"CANNOT LINK EXECUTABLE \"([^\"]+)\": library \"(?!libQnn)([^\"]+)\" not found\s*$",
        r"the linker found no \2, which \1 needs",
        _BESIDE,
        "https://github.com/ggml-org/llama.cpp/issues/11979",
    ),
    KnownError(
        r"cannot locate symbol \"(\S+?)\" referenced by \"?([^\s\"]+)\"?",
        rf"\2 asks for the symbol \1, {_SYMBOL}",
        _ONE_BUILD,
        "https://github.com/JackZeng0208/llama.cpp-android-tutorial/issues/6",
    ),
    KnownError(
        r"(?<!\S)(\S+): undefined symbol: (\S+)",
        rf"\1 asks for the symbol \2, {_SYMBOL}",
        _ONE_BUILD,
        _GLIBC,
    ),
    KnownError(
        r"(?:is for EM_\S+|unexpected e_machine|is (?:32|64)-bit instead of|wrong ELF class"
        r"|not executable: (?:32|64)-bit ELF|Exec format error|incompatible ELF"
        # A shell that cannot start a program reads it as a script.
        r"|^(?:\S+: )?\S+\[\d+\]: syntax error: |^\S+: \d+: Syntax error: )",
        "it is built for another kind of machine than it was started on",
        "give a build for that machine: a phone takes the build-android folder as --build-dir",
        _BIONIC,
    ),
    KnownError(
        r"bad ELF magic|file too short|invalid ELF header|not executable: magic"
        r"|\x7fELF[^\n]*(?:not found|inaccessible)|cannot map zero-fill pages"
        r"|file offset for the library \S+ >= file size|has no section headers"
        r"|section header was not found|has invalid [ps]hdr offset",
        "a program or library is no ELF file, or half of one",
        "copy or build it again, and run git lfs pull where it is a pointer",
        _GLIBC,
    ),
    KnownError(
        r"program alignment \((\d+)\) cannot be smaller than system page size \((\d+)\)",
        r"it was linked for memory pages of \1 bytes and the phone has pages of \2",
        "build it again with -DANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES=ON",
        _BIONIC,
    ),
    KnownError(
        r"only (?:support )?position.independent executables",
        "it was built without -fPIE, which Android refuses",
        "build it again with -DCMAKE_POSITION_INDEPENDENT_CODE=ON",
        _BIONIC,
    ),
    KnownError(
        r"TLS segment is underaligned",
        "it was linked statically, or by an old NDK, as no Android since 10 takes it",
        "build it again with a newer NDK and without -static",
        "https://github.com/ColinIanKing/stress-ng/issues/506",
    ),
    KnownError(
        r"version `((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found",
        r"it was built against \1, which is newer than this system's",
        "run it on a newer system, or build it on this one",
        _GLIBC,
    ),
    KnownError(
        _MISSING_HERE.format(name=r"(lib(?:c\+\+|c\+\+abi|unwind)\.so\.\d+)"),
        r"this machine has no \1, the C++ runtime of LLVM, which QNN's libraries need since SDK "
        "2.23 and do not bring",
        LLVM_RUNTIME_COMMAND,
        f"{_ISSUES}/5120",
    ),
    KnownError(
        r"while loading shared libraries: (lib(?:Qnn\w+|qnn_executorch_backend)\.so): cannot open",
        r"\1 is neither beside the program nor in a folder of LD_LIBRARY_PATH",
        "give runner and libraries of one build with --build-dir, and QNN's with --qnn-dir",
        _GLIBC,
    ),
    KnownError(
        _MISSING_HERE.format(name=r"(lib(?!Qnn|qnn_)[^\s:]+)"),
        r"this machine has no \1, which a library needs that is there",
        r"install the package that has it (apt-file search \1)",
        _GLIBC,
    ),
    KnownError(
        r"Error loading shared library (\S+): No such file or directory \(needed by ([^)]+)\)",
        r"this machine has no \1, which \2 needs",
        "use a system with glibc",
        "https://git.musl-libc.org/cgit/musl/tree/ldso/dynlink.c",
    ),
    KnownError(
        r"(?<!\S)(\S+): failed to map segment from shared object(?!: Cannot allocate)"
        r"|couldn't map \"([^\"\n]+)\" segment \d+: (?:Permission denied|Operation not permitted)",
        r"the system does not let \1\2 be executed, as in a folder that is mounted noexec",
        "put it elsewhere: XDG_CACHE_HOME moves the cache, --qnn-dir names other QNN libraries",
        _GLIBC,
    ),
    KnownError(
        _shell("Permission denied"),
        r"the shell may not execute \1: its folder is mounted noexec, or it lost its mode",
        "look at: mount | grep noexec",
        _MKSH,
    ),
    KnownError(
        _shell("Text file busy"),
        r"\1 is being written to by somebody else",
        "wait until nobody else uses the phone, and run it again",
        _MKSH,
    ),
    KnownError(
        _shell("(?:inaccessible or |required file )?not found|No such file or directory"),
        r"the shell finds no \1, or not the loader that it asks for",
        "give a build for phones with --build-dir build-android, and run it again: what is "
        "missing is pushed again",
        _MKSH,
    ),
    KnownError(
        r"CANNOT LINK EXECUTABLE \"?([^\s\":]+)\"?: ([^\n]+)",
        r"the linker cannot start \1: \2",
        "give runner and libraries of one build with --build-dir",
        _BIONIC,
    ),
    KnownError(
        r"Read-only file system",
        "a folder that the run writes to cannot be written to",
        "restart the phone; a file system with errors is mounted read-only",
        "https://man7.org/linux/man-pages/man3/errno.3.html",
    ),
    KnownError(
        r"No space left on device",
        "the disk is full",
        "make room on it and run it again",
        "https://man7.org/linux/man-pages/man3/errno.3.html",
    ),
)
