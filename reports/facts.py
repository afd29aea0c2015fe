"""What was run where and when: the lines below the headline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from harness.artifacts.manifest import precision_label
from harness.measure.wording import plural
from harness.results.rows.schema import AnswerRow, SampleRow, VerdictRow
from harness.results.run import Run
from harness.vocabulary import COMPONENTS, Component, Precision
from reports.wording import took

_MAX_VALUES = 6
_MeasuredRow = VerdictRow | SampleRow | AnswerRow


@dataclass(frozen=True)
class Fact:
    """One line of "what was run"."""

    name: str
    values: tuple[str, ...]
    is_code: bool = False
    is_wide: bool = False


def find_facts(run: Run) -> tuple[Fact, ...]:
    """What was measured where and when, in a line or two; of several targets a line for each."""
    rows: list[_MeasuredRow] = [*run.verdicts, *run.samples, *run.answers]
    by_target: dict[str, list[_MeasuredRow]] = defaultdict(list)
    for row in rows:
        by_target[row.target or "no target"].append(row)
    several: list[Fact] = []
    facts: list[Fact] = []
    if len(by_target) > 1:
        several = [_of_target(target, by_target[target]) for target in sorted(by_target)]
    else:
        facts.append(Fact("Target", _values(by_target)))
        facts += [Fact(name, values) for name, values in _subjects(rows).items()]
    facts.append(Fact("Protocol", _values(row.protocol for row in rows)))
    started = (f"{run.started_at:%Y-%m-%d %H:%M} UTC",) if run.started_at else ()
    facts += [Fact("Started", started), Fact("Took", _took(run))]
    commit = run.session.git_commit if run.session else None
    facts.append(Fact("Commit", (commit[:12] + commit[40:],) if commit else (), is_code=True))
    return tuple(fact for fact in (*facts, *several, *_notices(run)) if fact.values)


def _of_target(target: str, rows: Sequence[_MeasuredRow]) -> Fact:
    """What ran on one of several targets."""
    counts = {"verdict": VerdictRow, "sample": SampleRow, "answer": AnswerRow}
    found = {noun: sum(isinstance(row, kind) for row in rows) for noun, kind in counts.items()}
    told = ", ".join(plural(count, noun) for noun, count in found.items() if count)
    words = (", ".join(values) for values in _subjects(rows).values() if values)
    return Fact(f"On {target}", (f"{' · '.join(words)}: {told}",), is_wide=True)


def _subjects(rows: Sequence[_MeasuredRow]) -> Mapping[str, tuple[str, ...]]:
    return {
        "Model": _values(row.model for row in rows),
        "SoC": _values(row.soc for row in rows),
        "Device": _values(row.device for row in rows),
        "Mode": _values(row.mode for row in rows),
        "Precision": _values(_precisions(rows)),
    }


def _precisions(rows: Iterable[_MeasuredRow]) -> Iterator[str]:
    """The recipe of each artifact once, though rows of its components bear the component's."""
    whole: dict[str | None, set[str]] = defaultdict(set)
    parts: dict[str | None, dict[Component, Precision]] = defaultdict(dict)
    for row in rows:
        component = None if isinstance(row, AnswerRow) else row.component
        if row.precision and component:
            parts[row.artifact_key][component] = cast("Precision", row.precision)
        elif row.precision:
            whole[row.artifact_key].add(row.precision)
    for recipes in whole.values():
        yield from recipes
    for key in parts.keys() - whole.keys():
        if len(parts[key]) == len(COMPONENTS):
            yield precision_label(parts[key])
        elif len(told := set(parts[key].values())) == 1:
            yield from told
        else:
            yield from (f"{component}={word}" for component, word in sorted(parts[key].items()))


def _notices(run: Run) -> Iterator[Fact]:
    """What answers will be otherwise by, each sentence with the models that it is of."""
    models: dict[str, dict[str, None]] = {}
    for notice in run.notices:
        models.setdefault(notice.sentence, {})[notice.model] = None
    for sentence, named in models.items():
        yield Fact("Note", (f"{', '.join(named)}: {sentence}",), is_wide=True)


def _values(values: Iterable[str | None]) -> tuple[str, ...]:
    found = sorted({value for value in values if value})
    if len(found) <= _MAX_VALUES:
        return tuple(found)
    shown = found[: _MAX_VALUES - 1]
    return (*shown, f"and {len(found) - len(shown)} more")


def _took(run: Run) -> tuple[str, ...]:
    """How long it took; of a session that died only what its last row tells."""
    told = _duration(run.duration)
    return told if run.finished else tuple(f"{words} until its last row" for words in told)


def _duration(duration: timedelta | None) -> tuple[str, ...]:
    return () if duration is None else (took(duration.total_seconds()),)
