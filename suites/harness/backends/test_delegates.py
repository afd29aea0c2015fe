"""A .pte says what was compiled into it, without torch and without QNN."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from harness.backends.qnn.delegates import read_delegates
from harness.backends.qnn.loadable import check_soc
from harness.backends.qnn.provider import QnnInfo
from harness.errors import UserError
from harness.targets.soc import get_soc
from suites.harness.backends.conftest import RunPython

DESCRIBE = """
import sys
from pathlib import Path
from harness.backends.qnn.context_info import describe_context
from harness.backends.qnn.delegates import read_delegates
from harness.backends.qnn.provider import activate
path = Path(sys.argv[1])
info = describe_context(path, read_delegates(path)[0].context, activate())
print(info.build_id)
for graph in info.graphs:
    print(graph.name, graph.inputs, graph.outputs, graph.spill_fill_bytes, graph.vtcm_bytes)
"""


def test_each_method_names_its_soc_and_options(small_programs: Path) -> None:
    delegates = read_delegates(small_programs / "emulator.pte")
    assert [delegate.method for delegate in delegates] == ["kv_forward", "prefill_forward"]
    for delegate in delegates:
        assert (delegate.chip_id, delegate.htp_arch, delegate.vtcm_mib) == (57, 75, 8)
        assert delegate.is_fp16
        assert not delegate.shares_weights
        assert not delegate.shared_buffer


def test_a_phone_file_shares_weights_and_buffers(small_programs: Path) -> None:
    for delegate in read_delegates(small_programs / "phone.pte"):
        assert delegate.shares_weights
        assert delegate.shared_buffer


def test_methods_of_one_context_point_to_the_same_bytes(small_programs: Path) -> None:
    path = small_programs / "emulator.pte"
    kv, prefill = (delegate.context for delegate in read_delegates(path))
    assert kv is not None
    assert kv == prefill
    assert kv.offset + kv.size <= path.stat().st_size


def test_qnn_tells_its_build_and_the_graphs(
    small_programs: Path, qnn: QnnInfo, run_python: RunPython
) -> None:
    result = run_python(DESCRIBE, small_programs / "emulator.pte")
    assert result.stdout.splitlines() == [
        qnn.build_id,
        f"kv_forward 1 1 0 {8 * 2**20}",
        f"prefill_forward 1 1 0 {8 * 2**20}",
    ], result.stderr


def test_a_file_for_another_soc_is_refused_by_name(small_programs: Path) -> None:
    path = small_programs / "emulator.pte"
    check_soc(path, get_soc("SM8650"))
    with pytest.raises(UserError) as caught:
        check_soc(path, get_soc("SM8750"))
    assert str(caught.value) == (
        f"{path} was compiled for SM8650 and SM8750 was asked for; give --soc SM8650 or export it "
        "for SM8750."
    )


def test_damage_anywhere_in_the_description_is_a_sentence(
    small_programs: Path, tmp_path: Path
) -> None:
    """Reading damaged bytes gives delegates or a UserError, and nothing else."""
    whole = (small_programs / "emulator.pte").read_bytes()
    context = read_delegates(small_programs / "emulator.pte")[0].context
    assert context is not None
    dice = random.Random(0)
    damaged = tmp_path / "damaged.pte"
    for _ in range(300):
        data = bytearray(whole[: context.offset])
        for _ in range(dice.randrange(1, 40)):
            data[dice.randrange(40, len(data))] = dice.randrange(256)
        damaged.write_bytes(bytes(data) + whole[context.offset :])
        with contextlib.suppress(UserError):
            read_delegates(damaged)


@pytest.mark.parametrize("missing", [1, 4096, 50_000])
def test_a_file_that_ends_too_early_is_damaged(
    missing: int, small_programs: Path, tmp_path: Path
) -> None:
    whole = (small_programs / "emulator.pte").read_bytes()
    context = read_delegates(small_programs / "emulator.pte")[0].context
    assert context is not None
    short = tmp_path / "short.pte"
    short.write_bytes(whole[: context.offset + context.size - missing])
    with pytest.raises(UserError, match=r"is damaged: .*bytes\); copy or export it again\.$"):
        read_delegates(short)
