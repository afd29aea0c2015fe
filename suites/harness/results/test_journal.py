"""A journal survives whatever kills its writer."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from harness.errors import UserError
from harness.results.journal import THUMBNAIL_FOLDER, Journal
from harness.results.journal_copies import read_rows
from harness.results.provenance import describe_host
from harness.results.rows.schema import SCHEMA_VERSION, SampleRow, SessionRow
from harness.results.runs import latest_run, new_run_id

# Writes samples of about `size` bytes for ever, and says so after each.
WRITER = """
import sys
from pathlib import Path
from harness.results.journal import Journal
from harness.results.rows.schema import SampleRow

directory, worker, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
journal = Journal(directory, worker)
for index in range(count):
    journal.append(
        SampleRow(
            test_id="x" * size, metric="decode_tps", value=index, unit="token/s", run_index=index
        )
    )
    print(index, flush=True)
"""


def start_writer(directory: Path, worker: str, count: int, size: int) -> subprocess.Popen[str]:
    arguments = [str(directory), worker, str(count), str(size)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
    )


def a_sample(index: int) -> SampleRow:
    return SampleRow(
        test_id="suites/perf/test_rates.py::test_decode_rate",
        metric="decode_tps",
        value=40.5,
        unit="token/s",
        run_index=index,
    )


def samples(directory: Path) -> list[SampleRow]:
    return [row for row in read_rows(directory).rows if isinstance(row, SampleRow)]


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    written = [a_sample(index) for index in range(5)]
    with Journal(tmp_path / "run", "main") as journal:
        for row in written:
            journal.append(row)
    result = read_rows(tmp_path / "run")
    assert list(result.rows) == written
    assert result.torn == 0


def test_a_row_is_on_disk_before_the_journal_is_closed(tmp_path: Path) -> None:
    with Journal(tmp_path, "main") as journal:
        journal.append(a_sample(0))
        assert [row.run_index for row in samples(tmp_path)] == [0]


def test_text_with_exotic_line_ends_stays_one_row(tmp_path: Path) -> None:
    row = a_sample(0).model_copy(update={"invalid_reason": "a\u2028b\x85c\r\nd"})
    with Journal(tmp_path, "main") as journal:
        journal.append(row)
    assert read_rows(tmp_path).rows == (row,)


def test_two_processes_write_one_run_at_once(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, worker, 300, 5000) for worker in ("gw0", "gw1")]
    for writer in writers:
        writer.communicate()
    assert sorted(row.run_index for row in samples(tmp_path)) == sorted(list(range(300)) * 2)


def test_a_killed_writer_loses_at_most_the_row_in_hand(tmp_path: Path) -> None:
    writer = start_writer(tmp_path, "gw0", 10**9, 200_000)
    assert writer.stdout is not None
    announced = -1
    for line in writer.stdout:
        announced = int(line)
        if announced == 20:
            break
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate()
    announced = max([announced, *(int(line) for line in rest.split())])

    kept = [row.run_index for row in samples(tmp_path)]
    assert kept == list(range(len(kept)))
    assert announced + 1 <= len(kept) <= announced + 2


@pytest.mark.parametrize("missing", [1, 2, 40])
def test_a_torn_last_row_is_skipped_and_counted(tmp_path: Path, missing: int) -> None:
    with Journal(tmp_path, "gw0") as journal:
        journal.append(a_sample(0))
        journal.append(a_sample(1))
    journal.path.write_bytes(journal.path.read_bytes()[:-missing])
    with Journal(tmp_path, "gw1") as other:
        other.append(a_sample(2))
    result = read_rows(tmp_path)
    assert [row.run_index for row in samples(tmp_path)] == [0, 2]
    assert result.torn == 1


def test_a_damaged_row_is_named_by_file_and_line(tmp_path: Path) -> None:
    with Journal(tmp_path, "main") as journal:
        for index in range(3):
            journal.append(a_sample(index))
    lines = journal.path.read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace("decode_tps", 'decode"tps')
    journal.path.write_text("".join(lines))
    with pytest.raises(UserError, match=rf"{re.escape(str(journal.path))} line 2 is damaged"):
        read_rows(tmp_path)


def test_rows_of_a_newer_snapgate_ask_for_an_update(tmp_path: Path) -> None:
    session = SessionRow(
        run_id="r",
        argv=(),
        options={},
        versions={},
        host=describe_host(),
        git_commit=None,
        worker="main",
    )
    text = session.model_dump_json().replace(
        f'"schema_version":{SCHEMA_VERSION}', '"schema_version":999'
    )
    (tmp_path / "rows-main.jsonl").write_text(text + "\n")
    with pytest.raises(UserError, match=r"schema version 999 .*`pip install -U snapgate`"):
        read_rows(tmp_path)


def test_one_process_owns_a_file(tmp_path: Path) -> None:
    with Journal(tmp_path, "main"), pytest.raises(FileExistsError):
        Journal(tmp_path, "main")


def test_a_closed_journal_takes_no_rows(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main")
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.append(a_sample(0))


def test_a_full_disk_is_an_error_and_leaves_earlier_rows_readable(tmp_path: Path) -> None:
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
{WRITER}
"""
    arguments = [str(tmp_path), "main", "100", "1500"]
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert "No space left on device" in result.stderr
    written = [int(line) for line in result.stdout.split()]
    assert [row.run_index for row in samples(tmp_path)] == written
    assert read_rows(tmp_path).torn == 1


def test_a_folder_without_rows_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not a run; .*--run"):
        read_rows(tmp_path)


def test_a_thumbnail_is_kept_once_and_small(tmp_path: Path) -> None:
    image = Image.effect_noise((1280, 640), 60).convert("RGB")
    with Journal(tmp_path, "gw0") as first, Journal(tmp_path, "gw1") as second:
        name = first.store_thumbnail(image)
        assert second.store_thumbnail(image) == name
    files = list((tmp_path / THUMBNAIL_FOLDER).iterdir())
    assert [file.name for file in files] == [name]
    with Image.open(files[0]) as stored:
        assert stored.format == "JPEG"
        assert stored.size == (320, 160)


def test_a_small_picture_keeps_its_size(tmp_path: Path) -> None:
    with Journal(tmp_path, "main") as journal:
        name = journal.store_thumbnail(Image.new("L", (64, 48), 128))
    with Image.open(tmp_path / THUMBNAIL_FOLDER / name) as stored:
        assert stored.size == (64, 48)


@pytest.mark.parametrize("pixels", ["RGBA", "LA"])
def test_transparency_shows_as_white(tmp_path: Path, pixels: str) -> None:
    with Journal(tmp_path, "main") as journal:
        name = journal.store_thumbnail(Image.new(pixels, (16, 16), 0))
    with Image.open(tmp_path / THUMBNAIL_FOLDER / name) as stored:
        assert stored.convert("RGB").getpixel((8, 8)) == (255, 255, 255)


def test_run_ids_sort_by_time_and_differ() -> None:
    ids = [new_run_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", run_id) for run_id in ids)
    assert ids[-1][:16] >= ids[0][:16]


def test_the_latest_run_is_the_one_that_started_last(tmp_path: Path) -> None:
    for run_id in ("20261123T101500Z-aaaaaa", "20261124T090000Z-000000"):
        Journal(tmp_path / run_id, "main").close()
    (tmp_path / "20270101T000000Z-notarun").mkdir()
    assert latest_run(tmp_path).name == "20261124T090000Z-000000"


def test_no_run_yet_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no runs; make one with `pytest"):
        latest_run(tmp_path)
