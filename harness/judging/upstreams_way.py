"""Upstream's files on the emulator: judged as upstream's runner runs them, ours told beside it."""

from __future__ import annotations

from harness.artifacts.artifact import Artifact
from harness.judging.interview import Answers
from harness.targets.registry import get_target
from harness.vocabulary import Target


def runs_upstreams_way(artifact: Artifact, target: Target) -> bool:
    """Whether an artifact is judged by what upstream's runner does with it (contract §8).

    Files of another exporter are for another runner; where ours stands in for it, it does what
    that one does. A phone has the other runner itself.
    """
    place = get_target(target)
    return artifact.is_foreign and place.backend.is_htp and not place.is_remote


def prefill_notice(artifact: Artifact) -> str | None:
    """What upstream's hybrid files do to answers of its runner on the emulator; None of others."""
    manifest = artifact.manifest
    if manifest.mode == "kv" or not runs_upstreams_way(artifact, manifest.target):
        return None
    return (
        f"on the emulator the prefill graph of upstream's {manifest.mode} files lets empty slots "
        "of the KV cache through, and its runner leaves code 0 in them: answers in "
        f"{manifest.mode} mode are others than in kv mode (docs/htp.md)"
    )


def our_runner_instead(upstream: Answers, ours: Answers) -> str:
    """What our own runner makes of the files that were judged, in one sentence.

    Args:
        upstream: Answers that users of upstream's runner get.
        ours: To the same questions.
    """
    count = len(ours.items)
    right = [sum(one.correct for one in answers.items) for answers in (upstream, ours)]
    equal = sum(one == other for one, other in zip(upstream.token_ids, ours.token_ids, strict=True))
    return (
        f"judged is what users of upstream's runner get, {right[0]:,} of {count:,} right; our "
        f"runner answers {right[1]:,} of {count:,} right with these files, {equal:,} of "
        f"{count:,} with the same tokens"
    )
