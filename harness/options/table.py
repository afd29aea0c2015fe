"""The table of all options."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import platformdirs

from harness.options.option import COMMANDS, Command, Option, PathOrName
from harness.targets.emulator import EMULATOR
from harness.targets.registry import DEFAULT_TARGET, target_names
from harness.vocabulary import KV_ENCODINGS, MODES, PROTOCOLS

PAIRS = 20
"""Pairs of a comparison: enough to find a slowdown by 5 % where runs scatter by 3 %."""

COOLDOWN_S = 300
"""Pause between a red verdict and its re-run, as MLPerf Mobile pauses between tries."""

SCENES, MOST_SCENES = 200, 1000
"""Scenes that a session begins with, and those that an open verdict is extended to at most."""

FILTERS = ("model", "metric", "target", "soc", "device", "mode", "precision", "status", "run_id")
"""Columns of the results store that ``python -m harness results`` has flags for."""


def default_artifacts() -> Path:
    """The artifact cache where nobody names another."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "artifacts"


def default_results() -> Path:
    """The results store where nobody names another."""
    return platformdirs.user_data_path("snapgate", appauthor=False) / "runs"


def default_certificates() -> Path:
    """Where a farm's certificates are looked for."""
    return platformdirs.user_config_path("snapgate", appauthor=False) / "farm"


def default_store() -> str:
    """What a farm of this machine alone keeps its results in."""
    return str(platformdirs.user_data_path("snapgate", appauthor=False) / "farm")


def default_work() -> Path:
    """Where a host's jobs work."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "farm"


@cache
def options_of(command: Command) -> Mapping[str, Option]:
    """What a command takes, by name; positional words first."""
    return {option.name: option for option in OPTIONS if command in option.commands}


_RUN = "name of a run, its beginning, path or 'latest'"

_SUITES: tuple[Command, ...] = ("suites",)
_EXPORTED: tuple[Command, ...] = ("suites", "export")
_PHONES: tuple[Command, ...] = ("suites", "doctor")
_FARM: tuple[Command, ...] = ("farm",)
_FARMS: tuple[Command, ...] = ("suites", "farm")
_ROWS: tuple[Command, ...] = ("results",)
_REPORTS: tuple[Command, ...] = ("reports",)

_POSITIONAL = (
    Option("exported_model", ("export",), "model, or a family with --checkpoint", spelled="model"),
    Option("first_run", ("compare",), _RUN, metavar="RUN1", spelled="first"),
    Option("second_run", ("compare",), _RUN, metavar="RUN2", spelled="second"),
    Option("summarized_run", ("summary",), _RUN, default="latest", metavar="RUN", spelled="run_id"),
    Option(
        "log_file",
        ("log",),
        "what a runner printed, - for standard input",
        Path,
        metavar="FILE",
        spelled="file",
    ),
    Option(
        "farm_part",
        _FARM,
        "what to start or to make",
        choices=("scheduler", "worker", "status", "certificates"),
        spelled="part",
    ),
    Option("command", ("options",), "whose", default="suites", choices=COMMANDS, spelled="command"),
)

_PLACE = (
    Option(
        "target",
        _EXPORTED,
        "where it runs",
        default={"export": DEFAULT_TARGET},
        words="phone with --serial or --soc, else host",
        choices=target_names,
    ),
    Option(
        "soc",
        ("suites", "export", "doctor", "runtime"),
        "SoC of a phone, of the emulator or that files of the HTP are for, e.g. SM8550",
        words=f"the phone's or the artifact's; exports for the emulator: {EMULATOR.default_soc}",
    ),
    Option(
        "serial",
        _PHONES,
        "serial number of the phone, name in phones.toml, or virtual:SOC[:NAME][:upstream]",
        several="for several phones: --soc SM8550 -n 2; virtual ones: --serial virtual:SM8550 -n 2",
    ),
    Option(
        "phones",
        (*_PHONES, "farm"),
        "the laboratory's phones",
        Path,
        words="phones.toml, if it is there",
    ),
    Option("adb_host", _PHONES, "adb server", arity="many", words="local", metavar="HOST[:PORT]"),
    Option(
        "adb", (*_PHONES, "farm"), "adb program", Path, words="the one on PATH, else adbutils' own"
    ),
    Option("build_dir", _PHONES, "ExecuTorch build (virtual phone: x86)", Path),
    Option(
        "qnn_dir",
        ("suites", "export", "doctor", "farm", "runtime"),
        "QNN libraries or SDK, a phone's too",
        Path,
        words="QNN_SDK_ROOT, else onnxruntime-qnn; none for a real phone",
    ),
)

_MODEL = (
    Option(
        "model", _SUITES, "to judge", arity="many", words="full-size on a phone, else miniatures"
    ),
    Option(
        "mode", _SUITES, "how the decoder works", arity="many", words="kv and hybrid", choices=MODES
    ),
    Option(
        "file_mode",
        ("export",),
        "of the decoder",
        default="hybrid",
        choices=MODES,
        spelled="--mode",
    ),
    Option(
        "precision",
        _EXPORTED,
        "one for all, or component=precision,...; host: fp32 (default), 8da8w, 8da4w; HTP: "
        "16a8w (default), 16a4w, 16a4w_block, fp16",
    ),
    Option("recipe", _EXPORTED, "TOML file with a precision per component, and details", Path),
    Option(
        "kv_encodings",
        _EXPORTED,
        "of a quantized KV cache",
        default={"export": "shared"},
        words="shared",
        choices=KV_ENCODINGS,
    ),
    Option("context", _EXPORTED, "compiled context in tokens", int, words="the model's"),
    Option("prefill_ar", _EXPORTED, "tokens per hybrid prefill call", int, words="the model's"),
    Option(
        "lookahead", _EXPORTED, "window, n-gram, n-grams/step", words="the model's", metavar="W,N,G"
    ),
    Option(
        "checkpoint",
        _EXPORTED,
        "weights; with --pre-gen-pte the reference's alone",
        PathOrName,
        words="the model's",
        metavar="DIR|HUB_ID",
    ),
    Option(
        "calibration", _EXPORTED, "JSON samples for activations", Path, words="the miniatures' own"
    ),
    Option("name", ("export",), "of the artifact, wherever one is named", metavar="NAME"),
    Option("pre_gen_pte", _SUITES, "artifact folder that somebody else exported", Path),
    Option("build_missing", _SUITES, "export full-size models unasked", bool),
    Option(
        "artifacts",
        ("suites", "export", "doctor", "farm"),
        "artifact cache",
        Path,
        default=default_artifacts,
        words="in the user cache folder",
    ),
)

_JUDGING = (
    Option(
        "compare",
        _SUITES,
        "is B slower than A? two artifacts: names, keys or folders",
        PathOrName,
        arity="pair",
        metavar=("A", "B"),
    ),
    Option(
        "baseline",
        _SUITES,
        "compare what is measured with A, or with the last green run's",
        PathOrName,
        metavar="latest-green|latest-green-anywhere|A",
    ),
    Option("pairs", _SUITES, "pairs of runs of a comparison", int, default=PAIRS),
    Option("thresholds", _SUITES, "folder of gates", Path, default=Path("thresholds")),
    Option("update_thresholds", _SUITES, "append a gate for what has none", bool),
    Option("runs", _SUITES, "performance runs", int, words="5, extended to 10 and 20"),
    Option(
        "cooldown",
        _SUITES,
        "pause before a red speed is measured again",
        int,
        default=COOLDOWN_S,
        metavar="SECONDS",
    ),
    Option(
        "scenes",
        _SUITES,
        "drawn test scenes per model; more while a verdict is open",
        int,
        default=SCENES,
    ),
    Option(
        "max_scenes",
        _SUITES,
        "most scenes that an open verdict is extended to",
        int,
        default=MOST_SCENES,
        words="1000, or --scenes where that is more",
    ),
    Option("protocol", _SUITES, "how speed is measured", default="snapgate", choices=PROTOCOLS),
    Option("prompt", _SUITES, "what speed is measured with", words="describe the picture"),
    Option("allow", _SUITES, "what is no failure: inconclusive,no-gate,blocked,unjudged"),
)

_STORE = (
    Option(
        "report_url",
        ("summary",),
        "address of the report, for a link",
        words="on GitHub Actions the page of the workflow run",
        metavar="URL",
    ),
    Option(
        "results",
        ("suites", "results", "compare", "noise", "summary", "reports"),
        "results store",
        Path,
        default=default_results,
        words="in the user data folder",
    ),
    Option("run_id", _SUITES, "write into this run, beside another session", words="a new one"),
    Option(
        "report_dir",
        ("suites", "reports"),
        "where the report is written",
        Path,
        default=Path("reports/out"),
    ),
    Option("reported_run", _REPORTS, _RUN, default="latest", spelled="--run"),
    Option(
        "bundle", _REPORTS, "pack report, rows and evidence of a run into a ZIP file", metavar="RUN"
    ),
    Option(
        "trends_since",
        _REPORTS,
        "how far trends look back: 2026-11-01, 30d or 8w",
        words="90d before the run",
        metavar="WHEN",
        spelled="--since",
    ),
)

_SPREADING = (
    Option("farm", _SUITES, "scheduler of a farm that runs the tests", metavar="tls://HOST:PORT"),
    Option(
        "scheduler",
        _FARM,
        "where the scheduler listens",
        default="tls://127.0.0.1:8786",
        metavar="tls://HOST:PORT",
    ),
    Option(
        "certificates",
        _FARMS,
        "folder of the farm's certificates",
        Path,
        default=default_certificates,
        words="in the user configuration folder",
    ),
    Option(
        "store",
        _FARMS,
        "what the farm's hosts share: a folder, or s3://, gs://, ...",
        default=default_store,
        words="in the user data folder",
        metavar="URL",
    ),
    Option("label", _SUITES, "label of the farm's phones that the tests want", arity="many"),
    Option("again", _SUITES, "run anew what the farm's store has", bool),
    Option("plain", _FARMS, "speak plain TCP between machines, too", bool),
    Option("host_name", _FARM, "name of this host in the farm", words="the machine's"),
    Option("no_phones", _FARM, "offer no phones, and ask no adb server for any", bool),
    Option(
        "work_dir",
        _FARM,
        "where jobs of this host work",
        Path,
        default=default_work,
        words="in the user cache folder",
    ),
)

_ON_THE_TERMINAL = (
    Option(
        "table",
        _ROWS,
        "kind of rows: runs, sessions, session_ends, devices, device_states, notices, samples, "
        "verdicts, comparisons, quarantines, answers, outcomes",
        default="verdicts",
    ),
    Option(
        "runs_since", _ROWS, "runs from that day (UTC)", metavar="YYYY-MM-DD", spelled="--since"
    ),
    *(
        Option(
            f"only_{column}",
            _ROWS,
            f"rows of this {column}",
            arity="many",
            spelled="--run" if column == "run_id" else f"--{column}",
        )
        for column in FILTERS
    ),
    Option("where", _ROWS, "rows with it", arity="many", metavar="COLUMN=VALUE"),
    Option(
        "group_by",
        _ROWS,
        "medians of valid samples; what must not be pooled is added",
        metavar="COLUMN,...",
    ),
    Option("show", _ROWS, "columns to show", metavar="COLUMN,..."),
    Option("provenance", _ROWS, "add commit, versions, options, host, device, its state", bool),
    Option("limit", _ROWS, "rows on the terminal, the last ones", int, default=50),
    Option(
        "show_all",
        ("results", "compare"),
        "show all rows and columns, or all that did not change",
        bool,
        spelled="--all",
    ),
    Option("columns", _ROWS, "explain the columns and end", bool),
    Option(
        "csv",
        ("results", "compare", "noise"),
        "write all rows there, - for standard output",
        metavar="FILE",
    ),
    Option("json", ("doctor", "options"), "print JSON instead of a table", bool),
    Option(
        "artifact",
        ("doctor",),
        "artifact to look at, too",
        PathOrName,
        words="those of the cache",
        metavar="DIR|NAME",
    ),
    Option("smoke", ("doctor",), "push a miniature to the phone and run it", bool),
)

OPTIONS = (
    *_POSITIONAL,
    *_PLACE,
    *_MODEL,
    *_JUDGING,
    *_STORE,
    *_SPREADING,
    *_ON_THE_TERMINAL,
)
