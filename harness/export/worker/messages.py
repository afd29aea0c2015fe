"""What the exporter and the process that exports one component say to each other, as JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from harness.artifacts.manifest import GraphCost
from harness.export.inputs.build_config import BuildConfig
from harness.export.inputs.calibration import CalibrationSample

EXPORTER_PACKAGES = ("torch", "executorch", "torchao", "transformers", "safetensors")
"""What the extra ``host`` installs and an export cannot do without. The worker alone imports them:
what starts it would keep their 150 MiB beside it."""

ReportStage = Callable[[str], None]
"""Told the name of each stage as it begins."""


class Task(BaseModel, frozen=True, extra="forbid"):
    """The first line of the worker's standard input: what to export and where to.

    Attributes:
        calibration: Samples with paths of their pictures; none where nothing is calibrated.
    """

    checkpoint: Path
    calibration: tuple[CalibrationSample, ...]
    qnn_dir: Path | None
    config: BuildConfig
    output: Path


class StageBegun(BaseModel, frozen=True, extra="forbid"):
    """A line on the worker's standard output: a stage has begun."""

    stage: str


class TaskEnded(BaseModel, frozen=True, extra="forbid"):
    """The last line on the worker's standard output: what the export took and cost."""

    export_s: float
    peak_rss_mib: float
    graphs: tuple[GraphCost, ...] = ()
    user_error: str | None = None
