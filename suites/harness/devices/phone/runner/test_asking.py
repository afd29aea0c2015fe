"""What a runner on a phone cannot answer is refused before any of it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts.artifact import open_artifact
from harness.artifacts.manifest import Manifest
from harness.devices.phone.runner.asking import check_fits
from harness.devices.phone.runner.dialogue import Dialogue
from harness.devices.phone.runner.option_limits import completed
from harness.errors import UserError
from harness.runtime.prompt_limit import PromptTooLong
from harness.runtime.request import RunOptions
from harness.vlm.mode import LookaheadShape
from harness.vocabulary import Mode
from suites.harness.fixtures.conftest import hollow_artifact

BRANCH = LookaheadShape(window=8, ngram=5, gcap=8)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of a context of 256 with a prefill AR of 16 and a branch of 64 slots."""
    changes = {"context_length": 256, "prefill_ar": 16, "lookahead": BRANCH}
    return open_artifact(hollow_artifact(tmp_path / "artifact", **changes)).manifest


def spoken(*prompt_tokens: int) -> Dialogue:
    texts = tuple("a" for _ in prompt_tokens)
    return Dialogue(texts, texts, prompt_tokens, is_exact=True)


@pytest.mark.parametrize(
    ("mode", "prompt_tokens", "seq_len", "fits"),
    [
        ("kv", (254,), 0, True),
        ("kv", (256,), 0, False),
        ("hybrid", (240,), 0, True),
        ("hybrid", (241,), 0, False),
        ("lookahead", (192,), 0, True),
        ("lookahead", (193,), 0, False),
        # Answers take room, too, but nobody knows how much.
        ("hybrid", (120, 120), 0, True),
        ("hybrid", (120, 121), 0, False),
        ("hybrid", (40,), 41, True),
        ("hybrid", (40,), 40, False),
        ("hybrid", (241,), 1024, False),
    ],
)
def test_a_prompt_beyond_context_or_cap_is_refused(
    manifest: Manifest, mode: Mode, prompt_tokens: tuple[int, ...], seq_len: int, fits: bool
) -> None:
    if fits:
        check_fits(spoken(*prompt_tokens), manifest, mode, seq_len)
    else:
        with pytest.raises(PromptTooLong, match=f"takes {prompt_tokens[-1]} tokens"):
            check_fits(spoken(*prompt_tokens), manifest, mode, seq_len)


def test_a_lookahead_branch_is_the_files_own(manifest: Manifest) -> None:
    """Upstream's runner takes it from flags alone, and reads beyond its buffers with another."""
    assert completed(RunOptions(mode="lookahead"), manifest).lookahead == BRANCH
    assert completed(RunOptions(mode="kv"), manifest).lookahead is None
    other = RunOptions(mode="lookahead", lookahead=LookaheadShape(window=2, ngram=3, gcap=2))
    with pytest.raises(UserError, match="2,3,2 was asked for and the file was exported with 8,5,8"):
        completed(other, manifest)
