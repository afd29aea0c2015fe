"""What a file says of itself is what ExecuTorch reads in it, without ExecuTorch."""

from __future__ import annotations

import importlib
import os
import random
import struct
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.backends.quantized_program import is_quantized
from harness.errors import UserError
from harness.runtime.program_description import ProgramDescription
from harness.vocabulary import COMPONENTS
from suites.harness.fixtures.conftest import hollow_artifact


@pytest.mark.parametrize("component", COMPONENTS)
def test_executorch_reads_the_same(artifact: Artifact, component: str) -> None:
    path = artifact.path(component)  # type: ignore[arg-type]  # one of them
    found = ProgramDescription.read(path)
    bindings = importlib.import_module("executorch.extension.pybindings._C")
    program = bindings._load_program(str(path))
    names = {program.get_method_name(index) for index in range(program.num_methods())}
    assert found.method_names == names
    for name, signature in found.signatures.items():
        meta = program.method_meta(name)
        inputs = [meta.input_tensor_meta(index) for index in range(meta.num_inputs())]
        outputs = [meta.output_tensor_meta(index) for index in range(meta.num_outputs())]
        assert [spec.shape for spec in signature.inputs] == [tuple(one.sizes()) for one in inputs]
        assert [spec.shape for spec in signature.outputs] == [tuple(one.sizes()) for one in outputs]
    for name, values in found.values.items():
        assert values == tuple(program.load_method(name)([]))


def test_damage_anywhere_is_a_description_or_a_sentence(artifact: Artifact, tmp_path: Path) -> None:
    whole = artifact.path("text_decoder").read_bytes()
    described = struct.unpack_from("<Q", whole, 16)[0]
    dice = random.Random(13)
    damaged = tmp_path / "damaged.pte"
    told: list[str] = []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.randrange(1, 60)):
            data[dice.randrange(40, described)] = dice.choice((0, 1, 127, 128, 255))
        damaged.write_bytes(data)
        try:
            ProgramDescription.read(damaged)
            is_quantized(damaged)
        except UserError as error:
            told.append(str(error))
    assert told
    assert not [sentence for sentence in told if "\n" in sentence]


def test_a_list_longer_than_any_programs_is_refused_at_once(tmp_path: Path) -> None:
    """A file may name each of its methods as often as it has room."""
    path = tmp_path / "long.pte"
    count = 1 << 20
    table = struct.pack("<HHHHi", 8, 8, 0, 4, 8)
    content = b"\x10\0\0\0ET12" + b"\0" * 0 + table[:8]
    root = struct.pack("<iI", 8, 4) + struct.pack("<I", count)
    path.write_bytes(content + root + b"\0" * (4 * count))
    with pytest.raises(UserError, match=f"a list of {count} entries does not fit"):
        ProgramDescription.read(path)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pte")
    with pytest.raises(UserError, match=r"pipe\.pte is no regular file"):
        ProgramDescription.read(tmp_path / "pipe.pte")


def test_constants_and_methods_are_no_substitutes(tmp_path: Path) -> None:
    folder = hollow_artifact(tmp_path / "artifact")
    found = ProgramDescription.read(folder / "text_decoder.pte")
    assert found.constants("get_n_layers") == (3,)
    with pytest.raises(UserError, match="has a constant in place of the method get_n_layers"):
        found.signature("get_n_layers")
    with pytest.raises(UserError, match=r"Metadata kv_forward .* is no constant"):
        found.constants("kv_forward")
    with pytest.raises(UserError, match=r"has no method forward, it has get_n_layers, kv_forward"):
        found.require("forward", "give another")
