"""This machine's CPU."""

from __future__ import annotations

from harness.targets.backend import XNNPACK
from harness.targets.target import TargetSpec

HOST = TargetSpec(
    name="host", backend=XNNPACK, place="harness.devices.host:HostPlace", is_quick=True
)
