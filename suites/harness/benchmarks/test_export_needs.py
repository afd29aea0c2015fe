"""The table of what exports took, as readers see it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.export_needs import markdown, merged, write
from harness.export.needs import MeasuredNeed, known

ROOT = Path(__file__).parents[3]


def test_the_page_of_models_has_the_table_as_it_is() -> None:
    """Written anew by ``python -m benchmarks.export_needs --markdown``."""
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert "\n".join(markdown(known())) in page


def test_a_row_is_replaced_by_what_the_same_export_took_later(tmp_path: Path) -> None:
    first, *others = known()
    later = first.model_copy(update={"peak_rss_mib": 1.0})
    rows = merged([first, *others], [later])
    assert len(rows) == len(others) + 1
    assert later in rows
    path = tmp_path / "needs.csv"
    write(rows, path)
    heading, *lines = path.read_text(encoding="utf-8").splitlines()
    assert heading.split(",") == list(MeasuredNeed.model_fields)
    assert len(lines) == len(rows)
