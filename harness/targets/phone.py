"""The HTP of a phone behind adb."""

from __future__ import annotations

from harness.targets.backend import QNN
from harness.targets.target import TargetSpec

PHONE = TargetSpec(
    name="phone",
    backend=QNN,
    place="harness.devices.phone_place:PhonePlace",
    files_place="harness.devices.files_place:FilesPlace",
    farms_place="harness.devices.farm_place:FarmPlace",
    is_remote=True,
    is_full_size=True,
    shares_memory=True,
)
