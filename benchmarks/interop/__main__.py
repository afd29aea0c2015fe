"""Upstream's exporter and ours on the same miniature: ``python -m benchmarks.interop``.

Both export for the HTP emulator; our runner runs both sets of files, and a plain loop confirms what
it does with upstream's. Ends with 1 if something that should hold does not.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.interop.answers import (
    Agreement,
    GeneratedAnswers,
    RunFailedError,
    agree,
    correct_share,
    run_plain_loop,
    run_runner,
)
from benchmarks.interop.case import Case, Correct, faults, tables
from benchmarks.interop.contract import ContractDifference, compare, read_contract
from benchmarks.interop.exports import (
    Exported,
    ExportFailedError,
    Order,
    export_ours,
    export_upstream,
)
from benchmarks.interop.plain_loop import leaked_codes
from benchmarks.interop.scenes import Exam, write_calibration, write_exam
from benchmarks.interop.ways import Ways, way_tables
from harness.backends.qnn.libraries import find_libraries
from harness.console import PlainConsole
from harness.errors import UserError
from harness.program import run_program
from harness.run_folder import run_folder
from harness.runtime.files import RunFiles
from harness.targets.emulator import EMULATOR
from harness.vlm.registry import get_spec, known_miniatures
from harness.vocabulary import COMPONENTS, Mode

MODES: tuple[Mode, ...] = ("kv", "hybrid")


def main() -> int:
    """Export, run, compare; prints tables and what does not hold.

    Returns:
        1 if something does not hold or an exporter or runner fails, 2 for a user error.
    """
    options = _parser().parse_args()
    try:
        _check(options)
        return _compare(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (ExportFailedError, RunFailedError) as failure:
        print(failure, file=sys.stderr)
        return 1


def _check(options: argparse.Namespace) -> None:
    """Find what would end hours of work before they begin."""
    find_libraries()
    if options.work is not None and options.work.exists() and any(options.work.iterdir()):
        raise UserError(f"--work {options.work} is not empty; give a new folder.")


def _compare(options: argparse.Namespace) -> int:
    console = PlainConsole(record=True, width=160)
    with run_folder() as folder:
        work = folder if options.work is None else options.work
        pictures = work / "scenes"
        pictures.mkdir(parents=True)
        calibration = write_calibration(pictures, options.calibration_scenes)
        exam = write_exam(pictures, options.scenes, options.conversations)
        cases = []
        for model in options.model or [spec.name for spec in known_miniatures()]:
            for mode in options.mode or MODES:
                console.print(f"{model} {mode}")
                order = Order(get_spec(model), mode, options.soc, calibration)
                cases.append(_measure(order, exam, work / f"{model}-{mode}"))
    ways = {f"{case.model} {case.mode}": case.ways for case in cases}
    for table in (*tables(cases), *way_tables(ways)):
        console.print(table)
    found = [sentence for case in cases for sentence in faults(case)]
    for sentence in found:
        console.print(sentence)
    if options.report is not None:
        _save(console, options.report)
    return 1 if found else 0


def _save(console: PlainConsole, report: Path) -> None:
    report.parent.mkdir(parents=True, exist_ok=True)
    if report.suffix in (".html", ".htm"):
        console.save_html(str(report))
    else:
        console.save_text(str(report))


def _measure(order: Order, exam: Exam, work: Path) -> Case:
    upstream = export_upstream(order, work / "upstream")
    ours = export_ours(order, work / "ours")

    def answers(name: str, files: RunFiles) -> GeneratedAnswers:
        return run_runner(files, order.spec, order.mode, exam.requests, work / name)

    by_upstream = answers("run-upstream", upstream.files)
    by_ours = answers("run-ours", ours.files)
    by_mixture = answers("run-mixed", replace(upstream.files, encoder=ours.files.encoder))

    def plain(chunk: int) -> Agreement:
        loop = run_plain_loop(upstream.files, order.spec, order.mode, exam.requests, chunk)
        return agree(by_upstream, loop)

    has_prefill = order.mode != "kv"
    whole_chunk = order.spec.prefill_ar if has_prefill else 1
    return Case(
        model=order.spec.name,
        mode=order.mode,
        upstream_cost=upstream.cost,
        our_cost=ours.cost,
        bytes_by_component={
            name: (upstream.path(name).stat().st_size, ours.path(name).stat().st_size)
            for name in COMPONENTS
        },
        differences=tuple(_differences(upstream, ours)),
        token_loop=plain(chunk=1),
        chunk_loop=plain(whole_chunk) if has_prefill else None,
        leaks=_leaks(upstream, ours) if has_prefill else None,
        upstream_against_ours=agree(by_upstream, by_ours),
        mixed_against_ours=agree(by_mixture, by_ours),
        correct=Correct(
            upstream=correct_share(by_upstream, exam.expected),
            ours=correct_share(by_ours, exam.expected),
            mixed=correct_share(by_mixture, exam.expected),
        ),
        ways=_ways(upstream.files, order, exam, by_upstream, whole_chunk, work / "run-as-upstream"),
    )


def _ways(
    files: RunFiles,
    order: Order,
    exam: Exam,
    ours: GeneratedAnswers,
    chunk: int,
    folder: Path,
) -> Ways:
    asked = (files, order.spec, order.mode, exam.requests)
    upstream = run_runner(*asked, folder, as_upstream=True)
    loop = run_plain_loop(*asked, chunk, as_upstream=True)
    return Ways(ours, upstream, agree(upstream, loop), exam.expected)


def _leaks(upstream: Exported, ours: Exported) -> tuple[int, int]:
    return leaked_codes(upstream.files.decoder), leaked_codes(ours.files.decoder)


def _differences(upstream: Exported, ours: Exported) -> list[ContractDifference]:
    return [
        difference
        for name in COMPONENTS
        for difference in compare(
            name, read_contract(upstream.path(name)), read_contract(ours.path(name))
        )
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.interop", description=__doc__)
    miniatures = [spec.name for spec in known_miniatures()]
    parser.add_argument("--model", action="append", choices=miniatures, help="default: all")
    parser.add_argument("--mode", action="append", choices=MODES, help="default: both")
    parser.add_argument("--soc", default=EMULATOR.default_soc)
    parser.add_argument("--scenes", type=int, default=40, help="questions to every export")
    parser.add_argument(
        "--conversations", type=int, default=11, help="of several turns, to every export"
    )
    parser.add_argument("--calibration-scenes", type=int, default=24)
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep all files in this folder")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write the tables, too: a page if it ends in .html, else text",
    )
    return parser


if __name__ == "__main__":
    run_program(main)
