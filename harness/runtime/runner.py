"""Conversations with a vision-language model of three ``.pte`` files (contract §4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.measure.run_stats import StopReason
from harness.runtime.components import Components, load_components
from harness.runtime.decode import DecodeLimits, DecodeLoop
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import (
    PromptEmbedding,
    TokenEmbedding,
    TokenizedPiece,
    VisionEncoder,
)
from harness.runtime.files import RunFiles
from harness.runtime.generation import Generation, Turn
from harness.runtime.image import load_pixels
from harness.runtime.kv_cache import KvCache
from harness.runtime.lookahead import LookaheadLoop
from harness.runtime.observer import Observer, SilentObserver
from harness.runtime.prefill import check_prompt_fits, prefill
from harness.runtime.requantization import requantize, requantize_as_upstream
from harness.runtime.request import Request, RunOptions, check_lookahead
from harness.runtime.sampler import Sampler, sampling_encoding
from harness.runtime.sequence_limit import clamp_seq_len, limit_warnings
from harness.runtime.stopwatch import LoadTimes, Stopwatch, peak_rss_mib
from harness.runtime.tokenizer import TextStream, Tokenizer
from harness.vlm.mode import EVAL_MODES
from harness.vlm.prompt import IMAGE_PLACEHOLDER, ImagePiece, format_turn, place_images
from harness.vlm.spec import VlmFamily

Pixels = NDArray[np.float32]


class MultimodalRunner:
    """Loads a model once and answers requests with it.

    Args:
        files: Three ``.pte`` files and the tokenizer.
        family: Prompt strings, preprocessing and stop tokens.
        options: How to generate, the same for all requests.
        observer: Listens; nobody by default.

    Raises:
        UserError: If the files are unusable or do not fit each other or the mode.
    """

    def __init__(
        self,
        files: RunFiles,
        family: VlmFamily,
        options: RunOptions,
        observer: Observer | None = None,
    ) -> None:
        check_lookahead(options)
        self._family = family
        self._options = options
        self._listener: Observer = observer or SilentObserver()
        self._observer = self._listener
        log = self._observer.log
        log(f"creating runner: tokenizer_path={files.tokenizer}")
        log(f"eval mode={EVAL_MODES[options.mode]}")
        start_ns = time.perf_counter_ns()
        self._tokenizer = Tokenizer(files.tokenizer)
        log("Loaded json tokenizer")
        log("Reading metadata from model")
        parts = load_components(
            files.encoder, files.embedding, files.decoder, options.mode, options.lookahead
        )
        found = parts.description
        log(f"Text decoder as of {found.abi}; KV encodings: {found.encodings.scheme}")
        self._stop_ids = self._tokenizer.stop_ids(family)
        self._geometry = found.geometry
        self._logits_encoding = sampling_encoding(
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
        self._bind(parts)
        self._load_times = LoadTimes(start_ns, time.perf_counter_ns())
        self._seq_len = clamp_seq_len(options.seq_len, self._geometry.context_length, log)
        self._cold = options.warmup > 0

    def _bind(self, parts: Components) -> None:
        """Allocate cache, inputs and outputs; in kv mode one method serves both phases."""
        geometry, encodings = parts.description.geometry, parts.description.encodings
        if not self._options.requantization:
            encodings = encodings.without_requantization()
        self._cache = KvCache(
            geometry.layers,
            geometry.kv_heads,
            geometry.head_dim,
            geometry.context_length - min(geometry.decode_ar, geometry.prefill_ar),
            geometry.kv_dtype,
            encodings.prefill,
            requantize_as_upstream if self._options.upstream_compat else requantize,
        )
        self._encoder = VisionEncoder(parts.encoder)
        self._embed_decode = embed_prefill = TokenEmbedding(parts.embed_decode)
        self._decoder = self._prefiller = Decoder(
            parts.decode, geometry, geometry.decode_ar, self._cache, encodings.decode
        )
        if parts.prefill is not parts.decode:
            embed_prefill = TokenEmbedding(parts.embed_prefill)
            self._prefiller = Decoder(
                parts.prefill, geometry, geometry.prefill_ar, self._cache, encodings.prefill
            )
        self._prompt_embedding = PromptEmbedding(self._tokenizer, embed_prefill, self._encoder)

    @property
    def image_size_px(self) -> int:
        """Side of the square image that the vision encoder takes."""
        return self._encoder.image_size_px

    def token_bytes(self, token_ids: Sequence[int]) -> bytes:
        """Bytes of an answer, exactly as upstream writes them (contract §5.3)."""
        return b"".join(map(self._tokenizer.token_bytes, token_ids))

    def run(self, request: Request, times: int = 1) -> Generation:
        """Hold one conversation on an empty cache, after the warm-up if it is the first.

        Args:
            request: Prompts and images.
            times: Hold it so often in a row on the same cache. This is upstream's ``--num_iters``:
                every repetition continues the context of the one before (contract §4.2).

        Returns:
            The turns of all repetitions.

        Raises:
            UserError: If an image is unusable, the images do not match the prompts or a prompt is
                too long.
        """
        prompts = place_images(_refuse_audio(request.prompts), len(request.images))
        preprocessing = self._family.preprocessing
        pixels = [load_pixels(name, self.image_size_px, preprocessing) for name in request.images]
        if self._cold:
            self._warm_up(request, prompts, pixels)
        self._reset()
        turns: list[Turn] = []
        for _ in range(times):
            turns += self._converse(request, prompts, pixels)
        return Generation(request_id=request.id, turns=tuple(turns))

    def _reset(self) -> None:
        """Forget the conversation, what lookahead learned from it and the random numbers."""
        self._cache.reset()
        options = self._options
        self._sampler = Sampler(
            options.temperature, options.top_p, options.seed, self._logits_encoding
        )
        parts = (self._decoder, self._embed_decode, self._sampler, self._observer)
        self._loop = DecodeLoop(*parts)
        self._lookahead = (
            None
            if options.lookahead is None
            else LookaheadLoop(*parts, options.lookahead, options.seed)
        )

    def _warm_up(self, request: Request, prompts: Sequence[str], pixels: Sequence[Pixels]) -> None:
        self._observer = SilentObserver()
        try:
            for _ in range(self._options.warmup):
                self._reset()
                self._converse(request, prompts, pixels)
        finally:
            self._observer = self._listener
        self._cold = False

    def _converse(
        self, request: Request, prompts: Sequence[str], pixels: Sequence[Pixels]
    ) -> list[Turn]:
        """Answer all turns behind what the cache holds; images are dealt from left to right."""
        turns = []
        dealt = 0
        for index, prompt in enumerate(prompts):
            end = dealt + prompt.count(IMAGE_PLACEHOLDER)
            self._log_turn(index, prompt, request.images[dealt:end])
            turns.append(self._answer(prompt, pixels[dealt:end], request.system_prompt))
            dealt = end
        return turns

    def _answer(self, prompt: str, images: Sequence[Pixels], system_prompt: str) -> Turn:
        observer = self._observer
        formatted = format_turn(prompt, system_prompt, self._family.prompt)
        stopwatch = Stopwatch(self._load_times)
        pieces = self._tokenize(formatted, images)
        embeddings = self._prompt_embedding.embed(pieces, images, stopwatch, observer.log)
        observer.log(
            f"Prompt Processor: total {len(embeddings)} prompt tokens "
            f"(AR-{self._prefiller.ar} * {1 + (len(embeddings) - 1) // self._prefiller.ar} iters)"
        )
        with stopwatch.stage("prefill"):
            logits = prefill(self._prefiller, embeddings, observer)
        token_ids = [self._sampler.sample(logits)]
        stopwatch.first_token()
        observer.log(f"RSS after prompt prefill: {peak_rss_mib():f} MiB (0 if unsupported)")
        stream = TextStream(self._tokenizer)
        observer.text(stream.push(token_ids[0]))

        def on_token(token_id: int) -> None:
            token_ids.append(token_id)
            observer.text(stream.push(token_id))

        reason = self._decode(token_ids[0], pieces, on_token, stopwatch)
        stopwatch.stop()
        observer.text(stream.finish())
        self._log_end(reason)
        turn = Turn(
            echo=formatted.replace(IMAGE_PLACEHOLDER, ""),
            text=self._tokenizer.decode(token_ids),
            token_ids=tuple(token_ids),
            stats=stopwatch.stats(len(embeddings), len(token_ids) - 1, reason),
        )
        observer.turn_ended(turn, stopwatch)
        return turn

    def _tokenize(self, formatted: str, images: Sequence[Pixels]) -> list[TokenizedPiece]:
        """Tokenize a turn, unless it is too long, which is known before anything runs."""
        log = self._observer.log
        for pixels in images:
            log("image Channels: {}, Height: {}, Width: {}".format(*pixels.shape[1:]))
        log(f"Prompt after expanding image token: {formatted}")
        pieces = self._prompt_embedding.tokenize(formatted)
        check_prompt_fits(
            self._prompt_embedding.length(pieces),
            self._cache.filled,
            self._seq_len,
            self._geometry.context_length,
            max(self._prefiller.ar, self._decoder.ar),
        )
        return pieces

    def _decode(
        self,
        first_token: int,
        prompt: Sequence[TokenizedPiece],
        on_token: Callable[[int], None],
        stopwatch: Stopwatch,
    ) -> StopReason:
        """Continue after the first token, which upstream never tests for a stop (contract §4.5)."""
        options = self._options
        stop_ids = frozenset[int]() if options.ignore_eos else self._stop_ids
        if first_token in stop_ids and not options.upstream_compat:
            return "stop_token"
        limits = DecodeLimits(self._seq_len, options.max_new_tokens, stop_ids)
        if self._lookahead is None:
            return self._loop.run(first_token, limits, on_token, stopwatch)
        text_ids = [
            token for piece in prompt if not isinstance(piece, ImagePiece) for token in piece
        ]
        return self._lookahead.run(first_token, text_ids, limits, on_token, stopwatch)

    def _log_turn(self, index: int, prompt: str, sources: Sequence[str]) -> None:
        log = self._observer.log
        if index == 0:
            log("Simulation multi-turn:")
        log(f'Turn-{index}: {{id: {index}, text: "{prompt}", files_path: {list(sources)}}}')

    def _log_end(self, reason: StopReason) -> None:
        log = self._observer.log
        if reason == "stop_token":
            log("\nReached to the end of generation")
        elif self._cache.filled >= self._seq_len - 1:
            for line in limit_warnings(self._seq_len, self._geometry.context_length):
                log(line)
        elif self._cache.filled >= self._cache.slots:
            log("\nReached to the maximum sequence length")
        log(f"RSS after finishing text generation: {peak_rss_mib():f} MiB (0 if unsupported)")


def _refuse_audio(prompts: Sequence[str]) -> Sequence[str]:
    for prompt in prompts:
        if "<audio>" in prompt:
            raise UserError(
                "A prompt holds <audio>, but SmolVLM and InternVL3 take images only; remove it."
            )
    return prompts
