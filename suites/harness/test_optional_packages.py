"""Missing packages are told together, with the command that installs them."""

from __future__ import annotations

import pytest

from harness.errors import UserError, require_packages


def test_all_missing_packages_are_named_at_once() -> None:
    with pytest.raises(UserError) as error:
        require_packages(("json", "not_there", "nor_this"), "Flying")
    assert str(error.value) == (
        "Flying needs not_there, nor_this; install it with: pip install 'snapgate[host]'"
    )


def test_installed_packages_pass() -> None:
    require_packages(("json", "pathlib"), "Reading")
