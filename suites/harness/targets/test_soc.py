"""The compiler is told the right thing about each SoC."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from executorch.backends.qualcomm.serialization import qc_schema

from harness.backends.qnn.delegation import _chipset
from harness.errors import UserError
from harness.targets.soc import SOCS, Soc, get_soc, soc_label

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("soc", SOCS.values(), ids=SOCS)
def test_every_soc_is_what_executorch_says(soc: Soc) -> None:
    info = qc_schema._soc_info_table[qc_schema.QcomChipset[soc.name]]
    assert soc.chip_id == info.soc_model
    assert soc.htp_arch == info.htp_info.htp_arch
    assert soc.vtcm_mib == info.htp_info.vtcm_size_in_mb


def test_no_soc_of_executorch_is_missing_but_the_windows_laptops() -> None:
    theirs = {chipset.name for chipset in qc_schema.QcomChipset}
    assert theirs - SOCS.keys() == {"UNKNOWN_SM", "SC8380XP"}


def test_a_soc_that_this_executorch_lacks_is_told_in_a_sentence() -> None:
    with pytest.raises(UserError, match=r"ExecuTorch 1\.5\.1 cannot compile for SM9999: .*--soc"):
        _chipset(Soc("SM9999", chip_id=999, htp_arch=85, vtcm_mib=8))


def test_the_guide_to_phones_tells_the_htp_of_each_soc() -> None:
    rows = re.findall(r"\| (S\w+) \| v(\d+) ", (ROOT / "docs" / "phone.md").read_text())
    assert len(rows) == 4
    assert {(name, int(arch)) for name, arch in rows} <= {
        (soc.name, soc.htp_arch) for soc in SOCS.values()
    }


def test_a_name_may_be_written_in_lower_case() -> None:
    assert get_soc("sm8650") == Soc("SM8650", chip_id=57, htp_arch=75, vtcm_mib=8)


def test_a_mistyped_soc_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"no SoC 'SM8560'; did you mean SM8\d50\?"):
        get_soc("SM8560")


def test_a_number_without_a_name_is_named_by_its_number() -> None:
    assert soc_label(57) == "SM8650"
    assert soc_label(4711) == "the SoC with chip id 4711"
