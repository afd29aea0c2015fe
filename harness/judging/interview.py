"""Questions put to one artifact; every answer is written down as soon as it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from harness.artifacts.artifact import Artifact
from harness.heartbeat import Pace, Tell, tell_nobody
from harness.judging.answer_reader import AnswerReader, refuse_dead
from harness.judging.failures import NothingToJudge
from harness.judging.measured import Measured, measured_on
from harness.judging.questions import PictureQuestion
from harness.judging.record import Record
from harness.measure.accuracy_delta import ScoredPair, drop
from harness.measure.estimate import Estimate
from harness.measure.margin import Margin
from harness.measure.ratio import Part, ratio
from harness.measure.share import Scored, share
from harness.results.rows.schema import AnswerRow, Variant
from harness.runtime.generation import Generation, Turn
from harness.runtime.request import RunOptions
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_stops import stop_texts
from harness.vocabulary import Mode

MAX_NEW_TOKENS = 128
"""Decode steps that an answer may take; the first token comes on top."""

QUESTIONS_PER_RUN = 100
"""What one process is asked, where one answers several requests."""


@dataclass(frozen=True)
class Answer:
    """One answered question.

    Attributes:
        token_ids: As generated, stop token included.
        given: Text without stop token and surrounding blanks.
        correct: Whether it counts as right.
        margins: The two best choices for every token, with their gap in units of the decoder's
            output; None where the runner cannot tell.
        decode_steps: Passes of the decode method; None where the runner cannot tell.
    """

    question: PictureQuestion
    token_ids: tuple[int, ...]
    given: str
    correct: bool
    margins: tuple[Margin, ...] | None = None
    decode_steps: int | None = None


@dataclass(frozen=True)
class Answers(Measured):
    """All answers of one artifact in one mode to one variant of the pictures."""

    items: tuple[Answer, ...]

    @property
    def share_right(self) -> Estimate:
        """Share of answers that count as right, 0 to 1."""
        right = [Scored(one.question.cluster, float(one.correct)) for one in self.items]
        return share(right, "answer")

    def gain_over(self, others: Answers) -> Estimate:
        """How many more of the same questions are right here than among others."""
        both = zip(self.items, others.items, strict=True)
        pairs = [
            ScoredPair(one.question.cluster, float(one.correct), float(other.correct))
            for one, other in both
        ]
        return drop(pairs, ("more", "fewer"))

    def first(self, count: int) -> Answers:
        """The answers to the first questions."""
        return replace(self, items=self.items[:count])

    @property
    def token_ids(self) -> list[tuple[int, ...]]:
        """Token ids of every answer."""
        return [answer.token_ids for answer in self.items]

    @property
    def ids_by_question(self) -> dict[str, tuple[int, ...]]:
        """Token ids by question id."""
        return {answer.question.id: answer.token_ids for answer in self.items}

    @property
    def missing_features(self) -> list[str]:
        """One sentence per answer that does not name what its picture shows."""
        missing = [(one, one.question.missing(one.given)) for one in self.items]
        return [
            f"{one.question.image.name} without {', '.join(features)}: {one.given!r}"
            for one, features in missing
            if features
        ]

    def tokens_per_step(self, kind: str) -> Estimate:
        """Tokens that a pass of the decode method yields, over all answers to a kind of question.

        Raises:
            NothingToJudge: If the runner does not count its passes.
        """
        asked = [answer for answer in self.items if answer.question.kind == kind]
        parts = [
            Part(answer.question.cluster, len(answer.token_ids) - 1, answer.decode_steps)
            for answer in asked
            if answer.decode_steps is not None
        ]
        if len(parts) < len(asked):
            raise NothingToJudge("the runner does not tell how many passes it took")
        return ratio(parts, "answer")


@dataclass(frozen=True)
class Interview:
    """One artifact in one mode, asked by one test.

    Attributes:
        requantization: False to leave the KV cache as prefill wrote it. Such answers are known to
            be wrong and are not written down.
        upstream_compat: Run as upstream's runner does.
        is_judged: False for answers that are only told beside those that are judged; they are not
            written down either.
        tell: Shows whoever waits what is being done.
    """

    record: Record
    model: VlmSpec
    artifact: Artifact
    mode: Mode
    variant: Variant = "real"
    requantization: bool = True
    upstream_compat: bool = False
    is_judged: bool = True
    tell: Tell = tell_nobody

    @property
    def measured(self) -> Measured:
        """What gates of these answers are looked up by."""
        return measured_on(self.record.device, self.artifact, self.mode)

    @property
    def is_kept(self) -> bool:
        """Whether answers count, so that they are written down."""
        return self.requantization and self.is_judged

    def put(self, questions: Sequence[PictureQuestion], reference: Mapping[str, str]) -> Answers:
        """Put the questions, a batch per run, and write each answer down as soon as it is there.

        Args:
            questions: In the order of the answers.
            reference: The float model's answers by question id, as far as they are known.

        Raises:
            RunFailure: If a run breaks; what it had answered is written down.
        """
        asked = {question.id: question for question in questions}
        stops = stop_texts(Tokenizer(self.artifact.tokenizer_path), self.model.family)
        pace = Pace(len(questions))
        items: list[Answer] = []

        def tell() -> None:
            self.tell(f"answer {pace.described()}: {self.measured.context.describe()}")

        def take(generation: Generation) -> None:
            answer = _answer(asked[generation.request_id], generation, stops)
            if self.is_kept:
                self._write_down(answer, reference.get(answer.question.id))
            items.append(answer)
            pace.finish_one()
            tell()

        options = RunOptions(
            mode=self.mode,
            max_new_tokens=MAX_NEW_TOKENS,
            requantization=self.requantization,
            upstream_compat=self.upstream_compat,
            record_margins="record_margins" not in self.record.device.lacks,
        )
        tell()
        for start in range(0, len(questions), QUESTIONS_PER_RUN):
            batch = questions[start : start + QUESTIONS_PER_RUN]
            requests = [question.request() for question in batch]
            self.record.device.run(self.artifact, requests, options, take)
        return Answers(self.artifact, self.measured.context, tuple(items))

    def refuse_dead(self, answers: Answers) -> None:
        """Refuse to judge what a dead model said of the pictures that it was asked about.

        What is said of other pictures may be nothing, and all alike.

        Raises:
            DeadModel: If they are such answers.
        """
        if not (self.is_kept and self.variant == "real"):
            return
        reader = AnswerReader.of(self.artifact)
        said = [
            reader.read(
                one.question.prompt,
                str(one.question.image),
                one.token_ids,
                None if one.margins is None else tuple(margin.gap for margin in one.margins),
            )
            for one in answers.items
        ]
        refuse_dead(self.artifact, self.mode, said)

    def _write_down(self, answer: Answer, reference: str | None) -> None:
        with Image.open(answer.question.image) as picture:
            image = self.record.recorder.store_thumbnail(picture)
        self.record.recorder.append(
            AnswerRow(
                **self.record.subject(self.measured).model_dump(),
                sample_id=answer.question.id,
                question=answer.question.prompt,
                expected=answer.question.expected,
                reference=reference,
                given=answer.given,
                correct=answer.correct,
                image=image,
                variant=self.variant,
                question_kind=answer.question.kind,
            )
        )


def _answer(question: PictureQuestion, generation: Generation, stops: Sequence[str]) -> Answer:
    turn = generation.last
    given, steps = plain(turn.text, stops), turn.stats.decode_steps
    is_right = question.is_right(given)
    return Answer(question, turn.token_ids, given, is_right, margins_of(turn), steps)


def margins_of(turn: Turn) -> tuple[Margin, ...] | None:
    """What a run recorded of its choices, None where it recorded nothing."""
    if turn.top2_gaps is None or turn.runner_up_ids is None:
        return None
    recorded = zip(turn.top2_gaps, turn.token_ids, turn.runner_up_ids, strict=True)
    return tuple(Margin(gap, chosen, other) for gap, chosen, other in recorded)


def plain(text: str, stops: Sequence[str]) -> str:
    """An answer without its stop token, one of ``stops``, and surrounding blanks."""
    for stop in stops:
        text = text.removesuffix(stop)
    return text.strip()
