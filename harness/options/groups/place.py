"""Options that say where models run."""

from __future__ import annotations

from pathlib import Path

from harness.options.groups.takers import EXPORTED, EXPORTS, PHONES, PHONES_AND_FARM
from harness.options.option import Option
from harness.targets.emulator import EMULATOR
from harness.targets.registry import DEFAULT_TARGET, target_names

PLACE_OPTIONS = (
    Option(
        "target",
        EXPORTED,
        "where it runs",
        default=dict.fromkeys(EXPORTS, DEFAULT_TARGET),
        words="phone with --serial or --soc, else host",
        choices=target_names,
    ),
    Option(
        "soc",
        (*EXPORTED, "doctor", "runtime"),
        "SoC of a phone, of the emulator or that files of the HTP are for, e.g. SM8550",
        words=f"the phone's or the artifact's; exports for the emulator: {EMULATOR.default_soc}",
    ),
    Option(
        "serial",
        PHONES,
        "serial number of the phone, name in phones.toml, or virtual:SOC[:NAME][:upstream]",
        several="for several phones: --soc SM8550 -n 2; virtual ones: --serial virtual:SM8550 -n 2",
    ),
    Option(
        "phones",
        PHONES_AND_FARM,
        "the laboratory's phones",
        Path,
        words="phones.toml, if it is there",
    ),
    Option(
        "adb_host",
        PHONES_AND_FARM,
        "adb server",
        arity="many",
        words="local",
        metavar="HOST[:PORT]",
    ),
    Option(
        "adb", PHONES_AND_FARM, "adb program", Path, words="the one on PATH, else adbutils' own"
    ),
    Option("build_dir", PHONES_AND_FARM, "ExecuTorch build (virtual phone: x86)", Path),
    Option(
        "qnn_dir",
        (*EXPORTED, "doctor", "farm", "runtime"),
        "QNN libraries or SDK, a phone's too",
        Path,
        words="QNN_SDK_ROOT, else onnxruntime-qnn; none for a real phone",
    ),
)
