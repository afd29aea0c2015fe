"""The HTP of a phone behind adb."""

from __future__ import annotations

from harness.targets.backend import QNN
from harness.targets.target import RunLimits, TargetSpec

_LIMITS = RunLimits(
    # Three contexts of a full-size model from flash, on a phone that does other work too.
    load_s=300.0,
    # The slowest decode published for these models is 10 times faster.
    pass_s=0.5,
    fp16_pass_s=0.5,
)

PHONE = TargetSpec(
    name="phone",
    backend=QNN,
    place="harness.devices.phone.place:PhonePlace",
    limits=_LIMITS,
    is_remote=True,
    is_full_size=True,
    shares_memory=True,
)
