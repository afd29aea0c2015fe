"""Which phones a session uses, and which artifacts it takes there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.artifacts.manifest import Manifest
from harness.backends.qnn.libraries import (
    HTP_LIBRARY,
    SDK_LIBRARY_FOLDER,
    QnnLibraries,
    find_libraries,
)
from harness.devices.device import Device
from harness.devices.lease import lease_folder
from harness.devices.phone.compatibility import refuse_unrunnable
from harness.devices.phone.exclusive_use import held
from harness.devices.phone.fleet.inventory import Inventory, find_inventory
from harness.devices.phone.fleet.phone_selection import PhoneRequest, ReadyPhone
from harness.devices.phone.preflight import find_ready_phones, one_each, only_one
from harness.devices.phone.qnn_version import version_of_library, version_text
from harness.devices.phone.runner.host_tools import LIMITED, OURS, HostTools
from harness.devices.phone.set_up import open_phone
from harness.devices.place import Place, PlaceRequest
from harness.devices.virtual_session import (
    UPSTREAM,
    VIRTUAL,
    bring_tools,
    check_virtual_folder,
    one_per_worker,
    open_virtual_phone,
    read_serial,
    virtual_soc,
    what_stays_open,
)
from harness.elf import X86_64, machine_of
from harness.errors import UserError
from harness.export.recipe import (
    Recipe,
    default_recipe,
    load_recipe,
    parse_precision,
    recipe_fault,
)
from harness.results.stand_in import RUNNER_FACT
from harness.targets.phone import PHONE
from harness.targets.registry import get_target
from harness.targets.soc import Soc
from harness.targets.target import TargetSpec
from harness.virtual_phone.machine.virtual_build import loadable_targets
from harness.vocabulary import Target


@dataclass(frozen=True)
class PhonePlace(Place):
    """The phones of a session, which all have one SoC.

    Attributes:
        loaded_target: Target whose artifacts they load: a virtual phone those of this machine.
        ready: One per worker, one without workers; none where the session starts a virtual phone
            for itself.
        virtual: ``--serial`` of each virtual phone that is started, one per worker.
        brought: What ``--build-dir`` has for those; None for a runner of ours.
        adb_program: Program that ``--adb`` names.
    """

    loaded_target: TargetSpec = PHONE
    ready: tuple[ReadyPhone, ...] = ()
    virtual: tuple[str, ...] = ()
    brought: HostTools | None = None
    adb_program: Path | None = None

    @classmethod
    def choose(cls, asked: PlaceRequest) -> Place:
        """Find the phones, and check all that can be wrong about them.

        Raises:
            UserError: If a phone, the runner or a library is missing, or does not fit the artifact.
        """
        options = asked.options
        if soc := virtual_soc(options["serial"]):
            return _own_virtual_phone(asked, soc)
        inventory = find_inventory(
            options["phones"], asked.root, is_typed="phones" in asked.typed, ask=asked.ask
        )
        ready = find_ready_phones(_phone_request(asked, inventory), asked.recovers)
        chosen = (only_one(ready),) if asked.workers is None else one_each(ready, asked.workers)
        _check_all_alike(chosen)
        found = chosen[0].found
        return cls(
            target=asked.target,
            soc=found.soc,
            qnn_dir=export_qnn_dir(options["qnn_dir"]),
            loaded_target=_loaded_target(asked, found.accepted_targets, found.soc),
            ready=chosen,
            adb_program=options["adb"],
        )

    @contextmanager
    def open(self) -> Iterator[Device]:
        """Lease the phone and bring the tools, or start a virtual one."""
        if not self.ready:
            (serial,) = self.virtual
            with open_virtual_phone(serial, self.adb_program, self.brought) as virtual:
                yield virtual
            return
        (ready,) = self.ready
        found, place = ready.found, ready.entry.labgrid if ready.entry else None
        with (
            held(found.phone, found.serialno, lease_folder(), place=place) as claim,
            open_phone(ready, claim=claim) as real,
        ):
            yield real

    @property
    def artifact_target(self) -> TargetSpec:
        """The target whose artifacts the phones load."""
        return self.loaded_target

    @property
    def is_virtual(self) -> bool:
        """Whether these phones do not exist."""
        return not self.loaded_target.is_remote

    @property
    def serials(self) -> tuple[str, ...]:
        """What ``--serial`` calls each."""
        return self.virtual or tuple(one.found.serialno for one in self.ready)

    def device_facts(self) -> dict[str, Any]:
        """What the phone says of itself, and which runner and QNN it got."""
        facts: dict[str, Any] = {"qnn_version": self._qnn_version()}
        if self.ready:
            found = self.ready[0].found
            facts |= {"fingerprint": found.fingerprint, "facts": {"model": found.model}}
        if self.is_virtual:
            facts["facts"] = {**facts.get("facts", {}), RUNNER_FACT: self._runner()}
        return facts

    def describe(self) -> str | None:
        """Whose runner answers on a virtual phone, and what the machine lets it reach."""
        if not self.is_virtual:
            return None
        told = f"virtual phone, {self.soc}; its runner is {self._runner()}"
        still_open = what_stays_open() if self.virtual else None
        return f"{told}; {still_open}" if still_open else told

    def _tools(self) -> HostTools | None:
        for one in self.ready[:1]:
            return HostTools(one.build, one.libraries)
        return self.brought

    def _runner(self) -> str:
        if tools := self._tools():
            return tools.describe()
        own = [read_serial(serial).runner for serial in self.virtual]
        return LIMITED if UPSTREAM in own else OURS

    def _qnn_version(self) -> str | None:
        tools = self._tools()
        version = tools.libraries.version if tools and tools.libraries else None
        return version_text(version) if version else None


def _own_virtual_phone(asked: PlaceRequest, soc: Soc) -> PhonePlace:
    options = asked.options
    check_virtual_folder()
    if options["soc"] not in (None, soc.name):
        raise UserError(
            f"--serial {VIRTUAL}{soc.name} and --soc {options['soc']} are two SoCs; leave one out."
        )
    build_dir: Path | None = options["build_dir"]
    is_limited = read_serial(options["serial"]).runner == UPSTREAM
    if is_limited:
        _refuse_requantized(options, asked.given)
    if is_limited and build_dir is not None:
        raise UserError(
            f"--serial {options['serial']} has a runner of its own with upstream's limits, and "
            f"--build-dir {build_dir} holds another; leave one of them out."
        )
    brought = None
    if build_dir is not None:
        brought = bring_tools(options["serial"], options["adb"], build_dir, options["qnn_dir"])
    if brought is not None and brought.libraries is not None:
        check_files(options, asked.given)
    loadable = loadable_targets()
    return PhonePlace(
        asked.target,
        soc.name,
        options["qnn_dir"],
        loaded_target=_loaded_target(
            asked, brought.loaded(loadable) if brought else loadable, soc.name
        ),
        brought=brought,
        virtual=one_per_worker(options["serial"], asked.workers),
        adb_program=options["adb"],
    )


def _phone_request(asked: PlaceRequest, inventory: Inventory) -> PhoneRequest:
    options, given = asked.options, asked.given
    of_artifact = given.soc if given is not None and get_target(given.target).is_remote else None
    return PhoneRequest(
        soc=options["soc"] or of_artifact,
        serial=options["serial"],
        adb_hosts=tuple(options["adb_host"] or ()),
        adb_program=options["adb"],
        build_dir=options["build_dir"],
        qnn_dir=options["qnn_dir"],
        made_by=_made_by(asked),
        inventory=inventory,
        count=asked.workers or 1,
        check_files=partial(check_files, options, given),
    )


def _made_by(asked: PlaceRequest) -> tuple[int, int, int] | None:
    """QNN of this machine, where an export may be needed and there is one."""
    if asked.given is not None:
        return None
    try:
        libraries = _export_libraries(asked.options["qnn_dir"])
    except UserError:
        return None
    return version_of_library(libraries.directory / HTP_LIBRARY)


def _loaded_target(asked: PlaceRequest, accepted: tuple[Target, ...], soc: str) -> TargetSpec:
    """What the phone loads and the options ask for; on a virtual phone the host's, if it can be."""
    given = asked.given
    if given is not None:
        if given.target not in accepted:
            raise UserError(
                f"--pre-gen-pte holds an artifact for the {given.target}, and this phone loads "
                f"those for {' or '.join(accepted)}; leave out --pre-gen-pte, --serial, or "
                "--build-dir of a virtual phone."
            )
        if given.soc not in (None, soc):
            raise UserError(
                f"--pre-gen-pte holds an artifact for {given.soc}, and the phone has {soc}; export "
                f"it again with --soc {soc}."
            )
        return get_target(given.target)
    first, last = get_target(accepted[0]), get_target(accepted[-1])
    if first.is_remote:
        # Nothing is exported for a phone without QNN's compiler, so its absence is told now.
        _export_libraries(asked.options["qnn_dir"])
        return first
    if _can_run(last, asked.options):
        return last
    if not first.backend.is_htp:
        raise UserError(
            "A virtual phone runs such precisions on QNN's emulator, which this machine lacks; "
            "type: pip install 'snapgate[qnn]'"
        )
    _refuse_for_virtual(first, last, asked.options)
    return first


def _refuse_for_virtual(emulator: TargetSpec, last: TargetSpec, options: Mapping[str, Any]) -> None:
    """Say why a virtual phone has to do with targets that nobody typed."""
    fault = recipe_fault(_named_recipe(options, default_recipe(emulator)), emulator)
    if fault is not None and emulator == last:
        raise UserError(
            f"--build-dir {options['build_dir']} holds upstream's runner, which on this machine "
            f"has QNN's emulator of the HTP alone: {fault} Or leave --build-dir out: a runner of "
            "ours takes fp32 and 8da4w, too."
        )
    if fault is not None:
        raise UserError(
            "A virtual phone takes artifacts for QNN's emulator of the HTP or for this CPU, and "
            f"this is for neither: {fault}"
        )


def _named_recipe(options: Mapping[str, Any], base: Recipe) -> Recipe:
    """What ``--recipe`` and ``--precision`` say."""
    recipe = load_recipe(options["recipe"], base) if options["recipe"] else base
    return parse_precision(options["precision"], recipe)


def _can_run(target: TargetSpec, options: Mapping[str, Any]) -> bool:
    recipe = _named_recipe(options, Recipe())
    is_requantized = options["kv_encodings"] == "requantized"
    return recipe_fault(recipe, target) is None and (target.backend.is_htp or not is_requantized)


def check_files(options: Mapping[str, Any], given: Manifest | None) -> None:
    """Refuse what no phone could run, given or asked for, and exports that this machine lacks.

    Raises:
        UserError: If that is so.
    """
    _refuse_requantized(options, given)
    if given is None:
        _export_libraries(options["qnn_dir"])


def _refuse_requantized(options: Mapping[str, Any], given: Manifest | None) -> None:
    if given is not None:
        refuse_unrunnable(given, "--pre-gen-pte")
    elif options["kv_encodings"] == "requantized":
        raise UserError(
            "--kv-encodings requantized makes files that no runner for phones takes: those that "
            "convert the KV cache, of January to March 2026, abort on a mask of rank 4; use "
            "--kv-encodings shared, --target emulator, or --serial virtual:SM8550 without "
            "--build-dir."
        )


def _export_libraries(qnn_dir: Path | None) -> QnnLibraries:
    return find_libraries(export_qnn_dir(qnn_dir))


def export_qnn_dir(qnn_dir: Path | None) -> Path | None:
    """``--qnn-dir`` where it has libraries for this machine; it may have a phone's alone."""
    if qnn_dir is None:
        return None
    named = (qnn_dir / SDK_LIBRARY_FOLDER / HTP_LIBRARY, qnn_dir / HTP_LIBRARY)
    there = next((path for path in named if path.is_file()), None)
    return qnn_dir if there is not None and machine_of(there) == X86_64 else None


def _check_all_alike(chosen: tuple[ReadyPhone, ...]) -> None:
    socs = sorted({one.found.soc for one in chosen})
    if len(socs) > 1:
        raise UserError(
            f"The phones have {' and '.join(socs)}, and a session judges one SoC; choose with "
            f"--soc {socs[0]}."
        )
    if len({one.found.accepted_targets for one in chosen}) > 1:
        raise UserError("Some of the phones are virtual; choose one with --serial.")
