"""Fixtures of runs with faults, how many there are, and their table at a session's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from rich.console import Console

from harness.artifacts.artifact import Artifact
from harness.devices.adb.programs import adb_programs
from harness.devices.phone import phone_device
from harness.runtime.request import Request
from suites.harness.devices.fault_runs.outcome import Outcome, outcome_table
from suites.harness.devices.fault_runs.plan import (
    FEW,
    draw,
    load_plan,
    load_seeds,
    numbered_seeds,
)
from suites.harness.devices.fault_runs.stage import Stage

Play = Callable[[int], None]

_RECORDED = "snapgate_fault_run"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare how many runs there are; known to sessions that name this folder."""
    parser.addoption(
        "--fault-runs",
        type=int,
        default=FEW,
        metavar="N",
        help=f"runs on virtual phones with a fault each; default: {FEW}, at most 200",
    )
    parser.addoption(
        "--fault-seeds",
        type=_seeds,
        metavar="FIRST-LAST",
        help="draw one run from each of these numbers, and not from the list",
    )


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last) + 1)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that numbers the runs."""
    config.addinivalue_line("markers", "fault_run(number): place in the list of runs with a fault")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each seed whose run goes by the module's adb server."""
    if "seed" in metafunc.fixturenames:
        seeds = metafunc.config.getoption("fault_seeds", None) or load_seeds()
        runs = [
            pytest.param(seed, marks=pytest.mark.fault_run(number), id=f"seed-{seed}")
            for number, seed in numbered_seeds(seeds, adb=metafunc.module.ADB)
        ]
        metafunc.parametrize("seed", runs)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first runs of the list; what is named on the command line is always run."""
    if config.getoption("fault_seeds", None) or any("::" in argument for argument in config.args):
        return
    most = config.getoption("fault_runs", FEW)
    beyond = [item for item in items if _number(item) >= most]
    config.hook.pytest_deselected(items=beyond)
    items[:] = [item for item in items if item not in beyond]


def _number(item: pytest.Item) -> int:
    """Place of a run in the list; -1 of any other test."""
    mark = item.get_closest_marker("fault_run")
    return -1 if mark is None else int(mark.args[0])


@pytest.fixture(scope="session")
def stage(random_smolvlm: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Plays runs of a miniature with random weights, which is asked about a red picture."""
    folder = tmp_path_factory.mktemp("stage")
    picture = folder / "red.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    asked = Request(id="faulted", prompts=("<image>What is this?",), images=(str(picture),))
    return Stage(load_plan(), random_smolvlm, asked, folder)


@pytest.fixture
def play(stage: Stage, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Plays the run of a seed, and fails unless it ended as it has to."""

    def play(seed: int) -> None:
        run = draw(stage.plan, seed)
        program = adb_programs()[run.adb]
        if not program.installed:
            pytest.skip(f"there is no {program.path}; type: apt-get install adb")
        if run.fault.act == "hang_runner":
            # On a phone it would be given minutes.
            limit_s = stage.plan.run_limit_s
            monkeypatch.setattr(phone_device, "run_limit_s", lambda manifest: limit_s)
        outcome = stage.play(run)
        # As a property, so that the table has it from whichever process it comes.
        request.node.user_properties.append((_RECORDED, outcome.model_dump_json()))
        assert outcome.is_good, f"{run}: {outcome}; again: pytest '{request.node.nodeid}'"

    return play


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    outcomes = list(_outcomes(terminalreporter))
    if outcomes:
        console = Console(width=110, highlight=False)
        with console.capture() as captured:
            console.print(outcome_table(outcomes))
        terminalreporter.write_line(captured.get())


def _outcomes(terminal: pytest.TerminalReporter) -> Iterator[Outcome]:
    for reports in terminal.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, value in report.user_properties:
                    if name == _RECORDED:
                        yield Outcome.model_validate_json(value)
