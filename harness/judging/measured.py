"""An artifact where it was measured: what figures, answers and verdicts are of."""

from __future__ import annotations

from dataclasses import dataclass

from harness.artifacts.artifact import Artifact
from harness.artifacts.manifest import Manifest
from harness.devices.device import Device
from harness.measure.gate import Context
from harness.vocabulary import Component, Mode, Protocol


@dataclass(frozen=True)
class Measured:
    """An artifact, and what gates of its figures are looked up by."""

    artifact: Artifact
    context: Context


def measured_on(
    where: Device | Manifest,
    artifact: Artifact,
    mode: Mode | None = None,
    *,
    component: Component | None = None,
    protocol: Protocol = "snapgate",
    workload: str | None = None,
) -> Measured:
    """An artifact as a whole, or one component of it, at a place.

    Args:
        where: The device that ran it; its own manifest for what no device has a part in.
        artifact: What was measured.
        mode: The mode it ran in; None for the mode it was exported for.
        component: The one part that was measured.
        protocol: How speed was measured.
        workload: What a turn was, where it is not the usual one.
    """
    manifest = artifact.manifest
    precision = manifest.component(component).precision if component else manifest.precision_label
    how = mode or manifest.mode, precision, component, protocol, workload
    return Measured(artifact, Context(manifest.model, where.target, where.soc, *how))
