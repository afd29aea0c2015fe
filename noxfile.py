"""Sessions: ``nox -s tests``, ``nox -s nightly`` and their parts.

All sessions share one environment, so that torch is installed once. Sessions that compile for the
HTP add Qualcomm's libraries to it where they can be installed; ``-- --no-qnn`` keeps them out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.2"
nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "none"

ROOT = Path(__file__).parent
ENVIRONMENT = ROOT / ".nox" / "environment"
QNN_STAMP = ENVIRONMENT / "qnn.txt"
PACKAGE_STAMP = ENVIRONMENT / "package.sha256"
LOCK = ROOT / "requirements.lock"
PYTHON = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
NO_QNN = "--no-qnn"
SUITES = ["suites/accuracy", "suites/perf", "suites/size", "suites/robustness"]
PLACE_OPTIONS = ("--target", "--soc", "--serial", "--pre-gen-pte")
"""Options that say where the suites run; ``nightly`` runs there alone then."""

UPSTREAM_PHONE = ["--serial", "virtual:SM8550:upstream", "--mode", "hybrid", "--precision", "fp32"]
"""A phone whose runner can only what upstream's can."""
ON_PHONES = ["suites/accuracy/test_golden.py", *SUITES[1:]]
"""What is judged there: each answer costs a process, so few of them are asked for."""
EMULATOR = ["--target", "emulator", "--soc", "SM8650"]
READ_ON_EMULATOR = ["--tokens", "512", "--no-questions"]
READ_ON_EMULATOR += [
    "--recipe",
    "16a8w",
    "--recipe",
    "16a4w_block",
    "--recipe",
    "16a4w_block learned",
]
"""What is read on the emulator, which takes minutes for a page of text."""
BRANCHES = ("2,3,2", "4,5,4", "8,5,8")
"""Of lookahead decoding, as window, n-gram and n-grams a step: 8, 32 and 64 tokens a pass."""

QNN_DIR = "--qnn-dir"
FIND_QNN = "from harness.backends.qnn.libraries import find_libraries; find_libraries()"


def install(session: nox.Session, with_qnn: bool = False) -> list[str]:
    """Create the shared environment from the lock, or leave it if the lock did not change.

    The extra ``qnn`` is added where it is wanted, and taken out if ``--no-qnn`` is given. Where it
    cannot be installed everything but the HTP still works, so that is no error.

    Returns:
        The session's arguments without ``--no-qnn``.
    """
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        session.error(
            f"snapgate needs Python 3.11 or 3.12, nox runs on {sys.version.split()[0]}; "
            "run it as: python3.11 -m nox"
        )
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    with (ENVIRONMENT.parent / "environment.lock").open("w") as lock_file:
        # Keeps two nox commands from building the one environment at once.
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        _install_locked(session)
        _install_package(session)
        if with_qnn and NO_QNN in session.posargs:
            _remove_qnn(session)
        elif with_qnn:
            _install_qnn(session)
    return [argument for argument in session.posargs if argument != NO_QNN]


def _install_locked(session: nox.Session) -> None:
    stamp = ENVIRONMENT / "lock.sha256"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        session.log(f"environment {ENVIRONMENT} is up to date")
        return
    session.run(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
    session.run(str(PYTHON), "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    session.log("installing requirements.lock, torch included; this takes minutes, once")
    session.run(str(PYTHON), "-m", "pip", "install", "--quiet", "-r", str(LOCK))
    stamp.write_text(wanted)
    PACKAGE_STAMP.unlink(missing_ok=True)


def _install_package(session: nox.Session) -> None:
    """Install the clone itself; what it declares, entry points for instance, is read only then."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if not PACKAGE_STAMP.is_file() or PACKAGE_STAMP.read_text() != wanted:
        install_itself = ["install", "--quiet", "--no-deps", "--editable", str(ROOT)]
        session.run(str(PYTHON), "-m", "pip", *install_itself)
        PACKAGE_STAMP.write_text(wanted)


def _requirements(extra: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements: list[str] = project["optional-dependencies"][extra]
    return requirements


def _install_qnn(session: nox.Session) -> None:
    requirements = _requirements("qnn")
    wanted = "\n".join(requirements)
    if QNN_STAMP.is_file() and QNN_STAMP.read_text() == wanted:
        return
    session.warn(
        f"installing {wanted}: Qualcomm's HTP compiler and emulator, under Qualcomm's own licence "
        f"(AI Stack License, Qualcomm_LICENSE.pdf in that package); `-- {NO_QNN}` leaves them out"
    )
    # Without onnxruntime and what else the package wants: only its libraries are used.
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", *requirements]
    try:
        session.run(*command)
    except CommandFailed:
        session.warn("QNN cannot be installed here (see above); what needs it will be skipped")
    else:
        QNN_STAMP.write_text(wanted)


def _remove_qnn(session: nox.Session) -> None:
    if QNN_STAMP.is_file():
        names = [requirement.split("==")[0] for requirement in _requirements("qnn")]
        session.run(str(PYTHON), "-m", "pip", "uninstall", "--quiet", "--yes", *names)
        QNN_STAMP.unlink()


def run_python(session: nox.Session, *arguments: str) -> None:
    """Run the shared environment's Python."""
    session.run(str(PYTHON), *arguments)


def run_all(session: nox.Session, *commands: Sequence[str]) -> None:
    """Run the shared environment's Python once per command, all of them even if one fails."""
    failed = 0
    for command in commands:
        try:
            run_python(session, *command)
        except CommandFailed:
            failed += 1
    if failed:
        session.error(f"{failed} of {len(commands)} parts failed, see above")


def has_qnn(arguments: Sequence[str]) -> bool:
    """Whether QNN is asked for by its folder, or found in the environment or where variables say.

    What is wrong with a folder that is named is told by whoever uses it.
    """
    if any(argument.split("=")[0] == QNN_DIR for argument in arguments):
        return True
    found = subprocess.run([str(PYTHON), "-c", FIND_QNN], cwd=ROOT, capture_output=True)
    return found.returncode == 0


def unless_given(defaults: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Flags with their values, without those that somebody gives: each is taken once."""
    given = {argument.split("=")[0] for argument in arguments}
    pairs = zip(defaults[::2], defaults[1::2], strict=True)
    return [word for pair in pairs if pair[0] not in given for word in pair]


def new_run_id() -> str:
    """As ``harness.results.runs``, which nox's own Python cannot import."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, and imports between rooms."""
    install(session)
    run_python(session, "-m", "ruff", "check", ".")
    run_python(session, "-m", "ruff", "format", "--check", ".")
    run_python(session, "-m", "mypy")
    session.run(str(PYTHON.parent / "lint-imports"))


@nox.session
def tests(session: nox.Session) -> None:
    """Tests of harness, fixtures and reports themselves."""
    arguments = install(session, with_qnn=True)
    run_python(session, "-m", "pytest", "suites/harness", "-n", "2", "--timeout", "900", *arguments)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Accuracy of the miniatures, or of what the options name."""
    arguments = install(session, with_qnn=True)
    run_python(session, "-m", "pytest", "suites/accuracy", "-n", "2", *arguments)


@nox.session
def perf(session: nox.Session) -> None:
    """Speed of the miniatures on this CPU, or of what the options name."""
    arguments = install(session)
    run_python(session, "-m", "pytest", "suites/perf", *arguments)


@nox.session
def robustness(session: nox.Session) -> None:
    """200 runs on virtual phones with a fault each, then what a damaged artifact is told."""
    arguments = install(session)
    run_python(
        session,
        *("-m", "pytest", "suites/harness/devices/fault_runs", "suites/robustness"),
        *("--fault-runs=200", "-n", "4", "--dist", "worksteal", *arguments),
    )


@nox.session
def bench(session: nox.Session) -> None:
    """The runner's own time per decode step, and what the way over a phone costs a run."""
    install(session)
    run_all(
        session,
        ["-m", "benchmarks.decode_bookkeeping", *session.posargs],
        ["-m", "benchmarks.phone_overhead"],
    )


@nox.session
def simulate(session: nox.Session) -> None:
    """How often verdicts, comparisons and trends err where the truth is known."""
    install(session)
    run_python(session, "-m", "benchmarks.simulate", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Mutate pictures, manifests and programs, and count what becomes of a session."""
    arguments = install(session, with_qnn=True)
    run_python(session, "-m", "benchmarks.fuzz", *arguments)


@nox.session
def report(session: nox.Session) -> None:
    """Build the report of the latest run again."""
    install(session)
    run_python(session, "-m", "reports", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The main job: both models on host, emulator and a phone like upstream's, in one report."""
    arguments = install(session, with_qnn=True)
    pytest = ["-m", "pytest", "-n", "2"]
    if any(argument.split("=")[0] in PLACE_OPTIONS for argument in arguments):
        run_python(session, *pytest, *SUITES, *arguments)
        return
    run = unless_given(["--run-id", new_run_id()], arguments)
    phone = [*pytest, *ON_PHONES, *run, *unless_given(UPSTREAM_PHONE, arguments), *arguments]
    if NO_QNN in session.posargs or not has_qnn(arguments):
        session.warn("without QNN nothing is run on the HTP emulator")
        run_all(session, [*pytest, *SUITES, *run, *arguments], phone)
        return
    few = unless_given(["--mode", "hybrid", "--scenes", "24"], arguments)
    run_all(
        session,
        [*pytest, *SUITES, *run, *arguments],
        phone,
        [*pytest, "suites/accuracy", "suites/size", *EMULATOR, *run, *few, *arguments],
        ["-m", "benchmarks.htp_matrix", "--pairwise"],
    )


@nox.session
def htp_accuracy(session: nox.Session) -> None:
    """Accuracy on the HTP emulator, both KV encodings, and fidelity of the compiled graphs."""
    arguments = install(session, with_qnn=True)
    defaults = [*EMULATOR, "--scenes", "102", "--run-id", new_run_id()]
    pytest = ["-m", "pytest", "-n", "2"]
    run = [*unless_given(defaults, arguments), *arguments]
    encodings = unless_given(["--kv-encodings", "requantized"], arguments)
    requantized = ["suites/accuracy/test_requantization.py", *encodings]
    run_all(
        session,
        [*pytest, "suites/accuracy", *run],
        [*pytest, *requantized, *run],
        ["-m", "benchmarks.htp_fidelity"],
    )


@nox.session
def lookahead(session: nox.Session) -> None:
    """Lookahead against greedy decoding with three branches, on host and emulator."""
    arguments = install(session, with_qnn=True)
    modes = ["--mode", "kv", "--mode", "lookahead", "--scenes", "102", "--run-id", new_run_id()]
    run = [*unless_given(modes, arguments), *arguments]
    places = [[], unless_given(EMULATOR, arguments)]
    if not has_qnn(arguments):
        session.warn("without QNN nothing is run on the HTP emulator")
        places = [[]]
    suite = ["-m", "pytest", "suites/accuracy/test_lookahead.py", "-n", "2"]
    run_all(
        session,
        *(
            [*suite, *place, *unless_given(["--lookahead", branch], arguments), *run]
            for place in places
            for branch in BRANCHES
        ),
    )


@nox.session
def matrix(session: nox.Session) -> None:
    """Compile every SoC, recipe and component for the HTP and run what was compiled."""
    arguments = install(session, with_qnn=True)
    run_python(session, "-m", "benchmarks.htp_matrix", *arguments)


@nox.session
def interop(session: nox.Session) -> None:
    """Export the miniatures with upstream's exporter, too, and run both with our runner."""
    arguments = install(session, with_qnn=True)
    page = unless_given(["--report", "reports/out/interop.html"], arguments)
    run_python(session, "-m", "benchmarks.interop", *page, *arguments)


@nox.session
def real_text(session: nox.Session) -> None:
    """Perplexity and short questions on real language weights, recipe by recipe."""
    arguments = install(session, with_qnn=True)
    if not any(argument.split("=")[0] == "--checkpoint" for argument in arguments):
        arguments += ["--checkpoint", str(_real_language(session))]
    places: list[list[str]] = [[]]
    if not any(argument.split("=")[0] == "--target" for argument in arguments):
        if has_qnn(arguments):
            places.append([*EMULATOR, *READ_ON_EMULATOR])
        else:
            session.warn("without QNN nothing is read on the HTP emulator")
    read = ["-m", "benchmarks.real_text"]
    run_all(session, *([*read, *place, *arguments] for place in places))


def _real_language(session: nox.Session) -> Path:
    """A checkpoint of real language, built once."""
    folder = ENVIRONMENT.parent / "real_language"
    if not folder.is_dir():
        install_readers = ["install", "--quiet", *_requirements("stand-in")]
        session.run(str(PYTHON), "-m", "pip", *install_readers)
        part = folder.with_name(f"{folder.name}.part")
        build = ["-m", "training.stand_in", "smolvlm_256m", "--language", "--out", str(part)]
        run_python(session, *build)
        part.rename(folder)
    return folder


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve pyproject.toml into requirements.lock anew."""
    install(session)
    extras = [word for extra in ("host", "suites", "lint") for word in ("--extra", extra)]
    run_python(session, "-m", "pip", "install", "--quiet", "pip-tools>=7.5,<8")
    run_python(
        session,
        *("-m", "piptools", "compile", "pyproject.toml", *extras, "--output-file", str(LOCK)),
        *("--strip-extras", "--quiet", "--no-emit-index-url", "--no-emit-find-links"),
        *("--no-emit-trusted-host", "--no-header", "--no-annotate"),
    )
    # Everybody gets the build that fits, so the lock names none.
    LOCK.write_text(LOCK.read_text().replace("+cpu", ""))
