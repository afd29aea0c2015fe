"""Upstream's own exporter: ``python -m benchmarks.interop.upstream_exporter``.

It runs ``llama.py`` of the installed executorch package in this process, which belongs to nothing
else: what must be put around upstream's code stays here, and wall time and memory are its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from harness.backends.qnn.provider import activate
from harness.checkpoint.checkpoint import open_checkpoint
from harness.checkpoint_source import find_checkpoint
from harness.errors import UserError
from harness.export.calibration_file import read_samples
from harness.run_folder import run_folder
from harness.targets.soc import get_soc
from harness.vlm.mode import EVAL_MODES
from harness.vlm.registry import get_spec_or_family


def main() -> None:
    """Export one model for the x86 emulator; upstream's own exceptions pass through."""
    parser = _parser()
    options = parser.parse_args()
    try:
        named = get_spec_or_family(options.model)
        source = find_checkpoint(named, options.checkpoint)
        spec = open_checkpoint(source, named).spec
        soc = get_soc(options.soc)
        read_samples(options.calibration, needs_picture=True)
    except UserError as error:
        parser.error(str(error))
    with run_folder() as folder:
        # Upstream keeps converted weights there and never asks whether they are today's.
        os.environ["HF_HOME"] = str(folder / "hub")
        os.environ["HF_HUB_OFFLINE"] = "1"
        activate()
        from benchmarks.interop.upstream_inputs import (
            command_line,
            model_parameters,
            prepare_checkpoint,
        )
        from benchmarks.interop.upstream_patches import UPSTREAM, adapt, stubs

        checkpoint = prepare_checkpoint(spec, source, folder / "checkpoint")
        parameters = folder / "params.json"
        parameters.write_text(json.dumps(model_parameters(spec)), encoding="utf-8")
        with stubs():
            llama = importlib.import_module(f"{UPSTREAM}.llama")
        adapt(spec, checkpoint)
        sys.argv = [
            "llama.py",
            *command_line(
                spec,
                options.mode,
                soc.name,
                parameters=parameters,
                calibration=options.calibration,
                artifact=options.out,
                lookahead=spec.lookahead if options.mode == "lookahead" else None,
            ),
        ]
        llama.main()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a model, or the family of a checkpoint")
    parser.add_argument("--checkpoint", help="folder or hub id (default: the model's own)")
    parser.add_argument("--mode", required=True, choices=EVAL_MODES)
    parser.add_argument("--soc", required=True)
    parser.add_argument(
        "--calibration",
        required=True,
        type=Path,
        help="samples, as upstream reads them (see benchmarks.interop.scenes)",
    )
    parser.add_argument("--out", required=True, type=Path, help="folder for what upstream writes")
    return parser


if __name__ == "__main__":
    main()
