"""What a process of one engine is asked, and what it tells. Imports without torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel


class EngineWorkload(BaseModel, frozen=True, extra="forbid"):
    """What every engine does once per process, behind a turn that is not counted.

    Attributes:
        prompt: User prompt of the turn without a picture, as our runner takes it.
        formatted: The same in the family's chat strings.
        prompt_ids: Its tokens.
        image_prompt: User prompt of the turn with a picture.
        image: The picture.
        decode_steps: Tokens behind the first one, of either turn.
    """

    prompt: str
    formatted: str
    prompt_ids: tuple[int, ...]
    image_prompt: str
    image: Path
    decode_steps: int

    @property
    def mean_length(self) -> int:
        """Tokens in the cache halfway through decoding."""
        return len(self.prompt_ids) + self.decode_steps // 2


class EngineTask(BaseModel, frozen=True, extra="forbid"):
    """One engine on one model.

    Attributes:
        engine: Its name in the registry.
        model: Name of the model, as the artifact has it.
        artifact: Folder of our three files.
        checkpoint: Folder of the weights that they were made from; None where nobody has it.
        files: Folder of the engine's own files of these weights.
        threads: Threads that compute.
    """

    engine: str
    model: str
    artifact: Path
    checkpoint: Path | None
    files: Path
    workload: EngineWorkload
    threads: int = 1


class EngineFiles(BaseModel, frozen=True, extra="forbid"):
    """What is known of an engine's files before it runs.

    Attributes:
        holds: What it computes with, in words.
        bytes_per_token: Read by a decode step: weights and the part of the cache that is read.
    """

    holds: str
    bytes_per_token: int


class EngineRun(BaseModel, frozen=True, extra="forbid"):
    """What one process measured; None where an engine has no vision encoder.

    Attributes:
        load_ms: Loading the model, without starting Python and importing packages.
        prefill_tps: Prompt tokens per second of the decoder, nothing else.
        decode_tps: Tokens per second behind the first one.
        ttft_ms: From a tokenized prompt without a picture to the first token.
        turn_cpu_ms: Processor time of that turn in all threads, which other programs that wait for
            the same cores change least.
        encode_ms: Vision encoder on one picture, from its pixels.
        image_ttft_ms: From pixels and prompt to the first token.
        peak_rss_mib: Peak resident set of the process.
        token_ids: Greedy answer to the prompt without a picture; None where an engine tells none.
    """

    load_ms: float
    prefill_tps: float
    decode_tps: float
    ttft_ms: float
    turn_cpu_ms: float
    encode_ms: float | None = None
    image_ttft_ms: float | None = None
    peak_rss_mib: float
    token_ids: tuple[int, ...] | None = None


class BandwidthRun(BaseModel, frozen=True, extra="forbid"):
    """What memory gave one process, in 1e9 bytes per second.

    Attributes:
        triad_gb_per_s: ``a = b + s * c``, both reads and the write counted.
        read_gb_per_s: Two arrays read, nothing written.
    """

    triad_gb_per_s: float
    read_gb_per_s: float

    @property
    def best_gb_per_s(self) -> float:
        """The higher of both, which is a limit for whoever reads."""
        return max(self.triad_gb_per_s, self.read_gb_per_s)
