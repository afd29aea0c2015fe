"""Sessions: ``nox -s tests``, ``nox -s nightly`` and their parts.

All sessions share one environment, so that torch is installed once. Sessions that compile for the
HTP add Qualcomm's libraries to it where they can be installed; ``-- --no-qnn`` keeps them out.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # nox loads this file alone
from nox_environment import (
    ENVIRONMENT,
    LOCK,
    NO_QNN,
    PYTHON,
    extra_requirements,
    has_qnn,
    install,
    install_labgrid,
    run_all,
    run_python,
)

nox.needs_version = ">=2025.2"
nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "none"

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


def unless_given(defaults: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Flags with their values, without those that somebody gives: each is taken once."""
    given = {argument.split("=")[0] for argument in arguments}
    pairs = zip(defaults[::2], defaults[1::2], strict=True)
    return [word for pair in pairs if pair[0] not in given for word in pair]


def is_given(flag: str, arguments: Sequence[str]) -> bool:
    """Whether somebody gives a flag, with its value behind it or behind an equals sign."""
    return any(argument.split("=")[0] == flag for argument in arguments)


def two_at_a_time(arguments: Sequence[str]) -> list[str]:
    """Pytest with two workers here, unless a farm runs the tests."""
    return ["-m", "pytest", *([] if is_given("--farm", arguments) else ["-n", "2"])]


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
    # Two tests at a time: more threads than cores wait for each other.
    session.env["OMP_NUM_THREADS"] = "1"
    session.env["PATH"] = f"{install_labgrid(session)}{os.pathsep}{os.environ['PATH']}"
    run_python(session, "-m", "pytest", "suites/harness", "-n", "2", "--timeout", "900", *arguments)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Accuracy of the miniatures, or of what the options name."""
    arguments = install(session, with_qnn=True)
    run_python(session, *two_at_a_time(arguments), "suites/accuracy", *arguments)


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
def farm(session: nox.Session) -> None:
    """A farm under faults, whether it judges alike, what it adds, how well it fills a night."""
    install(session)
    run_all(
        session,
        ["-m", "benchmarks.farm_faults", *session.posargs],
        ["-m", "benchmarks.farm_verdicts"],
        ["-m", "benchmarks.farm_overhead"],
        ["-m", "benchmarks.farm_nights"],
    )


@nox.session
def bench(session: nox.Session) -> None:
    """What the runner itself costs, and a phone; with --model, other engines beside it."""
    install(session)
    if is_given("--model", session.posargs):
        run_python(session, "-m", "benchmarks.engines", *session.posargs)
        return
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
    pytest = two_at_a_time(arguments)
    if any(is_given(option, arguments) for option in PLACE_OPTIONS):
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
    pytest = two_at_a_time(arguments)
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
    suite = [*two_at_a_time(arguments), "suites/accuracy/test_lookahead.py"]
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
    if not is_given("--checkpoint", arguments):
        arguments += ["--checkpoint", str(_real_language(session))]
    places: list[list[str]] = [[]]
    if not is_given("--target", arguments):
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
        install_readers = ["install", "--quiet", *extra_requirements("stand-in")]
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
    extras = [word for extra in ("host", "farm", "suites", "lint") for word in ("--extra", extra)]
    run_python(session, "-m", "pip", "install", "--quiet", "pip-tools>=7.5,<8")
    run_python(
        session,
        *("-m", "piptools", "compile", "pyproject.toml", *extras, "--output-file", str(LOCK)),
        *("--strip-extras", "--quiet", "--no-emit-index-url", "--no-emit-find-links"),
        *("--no-emit-trusted-host", "--no-header", "--no-annotate"),
    )
    # Everybody gets the build that fits, so the lock names none.
    LOCK.write_text(LOCK.read_text().replace("+cpu", ""))
