"""``thresholds/quarantine.toml`` is read strictly, and is no file of gates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.results.thresholds import load_gates, load_quarantine

SHIPPED = Path(__file__).parents[3] / "thresholds"
ROW = """
[[quarantine]]
metric = "decode_tps"
model = "tiny_smolvlm"
target = "host"
owner = "ada@example.org"
reason = "inconclusive two nights running"
since = 2026-11-24
expires = 2026-12-08
"""


def test_a_row_names_owner_reason_and_end(tmp_path: Path) -> None:
    (tmp_path / "quarantine.toml").write_text(ROW)
    [row] = load_quarantine(tmp_path)
    assert (row.owner, row.reason, row.expires) == (
        "ada@example.org",
        "inconclusive two nights running",
        date(2026, 12, 8),
    )


def test_without_the_file_nothing_is_put_aside(tmp_path: Path) -> None:
    assert load_quarantine(tmp_path) == ()


def test_the_file_is_not_taken_for_a_models_gates(tmp_path: Path) -> None:
    (tmp_path / "socs.toml").write_text((SHIPPED / "socs.toml").read_text())
    (tmp_path / "quarantine.toml").write_text(ROW)
    assert load_gates(tmp_path) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('owner = "ada@example.org"', ""), "row 1, field owner: Field required"),
        (("expires = 2026-12-08", ""), "row 1, field expires: Field required"),
        (('target = "host"', 'tagret = "host"'), "there is no such field; did you mean target"),
        (("2026-12-08", "2026-11-01"), "expires 2026-11-01 is before since 2026-11-24"),
        (("decode_tps", "decode_tsp"), "there is no metric 'decode_tsp'; did you mean decode_tps"),
        (("[[quarantine]]", "[[gate]]"), r"may hold \[\[quarantine\]\] rows only"),
        (("metric =", "metric "), "quarantine.toml is not TOML"),
    ],
)
def test_a_wrong_row_is_named_by_file_row_and_field(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "quarantine.toml").write_text(ROW.replace(*change))
    with pytest.raises(UserError, match=message):
        load_quarantine(tmp_path)


def test_the_shipped_file_is_valid_and_its_example_too(tmp_path: Path) -> None:
    text = (SHIPPED / "quarantine.toml").read_text()
    load_quarantine(SHIPPED)
    example = text[text.index("# [[quarantine]]") :].replace("# ", "")
    (tmp_path / "quarantine.toml").write_text(example)
    assert len(load_quarantine(tmp_path)) == 1
