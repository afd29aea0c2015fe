"""What a farm does: one pytest session or one export, named by all that its outcome depends on."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import BaseModel

from harness.vocabulary import Target

JobKind = Literal["session", "export"]

_KEY_DIGITS = 16
"""Of a hash: two of a million jobs share them once in 37 million farms."""


class Job(BaseModel, frozen=True, extra="forbid"):
    """One process of its own. Strings travel between hosts, never objects of libraries.

    Attributes:
        kind: ``session`` of pytest, or ``export``.
        commit: Of the clone that it is run from.
        model: Name of the model.
        mode: Modes of the decoder, joined by ``+`` where one session judges several.
        precision: Label of the recipe.
        target: Where models run.
        soc: SoC of the phone or of the files; None where there is no HTP.
        qnn: Build of QNN that compiles or runs them; None where nobody asks for one.
        suite: Suite of a session; empty for an export.
        words: What is typed behind ``python -m pytest`` or ``python -m harness export``, without
            what only the host knows: its folders, and the phone.
        round: How many times the same was done before it, as somebody asked for by ``--again``.
    """

    kind: JobKind
    commit: str
    model: str
    mode: str
    precision: str
    target: Target
    soc: str | None = None
    qnn: str | None = None
    suite: str = ""
    words: tuple[str, ...] = ()
    round: int = 0

    @property
    def key(self) -> str:
        """Names what comes of it: jobs of one key are one job, whoever asks for them."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()
        return hashlib.sha256(said).hexdigest()[:_KEY_DIGITS]

    @property
    def nightly_name(self) -> str:
        """What it is called at every commit, by which it meets the same phone again."""
        told = (self.suite, self.model, self.mode, self.precision, self.target, self.soc or "")
        return " ".join((self.kind, *told))

    @property
    def described(self) -> str:
        """In words, for progress and pages."""
        what = self.suite if self.kind == "session" else "export"
        where = f"{self.target} {self.soc}" if self.soc else self.target
        return f"{what}: {self.model} {self.precision} {self.mode} on {where}"
