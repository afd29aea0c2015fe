"""What the QNN delegates of three files tell about an artifact. Imports without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.backends.qnn.delegates import QnnDelegate
from harness.errors import UserError
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.targets.phone import PHONE
from harness.targets.soc import soc_label
from harness.targets.target import TargetSpec
from harness.vocabulary import COMPONENTS, Component, Precision

Delegates = Mapping[Component, Sequence[QnnDelegate]]

UPSTREAM_PRECISIONS: dict[Component, Precision] = {
    "vision_encoder": "16a8w",
    "token_embedding": "16w",
    "text_decoder": "16a8w",
}
"""Upstream's one recipe for both models (contract §6.3); no file says what it was quantized to."""


def place_of(directory: Path, delegates: Delegates) -> tuple[TargetSpec, str | None]:
    """Target and SoC that files were made for.

    Weights that graphs share, and buffers shared with the HTP, exist on phones alone; upstream
    leaves both out on x86 (contract §6.6).

    Raises:
        UserError: If the files are for several SoCs.
    """
    parts = [delegate for found in delegates.values() for delegate in found]
    if not parts:
        return HOST, None
    socs = sorted({soc_label(delegate.chip_id) for delegate in parts})
    if len(socs) > 1:
        raise UserError(
            f"{directory} holds files for {' and '.join(socs)}; use three files of one export."
        )
    is_for_phone = any(delegate.shares_weights or delegate.shared_buffer for delegate in parts)
    return PHONE if is_for_phone else EMULATOR, socs[0]


def presumed_precisions(directory: Path, delegates: Delegates) -> dict[Component, Precision]:
    """float16 where the HTP computes so, upstream's recipe elsewhere.

    Raises:
        UserError: If nothing is for the HTP, or a component is left to the CPU: upstream's recipe
            is no likely guess there.
    """
    if not any(delegates.values()):
        raise UserError(
            f"The files in {directory} do not tell their precision; give it as --precision, e.g. "
            f"--precision fp32."
        )
    for name in COMPONENTS:
        if not delegates[name]:
            raise UserError(
                f"The {name} in {directory} runs on the CPU and does not tell its precision; give "
                f"it as --precision, e.g. --precision {name}=4w."
            )
    return {
        name: "fp16"
        if any(delegate.is_fp16 for delegate in delegates[name])
        else UPSTREAM_PRECISIONS[name]
        for name in COMPONENTS
    }
