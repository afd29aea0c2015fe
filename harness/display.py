"""What people see of texts that others wrote: phones, models, files, gates, names.

A terminal obeys some characters, and the log of a CI system some lines. :func:`shown` spells them
out, and :class:`ShownStream` does so for all that a program prints.
"""

from __future__ import annotations

import io
import re
from typing import TextIO, cast

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, C1
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # of no width, or of direction
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_COLOUR = re.compile(r"\x1b\[(?:0|1|2|3|4|7|2[2-7]|3[0-79]|4[0-79]|9[0-7]|10[0-7]|;)*m")
"""Colours and weights; nothing that hides what is written."""

_CI_COMMAND = re.compile(
    r"^([^\S\n]*):(?=:[a-z][\w-]*(?: [^\n]*)?::)|#(?=#(?:vso)?\[[a-z][\w.-]*[ \]])",
    re.IGNORECASE | re.MULTILINE,
)
"""``::error::`` and ``##[error]`` of GitHub Actions, ``##vso[...]`` of Azure."""


def shown(text: str, *, keeps_colours: bool = False) -> str:
    r"""A text in which nothing is a command to who shows it.

    Characters that move, hide, reorder or colour what is shown are written as their escapes,
    ``\x1b`` for instance, and so is what begins a command to a CI system. Line feeds and tabs
    stay.

    Args:
        text: Whatever somebody wrote.
        keeps_colours: Whether it may be coloured: others' colours cannot be told from ours.
    """
    if keeps_colours:
        text = text.replace("\r\n", "\n")
        pieces = zip([*_COLOUR.split(text)], [*_COLOUR.findall(text), ""], strict=True)
        return "".join(_spelled_out(piece) + colour for piece, colour in pieces)
    return _spelled_out(text)


def _spelled_out(text: str) -> str:
    return legible(
        _CI_COMMAND.sub(lambda found: f"{found[1] or ''}\\x{ord(found[0][-1]):02x}", text)
    )


def legible(text: str) -> str:
    r"""The same for a page, which obeys no lines: ``\u202e`` would turn the rest of one around."""
    return _OBEYED.sub(lambda found: _escape(found[0]), text.replace("\r\n", "\n"))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class ShownStream(io.TextIOWrapper):
    """A stream for people: what is written to it goes through :func:`shown`."""

    keeps_colours = False

    def write(self, text: str) -> int:
        """Write a text of whatever origin."""
        # What is written over the line before, as the progress of a download.
        own = (
            "\r" if text.startswith("\r") and not text.startswith("\r\n") and self.isatty() else ""
        )
        super().write(own + shown(text.removeprefix(own), keeps_colours=self.keeps_colours))
        return len(text)

    def write_own(self, text: str) -> int:
        """Write what is ours, commands to the terminal included."""
        return super().write(text)


class ColouredStream(ShownStream):
    """One for who colours what is written to it."""

    keeps_colours = True


class _Own:
    """Writes to a stream for people what is ours."""

    def __init__(self, stream: ShownStream) -> None:
        self.write = stream.write_own
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def own(stream: TextIO) -> TextIO:
    """A stream for what is ours; others' texts in it have gone through :func:`shown`."""
    return cast(TextIO, _Own(stream)) if isinstance(stream, ShownStream) else stream


def for_programs(stream: TextIO) -> TextIO:
    """A stream for what a program reads: exact, unless a terminal shows it."""
    return stream if stream.isatty() else own(stream)
