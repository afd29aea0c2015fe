"""The phones that a laboratory owns: ``phones.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from harness.errors import UserError

FILE_NAME = "phones.toml"


class InventoryPhone(BaseModel, frozen=True, extra="forbid"):
    """One ``[[phone]]``.

    Attributes:
        serialno: Serial number, its ``ro.serialno``.
        name: Name that people, and ``--serial``, call it by.
        labels: Words for people, ``nightly`` or ``cracked screen``.
        recover: Command that brings it back when it is gone, a USB power cycle for instance.
        soc: Its SoC, so that it is missed where ``--soc`` asks for one.
    """

    serialno: str = Field(min_length=1)
    name: str = Field(min_length=1)
    labels: tuple[str, ...] = ()
    recover: str | None = Field(default=None, min_length=1)
    soc: str | None = Field(default=None, min_length=1)


class Inventory(BaseModel, frozen=True, extra="forbid"):
    """All phones of the file, in its order; every name and serial number means one phone."""

    phone: tuple[InventoryPhone, ...] = ()

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        words = [word for one in self.phone for word in {one.serialno, one.name}]
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands for more than one phone")
        return self

    def entry(self, serialno: str) -> InventoryPhone | None:
        """What the file says of a phone; None if it does not know it."""
        return next((one for one in self.phone if one.serialno == serialno), None)

    def serialno_of(self, word: str) -> str:
        """Serial number of a phone that is called so; any other word as it is."""
        return next((one.serialno for one in self.phone if one.name == word), word)


def find_inventory(named: Path | None, folder: Path) -> Inventory:
    """The phones of the file that is named, else of ``phones.toml`` in a folder, if it is there.

    Raises:
        UserError: As ``read_inventory``.
    """
    if named is None and not (folder / FILE_NAME).exists():
        return Inventory()
    return read_inventory(named or folder / FILE_NAME)


def read_inventory(path: Path) -> Inventory:
    """Read ``phones.toml``.

    Raises:
        UserError: If it is no such file; the message names the first place.
    """
    try:
        return Inventory.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the phones"
        reason = f"{place}: {first['msg']}"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = str(error)
    raise UserError(
        f"{path} lists no phones ({reason}); a phone is a [[phone]] with serialno, name and, if "
        "wanted, labels and recover."
    )
