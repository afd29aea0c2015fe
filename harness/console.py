"""rich on the streams of this process, where no text of others is markup or a command."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from harness.display import own, shown


class PlainConsole(Console):
    """Shows texts as they are; styles are given beside a text, never in it.

    Args:
        stderr: Whether it is for standard error.
        file: Another stream.
        settings: As ``rich`` takes them.
    """

    def __init__(
        self, *, stderr: bool = False, file: IO[str] | None = None, **settings: Any
    ) -> None:
        file = file or own(sys.stderr if stderr else sys.stdout)
        super().__init__(file=file, markup=False, emoji=False, highlight=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """A text with the room that it takes as it is shown."""
        return super().render_str(shown(text), **settings)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Parts of what is shown, the moves of a live display among them."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else shown(text), style, control)
