"""Questions put to one artifact; every answer is written down as soon as it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from fixtures.questions import Question
from fixtures.session.plugin import SessionPlugin
from harness.artifacts.artifact import Artifact
from harness.devices.device import Device, RunFailure
from harness.measure.gate import Context
from harness.measure.margin import Margin
from harness.results.recording import subject_of
from harness.results.rows.schema import AnswerRow, Variant
from harness.runtime.generation import Generation, Turn
from harness.runtime.request import RunOptions
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode

MAX_NEW_TOKENS = 128
"""Decode steps that an answer may take; the first token comes on top."""

QUESTIONS_PER_RUN = 100
"""What is lost at most when a run is interrupted."""

IsRight = Callable[[Question, str], bool]


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

    question: Question
    token_ids: tuple[int, ...]
    given: str
    correct: bool
    margins: tuple[Margin, ...] | None = None
    decode_steps: int | None = None


@dataclass(frozen=True)
class Answers:
    """All answers of one artifact in one mode to one variant of the pictures."""

    artifact: Artifact
    context: Context
    items: tuple[Answer, ...]

    @property
    def given(self) -> list[str]:
        """Answer texts."""
        return [answer.given for answer in self.items]

    @property
    def expected(self) -> list[str]:
        """Right answers, for the scenes' own pictures."""
        return [answer.question.expected for answer in self.items]

    @property
    def token_ids(self) -> list[tuple[int, ...]]:
        """Token ids of every answer."""
        return [answer.token_ids for answer in self.items]

    @property
    def ids_by_question(self) -> dict[str, tuple[int, ...]]:
        """Token ids by question id."""
        return {answer.question.id: answer.token_ids for answer in self.items}


@dataclass(frozen=True)
class Interview:
    """One artifact in one mode, asked by one test.

    Attributes:
        requantization: False to leave the KV cache as prefill wrote it. Such answers are known to
            be wrong and are not written down.
    """

    plugin: SessionPlugin
    test_id: str
    device: Device
    model: VlmSpec
    artifact: Artifact
    mode: Mode
    variant: Variant = "real"
    requantization: bool = True

    @property
    def context(self) -> Context:
        """What gates of these answers are looked up by."""
        precision = self.artifact.manifest.precision_label
        return Context(self.model.name, self.device.target, self.device.soc, self.mode, precision)

    def put(
        self,
        questions: Sequence[Question],
        is_right: IsRight,
        reference: Mapping[str, str],
    ) -> Answers:
        """Put the questions, a batch per run, and write the answers down batch by batch.

        Args:
            questions: In the order of the answers.
            is_right: Whether a text answers a question rightly.
            reference: The float model's token ids by question id, as far as they are known.

        Raises:
            RunFailure: If a run breaks; what it had answered is written down.
        """
        options = RunOptions(
            mode=self.mode,
            max_new_tokens=MAX_NEW_TOKENS,
            requantization=self.requantization,
            record_margins=True,
        )
        items: list[Answer] = []
        for start in range(0, len(questions), QUESTIONS_PER_RUN):
            batch = questions[start : start + QUESTIONS_PER_RUN]
            requests = [question.request() for question in batch]
            try:
                generations = self.device.run(self.artifact, requests, options)
            except RunFailure as failure:
                self._take_down(batch, failure.answered, is_right, reference)
                raise
            items += self._take_down(batch, generations, is_right, reference)
        return Answers(self.artifact, self.context, tuple(items))

    def _take_down(
        self,
        questions: Sequence[Question],
        generations: Sequence[Generation],
        is_right: IsRight,
        reference: Mapping[str, str],
    ) -> list[Answer]:
        asked = {question.id: question for question in questions}
        answers = []
        for generation in generations:
            question, turn = asked[generation.request_id], generation.last
            given = plain(turn.text, self.model)
            right = is_right(question, given)
            answer = Answer(
                question, turn.token_ids, given, right, margins_of(turn), turn.stats.decode_steps
            )
            if self.requantization:
                self._record(answer, reference.get(question.id))
            answers.append(answer)
        return answers

    def _record(self, answer: Answer, reference: str | None) -> None:
        subject = subject_of(
            self.context, self.test_id, self.device.serial, self.artifact.manifest.key
        )
        with Image.open(answer.question.image) as picture:
            image = self.plugin.journal.store_thumbnail(picture)
        self.plugin.append(
            AnswerRow(
                **subject.model_dump(),
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


def margins_of(turn: Turn) -> tuple[Margin, ...] | None:
    """What a run recorded of its choices, None where it recorded nothing."""
    if turn.top2_gaps is None or turn.runner_up_ids is None:
        return None
    recorded = zip(turn.top2_gaps, turn.token_ids, turn.runner_up_ids, strict=True)
    return tuple(Margin(gap, chosen, other) for gap, chosen, other in recorded)


def plain(text: str, model: VlmSpec) -> str:
    """An answer without its stop token and surrounding blanks."""
    for stop in model.family.stop_tokens:
        text = text.removesuffix(stop)
    return text.strip()
