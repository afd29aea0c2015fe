"""What ``--compare`` and ``--baseline`` hold an artifact against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.manifest import Manifest
from harness.errors import UserError
from harness.measure.gate import Context
from harness.results.history import load_history
from harness.results.series import CONFIGURATION
from harness.vocabulary import Mode

LATEST_GREEN = "latest-green"

_KEY = re.compile(r"[0-9a-f]{6,64}")


class NoBaseline(UserError):
    """Nobody was green yet where a session measures, so there is nothing to compare with."""


@dataclass(frozen=True)
class GreenArtifact:
    """What the last green run measured in one place.

    Attributes:
        key: Of the artifact.
        run_id: The run.
    """

    key: str
    run_id: str


@dataclass(frozen=True)
class Baseline:
    """Where the other side of a comparison comes from.

    Attributes:
        given: The artifact that was named; None for the latest green run's.
        artifacts: The artifact cache.
        results: The results folder.
    """

    given: Artifact | None
    artifacts: Path
    results: Path

    def of(self, candidate: Artifact, context: Context) -> tuple[Artifact, str | None]:
        """The artifact to hold a candidate against, and the green run that it is from.

        Raises:
            NoBaseline: If no run was green there yet.
            UserError: If it cannot be opened, or it is of another model, target, SoC or mode.
        """
        if self.given is not None:
            check_comparable(self.given.manifest, candidate.manifest, context.mode)
            return self.given, None
        green = latest_green(self.results, context)
        if green is None:
            raise NoBaseline(
                f"No green run in {self.results} measured {context.describe()}; name the artifact "
                "to compare with by --baseline, or make a green run with: pytest -m perf"
            )
        try:
            found = open_artifact(find_artifact(green.key, self.artifacts))
        except UserError as error:
            raise UserError(
                f"Run {green.run_id} was green with artifact {green.key[:12]}, which cannot be "
                f"opened: {error}"
            ) from error
        check_comparable(found.manifest, candidate.manifest, context.mode)
        return found, green.run_id


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
    """An artifact folder by its path, or by its cache key or the beginning of it.

    Raises:
        UserError: If there is none, or several keys begin like that.
    """
    if Path(text).expanduser().is_dir():
        return Path(text).expanduser().absolute()
    folder = artifacts / "artifacts"
    found = sorted(folder.glob(f"[!.]*-{text[:12]}*")) if _KEY.fullmatch(text) else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise UserError(
            f"{text!r} is neither a folder nor the key of an artifact in {folder}; see what is "
            f"there with: ls {folder}"
        )
    raise UserError(
        f"{len(found)} artifacts in {folder} have keys that begin with {text!r}: "
        f"{', '.join(path.name for path in found)}; give more of the key."
    )


def latest_green(results: Path, context: Context) -> GreenArtifact | None:
    """The artifact that the last green run judged in the same place; None if there is none.

    One that was found slower is left out until a comparison of it ends otherwise: gates alone may
    let it pass, and as a baseline it would let all that follow it pass as well.
    """
    history = load_history(results, tables={"verdicts", "comparisons"})
    runs = history.runs
    green = runs.loc[runs["finished"] & (runs["exit_status"] == 0), "run_id"]
    verdicts = _measured_there(history.verdicts, context)
    slower = _slower_keys(_measured_there(history.comparisons, context))
    is_green = verdicts["run_id"].isin(green) & verdicts["artifact_key"].notna()
    is_green &= ~verdicts["artifact_key"].isin(slower)
    found = verdicts[is_green].sort_values("run_id", kind="stable")
    if found.empty:
        return None
    return GreenArtifact(str(found["artifact_key"].iloc[-1]), str(found["run_id"].iloc[-1]))


def _measured_there(rows: pd.DataFrame, context: Context) -> pd.DataFrame:
    alike = pd.Series(True, index=rows.index)
    for name in CONFIGURATION:
        value = getattr(context, name)
        same = rows[name].isna() if value is None else rows[name] == value
        alike &= same.fillna(False)
    return rows[alike]


def _slower_keys(comparisons: pd.DataFrame) -> set[str]:
    """Candidates of which some metric was slower when it was last compared."""
    last = comparisons.sort_values("at").drop_duplicates(["artifact_key", "metric"], keep="last")
    return set(last.loc[last["outcome"] == "slower", "artifact_key"])


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
