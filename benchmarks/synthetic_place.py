"""Made-up models on made-up devices, and how fast they truly are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

from harness.results.rows.schema import Subject
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
        fields: dict[str, object] = row.model_dump()
        return fields

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
