"""Options of a farm, and of sessions that it runs."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from harness.options.groups.takers import FARM, FARMS, SUITES
from harness.options.option import Option


def default_certificates() -> Path:
    """Where a farm's certificates are looked for."""
    return platformdirs.user_config_path("snapgate", appauthor=False) / "farm"


def default_store() -> str:
    """What a farm of this machine alone keeps its results in."""
    return str(platformdirs.user_data_path("snapgate", appauthor=False) / "farm")


def default_work() -> Path:
    """Where a host's jobs work."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "farm"


FARM_OPTIONS = (
    Option("farm", SUITES, "scheduler of a farm that runs the tests", metavar="tls://HOST:PORT"),
    Option(
        "scheduler",
        FARM,
        "where the scheduler listens",
        default="tls://127.0.0.1:8786",
        metavar="tls://HOST:PORT",
    ),
    Option(
        "certificates",
        FARMS,
        "folder of the farm's certificates",
        Path,
        default=default_certificates,
        words="in the user configuration folder",
    ),
    Option(
        "store",
        FARMS,
        "what the farm's hosts share: a folder, or s3://, gs://, ...",
        default=default_store,
        words="in the user data folder",
        metavar="URL",
    ),
    Option("label", SUITES, "label of the farm's phones that the tests want", arity="many"),
    Option("again", SUITES, "run anew what the farm's store has", bool),
    Option("plain", FARMS, "speak plain TCP between machines, too", bool),
    Option("host_name", FARM, "name of this host in the farm", words="the machine's"),
    Option("no_phones", FARM, "offer no phones, and ask no adb server for any", bool),
    Option("keep_gib", FARM, "of the artifacts that jobs brought, in GiB", int, default=100),
    Option(
        "work_dir",
        FARM,
        "where jobs of this host work",
        Path,
        default=default_work,
        words="in the user cache folder",
    ),
)
