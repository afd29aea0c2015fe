"""What an answer says before its stop token, whether a run ended there or went on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.judging.failures import DeadModel
from harness.measure.dead_answers import Said, deadness
from harness.runtime.generation import Turn
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import Mode


@dataclass(frozen=True)
class AnswerReader:
    """Knows the stop tokens of one model."""

    tokenizer: Tokenizer
    stop_ids: frozenset[int]

    @classmethod
    def of(cls, artifact: Artifact) -> AnswerReader:
        """The reader of an artifact's answers.

        Raises:
            UserError: If its tokenizer is unusable.
        """
        return _reader(artifact.tokenizer_path, artifact.manifest.family)

    def said(self, question: str, picture: str, turn: Turn) -> Said:
        """An answer up to its stop token; behind one, healthy models repeat themselves."""
        return self.read(question, picture, turn.token_ids, turn.top2_gaps)

    def read(
        self,
        question: str,
        picture: str,
        token_ids: tuple[int, ...],
        gaps: tuple[float, ...] | None,
    ) -> Said:
        """The same of its tokens, and the gaps between their two best logits."""
        ids = tuple(takewhile(lambda token: token not in self.stop_ids, token_ids))
        return Said(question, picture, ids, self.tokenizer.decode(ids), gaps)


@cache
def _reader(tokenizer_path: Path, family: str) -> AnswerReader:
    tokenizer = Tokenizer(tokenizer_path)
    return AnswerReader(tokenizer, tokenizer.stop_ids(get_family(family)))


def says_nothing(artifact: Artifact, turn: Turn) -> str | None:
    """Why an answer says nothing up to its stop token, None if it may say something.

    Raises:
        UserError: If the artifact's tokenizer is unusable.
    """
    return AnswerReader.of(artifact).said("", "", turn).degeneracy


def refuse_dead(artifact: Artifact, mode: Mode, answers: list[Said]) -> None:
    """Refuse to judge a model whose answers are a dead one's.

    Raises:
        DeadModel: If they are.
    """
    if why := deadness(answers):
        raise dead_model(artifact, mode, why)


def dead_model(artifact: Artifact, mode: Mode, why: str) -> DeadModel:
    """What to say of one that is dead."""
    return DeadModel(
        f"{artifact.directory} is a dead model in {mode} mode: {why}; nothing of it is judged. "
        "Export it again from weights that are known to work."
    )
