"""Options that say what is measured and judged, and how."""

from __future__ import annotations

from pathlib import Path

from harness.options.groups.takers import SUITES
from harness.options.option import Option, PathOrName
from harness.vocabulary import PROTOCOLS

PAIRS = 20
"""Pairs of a comparison: enough to find a slowdown by 5 % where runs scatter by 3 %."""

COOLDOWN_S = 300
"""Pause between a red verdict and its re-run, as MLPerf Mobile pauses between tries."""

SCENES, MOST_SCENES = 200, 1000
"""Scenes that a session begins with, and those that an open verdict is extended to at most."""

JUDGING_OPTIONS = (
    Option(
        "compare",
        SUITES,
        "is B slower than A? two artifacts: names, keys or folders",
        PathOrName,
        arity="pair",
        metavar=("A", "B"),
    ),
    Option(
        "baseline",
        SUITES,
        "compare what is measured with A, or with the last green run's",
        PathOrName,
        metavar="latest-green|latest-green-anywhere|A",
    ),
    Option("pairs", SUITES, "pairs of runs of a comparison", int, default=PAIRS),
    Option("thresholds", SUITES, "folder of gates", Path, default=Path("thresholds")),
    Option("update_thresholds", SUITES, "append a gate for what has none", bool),
    Option("runs", SUITES, "performance runs", int, words="5, extended to 10 and 20"),
    Option(
        "cooldown",
        SUITES,
        "pause before a red speed is measured again",
        int,
        default=COOLDOWN_S,
        metavar="SECONDS",
    ),
    Option(
        "scenes",
        SUITES,
        "drawn test scenes per model; more while a verdict is open",
        int,
        default=SCENES,
    ),
    Option(
        "max_scenes",
        SUITES,
        "most scenes that an open verdict is extended to",
        int,
        default=MOST_SCENES,
        words="1000, or --scenes where that is more",
    ),
    Option("protocol", SUITES, "how speed is measured", default="snapgate", choices=PROTOCOLS),
    Option("prompt", SUITES, "what speed is measured with", words="describe the picture"),
    Option("allow", SUITES, "what is no failure: inconclusive,no-gate,blocked,unjudged"),
)
