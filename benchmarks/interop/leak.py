"""Whether a prefill graph obeys its mask: what is masked must not change a single code."""

from __future__ import annotations

from pathlib import Path

import torch
from executorch.runtime import Runtime
from torch import Tensor

from benchmarks.interop.plain_loop import ATTEND, MASKED
from harness.backends.qnn.provider import activate

_SPREAD_CODES = 3000


def leaked_codes(decoder: Path) -> int:
    """Largest change of the first token's logits when only masked inputs change.

    An empty cache and the tokens behind the first one are masked for it. A graph that obeys gives
    0, since fixed-point arithmetic repeats itself. Position ids are those of an empty cache.

    Args:
        decoder: File with ``prefill_forward`` and uint16 cache, mask and logits.
    """
    activate()
    program = Runtime.get().load_program(decoder)
    meta, method = program.metadata("prefill_forward"), program.load_method("prefill_forward")
    shapes = [list(meta.input_tensor_meta(index).sizes()) for index in range(meta.num_inputs())]
    ar = shapes[1][2]
    mask = torch.full(shapes[1], MASKED, dtype=torch.int32)
    mask[..., -ar:] = torch.tril(torch.full((ar, ar), ATTEND, dtype=torch.int32))
    positions = torch.arange(ar, dtype=torch.int32)[None]
    random = torch.Generator().manual_seed(0)
    first = torch.randn(shapes[0][2], generator=random) * 0.5

    def logits() -> Tensor:
        hidden = torch.randn(shapes[0], generator=random) * 0.5
        hidden[0, 0] = first
        caches = [
            torch.randint(
                32768 - _SPREAD_CODES,
                32768 + _SPREAD_CODES,
                shape,
                generator=random,
                dtype=torch.int32,
            ).to(torch.uint16)
            for shape in shapes[3:]
        ]
        outputs = method.execute([hidden, mask.to(torch.uint16), positions, *caches])
        codes: Tensor = outputs[0][0, 0].to(torch.int32)
        return codes

    return int((logits() - logits()).abs().max())
