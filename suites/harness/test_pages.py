"""What the pages of ``docs/`` repeat of the code is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.devices.adb.client import LONGEST_COMMAND_BYTES
from harness.devices.phone.files.transfer import PushLimits
from harness.devices.phone.fleet.phone_claim import ClaimTimes
from harness.devices.phone.health.fitness import HealthLimits
from harness.devices.phone.health.gate import Patience
from harness.devices.transport.retrying import RetryLimits
from harness.judging.timed_turn import DECODED_TOKENS, LEAST_DECODED_TOKENS
from harness.judging.workload import UPSTREAM_PROMPT, UPSTREAM_SEQ_LEN
from harness.measure import change_point, comparison, estimate
from harness.measure.exit_status import EXIT_STATUS, TREND_ALERT
from harness.measure.proposal import MARGIN
from harness.measure.quarantine import DURATION
from harness.measure.ratio import MIN_SCENES
from harness.measure.sample import MAX_INVALID_SHARE
from harness.measure.statistics import SAMPLE_COUNTS, median_bounds
from harness.options.groups.judging import COOLDOWN_S, PAIRS
from harness.options.table import options_of
from harness.results import noise_floors
from harness.results.trend_alerts import TREND_SPAN
from harness.runtime import abi
from harness.runtime.flags import Flags
from harness.targets.registry import target_names
from harness.vlm.mode import UPSTREAM_LOOKAHEAD
from harness.vlm.registry import known_families, known_models
from harness.vlm.spec import VlmFamily, VlmSpec
from harness.vocabulary import COMPONENTS, KV_ENCODINGS, MODES, PRECISIONS

DOCS = Path(__file__).parents[2] / "docs"
FAMILIES, MODELS = known_families(), known_models()
FULL_SIZE = [spec for spec in MODELS.values() if not spec.is_miniature]


def section(page: str, number: str) -> str:
    """Text below a numbered heading up to the next one, on one line."""
    text = (DOCS / f"{page}.md").read_text()
    found = re.search(rf"^#+ {re.escape(number)}\.? .*?$(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    assert found, f"{page} has no section {number}"
    return re.sub(r"\s+", " ", found[1].replace("\\|", "|"))


def percent(share: float) -> str:
    """``3 %``, ``1.5 %``."""
    return f"{100 * share:g} %"


HEALTH, PATIENCE, RETRY, PUSH, CLAIM = (
    HealthLimits(),
    Patience(),
    RetryLimits(),
    PushLimits(),
    ClaimTimes(),
)


@pytest.mark.parametrize(
    ("page", "number", "phrase"),
    [
        ("statistics", "2.1", f"exactly {DECODED_TOKENS} decode steps"),
        ("statistics", "2.1", f"below {LEAST_DECODED_TOKENS} the verdict is BLOCKED"),
        ("statistics", "2.2", f"thermal status {HEALTH.thermal_status};"),
        ("statistics", "2.2", f"at most {HEALTH.battery_celsius:g} °C"),
        ("statistics", "2.2", f"at least {HEALTH.battery_percent} %"),
        ("statistics", "2.2", f"at most {HEALTH.warming_celsius:g} °C above"),
        ("statistics", "2.2", f"at most {PATIENCE.total_s / 60:g} minutes"),
        ("statistics", "2.2", f"every {PATIENCE.interval_s:g} seconds"),
        ("statistics", "2.3", f"more than {percent(MAX_INVALID_SHARE)}"),
        ("statistics", "2.4", f"{percent(MARGIN)} beyond the measured bounds"),
        ("statistics", "2.4", "again with {1}, then {2} runs".format(*SAMPLE_COUNTS)),
        ("statistics", "2.5", f"{PAIRS} pairs"),
        ("statistics", "2.5", f"at least {comparison.MIN_PAIRS})"),
        ("statistics", "2.5", f"below p = {comparison.P_VALUE}"),
        ("statistics", "2.5", f"more than {percent(comparison.NOISE_FLOOR)} from 1"),
        ("statistics", "2.5", f"difference of {percent(comparison.DETECTABLE)}"),
        ("statistics", "2.5", f"{noise_floors.CONFIDENCE:.0%} sure".replace("%", " %")),
        ("statistics", "2.6", f"below {change_point.P_VALUE}"),
        ("statistics", "2.6", f"{percent(change_point.MIN_CHANGE)} or more"),
        ("statistics", "2.6", f"exit status {TREND_ALERT}"),
        ("statistics", "2.6", f"{TREND_SPAN.days} days"),
        ("statistics", "2.7", f"({COOLDOWN_S} s)"),
        ("statistics", "2.8", f"({DURATION.days} days on)"),
        ("statistics", "2.9", f"{estimate.CONFIDENCE:.1%} sure".replace("%", " %")),
        ("statistics", "2.9", "{}, {} and {:,}".format(*estimate.SCENE_COUNTS)),
        ("statistics", "2.9", f"{1 + estimate.FURTHER_LOOKS} looks".replace("3", "three")),
        ("statistics", "2.9", f"Below {MIN_SCENES} scenes"),
        ("adb", "1", f"{LONGEST_COMMAND_BYTES:,} bytes"),
        ("adb", "1", f"after {RETRY.shortest_pause_s:g} s"),
        ("adb", "1", f"up to {RETRY.longest_pause_s:g} s"),
        ("adb", "1", f"for {RETRY.absence_s:g} s"),
        ("adb", "4", f"in {PUSH.stall_s:g} s"),
        ("adb", "4", f"{PUSH.piece_bytes >> 20} MiB, halved"),
        ("adb", "4", f"down to {PUSH.smallest_piece_bytes >> 20} MiB"),
        ("adb", "6", f"{CLAIM.stale_s:g} s without a sign of life (one every {CLAIM.beat_s:g} s)"),
        ("contract", "5.1", f"exporter: {UPSTREAM_LOOKAHEAD}".replace(",", ", ")),
        ("contract", "7", f"`--max_seq_len {UPSTREAM_SEQ_LEN}`"),
        ("contract", "7", f'"{UPSTREAM_PROMPT}"'),
    ],
)
def test_a_figure_is_that_of_the_code(page: str, number: str, phrase: str) -> None:
    assert phrase in section(page, number)


@pytest.mark.parametrize("count", [5, 8, 10, 20])
def test_confidence_of_bounds_is_what_they_have(count: int) -> None:
    found = median_bounds(range(count))
    assert found is not None
    row = re.search(rf"\| {count} \| [^|]+ \| ([\d.]+) % \|", section("statistics", "2.4"))
    assert row is not None
    assert row[1] == f"{100 * found.confidence:.1f}"


@pytest.mark.parametrize(
    ("status", "code"), [(one.name, code) for one, code in EXIT_STATUS.items()]
)
def test_exit_statuses_are_those_of_a_session(status: str, code: int) -> None:
    assert re.search(rf"\| {code} \| [^|]*{status.replace('_', ' ')}", section("design", "9"))


@pytest.mark.parametrize(
    "word", [*COMPONENTS, *MODES, *PRECISIONS, *FAMILIES, *MODELS, *target_names()]
)
def test_words_of_the_vocabulary_are_explained(word: str) -> None:
    assert f"`{word}`" in section("design", "1")


@pytest.mark.parametrize("scheme", KV_ENCODINGS)
def test_schemes_of_the_cache_are_explained(scheme: str) -> None:
    assert f"`{scheme}`" in section("design", "5")


@pytest.mark.parametrize("spec", FULL_SIZE, ids=lambda spec: spec.name)
def test_sizes_are_those_of_the_specs(spec: VlmSpec) -> None:
    text, vision = spec.text, spec.vision
    sizes = section("contract", "2.1")
    upstream_name = "none" if spec.upstream_name is None else f"`{spec.upstream_name}`"
    for cell in (
        f"`{spec.hub_id}`",
        f"{upstream_name}, `{spec.family.name}`",
        f"{text.hidden_size}, {text.intermediate_size}, {text.layers}",
        f"{text.heads}, {text.kv_heads}, {text.head_dim}",
        f"{text.vocab_size}, {text.rms_norm_eps:g}".replace("e-0", "e-"),
        f"{spec.context_length}, {spec.prefill_ar}",
    ):
        assert f"| {cell} |" in sizes
    encoder = section("contract", "3.2")
    assert f"`[1, 3, {vision.image_size_px}, {vision.image_size_px}]`" in encoder
    assert f"`[1, {vision.tokens_per_image}, {text.hidden_size}]`" in encoder


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_prompt_strings_and_pixels_are_those_of_the_family(family: VlmFamily) -> None:
    prompt, pixels = family.prompt, family.preprocessing
    strings = section("contract", "4.1")
    for text in (
        prompt.image_start,
        prompt.image_global,
        prompt.image_end,
        prompt.system_prefix,
        prompt.system_suffix,
        prompt.turn_prefix,
        prompt.turn_suffix,
    ):
        assert not text or f"`{text}`".replace("\n", r"\n") in strings
    for token in family.stop_tokens:
        assert f"`{token}`" in section("contract", "4.3")
    mean, std = (", ".join(map(str, three)) for three in (pixels.mean, pixels.std))
    assert f"| {mean} | {std} |" in section("contract", "3.3")


def test_flags_of_the_contract_are_the_runners() -> None:
    named = re.findall(r"`--(\w+)`", section("contract", "5.1"))
    assert set(named) <= set(Flags.model_fields)


def test_options_of_the_suites_are_listed() -> None:
    named = re.findall(r"`(--[\w-]+)`", section("design", "12"))
    assert sorted(named) == sorted(one.flag for one in options_of("suites").values())


def test_every_generation_of_files_is_told() -> None:
    known = [value for value in vars(abi).values() if isinstance(value, abi.Abi)]
    for one in known:
        assert f"| #{one.pull_request}, {one.month} |" in section("contract", "1.5")
