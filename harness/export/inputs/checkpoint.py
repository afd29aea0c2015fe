"""A ``transformers`` checkpoint folder of a known family, opened without ``transformers``.

Imports without torch; reading weights imports it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from harness.errors import UserError
from harness.export.inputs.stored_tensors import StoredTensor, read_stored_tensors
from harness.options.command_line import command_line
from harness.vlm.family_parts import key_layout
from harness.vlm.spec import VlmFamily, VlmSpec
from harness.vocabulary import Component

if TYPE_CHECKING:
    from torch import Tensor

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)


@dataclass(frozen=True)
class Checkpoint:
    """Folder with ``config.json``, safetensors and a tokenizer.

    Attributes:
        directory: Where the files are.
        spec: The model, with the geometry that ``config.json`` states.
        config: Parsed ``config.json``.
    """

    directory: Path
    spec: VlmSpec
    config: Mapping[str, Any]

    @property
    def image_token_id(self) -> int:
        """Id of the token that stands for one image row.

        Raises:
            UserError: If the tokenizer does not have the family's.
        """
        path, token = self.directory / "tokenizer.json", self.spec.family.image_token
        try:
            found = Tokenizer.from_file(str(path)).token_to_id(token)
        # The library raises bare Exception for every kind of malformed file.
        except Exception as error:
            raise UserError(f"{path} is damaged ({error}); download it again.") from error
        if found is None:
            raise UserError(f"{path} has no image token {token!r}; name the right --checkpoint.")
        return int(found)

    @property
    def tied_embeddings(self) -> bool:
        """Whether the head shares the token embedding's table."""
        return bool(self.config.get("tie_word_embeddings", False))

    def weight_files(self) -> tuple[Path, ...]:
        """All safetensors files, in the order of their names."""
        return tuple(sorted(self.directory.glob("*.safetensors")))

    def tokenizer_files(self) -> tuple[Path, ...]:
        """Tokenizer files to ship with an artifact."""
        paths = (self.directory / name for name in TOKENIZER_FILES)
        return tuple(path for path in paths if path.is_file())

    def component_weights(self, component: Component) -> dict[str, Tensor]:
        """Weights of one component under the names of its static module, as stored.

        A head tied to the token embedding is resolved here.
        """
        weights = {
            name: tensor
            for file in self.weight_files()
            for name, tensor in self._matching(file, component)
        }
        if component == "text_decoder" and "lm_head.weight" not in weights and self.tied_embeddings:
            table = self.component_weights("token_embedding")["embedding.weight"]
            weights["lm_head.weight"] = table
        return weights

    def component_sha256(self, component: Component) -> str:
        """Hash of one component's weights: names, dtypes, shapes and bytes."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self._stored(component).items()):
            digest.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
            for block in tensor.blocks():
                digest.update(block)
        return digest.hexdigest()

    def _stored(self, component: Component) -> dict[str, StoredTensor]:
        """As ``component_weights``, without reading them."""
        placed = [
            (*place_weight(self.spec.family, key), tensor)
            for file in self.weight_files()
            for key, tensor in read_stored_tensors(file).items()
        ]
        found = {name: tensor for owner, name, tensor in placed if owner == component}
        if component == "text_decoder" and "lm_head.weight" not in found and self.tied_embeddings:
            found["lm_head.weight"] = self._stored("token_embedding")["embedding.weight"]
        return found

    def _matching(self, file: Path, component: Component) -> Iterator[tuple[str, Tensor]]:
        try:
            with safe_open(file, framework="pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 (safe_open is no mapping)
                    owner, name = place_weight(self.spec.family, key)
                    if owner == component:
                        yield name, tensors.get_tensor(key)
        except SafetensorError as error:
            raise UserError(f"{file} is damaged ({error}); download it again.") from error


def place_weight(family: VlmFamily, key: str) -> tuple[Component, str]:
    """Which component a stored weight belongs to, and its name there.

    Raises:
        UserError: If the family's layout lacks the key: a weight that nothing uses is never
            dropped.
    """
    for component, rules in key_layout(family).items():
        for pattern, replacement in rules:
            name, hits = re.subn(pattern, replacement, key)
            if hits:
                return component, name
    raise UserError(
        f"The checkpoint holds a weight {key!r} that no {family.name} component uses; "
        "check that --checkpoint names a checkpoint of this family."
    )


def open_checkpoint(directory: Path, spec: VlmSpec) -> Checkpoint:
    """Open a checkpoint folder and read its geometry.

    Args:
        directory: Folder as ``save_pretrained`` or a hub download leaves it.
        spec: The model it is to be; a spec named like its family takes any geometry.

    Raises:
        UserError: If files are missing or unreadable, the architecture is another family's, or
            the geometry is not the named model's.
    """
    config = _read_config(directory)
    architecture = (config.get("architectures") or ["none"])[0]
    if architecture != spec.family.architecture:
        raise UserError(
            f"{directory} holds a {architecture}, {spec.name} needs {spec.family.architecture}; "
            "name the right --checkpoint or model."
        )
    try:
        vision, text = spec.family.read_geometry(config)
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(f"{directory / 'config.json'} lacks {error}; export needs it.") from error
    is_named_model = spec.name != spec.family.name
    if is_named_model and (vision, text) != (spec.vision, spec.text):
        as_family = {"exported_model": spec.family.name, "checkpoint": directory}
        found, expected = text.hidden_size, spec.text.hidden_size
        raise UserError(
            f"{directory} has another geometry than {spec.name} (text width {found}, expected "
            f"{expected}; {vision} {text}); to export it as it is, name the family: "
            f"{command_line('export', as_family)}"
        )
    checkpoint = Checkpoint(directory, replace(spec, vision=vision, text=text), config)
    if not checkpoint.weight_files():
        raise UserError(f"{directory} has no *.safetensors; download the checkpoint again.")
    if not (directory / "tokenizer.json").is_file():
        raise UserError(f"{directory} has no tokenizer.json; download the checkpoint again.")
    return checkpoint


def _read_config(directory: Path) -> dict[str, Any]:
    path = directory / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"{directory} has no config.json; check --checkpoint.") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); download the checkpoint again.") from error
    if not isinstance(config, dict):
        raise UserError(f"{path} holds no JSON object; download the checkpoint again.")
    return config
