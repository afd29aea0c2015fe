"""The runner of a virtual phone answers with real tokens of the artifact that was pushed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

import harness
from harness.artifacts.artifact import Artifact
from harness.devices.adb.programs import adb_programs
from harness.virtual_phone.machine.sandbox import Isolation, NoSandbox
from harness.virtual_phone.machine.virtual_build import BACKEND_LIBRARY, RUNNER, write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import adb, run_client, shell

FOLDER = "/data/local/tmp/snapgate"
FLAGS = (
    "--tokenizer_path tokenizer.json --decoder_model_version smolvlm --eval_mode 1 "
    "--image_path images.txt --output_path outputs.txt --performance_output_path speed.txt "
    "--seq_len 128 --temperature 0 --prompt '<image>What is this?'"
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return write_virtual_build(tmp_path / "build")


@pytest.fixture(scope="module")
def files(random_smolvlm: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a phone gets: the artifact's files by upstream's names, a picture and its list."""
    folder = tmp_path_factory.mktemp("files")
    for component, name in (
        ("vision_encoder", "encoder.pte"),
        ("token_embedding", "tok_embedding.pte"),
        ("text_decoder", "decoder.pte"),
    ):
        shutil.copy(random_smolvlm.path(component), folder / name)
    shutil.copy(random_smolvlm.tokenizer_path, folder)
    Image.new("RGB", (96, 64), "red").save(folder / "red.png")
    (folder / "images.txt").write_text("red.png\n")
    return folder


@pytest.fixture(scope="module")
def spoken_here(files: Path) -> bytes:
    """What this machine answers, without a phone."""
    environment = {**os.environ, "PYTHONPATH": str(Path(harness.__file__).parents[1])}
    command = f"{shlex.quote(sys.executable)} -m harness.runtime {FLAGS}"
    subprocess.run(command, shell=True, cwd=files, env=environment, check=True)
    said = (files / "outputs.txt").read_bytes()
    assert said.partition(b"What is this?")[2], "an echo alone would prove nothing"
    (files / "outputs.txt").unlink()
    (files / "speed.txt").unlink()
    return said


def test_the_build_has_its_files_where_an_executorch_build_has_them(build: Path) -> None:
    assert os.access(build / RUNNER, os.X_OK)
    assert "irtual" in (build / BACKEND_LIBRARY).read_text()


@pytest.mark.parametrize("isolation", ["chroot", "rewrite"])
def test_the_phone_answers_what_this_machine_answers(
    build: Path, files: Path, tmp_path: Path, spoken_here: bytes, isolation: Isolation
) -> None:
    with ExitStack() as running:
        server = running.enter_context(PrivateAdbServer(adb_programs()[0].path))
        try:
            phone = running.enter_context(VirtualPhone(isolation=isolation))
        except NoSandbox as error:
            pytest.skip(f"this machine has no {isolation} for a phone: {error}")
        server.attach(phone)
        shell(server, phone, f"mkdir -p {FOLDER}")
        names = [str(path) for path in (*files.iterdir(), build / RUNNER, build / BACKEND_LIBRARY)]
        assert adb(server, phone, "push", *names, FOLDER).returncode == 0
        run = f"cd {FOLDER} && export LD_LIBRARY_PATH=. && ./qnn_multimodal_runner {FLAGS}"
        answer = run_client(server, "-s", phone.serial, "shell", run)
        assert answer.returncode == 0, answer
        pulled = adb(server, phone, "pull", f"{FOLDER}/outputs.txt", str(tmp_path))
        assert pulled.returncode == 0, pulled
    assert (tmp_path / "outputs.txt").read_bytes() == spoken_here
