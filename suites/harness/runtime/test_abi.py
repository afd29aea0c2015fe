"""Every generation of upstream's decoder files is told from the others (contract §1.5)."""

from __future__ import annotations

import pytest

from harness.runtime.abi import (
    FIRST_EXPORTER,
    KV_FORWARD,
    MASK_OF_RANK_4,
    REQUANTIZING_RUNNER,
    SHARED_ENCODINGS,
    TOK_EMBEDDING,
    Abi,
    recognize_abi,
)

KV_SCALES = {"get_k_scale_input_0", "get_v_zero_point_input_0"}
BOTH = {"kv_forward", "prefill_forward"}
OLD_ID, NEW_ID = "modality_placeholder_token_id", "image_token_id"


@pytest.mark.parametrize(
    ("methods", "mask_rank", "expected"),
    [
        ({"forward"}, 3, FIRST_EXPORTER),
        (BOTH, 3, FIRST_EXPORTER),
        ({"forward", OLD_ID, *KV_SCALES}, 3, REQUANTIZING_RUNNER),
        ({"forward", OLD_ID}, 3, REQUANTIZING_RUNNER),
        ({*BOTH, OLD_ID, *KV_SCALES}, 3, REQUANTIZING_RUNNER),
        ({"kv_forward", OLD_ID, *KV_SCALES}, 3, KV_FORWARD),
        ({"kv_forward", OLD_ID, "get_kv_output_0_quant_attr"}, 3, SHARED_ENCODINGS),
        ({*BOTH, OLD_ID}, 3, SHARED_ENCODINGS),
        ({*BOTH, NEW_ID, "get_kv_output_0_quant_attr"}, 3, TOK_EMBEDDING),
        ({*BOTH, NEW_ID, "get_kv_output_0_quant_attr"}, 4, MASK_OF_RANK_4),
        ({*BOTH, NEW_ID, *KV_SCALES}, 4, MASK_OF_RANK_4),
    ],
)
def test_a_file_shows_its_generation(methods: set[str], mask_rank: int, expected: Abi) -> None:
    names = frozenset({"get_n_layers", "get_logits_scale", *methods})
    assert recognize_abi(names, mask_rank) == expected


def test_a_generation_is_named_by_pull_request_and_month() -> None:
    assert str(REQUANTIZING_RUNNER) == "#16536, January 2026"
