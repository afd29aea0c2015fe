"""A job's key stands for all that its outcome depends on."""

from __future__ import annotations

import pytest

from harness.farm.job import Job

JOB = Job(
    kind="session",
    commit="c0ffee",
    model="tiny_smolvlm",
    mode="kv",
    precision="fp32",
    target="phone",
    soc="SM8550",
    qnn="v2.47.0",
    suite="perf",
    words=("suites/perf",),
)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "export"},
        {"commit": "decade"},
        {"model": "tiny_internvl3"},
        {"mode": "hybrid"},
        {"precision": "8da4w"},
        {"target": "emulator"},
        {"soc": "SM8650"},
        {"soc": None},
        {"qnn": "v2.48.0"},
        {"suite": "size"},
        {"words": ("suites/perf", "--runs", "20")},
        {"round": 1},
    ],
    ids=str,
)
def test_every_part_of_a_job_changes_its_key(change: dict[str, object]) -> None:
    assert JOB.model_copy(update=change).key != JOB.key


def test_a_job_that_travelled_has_its_key_still() -> None:
    assert Job.model_validate_json(JOB.model_dump_json()).key == JOB.key


def test_a_job_is_told_in_words() -> None:
    assert JOB.described == "perf: tiny_smolvlm fp32 kv on phone SM8550"
