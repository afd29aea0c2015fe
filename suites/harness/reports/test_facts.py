"""What ran where stands below the headline, each target's by itself and each recipe once."""

from __future__ import annotations

from pathlib import Path

from harness.measure.verdict import Status
from harness.results.run import Run
from reports.facts import find_facts
from suites.harness.reports.nights import a_sample, a_verdict, write_night
from suites.harness.reports.small_run import answer_row

EMULATOR = {"target": "emulator", "soc": "SM8650", "device": "emulator-SM8650"}


def facts_of(folder: Path, *rows: object) -> dict[str, str]:
    run = Run.read(write_night(folder, 0, rows))  # type: ignore[arg-type]
    return {fact.name: ", ".join(fact.values) for fact in find_facts(run)}


def test_of_one_target_each_word_is_told_once(tmp_path: Path) -> None:
    told = facts_of(tmp_path, a_sample(1.0), a_verdict(1.0, Status.PASS), answer_row())
    assert told["Target"] == "host"
    assert told["Precision"] == "8da4w"
    assert not any(name.startswith("On ") for name in told)


def test_of_several_targets_each_says_what_ran_there(tmp_path: Path) -> None:
    kv = a_verdict(1.0, Status.PASS)
    hybrid = answer_row(mode="hybrid").model_copy(update={**EMULATOR, "precision": "16a8w"})
    told = facts_of(tmp_path, kv, hybrid)
    assert "Target" not in told
    assert told["On host"] == "tiny_smolvlm · builder-03 · kv · 8da4w: 1 verdict"
    assert told["On emulator"] == (
        "tiny_smolvlm · SM8650 · emulator-SM8650 · hybrid · 16a8w: 1 answer"
    )


def test_a_recipe_is_told_once_though_its_components_have_precisions(tmp_path: Path) -> None:
    def part(component: str, precision: str, key: str = "a") -> object:
        fields = {"component": component, "precision": precision, "artifact_key": key}
        return a_verdict(1.0, Status.PASS, **fields)

    whole = {"precision": "text_decoder=8da4w", "artifact_key": "a"}
    mixed = [part("vision_encoder", "fp32"), part("text_decoder", "8da4w")]
    assert facts_of(tmp_path / "1", *mixed, a_verdict(1.0, Status.PASS, **whole))["Precision"] == (
        "text_decoder=8da4w"
    )
    three = [*mixed, part("token_embedding", "fp32")]
    assert facts_of(tmp_path / "2", *three)["Precision"] == "text_decoder=8da4w"
    htp = [part("vision_encoder", "16a8w"), part("text_decoder", "16a8w")]
    table = part("token_embedding", "16w")
    assert facts_of(tmp_path / "3", *htp, table)["Precision"] == "16a8w"
    assert facts_of(tmp_path / "4", *htp)["Precision"] == "16a8w"
    assert facts_of(tmp_path / "5", *mixed)["Precision"] == (
        "text_decoder=8da4w, vision_encoder=fp32"
    )
    others = [part("text_decoder", "fp32", "b"), a_verdict(1.0, Status.PASS, **whole)]
    assert facts_of(tmp_path / "6", *others)["Precision"] == "fp32, text_decoder=8da4w"
