"""What weights are learned on and ranges are calibrated on before a text is read."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from benchmarks.real_text.text import CONTEXT, passages
from harness.checkpoint.checkpoint import Checkpoint
from harness.export.calibration_file import load_calibration
from harness.export.graphs.samples import embedded_samples, tokenized_samples
from harness.vlm.prompt import as_words

_PASSAGES = 32


def write_samples(folder: Path, tokenizer: Path) -> Path:
    """Write a calibration file: passages, and the picture that ranges of activations take.

    Args:
        folder: Gets the file and the picture.
        tokenizer: A checkpoint's ``tokenizer.json``.
    """
    picture = folder / "grey.png"
    Image.new("RGB", (64, 64), "grey").save(picture)
    asked = [(passage, "") for passage in passages(tokenizer, _PASSAGES)]
    asked.append(("What is this?", picture.name))
    samples = [
        {
            "files": [file] if file else [],
            "messages": [{"role": "user", "content": as_words(text)}],
        }
        for text, file in asked
    ]
    path = folder / "samples.json"
    path.write_text(json.dumps(samples))
    return path


def embedded_rows(checkpoint: Checkpoint, samples: Path) -> list[Tensor]:
    """What enters a decoder in each sample of text, ``[tokens, hidden]``."""
    read = load_calibration(samples, needs_picture=False).samples
    texts = [sample for sample in read if not sample.files]
    embedded = embedded_samples(checkpoint, tokenized_samples(checkpoint, texts))
    rows = (torch.cat([segment.rows for segment in segments]) for segments in embedded)
    return [one[:CONTEXT] for one in rows]
