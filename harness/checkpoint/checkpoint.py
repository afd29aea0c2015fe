"""A ``transformers`` checkpoint folder of a known family, opened without ``transformers``.

Imports without torch; reading weights imports it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from harness.checkpoint.json_file import read_json_object
from harness.checkpoint.statements import STATEMENT_FILES, check_statements, refuse_pointers
from harness.checkpoint.stored_tensors import StoredTensor
from harness.checkpoint.weight_files import WeightFiles, find_weight_files
from harness.errors import UserError, listed
from harness.options.command_line import command_line
from harness.vlm.family_parts import key_layout
from harness.vlm.spec import VlmFamily, VlmSpec
from harness.vocabulary import COMPONENTS, Component

if TYPE_CHECKING:
    from torch import Tensor

_FLOATS = ("F64", "F32", "F16", "BF16")

_BUFFERS = re.compile(r"rotary_emb\.inv_freq$")
"""What old checkpoints hold and ``transformers`` computes anew."""


@dataclass(frozen=True)
class PlacedTensor:
    """A stored tensor and the key that it is stored under."""

    key: str
    stored: StoredTensor


@dataclass(frozen=True)
class Checkpoint:
    """Folder with ``config.json``, safetensors and a tokenizer, which fit a family.

    Attributes:
        directory: Where the files are.
        spec: The model, with geometry and positions that ``config.json`` states.
        config: Parsed ``config.json``.
        image_token_id: Id of the token that stands for one image row.
        weight_files: Where the weights are.
    """

    directory: Path
    spec: VlmSpec
    config: Mapping[str, Any]
    image_token_id: int
    weight_files: WeightFiles

    @property
    def statement_files(self) -> tuple[Path, ...]:
        """Files to ship with an artifact: tokenizer, and what says how the model is asked."""
        paths = (self.directory / name for name in STATEMENT_FILES)
        return tuple(path for path in paths if path.is_file())

    @cached_property
    def components(self) -> Mapping[Component, Mapping[str, PlacedTensor]]:
        """Stored weights of each component under the names of its static module.

        A head and a token embedding that are tied stand in for each other, whichever is stored.

        Raises:
            UserError: If a file is damaged, or a weight belongs to no component.
        """
        found: dict[Component, dict[str, PlacedTensor]] = {one: {} for one in COMPONENTS}
        strangers = []
        for key, stored in self.weight_files.tensors().items():
            if _BUFFERS.search(key):
                continue
            place = place_weight(self.spec.family, key)
            if place is None:
                strangers.append(key)
                continue
            component, name = place
            twin = found[component].setdefault(name, PlacedTensor(key, stored))
            if twin.key != key and not twin.stored.equals(stored):
                raise UserError(
                    f"{self.directory} holds {twin.key!r} and {key!r}, which are one weight of the "
                    f"{component}, with different values; save the checkpoint anew."
                )
        if strangers:
            raise UserError(
                f"The checkpoint holds {len(strangers)} weights that no {self.spec.family.name} "
                f"component uses ({listed(strangers)}); check that --checkpoint names a checkpoint "
                "of this family."
            )
        if tied_embeddings(self.spec.family, self.config):
            table, head = found["token_embedding"], found["text_decoder"]
            if "embedding.weight" in table:
                head.setdefault("lm_head.weight", table["embedding.weight"])
            elif "lm_head.weight" in head:
                table["embedding.weight"] = head["lm_head.weight"]
        return found

    def component_weights(self, component: Component) -> dict[str, Tensor]:
        """Weights of one component under the names of its static module, as stored."""
        wanted = self.components[component]
        weights: dict[str, Tensor] = {}
        for file in dict.fromkeys(placed.stored.file for placed in wanted.values()):
            try:
                with safe_open(file, framework="pt") as tensors:
                    weights |= {
                        name: tensors.get_tensor(placed.key)
                        for name, placed in wanted.items()
                        if placed.stored.file == file
                    }
            except SafetensorError as error:
                raise UserError(f"{file} is damaged ({error}); download it again.") from error
        return weights

    def component_sha256(self, component: Component) -> str:
        """Hash of one component's weights: names, dtypes, shapes and bytes."""
        digest = hashlib.sha256()
        for name, placed in sorted(self.components[component].items()):
            digest.update(f"{name} {placed.stored.dtype} {placed.stored.shape}\n".encode())
            for block in placed.stored.blocks():
                digest.update(block)
        return digest.hexdigest()


def place_weight(family: VlmFamily, key: str) -> tuple[Component, str] | None:
    """Which component a stored weight belongs to and its name there; None of a stranger."""
    for component, rules in key_layout(family).items():
        for pattern, replacement in rules:
            name, hits = re.subn(pattern, replacement, key)
            if hits:
                return component, name
    return None


def tied_embeddings(family: VlmFamily, config: Mapping[str, Any]) -> bool:
    """Whether the head shares the token embedding's table, as the family's class decides it."""
    stated = config.get("tie_word_embeddings")
    return bool(family.config_defaults.get("tie_word_embeddings") if stated is None else stated)


def open_checkpoint(directory: Path, spec: VlmSpec) -> Checkpoint:
    """Open a checkpoint folder, read its geometry and compare what it says with its family.

    Args:
        directory: Folder as ``save_pretrained`` or a hub download leaves it.
        spec: The model it is to be; one of somebody's own takes any geometry.

    Raises:
        UserError: If files are missing or unreadable, the architecture is another family's, the
            geometry is not the named model's, or pixels, prompt, stop tokens or tokenizer are not
            those of the family.
    """
    config = _read_config(directory, spec)
    try:
        vision, text = spec.family.read_geometry(config)
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(f"{directory / 'config.json'} lacks {error}; export needs it.") from error
    if not spec.is_own and (vision, text) != (spec.vision, spec.text):
        as_family = {"exported_model": spec.family.name, "checkpoint": directory}
        found, expected = text.hidden_size, spec.text.hidden_size
        raise UserError(
            f"{directory} has another geometry than {spec.name} (text width {found}, expected "
            f"{expected}; {vision} {text}); to export it as it is, name the family: "
            f"{command_line('export', as_family)}"
        )
    positions = _max_positions(directory, spec.family, config)
    spec = replace(spec, vision=vision, text=text, max_positions=positions)
    weight_files = find_weight_files(directory, config)
    if not (directory / "tokenizer.json").exists():
        refuse_pointers(directory)
        raise UserError(f"{directory} has no tokenizer.json; download the checkpoint again.")
    tokenizer = check_statements(
        directory, spec, config=config, image_token_id=_image_token_id(spec.family, config)
    )
    checkpoint = Checkpoint(
        directory, spec, config, tokenizer.vocabulary[spec.family.image_token], weight_files
    )
    _refuse_codes(checkpoint)
    return checkpoint


def _refuse_codes(checkpoint: Checkpoint) -> None:
    """Refuse weights that somebody quantized: their codes would be taken for values."""
    if checkpoint.config.get("quantization_config") is not None:
        raise UserError(
            f"{checkpoint.directory / 'config.json'} has a quantization_config, and exports start "
            "from float weights; name the checkpoint that was quantized."
        )
    for weights in checkpoint.components.values():
        for placed in weights.values():
            if placed.stored.dtype not in _FLOATS:
                raise UserError(
                    f"{placed.stored.file} holds {placed.key!r} as {placed.stored.dtype}, and "
                    f"exports start from {', '.join(_FLOATS)}; name a checkpoint of float weights."
                )


def _image_token_id(family: VlmFamily, config: Mapping[str, Any]) -> int | None:
    """As the model's class takes it, under either name that classes have for it."""
    stated = {**family.config_defaults, **config}
    found: int | None = stated.get("image_token_id", stated.get("image_token_index"))
    return found


def _max_positions(directory: Path, family: VlmFamily, config: Mapping[str, Any]) -> int | None:
    """Positions that the decoder was trained for; None where neither file nor class says."""
    defaults = family.config_defaults.get("text_config", {})
    found = {**defaults, **(config.get("text_config") or {})}.get("max_position_embeddings")
    if found is not None and (not isinstance(found, int) or found < 1):
        raise UserError(
            f"{directory / 'config.json'} has text_config.max_position_embeddings {found!r}, which "
            "is no number of tokens; correct it."
        )
    return found


def _read_config(directory: Path, spec: VlmSpec) -> Mapping[str, Any]:
    config = read_json_object(directory / "config.json")
    if config is None:
        if (directory / "adapter_config.json").is_file():
            raise UserError(
                f"{directory} holds an adapter without the model under it; merge the two with "
                "merge_and_unload() of peft, save that, and give its folder as --checkpoint."
            )
        raise UserError(f"{directory} has no config.json; check --checkpoint.")
    if (directory / "adapter_config.json").is_file():
        raise UserError(
            f"{directory} holds an adapter (adapter_config.json) beside the model, which "
            "transformers would apply and an export would not; merge it with merge_and_unload() "
            "of peft, or remove it."
        )
    stated = config.get("architectures")
    found = stated[0] if isinstance(stated, list) and stated else config.get("model_type")
    family = spec.family
    known = (family.architecture, family.model_type, *family.equal_architectures)
    if found not in known or found is None:
        raise UserError(
            f"{directory} holds a {found or 'none'}, {spec.name} needs "
            f"{spec.family.architecture}; name the right --checkpoint or model."
        )
    return config
