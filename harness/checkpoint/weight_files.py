"""Which files of a checkpoint hold its weights, decided as ``transformers`` decides it.

Source: ``_get_resolved_checkpoint_files`` and ``get_checkpoint_shard_files`` of transformers 5.23.
Imports without torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_json_object
from harness.checkpoint.stored_tensors import StoredTensor, read_stored_tensors
from harness.errors import UserError, listed
from harness.pointer_file import refuse_pointer

_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".index.json")
_NO_WEIGHTS = ("training_args.bin",)


@dataclass(frozen=True)
class WeightFiles:
    """Weight files of a checkpoint.

    Attributes:
        files: Those that count, in the order in which ``transformers`` reads them.
        ignored: Names of weight files beside them, which nothing reads.
    """

    files: tuple[Path, ...]
    ignored: tuple[str, ...]
    index: Mapping[str, str] | None = None

    @property
    def stored_bytes(self) -> int:
        """What the files that count take on disk."""
        return sum(file.stat().st_size for file in self.files)

    def tensors(self) -> dict[str, StoredTensor]:
        """All tensors by key, without reading them.

        Raises:
            UserError: If a file is damaged, lacks a tensor that the index names in it, or holds
                another value of a tensor than the file that the index names.
        """
        found: dict[str, StoredTensor] = {}
        for file in self.files:
            for key, tensor in read_stored_tensors(file).items():
                if key in found and not tensor.equals(found[key]):
                    raise UserError(
                        f"{found[key].file} and {file} hold different values of {key!r}; keep the "
                        "files of one save only, or download the checkpoint again."
                    )
                found.setdefault(key, tensor)
        self._check_index(found)
        return found

    def _check_index(self, found: Mapping[str, StoredTensor]) -> None:
        absent = [key for key in self.index or {} if key not in found]
        if absent:
            shard = (self.index or {})[absent[0]]
            raise UserError(
                f"{self.files[0].parent / shard} lacks {listed(absent)}, which {_INDEX} names in "
                "it; download the checkpoint again."
            )


def find_weight_files(directory: Path, config: Mapping[str, Any]) -> WeightFiles:
    """The files that ``transformers`` would load.

    ``transformers_weights`` of the configuration, else ``model.safetensors``, else the shards that
    ``model.safetensors.index.json`` names.

    Args:
        directory: The checkpoint.
        config: Its parsed ``config.json``.

    Raises:
        UserError: If there are none, one that is named is missing or a pointer, or the index is
            unreadable.
    """
    stated = config.get("transformers_weights")
    name = _stated_name(directory, stated) if stated is not None else _standard_name(directory)
    index = _read_index(directory / name) if name.endswith(".index.json") else None
    shards = sorted(set(index.values())) if index is not None else [name]
    files = tuple(directory / shard for shard in shards)
    for file in files:
        refuse_pointer(file)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UserError(
            f"{directory} lacks {listed(missing)}, which {name if index else 'config.json'} names; "
            "download the checkpoint again."
        )
    return WeightFiles(files, _beside(directory, {name, *shards}), index)


def _standard_name(directory: Path) -> str:
    for name in (_WHOLE, _INDEX):
        refuse_pointer(directory / name)
        if (directory / name).is_file():
            return name
    others = _beside(directory, set())
    reason = f"has neither {_WHOLE} nor {_INDEX}"
    if any((directory / name).is_file() for name in _PICKLED):
        raise UserError(
            f"{directory} {reason}, only pickled weights ({listed(others)}); save it as "
            'safetensors: python -c "from transformers import AutoModelForImageTextToText as M; '
            f"M.from_pretrained('{directory}').save_pretrained('{directory}')\""
        )
    beside = f", and {listed(others)} without them are not read" if others else ""
    raise UserError(f"{directory} {reason}{beside}; download the checkpoint again.")


def _stated_name(directory: Path, stated: object) -> str:
    if not isinstance(stated, str) or not stated.endswith(
        (".safetensors", ".safetensors.index.json")
    ):
        raise UserError(
            f"{directory / 'config.json'} has transformers_weights {stated!r}, which names no "
            "safetensors file; correct it or leave it out."
        )
    _refuse_outside(directory / "config.json", [stated])
    return stated


def _read_index(path: Path) -> dict[str, str]:
    index = read_json_object(path)
    if index is None:
        raise UserError(f"{path} does not exist; download the checkpoint again.")
    names = index.get("weight_map")
    if (
        not isinstance(names, dict)
        or not names
        or not all(isinstance(name, str) and name for name in names.values())
    ):
        raise UserError(
            f"{path} has no weight_map from weights to files; download the checkpoint again."
        )
    _refuse_outside(path, sorted(set(names.values())))
    return names


def _refuse_outside(path: Path, names: Sequence[str]) -> None:
    for name in names:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise UserError(
                f"{path} names {name!r}, which lies outside of the checkpoint; copy the file into "
                "the folder and correct the name."
            )


def _beside(directory: Path, used: set[str]) -> tuple[str, ...]:
    names = (path.name for path in directory.iterdir() if path.is_file())
    return tuple(
        sorted(
            name
            for name in names
            if name.endswith(_WEIGHT_SUFFIXES) and name not in used and name not in _NO_WEIGHTS
        )
    )
