"""How like each other two neighbouring stages have to be.

Float modules do what ``transformers`` does in another order of operations, and leave 115 dB and
more. A recipe rounds, and by how much is its own matter: what it costs in answers is what gates
are about. Here it is only asked for as much as every calibration that saw the right pictures
leaves. A file has to do what the recipe's modules do, as closely as these do it themselves once
what enters them differs in its last digits: where activations are rounded, that makes other codes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.ladder.signals import LOGITS, Signal
from harness.measure.likeness import Likeness
from harness.vocabulary import FLOATS, Component, Precision


@dataclass(frozen=True)
class LeastLikeness:
    """Least signal to noise, in dB.

    Attributes:
        whole: Of a whole signal.
        channel: Of its worst channel.
    """

    whole: float
    channel: float = -math.inf

    def not_above(self, itself: Likeness) -> LeastLikeness:
        """No more than what modules keep of themselves."""
        return LeastLikeness(
            max(min(self.whole, itself.sqnr_db - _LESS_DB), _LEAST_DB),
            min(self.channel, itself.worst_channel_db - _LESS_DB),
        )


EXACT = LeastLikeness(whole=80.0, channel=60.0)
"""Of what is computed in float32 on both sides; an epsilon of a norm that is wrong leaves 60."""

ROUNDED: Mapping[Precision, LeastLikeness] = {
    "16w": LeastLikeness(60.0),
    "8w": LeastLikeness(25.0),
    "4w": LeastLikeness(10.0),
    "8da8w": LeastLikeness(10.0),
    "8da4w": LeastLikeness(1.0),
    "16a8w": LeastLikeness(10.0),
    "16a4w": LeastLikeness(1.0),
    "16a4w_block": LeastLikeness(1.0),
}
"""Of a recipe's modules against float ones: values of SmolLM2-135M's last layers are at 4 dB with
weights of 4 bits. A channel that says little may be lost altogether."""

_HALF = LeastLikeness(40.0, 25.0)
_CODES = LeastLikeness(40.0, 25.0)
_FLIPS = LeastLikeness(35.0, 25.0)

_FILES: Mapping[Precision, LeastLikeness] = {
    "fp32": EXACT,
    "fp16": _HALF,
    "16w": EXACT,
    "8w": EXACT,
    "4w": EXACT,
    "8da8w": _FLIPS,
    "8da4w": _FLIPS,
    "16a8w": _CODES,
    "16a4w": _CODES,
    "16a4w_block": _CODES,
}
"""Of files against modules that round as they do."""

_LEAST_DB = 3.0
"""Of files, whatever their modules keep of themselves: silence is at 0 dB."""

_LESS_DB = 10.0
"""By which a file may be further from its modules than these are from themselves, where what enters
differs in its last digits."""

_PIXELS = LeastLikeness(35.0, 30.0)
"""Two resizings of one picture may differ by a step of 8 bits here and there."""


@dataclass(frozen=True)
class Bounds:
    """What is asked of the stages of one artifact.

    Attributes:
        precisions: Of its components.
    """

    precisions: Mapping[Component, Precision]

    def of_modules(self, signal: Signal) -> LeastLikeness:
        """Float modules, held against ``transformers``."""
        return _asked(signal, EXACT)

    def of_recipe(self, signal: Signal) -> LeastLikeness:
        """Modules of the recipe, held against float ones."""
        precision = self._precision(signal)
        return _asked(signal, EXACT if precision in FLOATS else ROUNDED[precision])

    def of_file(self, signal: Signal, itself: Likeness | None) -> LeastLikeness:
        """The files.

        Args:
            signal: Which.
            itself: What the recipe's modules keep of themselves; None where the files are held
                against what was not rounded.
        """
        if signal.name == "pixels":
            return _PIXELS
        precision = self._precision(signal)
        if itself is not None:
            return _asked(signal, _FILES[precision].not_above(itself))
        return _asked(signal, _FILES[precision] if precision in FLOATS else ROUNDED[precision])

    def _precision(self, signal: Signal) -> Precision:
        # What a runner merges has rows of the table in it.
        return self.precisions[signal.component or "token_embedding"]


def _asked(signal: Signal, bound: LeastLikeness) -> LeastLikeness:
    """A bound; without one of channels where a turn has a row or a few alone, which say nothing."""
    return LeastLikeness(bound.whole) if signal.name in LOGITS else bound
