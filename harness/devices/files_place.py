"""A phone's artifacts judged by their files alone, where no phone is named.

Bytes, contexts, spilling and memory traffic are known when a file has been compiled; only whether
its model is alive takes a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from harness.artifacts.artifact import Artifact
from harness.devices.device import Device, TakeAnswer, ThisMachine, wait_for_all
from harness.devices.phone_place import check_files, export_qnn_dir
from harness.devices.place import Place, PlaceRequest
from harness.errors import UserError
from harness.runtime.generation import Generation
from harness.runtime.request import Request, RunOptions
from harness.targets.soc import get_soc
from harness.vocabulary import Target

NO_PHONE = "no phone is named, so files are judged and nothing is run"

NAME_ONE = "name a phone with --serial, and its runner with --build-dir"


@dataclass(frozen=True)
class FilesDevice(ThisMachine):
    """Stands where a phone would, and runs nothing.

    Attributes:
        target: Target that the files are for.
        soc: SoC that they are compiled for.
    """

    target: Target
    soc: str | None
    serial = "files"
    method = NO_PHONE

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Refuse to.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{len(requests)} requests need a device, and {NO_PHONE}; {NAME_ONE}.")


class FilesPlace(Place):
    """No phone at all, but the SoC that one would have."""

    @classmethod
    def choose(cls, asked: PlaceRequest) -> Place:
        """Resolve the SoC, and check that files for it are there or can be made here.

        Raises:
            UserError: If nobody says which SoC, or the artifact is for another one.
        """
        options, given = asked.options, asked.given
        if given is not None and given.target != asked.target.name:
            raise UserError(
                f"--pre-gen-pte holds an artifact for the {given.target}, not for the "
                f"{asked.target.name}; judge it with --target {given.target}."
            )
        of_files = given.soc if given is not None else None
        named = None if options["soc"] is None else get_soc(options["soc"]).name
        if of_files is not None and named not in (None, of_files):
            raise UserError(
                f"--pre-gen-pte holds an artifact for {of_files}, and --soc is {named}; leave "
                f"--soc out, or export it again with --soc {named}."
            )
        soc = named or of_files
        if soc is None:
            raise UserError("Nobody says for which SoC files are to be judged; give --soc SM8650.")
        check_files(options, given)
        return cls(asked.target, soc, export_qnn_dir(options["qnn_dir"]))

    @property
    def runs_models(self) -> bool:
        """Nothing is run."""
        return False

    def open(self) -> AbstractContextManager[Device]:
        """What refuses to run anything."""
        return nullcontext(FilesDevice(self.target.name, self.soc))

    def describe(self) -> str:
        """That nothing answers."""
        return f"{self.soc}: {NO_PHONE}"
