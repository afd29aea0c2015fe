"""The good artifacts whose files are mutated."""

from __future__ import annotations

from harness.artifacts.artifact import Artifact
from harness.checkpoint_source import find_calibration, find_checkpoint
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe, parse_precision
from harness.export.request import ExportRequest
from harness.options.groups.model import default_artifacts
from harness.targets.registry import DEFAULT_TARGET, get_target
from harness.vlm.registry import get_spec
from harness.vocabulary import Target

_MODEL = "tiny_smolvlm"


def export_miniature(target: Target = DEFAULT_TARGET) -> Artifact:
    """A miniature's artifact for a target, from the cache or exported now."""
    spec = get_spec(_MODEL)
    is_htp = get_target(target).backend.is_htp
    request = ExportRequest(
        spec,
        find_checkpoint(spec, None),
        parse_precision("16a8w", Recipe()) if is_htp else Recipe(),
        mode="hybrid",
        target=target,
        calibration=find_calibration(spec, None) if is_htp else None,
    )
    return export_artifact(request, default_artifacts(), lambda component, stage: None).artifact
