"""Text and image pieces of a turn to one run of embeddings (contract §4.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.runner_log.messages import ENCODE_BEGINS, ENCODE_ENDS
from harness.runtime.program import Method
from harness.runtime.stopwatch import Stopwatch
from harness.runtime.tensor_check import check_embeddings, check_finite
from harness.vlm.prompt import ImagePiece, Piece, TextPiece
from harness.vlm.tokenizer import Tokenizer

Rows = NDArray[np.float32]

TokenizedPiece = list[int] | ImagePiece
"""Ids of a stretch of text, or the place of an image."""


class TokenEmbedder:
    """Looks token ids up, AR ids per call."""

    def __init__(self, method: Method) -> None:
        spec = method.inputs[0]
        self._tokens = np.zeros(spec.shape, spec.dtype)
        self._ar = spec.shape[1]
        self._hidden_size = method.outputs[0].shape[2]
        self._bound = method.bind([self._tokens])

    @property
    def execute_ns(self) -> int:
        """Time spent inside ExecuTorch since the program was loaded."""
        return self._bound.execute_ns

    def embed(self, token_ids: Sequence[int]) -> Rows:
        """Embed any number of ids; the unused tail of the last call keeps old ids.

        Returns:
            float32 ``[len(token_ids), hidden_size]``, the caller's own.
        """
        rows = np.empty((len(token_ids), self._hidden_size), np.float32)
        for start in range(0, len(token_ids), self._ar):
            chunk = token_ids[start : start + self._ar]
            self._tokens[0, : len(chunk)] = chunk
            rows[start : start + len(chunk)] = self._bound.execute()[0][0, : len(chunk)]
        return rows

    def embed_one(self, token_id: int, step: str) -> Rows:
        """Embed a single id without allocating.

        Args:
            token_id: The id.
            step: What it is embedded for, as an error says it.

        Returns:
            float32 ``[1, hidden_size]``, valid until the next call.

        Raises:
            UserError: If the row is no finite numbers.
        """
        self._tokens[0, 0] = token_id
        rows: Rows = self._bound.execute()[0][0, :1]
        check_finite(rows, "token embedding", f"the row of token {token_id}", step)
        return rows


class VisionEncoder:
    """Turns the pixel values of one image into embedding rows.

    Attributes:
        tokens_per_image: Rows that one image becomes.
        hidden_size: Width of a row.
        image_size_px: Side of the square input image.
    """

    def __init__(self, method: Method) -> None:
        self._pixels = np.zeros(method.inputs[0].shape, np.float32)
        self.image_size_px = self._pixels.shape[-1]
        _, self.tokens_per_image, self.hidden_size = method.outputs[0].shape
        self._bound = method.bind([self._pixels])

    def encode(self, pixels: NDArray[np.float32]) -> Rows:
        """Encode ``[1, 3, image_size_px, image_size_px]``.

        Returns:
            float32 ``[tokens_per_image, hidden_size]``, the caller's own.
        """
        self._pixels[...] = pixels
        rows: Rows = self._bound.execute()[0][0].copy()
        return rows


class PromptEmbedding:
    """Merges what a turn's text and images become, in the order of the prompt.

    Args:
        tokenizer: May know tokens that the embedding has no row for.
        embedding: Of ``vocab_size`` rows.
        encoder: Of pictures.
        vocab_size: Rows of the embedding.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        embedding: TokenEmbedder,
        encoder: VisionEncoder,
        vocab_size: int,
    ) -> None:
        self._tokenizer = tokenizer
        self._embedding = embedding
        self._encoder = encoder
        self._vocab_size = vocab_size

    def tokenize(self, pieces: Sequence[Piece]) -> list[TokenizedPiece]:
        """Tokenize every stretch of a turn's text by itself.

        Raises:
            UserError: If a token has no row in the embedding.
        """
        return [piece if isinstance(piece, ImagePiece) else self._encode(piece) for piece in pieces]

    def _encode(self, piece: TextPiece) -> list[int]:
        ids = self._tokenizer.encode(piece.text, as_word=piece.is_word)
        for token_id in ids:
            if token_id >= self._vocab_size:
                raise UserError(
                    f"The prompt holds {self._tokenizer.token_of(token_id)!r}, token {token_id}, "
                    f"and the model's embedding has {self._vocab_size:,} rows; ask without it."
                )
        return ids

    def length(self, pieces: Sequence[TokenizedPiece]) -> int:
        """Rows of the merged prompt (P in the contract)."""
        return sum(map(self._piece_length, pieces))

    def embed(
        self,
        pieces: Sequence[TokenizedPiece],
        images: Sequence[NDArray[np.float32]],
        stopwatch: Stopwatch,
        log: Callable[[str], None],
    ) -> Rows:
        """Run token embedding and vision encoder.

        Args:
            pieces: From :meth:`tokenize`.
            images: Pixel values of the turn's images.
            stopwatch: Gets the time of both stages.
            log: Is told what upstream tells.

        Returns:
            float32 ``[length(pieces), hidden_size]``.

        Raises:
            UserError: If rows of a picture or of text are such as ``tensor_check`` refuses.
        """
        rows = np.empty((self.length(pieces), self._encoder.hidden_size), np.float32)
        end = 0
        for piece in pieces:
            start, end = end, end + self._piece_length(piece)
            if isinstance(piece, ImagePiece):
                pixels = images[piece.index]
                log(ENCODE_BEGINS.write(numel=pixels.size))
                with stopwatch.stage("encode"):
                    rows[start:end] = self._encoder.encode(pixels)
                picture = f"picture {piece.index + 1} of the turn"
                check_finite(rows[start:end], "vision encoder", "features", picture)
                log(ENCODE_ENDS.write())
                log(f"Merged Tensor embedding: total_tokens={end}")
            else:
                with stopwatch.stage("embed"):
                    rows[start:end] = self._embedding.embed(piece)
                text = f"the prompt's tokens {start} to {end - 1}"
                check_embeddings(rows[start:end], piece, text)
                log(f"Merged TensorStruct embedding: total_tokens={end}")
        log(f"Get merged embeddings: total_tokens={end}, embedding_dim={rows.shape[1]}")
        return rows

    def _piece_length(self, piece: TokenizedPiece) -> int:
        return self._encoder.tokens_per_image if isinstance(piece, ImagePiece) else len(piece)
