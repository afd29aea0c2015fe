"""What stages of a model can be compared by, in the order in which data flows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from harness.vocabulary import Component

Array = NDArray[Any]

SignalName = Literal[
    "pixels",
    "patch embeddings",
    "vision states",
    "projector input",
    "image features",
    "token rows",
    "prompt rows",
    "keys",
    "values",
    "hidden states",
    "first logits",
    "kept keys",
    "kept values",
    "answer logits",
]
"""Each is what one part of a stage makes of what the float model gave to that part.

``keys`` and ``values`` are of a prompt's positions as prefill leaves them, the kept ones of all
positions when the answer has ended; ``first logits`` choose an answer's first token.
"""

LOGITS: frozenset[SignalName] = frozenset({"first logits", "answer logits"})

INNER: frozenset[SignalName] = frozenset(
    {"patch embeddings", "vision states", "projector input", "hidden states"}
)
"""Those inside of graphs, which neither files nor graphs that were traced show."""

_FLOW: tuple[tuple[SignalName, ...], ...] = (
    ("pixels",),
    ("patch embeddings",),
    ("vision states",),
    ("projector input",),
    ("image features",),
    ("token rows",),
    ("prompt rows",),
    ("keys", "values", "hidden states"),
    ("first logits",),
    ("kept keys", "kept values"),
    ("answer logits",),
)
"""Signals of one place have one for each layer, and follow each other layer by layer."""

_DECODER = _FLOW[7:]
_PLACES = {name: place for place, names in enumerate(_FLOW) for name in names}

_COMPONENTS: Mapping[SignalName, Component] = {
    "patch embeddings": "vision_encoder",
    "vision states": "vision_encoder",
    "projector input": "vision_encoder",
    "image features": "vision_encoder",
    "token rows": "token_embedding",
    **dict.fromkeys((name for names in _DECODER for name in names), "text_decoder"),
}


@dataclass(frozen=True)
class Signal:
    """One tensor of one turn.

    Attributes:
        turn: Of the conversation, from 0; pictures and text of a turn come before its prompt is
            read.
        name: What it is.
        layer: Whose, from 0; None of what has no layers.
    """

    turn: int
    name: SignalName
    layer: int | None = None

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Sorts signals by where data flows."""
        names = get_args(SignalName)
        return self.turn, _PLACES[self.name], self.layer or 0, names.index(self.name)

    @property
    def component(self) -> Component | None:
        """Which of the three files makes it; None for what the runner does itself."""
        return _COMPONENTS.get(self.name)

    @property
    def described(self) -> str:
        """As a sentence names it."""
        layer = "" if self.layer is None else f" of layer {self.layer}"
        return f"{self.name}{layer}{f' in turn {self.turn + 1}' if self.turn else ''}"


Reading = Mapping[Signal, Array]
"""What a stage made of one exercise, real numbers in float32."""
