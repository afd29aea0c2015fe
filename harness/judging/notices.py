"""What upstream's runner will do otherwise than ours, said once and before a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.artifacts.artifact import Artifact
from harness.checkpoint.generation_settings import generation_notice
from harness.errors import UserError
from harness.heartbeat import Tell
from harness.judging.record import Recorder
from harness.judging.upstreams_way import prefill_notice
from harness.results.rows.schema import NoticeRow
from harness.runtime.request import Request
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_notices import reading_notice, stop_notice


@dataclass
class Notices:
    """What a session says of its artifacts.

    Attributes:
        recorder: Keeps it for the report.
        tell: Shows it to whoever waits.
    """

    recorder: Recorder
    tell: Tell
    _told: set[tuple[str, str]] = field(default_factory=set)

    def look_at(self, artifact: Artifact, requests: Iterable[Request]) -> None:
        """Say what is new of an artifact that is about to be asked.

        Args:
            artifact: Artifact with its own tokenizer.
            requests: What it will be asked.
        """
        manifest = artifact.manifest
        for sentence in _sentences(artifact, requests):
            if (manifest.model, sentence) not in self._told:
                self._told.add((manifest.model, sentence))
                self.tell(f"{manifest.model}: {sentence}")
                self.recorder.append(
                    NoticeRow(model=manifest.model, artifact_key=manifest.key, sentence=sentence)
                )


def _sentences(artifact: Artifact, requests: Iterable[Request]) -> Iterable[str]:
    try:
        tokenizer = Tokenizer(artifact.tokenizer_path)
    except UserError:
        # Whoever runs the artifact is told so, with what to do.
        return
    if told := generation_notice(artifact.directory):
        yield told
    if told := prefill_notice(artifact):
        yield told
    family = get_family(artifact.manifest.family)
    if told := stop_notice(tokenizer, family):
        yield told
    prompts: dict[str, list[str]] = {}
    for request in requests:
        prompts.setdefault(request.system_prompt, []).extend(request.prompts)
    for system_prompt, asked in prompts.items():
        if told := reading_notice(tokenizer, family, asked, system_prompt):
            yield told
