"""The runner's command line with one question about one picture."""

from __future__ import annotations

from pathlib import Path

from harness.artifacts.artifact import Artifact

QUESTION = "What is this?"
FIXED = ("--max_new_tokens=8", "--ignore_eos")


def ask(artifact: Artifact, picture: str, *flags: str) -> list[str]:
    """Arguments that ask an artifact."""
    return [f"--artifact={artifact.directory}", "--image", picture, "--prompt", QUESTION, *flags]


def written() -> set[str]:
    """Names of what is in the working directory."""
    return {path.name for path in Path.cwd().iterdir()}
