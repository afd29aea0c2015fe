"""Journals compacted to Parquet, which is trusted only while it is provably the journals' content.

``<run>/tables/`` holds one Parquet file per kind of row and ``index.json``, which names the SHA-256
of every journal that was read and of every file that was written. A file that is torn, changed or
older than a journal fails that check, and all of them are built again from the journals.
"""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.results.journal_reader import file_rows, is_torn, journal_files
from harness.results.rows.schema import SCHEMA_VERSION
from harness.results.tables import TABLES, TableBuilder, schema_digest_text

TABLES_FOLDER = "tables"
INDEX_NAME = "index.json"


class _Index(BaseModel):
    """What the Parquet files were made of.

    Attributes:
        shape: Digest of the schema version and of all columns.
        journals: SHA-256 by name of journal.
        tables: SHA-256 by name of table.
        torn: Last lines of journals that were not whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: str
    journals: dict[str, str]
    tables: dict[str, str]
    torn: int


@dataclass(frozen=True)
class RunTables:
    """A run by kind of row.

    Attributes:
        tables: Arrow table by name, all of ``TABLES``.
        torn: Last lines of journals that a killed process did not finish.
    """

    tables: dict[str, pa.Table]
    torn: int


def load_tables(run: Path) -> RunTables:
    """All rows of a run, from Parquet where that is proved to be current, else from the journals.

    What was built from journals is kept as Parquet for the next time; where the folder cannot be
    written, for instance on a read-only share, it is not, and the rows are the same.

    Raises:
        UserError: If it is not a run's folder or a row is damaged.
    """
    journals = {file.name: _digest(file) for file in journal_files(run)}
    kept = _read_kept(run / TABLES_FOLDER, journals)
    if kept is not None:
        return kept
    built = _build(run)
    with suppress(OSError):
        _keep(run / TABLES_FOLDER, built, journals)
    return built


def _build(run: Path) -> RunTables:
    builder = TableBuilder(run.resolve().name)
    files = journal_files(run)
    for file in files:
        builder.add(file_rows(file), file.stem.removeprefix("rows-"))
    return RunTables(builder.finish(), sum(map(is_torn, files)))


def _read_kept(folder: Path, journals: dict[str, str]) -> RunTables | None:
    try:
        index = _Index.model_validate_json((folder / INDEX_NAME).read_bytes())
        contents = {table: _file(folder, table).read_bytes() for table in TABLES}
    except (OSError, ValidationError):
        return None
    found = {table: hashlib.sha256(content).hexdigest() for table, content in contents.items()}
    if (index.shape, index.journals, index.tables) != (_shape(), journals, found):
        return None
    tables = {table: pq.read_table(io.BytesIO(content)) for table, content in contents.items()}
    return RunTables(tables, index.torn)


def _keep(folder: Path, built: RunTables, journals: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    digests = {}
    for table, content in built.tables.items():
        buffer = io.BytesIO()
        pq.write_table(content, buffer, compression="zstd")
        digests[table] = hashlib.sha256(buffer.getvalue()).hexdigest()
        _replace(_file(folder, table), buffer.getvalue())
    index = _Index(shape=_shape(), journals=journals, tables=digests, torn=built.torn)
    _replace(folder / INDEX_NAME, index.model_dump_json(indent=2).encode())


def _file(folder: Path, table: str) -> Path:
    return folder / f"{table}.parquet"


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    os.replace(part, path)


def _shape() -> str:
    return hashlib.sha256(f"{SCHEMA_VERSION} {schema_digest_text()}".encode()).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
