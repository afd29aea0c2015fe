"""Qualcomm's HTP emulator on this machine."""

from __future__ import annotations

from harness.targets.backend import QNN
from harness.targets.target import RunLimits, TargetSpec

_LIMITS = RunLimits(
    # Three contexts; a first run also compiles the shim in front of QNN's libraries.
    load_s=600.0,
    # A pass of a miniature takes 40 to 150 ms of CPU time, on a machine that does other work too.
    pass_s=1.0,
    # fp16 is emulated operation by operation: 1 s of CPU time and more.
    fp16_pass_s=15.0,
)

EMULATOR = TargetSpec(
    name="emulator",
    backend=QNN,
    place="harness.devices.emulator:EmulatorPlace",
    default_soc="SM8650",
    limits=_LIMITS,
    measures_speed=False,
)
