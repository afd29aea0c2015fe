"""A .pte that cannot run here is refused in one sentence, which the runner ends with code 2 on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import pytest
from PIL import Image

from harness.backends.qnn.delegates import read_delegates
from harness.backends.qnn.loadable import check_one_soc
from harness.backends.qnn.provider import QnnInfo
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from suites.harness.backends.conftest import RunPython
from suites.harness.runtime.handmade_program import save_encoder

LOAD = """
import sys
{before}
from pathlib import Path
from harness.errors import UserError
from harness.runtime.program import Program
try:
    Program(Path(sys.argv[1])).method("kv_forward")
except UserError as error:
    print(error)
"""
NO_QNN = """
import os
os.environ.pop("QNN_SDK_ROOT", None)
sys.modules["onnxruntime_qnn"] = None
"""
OLD_GLIBC = """
import os, platform
os.environ.pop("QNN_SDK_ROOT", None)
platform.libc_ver = lambda: ("glibc", "2.31")
"""

Refuse = Callable[..., str]


@pytest.fixture
def refuse(run_python: RunPython) -> Refuse:
    """Load a file as the runner does and return the sentence that it is refused with."""

    def run(file: Path, before: str = "") -> str:
        result = run_python(LOAD.format(before=before), file)
        assert result.stderr == ""
        (sentence,) = result.stdout.splitlines()
        return sentence

    return run


@pytest.fixture
def run_runner(run_python: RunPython, tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """``python -m harness.runtime`` with one file in all three places."""

    def run(file: Path, *flags: str) -> CompletedProcess[str]:
        image = tmp_path / "image.png"
        Image.new("RGB", (64, 64), "red").save(image)
        return run_python(
            "import sys; from harness.runtime.cli import main; sys.exit(main(sys.argv[1:]))",
            *("--encoder_path", file, "--tok_embedding_path", file, "--decoder_path", file),
            *("--tokenizer_path", checkpoint_path("tiny_smolvlm") / "tokenizer.json"),
            *("--decoder_model_version", "smolvlm", "--eval_mode", 1, "--prompt", "What is it?"),
            *("--image", image, "--output_path", tmp_path / "outputs.txt"),
            *("--performance_output_path", tmp_path / "speed.txt", *flags),
        )

    return run


@pytest.fixture
def changed(small_programs: Path, tmp_path: Path) -> Callable[[Callable[[bytes], bytes]], Path]:
    """A copy of ``emulator.pte`` with other bytes."""

    def change(edit: Callable[[bytes], bytes]) -> Path:
        path = tmp_path / "changed.pte"
        path.write_bytes(edit((small_programs / "emulator.pte").read_bytes()))
        return path

    return change


Changed = Callable[[Callable[[bytes], bytes]], Path]


def test_a_phone_file_is_refused_by_the_emulator(small_programs: Path, refuse: Refuse) -> None:
    path = small_programs / "phone.pte"
    assert refuse(path) == (
        f"The graphs of {path} share weights, which a phone can load and the emulator cannot; "
        "export it again with --target emulator."
    )


def test_a_file_of_a_newer_qnn_is_refused_with_both_versions(
    qnn: QnnInfo, changed: Changed, refuse: Refuse
) -> None:
    newer = qnn.build_id.replace("v2.", "v9.", 1)
    path = changed(lambda data: data.replace(qnn.build_id.encode(), newer.encode()))
    ours = ".".join(map(str, qnn.version))
    assert refuse(path) == (
        f"{path} was made by QNN 9{ours[1:]} and this machine has {ours}, which cannot load newer "
        "files; install that QNN or export the file again with this one."
    )


def test_a_truncated_file_is_exit_code_2(
    changed: Changed, run_runner: Callable[..., CompletedProcess[str]]
) -> None:
    path = changed(lambda data: data[:-10_000])
    result = run_runner(path)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith(f"error: {path} is truncated: it has ")


def test_another_soc_than_asked_for_is_exit_code_2(
    small_programs: Path, run_runner: Callable[..., CompletedProcess[str]]
) -> None:
    path = small_programs / "emulator.pte"
    result = run_runner(path, "--soc", "SM8750")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == (
        f"error: {path} was compiled for SM8650 and SM8750 was asked for; give --soc SM8650 or "
        "export it for SM8750."
    )


def test_files_of_two_socs_do_not_run_together(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {Path("encoder.pte"): [57], Path("embedding.pte"): [], Path("decoder.pte"): [69, 69]}
    monkeypatch.setattr(
        "harness.backends.qnn.loadable.read_delegates",
        lambda path: [SimpleNamespace(chip_id=chip_id) for chip_id in found[path]],
    )
    check_one_soc([Path("encoder.pte"), Path("embedding.pte")], "SM8650")
    with pytest.raises(UserError) as caught:
        check_one_soc(list(found), None)
    assert str(caught.value) == (
        "encoder.pte for SM8650 and decoder.pte for SM8750 do not run together; use files of one "
        "export."
    )


def test_a_damaged_context_is_refused(
    small_programs: Path, changed: Changed, refuse: Refuse
) -> None:
    context = read_delegates(small_programs / "emulator.pte")[0].context
    assert context is not None
    head = context.offset
    path = changed(lambda data: data[:head] + bytes(4096) + data[head + 4096 :])
    assert refuse(path).startswith(f"{path} holds a context binary that QNN ")


def test_without_qnn_the_three_places_are_named(small_programs: Path, refuse: Refuse) -> None:
    sentence = refuse(small_programs / "emulator.pte", NO_QNN)
    assert sentence.startswith("There are no QNN libraries: QNN_SDK_ROOT is not set, --qnn-dir is")
    assert sentence.endswith("-m pip install 'snapgate[qnn]'")


def test_named_libraries_are_used_even_if_others_are_installed(
    small_programs: Path,
    run_runner: Callable[..., CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("QNN_SDK_ROOT", raising=False)
    result = run_runner(small_programs / "emulator.pte", "--qnn_dir", str(tmp_path))
    assert result.returncode == 2
    assert f"error: --qnn-dir is {tmp_path}, which has no libQnnHtp.so" in result.stderr


def test_an_old_glibc_is_named_with_both_versions(small_programs: Path, refuse: Refuse) -> None:
    sentence = refuse(small_programs / "emulator.pte", OLD_GLIBC)
    assert "need glibc 2.35 or newer and this system has 2.31; " in sentence


def test_files_without_qnn_need_none(run_python: RunPython, tmp_path: Path) -> None:
    encoder = save_encoder(
        tmp_path / "encoder.pte", image_size_px=8, tokens_per_image=2, hidden_size=4
    )
    script = f"""
import sys
{NO_QNN}
from pathlib import Path
from harness.backends.qnn.loadable import prepare_to_load
print(prepare_to_load(Path(sys.argv[1])))
"""
    assert run_python(script, encoder).stdout == "False\n"
