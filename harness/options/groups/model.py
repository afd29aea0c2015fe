"""Options that say which files of which model."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from harness.options.groups.takers import EXPORTED, EXPORTS, SUITES
from harness.options.option import Option, PathOrName
from harness.vocabulary import KV_ENCODINGS, MODES


def default_artifacts() -> Path:
    """The artifact cache where nobody names another."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "artifacts"


MODEL_OPTIONS = (
    Option(
        "model", SUITES, "to judge", arity="many", words="full-size on a phone, else miniatures"
    ),
    Option(
        "mode", SUITES, "how the decoder works", arity="many", words="kv and hybrid", choices=MODES
    ),
    Option(
        "file_mode",
        EXPORTS,
        "of the decoder",
        default="hybrid",
        choices=MODES,
        spelled="--mode",
    ),
    Option(
        "precision",
        EXPORTED,
        "one for all, or component=precision,...; host: fp32 (default), 8da8w, 8da4w; HTP: "
        "16a8w (default), 16a4w, 16a4w_block, fp16",
    ),
    Option("recipe", EXPORTED, "TOML file with a precision per component, and details", Path),
    Option(
        "kv_encodings",
        EXPORTED,
        "of a quantized KV cache",
        default=dict.fromkeys(EXPORTS, "shared"),
        words="shared",
        choices=KV_ENCODINGS,
    ),
    Option("context", EXPORTED, "compiled context in tokens", int, words="the model's"),
    Option("prefill_ar", EXPORTED, "tokens per hybrid prefill call", int, words="the model's"),
    Option(
        "lookahead", EXPORTED, "window, n-gram, n-grams/step", words="the model's", metavar="W,N,G"
    ),
    Option(
        "checkpoint",
        EXPORTED,
        "weights; with --pre-gen-pte the reference's alone",
        PathOrName,
        words="the model's",
        metavar="DIR|HUB_ID",
    ),
    Option(
        "calibration", EXPORTED, "JSON samples for activations", Path, words="the miniatures' own"
    ),
    Option("name", ("export",), "of the artifact, wherever one is named", metavar="NAME"),
    Option("pre_gen_pte", SUITES, "artifact folder that somebody else exported", Path),
    Option("build_missing", SUITES, "export full-size models unasked", bool),
    Option(
        "artifacts",
        (*EXPORTED, "doctor", "farm"),
        "artifact cache",
        Path,
        default=default_artifacts,
        words="in the user cache folder",
    ),
)
