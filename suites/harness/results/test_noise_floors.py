"""What a device differs from itself by, from the store."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from harness.commands.main import main
from harness.results.history import load_history
from harness.results.noise_floors import NOISE_COLUMNS, noise_floors
from harness.results.rows.schema import ComparisonRow
from suites.harness.results.made_up import SUBJECT, write_run


def a_row(ratio: float | None, **fields: object) -> ComparisonRow:
    """An artifact held against itself, unless fields say otherwise."""
    outcome = "blocked" if ratio is None else "same"
    given = {
        **SUBJECT,
        "baseline_key": SUBJECT["artifact_key"],
        "metric": "decode_tps",
        "unit": "token/s",
        "outcome": outcome,
        "ratio": ratio,
        "n_pairs": 20,
        "sentence": "compared",
    }
    return ComparisonRow.model_validate({**given, **fields})


def floors_of(results: Path) -> pd.DataFrame:
    return noise_floors(load_history(results).comparisons)


def test_a_floor_is_told_by_device_and_metric(tmp_path: Path) -> None:
    """Deviations of 0.5 % in both directions, and t(0.995; 10) = 3.1693."""
    quiet = [a_row(ratio) for ratio in (1.005, 1 / 1.005) * 5]
    few = [a_row(1.0, device="another"), a_row(None, device="another")]
    write_run(tmp_path, 0, [*quiet, *few, a_row(0.5, baseline_key="other")])
    other, here = floors_of(tmp_path).to_dict("records")
    assert here["device"] == SUBJECT["device"]
    assert (here["comparisons"], here["supports_rule"], here["different"]) == (10, True, 0)
    assert math.log1p(here["floor"]) == pytest.approx(3.16927 * math.log(1.005), rel=1e-5)
    assert (other["comparisons"], pd.isna(other["floor"])) == (1, True)


def test_models_and_modes_are_not_pooled(tmp_path: Path) -> None:
    rows = [a_row(1.1, model="smolvlm_500m"), a_row(1.0), a_row(1.2, mode="hybrid")]
    write_run(tmp_path, 0, rows)
    assert floors_of(tmp_path)["comparisons"].tolist() == [1, 1, 1]


def test_two_artifacts_tell_nothing_of_noise(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [a_row(1.0, baseline_key="other")])
    floors = floors_of(tmp_path)
    assert floors.empty
    assert tuple(floors) == NOISE_COLUMNS


def test_the_command_prints_floors_and_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, 0, [a_row(1.001) for _ in range(5)])
    assert main(["noise", "--results", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "decode_tps" in told
    assert "--compare KEY KEY" not in told
    write_run(tmp_path, 1, [a_row(1.0, device="another")])
    assert main(["noise", "--results", str(tmp_path)]) == 0
    assert "pytest -m perf --compare KEY KEY" in capsys.readouterr().out
