"""What an export leaves out on the way to the HTP's compiler changes no file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.backends.qnn.provider import QnnInfo
from suites.harness.backends.conftest import ROOT, RunPython

FORMS = Path(__file__).with_name("htp_forms.py")

LONGEST_STAMP = 8
"""Bytes of a compiled context that tell when it was made."""


def compiled(folder: Path, passes: str) -> dict[str, bytes]:
    """Files of all forms, from a process of its own: the compiler numbers what a process makes."""
    folder.mkdir()
    command = [sys.executable, str(FORMS), str(folder), passes]
    made = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert made.returncode == 0, made.stderr[-2000:]
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_the_same(qnn: QnnInfo, tmp_path: Path) -> None:
    plain = compiled(tmp_path / "plain", "plain")
    lean = compiled(tmp_path / "lean", "lean")
    forms = {"phone", "emulator", "half", "blocks", "convolutions", "patches", "table"}
    assert lean.keys() == plain.keys() == forms
    for form, one in plain.items():
        other = lean[form]
        assert len(one) == len(other), form
        differing = [index for index in range(len(one)) if one[index] != other[index]]
        assert not differing or differing[-1] - differing[0] < LONGEST_STAMP, form


REFUSING = """
import torch
from executorch.backends.qualcomm.partition import qnn_partitioner
from harness.backends.qnn.delegation import CompilerOptions, HtpMethod, delegate
from harness.backends.qnn.provider import activate
from harness.targets.soc import get_soc

activate()
asked = qnn_partitioner.QnnOperatorSupport.is_node_supported
qnn_partitioner.QnnOperatorSupport.is_node_supported = lambda self, modules, node: (
    "linear" not in str(node.target) and asked(self, modules, node)
)
method = HtpMethod(torch.nn.Linear(64, 64).eval(), (torch.ones(1, 64),))
delegate({"forward": method}, {}, CompilerOptions(get_soc("SM8650"), fp16=True, for_phone=False))
"""


def test_an_operator_that_the_compiler_does_not_take_is_refused(
    qnn: QnnInfo, run_python: RunPython
) -> None:
    refused = run_python(REFUSING)
    assert refused.returncode == 1
    assert "linear" in refused.stderr
    assert "was not decomposed or delegated" in refused.stderr
