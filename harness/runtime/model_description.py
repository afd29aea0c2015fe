"""What three files say about themselves, and that they fit each other and a mode.

Imports without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.runtime.abi import OLD_DECODE_METHOD, Abi, recognize_abi
from harness.runtime.encodings import DecoderEncodings, read_encodings
from harness.runtime.geometry import (
    CACHE_STEP,
    REEXPORT,
    DecoderGeometry,
    check_arity,
    check_decode_ar,
    check_decoder,
    check_embedding,
    check_encoder,
    read_geometry,
)
from harness.runtime.program_description import ProgramDescription
from harness.runtime.program_file import Signature
from harness.vlm.mode import EVAL_MODES, LookaheadShape
from harness.vocabulary import Mode

EMBED_DECODE, EMBED_PREFILL = "tok_embedding_kv_forward", "tok_embedding_prefill_forward"
PREFILL = "prefill_forward"
_IMAGE_TOKEN_NAMES = ("image_token_id", "modality_placeholder_token_id")
"""Today's name, and that of January 2026 (contract §1.5)."""


@dataclass(frozen=True)
class ModelDescription:
    """What three files say about themselves, and that they fit each other and a mode.

    Attributes:
        geometry: Sizes of the decoder.
        abi: Generation of the decoder's layout.
        encodings: Of the decoder's cache and logits.
        encoder: Signature of the vision encoder.
        image_token_id: Of the token that stands for one image row; None where the decoder does not
            tell (contract §2.6).
    """

    geometry: DecoderGeometry
    abi: Abi
    encodings: DecoderEncodings
    encoder: Signature
    image_token_id: int | None

    @property
    def image_size_px(self) -> int:
        """Side of the square image that the vision encoder takes."""
        return self.encoder.inputs[0].shape[-1]

    @property
    def tokens_per_image(self) -> int:
        """Rows that one image becomes."""
        return self.encoder.outputs[0].shape[1]


@dataclass(frozen=True)
class Programs:
    """Three files, as they describe themselves."""

    encoder: ProgramDescription
    embedding: ProgramDescription
    decoder: ProgramDescription

    @classmethod
    def read(cls, encoder: Path, embedding: Path, decoder: Path) -> Programs:
        """Read what a vision encoder, a token embedding and a text decoder say.

        Raises:
            UserError: If one is missing, damaged or no ExecuTorch program.
        """
        return cls(*map(ProgramDescription.read, (encoder, embedding, decoder)))

    def describe(self, mode: Mode, lookahead: LookaheadShape | None = None) -> ModelDescription:
        """Check the files against the contract, each other and a mode; no backend is asked.

        Args:
            mode: Decides which methods are looked at.
            lookahead: Branch of lookahead mode, None in the others.

        Raises:
            UserError: If a method is missing, of a layout that cannot be run, or of another model.
        """
        self.encoder.require("forward", "give the vision encoder as --encoder_path")
        decode = _signature(self.decoder, self.decode_name, mode)
        self.decoder.require("get_n_layers", REEXPORT)
        layers = int(self.decoder.constants("get_n_layers")[0])
        embed_decode = _signature(self.embedding, EMBED_DECODE, mode)
        embed_prefill, prefill = embed_decode, decode
        if mode != "kv":
            embed_prefill = _signature(self.embedding, EMBED_PREFILL, mode)
            prefill = _signature(self.decoder, PREFILL, mode)
        for method in (decode, prefill):
            check_arity(method, layers)
        check_decode_ar(decode, lookahead)
        geometry = read_geometry(decode, prefill, layers, self._integer(CACHE_STEP))
        check_decoder(decode, geometry, geometry.decode_ar)
        check_decoder(prefill, geometry, geometry.prefill_ar)
        check_embedding(embed_decode, geometry, geometry.decode_ar)
        check_embedding(embed_prefill, geometry, geometry.prefill_ar)
        encoder = self.encoder.signature("forward")
        check_encoder(encoder, geometry)
        return ModelDescription(
            geometry=geometry,
            abi=recognize_abi(self.decoder.method_names, len(decode.inputs[1].shape)),
            encodings=read_encodings(
                self.decoder,
                layers,
                geometry.kv_dtype,
                geometry.logits_dtype,
                has_prefill=prefill is not decode,
            ),
            encoder=encoder,
            image_token_id=self._integer(*_IMAGE_TOKEN_NAMES),
        )

    def _integer(self, *names: str) -> int | None:
        """The first constant of the decoder that has one of these names."""
        for name in names:
            if name in self.decoder.method_names:
                return int(self.decoder.constants(name)[0])
        return None

    @property
    def decode_name(self) -> str:
        """Decode method of the decoder."""
        return _decode_name(self.decoder)


def _decode_name(decoder: ProgramDescription) -> str:
    """``kv_forward``, or what it was called before PR #16506 in a file that is a decoder."""
    is_old = "kv_forward" not in decoder.method_names and "get_n_layers" in decoder.method_names
    return (
        OLD_DECODE_METHOD if is_old and OLD_DECODE_METHOD in decoder.method_names else "kv_forward"
    )


def _signature(program: ProgramDescription, name: str, mode: Mode) -> Signature:
    other: Mode = "hybrid" if mode == "kv" else "kv"
    program.require(
        name,
        f"mode {mode} (--eval_mode {EVAL_MODES[mode]}) needs it: use --eval_mode "
        f"{EVAL_MODES[other]} or {REEXPORT} --mode {mode}",
    )
    return program.signature(name)
