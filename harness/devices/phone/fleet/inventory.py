"""The phones that a laboratory owns: ``phones.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from harness.devices.phone.fleet.consent import (
    Ask,
    Consent,
    ask_on_terminal,
    consent_path,
    is_own,
)
from harness.errors import UserError
from harness.toml_file import BadToml, line_of_field, parse, read_text

FILE_NAME = "phones.toml"


class _ListedPhone(BaseModel, frozen=True, extra="forbid"):
    """One ``[[phone]]``.

    Attributes:
        serialno: Serial number, its ``ro.serialno``.
        name: Name that people, and ``--serial``, call it by.
        labels: Words for people, ``nightly`` or ``cracked screen``.
        recover: Command that brings it back when it is gone, a USB power cycle for instance.
        soc: Its SoC, so that it is missed where ``--soc`` asks for one.
        aside: Why a farm gives it no jobs, ``battery swollen``; None where it gets some.
        labgrid: Its place there, ``COORDINATOR[:PORT]/PLACE``, which is held while it is used.
    """

    serialno: str = Field(min_length=1)
    name: str = Field(min_length=1)
    labels: tuple[str, ...] = ()
    recover: str | None = Field(default=None, min_length=1)
    soc: str | None = Field(default=None, min_length=1)
    aside: str | None = Field(default=None, min_length=1)
    labgrid: str | None = Field(default=None, pattern=r"^[^/\s]+/[^/\s]+$")


class InventoryPhone(_ListedPhone):
    """A phone of the laboratory.

    Attributes:
        refusal: Why ``recover`` is not run; None if it may be.
    """

    refusal: str | None = None


class _List(BaseModel, frozen=True, extra="forbid"):
    phone: tuple[_ListedPhone, ...] = ()


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

    def without_commands(self, refusal: str) -> Inventory:
        """The same phones, none of which is brought back by a command."""
        refused = {"refusal": refusal}
        phones = (one.model_copy(update=refused) if one.recover else one for one in self.phone)
        return Inventory(phone=tuple(phones))


def find_inventory(
    named: Path | None, folder: Path, *, is_typed: bool = False, ask: Ask = ask_on_terminal
) -> Inventory:
    """The phones of the file that is named, else of ``phones.toml`` in a folder, if it is there.

    Args:
        named: File that ``--phones`` or a laboratory's file names.
        folder: Where it is looked for otherwise.
        is_typed: Whether the user named the file, so that its commands may be run.
        ask: Asks the user about commands of a file that may be somebody else's.

    Raises:
        UserError: As ``read_inventory``.
    """
    if named is None and not (folder / FILE_NAME).exists():
        return Inventory()
    path = named or folder / FILE_NAME
    inventory = read_inventory(path)
    commands = [one.recover for one in inventory.phone if one.recover]
    if not commands or is_typed or is_own(path):
        return inventory
    refusal = Consent(consent_path(), ask).refusal(path, commands)
    return inventory if refusal is None else inventory.without_commands(refusal)


def read_inventory(path: Path) -> Inventory:
    """Read ``phones.toml``.

    Raises:
        UserError: If it is no such file; the message names the first place.
    """
    try:
        text = read_text(path)
        listed = _List.model_validate(parse(text))
        return Inventory(phone=tuple(InventoryPhone(**one.model_dump()) for one in listed.phone))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the phones"
        row = first["loc"][1:3]
        where = line_of_field(text, "phone", int(row[0]) + 1, str(row[1])) if len(row) == 2 else ""
        reason = f"{place}: {first['msg']}{where}"
    except (OSError, UnicodeDecodeError, BadToml) as error:
        reason = str(error)
    raise UserError(
        f"{path} lists no phones ({reason}); a phone is a [[phone]] with serialno, name and, if "
        "wanted, labels and recover."
    )
