"""What upstream's exporter is told about a miniature, beside its weights.

Upstream's wheel lacks the parameter files of both models and expects the tokenizers of the hub
(contract §1.1, §6.4), so both are written here.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError, suggest
from harness.vlm.mode import LookaheadShape
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@dataclass(frozen=True)
class UpstreamModel:
    """What upstream's exporter knows a family by.

    Attributes:
        name: Its ``--decoder_model``.
        use_hf_rope: Spelling of rotary embedding of the full-size model (contract §2.1).
    """

    name: str
    use_hf_rope: bool


_UPSTREAM_MODELS = {
    "smolvlm": UpstreamModel("smolvlm_500m_instruct", use_hf_rope=False),
    "internvl3": UpstreamModel("internvl3_1b", use_hf_rope=True),
}


def upstream_model(spec: VlmSpec) -> UpstreamModel:
    """Upstream's entry for the family of a model.

    Raises:
        UserError: If upstream does not know the family.
    """
    family = spec.family.name
    if family not in _UPSTREAM_MODELS:
        raise UserError(
            f"Upstream's exporter does not know family {family!r} of {spec.name}; "
            f"{suggest(family, _UPSTREAM_MODELS)}."
        )
    return _UPSTREAM_MODELS[family]


def model_parameters(spec: VlmSpec) -> dict[str, Any]:
    """``--params`` of upstream's exporter: the text decoder in terms of its ``ModelArgs``.

    Both spellings of rotary embedding that upstream knows give the same tables here.
    """
    text = spec.text
    return {
        "dim": text.hidden_size,
        "hidden_dim": text.intermediate_size,
        "n_layers": text.layers,
        "n_heads": text.heads,
        "n_kv_heads": text.kv_heads,
        "head_dim": text.head_dim,
        "vocab_size": text.vocab_size,
        "norm_eps": text.rms_norm_eps,
        "rope_theta": text.rope_theta,
        "use_scaled_rope": False,
        "use_hf_rope": upstream_model(spec).use_hf_rope,
        "attention_qkv_bias": text.qkv_bias,
    }


def chat_template(spec: VlmSpec) -> str:
    """Jinja template that makes calibration text what the runner will feed (contract §4.1).

    The image is a single token, which upstream itself expands, wrapper included. An answer stands
    behind its turn as a miniature was taught to write it.
    """
    prompt = spec.family.prompt
    blank = "" if prompt.turn_suffix[-1].isspace() else " "
    return (
        "{% for message in messages %}"
        "{% if message.role == 'assistant' %}"
        f"{{{{ {json.dumps(blank)} + message.content }}}}"
        "{% else %}"
        f"{{{{ {json.dumps(prompt.turn_prefix)} }}}}"
        "{% for part in message.content %}"
        "{% if part.type == 'image' %}"
        f"{{{{ {json.dumps(spec.family.image_token)} }}}}"
        "{% else %}{{ part.text }}{% endif %}"
        "{% endfor %}"
        f"{{{{ {json.dumps(prompt.turn_suffix)} }}}}"
        "{% endif %}"
        "{% endfor %}"
    )


def prepare_checkpoint(spec: VlmSpec, checkpoint: Path, folder: Path) -> Path:
    """Copy a checkpoint and make its tokenizer what upstream expects of the hub's.

    Upstream reads ``bos_token`` without asking whether there is one; no BOS is ever added.
    """
    copy = Path(shutil.copytree(checkpoint, folder))
    (copy / "chat_template.jinja").write_text(chat_template(spec), encoding="utf-8")
    path = copy / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings.setdefault("bos_token", settings["eos_token"])
    path.write_text(json.dumps(settings), encoding="utf-8")
    return copy


def command_line(
    spec: VlmSpec,
    mode: Mode,
    soc: str,
    *,
    parameters: Path,
    calibration: Path,
    artifact: Path,
    lookahead: LookaheadShape | None = None,
) -> list[str]:
    """Arguments of upstream's ``llama.py`` for the x86 emulator (contract §6.1).

    Args:
        spec: The model.
        mode: Which decoder methods.
        soc: ``--soc_model``.
        parameters: File of :func:`model_parameters`.
        calibration: ``--calib_samples``.
        artifact: Where upstream writes.
        lookahead: Branch of lookahead mode.
    """
    words = [
        *("--decoder_model", upstream_model(spec).name),
        *("--model_mode", mode),
        *("--soc_model", soc),
        *("--params", str(parameters)),
        *("--calib_samples", str(calibration)),
        *("--artifact", str(artifact)),
        # A file outside of what upstream compiles for; it resolves the path unasked.
        *("--build_folder", str(artifact)),
        # The context must equal the sequence length (contract §6.1).
        *("--max_seq_len", str(spec.context_length)),
        *("--max_context_len", str(spec.context_length)),
        *("--prefill_ar_len", str(spec.prefill_ar)),
        # Required even where nothing runs; one image keeps the encoder quantized (contract §3.2).
        *("--prompt", "unused", "--image_path", "unused"),
        *("--temperature", "0"),
        *("--compile_only", "--enable_x86_64"),
    ]
    if lookahead is not None:
        for name in ("window", "ngram", "gcap"):
            words += [f"--{name}", str(getattr(lookahead, name))]
    return words
