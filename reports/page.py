"""``index.html``: one file that needs nothing but a browser."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import JsonValue

from harness.display import legible
from harness.measure.accuracy import missing_features
from harness.measure.wording import number, plural
from harness.results.journal import THUMBNAIL_FOLDER
from harness.results.rows.schema import OutcomeRow
from harness.results.run import Run
from harness.results.series import Series
from harness.results.stand_in import banners
from reports import payload
from reports.accuracy_table import accuracy_tables, is_of_accuracy
from reports.answer_cards import AnswerCards, answer_cards, features_of
from reports.charts import chart_script, chart_specs
from reports.comparison_table import comparison_lines
from reports.device_log import Gauge, find_gauges
from reports.facts import find_facts
from reports.failure_groups import FailureGroup, failure_groups, pictures_of
from reports.farm_night import farm_night
from reports.findings import Finding
from reports.headline import headline
from reports.ladders import ladder_pictures, marks, told
from reports.night_links import night_links
from reports.past import Past
from reports.pictures import Picture, embed_pictures
from reports.stages import find_stages
from reports.trends import Trend
from reports.unsteady import unsteady_gates
from reports.verdict_folds import REST, by_room, fold_verdicts
from reports.verdict_table import VerdictLine, verdict_anchor, verdict_lines
from reports.wording import day, percent, subject_words, without_colours

TEMPLATES = Path(__file__).parent / "template"
MAX_FAILURES = 100
"""Failures that the page shows with their evidence; the list of tests has all of them."""

MAX_PROPOSALS = 60
MAX_GAUGES = 24
_OUTCOME_ORDER = ("error", "failed", "skipped", "passed")


def render_page(
    run: Run, past: Past, trends: Sequence[Trend], findings: Sequence[Finding], out: Path
) -> str:
    """The whole report as HTML with styles, scripts, data and images inside.

    Args:
        run: The reported run.
        past: The runs before it.
        trends: Of what it measured.
        findings: What got worse or better.
        out: Folder that the page is for, from which it links to earlier nights' pages.
    """
    verdicts = verdict_lines(run)
    cards = answer_cards(run.answers)
    failures = failure_groups(run)
    gauges = find_gauges(run.device_states)
    moving = [gauge for gauge in gauges if gauge.moves][:MAX_GAUGES]
    data = _data(run, past, trends, findings, verdicts, cards, moving)
    data["pictures"] = _pictures(run, failures, cards)
    comparisons = comparison_lines(run.compared, run.virtual_devices)
    data["comparisons"] = comparisons
    has_charts = bool(trends or moving)
    data["charts"] = chart_specs() if has_charts else {}
    return _environment().get_template("page.html.j2").render(
        run=run,
        stand_ins=[banner for banner in banners(run) if banner not in run.clock_sentences],
        failures=failures,
        past=past,
        night_links=night_links(past, run.directory.resolve().parent, out.resolve()),
        headline=headline(run, findings),
        findings=findings,
        differences=past.differences,
        facts=find_facts(run),
        verdicts=verdicts,
        comparisons=comparisons,
        proposals=[line for line in verdicts if line.proposed_gate],
        max_proposals=MAX_PROPOSALS,
        unsteady=unsteady_gates(run, past),
        accuracy_gates=by_room([line for line in verdicts if is_of_accuracy(line.metric)]),
        accuracy=accuracy_tables(run.answers),
        answers=cards,
        trends=data["trends"],
        stages=find_stages(run.samples),
        farm=farm_night(run),
        ladders=ladder_pictures(run.ladders),
        ladder_marks=marks(),
        gauges=gauges,
        max_gauges=MAX_GAUGES,
        max_failures=MAX_FAILURES,
        folds={"rest": REST, "steady": payload.STEADY},
        data=payload.to_script(data),
        chart_script=Markup(chart_script().replace("</script", "<\\/script") if has_charts else ""),
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_legible,
    )
    environment.filters["plural"] = plural
    environment.filters["number"] = number
    environment.filters["percent"] = percent
    environment.filters["day"] = day
    environment.filters["plain"] = without_colours
    environment.filters["features"] = features_of
    environment.filters["missing"] = lambda row: missing_features(row.given, features_of(row))
    environment.filters["ladder_told"] = told
    environment.filters["option"] = _option
    environment.filters["command_line"] = _command
    environment.filters["subject_words"] = subject_words
    return environment


def _legible(value: object) -> object:
    """What others wrote, shown and not obeyed; markup is ours."""
    return legible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _data(
    run: Run,
    past: Past,
    trends: Sequence[Trend],
    findings: Sequence[Finding],
    verdicts: Sequence[VerdictLine],
    cards: AnswerCards,
    gauges: Sequence[Gauge],
) -> payload.Payload:
    anchors = {trend.key: trend.anchor for trend in trends if len(trend.points) > 1}
    continued = {
        verdict_anchor(row): anchors[Series.of_row(row)]
        for row in run.judged
        if Series.of_row(row) in anchors
    }
    return {
        "verdicts": payload.verdict_rows(fold_verdicts(verdicts), continued),
        "tests": payload.test_rows(sorted(run.outcomes, key=_outcome_order)),
        "answers": cards.cards,
        "nights": payload.night_rows(past.nights),
        "trends": payload.trend_rows(trends, run.judged, findings, past.nights),
        "gauges": payload.gauge_rows(gauges),
    }


def _pictures(run: Run, failures: Sequence[FailureGroup], cards: AnswerCards) -> dict[str, Picture]:
    """Those that failures show first: they are what a red night is opened for."""
    names = dict.fromkeys([*pictures_of(failures), *cards.images])
    return embed_pictures(run.directory / THUMBNAIL_FOLDER, names)


def _command(argv: Sequence[str]) -> str:
    """The command line as a person types it, without the folder of the program."""
    program, *arguments = argv or ("",)
    path = Path(program)
    is_module = path.name == "__main__.py"
    typed = ["python", "-m", path.parent.name] if is_module else [path.name]
    return shlex.join([*typed, *arguments])


def _option(value: JsonValue) -> str:
    if isinstance(value, list):
        return ", ".join(map(_option, value))
    return "none" if value is None or value == "" else str(value)


def _outcome_order(row: OutcomeRow) -> tuple[int, str]:
    return (_OUTCOME_ORDER.index(row.outcome), row.test_id)
