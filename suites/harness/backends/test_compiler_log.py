"""What the HTP compiler prints is read whole or not at all."""

from __future__ import annotations

import os

import pytest

from harness.backends.qnn.compiler_log import DdrTraffic, captured_output, read_ddr_traffic

LOG = """\
Completed stage: Parallelization Optimization (13302 us)
Starting stage: Finalizing Graph Sequence

====== DDR bandwidth summary ======
spill_bytes=0
fill_bytes=128
write_total_bytes=45312
read_total_bytes=653312

Completed stage: Finalizing Graph Sequence (1007 us)
Starting stage: Finalizing Graph Sequence

====== DDR bandwidth summary ======
spill_bytes=0
fill_bytes=0
write_total_bytes=45312
read_total_bytes=663552

Completed stage: Finalizing Graph Sequence (1489 us)
"""


def test_every_graph_has_its_summary_in_order() -> None:
    assert read_ddr_traffic(LOG) == [
        DdrTraffic(0, 128, 45_312, 653_312),
        DdrTraffic(0, 0, 45_312, 663_552),
    ]


def test_a_compiler_that_says_nothing_reports_nothing() -> None:
    assert read_ddr_traffic("Starting stage: Completion\n") == []


@pytest.mark.parametrize("figure", ["spill_bytes", "read_total_bytes"])
def test_a_summary_without_a_figure_is_no_summary(figure: str) -> None:
    with pytest.raises(ValueError, match=figure):
        read_ddr_traffic(LOG.replace(f"{figure}=", "unknown="))


def test_output_of_c_code_is_collected_and_standard_output_given_back() -> None:
    with captured_output() as text:
        os.write(1, b"from C\n")
    assert text == ["from C\n"]
    with captured_output() as after:
        pass
    assert after == [""]
