"""Each row counts once, however people and sync tools copied the files that hold it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.measure.verdict import Status
from harness.results.history import History, load_history
from harness.results.journal import Journal
from harness.results.journal_copies import read_rows
from harness.results.rows.schema import OutcomeRow, SessionEndRow
from harness.results.run import Run
from harness.results.runs import find_run
from suites.harness.results.made_up import (
    FIRST_NIGHT,
    TEST,
    a_device,
    a_session,
    a_verdict,
    night_id,
    samples,
    write_run,
)

VALUES = [101.0, 99.0, 98.0]
OUTCOME = OutcomeRow(test_id=TEST, outcome="passed", duration_s=1, rerun_command="pytest")

JOURNAL = "rows-main.jsonl"
NAMES_OF_COPIES = [
    "rows-main (1).jsonl",
    "rows-main 2.jsonl",
    "rows-main - Copy.jsonl",
    "rows-main (copy).jsonl",
    "rows-main-DESKTOP-ABC.jsonl",
    "rows-main.sync-conflict-20261123-021503-ABCDEFG.jsonl",
    "rows-main (Ada's conflicted copy 2026-11-23).jsonl",
    "rows-main~20261123-021503.jsonl",
    "rows-gw0.jsonl",
    "Copy of rows-main.jsonl",
    "rows-main.jsonl.bak",
    ".rows-main.jsonl.Xy12Za",
    "._rows-main.jsonl",
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three samples, a verdict and an outcome in a store of its own."""
    rows = [a_device(), *samples(VALUES), a_verdict(Status.PASS), OUTCOME]
    return write_run(tmp_path / "store", 0, rows)


def counts(history: History) -> tuple[list[float], int, int, int, list[int]]:
    """Values of samples, numbers of verdicts, outcomes and ends, sessions by run."""
    tables = (history.verdicts, history.outcomes, history.session_ends)
    verdicts, outcomes, ends = map(len, tables)
    return history.samples["value"].tolist(), verdicts, outcomes, ends, list(history.runs.sessions)


ONCE = (VALUES, 1, 1, 1, [1])


@pytest.mark.parametrize("name", NAMES_OF_COPIES)
def test_a_copy_of_a_journal_beside_it_counts_once(run: Path, name: str) -> None:
    shutil.copy(run / JOURNAL, run / name)
    history = load_history(run.parent)
    assert counts(history) == ONCE
    assert len(history.ignored) == (name.startswith("rows-") and name.endswith(".jsonl"))
    assert len(Run.read(run).samples) == 3


def test_apple_double_files_and_empty_ones_are_no_journals(run: Path) -> None:
    (run / "._rows-main.jsonl").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (run / "rows-main (1).jsonl").touch()
    assert counts(load_history(run.parent)) == ONCE


def nested(run: Path) -> None:
    shutil.copytree(run, run.parent / "elsewhere" / run.name)
    shutil.copytree(run, run / run.name)


@pytest.mark.parametrize(
    "copy",
    [
        lambda run: shutil.copytree(run, run.with_name(f"{run.name} (1)")),
        lambda run: shutil.copytree(run, run.with_name(f"Copy of {run.name}")),
        lambda run: shutil.copytree(run, run.with_name(night_id(7))),
        lambda run: run.with_name("latest").symlink_to(run.name),
        lambda run: run.with_name("0").symlink_to(run),
        lambda run: run.rename(run.with_name("before-fix")),
        lambda run: shutil.copytree(run, run.parent / ".stversions"),
        nested,
    ],
)
def test_a_copy_of_a_run_counts_once_under_its_own_name(
    run: Path, copy: Callable[[Path], object]
) -> None:
    copy(run)
    history = load_history(run.parent, since=FIRST_NIGHT)
    assert counts(history) == ONCE
    assert set(history.samples["run_id"]) == {run.name}
    for folder in run.parent.glob("[!.]*"):
        if (folder / JOURNAL).exists():
            told = Run.read(folder)
            assert (told.run_id, len(told.samples), told.exit_status) == (run.name, 3, 0)
    for name in (run.name, run.name[:12], "latest"):
        assert Run.read(find_run(run.parent, name)).run_id == run.name


def test_a_link_is_no_copy_to_tell_of(run: Path) -> None:
    run.with_name("latest").symlink_to(run.name)
    assert load_history(run.parent).ignored == ()


def test_a_run_that_a_store_links_to_is_one_of_its_nights(run: Path, tmp_path: Path) -> None:
    store = tmp_path / "linking"
    write_run(store, 1, samples([7.0]))
    (store / run.name).symlink_to(run)
    assert load_history(store).samples["value"].tolist() == [*VALUES, 7.0]
    assert Run.read(store / run.name).directory.parent == store


def test_what_two_machines_measured_for_one_run_is_no_copy(run: Path) -> None:
    """Both have a ``main``; a sync tool renamed one file, or the folder."""
    for place, value, started in (("rows-main (1).jsonl", 55.0, 1), ("other", 66.0, 2)):
        file = run / place if place.endswith("l") else run.parent / "RUN (1)" / JOURNAL
        at = FIRST_NIGHT.replace(hour=12 + started)
        with Journal(run.parent.parent / place, "main") as journal:
            journal.append(a_session(run.name, started_at=at, git_commit=place))
            journal.append(*samples([value]))
            journal.append(SessionEndRow(exit_status=10))
        file.parent.mkdir(exist_ok=True)
        shutil.copy(journal.path, file)
    history = load_history(run.parent)
    assert sorted(history.samples["value"]) == sorted([*VALUES, 55.0, 66.0])
    commits = history.provenance(history.samples).set_index("value")["git_commit"]
    assert (commits[101.0], commits[55.0]) == ("abc", "rows-main (1).jsonl")
    assert history.runs[["sessions", "exit_status"]].values.tolist() == [[3, 10]]
    assert history.ignored == ()
    assert len(Run.read(run).samples) == 5


def test_workers_and_what_was_merged_of_them_count_once(run: Path) -> None:
    with Journal(run, "gw0") as journal:
        journal.append(a_session(run.name, "gw0"))
        for row in samples([11.0, 12.0]):
            journal.append(row)
    text = "".join(path.read_text() for path in sorted(run.glob("*.jsonl")))
    (run / "rows-all.jsonl").write_text(text)
    (run / "rows-sorted.jsonl").write_text("".join(sorted(text.splitlines(keepends=True))))
    history = load_history(run.parent)
    assert sorted(history.samples["value"]) == [11.0, 12.0, *sorted(VALUES)]
    assert set(history.samples["worker"]) == {"main", "gw0"}
    assert len(history.session_ends) == 1
    [sentence] = history.ignored
    assert sentence.startswith("2 files repeat rows of others, which count once: ")
    (run / JOURNAL).unlink()
    journal.path.unlink()
    assert counts(load_history(run.parent))[1:] == ONCE[1:]


def test_of_copies_the_one_that_goes_further_is_taken(run: Path) -> None:
    whole = (run / JOURNAL).read_bytes()
    (run / "rows-main (1).jsonl").write_bytes(whole)
    (run / JOURNAL).write_bytes(whole[: len(whole) // 2])
    history = load_history(run.parent)
    assert counts(history) == ONCE
    assert history.runs["torn"].tolist() == [0]
    [sentence] = history.ignored
    assert sentence == (
        f"1 file repeats rows of others, which count once: {run.name}/rows-main.jsonl."
    )


def test_a_copy_that_says_something_else_is_told(run: Path) -> None:
    text = (run / JOURNAL).read_text()
    (run / "rows-main (1).jsonl").write_text(text.replace("99.0", "66.0"))
    history = load_history(run.parent)
    assert counts(history) == ONCE
    [sentence] = history.ignored
    assert sentence == (
        f"{run}/rows-main (1).jsonl and {run}/rows-main.jsonl are copies of one journal that "
        "disagree; the latter was taken, because it is named as its process, and 1 row of the "
        "former left out."
    )


def test_of_copied_folders_that_differ_the_one_named_as_the_run_is_taken(run: Path) -> None:
    copy = shutil.copytree(run, run.with_name("0 copy"))
    (copy / JOURNAL).write_text((run / JOURNAL).read_text().replace("99.0", "66.0"))
    history = load_history(run.parent)
    assert counts(history) == ONCE
    assert "the latter was taken, because its folder is named as the run" in history.ignored[0]


def test_of_copies_that_went_on_apart_the_fuller_is_taken(run: Path) -> None:
    with (run / JOURNAL).open("a") as journal:
        journal.writelines(f"{row.model_dump_json()}\n" for row in samples([1.0, 2.0]))
    copy = shutil.copytree(run, run.with_name("RUN (1)"))
    lines = (copy / JOURNAL).read_text().splitlines(keepends=True)
    (copy / JOURNAL).write_text("".join(lines[:-2]) + f"{samples([3.0])[0].model_dump_json()}\n")
    history = load_history(run.parent)
    assert history.samples["value"].tolist() == [*VALUES, 1.0, 2.0]
    [sentence] = history.ignored
    assert "the latter was taken, because it has more rows, 10 instead of 9" in sentence
    assert Run.read(copy).disagreements == history.ignored


def test_a_damaged_copy_does_not_cost_the_run(run: Path) -> None:
    text = (run / JOURNAL).read_text()
    (run / "rows-main (1).jsonl").write_text(text.replace('"decode_tps"', "decode_tps"))
    history = load_history(run.parent)
    assert counts(history) == ONCE
    assert history.ignored == (
        f"{run}/rows-main (1).jsonl is a damaged copy; {run}/rows-main.jsonl was taken.",
    )
    (run / JOURNAL).unlink()
    with pytest.raises(UserError, match="is damaged"):
        read_rows(run)


def test_rows_of_another_run_in_a_file_put_together_are_left_out_and_told(run: Path) -> None:
    other = write_run(run.parent, 1, samples([7.0]))
    both = "".join((folder / JOURNAL).read_text() for folder in (run, other))
    (run / "rows-both.jsonl").write_text(both)
    history = load_history(run.parent)
    assert history.samples["value"].tolist() == [*VALUES, 7.0]
    assert any(f"also holds 3 rows of run {other.name}" in told for told in history.ignored)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_no_copying_counts_a_row_twice_or_loses_one(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n_copies: int
) -> None:
    """Duplicated, reordered, cut and repeated in itself, one whole journal among them."""
    chance = random.Random(seed)
    rows = [*samples(VALUES), a_verdict(), OUTCOME]
    run = write_run(tmp_path_factory.mktemp("store"), 0, rows)
    whole = (run / JOURNAL).read_text()
    (run / JOURNAL).unlink()
    lines = whole.splitlines(keepends=True)
    texts = [whole]
    for _ in range(n_copies):
        copied = lines * chance.choice((1, 2))
        if chance.random() < 0.5:
            chance.shuffle(copied)
        text = "".join(copied)
        texts.append(text[: chance.randrange(len(text))] if chance.random() < 0.5 else text)
    chance.shuffle(texts)
    for number, text in enumerate(texts):
        is_named = '"run_id":' in text.rpartition("\n")[0]
        folder = run.with_name(f"RUN ({number})") if is_named and chance.random() < 0.5 else run
        folder.mkdir(exist_ok=True)
        (folder / f"rows-main ({number}).jsonl").write_text(text)
    history = load_history(run.parent)
    assert sorted(history.samples["value"]) == sorted(VALUES)
    assert counts(history)[1:] == ONCE[1:]
    assert history.runs["run_id"].tolist() == [run.name]


@pytest.mark.parametrize("name", ["rows-main (1).jsonl", "rows-main-DESKTOP-7.jsonl"])
@pytest.mark.parametrize(
    "unreadable",
    [
        b"/annex/objects/SHA256E-s5--ab.jsonl\n",
        b"version https://git-lfs.github.com/spec/v1\n",
        "{}\n".encode("utf-16"),
        b"{}\n",
    ],
)
def test_a_copy_that_cannot_be_read_from_its_first_row_does_not_cost_the_run(
    run: Path, name: str, unreadable: bytes
) -> None:
    (run / name).write_bytes(unreadable)
    history = load_history(run.parent)
    assert counts(history) == ONCE
    assert history.ignored == (f"{run / name} is a damaged copy; {run / JOURNAL} was taken.",)


def test_a_second_session_that_cannot_be_read_is_no_copy_of_the_first(run: Path) -> None:
    (run / "rows-main-2.jsonl").write_bytes(b"{}\n")
    with pytest.raises(UserError, match="is damaged"):
        read_rows(run)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"/annex/objects/SHA256E-s5--ab.jsonl\n", "git annex get"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (None, "git annex get"),
    ],
)
def test_a_run_of_which_only_pointers_are_here_says_what_fetches_it(
    run: Path, content: bytes | None, said: str
) -> None:
    (run / JOURNAL).unlink()
    if content is None:
        (run / JOURNAL).symlink_to("../.git/annex/objects/ab.jsonl")
    else:
        (run / JOURNAL).write_bytes(content)
    [sentence] = load_history(run.parent).unreadable
    assert said in sentence


def test_journals_that_git_annex_made_links_of_are_read_in_their_own_folder(run: Path) -> None:
    kept = run.parent.parent / "SHA256E-s5--ab.jsonl"
    (run / JOURNAL).rename(kept)
    (run / JOURNAL).symlink_to(kept)
    shutil.copytree(run, run.with_name("0 copy"), symlinks=True)
    assert counts(load_history(run.parent)) == ONCE
    assert find_run(run.parent, "latest") == run


def test_marks_and_blank_lines_of_editors_are_no_damage(run: Path) -> None:
    text = (run / JOURNAL).read_text()
    edited = text.replace("\n", "\r\n").encode("utf-8-sig") + b"\r\n\n"
    (run / JOURNAL).write_bytes(edited)
    (run / "rows-main (1).jsonl").write_text(text)
    history = load_history(run.parent)
    assert counts(history) == ONCE
    assert history.unreadable == ()
    assert "1 file repeats rows of others" in history.ignored[0]


@pytest.mark.parametrize("begun", [b"", b"\0" * 4096, b'{"kind":"session","ru'])
@pytest.mark.parametrize("name", ["{} (1)", "Copy of {}", "RUN (1)"])
def test_a_copy_that_ends_within_its_first_row_is_not_the_latest_run(
    run: Path, begun: bytes, name: str
) -> None:
    copy = run.with_name(name.format(run.name))
    copy.mkdir()
    (copy / JOURNAL).write_bytes(begun)
    history = load_history(run.parent)
    assert counts(history)[0] == VALUES
    assert find_run(run.parent, "latest") == run
    assert (history.runs["run_id"] != run.name).sum() == (name == "RUN (1)")
