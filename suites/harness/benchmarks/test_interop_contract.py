"""Contracts of two files are compared tensor by tensor and value by value."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.interop.contract import (
    Contract,
    ContractDifference,
    Tensors,
    compare,
    read_contract,
)
from harness.artifacts.artifact import Artifact

DECODER = Contract(
    methods={"kv_forward": Tensors(("[1, 1, 96] float32",), ("[1, 1, 512] uint16",))},
    metadata={"get_n_layers": (3,), "get_kv_output_0_quant_attr": (0.5, 7, 0, 65535, "int32")},
)


def test_equal_files_differ_in_nothing() -> None:
    assert compare("text_decoder", DECODER, DECODER) == []


def test_another_dtype_is_a_difference_of_signature() -> None:
    ours = replace(
        DECODER,
        methods={"kv_forward": Tensors(("[1, 1, 96] float32",), ("[1, 1, 512] float32",))},
    )

    assert compare("text_decoder", DECODER, ours) == [
        ContractDifference(
            "text_decoder",
            "kv_forward() output 0",
            "[1, 1, 512] uint16",
            "[1, 1, 512] float32",
            is_signature=True,
        )
    ]


def test_a_method_or_tensor_that_one_file_lacks_is_shown_as_a_dash() -> None:
    more = Tensors(("[1, 1, 96] float32", "[1, 1] int32"), ("[1, 1, 512] uint16",))
    ours = replace(DECODER, methods={"kv_forward": more, "prefill_forward": more})

    found = {one.where: (one.upstream, one.ours) for one in compare("text_decoder", DECODER, ours)}

    assert found == {
        "kv_forward() input 1": ("-", "[1, 1] int32"),
        "prefill_forward()": ("-", "2 inputs, 1 outputs"),
    }


def test_metadata_differ_in_value_or_presence_but_not_in_signature() -> None:
    ours = replace(
        DECODER, metadata={"get_n_layers": (3,), "get_kv_output_0_quant_attr": (0.25, 7)}
    )

    (difference,) = compare("text_decoder", DECODER, ours)

    assert not difference.is_signature
    assert difference.upstream == "0.5, 7, 0, 65535, int32"
    assert difference.ours == "0.25, 7"


def test_a_file_is_read_without_running_it(random_smolvlm: Artifact) -> None:
    contract = read_contract(random_smolvlm.path("text_decoder"))

    assert set(contract.methods) == {"kv_forward", "prefill_forward"}
    assert contract.methods["kv_forward"].inputs[:3] == (
        "[1, 1, 96] float32",
        "[1, 1, 1, 256] float32",
        "[1, 1] int32",
    )
    assert contract.metadata["get_n_layers"] == (3,)
