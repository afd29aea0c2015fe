"""Which virtual phones ``--serial`` asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.devices.phone.runner.tools import find_build
from harness.devices.virtual_session import (
    bring_tools,
    is_virtual,
    one_per_worker,
    read_serial,
    virtual_soc,
)
from harness.errors import UserError
from harness.virtual_phone.machine.virtual_build import write_virtual_build


@pytest.mark.parametrize(
    ("serial", "serialno"),
    [
        ("virtual:SM8550", "VIRTUAL-SM8550"),
        ("virtual:sm8650", "VIRTUAL-SM8650"),
        ("virtual:SM8550:desk", "VIRTUAL-SM8550-desk"),
        ("virtual:SM8550:desk-2", "VIRTUAL-SM8550-desk-2"),
        ("virtual:SM8550:upstream", "VIRTUAL-SM8550-upstream"),
        ("virtual:SM8550:desk:upstream", "VIRTUAL-SM8550-desk-upstream"),
    ],
)
def test_a_phone_has_one_serial_number_in_every_session(serial: str, serialno: str) -> None:
    assert read_serial(serial).serialno == serialno
    soc = virtual_soc(serial)
    assert soc is not None
    assert soc.name in serialno


@pytest.mark.parametrize("serial", [None, "R5CX10ABCDE", "192.168.0.7:5555", "emulator-5554"])
def test_others_are_none(serial: str | None) -> None:
    assert not is_virtual(serial)
    assert virtual_soc(serial) is None


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "a:b", "büro", "x" * 33, ":upstream"])
def test_what_is_no_name_is_one_sentence(name: str) -> None:
    with pytest.raises(UserError, match=r"cannot name a virtual phone; .*virtual:SM8550:desk"):
        virtual_soc(f"virtual:SM8550:{name}")


@pytest.mark.parametrize("word", ["upsteam", "Upstream", "upstrem", "UPSTREAM"])
def test_a_misspelt_runner_is_no_name(word: str) -> None:
    with pytest.raises(UserError, match=r"give virtual:SM8550:upstream, or another name"):
        read_serial(f"virtual:SM8550:{word}")


@pytest.mark.parametrize("serial", ["virtual:", "virtual:SM9999", "virtual::desk"])
def test_a_phone_has_a_soc_that_there_is(serial: str) -> None:
    with pytest.raises(UserError, match="There is no SoC"):
        virtual_soc(serial)


@pytest.mark.parametrize("workers", [None, 1])
def test_one_process_uses_the_phone_as_it_is_named(workers: int | None) -> None:
    assert one_per_worker("virtual:SM8550:desk", workers) == ("virtual:SM8550:desk",)


def test_each_worker_has_a_phone_of_its_own() -> None:
    assert one_per_worker("virtual:sm8550", 2) == ("virtual:SM8550:1", "virtual:SM8550:2")
    named = one_per_worker("virtual:SM8550:desk", 3)
    assert [read_serial(one).serialno for one in named] == [
        f"VIRTUAL-SM8550-desk-{number}" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("serial", "runner"),
    [
        ("virtual:SM8550", "ours"),
        ("virtual:SM8550:desk", "ours"),
        ("virtual:SM8550:upstream", "upstream"),
        ("virtual:SM8550:desk:upstream", "upstream"),
    ],
)
def test_the_last_word_may_ask_for_upstreams_runner(serial: str, runner: str) -> None:
    assert read_serial(serial).runner == runner
    assert [read_serial(one).runner for one in one_per_worker(serial, 2)] == [runner, runner]


def test_a_script_that_starts_here_alone_is_refused_before_a_session(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("#!/bin/sh\necho '  --tok_embedding_path (a flag)'\n")
    elsewhere.chmod(0o755)
    build = write_virtual_build(tmp_path / "build")
    find_build(build).runner.write_text(f'#!/bin/sh\nexec {elsewhere} "$@"\n')
    with pytest.raises(UserError, match=r"is a script, and .* no runner by it: .*not found"):
        bring_tools("virtual:SM8550", None, build, None)
