"""A folder of ``.pte`` files that somebody else's exporter wrote. Imports without torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.artifacts.artifact import TOKENIZER_NAME
from harness.artifacts.manifest import MANIFEST_NAME
from harness.errors import UserError
from harness.vocabulary import COMPONENTS, Component, Mode

_NAMES: dict[Component, re.Pattern[str]] = {
    "vision_encoder": re.compile(r"vision_encoder_(qnn|xnnpack)\.pte"),
    "token_embedding": re.compile(r"(tok|text)_embedding_(qnn|xnnpack)\.pte"),
    "text_decoder": re.compile(r"(?P<mode>kv|hybrid|lookahead)_llama_(qnn|xnnpack)\.pte"),
}
"""Upstream's names and ours (contract §1.1, §1.5); ``text_embedding`` was upstream's before March
2026."""

_EXAMPLES: dict[Component, str] = {
    "vision_encoder": "vision_encoder_qnn.pte",
    "token_embedding": "tok_embedding_qnn.pte",
    "text_decoder": "hybrid_llama_qnn.pte",
}


@dataclass(frozen=True)
class ForeignFiles:
    """The files of a run, found by their names.

    Attributes:
        directory: Where they lie.
        programs: Path by component.
        tokenizer: ``tokenizer.json``.
        mode: That the text decoder was exported for, which its name tells.
    """

    directory: Path
    programs: dict[Component, Path]
    tokenizer: Path
    mode: Mode


def find_foreign(directory: Path) -> ForeignFiles:
    """Find three ``.pte`` files and a tokenizer in a folder without a manifest.

    Raises:
        UserError: If the folder or one of the files is missing, or there are several of a kind.
    """
    if not directory.is_dir():
        raise UserError(f"{directory} is no folder; give the one that the exporter wrote.")
    names = sorted(path.name for path in directory.iterdir())
    found = {component: _only(directory, component, names) for component in COMPONENTS}
    tokenizer = directory / TOKENIZER_NAME
    if not tokenizer.is_file():
        raise UserError(
            f"{directory} holds no {TOKENIZER_NAME}; copy the one that the exporter wrote beside "
            f"the .pte files."
        )
    match = _NAMES["text_decoder"].fullmatch(found["text_decoder"])
    assert match is not None
    mode: Mode = match["mode"]  # type: ignore[assignment]  # the pattern has these words alone
    programs = {component: directory / name for component, name in found.items()}
    return ForeignFiles(directory, programs, tokenizer, mode)


def _only(directory: Path, component: Component, names: list[str]) -> str:
    found = [name for name in names if _NAMES[component].fullmatch(name)]
    word = component.replace("_", " ")
    if not found:
        raise UserError(
            f"{directory} holds neither {MANIFEST_NAME} nor a {word} (such as "
            f"{_EXAMPLES[component]}); give the folder that the exporter wrote."
        )
    if len(found) > 1:
        raise UserError(
            f"{directory} holds {len(found)} files of a {word} ({', '.join(found)}); leave one of "
            f"them in the folder."
        )
    return found[0]
