"""Conversations with a vision-language model of three ``.pte`` files (contract §4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from harness.errors import UserError
from harness.runner_log import messages
from harness.runtime.conversation import Conversation, Pixels
from harness.runtime.files import RunFiles
from harness.runtime.generation import Generation, Turn
from harness.runtime.image import load_pixels
from harness.runtime.loaded_model import load_model
from harness.runtime.observer import Observer
from harness.runtime.request import Request, RunOptions, check_lookahead
from harness.vlm.mode import EVAL_MODES
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.turn import reading
from harness.vlm.upstream_notices import reading_notice, stop_notice


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
        self._observer = observer or Observer()
        log = self._observer.log
        log(f"creating runner: tokenizer_path={files.tokenizer}")
        log(f"eval mode={EVAL_MODES[options.mode]}")
        self._model = load_model(files, family, options, log)
        self._reading = reading(options.upstream_compat)
        self._cold = options.warmup > 0
        self._own_tokenizer = Tokenizer(files.tokenizer) if options.upstream_compat else None
        if self._own_tokenizer is not None:
            self._warn(stop_notice(self._own_tokenizer, family))

    @property
    def image_size_px(self) -> int:
        """Side of the square image that the vision encoder takes."""
        return self._model.image_size_px

    def token_bytes(self, token_ids: Sequence[int]) -> bytes:
        """Bytes of an answer, exactly as upstream writes them (contract §5.3)."""
        return b"".join(map(self._model.tokenizer.token_bytes, token_ids))

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
        prompts = self._reading.place_images(_refuse_audio(request.prompts), len(request.images))
        size, how = self._model.image_size_px, self._family.preprocessing
        pixels = [load_pixels(name, size, how) for name in request.images]
        if self._cold:
            self._warm_up(request, prompts, pixels)
        if (own := self._own_tokenizer) is not None:
            self._warn(reading_notice(own, self._family, prompts, request.system_prompt))
        self._log_turns(prompts, request.images)
        conversation = self._conversation(self._observer)
        turns: list[Turn] = []
        for _ in range(times):
            turns += conversation.hold(request, prompts, pixels)
        return Generation(request_id=request.id, turns=tuple(turns))

    def _conversation(self, observer: Observer) -> Conversation:
        return Conversation(self._model, self._family, self._options, observer)

    def _warn(self, notice: str | None) -> None:
        if notice is not None:
            self._observer.log(f"Warning: {notice}")

    def _log_turns(self, prompts: Sequence[str], images: Sequence[str]) -> None:
        """List all turns, before the first begins, with the images that are dealt to each."""
        self._observer.log("Simulation multi-turn:")
        rest = iter(images)
        for index, prompt in enumerate(prompts):
            paths = ", ".join(
                f"'{path}'" for path in islice(rest, self._reading.count_images(prompt))
            )
            listed = f'{{id: {index}, text: "{prompt}", files_path: [{paths}]}}'
            self._observer.log(f"{messages.TURN_LISTED.write(index=index)} {listed}")

    def _warm_up(self, request: Request, prompts: Sequence[str], pixels: Sequence[Pixels]) -> None:
        for _ in range(self._options.warmup):
            self._conversation(Observer()).hold(request, prompts, pixels)
        self._cold = False


def _refuse_audio(prompts: Sequence[str]) -> Sequence[str]:
    for prompt in prompts:
        if "<audio>" in prompt:
            raise UserError("A prompt holds <audio>, but a runner takes images only; remove it.")
    return prompts
