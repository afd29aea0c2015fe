"""Options, markers and plug-ins of the suites."""

from __future__ import annotations

import pytest

from fixtures.session.farm import register_farm
from fixtures.session.machine_turn import MachineTurn
from fixtures.session.plugin import SessionPlugin
from fixtures.session.selection import HTP, room_of
from fixtures.session.worker_hooks import WorkerHooks
from fixtures.settings.options import add_options
from reports.build import build_report
from reports.retired import retire_report

pytest_plugins = (
    "fixtures.session.shown_terminal",
    "fixtures.session.failure_text",
    "fixtures.session.expressions",
    "fixtures.session.collection",
    "fixtures.session.needs",
    "fixtures.session.progress",
    "fixtures.artifact",
    "fixtures.session.parametrize",
    "fixtures.device",
    "fixtures.bad_cable",
    "fixtures.notices",
    "fixtures.answers",
    "fixtures.judge",
    "fixtures.ladder",
    "fixtures.speed",
)

MARKERS = {
    "accuracy": "does the model answer as it should?",
    "perf": "is it fast enough?",
    "size": "is it small enough?",
    "robustness": "does it survive what goes wrong?",
    "harness": "tests of harness itself",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options of design §12, where no installed plug-in did."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register markers and the plug-in that records the session."""
    for name, description in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {description}")
    config.addinivalue_line("markers", f"{HTP}: about graphs of the HTP, which --target host lacks")
    plugin = SessionPlugin(config, build_report, retire_report)
    config.pluginmanager.register(plugin, "snapgate-session")
    config.pluginmanager.register(WorkerHooks(config, plugin), "snapgate-workers")
    config.pluginmanager.register(MachineTurn(config, plugin), "snapgate-machine")
    register_farm(config, plugin)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by the folder of ``suites/`` it lies in."""
    for item in items:
        room = room_of(item.path, item.config)
        if room in MARKERS:
            item.add_marker(room)
