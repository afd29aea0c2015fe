"""An artifact that the phone cannot run, or would run wrongly, is refused before it is pushed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.backends.qnn.delegates import FileRange, QnnDelegate
from harness.devices.phone.compatibility import (
    RunnerSetup,
    check_artifact,
    check_delegates,
    check_layout,
    check_requantization,
    check_target,
)
from harness.devices.phone.runner.generation import RunnerGeneration
from harness.devices.phone_place import check_files
from harness.errors import UserError
from harness.targets.soc import get_soc
from suites.harness.fixtures.conftest import hollow_artifact

CURRENT = RunnerGeneration(frozenset({"tok_embedding_path"}), requantizes=False)
OLD = RunnerGeneration(frozenset({"embedding_path"}), requantizes=True)
OURS = RunnerGeneration(frozenset({"tok_embedding_path", "generations_path"}), requantizes=True)
PHONE = RunnerSetup(get_soc("SM8550"), ("phone",), CURRENT, (2, 47, 0))
FOR_PHONES = {"target": "phone", "backend": "qnn", "soc": "SM8550"}
OF_JANUARY = {"versions": {"abi": "#16536, January 2026"}}
DELEGATE = QnnDelegate(
    "kv_forward",
    chip_id=43,
    htp_arch=73,
    vtcm_mib=8,
    shares_weights=True,
    shared_buffer=True,
    is_fp16=False,
    context=FileRange(0, 64),
)


def artifact(folder: Path, **changes: object) -> Artifact:
    return open_artifact(hollow_artifact(folder / "artifact", **{**FOR_PHONES, **changes}))


def test_an_artifact_for_this_phone_is_taken(tmp_path: Path) -> None:
    check_target(artifact(tmp_path), PHONE)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": "host", "soc": None}, "is for the host, and this phone loads those for phone"),
        ({"target": "emulator"}, "is for the emulator, and this phone loads those for phone"),
        ({"soc": "SM8650"}, "was compiled for SM8650 and the phone has SM8550; export it again"),
    ],
)
def test_one_for_another_target_or_soc_is_not(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        check_target(artifact(tmp_path, **changes), PHONE)


def test_a_virtual_phone_takes_what_it_says(tmp_path: Path) -> None:
    virtual = replace(PHONE, accepted_targets=("emulator", "host"))
    check_target(artifact(tmp_path, target="host", soc=None), virtual)
    with pytest.raises(UserError, match="export it again with --target emulator"):
        check_target(artifact(tmp_path / "other"), virtual)


@pytest.mark.parametrize(
    ("versions", "generation", "fits"),
    [
        ({}, CURRENT, True),
        ({}, OLD, False),
        (OF_JANUARY, OLD, True),
        (OF_JANUARY, CURRENT, False),
        (OF_JANUARY, OURS, True),
        ({}, OURS, True),
    ],
)
def test_a_runner_reads_the_layouts_of_its_time(
    tmp_path: Path, versions: dict[str, object], generation: RunnerGeneration, fits: bool
) -> None:
    given = artifact(tmp_path, **versions)
    if fits:
        check_layout(given, generation)
        return
    with pytest.raises(UserError, match="which reads another; give --build-dir of the ExecuTorch"):
        check_layout(given, generation)


def test_a_cache_to_be_converted_goes_to_a_runner_that_converts(tmp_path: Path) -> None:
    given = artifact(tmp_path, kv_encodings="requantized", **OF_JANUARY)
    check_layout(given, OLD)
    check_requantization(given, OLD)
    with pytest.raises(UserError, match="would answer wrongly; export it again with --kv-encodi"):
        check_requantization(given, CURRENT)


@pytest.mark.parametrize("versions", [{}, {"versions": {"abi": "#20488, July 2026"}}])
def test_a_cache_to_be_converted_beside_a_mask_of_rank_4_goes_to_no_runner_of_upstreams(
    tmp_path: Path, versions: dict[str, object]
) -> None:
    """The runner that converts reads a mask of rank 3 and aborts: exit code 134."""
    given = artifact(tmp_path, kv_encodings="requantized", **versions)
    for generation in (OLD, CURRENT):
        with pytest.raises(UserError, match=r"abort on the mask, .* --kv-encodings shared, or use"):
            check_layout(given, generation)
    check_layout(given, OURS)


def test_neither_is_one_exported_for_a_phone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runner for phones takes.*--serial virtual:SM8550"):
        check_files({"kv_encodings": "requantized", "qnn_dir": None}, None)
    ours = artifact(tmp_path, kv_encodings="requantized").manifest
    with pytest.raises(UserError, match=r"--pre-gen-pte has KV encodings .* a mask of rank 4"):
        check_files({"kv_encodings": None, "qnn_dir": None}, ours)
    old = artifact(tmp_path / "old", kv_encodings="requantized", **OF_JANUARY).manifest
    check_files({"kv_encodings": None, "qnn_dir": None}, old)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A file whose first bytes are the head of a context of QNN 2.47."""
    path = tmp_path / "decoder.pte"
    path.write_bytes(b"head v2.47.0.260601114230 rest".ljust(64))
    return path


def test_the_file_itself_tells_its_soc(program: Path) -> None:
    check_delegates(program, (DELEGATE,), PHONE)
    with pytest.raises(UserError, match="was compiled for SM8650 and SM8550 was asked for"):
        check_delegates(program, (replace(DELEGATE, chip_id=57),), PHONE)


def test_a_file_of_a_newer_qnn_than_the_phone_gets_is_refused(program: Path) -> None:
    older = replace(PHONE, qnn_version=(2, 37, 0))
    with pytest.raises(UserError, match=r"made by QNN 2\.47\.0 and the libraries .* are 2\.37\.0"):
        check_delegates(program, (DELEGATE,), older)
    check_delegates(program, (DELEGATE,), replace(PHONE, qnn_version=None))


def test_a_context_above_4_gib_is_refused(program: Path) -> None:
    large = replace(DELEGATE, context=FileRange(0, (4 << 30) + 1))
    with pytest.raises(UserError, match=r"a context of 4\.00 GiB and the HTP takes 4 GiB at most"):
        check_delegates(program, (large,), PHONE)


def test_the_emulator_behind_a_virtual_phone_judges_by_itself(tmp_path: Path) -> None:
    """The hollow files tell nothing of delegates, and nobody asks them."""
    virtual = replace(PHONE, accepted_targets=("emulator", "host"), qnn_version=None)
    check_artifact(artifact(tmp_path, target="emulator"), virtual)
