"""Parquet is trusted only while it is provably what the journals hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.results.compaction import INDEX_NAME, TABLES_FOLDER, load_tables
from harness.results.journal import Journal
from suites.harness.results.made_up import samples, write_run


def values(run: Path) -> list[float]:
    """What the samples of a run say."""
    found: list[float] = load_tables(run).tables["samples"]["value"].to_pylist()
    return found


@pytest.fixture
def compacted(tmp_path: Path) -> Path:
    """A run of three samples, compacted."""
    run = write_run(tmp_path, 0, samples([101.0, 99.0, 100.0]))
    load_tables(run)
    return run


def test_a_run_is_compacted_when_it_is_first_read(compacted: Path) -> None:
    kept = pq.read_table(compacted / TABLES_FOLDER / "samples.parquet")
    assert kept["value"].to_pylist() == [101.0, 99.0, 100.0]
    assert kept.schema.field("at").type == pa.timestamp("us", tz="UTC")


def test_what_is_proved_current_is_not_built_again(compacted: Path) -> None:
    file = compacted / TABLES_FOLDER / "samples.parquet"
    before = file.stat().st_ino
    assert values(compacted) == [101.0, 99.0, 100.0]
    assert file.stat().st_ino == before


def test_parquet_and_journal_say_the_same(compacted: Path) -> None:
    kept = load_tables(compacted)
    (compacted / TABLES_FOLDER / INDEX_NAME).unlink()
    assert load_tables(compacted) == kept


@pytest.mark.parametrize("name", ["samples.parquet", "verdicts.parquet", INDEX_NAME])
@pytest.mark.parametrize("damage", ["torn", "emptied", "flipped", "removed", "foreign"])
def test_damage_is_found_and_repaired_from_the_journal(
    compacted: Path, name: str, damage: str
) -> None:
    file = compacted / TABLES_FOLDER / name
    whole = file.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "torn": whole[:middle],
        "emptied": b"",
        "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "foreign": b"PAR1 of somebody else PAR1",
    }
    file.unlink()
    if damage != "removed":
        file.write_bytes(damaged[damage])
    assert values(compacted) == [101.0, 99.0, 100.0]
    assert file.read_bytes() == whole


def test_a_changed_number_in_a_whole_parquet_file_is_not_believed(compacted: Path) -> None:
    file = compacted / TABLES_FOLDER / "samples.parquet"
    table = pq.read_table(file)
    forged = table.set_column(
        table.schema.get_field_index("value"), "value", pa.array([500.0, 500.0, 500.0])
    )
    pq.write_table(forged, file)
    assert values(compacted) == [101.0, 99.0, 100.0]


def test_rows_written_later_are_seen(compacted: Path) -> None:
    with Journal(compacted, "main-2") as journal:
        for row in samples([98.0]):
            journal.append(row)
    assert sorted(values(compacted)) == [98.0, 99.0, 100.0, 101.0]


def test_a_torn_last_line_is_left_out_and_counted(tmp_path: Path) -> None:
    run = write_run(tmp_path, 0, samples([101.0, 99.0]), exit_status=None)
    journal = run / "rows-main.jsonl"
    journal.write_bytes(journal.read_bytes()[:-7])
    first = load_tables(run)
    again = load_tables(run)
    assert first.tables["samples"]["value"].to_pylist() == [101.0]
    assert (first.torn, again.torn) == (1, 1)


def test_a_folder_that_takes_no_files_is_read_all_the_same(tmp_path: Path) -> None:
    run = write_run(tmp_path, 0, samples([101.0]))
    (run / TABLES_FOLDER).write_text("a file where the folder would be")
    assert values(run) == [101.0]
