"""What is told of engines: medians, bounds, ratios, limits, and what is not installed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from benchmarks.engines.bandwidth import measure_bandwidth
from benchmarks.engines.figures import EngineRow, equal_tokens, middle, ratio, rows_of
from benchmarks.engines.picture import bars, write_picture
from benchmarks.engines.prompt import formatted_ids, prompt_of
from benchmarks.engines.registry import OTHERS, OURS, Engine
from benchmarks.engines.rounds import EngineSample, Seat, environment
from benchmarks.engines.session import engines_named, told_apart
from benchmarks.engines.tables import (
    SUMMARY_COLUMNS,
    absent_table,
    limit_table,
    other_table,
    sample_file,
    speed_table,
    told,
    write_summary,
)
from benchmarks.engines.task import BandwidthRun, EngineFiles, EngineRun, EngineTask, EngineWorkload
from harness.artifacts.manifest import TOKENIZER_NAME
from harness.console import PlainConsole
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import known_miniatures
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer

WORKLOAD = EngineWorkload(
    prompt="Say",
    formatted="Say",
    prompt_ids=(1, 2),
    image_prompt="?",
    image=Path("image.png"),
    decode_steps=4,
)


def run(decode_tps: float, **others: object) -> EngineRun:
    figures = {
        "load_ms": 10.0,
        "prefill_tps": 100.0,
        "ttft_ms": 20.0,
        "turn_cpu_ms": 1e3 / decode_tps,
        "peak_rss_mib": 500.0,
        **others,
    }
    return EngineRun.model_validate({"decode_tps": decode_tps, **figures})


def seat(engine: str, threads: int = 1, traffic: int = 1_000_000_000) -> Seat:
    folder = Path("folder")
    task = EngineTask(
        engine=engine,
        model="model",
        artifact=folder,
        checkpoint=folder,
        files=folder,
        workload=WORKLOAD,
        threads=threads,
    )
    return Seat(task, EngineFiles(holds="language", bytes_per_token=traffic))


def two_engines() -> list[EngineSample]:
    """Five rounds in which the machine is ever slower, and ours always twice as fast."""
    found = []
    for turn in range(5):
        speed = 10.0 / (turn + 1)
        found.append(EngineSample(turn, "ours", 1, run(2 * speed, token_ids=(7, 8, 9))))
        found.append(EngineSample(turn, "float", 1, run(speed, token_ids=(7, 8, 5))))
        memory = BandwidthRun(triad_gb_per_s=18.0 - turn, read_gb_per_s=20.0 - turn)
        found.append(EngineSample(turn, "memory", 1, memory))
    return found


def rows() -> list[EngineRow]:
    return rows_of([seat("ours"), seat("float")], two_engines(), ours="ours", reference="float")


def test_a_ratio_is_of_runs_of_one_round_whatever_the_machine_does() -> None:
    ours, other = rows()
    assert ours.decode_ratio is not None
    assert other.decode_ratio is not None
    assert ours.decode_ratio.median == 1
    assert (other.decode_ratio.lower, other.decode_ratio.upper) == (2, 2)
    assert other.cpu_ratio is not None
    assert other.cpu_ratio.median == 2
    assert other.figures["decode_tps"].lower == 2
    assert other.figures["decode_tps"].upper == 10


def test_the_limit_is_the_best_that_memory_gave_over_the_bytes_of_a_token() -> None:
    ours, _ = rows()
    assert ours.limit_tps == pytest.approx(20.0)
    assert ours.limit_share == pytest.approx((20 / 3) / 20)


def test_a_ratio_needs_a_round_that_both_ran_in() -> None:
    assert ratio({0: run(2.0)}, {1: run(1.0)}, "decode_tps") is None


def test_fewer_than_five_rounds_have_no_bounds() -> None:
    assert middle([3.0, 1.0, 2.0]).median == 2
    assert middle([3.0, 1.0, 2.0]).lower is None
    assert told(middle([3.0, 1.0, 2.0])) == "2"
    assert told(middle([3.25, 1.0, 2.0, 5.0, 4.0])) == "3.25 [1, 5]"


@pytest.mark.parametrize(
    ("answer", "reference", "equal"),
    [((1, 2, 3), (1, 2, 4), 2), ((1, 2), (1, 2, 4), 2), ((1,), (2,), 0), (None, (1,), None)],
)
def test_tokens_are_equal_up_to_the_first_that_is_not(
    answer: tuple[int, ...] | None, reference: tuple[int, ...], equal: int | None
) -> None:
    assert equal_tokens(answer, reference) == equal


def test_what_is_not_installed_says_how_to_install_it() -> None:
    engine = Engine("other", "benchmarks.engines.other", ("not_there", "not.there.either"), "extra")
    assert engine.missing == (
        "not installed: not_there, not.there.either; pip install -e '.[extra]'"
    )
    assert OURS.missing is None


def test_an_engine_that_did_not_run_has_a_row_everywhere(tmp_path: Path) -> None:
    note = "not installed: llama_cpp; pip install -e '.[engines]'"
    all_rows = [*rows(), EngineRow("llama.cpp Q4_0", note=note)]
    shown = io.StringIO()
    console = PlainConsole(file=shown, width=132)
    console.print(speed_table("title", all_rows))
    console.print(other_table("title", all_rows))
    console.print(limit_table(all_rows, two_engines()))
    assert "18.0 │         20.0 │          20" in shown.getvalue()
    assert note not in shown.getvalue()
    console.print(absent_table(all_rows))
    assert f"llama.cpp Q4_0 │ {note}" in shown.getvalue()
    write_summary(all_rows, tmp_path / "engines.csv")
    with (tmp_path / "engines.csv").open() as file:
        written = list(csv.DictReader(file))
    assert tuple(written[0]) == SUMMARY_COLUMNS
    assert [line["note"] for line in written] == ["", "", note]
    assert float(written[1]["decode_ratio"]) == 2
    assert written[0]["encode_ms"] == ""


def test_every_sample_is_kept_as_soon_as_it_is_known(tmp_path: Path) -> None:
    with sample_file(tmp_path / "samples.csv") as keep:
        for sample in two_engines():
            keep(sample)
        with (tmp_path / "samples.csv").open() as file:
            lines = list(csv.DictReader(file))
    decoded = [line for line in lines if line["figure"] == "decode_tps"]
    assert len(decoded) == 10
    assert {line["figure"] for line in lines if line["engine"] == "memory"} == {
        "triad_gb_per_s",
        "read_gb_per_s",
    }


def test_the_picture_has_a_bar_per_engine_and_a_limit_where_decoding_has_one(
    tmp_path: Path,
) -> None:
    assert [bar["limit"] for bar in bars("decode_tps", rows())] == pytest.approx([20.0, 20.0])
    assert [bar["limit"] for bar in bars("prefill_tps", rows())] == [None, None]
    write_picture("title", rows(), tmp_path / "engines.png")
    assert (tmp_path / "engines.png").read_bytes().startswith(b"\x89PNG")


def test_memory_is_measured_by_counting_what_is_moved() -> None:
    found = measure_bandwidth(threads=1, array_bytes=1 << 16, repetitions=2)
    assert 0 < found.best_gb_per_s < 10_000
    assert found.best_gb_per_s >= found.triad_gb_per_s


def test_libraries_are_told_the_number_of_threads() -> None:
    assert environment(2)["OMP_NUM_THREADS"] == "2"


def test_an_engine_that_there_is_not_is_refused_with_the_nearest() -> None:
    assert engines_named(None) is OTHERS
    assert [engine.name for engine in engines_named(["llama.cpp F32"])] == ["llama.cpp F32"]
    with pytest.raises(UserError, match=r"did you mean llama\.cpp Q4_0"):
        engines_named(["llama.cpp Q4"])


@pytest.mark.parametrize("spec", known_miniatures(), ids=lambda spec: spec.name)
@pytest.mark.parametrize("tokens", [32, 64, 65])
def test_a_prompt_has_exactly_so_many_tokens(spec: VlmSpec, tokens: int) -> None:
    tokenizer = Tokenizer(checkpoint_path(spec.name) / TOKENIZER_NAME)
    prompt = prompt_of(tokens, tokenizer, spec.family)
    assert len(formatted_ids(prompt, tokenizer, spec.family)) == tokens


def test_a_prompt_that_is_too_short_for_a_familys_strings_is_refused() -> None:
    spec = known_miniatures()[0]
    tokenizer = Tokenizer(checkpoint_path(spec.name) / TOKENIZER_NAME)
    with pytest.raises(UserError, match="No prompt of 2 tokens"):
        prompt_of(2, tokenizer, spec.family)


def test_artifacts_of_one_recipe_are_told_apart_by_their_keys() -> None:
    keys = ["aaaaaaaa", "bbbbbbbb", "cccccccc"]
    assert told_apart(["fp32", "8da4w"], keys[:2]) == ["fp32", "8da4w"]
    assert told_apart(["fp32", "fp32", "8da4w"], keys) == ["fp32 aaaaaa", "fp32 bbbbbb", "8da4w"]
