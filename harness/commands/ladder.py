"""``python -m harness ladder``: the same inputs through every stage of a model."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.status import Status

from harness.commands.export import export_with_progress, preflight
from harness.commands.export_request import ready_request
from harness.commands.ladder_table import ladder_table
from harness.console import PlainConsole
from harness.errors import Findings, UserError
from harness.export.worker.process import ExportFailed
from harness.heartbeat import Heartbeat, Step
from harness.ladder.apart import climb_apart
from harness.ladder.conversations import ladder_conversations
from harness.options.values import Values
from harness.program import cleaning_up_when_terminated
from harness.targets.registry import get_target


def run_ladder(options: Values) -> int:
    """Export what is missing, compare stage by stage, and say where the signal drops.

    Returns:
        1 where it drops, or an export died.
    """
    console = PlainConsole(stderr=True)
    if get_target(options["target"]).is_remote:
        # What a laboratory exports for is no matter of this machine.
        options = options.by_default("target")
    findings = Findings()
    findings.note(lambda: _check(options))
    request = ready_request(options, console, findings)
    preflight(request, options["artifacts"], console)
    try:
        with cleaning_up_when_terminated():
            artifact = export_with_progress(request, options["artifacts"], console).artifact
    except ExportFailed as failure:
        print(f"error: {failure.sentence}", file=sys.stderr)
        return 1
    with (
        cleaning_up_when_terminated(),
        tempfile.TemporaryDirectory() as folder,
        _showing(console) as tell,
    ):
        asked = ladder_conversations(request.spec, options["conversations"], Path(folder))
        ladder = climb_apart(request, artifact, asked, tell)
    PlainConsole().print(ladder_table(ladder, artifact, show_all=options["show_all"]))
    accusation = ladder.accusation
    print(
        f"Files against the float model: {ladder.sqnr_db:.1f} dB, {ladder.held.top1:.1%} of "
        f"{ladder.held.steps} best tokens"
        + ("." if ladder.same_answers is None else f", {ladder.same_answers:.1%} of answers.")
    )
    print(f"The signal drops {accusation}." if accusation else "The signal is kept at every stage.")
    return 1 if accusation else 0


def _check(options: Values) -> None:
    if options["file_mode"] == "lookahead":
        raise UserError(
            "A ladder holds answers by the hand, and lookahead chooses several tokens at once; "
            "use --mode hybrid or --mode kv."
        )
    if options["conversations"] < 1:
        raise UserError(
            f"--conversations {options['conversations']} asks nothing; give at least 1."
        )
    if get_target(options["target"]).is_remote:
        raise UserError(
            f"Files for a {options['target']} do not run on this machine; use --target host or "
            "--target emulator, which has the same graphs."
        )


@contextmanager
def _showing(console: PlainConsole) -> Iterator[Callable[[str], None]]:
    """Shows what is done: live, or in lines where nobody looks."""
    if console.is_terminal:
        with Status("", console=console) as status:
            yield status.update
        return
    step = Step()
    with Heartbeat(step.described, lambda line: console.print(line, soft_wrap=True)):
        yield step.begin
