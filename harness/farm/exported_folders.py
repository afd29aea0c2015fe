"""Folders of an artifact cache that one export filled or found."""

from __future__ import annotations

from pathlib import Path

from harness.artifacts.artifact import open_artifact
from harness.artifacts.given_name import ARTIFACTS
from harness.export.cache import RECORD_NAME, ComponentRecord
from harness.farm.job import Job

NAME_PREFIX = "farm-"


def export_name(job: Job) -> str:
    """Name that a farm's export is given, for whoever looks for it on its host."""
    return f"{NAME_PREFIX}{job.key}"


def artifact_folders(root: Path, name: str) -> list[Path]:
    """The artifact of a name and its components, each a folder of its own.

    Args:
        root: The artifact cache.
        name: Given to the artifact.

    Raises:
        UserError: If there is no whole artifact of that name.
    """
    artifact = open_artifact((root / ARTIFACTS / name).resolve())
    keys = {entry.key for entry in artifact.manifest.components}
    records = (root / "components").glob(f"*/{RECORD_NAME}")
    components = [path.parent for path in records if _key_of(path) in keys]
    return [*sorted(components), artifact.directory]


def _key_of(record: Path) -> str:
    return ComponentRecord.model_validate_json(record.read_text()).file.key
