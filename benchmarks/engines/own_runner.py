"""Our runner on an artifact, as ``python -m harness.runtime`` runs it."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.engines.language import traffic
from benchmarks.engines.task import EngineFiles, EngineRun, EngineTask
from harness.artifacts.artifact import Artifact, read_manifest
from harness.artifacts.manifest import Manifest
from harness.runtime.cpu_runtime import lock_no_memory, use_threads
from harness.runtime.files import RunFiles
from harness.runtime.generation import Turn
from harness.runtime.model_description import Programs
from harness.runtime.request import Request, RunOptions
from harness.runtime.runner import MultimodalRunner
from harness.vlm.prompt import IMAGE_PLACEHOLDER
from harness.vlm.registry import get_family


def prepare(task: EngineTask) -> EngineFiles:
    """The artifact is there already."""
    manifest = read_manifest(task.artifact)
    programs = Programs.read(*_files(task, manifest).programs)
    geometry = programs.describe(manifest.mode, manifest.lookahead).geometry
    ar = geometry.decode_ar
    return EngineFiles(
        holds=f"vision and language, {manifest.precision_label}, {manifest.mode}",
        bytes_per_token=traffic(
            geometry,
            manifest.component("text_decoder").pte_bytes,
            geometry.slots_for(task.workload.mean_length, ar) + ar,
            np.dtype(geometry.kv_dtype).itemsize,
        ),
    )


def _files(task: EngineTask, manifest: Manifest) -> RunFiles:
    return RunFiles.of(Artifact(task.artifact, manifest))


def measure(task: EngineTask) -> EngineRun:
    """Load, answer about a picture for warmth, then without one and about it again."""
    lock_no_memory()
    use_threads(task.threads)
    manifest = read_manifest(task.artifact)
    workload = task.workload
    options = RunOptions(
        mode=manifest.mode,
        lookahead=manifest.lookahead,
        max_new_tokens=workload.decode_steps,
        ignore_eos=True,
    )
    runner = MultimodalRunner(_files(task, manifest), get_family(manifest.family), options)
    shown = Request(
        id="image",
        prompts=(f"{IMAGE_PLACEHOLDER}{workload.image_prompt}",),
        images=(str(workload.image),),
    )
    runner.run(shown)
    start = time.process_time()
    told = runner.run(Request(id="text", prompts=(workload.prompt,))).last
    cpu_s = time.process_time() - start
    seen = runner.run(shown).last
    return run_of(told, seen, cpu_s)


def run_of(told: Turn, seen: Turn, cpu_s: float) -> EngineRun:
    """What a turn without a picture, with its processor time, and one with it took."""
    assert told.stats.prefill_ms is not None
    assert seen.stats.peak_rss_mib is not None
    return EngineRun(
        load_ms=told.stats.load_ms,
        prefill_tps=1e3 * told.stats.prompt_tokens / told.stats.prefill_ms,
        decode_tps=1e3 * told.stats.generated_tokens / told.stats.decode_ms,
        ttft_ms=told.stats.ttft_ms,
        turn_cpu_ms=1e3 * cpu_s,
        encode_ms=seen.stats.encode_ms,
        image_ttft_ms=seen.stats.ttft_ms,
        peak_rss_mib=seen.stats.peak_rss_mib,
        token_ids=told.token_ids,
    )
