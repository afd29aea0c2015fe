"""The table of all options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import platformdirs

from harness.options.option import COMMANDS, Command, Default, Option, PathOrName
from harness.targets.registry import DEFAULT_TARGET, target_names
from harness.vocabulary import KV_ENCODINGS, MODES, PROTOCOLS

PAIRS = 20
"""Pairs of a comparison: enough to find a slowdown by 5 % where runs scatter by 3 %."""

COOLDOWN_S = 300
"""Pause between a red verdict and its re-run, as MLPerf Mobile pauses between tries."""

RESULT_FILTERS = (
    "model",
    "metric",
    "target",
    "soc",
    "device",
    "mode",
    "precision",
    "status",
    "run_id",
)
"""Columns of the results store that ``python -m harness results`` has flags for."""


def default_artifacts() -> Path:
    """The artifact cache where nobody names another."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "artifacts"


def default_results() -> Path:
    """The results store where nobody names another."""
    return platformdirs.user_data_path("snapgate", appauthor=False) / "runs"


@cache
def options_of(command: Command) -> Mapping[str, Option]:
    """What a command takes, by name; positional words first."""
    return {option.name: option for option in OPTIONS if command in option.commands}


_RUN_WORD = "name of a run, its beginning, path or 'latest'"

_SUITES: tuple[Command, ...] = ("suites",)
_EXPORTED: tuple[Command, ...] = ("suites", "export")
_PHONES: tuple[Command, ...] = ("suites", "doctor")
_ROWS: tuple[Command, ...] = ("results",)
_REPORTS: tuple[Command, ...] = ("reports",)

_POSITIONAL = (
    Option(
        "exported_model",
        ("export",),
        "model, or a family with --checkpoint",
        spelled={"export": "model"},
    ),
    Option("first_run", ("compare",), _RUN_WORD, metavar="RUN1", spelled={"compare": "first"}),
    Option("second_run", ("compare",), _RUN_WORD, metavar="RUN2", spelled={"compare": "second"}),
    Option(
        "summarized_run", ("summary",), _RUN_WORD, default="latest", spelled={"summary": "run_id"}
    ),
    Option(
        "command",
        ("options",),
        "whose options to show",
        default="suites",
        choices=COMMANDS,
        spelled={"options": "command"},
    ),
)

_PLACE = (
    Option(
        "target",
        _EXPORTED,
        "where it runs",
        words="phone with --serial or --soc, else host",
        default_of={"export": Default(DEFAULT_TARGET)},
        choices=target_names,
    ),
    Option(
        "soc",
        ("suites", "export", "doctor", "runtime"),
        "SoC of a phone, of the emulator or that files of the HTP are for, e.g. SM8550",
        default_of={
            "suites": Default(words="any phone's, and SM8650 of the emulator"),
            "export": Default(words="SM8650 for the emulator"),
            "runtime": Default(words="that of --artifact, else any"),
        },
    ),
    Option(
        "serial", _PHONES, "serial number of the phone, its name in phones.toml, or virtual:SOC"
    ),
    Option(
        "phones",
        _PHONES,
        "the laboratory's phones",
        type=Path,
        words="phones.toml of the root or this folder, if it exists",
    ),
    Option(
        "adb_host",
        _PHONES,
        "adb server",
        arity="many",
        words="this machine's",
        metavar="HOST[:PORT]",
    ),
    Option("adb", _PHONES, "adb program", type=Path, words="the one on PATH, else adbutils' own"),
    Option("build_dir", _PHONES, "ExecuTorch Android build", type=Path),
    Option(
        "qnn_dir",
        ("suites", "export", "doctor", "runtime"),
        "QNN libraries or SDK, a phone's too",
        type=Path,
        words="QNN_SDK_ROOT, else the installed package onnxruntime-qnn",
    ),
)

_MODEL = (
    Option(
        "model",
        _SUITES,
        "model to judge",
        arity="many",
        words="the full-size models on a phone, the miniatures elsewhere",
    ),
    Option(
        "mode", _SUITES, "how the decoder works", arity="many", words="kv and hybrid", choices=MODES
    ),
    Option(
        "file_mode",
        ("export",),
        "what the files are for; hybrid ones run in kv mode, too",
        default="hybrid",
        choices=MODES,
        spelled={"export": "--mode"},
    ),
    Option(
        "precision",
        _EXPORTED,
        "one for all, or component=precision,...; host: fp32 (default), 8da4w; HTP: 16a8w "
        "(default), 16a4w, 16a4w_block, fp16",
    ),
    Option("recipe", _EXPORTED, "TOML file with a precision per component", type=Path),
    Option(
        "kv_encodings",
        _EXPORTED,
        "of a quantized KV cache",
        words="shared",
        default_of={"export": Default("shared")},
        choices=KV_ENCODINGS,
    ),
    Option("context", _EXPORTED, "compiled context in tokens", type=int, words="the model's"),
    Option(
        "prefill_ar", _EXPORTED, "tokens per hybrid prefill call", type=int, words="the model's"
    ),
    Option(
        "lookahead",
        _EXPORTED,
        "window, n-gram and n-grams a step",
        words="the model's",
        metavar="W,N,G",
    ),
    Option(
        "checkpoint",
        _EXPORTED,
        "weights; with --pre-gen-pte the reference's alone",
        type=PathOrName,
        words="the model's",
        metavar="DIR|HUB_ID",
    ),
    Option(
        "calibration",
        _EXPORTED,
        "JSON samples for quantized activations",
        type=Path,
        words="the miniatures' own",
    ),
    Option("pre_gen_pte", _SUITES, "artifact folder that somebody else exported", type=Path),
    Option("build_missing", _SUITES, "export full-size models unasked", type=bool),
    Option(
        "artifacts",
        ("suites", "export", "doctor"),
        "artifact cache",
        type=Path,
        default=default_artifacts,
        words="in the user cache folder",
    ),
)

_JUDGING = (
    Option(
        "compare",
        _SUITES,
        "is B slower than A? two artifact folders or cache keys, measured in turn",
        type=PathOrName,
        arity="pair",
        metavar=("A", "B"),
    ),
    Option(
        "baseline",
        _SUITES,
        "compare what this session would measure with A, or with the last green run's",
        type=PathOrName,
        metavar="latest-green|A",
    ),
    Option("pairs", _SUITES, "pairs of runs of a comparison", type=int, default=PAIRS),
    Option("thresholds", _SUITES, "folder of gates", type=Path, default=Path("thresholds")),
    Option("update_thresholds", _SUITES, "append a gate for what has none", type=bool),
    Option("runs", _SUITES, "performance runs", type=int, words="5, extended to 10 and 20"),
    Option(
        "cooldown",
        _SUITES,
        "pause before a red speed is measured once more",
        type=int,
        default=COOLDOWN_S,
    ),
    Option("scenes", _SUITES, "drawn test scenes per model", type=int, default=200),
    Option("protocol", _SUITES, "how speed is measured", default="snapgate", choices=PROTOCOLS),
    Option("allow", _SUITES, "verdicts that do not fail the session: inconclusive,no-gate,blocked"),
)

_STORE = (
    Option(
        "results",
        ("suites", "results", "compare", "noise", "summary", "reports"),
        "results store",
        type=Path,
        default=default_results,
        words="in the user data folder",
    ),
    Option(
        "run_id",
        _SUITES,
        "write into this run, beside what another session wrote",
        words="a new one",
    ),
    Option(
        "report_dir",
        ("suites", "reports"),
        "where the report is written",
        type=Path,
        default=Path("reports/out"),
        spelled={"reports": "--out"},
    ),
    Option("reported_run", _REPORTS, _RUN_WORD, default="latest", spelled={"reports": "--run"}),
    Option(
        "bundle",
        _REPORTS,
        "pack report, rows and evidence of a run into a ZIP file for a bug report",
    ),
    Option(
        "trends_since",
        _REPORTS,
        "how far trends and comparisons look back: 2026-11-01, 30d or 8w",
        words="90d before the run",
        spelled={"reports": "--since"},
    ),
)

_ON_THE_TERMINAL = (
    Option(
        "table", _ROWS, "kind of rows: runs, verdicts, samples, answers, ...", default="verdicts"
    ),
    Option(
        "runs_since",
        _ROWS,
        "runs from that day (UTC)",
        metavar="YYYY-MM-DD",
        spelled={"results": "--since"},
    ),
    *(
        Option(
            f"only_{column}",
            _ROWS,
            f"rows of this {column}",
            arity="many",
            spelled={"results": "--run" if column == "run_id" else f"--{column}"},
        )
        for column in RESULT_FILTERS
    ),
    Option("where", _ROWS, "rows with it", arity="many", metavar="COLUMN=VALUE"),
    Option("group_by", _ROWS, "medians of valid samples", metavar="COLUMN,..."),
    Option("show", _ROWS, "columns to show", metavar="COLUMN,..."),
    Option(
        "provenance", _ROWS, "add commit, versions, options, host, device, its state", type=bool
    ),
    Option("limit", _ROWS, "rows on the terminal, the last ones", type=int, default=50),
    Option("columns", _ROWS, "explain the columns and end", type=bool),
    Option("csv", ("results", "compare", "noise"), "write all rows there, - for standard output"),
    Option("json", ("doctor", "options"), "print JSON instead of a table", type=bool),
    Option("smoke", ("doctor",), "push a miniature to the phone and run it", type=bool),
)

OPTIONS = (*_POSITIONAL, *_PLACE, *_MODEL, *_JUDGING, *_STORE, *_ON_THE_TERMINAL)
