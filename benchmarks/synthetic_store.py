"""A results folder of made-up nights: what a report of a year's work has to cope with.

Every row is written by the real journal. Nothing here was measured anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from harness.measure.gate import Target
from harness.measure.metrics import METRICS
from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows import (
    AnswerRow,
    DeviceRow,
    DeviceStateRow,
    HostInfo,
    OutcomeRow,
    QuarantineRow,
    Row,
    SampleRow,
    SessionEndRow,
    SessionRow,
    Subject,
    VerdictRow,
)

LAST_NIGHT = datetime(2026, 11, 23, 2, 15, 3, tzinfo=UTC)
SAMPLES = 5
_SPEED_TEST = "suites/perf/test_speed.py::test_speed"
_LEVELS = {
    "decode_tps": 92.0,
    "prefill_tps": 2100.0,
    "prompt_eval_tps": 700.0,
    "e2e_tps": 58.0,
    "ttft_ms": 410.0,
    "encode_ms": 105.0,
    "load_ms": 720.0,
    "sampling_ms": 31.0,
    "bookkeeping_ms_per_step": 0.8,
    "peak_rss_mib": 640.0,
    "ms_per_token_lower_bound": 5.3,
}
_PLACES: tuple[tuple[Target, str | None, str], ...] = (
    ("host", None, "host-5ca1ab1e"),
    ("phone", "SM8650", "R5CX10ABCDE"),
    ("phone", "SM8750", "8e1f00d5"),
)
_WORDS = {"colour": ("red", "blue"), "count": ("3", "4"), "relation": ("left of", "right of")}


@dataclass(frozen=True)
class Store:
    """How much to make up.

    Attributes:
        nights: Runs, one per day.
        further_verdicts: Further verdicts of the last night, each of an artifact of its own.
        images: Pictures that the last night asked about.
        seed: Of everything that scatters.
    """

    nights: int
    further_verdicts: int = 0
    images: int = 12
    seed: int = 7


@dataclass(frozen=True)
class _Place:
    model: str
    mode: Literal["kv", "hybrid"]
    target: Target
    soc: str | None
    device: str

    def subject(self, precision: str = "16a4w_block") -> dict[str, object]:
        name = f"{_SPEED_TEST}[{self.model}-{self.mode}-{self.target}]"
        row = Subject.model_validate(
            {
                "test_id": name,
                "model": self.model,
                "mode": self.mode,
                "target": self.target,
                "soc": self.soc,
                "device": self.device,
                "precision": precision,
                "protocol": "snapgate",
                "artifact_key": "a1" * 16,
            }
        )
        return row.model_dump()

    def level(self, metric: str, nights_ago: int) -> float:
        """True value: decoding of one configuration on one phone is 12 % slower since 5 nights."""
        level = _LEVELS[metric] * (0.6 if self.target == "host" else 1.0)
        level *= 1.3 if self.soc == "SM8750" else 1.0
        slowed = self.soc == "SM8650" and self.model == "tiny_smolvlm" and self.mode == "hybrid"
        if slowed and metric == "decode_tps" and nights_ago < 6:
            level *= 0.88
        if self.target == "host" and metric == "encode_ms" and nights_ago < 9:
            level *= 0.93
        return level


_MODES: tuple[Literal["kv", "hybrid"], ...] = ("kv", "hybrid")
_ALL_PLACES = tuple(
    _Place(model, mode, *place)
    for model, mode, place in product(("tiny_smolvlm", "tiny_internvl3"), _MODES, _PLACES)
)


def write_store(results: Path, store: Store) -> Path:
    """Write all runs below ``results``.

    Returns:
        Folder of the last run.
    """
    random = np.random.default_rng(store.seed)
    for nights_ago in reversed(range(store.nights)):
        started = LAST_NIGHT - timedelta(days=nights_ago)
        folder = results / f"{started:%Y%m%dT%H%M%SZ}-{nights_ago:06x}"
        with Journal(folder, "main") as journal:
            journal.append(_session(folder.name, started, nights_ago))
            for row in _night(nights_ago, started, random):
                journal.append(row)
            if nights_ago == 0:
                for row in _last_night(journal, store, random):
                    journal.append(row)
            status = 1 if nights_ago < 6 else 0
            ended = started + timedelta(hours=2)
            journal.append(SessionEndRow(exit_status=status, ended_at=ended))
    return folder


def _session(run_id: str, started: datetime, nights_ago: int) -> SessionRow:
    commit = hashlib.sha1(f"{nights_ago // 4}".encode()).hexdigest()
    return SessionRow(
        run_id=run_id,
        started_at=started,
        argv=("/usr/bin/pytest", "-m", "perf or accuracy", "--target", "phone"),
        options={"model": ["tiny_smolvlm", "tiny_internvl3"], "target": "phone", "runs": None},
        versions={
            "python": "3.11.9",
            "executorch": "1.5.1" if nights_ago < 4 else "1.5.0",
            "torch": "2.13.0",
            "numpy": "2.3.1",
        },
        host=HostInfo(cpu_model="Made-up CPU", cores=8, memory_mib=32768, os="Linux 6.1 x86_64"),
        git_commit=commit,
        worker="main",
    )


def _night(nights_ago: int, started: datetime, random: np.random.Generator) -> Iterator[Row]:
    for number, place in enumerate(_ALL_PLACES):
        at = started + timedelta(minutes=2 * number)
        yield _device(place, nights_ago, at)
        for metric in _LEVELS:
            level = place.level(metric, nights_ago) * random.normal(1.0, 0.006)
            values = level * random.normal(1.0, 0.015, SAMPLES)
            yield from _samples(place, metric, values, at)
            yield _verdict(place, metric, values, at)
        yield from _states(place, at, random)
        yield _outcome(place, nights_ago, at)


def _device(place: _Place, nights_ago: int, at: datetime) -> DeviceRow:
    build = "2026.11" if nights_ago < 12 else "2026.10"
    return DeviceRow(
        device=place.device,
        target=place.target,
        soc=place.soc,
        fingerprint=f"made/up/{place.soc or 'host'}:{build}",
        qnn_version="2.40.0" if place.soc else None,
        at=at,
    )


def _samples(
    place: _Place, metric: str, values: np.ndarray, at: datetime, precision: str = "16a4w_block"
) -> Iterator[SampleRow]:
    subject = place.subject(precision)
    for index, value in enumerate(values):
        yield SampleRow.model_validate(
            {
                **subject,
                "metric": metric,
                "value": float(value),
                "unit": METRICS[metric].unit,
                "run_index": index,
                "generated_tokens": 128,
                "at": at + timedelta(seconds=20 * index),
            }
        )


def _verdict(
    place: _Place, metric: str, values: np.ndarray, at: datetime, precision: str = "16a4w_block"
) -> VerdictRow:
    """Judged by the level of long ago: 7 % below, or above where less is better."""
    level, better = place.level(metric, 1000), METRICS[metric].better
    low, high = float(values.min()), float(values.max())
    minimum = round(level * 0.93, 1) if better == "higher" else None
    maximum = round(level * 1.07, 1) if better == "lower" else None
    status = Status.PASS
    if (minimum is not None and low < minimum) or (maximum is not None and high > maximum):
        outside = high < minimum if minimum is not None else low > (maximum or 0.0)
        status = Status.FAIL if outside else Status.INCONCLUSIVE
    median = float(np.median(values))
    gate = f">= {minimum}" if minimum is not None else f"<= {maximum}"
    sentence = f"{metric} of {place.model} is {median:.4g} ({SAMPLES} runs), gate {gate}: {status}"
    return VerdictRow.model_validate(
        {
            **place.subject(precision),
            "metric": metric,
            "unit": METRICS[metric].unit,
            "status": status,
            "sentence": sentence,
            "median": median,
            "lower": low,
            "upper": high,
            "n_samples": SAMPLES,
            "gate_min": minimum,
            "gate_max": maximum,
            "gate_source": "made up",
            "gate_confidence": "provisional",
            "gate_since": date(2026, 9, 1),
            "at": at,
        }
    )


def _states(place: _Place, at: datetime, random: np.random.Generator) -> Iterator[DeviceStateRow]:
    if place.target != "phone":
        return
    warm = 29.0
    for index in range(SAMPLES):
        before, warm = warm, warm + float(random.uniform(0.2, 1.6))
        yield DeviceStateRow.model_validate(
            {
                **place.subject(),
                "run_index": index,
                "before": {"battery_c": round(before, 1), "thermal_status": 0, "battery_pct": 81},
                "after": {"battery_c": round(warm, 1), "thermal_status": 0, "battery_pct": 81},
                "at": at + timedelta(seconds=20 * index),
            }
        )


def _outcome(place: _Place, nights_ago: int, at: datetime) -> OutcomeRow:
    name = f"{_SPEED_TEST}[{place.model}-{place.mode}-{place.target}]"
    slow = place.level("decode_tps", nights_ago) < place.level("decode_tps", 1000)
    return OutcomeRow(
        test_id=name,
        outcome="failed" if slow else "passed",
        status=Status.FAIL if slow else Status.PASS,
        duration_s=41.5,
        message="decode_tps is below its gate" if slow else "",
        rerun_command=f"pytest '{name}' --target {place.target}",
        at=at,
    )


def _last_night(journal: Journal, store: Store, random: np.random.Generator) -> Iterator[Row]:
    yield from _further_verdicts(store, random)
    for number in range(store.images):
        yield from _answers(number, journal.store_thumbnail(_picture(number, random)))
    yield QuarantineRow(
        metric="ttft_ms",
        model="tiny_internvl3",
        where="SM8750",
        owner="ada@example.org",
        reason="flips since the phone's last update",
        expires=date(2026, 12, 4),
        expired=False,
        at=LAST_NIGHT,
    )
    yield _crash()


def _further_verdicts(store: Store, random: np.random.Generator) -> Iterator[Row]:
    metrics = list(_LEVELS)
    for number in range(store.further_verdicts):
        place, metric = _ALL_PLACES[number % 12], metrics[number % len(metrics)]
        precision = f"16a4w_block, variant {number // 12}"
        values = place.level(metric, 1000) * random.normal(1.0, 0.02, SAMPLES)
        yield from _samples(place, metric, values, LAST_NIGHT, precision)
        yield _verdict(place, metric, values, LAST_NIGHT, precision)


def _picture(number: int, random: np.random.Generator) -> Image.Image:
    """Grainy, so that it compresses as badly as a photograph."""
    grain = random.normal(128, 28, (240, 320, 3)).clip(0, 255).astype("uint8")
    image = Image.fromarray(grain)
    x = 20 + 17 * number % 180
    ImageDraw.Draw(image).ellipse((x, 60, x + 100, 160), fill=("red", "blue")[number % 2])
    return image


def _answers(number: int, image: str) -> Iterator[AnswerRow]:
    kind = list(_WORDS)[number % 3]
    right, other = _WORDS[kind]
    for place in _ALL_PLACES:
        wrong = place.target == "phone" and place.mode == "hybrid" and number % 5 == 0
        for variant, given in (("real", other if wrong else right), ("blank", other)):
            yield AnswerRow.model_validate(
                {
                    **place.subject(),
                    "sample_id": f"scene-{number:03}",
                    "question": f"<image>What is the {kind} of the shapes in this picture?",
                    "expected": f"The answer is {right}.",
                    "reference": f"The answer is {right}." if variant == "real" else None,
                    "given": f"The answer is {given}.",
                    "correct": given == right,
                    "image": image,
                    "variant": variant,
                    "question_kind": kind,
                    "at": LAST_NIGHT + timedelta(minutes=40, seconds=number),
                }
            )


def _crash() -> OutcomeRow:
    name = "suites/robustness/test_kill.py::test_killed_runner[tiny_smolvlm]"
    command = "adb -s R5CX10ABCDE shell /data/local/tmp/snapgate/runner --requests requests.jsonl"
    return OutcomeRow(
        test_id=name,
        outcome="error",
        duration_s=12.0,
        message="the runner ended with exit code -6 after 2 answers: abort\n" + command,
        rerun_command=f"pytest '{name}' --target phone --serial R5CX10ABCDE",
        evidence={
            "command": command,
            "stdout": "I 00:00:00.012 loading vision_encoder\nI 00:00:00.431 loaded",
            "stderr": "terminate called after throwing an instance of std::bad_alloc",
            "logcat": "F libc    : Fatal signal 6 (SIGABRT) in tid 31337 (runner)\n" * 12,
        },
        at=LAST_NIGHT,
    )
