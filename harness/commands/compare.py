"""``python -m harness compare``: two runs on the terminal."""

from __future__ import annotations

from harness.commands.results import end_with_the_reader, write_rows
from harness.errors import UserError
from harness.options.command_line import command_line
from harness.options.values import Values
from harness.results.history import load_history
from harness.results.run_comparison import RunComparison, compare_runs
from harness.results.runs import find_run
from harness.results.terminal_table import print_table


def run_compare(options: Values) -> int:
    """Lay two runs side by side: medians, verdicts, and in what else the runs differ."""
    end_with_the_reader()
    named = options["first_run"], options["second_run"]
    runs = [find_run(options["results"], name) for name in named]
    folders = {run.resolve().parent for run in runs}
    if len(folders) > 1:
        raise UserError(
            f"{runs[0]} and {runs[1]} are in different folders; copy one beside the other, which "
            "merges them."
        )
    history = load_history(folders.pop())
    names = [run.resolve().name for run in runs]
    for sentence in history.unreadable:
        if any(name in sentence for name in names):
            raise UserError(sentence)
    comparison = compare_runs(history, *names)
    if options["csv"]:
        write_rows(comparison.rows, options["csv"], 0)
    else:
        _print_comparison(comparison)
    return 0


def _print_comparison(comparison: RunComparison) -> None:
    rows = comparison.rows
    told = rows.assign(change=rows["change"].map(_percent, na_action="ignore"))
    print_table(told.dropna(axis="columns", how="all"), max(len(rows), 1))
    for difference in comparison.differences:
        before, after = difference.before or "none", difference.after or "none"
        print(f"{difference.group} {difference.name}: {before} -> {after}")
    artifacts = {"compare": ("ARTIFACT_A", "ARTIFACT_B")}
    deciding = command_line("suites", artifacts, "suites", "-m", "perf")
    print(f"Measured at different times; to decide: {deciding}")


def _percent(share: float) -> str:
    return f"{share:+.1%}".replace("%", " %")
