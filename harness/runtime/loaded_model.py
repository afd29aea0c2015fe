"""A model of three ``.pte`` files with its cache, ready to answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.checkpoint.tokenizer_fit import check_tokenizer
from harness.runtime.cache_contents import EmptiedSlots, UpstreamSlots
from harness.runtime.components import Components, load_components
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import PromptEmbedding, TokenEmbedder, VisionEncoder
from harness.runtime.encodings import Encoding
from harness.runtime.files import RunFiles
from harness.runtime.kv_cache import KvCache
from harness.runtime.model_description import Programs
from harness.runtime.request import RunOptions
from harness.runtime.sampler import sampling_encoding
from harness.runtime.stopwatch import LoadTimes
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_tokenizer import UpstreamTokenizer

Log = Callable[[str], None]


@dataclass(frozen=True)
class LoadedModel:
    """Methods bound to their inputs, over one cache; in kv mode one decoder serves both phases.

    Attributes:
        tokenizer: Of prompts and answers.
        stop_ids: Tokens that end an answer.
        failing_ids: Tokens that end it because upstream's tokenizer cannot write them.
        encoder: Of pictures.
        embed_prefill: Embeds the text of prompts.
        prompt_embedding: What a turn's text and images become.
        embed_decode: Embeds what was answered.
        prefiller: Decoder of prompts.
        decoder: Decoder of answers; ``prefiller`` in kv mode.
        cache: Of both decoders.
        context_length: Positions that a conversation may take.
        image_size_px: Side of the square image that the vision encoder takes.
        logits_encoding: What a sampler takes the logits for.
        load_times: Of loading all of it.
    """

    tokenizer: Tokenizer
    stop_ids: frozenset[int]
    failing_ids: frozenset[int]
    encoder: VisionEncoder
    embed_prefill: TokenEmbedder
    prompt_embedding: PromptEmbedding
    embed_decode: TokenEmbedder
    prefiller: Decoder
    decoder: Decoder
    cache: KvCache
    context_length: int
    image_size_px: int
    logits_encoding: Encoding
    load_times: LoadTimes

    def forget(self) -> None:
        """Be as if nothing had been asked yet, so that no answer depends on those before it."""
        self.cache.reset()
        for decoder in (self.prefiller, self.decoder):
            decoder.forget()


def load_model(files: RunFiles, family: VlmFamily, options: RunOptions, log: Log) -> LoadedModel:
    """Load what a mode needs and allocate cache, inputs and outputs.

    Raises:
        UserError: If the files are unusable or do not fit each other or the mode.
    """
    start_ns = time.perf_counter_ns()
    tokenizer = (UpstreamTokenizer if options.upstream_compat else Tokenizer)(files.tokenizer)
    log("Loaded json tokenizer")
    log("Reading metadata from model")
    programs = Programs.read(*files.programs)
    found = programs.describe(options.mode, options.lookahead)
    check_tokenizer(tokenizer, family, found.geometry.vocab_size, found.image_token_id)
    parts = load_components(programs, options.mode, options.lookahead)
    log(f"Text decoder as of {found.abi}; KV encodings: {found.encodings.scheme}")
    logits_encoding = sampling_encoding(
        found.encodings.logits,
        found.geometry.logits_dtype,
        temperature=options.temperature,
        upstream_compat=options.upstream_compat,
    )
    if options.lookahead is not None:
        log(
            f"Use Lookahead decoding: ngram={options.lookahead.ngram}, "
            f"window={options.lookahead.window}, gcap={options.lookahead.gcap}"
        )
    log("creating io_memory")
    encoder = VisionEncoder(parts.encoder)
    cache, prefiller, decoder = _decoders(parts, options)
    embed_prefill = embed_decode = TokenEmbedder(parts.embed_decode)
    if parts.embed_prefill is not parts.embed_decode:
        embed_prefill = TokenEmbedder(parts.embed_prefill)
    return LoadedModel(
        tokenizer,
        tokenizer.stop_ids(family),
        tokenizer.failing_ids(found.geometry.vocab_size),
        encoder,
        embed_prefill,
        PromptEmbedding(tokenizer, embed_prefill, encoder, found.geometry.vocab_size),
        embed_decode,
        prefiller,
        decoder,
        cache,
        found.geometry.context_length,
        encoder.image_size_px,
        logits_encoding,
        LoadTimes(start_ns, time.perf_counter_ns()),
    )


def _decoders(parts: Components, options: RunOptions) -> tuple[KvCache, Decoder, Decoder]:
    """The cache and the decoders of prefill and decode."""
    geometry, encodings = parts.description.geometry, parts.description.encodings
    if not options.requantization:
        encodings = encodings.without_requantization()
    cache = KvCache(
        geometry.layers,
        geometry.kv_heads,
        geometry.head_dim,
        geometry.context_length - min(geometry.decode_ar, geometry.prefill_ar),
        geometry.kv_dtype,
        encodings.prefill,
        UpstreamSlots() if options.upstream_compat else EmptiedSlots(),
    )
    decoder = Decoder(parts.decode, geometry, geometry.decode_ar, cache, encodings.decode)
    if parts.prefill is parts.decode:
        return cache, decoder, decoder
    prefill_ar = geometry.prefill_ar
    return cache, Decoder(parts.prefill, geometry, prefill_ar, cache, encodings.prefill), decoder
