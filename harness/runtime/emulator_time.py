"""What Qualcomm's HTP emulator takes for files, said before it begins. Imports without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.backends.qnn.delegates import read_delegates
from harness.runtime.files import RunFiles

ENCODER_S_PER_MB = 0.5
"""A picture of 512 px, 1,024 rows: 22 s for the 44.8 MB of four layers of SmolVLM-500M's encoder,
one core of an x86-64 server, QNN 2.47, 16a8w."""

CALL_S_PER_MB = 0.02
"""Nearly the same for one row and for sixteen: 1.8 s for the 88.5 MB of four layers and a head."""

_WORTH_A_SENTENCE_S = 2.0
_BYTES_PER_MB = 1e6


@dataclass(frozen=True)
class EmulatorTime:
    """About what the emulator takes on a machine with nothing else to do.

    Attributes:
        picture_s: For one call of the vision encoder.
        call_s: For one call of the text decoder: a chunk of the prompt, or one token.
    """

    picture_s: float
    call_s: float

    @property
    def sentence(self) -> str | None:
        """For whoever is about to wait; None where that is not worth a word."""
        if max(self.picture_s, self.call_s) < _WORTH_A_SENTENCE_S:
            return None
        return (
            f"The emulator takes about {_duration(self.picture_s)} for a picture and "
            f"{_duration(self.call_s)} for each token or chunk of a prompt, which a phone does in "
            "milliseconds; --max_new_tokens bounds it."
        )


def emulator_time(files: RunFiles) -> EmulatorTime | None:
    """What a run of files for the HTP takes here.

    Args:
        files: That were checked.

    Returns:
        None where no decoder is for the HTP.
    """
    decoder = _graph_megabytes(files.decoder)
    if not decoder:
        return None
    encoder = _graph_megabytes(files.encoder)
    return EmulatorTime(ENCODER_S_PER_MB * max(encoder, default=0.0), CALL_S_PER_MB * max(decoder))


def _graph_megabytes(path: Path) -> Sequence[float]:
    """Size of each graph of a file: a context's, divided among the graphs that lie in it."""
    contexts = [one.context for one in read_delegates(path) if one.context is not None]
    return [one.size / contexts.count(one) / _BYTES_PER_MB for one in contexts]


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
