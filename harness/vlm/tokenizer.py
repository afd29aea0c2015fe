"""Text to token ids and token ids to bytes, as upstream's runner does both.

Imports without torch and without transformers, whose start-up would dominate a short run.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer as Engine
from tokenizers import decoders

from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.vlm.spec import VlmFamily

MOST_BYTES = 256 << 20
"""Of a ``tokenizer.json``; one of 262,144 tokens has 33 MB."""


def _byte_of_character() -> dict[str, int]:
    """Inverse of the printable alphabet that byte-level BPE writes bytes in.

    Source: ``bytes_to_unicode`` of GPT-2 (openai/gpt-2, src/encoder.py).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    table.update({chr(0x100 + index): byte for index, byte in enumerate(others)})
    return table


_BYTES = _byte_of_character()


class Tokenizer:
    """A byte-level BPE ``tokenizer.json``.

    Raises:
        UserError: If the file is missing, unreadable or of another kind.
    """

    def __init__(self, path: Path) -> None:
        refuse_pointer(path)
        if not path.is_file():
            raise UserError(
                f"Tokenizer {path} does not exist; give the tokenizer.json as --tokenizer_path."
            )
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(
                f"Tokenizer {path} has {size >> 20} MiB, and at most {MOST_BYTES >> 20} MiB are "
                "read; give the tokenizer.json of the exported model."
            )
        try:
            self._engine = Engine.from_file(str(path))
        # The library raises bare Exception for every kind of malformed file.
        except Exception as error:
            if path.read_bytes().startswith(codecs.BOM_UTF8):
                raise UserError(
                    f"{path} begins with a byte order mark, which runners do not read; save it as "
                    "UTF-8 without the mark."
                ) from error
            raise UserError(
                f"{path} is not a readable tokenizer.json ({error}); download it or export the "
                "artifact again."
            ) from error
        if not isinstance(self._engine.decoder, decoders.ByteLevel):
            raise UserError(
                f"{path} is no byte-level tokenizer (its decoder is {self._engine.decoder}); "
                "give the tokenizer.json of the exported model."
            )
        self._engine.no_truncation()
        self._engine.no_padding()
        added = self._engine.get_added_tokens_decoder()
        self._literals = {token_id: token.content.encode() for token_id, token in added.items()}
        self.path = path

    @cached_property
    def added_tokens(self) -> Mapping[str, int]:
        """Ids of the tokens that stand beside the model's own vocabulary, special or not."""
        return {literal.decode(): token_id for token_id, literal in self._literals.items()}

    @cached_property
    def vocabulary(self) -> Mapping[str, int]:
        """Ids of all tokens, the special ones included."""
        return {**self._engine.get_vocab(with_added_tokens=False), **self.added_tokens}

    def token_of(self, token_id: object) -> str | None:
        """The token of an id; None of one that is beyond the vocabulary, or no id at all."""
        if not isinstance(token_id, int) or isinstance(token_id, bool):
            return None
        if not 0 <= token_id < 1 << 32:
            return None
        token: str | None = self._engine.id_to_token(token_id)
        return token

    def encode(self, text: str, *, as_word: bool = False) -> list[int]:
        """Ids of one text piece; none are added.

        Contract §4.4: no BOS, no EOS, no post-processor.

        Args:
            text: In which special tokens are recognized by their names.
            as_word: Read such names as any other text.
        """
        self._engine.encode_special_tokens = as_word
        ids: list[int] = self._engine.encode(text, add_special_tokens=False).ids
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        """Bytes of one token, possibly a part of a UTF-8 sequence (contract §5.3).

        Special tokens give their literal text. Ids beyond the vocabulary, which a padded output
        head can produce, give nothing, as in ``transformers``.
        """
        literal = self._literals.get(token_id)
        if literal is not None:
            return literal
        piece = self._engine.id_to_token(token_id)
        if piece is None:
            return b""
        return b"".join(
            bytes((_BYTES[char],)) if char in _BYTES else char.encode() for char in piece
        )

    def decode(self, token_ids: Iterable[int]) -> str:
        """Text of a whole answer; what is no UTF-8 becomes the replacement character."""
        return b"".join(map(self.token_bytes, token_ids)).decode(errors="replace")

    def stop_ids(self, family: VlmFamily) -> frozenset[int]:
        """Ids of the family's stop tokens that this vocabulary has.

        Raises:
            UserError: If it has none of them, so that no answer would ever end.
        """
        ids = (self._engine.token_to_id(token) for token in family.stop_tokens)
        found = frozenset(token_id for token_id in ids if token_id is not None)
        if not found:
            raise UserError(
                f"{self.path} has none of the stop tokens {', '.join(family.stop_tokens)} of "
                f"{family.name}; give the tokenizer of the exported model."
            )
        return found

    def failing_ids(self, rows: int) -> frozenset[int]:
        """Ids below ``rows`` that end an answer because they cannot be written; none here."""
        return frozenset()


class TextStream:
    """Joins the bytes of tokens and hands out whole characters only."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token_id: int) -> str:
        """Text that became complete with this token; empty within a character."""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def finish(self) -> str:
        """What is left when the answer ends within a character."""
        return self._decoder.decode(b"", final=True)
