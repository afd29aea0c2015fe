"""What the HTP compiler prints of a graph is read whole or not at all."""

from __future__ import annotations

import pytest

from harness.backends.qnn.lowering import DdrTraffic, read_ddr_traffic

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
    assert read_ddr_traffic(LOG.splitlines()) == [
        DdrTraffic(0, 128, 45_312, 653_312),
        DdrTraffic(0, 0, 45_312, 663_552),
    ]


def test_a_compiler_that_says_nothing_reports_nothing() -> None:
    assert read_ddr_traffic(["Starting stage: Completion"]) == []


@pytest.mark.parametrize("figure", ["spill_bytes", "read_total_bytes"])
def test_a_summary_without_a_figure_is_no_summary(figure: str) -> None:
    lines = LOG.replace(f"{figure}=", "other=", 1).splitlines()
    assert read_ddr_traffic(lines) == [None, DdrTraffic(0, 0, 45_312, 663_552)]
