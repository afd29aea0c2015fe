"""The three programs of one vision-language model and the geometry that binds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.runtime.program import Method, Program
from harness.runtime.request import check_built
from harness.vlm.mode import EVAL_MODES, Mode

_CODE_DTYPES = ("float32", "uint8", "uint16")
_REEXPORT = "export it again with `python -m harness export`"


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


@dataclass(frozen=True)
class Components:
    """Loaded methods of one run; in kv mode the prefill methods are the decode methods."""

    geometry: DecoderGeometry
    encoder: Method
    embed_prefill: Method
    embed_decode: Method
    prefill: Method
    decode: Method


def load_components(encoder: Path, embedding: Path, decoder: Path, mode: Mode) -> Components:
    """Load what a mode needs from the three files and check that it fits together.

    Raises:
        UserError: If a file or method is missing, of an older layout, or of another model.
    """
    check_built(mode)
    vision = Program(encoder)
    vision.require("forward", "give the vision encoder as --encoder_path")
    embedder, text = Program(embedding), Program(decoder)
    _refuse_requantized(text, mode)
    embed_decode = _method(embedder, "tok_embedding_kv_forward", mode)
    decode = _method(text, "kv_forward", mode)
    text.require("get_n_layers", _REEXPORT)
    layers = int(text.constant("get_n_layers"))
    if mode == "kv":
        embed_prefill, prefill = embed_decode, decode
    else:
        embed_prefill = _method(embedder, "tok_embedding_prefill_forward", mode)
        prefill = _method(text, "prefill_forward", mode)
    for method in (decode, prefill):
        _check_arity(method, layers)
    geometry = _read_geometry(decode, prefill, layers)
    components = Components(
        geometry, vision.method("forward"), embed_prefill, embed_decode, prefill, decode
    )
    _check_decoder(decode, geometry, geometry.decode_ar)
    _check_decoder(prefill, geometry, geometry.prefill_ar)
    _check_embedding(embed_decode, geometry, geometry.decode_ar)
    _check_embedding(embed_prefill, geometry, geometry.prefill_ar)
    _check_encoder(components)
    return components


def _method(program: Program, name: str, mode: Mode) -> Method:
    other: Mode = "kv" if mode == "hybrid" else "hybrid"
    program.require(
        name,
        f"mode {mode} (--eval_mode {EVAL_MODES[mode]}) needs it: use --eval_mode "
        f"{EVAL_MODES[other]} or {_REEXPORT} --mode {mode}",
    )
    return program.method(name)


def _refuse_requantized(program: Program, mode: Mode) -> None:
    """Refuse files whose cache must be converted between prefill and decode (contract §4.9)."""
    if mode != "kv" and "get_k_scale_input_0" in program.method_names:
        raise UserError(
            f"{program.path} needs its KV cache requantized after prefill (it has "
            f"get_k_scale_input_0), which is not built; use --eval_mode 0."
        )


def _check_arity(method: Method, layers: int) -> None:
    expected = (3 + 2 * layers, 1 + 2 * layers)
    if (len(method.inputs), len(method.outputs)) != expected:
        raise UserError(
            f"{method} has {len(method.inputs)} inputs and {len(method.outputs)} outputs, but "
            f"get_n_layers {layers} makes {expected[0]} and {expected[1]}; {_REEXPORT}."
        )
    rank = len(method.inputs[1].shape)
    if rank != 4:
        raise UserError(
            f"The attention mask of {method} has rank {rank} instead of 4, a layout of before "
            f"July 2026; {_REEXPORT}."
        )


def _read_geometry(decode: Method, prefill: Method, layers: int) -> DecoderGeometry:
    decode_ar, context_length = decode.inputs[1].shape[2:]
    if decode_ar != 1:
        raise UserError(
            f"{decode} takes {decode_ar} tokens per call, so the file was exported for lookahead "
            f"and needs --eval_mode 2; {_REEXPORT} --mode hybrid."
        )
    geometry = DecoderGeometry(
        layers=layers,
        kv_heads=decode.outputs[1].shape[1],
        head_dim=decode.outputs[1].shape[2],
        hidden_size=decode.inputs[0].shape[2],
        vocab_size=decode.outputs[0].shape[2],
        context_length=context_length,
        decode_ar=decode_ar,
        prefill_ar=prefill.inputs[1].shape[2],
        kv_dtype=decode.inputs[3].dtype,
        mask_dtype=decode.inputs[1].dtype,
        logits_dtype=decode.outputs[0].dtype,
    )
    for what in ("kv_dtype", "mask_dtype", "logits_dtype"):
        dtype = getattr(geometry, what)
        if dtype not in _CODE_DTYPES:
            raise UserError(
                f"The {what.removesuffix('_dtype')} dtype of {decode} is {dtype}, but the runner "
                f"serves {', '.join(_CODE_DTYPES)}; {_REEXPORT}."
            )
    return geometry


def _expect(
    method: Method, what: str, found: tuple[object, ...], wanted: tuple[object, ...]
) -> None:
    if found != wanted:
        raise UserError(
            f"{what} of {method} is {list(found)} instead of {list(wanted)}; use three files of "
            f"one export."
        )


def _check_decoder(method: Method, geometry: DecoderGeometry, ar: int) -> None:
    """Compare every tensor with the contract's tables §2.2."""
    g = geometry
    slots = g.context_length - ar
    keys = [(1, g.kv_heads, g.head_dim, slots)] * g.layers
    values = [(1, g.kv_heads, slots, g.head_dim)] * g.layers
    new_keys = [(1, g.kv_heads, g.head_dim, ar)] * g.layers
    new_values = [(1, g.kv_heads, ar, g.head_dim)] * g.layers
    inputs = [
        ((1, ar, g.hidden_size), "float32"),
        ((1, 1, ar, g.context_length), g.mask_dtype),
        ((1, ar), "int32"),
        *((shape, g.kv_dtype) for shape in keys + values),
    ]
    outputs = [
        ((1, ar, g.vocab_size), g.logits_dtype),
        *((shape, g.kv_dtype) for shape in new_keys + new_values),
    ]
    for kind, specs, table in (
        ("Input", method.inputs, inputs),
        ("Output", method.outputs, outputs),
    ):
        for index, (spec, (shape, dtype)) in enumerate(zip(specs, table, strict=True)):
            _expect(method, f"{kind} {index}", (*spec.shape, spec.dtype), (*shape, dtype))


def _check_embedding(method: Method, geometry: DecoderGeometry, ar: int) -> None:
    tokens, rows = method.inputs[0], method.outputs[0]
    _expect(method, "Input 0", tokens.shape, (1, ar))
    if tokens.dtype not in ("int32", "int64"):
        raise UserError(
            f"The tokens of {method} are {tokens.dtype}, not int32 or int64; {_REEXPORT}."
        )
    _expect(method, "Output 0", (*rows.shape, rows.dtype), (1, ar, geometry.hidden_size, "float32"))


def _check_encoder(components: Components) -> None:
    method = components.encoder
    pixels, rows = method.inputs[0], method.outputs[0]
    side = pixels.shape[-1]
    _expect(method, "Input 0", (*pixels.shape, pixels.dtype), (1, 3, side, side, "float32"))
    wanted = (1, rows.shape[1], components.geometry.hidden_size, "float32")
    _expect(method, "Output 0", (*rows.shape, rows.dtype), wanted)
