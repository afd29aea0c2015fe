"""Made-up models on made-up devices, and their rows of one night: speeds, verdicts, answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from harness.measure.metrics import METRICS
from harness.measure.verdict import Status
from harness.results.rows.schema import AnswerRow, DeviceStateRow, SampleRow, Subject, VerdictRow
from harness.targets.host import HOST
from harness.targets.phone import PHONE
from harness.targets.registry import get_target
from harness.vocabulary import Target

SPEED_TEST = "suites/perf/test_speed.py::test_speed"
LEVELS = {
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
    (HOST.name, None, "host-5ca1ab1e"),
    (PHONE.name, "SM8650", "R5CX10ABCDE"),
    (PHONE.name, "SM8750", "8e1f00d5"),
)


@dataclass(frozen=True)
class MadeUpPlace:
    """One configuration of one model on one device."""

    model: str
    mode: Literal["kv", "hybrid"]
    target: Target
    soc: str | None
    device: str

    @property
    def is_remote(self) -> bool:
        """Whether it is a phone."""
        return get_target(self.target).is_remote

    def subject(self, precision: str = "16a4w_block") -> dict[str, object]:
        """Fields that a row of this place has."""
        name = f"{SPEED_TEST}[{self.model}-{self.mode}-{self.target}]"
        return Subject(
            test_id=name,
            model=self.model,
            mode=self.mode,
            target=self.target,
            soc=self.soc,
            device=self.device,
            precision=precision,
            protocol="snapgate",
            artifact_key="a1" * 16,
        ).model_dump()

    def level(self, metric: str, nights_ago: int) -> float:
        """True value: decoding of one configuration on one phone is 12 % slower since 5 nights."""
        level = LEVELS[metric] * (1.0 if self.is_remote else 0.6)
        level *= 1.3 if self.soc == "SM8750" else 1.0
        slowed = self.soc == "SM8650" and self.model == "tiny_smolvlm" and self.mode == "hybrid"
        if slowed and metric == "decode_tps" and nights_ago < 6:
            level *= 0.88
        if not self.is_remote and metric == "encode_ms" and nights_ago < 9:
            level *= 0.93
        return level


_MODES: tuple[Literal["kv", "hybrid"], ...] = ("kv", "hybrid")
ALL_PLACES = tuple(
    MadeUpPlace(model, mode, *place)
    for model, mode, place in product(("tiny_smolvlm", "tiny_internvl3"), _MODES, _PLACES)
)


SAMPLES = 5
"""Runs of a night."""


def sample_rows(
    place: MadeUpPlace,
    metric: str,
    values: np.ndarray,
    at: datetime,
    precision: str = "16a4w_block",
) -> Iterator[SampleRow]:
    """One sample per run of a night."""
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


def verdict_row(
    place: MadeUpPlace,
    metric: str,
    values: np.ndarray,
    at: datetime,
    precision: str = "16a4w_block",
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


def state_rows(
    place: MadeUpPlace, at: datetime, random: np.random.Generator
) -> Iterator[DeviceStateRow]:
    """How a phone warms up from run to run; nobody asks a host."""
    if not place.is_remote:
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


WORDS = {"colour": ("red", "blue"), "count": ("3", "4"), "relation": ("left of", "right of")}


def draw_picture(number: int, random: np.random.Generator) -> Image.Image:
    """Grainy, so that it compresses as badly as a photograph."""
    grain = random.normal(128, 28, (240, 320, 3)).clip(0, 255).astype("uint8")
    image = Image.fromarray(grain)
    x = 20 + 17 * number % 180
    ImageDraw.Draw(image).ellipse((x, 60, x + 100, 160), fill=("red", "blue")[number % 2])
    return image


def answer_rows(number: int, image: str, at: datetime) -> Iterator[AnswerRow]:
    """What every place says to one picture; some phones are wrong at times."""
    kind = list(WORDS)[number % 3]
    right, other = WORDS[kind]
    for place in ALL_PLACES:
        wrong = place.is_remote and place.mode == "hybrid" and number % 5 == 0
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
                    "at": at,
                }
            )
