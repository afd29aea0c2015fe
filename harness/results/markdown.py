"""Text of rows in Markdown: whatever it says, it stays text."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from harness.measure.wording import number

_MEANING = re.compile(
    r"""[&<`*\[\]#~|\\{}$]      # entities, tags, code, emphasis, links, tables, formulas
    |(?<![A-Za-z0-9])[_@]|_(?![A-Za-z0-9])   # emphasis around words, somebody's name
    |:(?=//|[a-z0-9_+-]+:)                  # addresses, emoji
    |(?<=www)\.
    |^(?:>|[-+=](?=\s|$|[-=])|\d+(?=[.)](?:\s|$)))   # quotes, lists, headings""",
    re.VERBOSE | re.IGNORECASE,
)
_MAX_LENGTH = 400
_SAFE_IN_ADDRESSES = "%/:?#@!$&*+,;=~"
"""Of what has a meaning in addresses, that which has none in Markdown around them."""


def text(words: str, max_length: int = _MAX_LENGTH) -> str:
    """Words on one line, in which nothing is Markdown or HTML; cut where they are very long."""
    line = _one_line(words)
    rest = len(line) - max_length
    line = line[:max_length] + (f"… ({number(rest)} characters more)" if rest > 0 else "")
    return _MEANING.sub(lambda found: "".join(f"&#{ord(one)};" for one in found[0]), line)


def code(words: str) -> str:
    """Words as code, outside of tables."""
    line = _one_line(words)
    is_plain = len(line) <= _MAX_LENGTH and not set(line) & set("`<&")
    return f"`{line}`" if is_plain else f"<code>{text(line)}</code>"


def link(words: str, address: str) -> str:
    """Words that lead to an address of the web, or to a file beside; other addresses are told."""
    if urlsplit(address).scheme.lower() not in ("", "http", "https"):
        return f"{text(words)}: {code(address)}"
    return f"[{text(words)}]({quote(address, safe=_SAFE_IN_ADDRESSES)})"


def _one_line(words: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in words).split())


def table_row(*cells: str) -> str:
    """One row of a table; its cells are texts already."""
    return f"| {' | '.join(cells)} |"


def folded(title: str, lines: list[str]) -> list[str]:
    """Lines behind a title that opens them; nothing where there are none."""
    if not lines:
        return []
    return ["", f"<details><summary>{text(title)}</summary>", "", *lines, "", "</details>", ""]


def within(lines: list[str], limit_bytes: int, end: str) -> str:
    """Lines up to a limit, whole ones, with what says that there are more behind them."""
    kept: list[str] = []
    room = limit_bytes - len(end.encode()) - 64
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            opened = sum(one.startswith("<details>") for one in kept)
            closed = sum(one == "</details>" for one in kept)
            return "\n".join([*kept, *["", "</details>"] * (opened - closed), "", end, ""])
        kept.append(line)
    return "\n".join([*kept, ""])
