"""``transformers`` on the checkpoint, eager: its own modules and cache, token by token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForImageTextToText

from benchmarks.engines.language import traffic
from benchmarks.engines.task import EngineFiles, EngineRun, EngineTask
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.judging.float_model import FloatModel
from harness.judging.questions import PictureQuestion
from harness.runtime.stopwatch import peak_rss_mib
from harness.vlm.registry import get_spec_or_family

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def prepare(task: EngineTask) -> EngineFiles:
    """The checkpoint is there already."""
    opened = _open(task)
    width = _dtype(task).itemsize
    decoder = opened.components["text_decoder"].values()
    weights = sum(torch.Size(placed.stored.shape).numel() for placed in decoder) * width
    text = opened.spec.text
    return EngineFiles(
        holds=f"vision and language, {task.engine.split()[-1]}",
        bytes_per_token=traffic(text, weights, task.workload.mean_length, width),
    )


def _open(task: EngineTask) -> Checkpoint:
    return open_checkpoint(_folder(task), get_spec_or_family(task.model))


def _folder(task: EngineTask) -> Path:
    assert task.checkpoint is not None
    return task.checkpoint


def _dtype(task: EngineTask) -> torch.dtype:
    return _DTYPES[task.engine.split()[-1]]


@torch.inference_mode()
def measure(task: EngineTask) -> EngineRun:
    """Load, then each turn twice; the second counts."""
    torch.set_num_threads(task.threads)
    seen = _inputs(task)
    start = time.perf_counter()
    model: Any = AutoModelForImageTextToText.from_pretrained(
        _folder(task), dtype=_dtype(task), local_files_only=True
    )
    load_s = time.perf_counter() - start
    _see(model, seen)
    encode_s, image_ttft_s = _see(model, seen)
    _answer(model, task, steps=1)
    start = time.process_time()
    prefill_s, decode_s, token_ids = _answer(model, task, task.workload.decode_steps)
    cpu_s = time.process_time() - start
    return EngineRun(
        load_ms=1e3 * load_s,
        prefill_tps=len(task.workload.prompt_ids) / prefill_s,
        decode_tps=task.workload.decode_steps / decode_s,
        ttft_ms=1e3 * prefill_s,
        turn_cpu_ms=1e3 * cpu_s,
        encode_ms=1e3 * encode_s,
        image_ttft_ms=1e3 * image_ttft_s,
        peak_rss_mib=peak_rss_mib(),
        token_ids=token_ids,
    )


def _inputs(task: EngineTask) -> dict[str, Tensor]:
    """Ids and pixels of the turn with a picture, as our runner makes them."""
    asked = task.workload
    question = PictureQuestion("image", "image", asked.image_prompt, "", asked.image)
    opened = _open(task)
    inputs = FloatModel(opened.spec, opened.directory).inputs(question)
    return {**inputs, "pixel_values": inputs["pixel_values"].to(_dtype(task))}


def _see(model: Any, inputs: Mapping[str, Tensor]) -> tuple[float, float]:
    """Seconds of the vision encoder alone, and from pixels to the first token."""
    start = time.perf_counter()
    model.model.get_image_features(pixel_values=inputs["pixel_values"])
    encoded = time.perf_counter()
    model(**inputs, logits_to_keep=1)
    return encoded - start, time.perf_counter() - encoded


def _answer(model: Any, task: EngineTask, steps: int) -> tuple[float, float, tuple[int, ...]]:
    """Seconds of prefill and of decoding, and the greedy tokens."""
    start = time.perf_counter()
    ids = torch.tensor([task.workload.prompt_ids])
    output = model(input_ids=ids, use_cache=True, logits_to_keep=1)
    token_ids = [int(output.logits[0, -1].argmax())]
    prefilled = time.perf_counter()
    for _ in range(steps):
        step = torch.tensor([token_ids[-1:]])
        output = model(input_ids=step, past_key_values=output.past_key_values, use_cache=True)
        token_ids.append(int(output.logits[0, -1].argmax()))
    return prefilled - start, time.perf_counter() - prefilled, tuple(token_ids)
