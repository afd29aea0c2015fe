"""What ``--compare`` and ``--baseline`` hold an artifact against."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.given_name import ARTIFACTS, named_artifact
from harness.artifacts.manifest import MANIFEST_NAME, Manifest
from harness.errors import UserError, suggest
from harness.judging.latest_green import GreenArtifact, Lane, find_latest_green
from harness.vocabulary import Mode

LATEST_GREEN = "latest-green"
LATEST_GREEN_ANYWHERE = "latest-green-anywhere"

_KEY = re.compile(r"[0-9a-f]{6,64}")


class NoBaseline(UserError):
    """Nobody's speed was green yet where a session measures: there is nothing to compare with."""


@dataclass(frozen=True)
class Found:
    """What a candidate is held against.

    Attributes:
        green: The run it is from; None where the artifact was named.
    """

    artifact: Artifact
    green: GreenArtifact | None = None


@dataclass(frozen=True)
class Baseline:
    """Where the other side of a comparison comes from.

    Attributes:
        given: The artifact that was named; None for the latest green run's.
        anywhere: Whether that run may have been on another device, and have measured no speed.
        artifacts: The artifact cache.
        results: The results folder.
    """

    given: Artifact | None
    artifacts: Path
    results: Path
    anywhere: bool = False

    def of(self, candidate: Artifact, lane: Lane) -> Found:
        """The artifact to hold a candidate against.

        Raises:
            NoBaseline: If no run was green in that lane with its speed measured; told with which
                runs were looked at and why none does.
            UserError: If it cannot be opened, or it is of another model, target, SoC or mode.
        """
        mode = lane.context.mode
        if self.given is not None:
            check_comparable(self.given.manifest, candidate.manifest, mode)
            return Found(self.given)
        lane = replace(lane, device=None) if self.anywhere else lane
        search = find_latest_green(self.results, lane)
        green = search.found
        if green is None:
            measured = "is of" if lane.device is None else "measured the speed of"
            raise NoBaseline(
                f"No green run in {self.results} {measured} {lane.describe()}: "
                f"{search.told}; name the artifact to compare with by --baseline, or make a green "
                "run with: pytest -m perf"
            )
        try:
            found = open_artifact(find_artifact(green.key, self.artifacts))
        except UserError as error:
            raise UserError(
                f"Run {green.run_id} was green with artifact {green.key[:12]}, which cannot be "
                f"opened: {error}"
            ) from error
        check_comparable(found.manifest, candidate.manifest, mode)
        return Found(found, green)


def resolve_compare(options: dict[str, Any], artifacts: Path) -> dict[str, Any]:
    """Options with ``--compare A B`` told as ``--pre-gen-pte B --baseline A``.

    Raises:
        UserError: If other options say where the two come from, too.
    """
    if options["compare"] is None:
        return options
    for name in ("pre_gen_pte", "baseline"):
        if options[name] is not None:
            flag = f"--{name.replace('_', '-')}"
            raise UserError(f"--compare names both artifacts; leave {flag} out.")
    baseline, candidate = options["compare"]
    folder = find_artifact(candidate, artifacts)
    return {**options, "pre_gen_pte": folder, "baseline": baseline}


def find_artifact(text: str, artifacts: Path) -> Path:
    """An artifact folder by its path, or in the cache by name or key or the beginning of one.

    Raises:
        UserError: If there is none, or several begin like that.
    """
    named = Path(text)
    with contextlib.suppress(RuntimeError):
        # Of a home that nobody has; then it may still be no path.
        named = named.expanduser()
    if text and named.is_dir():
        return named.absolute()
    word, folder = text.rstrip("/"), artifacts / ARTIFACTS
    if (whole := named_artifact(word, artifacts)) is not None:
        return whole
    there = sorted(path for path in folder.glob("[!.]*") if (path / MANIFEST_NAME).is_file())
    begins = {path.resolve(): path for path in there if word and _begins_with(path, word)}
    found = sorted(begins.values())
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{len(found)} artifacts in {folder} have names or keys that begin with {text!r}: "
            f"{', '.join(path.name for path in found)}; give more of it."
        )
    known = suggest(word, [path.name for path in there])
    nothing = "it holds none, make one with: python -m harness export tiny_smolvlm"
    raise UserError(
        f"{text!r} is neither a folder nor the name or key of an artifact in {folder}; "
        f"{known if there else nothing}."
    )


def _begins_with(artifact: Path, word: str) -> bool:
    """Whether an artifact's name or key does; its name ends with the beginning of its key."""
    if artifact.name.startswith(word):
        return True
    key, word = artifact.name.rpartition("-")[2], word.lower()
    if not _KEY.fullmatch(word) or not (key.startswith(word) or word.startswith(key)):
        return False
    return len(word) <= len(key) or open_artifact(artifact).manifest.key.startswith(word)


def check_comparable(baseline: Manifest, candidate: Manifest, mode: Mode | None) -> None:
    """Refuse a comparison of what cannot be compared.

    Raises:
        UserError: If model, target or SoC differ, or the baseline does not run in the mode.
    """
    for name in ("model", "target", "soc"):
        one, other = getattr(baseline, name), getattr(candidate, name)
        if one != other:
            raise UserError(
                f"The baseline's {name} is {one} and the candidate's {other}; compare artifacts of "
                f"one {name}."
            )
    runs = ("kv", "hybrid") if baseline.mode == "hybrid" else (baseline.mode,)
    if mode not in runs:
        raise UserError(
            f"The baseline is a {baseline.mode} artifact, which cannot run in {mode} mode; add "
            f"--mode {runs[0]}."
        )
