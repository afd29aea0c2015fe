"""What rows are made of: text that survives JSON, UTC times, and what a row is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator

from harness.vocabulary import Mode, Protocol, Target


def _encodable(value: object) -> object:
    """Spell out lone surrogates, which undecodable process output brings and JSON cannot carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


Text = Annotated[str, BeforeValidator(_encodable)]
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]


def utc_now() -> datetime:
    """Present moment, aware of its time zone, as rows want it."""
    return datetime.now(UTC)


class Frozen(BaseModel, frozen=True, extra="forbid", ser_json_inf_nan="strings"):
    """A row or a part of one: immutable, with no field but its own."""

    # JSON has no infinity, yet the SQNR of two equal outputs is infinite and must survive.


class Subject(Frozen):
    """What a row is about; None where the question does not arise (a unit test has no model).

    Attributes:
        test_id: pytest node id of the test that wrote the row.
        model: Registry name, ``tiny_smolvlm``.
        target: ``host``, ``emulator`` or ``phone``.
        soc: ``SM8550``; None on the host target.
        device: Phone serial, or the host's id.
        mode: ``kv``, ``hybrid`` or ``lookahead``.
        precision: As ``--precision`` takes it.
        protocol: ``snapgate`` or ``upstream``.
        workload: What a turn was whose speed was measured, ``66 steps`` for instance; None for the
            usual one (statistics §2.1).
        artifact_key: Key of the artifact that ran.
    """

    test_id: str
    model: str | None = None
    target: Target | None = None
    soc: str | None = None
    device: str | None = None
    mode: Mode | None = None
    precision: str | None = None
    protocol: Protocol | None = None
    workload: Text | None = None
    artifact_key: str | None = None
