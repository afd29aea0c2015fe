"""A folder of ``.pte`` files that somebody else's exporter wrote. Imports without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.artifacts.manifest import MANIFEST_NAME, TOKENIZER_NAME
from harness.backends.qnn.delegates import QnnDelegate
from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.targets.phone import PHONE
from harness.targets.soc import soc_label
from harness.targets.target import TargetSpec
from harness.vocabulary import COMPONENTS, Component, Mode, Precision

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

Delegates = Mapping[Component, Sequence[QnnDelegate]]

UPSTREAM_PRECISIONS: dict[Component, Precision] = {
    "vision_encoder": "16a8w",
    "token_embedding": "16w",
    "text_decoder": "16a8w",
}
"""Upstream's one recipe for both models (contract §6.3); no file says what it was quantized to."""


@dataclass(frozen=True)
class ForeignFiles:
    """The files of a run, found by their names.

    Attributes:
        directory: Folder that they lie in.
        programs: Path of the ``.pte`` of each component.
        tokenizer: Path of ``tokenizer.json``.
        mode: Mode that the text decoder was exported for, which its name tells.
    """

    directory: Path
    programs: dict[Component, Path]
    tokenizer: Path
    mode: Mode


def find_foreign(directory: Path) -> ForeignFiles:
    """Find three ``.pte`` files and a tokenizer in a folder without a manifest.

    Raises:
        UserError: If the folder or one of the files is missing or a pointer, or there are several
            of a kind.
    """
    if not directory.is_dir():
        raise UserError(f"{directory} is no folder; give the one that the exporter wrote.")
    names = sorted(path.name for path in directory.iterdir())
    found = {component: _only(directory, component, names) for component in COMPONENTS}
    tokenizer = directory / TOKENIZER_NAME
    for path in (*(directory / name for name in found.values()), tokenizer):
        refuse_pointer(path)
    if tokenizer.exists() and not tokenizer.is_file():
        raise UserError(f"{tokenizer} is no regular file; copy the one that the exporter wrote.")
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


def place_of(directory: Path, delegates: Delegates) -> tuple[TargetSpec, str | None]:
    """Target and SoC that files were made for.

    Weights that graphs share, and buffers shared with the HTP, exist on phones alone; upstream
    leaves both out on x86 (contract §6.6).

    Raises:
        UserError: If the files are for several SoCs.
    """
    parts = [delegate for found in delegates.values() for delegate in found]
    if not parts:
        return HOST, None
    socs = sorted({soc_label(delegate.chip_id) for delegate in parts})
    if len(socs) > 1:
        raise UserError(
            f"{directory} holds files for {' and '.join(socs)}; use three files of one export."
        )
    is_for_phone = any(delegate.shares_weights or delegate.shared_buffer for delegate in parts)
    return PHONE if is_for_phone else EMULATOR, socs[0]


def presumed_precisions(directory: Path, delegates: Delegates) -> dict[Component, Precision]:
    """float16 where the HTP computes so, upstream's recipe elsewhere.

    Raises:
        UserError: If nothing is for the HTP, or a component is left to the CPU: upstream's recipe
            is no likely guess there.
    """
    if not any(delegates.values()):
        raise UserError(
            f"The files in {directory} do not tell their precision; give it as --precision, e.g. "
            f"--precision fp32."
        )
    for name in COMPONENTS:
        if not delegates[name]:
            raise UserError(
                f"The {name} in {directory} runs on the CPU and does not tell its precision; give "
                f"it as --precision, e.g. --precision {name}=4w."
            )
    return {
        name: "fp16"
        if any(delegate.is_fp16 for delegate in delegates[name])
        else UPSTREAM_PRECISIONS[name]
        for name in COMPONENTS
    }
