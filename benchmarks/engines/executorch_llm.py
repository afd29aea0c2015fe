"""ExecuTorch's own runner of language models, ``TextLLMRunner``, from the Python package.

It is the C++ runner behind bindings. It runs what ExecuTorch's own exporter of language models,
``export_llama``, makes of the decoder for XNNPACK: one file with a quantized embedding, ``8da4w``
in groups of 32, and the attention operator that reads the used part of the cache alone. The
package holds no runner of our three files in C++: ``qnn_multimodal_runner`` is built from source.
"""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.engines.language import Language, meta_name, read_geometry, read_language, traffic
from benchmarks.engines.task import EngineFiles, EngineRun, EngineTask
from harness.artifacts.artifact import read_manifest
from harness.artifacts.manifest import TOKENIZER_NAME
from harness.errors import UserError
from harness.runtime.cpu_runtime import use_threads
from harness.runtime.stopwatch import peak_rss_mib
from harness.vlm.spec import TextGeometry

_PTE = "language-8da4w.pte"
_GROUP = 32
_KV_BYTES = 4
_MS = 1000.0


def prepare(task: EngineTask) -> EngineFiles:
    """Export the language model, unless that was done before."""
    assert task.checkpoint is not None
    path = task.files / _PTE
    if not path.is_file():
        context = read_manifest(task.artifact).context_length
        _export(read_language(task.checkpoint, task.model), task.files, path, context)
    text = read_geometry(task.checkpoint, task.model)
    # The table of the embedding, of which a step reads a row, has a byte per weight.
    weights = path.stat().st_size - text.vocab_size * text.hidden_size
    return EngineFiles(
        holds=f"language, 8da4w in groups of {_GROUP}",
        bytes_per_token=traffic(text, weights, task.workload.mean_length, _KV_BYTES),
    )


def parameters(text: TextGeometry) -> dict[str, int | float | bool]:
    """Geometry as ``export_llama`` reads it; ``use_hf_rope`` turns halves as ``transformers``."""
    return {
        "dim": text.hidden_size,
        "n_layers": text.layers,
        "n_heads": text.heads,
        "n_kv_heads": text.kv_heads,
        "head_dim": text.head_dim,
        "hidden_dim": text.intermediate_size,
        "vocab_size": text.vocab_size,
        "norm_eps": text.rms_norm_eps,
        "rope_theta": text.rope_theta,
        "attention_qkv_bias": text.qkv_bias,
        "use_scaled_rope": False,
        "use_hf_rope": True,
    }


def _export(language: Language, folder: Path, path: Path, context_length: int) -> None:
    # Their imports take seconds, and torchao's say much.
    from executorch.examples.models.llama.export_llama_lib import export_llama
    from executorch.extension.llm.export.config.llm_config import LlmConfig, ModelType

    checkpoint, geometry = folder / "language.pth", folder / "language.json"
    torch.save({meta_name(name): weight for name, weight in language.weights.items()}, checkpoint)
    geometry.write_text(json.dumps(parameters(language.text)), encoding="utf-8")
    config = LlmConfig()
    is_qwen2 = language.text.qkv_bias
    config.base.model_class = ModelType.qwen2_5_0_5b if is_qwen2 else ModelType.smollm2
    config.base.checkpoint, config.base.params = str(checkpoint), str(geometry)
    # An end that no answer meets, so that all have the same length.
    never = language.text.vocab_size
    config.base.metadata = json.dumps({"get_bos_id": 0, "get_eos_ids": [never]})
    config.model.use_kv_cache = config.model.use_sdpa_with_kv_cache = True
    config.export.max_seq_length = config.export.max_context_length = context_length
    part = path.with_name(f"part-{path.name}")
    config.export.output_name = str(part)
    config.quantization.qmode = "8da4w"
    config.quantization.group_size = _GROUP
    config.quantization.embedding_quantize = "8,0"
    config.backend.xnnpack.enabled = config.backend.xnnpack.extended_ops = True
    export_llama(config)
    part.rename(path)
    checkpoint.unlink()


def measure(task: EngineTask) -> EngineRun:
    """Load and answer twice; the second answer counts, in the runner's own milliseconds."""
    use_threads(task.threads)
    importlib.import_module("executorch.kernels.quantized")
    importlib.import_module("executorch.extension.llm.custom_ops.custom_ops")
    llm = importlib.import_module("executorch.extension.llm.runner")
    runner = llm.TextLLMRunner(str(task.files / _PTE), str(task.artifact / TOKENIZER_NAME))
    workload = task.workload
    told: list[Any] = []
    config = llm.GenerationConfig(
        echo=False, temperature=0.0, max_new_tokens=workload.decode_steps + 1
    )
    for _ in range(2):
        start = time.process_time()
        runner.reset()
        runner.generate(workload.formatted, config, lambda token: None, told.append)
        cpu_s = time.process_time() - start
    first, second = (json.loads(stats.to_json_string()) for stats in told)
    if second["prompt_tokens"] != len(workload.prompt_ids):
        raise UserError(
            f"ExecuTorch's tokenizer makes {second['prompt_tokens']} tokens of the prompt that is "
            f"{len(workload.prompt_ids)} to ours."
        )
    if second["generated_tokens"] != workload.decode_steps:
        raise UserError(
            f"ExecuTorch's runner ended after {second['generated_tokens']} of "
            f"{workload.decode_steps} tokens."
        )
    prefill_ms = second["prompt_eval_end_ms"] - second["inference_start_ms"]
    decode_ms = second["inference_end_ms"] - second["first_token_ms"]
    return EngineRun(
        load_ms=first["model_load_end_ms"] - first["model_load_start_ms"],
        prefill_tps=_MS * second["prompt_tokens"] / prefill_ms,
        decode_tps=_MS * workload.decode_steps / decode_ms,
        ttft_ms=second["first_token_ms"] - second["inference_start_ms"],
        turn_cpu_ms=_MS * cpu_s,
        peak_rss_mib=peak_rss_mib(),
    )
