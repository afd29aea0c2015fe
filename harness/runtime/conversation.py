"""Turns on one cache: prompts and images in, answers out (contract §4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.measure.run_stats import StopReason
from harness.runner_log import messages
from harness.runtime import phases
from harness.runtime.embedding import Rows, TokenizedPiece
from harness.runtime.generation import Turn
from harness.runtime.kv_cache import Array
from harness.runtime.loaded_model import LoadedModel
from harness.runtime.lookahead import LookaheadLoop
from harness.runtime.lookahead_rules import OwnRules, UpstreamRules
from harness.runtime.observer import Observer
from harness.runtime.prompt_limit import check_prompt_fits
from harness.runtime.request import Request, RunOptions
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import Stopwatch, peak_rss_mib
from harness.vlm.prompt import ImagePiece
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import TextStream
from harness.vlm.turn import TurnText, reading

Pixels = NDArray[np.float32]


class Conversation:
    """One conversation; whatever was asked before is forgotten when it begins.

    Args:
        model: Loaded, with the cache that this conversation fills.
        family: Prompt strings.
        options: How to generate.
        observer: Listens.
    """

    def __init__(
        self,
        model: LoadedModel,
        family: VlmFamily,
        options: RunOptions,
        observer: Observer,
    ) -> None:
        self._model = model
        self._family = family
        self._options = options
        self._seq_len = phases.clamp_seq_len(options.seq_len, model.context_length)
        self._observer = observer
        self._reading = reading(options.upstream_compat)
        self._sampler = Sampler(
            options.temperature, options.top_p, options.seed, model.logits_encoding
        )
        parts = (model.decoder, model.embed_decode, self._sampler, observer)
        self._loop = phases.DecodeLoop(*parts)
        self._lookahead = (
            None
            if options.lookahead is None
            else LookaheadLoop(
                *parts,
                options.lookahead,
                options.seed,
                UpstreamRules() if options.upstream_compat else OwnRules(),
            )
        )
        model.forget()

    def hold(
        self, request: Request, prompts: Sequence[str], pixels: Sequence[Pixels]
    ) -> list[Turn]:
        """Answer all turns behind those that were answered before.

        Args:
            request: What is asked.
            prompts: Its prompts, a placeholder where an image goes.
            pixels: Pixel values of its images, dealt to the prompts from left to right.

        Raises:
            UserError: If a prompt is too long.
        """
        turns = []
        dealt = 0
        for prompt in prompts:
            end = dealt + self._reading.count_images(prompt)
            turns.append(self._answer(prompt, pixels[dealt:end], request.system_prompt))
            dealt = end
        return turns

    def _answer(self, prompt: str, images: Sequence[Pixels], system_prompt: str) -> Turn:
        observer = self._observer
        text = self._reading.read(prompt, system_prompt, self._family.prompt)
        stopwatch = Stopwatch(self._model.load_times)
        pieces = self._tokenize(text, images)
        embeddings = self._model.prompt_embedding.embed(pieces, images, stopwatch, observer.log)
        token_ids = [self._sampler.sample(self._prefill(embeddings, stopwatch))]
        prompt_end = self._model.cache.filled
        stopwatch.first_token()
        observer.log(messages.PREFILL_ENDS.write(rss_mib=peak_rss_mib()))
        stream = TextStream(self._model.tokenizer)
        observer.text(stream.push(token_ids[0]))

        def on_token(token_id: int) -> None:
            token_ids.append(token_id)
            observer.text(stream.push(token_id))

        reason = self._decode(token_ids[0], pieces, on_token, stopwatch)
        stopwatch.stop()
        observer.text(stream.finish())
        if token_ids[-1] in self._model.failing_ids:
            self._model.cache.rewind(prompt_end)
            reason = "unknown"
        self._log_unwritten(token_ids)
        self._log_end(reason)
        turn = Turn(
            echo=text.echo,
            text=self._model.tokenizer.decode(token_ids),
            token_ids=tuple(token_ids),
            stats=stopwatch.stats(len(embeddings), len(token_ids) - 1, reason),
        )
        observer.turn_ended(turn, stopwatch)
        return turn

    def _prefill(self, embeddings: Rows, stopwatch: Stopwatch) -> Array:
        prefiller, tokens = self._model.prefiller, len(embeddings)
        passes = 1 + (tokens - 1) // prefiller.ar
        self._observer.log(
            messages.PREFILL_BEGINS.write(tokens=tokens, ar=prefiller.ar, passes=passes)
        )
        with stopwatch.stage("prefill"):
            return phases.prefill(prefiller, embeddings, self._observer)

    def _tokenize(self, text: TurnText, images: Sequence[Pixels]) -> list[TokenizedPiece]:
        """Tokenize a turn, unless it is too long, which is known before anything runs."""
        log = self._observer.log
        for pixels in images:
            log("image Channels: {}, Height: {}, Width: {}".format(*pixels.shape[1:]))
        log(f"{messages.TURN_BEGINS.write()} {text.expanded}")
        for warning in phases.seq_len_warnings(self._options.seq_len, self._model.context_length):
            log(warning)
        pieces = self._model.prompt_embedding.tokenize(text.pieces)
        check_prompt_fits(
            self._model.prompt_embedding.length(pieces),
            self._model.cache.filled,
            self._seq_len,
            self._model.context_length,
            max(self._model.prefiller.ar, self._model.decoder.ar),
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
        options, failing_ids = self._options, self._model.failing_ids
        stop_ids = frozenset[int]() if options.ignore_eos else self._model.stop_ids
        tested = failing_ids if options.upstream_compat else stop_ids
        if first_token in tested:
            return "stop_token"
        ends = stop_ids | failing_ids
        limits = phases.DecodeLimits(self._seq_len, options.max_new_tokens, ends)
        if self._lookahead is None:
            return self._loop.run(first_token, limits, on_token, stopwatch)
        text_ids = [
            token for piece in prompt if not isinstance(piece, ImagePiece) for token in piece
        ]
        return self._lookahead.run(first_token, text_ids, limits, on_token, stopwatch)

    def _log_unwritten(self, token_ids: Sequence[int]) -> None:
        """Say which token has no text: the first is where an answer of upstream's runner ends."""
        token_of = self._model.tokenizer.token_of
        unwritten = [token_id for token_id in token_ids if token_of(token_id) is None]
        if unwritten:
            self._observer.log(
                f"Token {unwritten[0]} is not in the tokenizer: upstream's runner ends a turn "
                "there, without statistics, and its next turn does not know of the answer"
            )

    def _log_end(self, reason: StopReason) -> None:
        log = self._observer.log
        if reason == "stop_token":
            log(messages.STOP_TOKEN.write())
        elif self._model.cache.filled >= self._seq_len - 1:
            for line in phases.limit_warnings(self._seq_len, self._model.context_length):
                log(line)
        elif self._model.cache.filled >= self._model.cache.capacity:
            log(messages.FULL_CACHE.write())
        log(messages.TURN_ENDS.write(rss_mib=peak_rss_mib()))
