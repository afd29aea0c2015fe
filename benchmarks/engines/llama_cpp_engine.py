"""llama.cpp, through ``llama-cpp-python``: the language model alone."""

from __future__ import annotations

import time
from pathlib import Path

import llama_cpp
import numpy as np

from benchmarks.engines.gguf_file import read_bytes, write_gguf
from benchmarks.engines.language import read_language, traffic
from benchmarks.engines.task import EngineFiles, EngineRun, EngineTask
from harness.artifacts.artifact import read_manifest
from harness.errors import UserError
from harness.runtime.stopwatch import peak_rss_mib

_FILE_TYPES = {
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "F32": llama_cpp.LLAMA_FTYPE_ALL_F32,
}
_KV_BYTES = 2
"""Of a half, which is llama.cpp's cache where nobody asks for another."""

_FLOAT = "language-F32.gguf"


def prepare(task: EngineTask) -> EngineFiles:
    """Quantize the language model with llama.cpp's own quantizer, unless that was done before."""
    assert task.checkpoint is not None
    language = read_language(task.checkpoint, task.model)
    written, floats = _path(task), task.files / _FLOAT
    if not floats.is_file():
        part = floats.with_suffix(".part")
        write_gguf(language, part, read_manifest(task.artifact).context_length)
        part.rename(floats)
    if not written.is_file():
        _quantize(floats, written, _kind(task))
    weights = read_bytes(written)
    return EngineFiles(
        holds=f"language, {_kind(task)}",
        bytes_per_token=traffic(language.text, weights, task.workload.mean_length, _KV_BYTES),
    )


def _kind(task: EngineTask) -> str:
    return task.engine.split()[-1]


def _path(task: EngineTask) -> Path:
    return task.files / f"language-{_kind(task)}.gguf"


def _quantize(source: Path, destination: Path, kind: str) -> None:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = _FILE_TYPES[kind]
    part = destination.with_suffix(".part")
    paths = (bytes(source), bytes(part))
    if status := llama_cpp.llama_model_quantize(*paths, parameters):
        raise UserError(f"llama.cpp cannot quantize {source} to {kind} (status {status}).")
    part.rename(destination)


def measure(task: EngineTask) -> EngineRun:
    """Load and answer twice; the second answer counts."""
    start = time.perf_counter()
    model = llama_cpp.Llama(
        str(_path(task)),
        n_ctx=read_manifest(task.artifact).context_length,
        n_threads=task.threads,
        n_threads_batch=task.threads,
        verbose=False,
    )
    load_s = time.perf_counter() - start
    _answer(model, task)
    start = time.process_time()
    prefill_s, decode_s, token_ids = _answer(model, task)
    cpu_s = time.process_time() - start
    return EngineRun(
        load_ms=1e3 * load_s,
        prefill_tps=len(task.workload.prompt_ids) / prefill_s,
        decode_tps=task.workload.decode_steps / decode_s,
        ttft_ms=1e3 * prefill_s,
        turn_cpu_ms=1e3 * cpu_s,
        peak_rss_mib=peak_rss_mib(),
        token_ids=token_ids,
    )


def _answer(model: llama_cpp.Llama, task: EngineTask) -> tuple[float, float, tuple[int, ...]]:
    """Seconds of prefill and of decoding, and the greedy tokens."""
    model.reset()
    start = time.perf_counter()
    model.eval(task.workload.prompt_ids)
    token_ids = [_best(model)]
    prefilled = time.perf_counter()
    for _ in range(task.workload.decode_steps):
        model.eval(token_ids[-1:])
        token_ids.append(_best(model))
    return prefilled - start, time.perf_counter() - prefilled, tuple(token_ids)


def _best(model: llama_cpp.Llama) -> int:
    logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
    return int(np.argmax(np.ctypeslib.as_array(logits, shape=(model.n_vocab(),))))
