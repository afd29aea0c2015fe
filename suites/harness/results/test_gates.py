"""A thresholds folder: how it is read, what is refused, how rows are added."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.measure.gate import Context, find_gate
from harness.measure.proposal import Provenance, render_gate
from harness.measure.sample import Sample
from harness.measure.verdict import judge
from harness.results.thresholds import append_rows, load_gates, load_quarantine

SHIPPED = Path(__file__).parents[3] / "thresholds"
RUN = Provenance("run 20261123-a1", date(2026, 11, 23))
ROW = """
[[gate]]
metric = "decode_tps"
target = "host"
min = 100
confidence = "measured"
source = "run 1"
since = 2026-11-23
"""
SOC_ROWS = """
[[soc]]
name = "SM8650"
dram_gb_per_s = 76.8
source = "a data sheet"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A thresholds folder with one gate."""
    (tmp_path / "socs.toml").write_text(SOC_ROWS)
    (tmp_path / "tiny_smolvlm.toml").write_text(ROW)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("SM8650", "SM8651"), "field name: there is no SoC 'SM8651'; did you mean SM8650"),
        (("76.8", "0"), "field dram_gb_per_s: .*greater than 0"),
        (("76.8", "inf"), "field dram_gb_per_s: .*finite number .line 4: dram"),
        (("dram_gb_per_s = 76.8", ""), "field dram_gb_per_s: .*required"),
    ],
)
def test_a_wrong_rate_is_told_when_gates_are_read(
    folder: Path, change: tuple[str, str], message: str
) -> None:
    (folder / "socs.toml").write_text(SOC_ROWS.replace(*change))
    with pytest.raises(UserError, match=rf"socs\.toml \[\[soc\]\] row 1, {message}"):
        load_gates(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("decode_tps", "decode_tsp"), "row 1, field metric: there is no metric.*mean decode_tps"),
        (("min = 100", "mim = 100"), "row 1, field mim: there is no such field; did you mean min"),
        (("min = 100", 'min = "fast"'), "row 1, field min: "),
        (("min = 100", ""), "row 1: a gate needs either a bound"),
        (('target = "host"', 'target = "phone"\nsoc = "SM8651"'), "field soc: .*mean SM8650"),
        (('target = "host"', 'model = "x"\ntarget = "host"'), "field model: remove it"),
        (("[[gate]]", "[[gates]]"), "has gates at the top"),
        (("[[gate]]", "[gate]"), "has gate at the top"),
        (("min = 100", "min = "), "is not TOML: .*line 5"),
    ],
)
def test_a_wrong_row_is_told_by_file_row_and_field(
    folder: Path, change: tuple[str, str], message: str
) -> None:
    (folder / "tiny_smolvlm.toml").write_text(ROW.replace(*change))
    with pytest.raises(UserError, match=f"tiny_smolvlm.toml .*{message}"):
        load_gates(folder)


_NO_NUMBER = "Input should be a (valid|finite) number"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        *((text, _NO_NUMBER) for text in ("nan", "-nan", "inf", "+inf", "-inf", "1e400", "-1e400")),
        *((text, _NO_NUMBER) for text in ("true", '"5"', "[1]", "[[1]]", "{a = 1}", "2026-01-01")),
        ("1" + "0" * 400, _NO_NUMBER),
        ("-5", "decode_tps is never negative, so >= -5 is no gate"),
    ],
)
def test_what_is_no_bound_is_refused_with_its_line(folder: Path, value: str, message: str) -> None:
    (folder / "tiny_smolvlm.toml").write_text(ROW.replace("min = 100", f"min = {value}"))
    with pytest.raises(
        UserError, match=rf"tiny_smolvlm\.toml \[\[gate\]\] row 1.*{message}"
    ) as told:
        load_gates(folder)
    assert "(line 5: min = " in str(told.value) or "(line 2)" in str(told.value)


@pytest.mark.parametrize("metric", ["requantization_gain", "exact_match_drop", "sqnr_db"])
def test_a_difference_may_be_negative(folder: Path, metric: str) -> None:
    row = ROW.replace("decode_tps", metric).replace("min = 100", "min = -0.1")
    (folder / "tiny_smolvlm.toml").write_text(row)
    [gate] = load_gates(folder)
    assert gate.min == -0.1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("since = 2026-11-23", 'since = "2026-11-23"'), "since"),
        (("since = 2026-11-23", "since = 2026-11-23T00:00:00"), "since"),
        (("since = 2026-11-23", "since = 5"), "since"),
        (('source = "run 1"', "source = 1"), "source"),
        (("min = 100", "report_only = 1"), "report_only"),
        (("min = 100", 'report_only = "yes"'), "report_only"),
        (('target = "host"', "target = [true]"), "target"),
        (('target = "host"', "a.b.c = 1"), "a"),
        (('metric = "decode_tps"', "metric = {a = {b = 1}}"), "metric"),
    ],
)
def test_a_field_of_another_kind_is_refused_with_its_line(
    folder: Path, change: tuple[str, str], field: str
) -> None:
    (folder / "tiny_smolvlm.toml").write_text(ROW.replace(*change))
    with pytest.raises(UserError, match=rf"row 1, field {field}: .*\(line \d: {field}"):
        load_gates(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ROW.encode() + ROW.strip().encode()[9:], "overwrite a value.*line"),
        (b"a = 1\xff", r"not UTF-8 \(invalid start byte at line 1\)"),
        (ROW.encode() + b"\nx = '\x00'", "line 10"),
        (ROW.encode("utf-16"), "not UTF-8"),
        (b"x = " + b"[" * 100_000, "nested more than 16 deep .at line 1"),
        (b"\nx = " + b"{a=" * 50_000, "nested more than 16 deep .at line 2"),
        (b"x = " + b"[" * 30 + b"]" * 30, "nested more than 16 deep .at line 1"),
        (b"\n\n" + b"a." * 50 + b"a = 1", "nested more than 16 deep .at line 3"),
        (b"x = " + b"9" * 5000, "a number is too long .at line 1"),
        (b"# " + b"x" * (10 << 20), "it has more than 1,024 KiB"),
        (b'x = "\\ud800"', "line 1"),
    ],
)
@pytest.mark.parametrize("name", ["tiny_smolvlm.toml", "quarantine.toml", "socs.toml"])
def test_a_file_that_no_person_wrote_is_refused_in_a_sentence(
    folder: Path, name: str, content: bytes, message: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}.*{message}"):
        (load_quarantine if name == "quarantine.toml" else load_gates)(folder)


def test_the_row_number_counts_rows(folder: Path) -> None:
    (folder / "tiny_smolvlm.toml").write_text(ROW + ROW.replace("min", "mim"))
    with pytest.raises(UserError, match="row 2"):
        load_gates(folder)


def test_a_missing_soc_table_is_a_user_error(folder: Path) -> None:
    (folder / "socs.toml").unlink()
    with pytest.raises(UserError, match=r"socs\.toml is missing; restore it with"):
        load_gates(folder)


def test_a_folder_that_is_a_file_is_a_user_error(folder: Path) -> None:
    with pytest.raises(UserError, match=r"tiny_smolvlm\.toml is no folder; give --thresholds"):
        load_gates(folder / "tiny_smolvlm.toml")


def test_a_file_that_is_no_text_is_a_user_error(folder: Path) -> None:
    (folder / "tiny_smolvlm.toml").write_bytes(ROW.encode("utf-16"))
    with pytest.raises(UserError, match=r"tiny_smolvlm\.toml is not UTF-8"):
        load_gates(folder)


def test_a_file_that_cannot_be_read_is_a_user_error(folder: Path) -> None:
    (folder / "other.toml").mkdir()
    with pytest.raises(UserError, match=r"other\.toml cannot be read \(Is a directory\)"):
        load_gates(folder)


HOST = 'target = "host"'


@pytest.mark.parametrize("other", [HOST, 'component = "text_decoder"', 'mode = "kv"'])
def test_rows_that_contend_for_one_place_are_told_when_read(folder: Path, other: str) -> None:
    """After the measurement it would be too late."""
    row = ROW.replace("decode_tps", "pte_bytes")
    (folder / "tiny_smolvlm.toml").write_text(row + row.replace(HOST, other))
    with pytest.raises(UserError, match=r"rows 1 and 2 are equally specific .*narrow one with"):
        load_gates(folder)


@pytest.mark.parametrize(
    "others",
    [
        ['target = "phone"'],
        ['soc = "SM8650"'],
        [f'{HOST}\nmode = "kv"'],
        [f'{HOST}\nprotocol = "upstream"'],
        ['mode = "kv"', f'{HOST}\nmode = "kv"'],
    ],
    ids=[
        "elsewhere",
        "no host has a SoC",
        "more specific",
        "another protocol",
        "decided by a third",
    ],
)
def test_rows_that_never_contend_are_fine(folder: Path, others: list[str]) -> None:
    row = ROW.replace("decode_tps", "pte_bytes")
    rows = [row, *(row.replace(HOST, other) for other in others)]
    (folder / "tiny_smolvlm.toml").write_text("".join(rows))
    assert len(load_gates(folder)) == len(rows)


def test_appended_rows_judge_the_next_run(folder: Path) -> None:
    context = Context("tiny_smolvlm", "host", mode="kv")
    samples = [Sample(value) for value in (100.0, 101.0, 102.0, 103.0, 104.0)]
    verdict = judge(samples, None, "ttft_ms", context, provenance=RUN)
    assert verdict.proposal is not None
    append_rows(folder, "tiny_smolvlm", render_gate(verdict.proposal))
    text = (folder / "tiny_smolvlm.toml").read_text()
    assert text.startswith(ROW.strip())
    gate = find_gate(load_gates(folder), "ttft_ms", context)
    assert gate is not None
    assert (gate.max, gate.source, gate.confidence) == (110.0, "run 20261123-a1", "measured")


def test_invalid_rows_leave_the_file_as_it_was(folder: Path) -> None:
    with pytest.raises(UserError, match="row 2"):
        append_rows(folder, "tiny_smolvlm", '[[gate]]\nmetric = "speed"\n')
    assert (folder / "tiny_smolvlm.toml").read_text() == ROW
    assert sorted(path.name for path in folder.iterdir()) == ["socs.toml", "tiny_smolvlm.toml"]


def test_a_link_that_waits_for_appended_rows_is_not_followed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (folder / "tiny_smolvlm.toml.part").symlink_to(other)
    append_rows(folder, "tiny_smolvlm", ROW.replace(HOST, f'{HOST}\nmode = "kv"'))
    assert not other.exists()
    assert len(load_gates(folder)) == 2


def test_a_file_that_may_never_end_is_told(folder: Path) -> None:
    os.mkfifo(folder / "other.toml")
    with pytest.raises(UserError, match=r"other\.toml cannot be read: it is no regular file"):
        load_gates(folder)
