"""QNN delegates tell SoC and target; what they do not tell is presumed or asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.artifacts.foreign import Delegates, place_of, presumed_precisions
from harness.backends.qnn.delegates import QnnDelegate
from harness.errors import UserError
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.targets.phone import PHONE
from harness.vocabulary import COMPONENTS

FOLDER = Path("exported")
ON_SM8650 = QnnDelegate(
    method="forward",
    chip_id=57,
    htp_arch=75,
    vtcm_mib=8,
    shares_weights=False,
    shared_buffer=False,
    is_fp16=False,
    context=None,
)


def delegates(**changes: QnnDelegate) -> Delegates:
    return {name: [changes.get(name, ON_SM8650)] for name in COMPONENTS}


def test_files_without_delegates_are_for_the_host() -> None:
    assert place_of(FOLDER, dict.fromkeys(COMPONENTS, ())) == (HOST, None)


def test_only_a_phone_shares_weights_or_buffers() -> None:
    assert place_of(FOLDER, delegates()) == (EMULATOR, "SM8650")
    for decoder in (
        replace(ON_SM8650, shares_weights=True),
        replace(ON_SM8650, shared_buffer=True),
    ):
        assert place_of(FOLDER, delegates(text_decoder=decoder)) == (PHONE, "SM8650")


def test_a_component_left_on_the_cpu_follows_the_others() -> None:
    assert place_of(FOLDER, {**delegates(), "token_embedding": []}) == (EMULATOR, "SM8650")


def test_files_of_two_socs_are_refused() -> None:
    other = replace(ON_SM8650, chip_id=69)
    with pytest.raises(UserError, match="files for SM8650 and SM8750"):
        place_of(FOLDER, delegates(vision_encoder=other))


def test_what_is_not_float16_is_presumed_to_follow_upstreams_recipe() -> None:
    fp16 = replace(ON_SM8650, is_fp16=True)
    assert presumed_precisions(FOLDER, delegates(vision_encoder=fp16)) == {
        "vision_encoder": "fp16",
        "token_embedding": "16w",
        "text_decoder": "16a8w",
    }


def test_nothing_is_presumed_of_files_for_the_host() -> None:
    with pytest.raises(UserError, match=r"do not tell their precision.*--precision"):
        presumed_precisions(FOLDER, dict.fromkeys(COMPONENTS, ()))


def test_nothing_is_presumed_of_a_table_that_stays_on_the_cpu() -> None:
    with pytest.raises(UserError, match=r"token_embedding .* --precision token_embedding=4w"):
        presumed_precisions(FOLDER, {**delegates(), "token_embedding": []})
