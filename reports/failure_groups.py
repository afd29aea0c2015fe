"""Failed tests by their cause, each with the pictures that it failed on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.measure.verdict import Status
from harness.results.rows.schema import AnswerRow, OutcomeRow, VerdictRow
from harness.results.run import Run
from reports.accuracy_table import is_of_accuracy
from reports.wording import outcome_anchors, without_colours

MAX_PICTURES = 3
"""Pictures that a failure shows; the answers below have all of them."""

_CODE = r"(?:code|errno|error|signal|status)[ :=]*-?(?:0x)?[0-9a-fA-F]+\b"
_ACCIDENTAL = r"""0x[0-9a-fA-F]+|\b[0-9a-f]{8,}\b|\S*/\S+|'[^']*'|"[^"]*"|\d+(?:[.,]\d+)*"""
"""What differs between two tellings of one cause: addresses, keys, paths, names, numbers."""

_CODE_OR_ACCIDENTAL = re.compile(f"({_CODE})|{_ACCIDENTAL}")


@dataclass(frozen=True)
class Failure:
    """One test that did not end as it should.

    Attributes:
        anchor: Stable fragment to link to.
        row: How it ended.
        told: The line of its message that says why.
        message: All of it, without the colours of a terminal.
        wrong: Answers that it failed on, the first few.
    """

    anchor: str
    row: OutcomeRow
    told: str
    message: str
    wrong: tuple[AnswerRow, ...]


@dataclass(frozen=True)
class FailureGroup:
    """Tests that failed of the same cause.

    Attributes:
        cause: In the words of the first one.
        failures: At least one.
    """

    cause: str
    failures: tuple[Failure, ...]

    @property
    def is_error(self) -> bool:
        """Whether nothing was judged: the tests broke."""
        return all(failure.row.outcome == "error" for failure in self.failures)


def failure_groups(run: Run) -> tuple[FailureGroup, ...]:
    """All failures of a run, those of the most frequent cause first, else in their order."""
    judged: dict[str, list[VerdictRow]] = defaultdict(list)
    for verdict in run.judged:
        if verdict.status is Status.FAIL:
            judged[verdict.test_id].append(verdict)
    asked = _Asked.of(run.answers)
    groups: dict[object, list[Failure]] = defaultdict(list)
    for anchor, row in zip(outcome_anchors("failure", run.failures), run.failures, strict=True):
        failure = _failure(anchor, row, asked.wrong(row, judged[row.test_id]))
        groups[_cause(failure, judged[row.test_id])].append(failure)
    found = [FailureGroup(failures[0].told, tuple(failures)) for failures in groups.values()]
    return tuple(sorted(found, key=lambda group: -len(group.failures)))


def _failure(anchor: str, row: OutcomeRow, wrong: tuple[AnswerRow, ...]) -> Failure:
    message = without_colours(row.message).strip()
    lines = [line.strip() for line in message.splitlines() if any(map(str.isalnum, line))]
    lines = lines or ["No message was kept."]
    # pytest tells the reason last; whoever judged or kept evidence tells it first.
    is_first = row.status is not None or bool(row.evidence)
    return Failure(anchor, row, lines[0] if is_first else lines[-1], message, wrong)


def _cause(failure: Failure, judged: Sequence[VerdictRow]) -> object:
    """What failures of one cause share: the metrics that failed, else the words that tell it."""
    if judged:
        return tuple(sorted({row.metric for row in judged}))
    return _CODE_OR_ACCIDENTAL.sub(lambda found: found[1] or "#", failure.told)


@dataclass(frozen=True)
class _Asked:
    """Answers by the test that asked, and by what answered."""

    by_test: Mapping[str, Sequence[AnswerRow]]
    by_place: Mapping[object, Sequence[AnswerRow]]

    @classmethod
    def of(cls, answers: Iterable[AnswerRow]) -> _Asked:
        by_test: dict[str, list[AnswerRow]] = defaultdict(list)
        by_place: dict[object, list[AnswerRow]] = defaultdict(list)
        for answer in answers:
            by_test[answer.test_id].append(answer)
            by_place[_place(answer)].append(answer)
        return cls(by_test, by_place)

    def wrong(self, row: OutcomeRow, judged: Sequence[VerdictRow]) -> tuple[AnswerRow, ...]:
        """Of the test itself; else of the artifact that it judged, which another test had asked."""
        if judged and not any(is_of_accuracy(one.metric) for one in judged):
            return ()
        own = [one for one in self.by_test.get(row.test_id, ()) if row.target in (None, one.target)]
        if not own:
            places = dict.fromkeys(_place(one) for one in judged if is_of_accuracy(one.metric))
            found = [answer for place in places for answer in self.by_place.get(place, ())]
            own = [answer for answer in found if answer.variant == "real"]
        wrong = {(one.sample_id, one.given): one for one in own if _is_wrong(one)}
        return tuple(wrong.values())[:MAX_PICTURES]


def _place(row: VerdictRow | AnswerRow) -> tuple[str | None, ...]:
    return (row.artifact_key, row.mode, row.target, row.device)


def _is_wrong(row: AnswerRow) -> bool:
    """Without its own picture it is the right answer that should not be there."""
    return row.correct == (row.variant != "real")


def pictures_of(groups: Sequence[FailureGroup]) -> Mapping[str, None]:
    """Names of the thumbnails that failures show, in their order."""
    wrong = (one for group in groups for failure in group.failures for one in failure.wrong)
    return dict.fromkeys(answer.image for answer in wrong if answer.image)
