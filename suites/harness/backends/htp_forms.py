"""Compile small graphs of all forms as an export does, or plainly: ``htp_forms.py FOLDER lean``.

Plainly is without lean passes, and with a copy of the weights wherever ExecuTorch makes one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[3]))

from harness.backends.lean_lowering import lean_passes
from harness.backends.qnn import delegation
from harness.backends.qnn.delegation import CompilerOptions, HtpMethod
from harness.backends.qnn.lowering import lower_to_pte
from harness.backends.qnn.provider import activate
from harness.export.htp.modules import linears_to_convolutions
from harness.export.htp.quantization import convert, prepare, share_weights
from harness.export.htp.quantizer import make_quantizer
from harness.targets.soc import get_soc

SOC = "SM8650"
WIDTH = 64
TOKENS = {"kv_forward": 1, "prefill_forward": 16}
CODES = {0: torch.uint16}


class Layers(nn.Module):
    """Products, an activation, a softmax and what lies between."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """One after the other."""
        y = nn.functional.silu(self.first(x)).transpose(1, 2).contiguous()
        mixed: Tensor = self.second(torch.softmax(y.transpose(1, 2), dim=-1) * 2 + x)
        return mixed


class Table(nn.Module):
    """A graph in which nothing is decomposed."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(32, WIDTH)

    def forward(self, token_ids: Tensor) -> Tensor:
        """Rows of it."""
        rows: Tensor = self.embedding(token_ids)
        return rows


class Patches(nn.Module):
    """A convolution that is no product, and a table of as many dimensions as its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, (4, 8), stride=(4, 8))
        self.register_buffer("table", torch.rand(1, WIDTH, 4, 2))

    def forward(self, pixels: Tensor) -> Tensor:
        """Rows of patches, each at its place."""
        rows: Tensor = self.patches(pixels) + self.table
        return rows


def _quantized(module: nn.Module, scheme: str, one: Tensor) -> nn.Module:
    quantizer = make_quantizer(scheme, SOC, block_size=32)  # type: ignore[arg-type]
    graph = prepare(module, (one,), quantizer)
    graph(one)
    return convert(graph)


def forms() -> dict[str, tuple[dict[str, HtpMethod], CompilerOptions]]:
    """Methods and options of each, by name."""
    torch.manual_seed(0)
    layers, table = Layers().eval(), Table().eval()
    in_blocks = linears_to_convolutions(Layers().eval())
    rows = {name: torch.rand(1, count, WIDTH) for name, count in TOKENS.items()}
    ids = {name: torch.arange(count, dtype=torch.int32)[None] for name, count in TOKENS.items()}
    coded = {
        name: HtpMethod(_quantized(layers, "16a8w", x), (x,), CODES, CODES)
        for name, x in rows.items()
    }
    one, pixels = rows["kv_forward"], torch.rand(1, 3, 16, 16)
    cut = {"forward": HtpMethod(_quantized(Patches().eval(), "16a8w", pixels), (pixels,))}
    blocks = {"forward": HtpMethod(_quantized(in_blocks, "16a4w_block", one), (one,))}
    convolved = linears_to_convolutions(Layers().eval())
    shared = {name: _quantized(convolved, "16a8w", x) for name, x in rows.items()}
    share_weights(*shared.values())
    weighed = {name: HtpMethod(shared[name], (x,)) for name, x in rows.items()}
    halves = {name: HtpMethod(layers, (x,)) for name, x in rows.items()}
    looked_up = {name: HtpMethod(_quantized(table, "16a8w", x), (x,)) for name, x in ids.items()}
    soc = get_soc(SOC)
    phone = CompilerOptions(soc, fp16=False, for_phone=True)
    emulator = CompilerOptions(soc, fp16=False, for_phone=False)
    half = CompilerOptions(soc, fp16=True, for_phone=False)
    return {
        "phone": (coded, phone),
        "emulator": (coded, emulator),
        "half": (halves, half),
        "blocks": (blocks, emulator),
        "convolutions": (weighed, phone),
        "patches": (cut, emulator),
        "table": (looked_up, phone),
    }


def main(folder: Path, passes: str) -> None:
    """Write a file for each form."""
    activate()
    for name, (methods, options) in forms().items():
        with torch.no_grad(), AROUND[passes](), (folder / name).open("wb") as file:
            lower_to_pte(methods, {}, options, plan_io_memory=False, output=file)


def _copied_weights() -> AbstractContextManager[object]:
    return patch.object(delegation, "weights_held_once", nullcontext)


AROUND: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "plain": _copied_weights,
    "lean": lean_passes,
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
