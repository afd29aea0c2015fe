"""What runners make of artifacts otherwise than the model's own tokenizer and files ask for.

Imports without torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.artifacts.artifact import read_manifest, sha256_of
from harness.artifacts.foreign import find_foreign
from harness.artifacts.given_name import ARTIFACTS, named_artifact
from harness.artifacts.manifest import MANIFEST_NAME, TOKENIZER_NAME
from harness.checkpoint.generation_settings import generation_notice
from harness.doctor.diagnosis import Diagnosis
from harness.errors import UserError
from harness.vlm.registry import get_family, known_families
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_notices import stop_notice

_COMMAND = "python -m harness.runtime --artifact DIR --upstream_compat"


def artifact_diagnoses(cache: Path) -> Iterator[Diagnosis]:
    """One per model and tokenizer in a cache: how answers will differ from the checkpoint's."""
    folders = sorted(path.parent for path in (cache / ARTIFACTS).glob(f"*/{MANIFEST_NAME}"))
    alike: dict[tuple[str, str], list[Path]] = {}
    for folder in folders:
        # One that is being removed, or damaged, is told of by whoever uses it.
        with suppress(OSError, UserError):
            if not folder.is_symlink():
                tokenizer = sha256_of(folder / TOKENIZER_NAME)
                alike.setdefault((read_manifest(folder).model, tokenizer), []).append(folder)
    for (model, _), found in alike.items():
        count = f"{len(found)} artifacts" if len(found) > 1 else "1 artifact"
        yield _diagnose(model, f"{count}, the last is {found[-1].name}", found[-1])


def named_diagnosis(text: str, cache: Path) -> Diagnosis:
    """Of one artifact, given as a folder or by its name in the cache.

    Raises:
        UserError: If it is no artifact.
    """
    folder = Path(text)
    folder = folder if folder.is_dir() else named_artifact(text, cache) or folder
    if not (folder / MANIFEST_NAME).exists():
        find_foreign(folder)
    return _diagnose("artifact", str(folder), folder)


def _diagnose(subject: str, value: str, folder: Path) -> Diagnosis:
    try:
        tokenizer = Tokenizer(folder / TOKENIZER_NAME)
        cut = stop_notice(tokenizer, _family(folder, tokenizer))
        unfollowed = generation_notice(folder)
    except UserError as error:
        return Diagnosis(subject, value, str(error))
    told = (cut and f"{cut}; to see such answers: {_COMMAND}", unfollowed)
    return Diagnosis(subject, value, note="; ".join(filter(None, told)) or None)


def _family(folder: Path, tokenizer: Tokenizer) -> VlmFamily:
    """An artifact's own, or the one whose end of a turn the tokenizer of others' files knows."""
    if (folder / MANIFEST_NAME).exists():
        return get_family(read_manifest(folder).family)
    families = [get_family(name) for name in known_families()]
    fitting = (one for one in families if one.stop_tokens[0] in tokenizer.vocabulary)
    if (found := next(fitting, None)) is None:
        names = " and ".join(one.stop_tokens[0] for one in families)
        raise UserError(f"{tokenizer.path} has none of {names}, so its family is not known.")
    return found
