"""Compile a small network for the emulator and for a phone: ``small_programs.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[3]))

from harness.backends.qnn.delegation import CompilerOptions, HtpMethod
from harness.backends.qnn.lowering import lower_to_pte
from harness.backends.qnn.provider import activate
from harness.targets.soc import get_soc

WIDTH = 64
TOKENS = {"kv_forward": 1, "prefill_forward": 16}


def main(folder: Path) -> None:
    """Write both files, each of which appears whole."""
    activate()
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.SiLU()).eval()
    methods = {
        name: HtpMethod(network, (torch.ones(1, tokens, WIDTH),)) for name, tokens in TOKENS.items()
    }
    for name in ("emulator", "phone"):
        options = CompilerOptions(get_soc("SM8650"), fp16=True, for_phone=name == "phone")
        part = folder / f"{name}.part"
        with part.open("wb") as file:
            lower_to_pte(methods, {"get_n_layers": 2}, options, plan_io_memory=True, output=file)
        part.rename(folder / f"{name}.pte")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
