"""Weights are in memory once, and files only as far as they are read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import harness
from harness.backends.xnnpack import lower_to_pte
from harness.errors import UserError
from harness.machine_memory import collect_garbage
from harness.runtime.cpu_runtime import use_threads
from harness.runtime.flag_syntax import parse_flags
from harness.runtime.program import Program

ROOT = Path(harness.__file__).parents[1]
WIDTH = 2048
WEIGHT_BYTES = 4 * WIDTH * WIDTH


class Wide(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x)
        return y


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def in_a_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_methods_keep_a_weight_that_they_share_once(tmp_path: Path) -> None:
    module = Wide().eval()
    methods = {
        name: torch.export.export(module, (torch.ones(rows, WIDTH),))
        for name, rows in (("kv_forward", 1), ("prefill_forward", 8))
    }
    path = tmp_path / "wide.pte"
    with path.open("wb") as file:
        lower_to_pte(methods, {}, plan_io_memory=True, output=file)
    program = Program(path)
    # What tests before this one have freed would take the weight in without growing.
    collect_garbage()
    before = resident_bytes()
    one = program.method("kv_forward")
    between = resident_bytes()
    other = program.method("prefill_forward")
    assert between - before > 0.8 * WEIGHT_BYTES
    assert resident_bytes() - between < 0.5 * WEIGHT_BYTES
    for method in (one, other):
        x = torch.randn(method.inputs[0].shape)
        (y,) = method.bind([x.numpy()]).execute()
        torch.testing.assert_close(torch.from_numpy(y), module(x), atol=1e-4, rtol=0)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_no_file_is_locked_whatever_the_process_may() -> None:
    lock = (
        "import ctypes, mmap\n"
        "from harness.runtime.cpu_runtime import lock_no_memory\n"
        "lock_no_memory()\n"
        "pages = mmap.mmap(-1, 1 << 20)\n"
        "place = ctypes.addressof(ctypes.c_char.from_buffer(pages))\n"
        "print(ctypes.CDLL(None).mlock(ctypes.c_void_p(place), ctypes.c_size_t(1 << 20)))\n"
    )
    assert in_a_process(lock) == "-1\n"


def test_as_many_threads_compute_as_were_asked_for() -> None:
    count = (
        "from harness.runtime.cpu_runtime import use_threads\n"
        "use_threads(1)\n"
        "from executorch.extension.pybindings import _C\n"
        "print(_C._threadpool_get_thread_count())\n"
    )
    assert in_a_process(count) == "1\n"


def test_a_process_on_one_processor_computes_with_one_thread() -> None:
    count = (
        "import os\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from harness.runtime.cpu_runtime import use_threads\n"
        "use_threads(None)\n"
        "from executorch.extension.pybindings import _C\n"
        "print(_C._threadpool_get_thread_count())\n"
    )
    assert in_a_process(count) == "1\n"


def test_more_threads_than_processors_are_refused() -> None:
    with pytest.raises(UserError, match=r"--threads 1000000 is more than the \d+ processors"):
        use_threads(1_000_000)
    with pytest.raises(UserError, match="--threads cannot be '0'"):
        parse_flags(["--threads", "0"])
