"""What upstream's runner shows of a turn, and the file that it writes at the end of each."""

from __future__ import annotations

from pathlib import Path

from harness.runtime.generation import Turn
from harness.runtime.observer import ConsoleObserver, LogitsSink, inference_speed
from harness.runtime.stopwatch import Stopwatch


class UpstreamObserver(ConsoleObserver):
    """Prints what upstream's runner prints of a turn, and writes the speed file at its end.

    Args:
        speed_path: The speed file, written anew at the end of each turn.
        logits_sink: Gets all logits.
    """

    def __init__(self, speed_path: Path, logits_sink: LogitsSink | None = None) -> None:
        super().__init__(logits_sink=logits_sink)
        self._speed_path = speed_path

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Print the statistics without the time inside ``execute``, and rewrite the speed file."""
        if turn.stats.stop_reason == "unknown":
            # A token that the tokenizer lacks ended it, which upstream tells nobody.
            return
        untimed = turn.stats.model_copy(update={"execute_ms": None})
        super().turn_ended(turn.model_copy(update={"stats": untimed}), stopwatch)
        assert self.reported is not None
        try:
            self._speed_path.write_text(inference_speed(self.reported))
        except OSError:
            self.log("Error saving the inference speed file", level="E")
