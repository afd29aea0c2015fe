"""``index.html``: one file that needs nothing but a browser."""

from __future__ import annotations

import base64
import io
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from pydantic import JsonValue

from harness.measure.verdict import Status
from harness.measure.wording import plural
from harness.results.journal import THUMBNAIL_FOLDER
from harness.results.rows import OutcomeRow, Subject
from reports.accuracy_table import accuracy_tables
from reports.answer_cards import answer_cards
from reports.headline import LABELS, headline
from reports.run import Run
from reports.strip_plot import HEIGHT, WIDTH
from reports.verdict_table import VerdictLine, verdict_lines

TEMPLATES = Path(__file__).parent / "template"
_OUTCOME_ORDER = ("error", "failed", "skipped", "passed")
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Fact:
    """One line of "what was run"."""

    name: str
    values: tuple[str, ...]
    is_code: bool = False


@dataclass(frozen=True)
class Picture:
    """A thumbnail to embed once and show wherever it is needed."""

    width_px: int
    height_px: int
    data_uri: str


def render_page(run: Run) -> str:
    """The whole report as HTML with styles, script and images inside."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plural"] = plural
    environment.filters["plain"] = lambda text: _TERMINAL_COLOUR.sub("", text)
    environment.filters["option"] = _option
    verdicts = verdict_lines(run)
    cards = answer_cards(run.answers)
    return environment.get_template("page.html.j2").render(
        run=run,
        headline=headline(run),
        facts=_facts(run),
        verdicts=verdicts,
        proposals=_proposals(verdicts),
        labels=LABELS,
        plot_size=(WIDTH, HEIGHT),
        accuracy=accuracy_tables(run.answers),
        answers=cards,
        pictures=_pictures(run.directory / THUMBNAIL_FOLDER, sorted(cards.images)),
        outcomes=sorted(run.outcomes, key=_outcome_order),
        failures=[row for row in run.outcomes if row.outcome in ("failed", "error")],
    )


def _facts(run: Run) -> tuple[Fact, ...]:
    rows: list[Subject] = [*run.verdicts, *run.samples, *run.answers]
    session = run.session
    facts = [
        Fact("Model", _values(row.model for row in rows)),
        Fact("Target", _values(row.target for row in rows)),
        Fact("SoC", _values(row.soc for row in rows)),
        Fact("Device", _values(row.device for row in rows)),
        Fact("Mode", _values(row.mode for row in rows)),
        Fact("Precision", _values(row.precision for row in rows)),
        Fact("Protocol", _values(row.protocol for row in rows)),
        Fact("Started", _moment(run.started_at)),
        Fact("Took", _duration(run.duration)),
    ]
    if session is not None:
        commit = session.git_commit
        facts.append(Fact("Commit", (commit[:12] + commit[40:],) if commit else (), is_code=True))
        for row in run.controllers or (session,):
            facts.append(Fact("Command", (_command(row.argv),), is_code=True))
    return tuple(fact for fact in facts if fact.values)


def _command(argv: Sequence[str]) -> str:
    """The command line as a person types it, without the folder of the program."""
    program, *arguments = argv or ("",)
    path = Path(program)
    is_module = path.name == "__main__.py"
    typed = ["python", "-m", path.parent.name] if is_module else [path.name]
    return shlex.join([*typed, *arguments])


def _values(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


def _moment(moment: datetime | None) -> tuple[str, ...]:
    return (f"{moment:%Y-%m-%d %H:%M} UTC",) if moment else ()


def _duration(duration: timedelta | None) -> tuple[str, ...]:
    if duration is None:
        return ()
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return (f"{hours} h {minutes} min",)
    return (f"{minutes} min {seconds} s",) if minutes else (f"{seconds} s",)


def _option(value: JsonValue) -> str:
    if isinstance(value, list):
        return ", ".join(map(_option, value))
    return "none" if value is None or value == "" else str(value)


def _proposals(verdicts: Iterable[VerdictLine]) -> list[VerdictLine]:
    return [
        line for line in verdicts if line.row.status is Status.NO_GATE and line.row.proposed_gate
    ]


def _outcome_order(row: OutcomeRow) -> tuple[int, str]:
    return (_OUTCOME_ORDER.index(row.outcome), row.test_id)


def _pictures(folder: Path, names: Iterable[str]) -> dict[str, Picture]:
    """Thumbnails by name; one whose file is missing is left out and the page says so."""
    return {name: _picture(folder / name) for name in names if (folder / name).exists()}


def _picture(path: Path) -> Picture:
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        width_px, height_px = image.size
    data = base64.b64encode(content).decode("ascii")
    return Picture(width_px, height_px, f"data:image/jpeg;base64,{data}")
