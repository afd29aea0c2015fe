"""The page shows everything, safely, and needs nothing but itself."""

from __future__ import annotations

import base64
import math
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from harness.results.journal import THUMBNAIL_FOLDER, Journal
from harness.results.rows.schema import NoticeRow, OutcomeRow, SessionEndRow
from reports.answer_cards import MAX_ANSWERS
from reports.page import TEMPLATES
from reports.pictures import embed_pictures
from suites.harness.reports.rendered import page_of
from suites.harness.reports.small_run import (
    BROKEN_TEST,
    LOAD_TEST,
    PROPOSED_GATE,
    RUN_ID,
    SPEED_TEST,
    answer_row,
    session_row,
    verdict_rows,
)


def test_the_headline_says_what_failed(finished_run: Path) -> None:
    text = page_of(finished_run).text
    assert "FAIL 1 of 2 verdicts fails: decode_tps of tiny_smolvlm kv." in text
    assert "1 test failed without a verdict: test_killed_runner[tiny_smolvlm]." in text


def test_the_page_says_what_was_run(finished_run: Path) -> None:
    text = page_of(finished_run).text
    assert RUN_ID in text
    assert "pytest -m 'perf or accuracy' --target host" in text
    assert "0123456789ab-dirty" in text
    assert "torch 2.13.0" in text
    assert "builder-03" in text


def test_what_upstreams_runner_will_do_otherwise_stands_in_the_head_once(tmp_path: Path) -> None:
    sentence = "upstream's runner cuts answers behind '!' (id 0)"
    with Journal(tmp_path / RUN_ID, "main") as journal:
        journal.append(session_row())
        for model, key in (("tiny_internvl3", "a"), ("tiny_internvl3", "b"), ("tiny_smolvlm", "c")):
            row = NoticeRow(model=model, artifact_key=key * 64, sentence=sentence)
            journal.append(row)
    text = page_of(tmp_path / RUN_ID).text
    assert text.count(f"Note tiny_internvl3, tiny_smolvlm: {sentence}") == 1


def test_each_verdict_shows_number_interval_gate_and_evidence(finished_run: Path) -> None:
    failed, open_ = page_of(finished_run).data["verdicts"]
    assert failed["sentence"] == verdict_rows()[1].sentence
    assert open_["sentence"] == "load_ms of tiny_smolvlm has no gate; add to thresholds"
    assert (failed["value"], failed["unit"], failed["interval"]) == (
        "96.5",
        "token/s",
        ["95 to 97.5", "5 runs", "CV 1.0 %"],
    )
    assert (failed["gate"], failed["margin_words"]) == (["≥ 100"], "3.5 % outside")
    assert "https://example.org/measurement" in failed["source"]
    assert failed["rerun"] == f"pytest '{SPEED_TEST}' --target host"


def test_bounds_of_an_accuracy_are_said_to_be_over_other_images(tmp_path: Path) -> None:
    drop = {"metric": "exact_match_drop", "median": 0.02, "lower": 0.005, "upper": 0.04}
    row = verdict_rows()[1].model_copy(update={**drop, "n_samples": 1})
    with Journal(tmp_path / RUN_ID, "main") as journal:
        journal.append(session_row())
        journal.append(row)
    [shown] = page_of(tmp_path / RUN_ID).data["verdicts"]
    assert (shown["value"], shown["interval"]) == ("0.02", ["0.005 to 0.04", "images resampled"])
    assert shown["plot"]["interval"] is not None


def test_every_sample_is_a_dot_and_invalid_ones_differ(finished_run: Path) -> None:
    failed, _ = page_of(finished_run).data["verdicts"]
    first, *others = failed["plot"]["dots"]
    assert first[2:] == [1, "118.2", "121 tokens generated, 128 asked for"]
    values = ["96", "97.5", "95", "96.5", "97"]
    assert [dot[2:] for dot in others] == [[run, value] for run, value in enumerate(values, 2)]
    assert failed["notes"] == ["not counted: 121 tokens generated, 128 asked for"]


def test_failures_come_with_the_command_that_runs_them_alone(finished_run: Path) -> None:
    text = page_of(finished_run).text
    for test_id in (SPEED_TEST, BROKEN_TEST):
        assert f"pytest '{test_id}' --target host" in text
    assert "96.5 is below 100" in text
    assert "AssertionError: left behind" in text
    assert "\x1b[31m" not in text


def test_a_metric_without_gate_shows_the_row_to_add(finished_run: Path) -> None:
    page = page_of(finished_run)
    assert re.sub(r"\s+", " ", PROPOSED_GATE.strip()) in page.text
    assert "thresholds/tiny_smolvlm.toml" in page.text
    assert page.data["verdicts"][1]["test"] == LOAD_TEST


def test_answers_stand_beside_the_expected_one_with_differences_marked(finished_run: Path) -> None:
    first, *others = page_of(finished_run).data["answers"]
    assert (first["question"], first["expected"]) == ("<image>What colour is the circle?", "red")
    [float_model, host] = first["blocks"][0]["columns"]
    assert float_model == {
        "source": "float",
        "lines": [{"who": [], "mark": "float", "words": [["red", 0]], "missing": []}],
    }
    assert [(line["mark"], line["words"]) for line in host["lines"]] == [
        ("right", [["red", 0]]),
        ("wrong", [["<script>alert('blue')</script>", 1]]),
    ]
    assert [card["wrong"] for card in (first, *others)] == ["yes", "no"]


def test_what_a_model_answers_cannot_become_markup(finished_run: Path) -> None:
    page = page_of(finished_run)
    assert page.values("type").count("application/json") == 1
    assert page.count("script") == 3
    assert "alert" not in page.text


def test_accuracy_is_broken_down_by_kind_of_question(finished_run: Path) -> None:
    text = page_of(finished_run).text
    assert "Right Against float By kind, least first Of" in text
    assert "100.0 % 2/2" in text
    assert "colour 1/1 count 1/1 kv · 8da4w · host" in text
    assert "colour 0/1 blank image kv · 8da4w · host" in text
    assert "colour 0/1 hybrid · 8da4w · host" in text


def test_an_image_is_embedded_once_however_often_it_is_shown(finished_run: Path) -> None:
    data = page_of(finished_run).data
    contents = {base64.b64decode(uri.partition(",")[2]) for _, _, uri in data["pictures"].values()}
    stored = list((finished_run / THUMBNAIL_FOLDER).iterdir())
    assert contents == {file.read_bytes() for file in stored}
    assert len(data["pictures"]) == len(stored)
    used = [block["image"] for card in data["answers"] for block in card["blocks"]]
    assert set(used) == set(data["pictures"])
    assert len(used) > len(set(used))


def test_nothing_is_loaded_from_elsewhere(finished_run: Path) -> None:
    page = page_of(finished_run)
    for attribute in ("href", "src", "srcset", "action", "poster", "xlink:href"):
        assert all(value.startswith(("#", "data:")) for value in page.values(attribute))
    own = "".join(path.read_text() for path in TEMPLATES.rglob("*") if path.is_file())
    assert not re.search(
        r"@import|url\(|fetch\(|XMLHttpRequest|import\(|https?://(?!www.w3.org)", own
    )


def test_links_inside_the_page_lead_somewhere(finished_run: Path) -> None:
    page = page_of(finished_run)
    lists = (page.data[name] for name in ("verdicts", "trends", "answers", "tests"))
    ids = [*page.values("id"), *(row["id"] for rows in lists for row in rows)]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for value in page.values("href") if value.startswith("#")}
    assert targets <= set(ids)


def test_a_link_to_a_verdict_is_the_same_every_night(finished_run: Path, tmp_path: Path) -> None:
    first = [row["id"] for row in page_of(finished_run).data["verdicts"]]
    with Journal(tmp_path / "tomorrow", "main") as journal:
        for row in verdict_rows():
            changed = row.model_copy(update={"median": 99.0, "artifact_key": "fedcba987654"})
            journal.append(changed)
    again = [row["id"] for row in page_of(journal.directory).data["verdicts"]]
    assert first == again


def test_links_to_tests_and_failures_do_not_shift_when_others_fail(
    finished_run: Path,
) -> None:
    before = page_of(finished_run)
    first = OutcomeRow(test_id="a.py::b", outcome="error", duration_s=1, rerun_command="pytest a")
    with Journal(finished_run, "gw0") as other:
        other.append(first)
        other.append(first.model_copy(update={"at": first.at + timedelta(seconds=1)}))
    after = page_of(finished_run)
    tests = [{row["id"]: row["name"] for row in page.data["tests"]} for page in (before, after)]
    assert tests[0].items() <= tests[1].items()
    assert len(tests[1]) == len(tests[0]) + 2
    failures = [
        {i for i in page.values("id") if i.startswith("failure-")} for page in (before, after)
    ]
    assert failures[0] < failures[1]


def test_a_session_that_died_says_so(journal: Journal) -> None:
    with journal:
        journal.append(session_row())
        journal.append(answer_row())
        journal.append(answer_row(sample_id="scene-2"))
    journal.path.write_bytes(journal.path.read_bytes()[:-5])
    page = page_of(journal.directory)
    assert "NOT FINISHED" in page.text
    assert "The session did not finish" in page.text
    assert "1 row cut short" in page.text
    assert re.search(r"Took .* until its last row", page.text)
    assert [card["sample"] for card in page.data["answers"]] == ["scene-1"]


def test_an_interrupted_session_says_so(journal: Journal) -> None:
    with journal:
        journal.append(session_row())
        journal.append(SessionEndRow(exit_status=2))
    assert "The session was interrupted." in page_of(journal.directory).text


def test_a_run_of_which_only_one_torn_row_is_left_still_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "rows-main.jsonl").write_bytes(b'{"kind": "sess')
    text = page_of(tmp_path).text
    assert "NOT FINISHED" in text
    assert "died before it could say where it ran" in text


def test_a_missing_thumbnail_costs_no_answer(finished_run: Path) -> None:
    for file in (finished_run / THUMBNAIL_FOLDER).iterdir():
        file.unlink()
    data = page_of(finished_run).data
    assert data["pictures"] == {}
    assert len(data["answers"]) == 2


def test_pictures_stop_where_the_file_would_get_too_large_to_mail(finished_run: Path) -> None:
    folder = finished_run / THUMBNAIL_FOLDER
    names = sorted(file.name for file in folder.iterdir())
    one = embed_pictures(folder, names[:1])[names[0]]
    assert list(embed_pictures(folder, names, max_bytes=len(one.uri))) == names[:1]


def test_only_thumbnails_of_the_folder_become_part_of_the_page(finished_run: Path) -> None:
    folder = finished_run / THUMBNAIL_FOLDER
    whole = next(folder.iterdir())
    (finished_run / "beside.jpg").write_bytes(whole.read_bytes())
    (folder / "damaged.jpg").write_bytes(whole.read_bytes()[:9])
    (folder / "program.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    os.mkfifo(folder / "endless.jpg")
    names = ["../beside.jpg", "damaged.jpg", "program.jpg", "endless.jpg", "a\0b", whole.name]
    assert list(embed_pictures(folder, names)) == [whole.name]


def test_beyond_the_cap_the_page_says_how_many_answers_it_leaves_out(journal: Journal) -> None:
    with journal:
        for index in range(MAX_ANSWERS + 50):
            wrong = index >= MAX_ANSWERS + 40
            given = "blue" if wrong else "red"
            journal.append(answer_row(sample_id=f"s{index}", given=given, correct=not wrong))
    page = page_of(journal.directory)
    assert (
        "5,000 of 5,050 answers are shown, wrong ones first; 50 more are in results.csv"
        in page.text
    )
    wrong_first = [card["wrong"] for card in page.data["answers"]]
    assert wrong_first[:10] == ["yes"] * 10
    assert wrong_first.count("yes") == 10


def test_an_infinite_ratio_is_shown(journal: Journal) -> None:
    row = verdict_rows()[1].model_copy(update={"metric": "sqnr_db", "median": math.inf})
    with journal:
        journal.append(session_row())
        journal.append(row)
    [verdict] = page_of(journal.directory).data["verdicts"]
    assert verdict["value"] == "inf"
    assert "median" not in verdict


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (("/opt/venv/bin/pytest", "-m", "perf"), "pytest -m perf"),
        (("/opt/venv/lib/pytest/__main__.py", "-q"), "python -m pytest -q"),
    ],
)
def test_the_command_is_what_a_person_would_type(
    journal: Journal, argv: tuple[str, ...], command: str
) -> None:
    with journal:
        journal.append(session_row().model_copy(update={"argv": argv}))
    assert f"Command {command} " in f"{page_of(journal.directory).text} "


def test_a_session_without_gates_passes_by_its_tests(journal: Journal) -> None:
    row = OutcomeRow(test_id="a.py::b", outcome="passed", duration_s=0.1, rerun_command="pytest a")
    with journal:
        journal.append(row)
        journal.append(SessionEndRow(exit_status=0))
    assert "PASS 1 test ran and judged no gate." in page_of(journal.directory).text
