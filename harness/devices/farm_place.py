"""Phones of a farm's hosts, seen from where a session is only collected."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from harness.devices.device import Device
from harness.devices.phone_place import PhonePlace
from harness.devices.place import Place, PlaceRequest
from harness.devices.virtual_session import is_virtual
from harness.errors import UserError
from harness.targets.soc import get_soc


@dataclass(frozen=True)
class FarmPlace(Place):
    """Any phone of a SoC, at whichever host; each job finds its own there."""

    @classmethod
    def choose(cls, asked: PlaceRequest) -> Place:
        """Resolve the SoC.

        Raises:
            UserError: If nobody says which, or one phone is named.
        """
        options, given = asked.options, asked.given
        if is_virtual(options["serial"]):
            # Each session starts its own, wherever it runs.
            return PhonePlace.choose(asked)
        if options["serial"] is not None:
            raise UserError(
                f"--serial {options['serial']} names one phone, and a farm gives jobs to any of a "
                "SoC; give --soc of it instead, or leave --farm out."
            )
        of_files = given.soc if given is not None else None
        named = options["soc"] or of_files
        if named is None:
            raise UserError("Nobody says on which phones of the farm; give --soc SM8650.")
        soc = get_soc(named).name
        if of_files not in (None, soc):
            raise UserError(
                f"--pre-gen-pte holds an artifact for {of_files}, and --soc is {soc}; leave --soc "
                f"out, or export it again with --soc {soc}."
            )
        return cls(asked.target, soc)

    def open(self) -> AbstractContextManager[Device]:
        """Nothing is run here.

        Raises:
            UserError: Always.
        """
        raise UserError("The phones of a farm are at its hosts; leave --farm out to use one here.")

    def describe(self) -> str:
        """Where its phones are."""
        return f"phones of a farm, {self.soc}"
