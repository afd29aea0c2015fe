"""A target is found by its name, ours like that of another package."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.devices.place import Place
from harness.errors import UserError
from harness.results.rows.basics import Subject
from harness.targets import registry
from harness.targets.backend import XNNPACK
from harness.targets.registry import (
    GROUP,
    KnownTarget,
    get_target,
    speedless_targets,
    target_names,
    targets,
)
from harness.targets.target import TargetSpec

OTHER = TargetSpec("other", XNNPACK, place="harness.devices.host:HostPlace")


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    targets.cache_clear()
    yield
    targets.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, **modules: Any) -> None:
    """Packages of one module each, whose entry point leads to its ``TARGET``."""
    entries = []
    for name, target in modules.items():
        module = ModuleType(name)
        vars(module)["TARGET"] = target
        monkeypatch.setitem(sys.modules, name, module)
        entries.append(EntryPoint(name, f"{name}:TARGET", GROUP))
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)


def test_ours_come_first_and_other_packages_add_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, elsewhere=OTHER)
    assert target_names() == ("host", "emulator", "phone", "other")
    assert get_target("other") is OTHER


def test_a_mistyped_name_is_answered_with_the_nearest_one() -> None:
    known = "known: emulator, host, phone"
    with pytest.raises(UserError, match=f"no target 'emulater'; did you mean emulator\\? {known}"):
        get_target("emulater")


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("a word", r"elsewhere = 'elsewhere:TARGET' .*leads to no TargetSpec; correct it"),
        (get_target("host"), r"elsewhere = .* is a second target 'host'; rename it"),
    ],
)
def test_an_entry_point_that_is_no_further_target_is_told(
    monkeypatch: pytest.MonkeyPatch, target: object, fault: str
) -> None:
    install(monkeypatch, elsewhere=target)
    with pytest.raises(UserError, match=fault):
        targets()


def test_what_a_person_fills_in_must_be_known_and_what_is_stored_need_not() -> None:
    with pytest.raises(ValidationError, match="there is no target 'gone'; "):
        TypeAdapter(KnownTarget).validate_python("gone")
    assert Subject(test_id="t", target="gone").target == "gone"


def test_an_emulators_speed_means_nothing() -> None:
    assert list(speedless_targets()) == ["emulator"]


@pytest.mark.parametrize("target", targets().values(), ids=targets())
def test_every_target_names_a_place_that_there_is(target: TargetSpec) -> None:
    assert issubclass(pkgutil.resolve_name(target.place), Place)
