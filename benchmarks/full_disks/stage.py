"""Plays one moment: a session whose disk fills up then, and what is there with room again."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.full_disks.moments import Moment
from benchmarks.full_disks.session import ROOT, Ended, run_session
from benchmarks.full_disks.small_disk import SmallDisk, small_disk
from benchmarks.full_disks.witness import FOLDER_VARIABLE, first_refusal_s, noted_rows
from harness.artifacts.artifact import Artifact
from harness.devices.adb.programs import adb_programs
from harness.devices.lease import LEASE_DIR_VARIABLE
from harness.measure.exit_status import UNWRITTEN
from harness.results.journal_copies import read_rows
from harness.results.rows.schema import AnswerRow, SampleRow
from harness.virtual_phone.faults import Faults
from harness.virtual_phone.machine.virtual_build import RUNNER, write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from harness.virtual_phone.profile import LOADS_PROPERTY

BOUND_S = 15.0
"""Longest from a full disk to the sentence that names it."""

_RUN_ID = "20261129T120000Z-0d15c0"
_ARMED = "data/local/tmp/armed"
"""On the phone: whether it is time for what the runner does at its end."""

_EARLIER = '<meta name="generator" content="snapgate"><title>an earlier report</title>'
_BRING_HOME = re.compile(r"when there is room: (cp -r .+?), then python -m reports")
_PARTS = ("**/*.part", "**/*.piece", "tmp/snapgate-run-*", "artifacts/building/*")
_PARTS_OF_PHONE = ("snapgate/**/*.part*", "snapgate/runs/*")
_SMALL_MODEL = ("--model", "tiny_smolvlm", "--scenes", "24", "--mode", "hybrid", "--runs", "5")
_ONE_METRIC = {"perf": ("-k", "decode_tps"), "accuracy": ()}
"""Of all that a session of the suite would measure."""


@dataclass(frozen=True)
class DiskOutcome:
    """What a full disk cost.

    Attributes:
        moment: When it filled up.
        named_s: Seconds from there to the sentence; None if none came.
        sentence: That names the disk.
        measured: Samples and answers of the session.
        lost: Of these, what the journal does not have afterwards.
        exit_status: Of the session.
        left: Parts, and reports of other sessions, that are left.
    """

    moment: Moment
    named_s: float | None
    sentence: str
    measured: int
    lost: int
    exit_status: int
    left: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether all that a full disk may cost is the session's end."""
        in_time = self.named_s is not None and self.named_s <= BOUND_S
        return in_time and not self.lost and not self.left and self.exit_status == UNWRITTEN


class Stage:
    """Where moments are played.

    Args:
        folder: For everything; on a disk that has room.
        artifact: That every session runs but those that export.
    """

    def __init__(self, folder: Path, artifact: Artifact) -> None:
        self._folder = folder
        self._artifact = artifact

    def play(self, moment: Moment) -> DiskOutcome:
        """Play one moment in a folder of its own."""
        scene = self._folder / re.sub(r"\W+", "-", f"{moment.place} {moment.name}")
        place = scene / ("phone/data" if moment.place == "handset" else moment.place)
        with small_disk(place, moment.size_mib * 1024) as disk:
            if moment.place == "report-dir":
                (place / "index.html").write_text(_EARLIER)
            if moment.place == "handset":
                with self._phone(scene, moment) as (arguments, phone):
                    is_filled = _arms(moment, scene, disk, phone)
                    ended = self._session(scene, moment, is_filled, arguments)
                    phone.clear_faults()
                    (place / "local/tmp/rest").unlink(missing_ok=True)
            else:
                ended = self._session(scene, moment, lambda: _fills(moment, scene, disk))
            disk.make_room()
            return _outcome(moment, scene, ended)

    def _session(
        self,
        scene: Path,
        moment: Moment,
        is_filled: Callable[[], bool],
        further: tuple[str, ...] = (),
    ) -> Ended:
        for name in ("tmp", "notes", "lease", "thresholds", "junit"):
            (scene / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "thresholds/socs.toml", scene / "thresholds")
        where = ("results", "report-dir", "artifacts", "thresholds")
        arguments = [*moment.arguments, *_ONE_METRIC[moment.suite]]
        if "--junitxml" in arguments:
            arguments = [f"--junitxml={scene / 'junit/junit.xml'}"]
        if not moment.exports:
            arguments.append(f"--pre-gen-pte={self._artifact.directory}")
        return run_session(
            [
                *(f"suites/{moment.suite}", *_SMALL_MODEL, "--run-id", _RUN_ID, *arguments),
                *(f"--{name}={scene / name}" for name in where),
                *further,
            ],
            {
                "TMPDIR": str(scene / "tmp"),
                LEASE_DIR_VARIABLE: str(scene / "lease"),
                FOLDER_VARIABLE: str(scene / "notes"),
                "PYTEST_PLUGINS": "benchmarks.full_disks.witness",
            },
            is_filled,
        )

    @contextmanager
    def _phone(self, scene: Path, moment: Moment) -> Iterator[tuple[tuple[str, ...], VirtualPhone]]:
        """A phone whose disk is a small one, and how a session finds it."""
        build = write_virtual_build(scene / "build")
        if moment.last_act:
            runner = build / RUNNER
            started = runner.read_text().replace("exec ", "")
            act = f"[ -f /{_ARMED} ] && {moment.last_act}"
            runner.write_text(f"{started}code=$?\n{act}\nexit $code\n")
        program = next(program for program in adb_programs() if program.installed)
        loads = {LOADS_PROPERTY: "host"}
        with (
            PrivateAdbServer(program.path) as server,
            VirtualPhone("SM8550", root=scene / "phone", properties=loads) as phone,
        ):
            server.attach(phone)
            options = {
                "target": "phone",
                "soc": phone.soc,
                "serial": phone.serial,
                "adb-host": f"127.0.0.1:{server.port}",
                "build-dir": str(build),
            }
            yield tuple(f"--{name}={value}" for name, value in options.items()), phone


def _is_time(moment: Moment, scene: Path) -> bool:
    there = [path for path in scene.glob(moment.when) if path.exists()] if moment.when else [scene]
    return any(not moment.holds or moment.holds in path.read_bytes() for path in there)


def _fills(moment: Moment, scene: Path, disk: SmallDisk) -> bool:
    """Fill the disk if it is time."""
    if not _is_time(moment, scene):
        return False
    disk.fill()
    return True


def _arms(moment: Moment, scene: Path, disk: SmallDisk, phone: VirtualPhone) -> Callable[[], bool]:
    """Let the phone's fault wait for its moment as soon as it is time."""
    armed = scene / "phone" / _ARMED

    def is_filled() -> bool:
        if not armed.exists() and _is_time(moment, scene):
            phone.set_faults(moment.faults or Faults())
            armed.touch()
        return disk.is_full

    return is_filled


def _outcome(moment: Moment, scene: Path, ended: Ended) -> DiskOutcome:
    (scene / "session.log").write_text("".join(line for _, line in ended.lines))
    run = scene / "results" / _RUN_ID
    for _, line in ended.lines:
        for command in _BRING_HOME.findall(line):
            _, _, source, results = shlex.split(command)
            shutil.copytree(source, Path(results) / Path(source).name, dirs_exist_ok=True)
    rows = read_rows(run).rows if run.is_dir() else ()
    written = {row.model_dump_json() for row in rows if isinstance(row, SampleRow | AnswerRow)}
    measured = noted_rows(scene / "notes")
    named_s, sentence = ended.named(first_refusal_s(scene / "notes")) or (None, "")
    return DiskOutcome(
        moment=moment,
        named_s=named_s,
        sentence=sentence,
        measured=len(measured),
        lost=sum(row not in written for row in measured),
        exit_status=ended.exit_status,
        left=tuple(_left(moment, scene)),
    )


def _left(moment: Moment, scene: Path) -> Iterator[str]:
    patterns = [f"phone/data/local/tmp/{pattern}" for pattern in _PARTS_OF_PHONE]
    for pattern in (*_PARTS, *patterns):
        yield from (str(path.relative_to(scene)) for path in scene.glob(pattern))
    page = scene / "report-dir/index.html"
    if moment.place == "report-dir" and page.is_file() and _EARLIER in page.read_text():
        yield "report-dir/index.html of an earlier session"
    junit = scene / "junit/junit.xml"
    if junit.is_file() and b"</testsuites>" not in junit.read_bytes():
        yield "half of junit/junit.xml"
