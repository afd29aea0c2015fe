"""adb's own variables, as adb reads them."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.options.adb_environment import adb_variables


@pytest.mark.parametrize(
    ("environment", "address", "variable"),
    [
        ({"ADB_SERVER_SOCKET": "tcp:lab3:5038"}, "lab3:5038", "ADB_SERVER_SOCKET"),
        ({"ADB_SERVER_SOCKET": "tcp:5038"}, "127.0.0.1:5038", "ADB_SERVER_SOCKET"),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:5038"}, "[::1]:5038", "ADB_SERVER_SOCKET"),
        (
            {"ADB_SERVER_SOCKET": "tcp:5038", "ANDROID_ADB_SERVER_PORT": "5039"},
            "127.0.0.1:5038",
            "ADB_SERVER_SOCKET",
        ),
        ({"ANDROID_ADB_SERVER_PORT": "5038"}, "127.0.0.1:5038", "ANDROID_ADB_SERVER_PORT"),
        ({"ANDROID_ADB_SERVER_ADDRESS": "lab3"}, "lab3:5037", "ANDROID_ADB_SERVER_ADDRESS"),
        (
            {"ANDROID_ADB_SERVER_ADDRESS": "lab3", "ANDROID_ADB_SERVER_PORT": "5038"},
            "lab3:5038",
            "ANDROID_ADB_SERVER_ADDRESS and ANDROID_ADB_SERVER_PORT",
        ),
    ],
)
def test_the_server_is_the_one_that_adb_would_ask(
    environment: dict[str, str], address: str, variable: str
) -> None:
    found = adb_variables(environment)["adb_host"]
    assert (found.value, str(found.source)) == ([address], variable)


def test_a_serial_names_the_phone() -> None:
    found = adb_variables({"ANDROID_SERIAL": "R5CT"})
    assert {name: (one.value, str(one.source)) for name, one in found.items()} == {
        "serial": ("R5CT", "ANDROID_SERIAL")
    }


def test_empty_variables_say_nothing() -> None:
    names = ("ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT")
    assert adb_variables(dict.fromkeys((*names, "ANDROID_SERIAL"), "")) == {}


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("ADB_SERVER_SOCKET", "localfilesystem:/run/adb", "are reached at tcp:PORT or tcp:HOST"),
        ("ADB_SERVER_SOCKET", "localabstract:adb", "unset it, or name one with --adb-host"),
        ("ADB_SERVER_SOCKET", "tcp:a:b:5037", "has the host 'a:b', which is none"),
        ("ANDROID_ADB_SERVER_ADDRESS", "lab3:5038", "has the host 'lab3:5038', which is none"),
        ("ADB_SERVER_SOCKET", "tcp:lab3:adb", "has the port 'adb', which is no number from 1"),
        ("ADB_SERVER_SOCKET", "5037", "are reached at tcp:PORT"),
        ("ANDROID_ADB_SERVER_PORT", "70000", "has the port '70000', which is no number from 1"),
    ],
)
def test_what_cannot_be_reached_is_told_by_the_variable(
    variable: str, text: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=f"^{variable} .*{sentence}"):
        adb_variables({variable: text})
