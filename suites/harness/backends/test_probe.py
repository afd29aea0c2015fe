"""Asking for QNN ends in an answer or in a sentence."""

from __future__ import annotations

import pytest

from harness.backends.qnn import probe
from harness.backends.qnn.provider import QnnInfo
from harness.errors import UserError


def test_a_machine_too_busy_to_answer_is_one_sentence(
    qnn: QnnInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_TIMEOUT_S", 0.001)
    with pytest.raises(UserError, match=r"QNN did not start within 0\.001 s"):
        probe.probe_qnn.__wrapped__()
