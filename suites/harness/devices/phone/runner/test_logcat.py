"""Android's log reads as the log that a runner prints elsewhere."""

from __future__ import annotations

from harness.backends.qnn.errors import explain
from harness.devices.phone.runner.remote_runner import as_runner_log
from harness.runner_log.log import parse_runner_log

LOGCAT = """\
--------- beginning of main
11-24 23:59:59.900000  4711  4711 I ExecuTorch: Encoding tensor with numel: 786432
11-24 23:59:59.950250  4711  4712 I fastrpc : mapped 1 MiB
11-25 00:00:00.000500  4711  4711 I ExecuTorch: Encoder execution completed, got hidden states
11-25 00:00:00.010000  4711  4711 I ExecuTorch: Prompt Processor: total 81 prompt tokens (AR-16 * 6 iters)
11-25 00:00:00.050000  4711  4711 I ExecuTorch: RSS after prompt prefill: 0.000000 MiB (0 if unsupported)
11-25 00:00:01.000000  4711  4711 I ExecuTorch: \tPrompt Tokens: 81    Generated Tokens: 40
11-25 00:00:01.000010  4711  4711 I ExecuTorch: \tModel Load Time:\t\t0.370000 (seconds)
11-25 00:00:01.000020  4711  4711 I ExecuTorch: \tTotal inference time:\t\t1.000000 (seconds)\t\t Rate: \t40.000000 (tokens/second)
11-25 00:00:01.000030  4711  4711 I ExecuTorch: \t\tPrompt evaluation:\t0.200000 (seconds)\t\t Rate: \t405.000000 (tokens/second)
11-25 00:00:01.000040  4711  4711 I ExecuTorch: \t\tGenerated 40 tokens:\t0.800000 (seconds)\t\t Rate: \t50.000000 (tokens/second)
11-25 00:00:01.000050  4711  4711 I ExecuTorch: \tTime to first generated token:\t0.200000 (seconds)
11-25 00:00:01.000060  4711  4711 I ExecuTorch: \tSampling time over 121 tokens:\t0.010000 (seconds)
"""  # noqa: E501 - a log has long lines


def test_statistics_and_stages_are_read_from_it() -> None:
    """Over midnight, too."""
    (turn,) = parse_runner_log(as_runner_log(LOGCAT))
    assert turn.stats.generated_tokens == 40
    assert turn.stats.decode_ms == 800.0
    assert turn.stats.encode_ms == 100.5
    assert turn.stats.prefill_ms == 40.0


def test_stamps_of_milliseconds_are_read_as_well() -> None:
    log = as_runner_log("11-24 10:00:00.123  1  1 I ExecuTorch: Load Encoder: a.pte")
    assert log == "I 00:00:00.000000 executorch:logcat:0] Load Encoder: a.pte"


def test_failures_of_qnn_are_explained_from_it() -> None:
    line = (
        "11-24 10:00:00.123  1  1 E [Qnn ExecuTorch]: QnnDsp <E> Failed to load skel, error: 4000"
    )
    assert "Skel.so" in (explain(as_runner_log(line).splitlines()) or "")


def test_what_other_programs_log_is_left_out() -> None:
    assert as_runner_log("11-24 10:00:00.123  1  1 I ActivityManager: started") == ""
    assert as_runner_log("") == ""
