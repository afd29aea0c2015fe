"""Sizes that the methods of three files declare, and whether they are those of the contract.

What is checked are signatures, which can be read without a backend. Imports without torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import UserError
from harness.runtime.program_file import Signature, TensorSpec
from harness.vlm.mode import LookaheadShape

REEXPORT = "export it again with `python -m harness export`"
CACHE_STEP = "get_cache_step"
"""Constant method of :attr:`DecoderGeometry.cache_step`."""

_ONE_EXPORT = "use three files of one export"
_CODE_DTYPES = ("float32", "uint8", "uint16")


@dataclass(frozen=True)
class DecoderGeometry:
    """Sizes that all decoder methods of one file share (contract §4.3).

    Attributes:
        layers: L.
        kv_heads: Hkv.
        head_dim: hd.
        hidden_size: D.
        vocab_size: V.
        context_length: CL.
        decode_ar: Tokens per call of ``kv_forward``.
        prefill_ar: Tokens per call in prefill; ``decode_ar`` in kv mode.
        kv_dtype: numpy dtype name of the KV cache.
        mask_dtype: numpy dtype name of the attention mask.
        logits_dtype: numpy dtype name of the logits.
        cache_step: Columns of which the methods take caches of any multiple; None where they take
            whole caches alone (contract §2.6).
    """

    layers: int
    kv_heads: int
    head_dim: int
    hidden_size: int
    vocab_size: int
    context_length: int
    decode_ar: int
    prefill_ar: int
    kv_dtype: str
    mask_dtype: str
    logits_dtype: str
    cache_step: int | None = None

    def slots_for(self, positions: int, ar: int) -> int:
        """Slots of the shortest cache that holds some positions and that a method takes."""
        every = self.context_length - ar
        if self.cache_step is None:
            return every
        return min(-(-positions // self.cache_step) * self.cache_step, every)


def check_arity(method: Signature, layers: int) -> None:
    """Refuse a decoder method whose inputs are not those of contract §2.2 in kind and number.

    Raises:
        UserError: If it takes token ids, has caches per head, or a mask of another rank.
    """
    expected = (3 + 2 * layers, 1 + 2 * layers)
    if (len(method.inputs), len(method.outputs)) != expected:
        raise UserError(
            f"{method} has {len(method.inputs)} inputs and {len(method.outputs)} outputs, but "
            f"get_n_layers {layers} makes {expected[0]} and {expected[1]}; {REEXPORT}."
        )
    if len(method.inputs[0].shape) != 3:
        raise UserError(
            f"{method} takes token ids instead of embeddings, so it is of a model without "
            f"images; give the text decoder of a vision-language model."
        )
    rank = len(method.inputs[1].shape)
    if rank not in (3, 4):
        raise UserError(
            f"The attention mask of {method} has rank {rank}, and no exporter is known that wrote "
            f"other ranks than 3 and 4; {REEXPORT}."
        )
    _expect_rank(method, "Output 0", method.outputs[0], 3)
    for index, new in enumerate(method.outputs[1:], start=1):
        _expect_rank(method, f"Output {index}", new, 4)


def check_decode_ar(decode: Signature, lookahead: LookaheadShape | None) -> None:
    """Refuse a file whose decode method takes another number of tokens than the mode feeds it."""
    ar = decode.inputs[1].shape[-2]
    if lookahead is None and ar != 1:
        raise UserError(
            f"{decode} takes {ar} tokens per call, so the file was exported for lookahead "
            f"and needs --eval_mode 2; {REEXPORT} --mode hybrid."
        )
    if lookahead is not None and ar == 1:
        raise UserError(
            f"{decode} takes 1 token per call, so the file was not exported for lookahead; use "
            f"--eval_mode 0 or 1, or {REEXPORT} --mode lookahead."
        )
    if lookahead is not None and ar < lookahead.slots:
        raise UserError(
            f"Lookahead {lookahead} (window, ngram, gcap) feeds {lookahead.slots} tokens per call "
            f"and {decode} takes {ar}; give --window, --ngram and --gcap of its export."
        )


def read_geometry(
    decode: Signature, prefill: Signature, layers: int, cache_step: int | None = None
) -> DecoderGeometry:
    """Read the sizes out of two decoder methods; in kv mode both are the same one.

    Raises:
        UserError: If a dtype is none that the runner serves, or the step is none.
    """
    if cache_step is not None and cache_step < 1:
        raise UserError(
            f"{CACHE_STEP} of {decode.path} is {cache_step} and not above 0; {REEXPORT}."
        )
    decode_ar, context_length = decode.inputs[1].shape[-2:]
    geometry = DecoderGeometry(
        layers=layers,
        kv_heads=decode.outputs[1].shape[1],
        head_dim=decode.outputs[1].shape[2],
        hidden_size=decode.inputs[0].shape[2],
        vocab_size=decode.outputs[0].shape[2],
        context_length=context_length,
        decode_ar=decode_ar,
        prefill_ar=prefill.inputs[1].shape[-2],
        kv_dtype=decode.inputs[3].dtype,
        mask_dtype=decode.inputs[1].dtype,
        logits_dtype=decode.outputs[0].dtype,
        cache_step=cache_step,
    )
    for what in ("kv_dtype", "mask_dtype", "logits_dtype"):
        dtype = getattr(geometry, what)
        if dtype not in _CODE_DTYPES:
            raise UserError(
                f"The {what.removesuffix('_dtype')} dtype of {decode} is {dtype}, but the runner "
                f"serves {', '.join(_CODE_DTYPES)}; {REEXPORT}."
            )
    return geometry


def check_decoder(method: Signature, geometry: DecoderGeometry, ar: int) -> None:
    """Compare every tensor with contract §2.2.

    Raises:
        UserError: If one differs.
    """
    g = geometry
    new_keys = [(1, g.kv_heads, g.head_dim, ar)] * g.layers
    new_values = [(1, g.kv_heads, ar, g.head_dim)] * g.layers
    inputs = decoder_inputs(g, ar, g.context_length - ar, len(method.inputs[1].shape))
    outputs = [
        TensorSpec((1, ar, g.vocab_size), g.logits_dtype),
        *(TensorSpec(shape, g.kv_dtype) for shape in new_keys + new_values),
    ]
    _compare(method, "Input", method.inputs, inputs)
    _compare(method, "Output", method.outputs, outputs)


def decoder_inputs(
    geometry: DecoderGeometry, ar: int, slots: int, mask_rank: int
) -> list[TensorSpec]:
    """What a decoder method takes with caches of so many columns (contract §2.2)."""
    g = geometry
    keys = [(1, g.kv_heads, g.head_dim, slots)] * g.layers
    values = [(1, g.kv_heads, slots, g.head_dim)] * g.layers
    return [
        TensorSpec((1, ar, g.hidden_size), "float32"),
        TensorSpec((*(1,) * (mask_rank - 2), ar, slots + ar), g.mask_dtype),
        TensorSpec((1, ar), "int32"),
        *(TensorSpec(shape, g.kv_dtype) for shape in keys + values),
    ]


def _compare(
    method: Signature, kind: str, found: Iterable[TensorSpec], wanted: Iterable[TensorSpec]
) -> None:
    for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
        _expect(method, f"{kind} {index}", (*one.shape, one.dtype), (*other.shape, other.dtype))


def check_embedding(method: Signature, geometry: DecoderGeometry, ar: int) -> None:
    """Compare a method of the token embedding with contract §3.1.

    Raises:
        UserError: If it does not fit the decoder.
    """
    tokens, rows = _only_tensors(method, 2, 3)
    _expect(method, "Input 0", tokens.shape, (1, ar))
    if tokens.dtype not in ("int32", "int64"):
        raise UserError(
            f"The tokens of {method} are {tokens.dtype}, not int32 or int64; {REEXPORT}."
        )
    _expect(method, "Output 0", (*rows.shape, rows.dtype), (1, ar, geometry.hidden_size, "float32"))


def check_encoder(method: Signature, geometry: DecoderGeometry) -> None:
    """Compare the vision encoder with contract §3.2.

    Raises:
        UserError: If it does not fit the decoder.
    """
    pixels, rows = _only_tensors(method, 4, 3)
    side = pixels.shape[-1]
    _expect(method, "Input 0", (*pixels.shape, pixels.dtype), (1, 3, side, side, "float32"))
    wanted = (1, rows.shape[1], geometry.hidden_size, "float32")
    _expect(method, "Output 0", (*rows.shape, rows.dtype), wanted)


def _only_tensors(
    method: Signature, input_rank: int, output_rank: int
) -> tuple[TensorSpec, TensorSpec]:
    """Input and output of a method that has one of each."""
    if (len(method.inputs), len(method.outputs)) != (1, 1):
        raise UserError(
            f"{method} has {len(method.inputs)} inputs and {len(method.outputs)} outputs instead "
            f"of one each; {_ONE_EXPORT}."
        )
    _expect_rank(method, "Input 0", method.inputs[0], input_rank)
    _expect_rank(method, "Output 0", method.outputs[0], output_rank)
    return method.inputs[0], method.outputs[0]


def _expect_rank(method: Signature, what: str, tensor: TensorSpec, rank: int) -> None:
    if len(tensor.shape) != rank:
        raise UserError(
            f"{what} of {method} is {list(tensor.shape)}, which has not {rank} dimensions; "
            f"{_ONE_EXPORT}."
        )


def _expect(
    method: Signature, what: str, found: tuple[object, ...], wanted: tuple[object, ...]
) -> None:
    if found != wanted:
        raise UserError(
            f"{what} of {method} is {list(found)} instead of {list(wanted)}; {_ONE_EXPORT}."
        )
