"""Options of a command line to what is to be exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.backends.qnn.libraries import find_libraries
from harness.checkpoint_source import (
    find_calibration,
    find_checkpoint,
    own_model,
    unpinned_notice,
)
from harness.console import PlainConsole
from harness.errors import Findings, check_installed
from harness.export.calibration_file import read_samples
from harness.export.recipe import default_recipe, load_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.export.request_check import check_request
from harness.export.worker.messages import EXPORTER_PACKAGES
from harness.options.values import Values
from harness.targets.registry import get_target
from harness.vlm.mode import parse_lookahead
from harness.vlm.registry import get_spec_or_family


def ready_request(options: Values, console: PlainConsole, findings: Findings) -> ExportRequest:
    """What the options ask for, once all that they lack is told, with its checkpoint found.

    Args:
        options: Of a command that exports.
        console: Told which checkpoint is taken, where that is not pinned.
        findings: What else the command found wrong, told together with what is wrong here.

    Raises:
        UserError: If something that it needs is missing or does not fit.
    """
    request = _request(options)
    # Before a checkpoint is downloaded: a request that cannot be met is no reason to do that.
    findings.note(lambda: check_request(request))
    if (samples := request.calibration) is not None:
        findings.note(lambda: read_samples(samples, needs_picture=request.recipe.fixes_ranges))
    findings.note(lambda: check_installed(EXPORTER_PACKAGES, "Exporting"))
    if request.made_for.backend.is_htp:
        findings.note(lambda: find_libraries(request.qnn_dir))
    findings.tell()
    checkpoint = find_checkpoint(request.spec, options["checkpoint"])
    spec = request.spec
    if spec.is_own:
        spec = own_model(spec, checkpoint, options["checkpoint"])
    if notice := unpinned_notice(request.spec, options["checkpoint"], checkpoint):
        console.print(notice, soft_wrap=True)
    return replace(request, spec=spec, checkpoint=checkpoint)


def _request(options: Values) -> ExportRequest:
    """What the options ask for; its checkpoint is as named, not yet found."""
    spec = get_spec_or_family(options["exported_model"])
    base = default_recipe(get_target(options["target"]))
    base = load_recipe(options["recipe"], base) if options["recipe"] else base
    recipe = parse_precision(options["precision"], base)
    options = options.unless_typed(*_without_meaning(options, recipe.takes_samples))
    return ExportRequest(
        spec=spec,
        checkpoint=Path(options["checkpoint"] or ""),
        recipe=recipe,
        mode=options["file_mode"],
        target=options["target"],
        soc=options["soc"],
        context_length=options["context"],
        prefill_ar=options["prefill_ar"],
        lookahead=options["lookahead"] and parse_lookahead(options["lookahead"]),
        kv_encodings=options["kv_encodings"],
        calibration=(
            find_calibration(spec, options["calibration"])
            if recipe.takes_samples
            else options["calibration"]
        ),
        qnn_dir=options["qnn_dir"],
    )


def _without_meaning(options: Values, takes_samples: bool) -> set[str]:
    """What a laboratory's file may set for other exports than this one."""
    unused = set() if get_target(options["target"]).backend.is_htp else {"soc", "qnn_dir"}
    unused |= {"prefill_ar"} if options["file_mode"] == "kv" else set()
    unused |= {"lookahead"} if options["file_mode"] != "lookahead" else set()
    return unused | (set() if takes_samples else {"calibration"})
