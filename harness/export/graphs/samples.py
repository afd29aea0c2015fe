"""Calibration samples as a decoder is fed them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.component import load_module
from harness.export.inputs.calibration import CalibrationSample, Message
from harness.export.inputs.conversation import (
    EmbeddedSegment,
    TokenizedSample,
    embed,
    read_conversation,
)
from harness.export.inputs.passages import PASSAGES

LONGEST_OWN_SAMPLE = 256
"""Tokens read of one of :func:`own_samples`. With a vocabulary of tens of thousands it is about 150
long; a smaller vocabulary splits it into more, which say nothing new."""


def tokenized_samples(
    checkpoint: Checkpoint, samples: Sequence[CalibrationSample]
) -> list[TokenizedSample]:
    """Read samples as the checkpoint's runner would."""
    tokenizer = checkpoint.directory / "tokenizer.json"
    return [read_conversation(sample, checkpoint.spec, tokenizer) for sample in samples]


def own_samples(*, whole: bool) -> tuple[CalibrationSample, ...]:
    """What a decoder reads where nobody gives samples.

    Args:
        whole: All of it, or every second passage, which tell as well how strong each input is.
    """
    passages = PASSAGES if whole else PASSAGES[::2]
    messages = ((Message(role="user", content=passage),) for passage in passages)
    return tuple(CalibrationSample(messages=one) for one in messages)


def embedded_samples(
    checkpoint: Checkpoint, conversations: Sequence[TokenizedSample]
) -> list[tuple[EmbeddedSegment, ...]]:
    """Rows that the float encoder and the float table make of samples.

    Both are let go before a decoder is loaded.
    """
    features = _features(checkpoint, conversations)
    table = load_module(checkpoint, "token_embedding").get_parameter("embedding.weight").detach()
    pairs = zip(conversations, features, strict=True)
    return [embed(conversation, table, rows) for conversation, rows in pairs]


@torch.no_grad()
def _features(
    checkpoint: Checkpoint, conversations: Sequence[TokenizedSample]
) -> list[list[Tensor]]:
    if not any(conversation.pictures for conversation in conversations):
        return [[] for _ in conversations]
    encoder = load_module(checkpoint, "vision_encoder")
    return [
        [encoder(torch.from_numpy(picture))[0] for picture in conversation.pictures]
        for conversation in conversations
    ]
