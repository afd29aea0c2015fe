"""``python -m harness farm``: the scheduler of a farm, the worker of a host, what they do."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.table import Table

import harness
from harness.commands.farm_tables import host_table, job_table, phone_table
from harness.console import PlainConsole
from harness.devices.adb.discovery import adb_phones
from harness.devices.phone.fleet.inventory import find_inventory
from harness.errors import UserError
from harness.options.adb_environment import adb_variables
from harness.options.values import Values
from harness.results.provenance import working_tree

_ROOT = Path(harness.__file__).parents[1]
_STATUS_S = 15.0

Serve = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def run_farm(options: Values) -> int:
    """Start the scheduler of a farm or the worker of a host, make certificates, or tell what runs.

    docs/farm.md says how a farm is set up, from one host to ten.
    """
    for package in ("distributed", "cryptography"):
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"A farm needs {package}, which is not installed; type: pip install "
                "'snapgate[farm]'"
            )
    parts = {
        "scheduler": _schedule,
        "worker": _work,
        "status": _tell,
        "certificates": _certify,
    }
    return parts[options["farm_part"]](options)


def _certify(options: Values) -> int:
    from harness.farm.certificates import make_certificates

    folder: Path = options["certificates"]
    make_certificates(folder)
    print(
        f"certificates are in {folder}; copy the folder to every host of the farm and to whoever "
        "may use it: it is what a password is"
    )
    return 0


def _schedule(options: Values) -> int:
    from harness.farm.connection import endpoint
    from harness.farm.scheduler import run_scheduler
    from harness.farm.worker import configure

    configure()
    where = endpoint(
        options["scheduler"], options["certificates"], allows_plain=bool(options["plain"])
    )
    return _serve(lambda until: run_scheduler(where, _announce, until))


def _work(options: Values) -> int:
    from harness.farm.connection import endpoint
    from harness.farm.host_folders import HostFolders
    from harness.farm.host_jobs import HostJobs
    from harness.farm.host_phones import HostPhones
    from harness.farm.host_words import host_words
    from harness.farm.offer import HostOffer
    from harness.farm.store import FarmStore
    from harness.farm.worker import configure, run_worker

    configure()
    options = _of_this_host(options)
    where = endpoint(
        options["scheduler"], options["certificates"], allows_plain=bool(options["plain"])
    )
    store = FarmStore(options["store"])
    name = options["host_name"] or socket.gethostname()
    find = None
    if not options["no_phones"]:
        find = adb_phones(tuple(options["adb_host"] or ()), options["adb"])
    inventory = find_inventory(
        options["phones"],
        Path.cwd(),
        is_typed=options.source("phones").kind == "command line",
        ask=lambda question: False,
    )
    work: Path = options["work_dir"] / name
    work.mkdir(parents=True, exist_ok=True)
    folders = HostFolders(
        work / "jobs", work / "rejected", options["artifacts"], options["keep_gib"] << 30
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(work / "worker.lock", timeout=0))
        except Timeout:
            raise UserError(
                f"Another worker of {name} works in {work}; end it, or give --host-name."
            ) from None
        phones = HostPhones(find, inventory, work / "left phones.json")
        offer = HostOffer(name, _ROOT, phones, store, options["qnn_dir"])
        stack.enter_context(offer)
        commit = partial(working_tree, _ROOT)
        words = host_words(options, _ROOT)
        jobs = HostJobs(name, folders, store, words, offer.has_phone, phones.leave, commit)
        stack.callback(jobs.close)
        jobs.resume()
        return _serve(lambda until: run_worker(where, offer, jobs, work / "dask", _announce, until))


def _of_this_host(options: Values) -> Values:
    """Options with absolute paths, for jobs run elsewhere, and what adb's variables say."""
    options = options.with_absolute_paths()
    if options["no_phones"]:
        return options
    variables = adb_variables(os.environ, options.given())
    # Each job is given a phone, or none.
    return options.over_environment(
        {name: variables[name] for name in variables if name in options}
    )


def _tell(options: Values) -> int:
    from harness.farm.client import FarmClient
    from harness.farm.connection import endpoint
    from harness.farm.worker import configure

    configure()
    where = endpoint(
        options["scheduler"], options["certificates"], allows_plain=bool(options["plain"])
    )

    async def ask() -> tuple[Table, ...]:
        async with FarmClient(where) as farm:
            hosts, states = await farm.hosts(), await farm.states()
        tables = [host_table(hosts, states), job_table(states)]
        if any(host.phones for host in hosts):
            tables.insert(1, phone_table(hosts, states))
        return tuple(tables)

    try:
        tables = asyncio.run(asyncio.wait_for(ask(), _STATUS_S))
    except (OSError, TimeoutError) as error:
        raise UserError(
            f"The scheduler at {where.address} did not answer within {_STATUS_S:.0f} s; look at "
            "what it printed."
        ) from error
    for table in tables:
        PlainConsole().print(table)
    return 0


def _announce(line: str) -> None:
    print(line, flush=True)


def _serve(serve: Serve) -> int:
    """Run until Ctrl-C or SIGTERM, which end it as they should."""

    async def run() -> None:
        until = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, until.set)
        await serve(until)

    asyncio.run(run())
    return 0
