"""Whatever a phone, a model, a file or a name holds, a terminal and a CI system only show it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.progress import Progress, TextColumn
from rich.table import Table

import harness
from harness.console import PlainConsole
from harness.display import ColouredStream, ShownStream, for_programs, own, shown

ROOT = Path(harness.__file__).parents[1]
CLEARED = "a\x1b[2Jb"
COMMANDS = {
    "\x1b[2J": "\\x1b[2J",
    "\x1b]0;title\x07": "\\x1b]0;title\\x07",
    "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\": "\\x1b]8;;http://evil\\x1b\\here\\x1b]8;;\\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07": "\\x1b]52;c;ZXZpbA==\\x07",
    "\x1b[31mred": "\\x1b[31mred",
    "\x9b2J\x9d0;x\x9c": "\\x9b2J\\x9d0;x\\x9c",
    "FAIL\rPASS": "FAIL\\rPASS",
    "ab\x08\x08": "ab\\x08\\x08",
    "\x00\x7f\x85\x0b\x0c": "\\x00\\x7f\\x85\\x0b\\x0c",
    "\u202egnp.exe\u202c": "\\u202egnp.exe\\u202c",
    "\u2066a\u2069\u200e\u200f\u061c": "\\u2066a\\u2069\\u200e\\u200f\\u061c",
    "pass\u200bword\u200d\ufeff\u2060\u00ad": "pass\\u200bword\\u200d\\ufeff\\u2060\\xad",
    "a\u2028b\u2029c": "a\\u2028b\\u2029c",
    "\U000e0041": "\\U000e0041",
    "\ud800": "\\ud800",
}


@pytest.mark.parametrize("text", COMMANDS)
def test_what_a_terminal_obeys_is_spelled_out(text: str) -> None:
    assert shown(text) == COMMANDS[text]
    assert shown(shown(text)) == COMMANDS[text]


@pytest.mark.parametrize(
    "text",
    ["", "a\tb\nc", "zażółć gęślą", "日本語 ✓ 😀", "[red]a[/]", "50 % \\x1b", "שלום", "a::b::c"],
)
def test_what_is_only_text_stays(text: str) -> None:
    assert shown(text) == text


def test_line_ends_of_other_systems_are_line_ends() -> None:
    assert shown("a\r\nb\r\n") == "a\nb\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("a\n  ::add-mask::pass", "a\n  \\x3a:add-mask::pass"),
        ("::warning file=a.py,line=1::x", "\\x3a:warning file=a.py,line=1::x"),
        ("::STOP-commands::t", "\\x3a:STOP-commands::t"),
        ("\r\n::set-output name=a::b", "\n\\x3a:set-output name=a::b"),
        ("x ##[error]y", "x \\x23#[error]y"),
        ("##[add-matcher]m.json", "\\x23#[add-matcher]m.json"),
        ("##vso[task.setvariable variable=a]b", "\\x23#vso[task.setvariable variable=a]b"),
    ],
)
def test_no_line_is_a_command_to_a_ci_system(text: str, told: str) -> None:
    assert shown(text) == told


def test_colours_stay_where_somebody_colours_and_nothing_else_does() -> None:
    text = "\x1b[31m\x1b[1mred\x1b[0m\x1b[39;49;00m \x1b[8mhidden\x1b[2J"
    told = "\x1b[31m\x1b[1mred\x1b[0m\x1b[39;49;00m \\x1b[8mhidden\\x1b[2J"
    assert shown(text, keeps_colours=True) == told


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [ShownStream, ColouredStream])
@pytest.mark.parametrize("place", [io.BytesIO, Terminal])
def test_nothing_that_is_printed_is_obeyed(
    kind: type[ShownStream], place: type[io.BytesIO]
) -> None:
    written = place()
    stream = kind(written, "utf-8")
    print(CLEARED, "\r\n::error::x", file=stream, flush=True)
    assert written.getvalue() == b"a\\x1b[2Jb \n\\x3a:error::x\n"


def test_what_a_program_reads_is_exact_and_shown_where_a_terminal_is() -> None:
    piped, terminal = io.BytesIO(), Terminal()
    streams = [ShownStream(place, "utf-8") for place in (piped, terminal)]
    for stream in streams:
        print(CLEARED, file=for_programs(stream), flush=True)
    assert piped.getvalue() == b"a\x1b[2Jb\n"
    assert terminal.getvalue() == b"a\\x1b[2Jb\n"


def test_the_progress_of_a_download_begins_its_line_anew_on_a_terminal_alone() -> None:
    piped, terminal = io.BytesIO(), Terminal()
    streams = [ShownStream(place, "utf-8") for place in (piped, terminal)]
    for stream in streams:
        print("\r10 %\r", end="", file=stream, flush=True)
    assert piped.getvalue() == b"\\r10 %\\r"
    assert terminal.getvalue() == b"\r10 %\\r"


@pytest.mark.parametrize(
    "text",
    ["[red]a[/]", "[link=http://evil]a[/link]", "\\[b]", "[/]", ":smile:", "[@click=app.bell]x"],
)
def test_no_text_is_markup(text: str) -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, width=60, force_terminal=True, color_system="standard")
    table = Table(text, title=text)
    table.add_row(text)
    console.print(text)
    console.print(table)
    with Progress(TextColumn("{task.description}", markup=False), console=console) as progress:
        progress.add_task(text)
    assert file.getvalue().count(text) >= 4
    assert "\x1b]8" not in file.getvalue()


def test_no_program_of_ours_has_a_console_that_obeys() -> None:
    """Colours of one that writes to ``ShownStream`` would be spelled out, too."""
    rooms = ("harness", "fixtures", "reports", "benchmarks", "training")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    obeying = re.compile(r"rich\.console import .*\bConsole\b|from rich import|import rich\b")
    found = {
        path.relative_to(ROOT).as_posix() for path in files if obeying.search(path.read_text())
    }
    assert found == {"harness/console.py"}


def test_rich_moves_its_own_lines_and_nobody_elses() -> None:
    terminal = Terminal()
    stream = ShownStream(terminal, "utf-8")
    console = PlainConsole(file=own(stream), width=60, force_terminal=True)
    table = Table(CLEARED)
    table.add_row("b\x1b]0;x\x07", style="bold")
    console.print(table)
    console.show_cursor(False)
    stream.flush()
    told = terminal.getvalue().decode()
    assert "\x1b[?25l" in told
    assert "\x1b[2J" not in told
    assert "\x1b]" not in told
    assert "\\x1b[2J" in told
