"""How long a run on a phone may take before it counts as hung."""

from __future__ import annotations

from harness.artifacts.manifest import Manifest

_LOAD_S = 300.0
"""Three contexts of a full-size model from flash, on a phone that does other work too."""
_POSITION_S = 0.5
"""For one position of the context: the slowest decode published for these models is 10 times
faster."""
_EMULATOR_LOAD_S, _EMULATOR_POSITION_S, _EMULATOR_FP16_POSITION_S = 600.0, 1.0, 15.0
"""Of a virtual phone, whose HTP is this machine's emulator."""


def run_limit_s(manifest: Manifest) -> float:
    """Seconds for one process that fills the context once."""
    if manifest.target != "emulator":
        return _LOAD_S + manifest.context_length * _POSITION_S
    is_fp16 = manifest.component("text_decoder").precision == "fp16"
    position_s = _EMULATOR_FP16_POSITION_S if is_fp16 else _EMULATOR_POSITION_S
    return _EMULATOR_LOAD_S + manifest.context_length * position_s
