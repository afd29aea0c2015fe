"""What upstream's exporter needs of its surroundings, put around the installed package.

Nothing of the package is edited. All of this holds for one process, hence a process of its own:
``python -m benchmarks.interop.upstream_exporter``.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from PIL import Image

from benchmarks.interop.upstream_inputs import upstream_model
from harness.vlm.preprocess import preprocess
from harness.vlm.spec import VlmSpec

UPSTREAM = "executorch.examples.qualcomm.oss_scripts.llama"

NEVER_CALLED = ("torchtune", "datasets", "lm_eval", "librosa", "soundfile", "pydot")
"""Packages that upstream imports for other models, and calls nothing of for these two."""


class _Stub(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stubs for absent packages of ``NEVER_CALLED``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in NEVER_CALLED:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Stub(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def stubs() -> Iterator[None]:
    """Let absent packages of ``NEVER_CALLED`` be imported for a while; installed ones are used."""
    # transformers looks for some of them, too, and must find the truth.
    transformers = importlib.import_module("transformers")
    for name in ("AutoConfig", "AutoModel", "AutoModelForSpeechSeq2Seq", "AutoProcessor"):
        getattr(transformers, name)
    finder = _StubFinder()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name, module in sys.modules.items() if isinstance(module, _Stub)]:
            del sys.modules[name]


def adapt(spec: VlmSpec, checkpoint: Path) -> None:
    """Make upstream's entry of the family describe this model.

    Args:
        spec: Image size, tokens per image, preprocessing.
        checkpoint: Stands for the repository on the hub.
    """
    package = importlib.import_module(UPSTREAM)
    entry = package.SUPPORTED_LLM_MODELS[upstream_model(spec).name]
    # The entries are frozen dataclasses, and the encoder of an entry is a class.
    object.__setattr__(entry, "repo_id", str(checkpoint))
    entry.vision_encoder.img_seq_len = spec.vision.tokens_per_image
    entry.vision_encoder.img_resized_h = spec.vision.image_size_px
    entry.vision_encoder.img_resized_w = spec.vision.image_size_px
    _download_nothing(checkpoint)
    _preprocess_alike(spec)


def _download_nothing(checkpoint: Path) -> None:
    name = "executorch.examples.models.llama.hf_download"
    module: Any = importlib.import_module(name)
    module.snapshot_download = lambda repo_id: str(checkpoint)


def _preprocess_alike(spec: VlmSpec) -> None:
    """Preprocess pictures as the runner does.

    Upstream asks ``AutoProcessor``, which needs torchvision for InternVL3 and processor files that
    a miniature does not have; for the full-size models both agree (contract §3.3).
    """
    module: Any = importlib.import_module(f"{UPSTREAM}.dataset.preprocessors")

    def start(self: Any, repo_id: str) -> None:
        pass

    def preprocess_images(
        self: Any, config: Any, prompt: str, images: list[Image.Image]
    ) -> list[tuple[torch.Tensor]]:
        size, how = spec.vision.image_size_px, spec.family.preprocessing
        return [(torch.from_numpy(preprocess(image, size, how)),) for image in images]

    module.ModalityPreprocessor.__init__ = start
    module.ModalityPreprocessor.preprocess_images = preprocess_images
