"""What `python -m infra.local` can do."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time

from infra.local import accounts, plan, postgres, processes
from infra.local import home as homes
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import Layout
from infra.local.next_steps import next_steps, shown
from infra.local.status import PartStatus, PlatformStatus, running_status
from infra.local.supervisor import Supervisor

_STOP_SECONDS = 30.0


def up(options: argparse.Namespace) -> int:
    """Run a platform in the foreground."""
    home = homes.at(options.home)
    home.prepare()
    with home.locked():
        _clear_leftovers(home)
        layout = plan.lay_out(
            home, options.functions.resolve(), options.port, options.database_url, options.listen
        )
        supervisor = Supervisor(home, plan.parts(home, layout), _tell)
        print(f"Starting the platform on {home.path} (logs in {home.logs})", flush=True)
        _tell_outside_data(home, layout)
        description = plan.description(home, layout)
        started = time.monotonic()

        def ready() -> None:
            _welcome(home, layout, supervisor.status, time.monotonic() - started)

        asyncio.run(supervisor.run(layout.ports["gateway"], description, ready))
    print("Stopped.", flush=True)
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the platform that runs on a home, or what a killed one left behind."""
    home = homes.at(options.home)
    home.require()
    board = running_status(home)
    if board is None:
        with home.locked():
            left = _clear_leftovers(home)
        print(f"Ended {left} processes that a killed platform left." if left else "Not running.")
        return 0
    # Found by pid and by when it began, so it is the supervisor and nobody else.
    os.kill(board.pid, signal.SIGTERM)
    limit = time.monotonic() + _STOP_SECONDS
    while processes.find(board.pid, board.began):
        if time.monotonic() > limit:
            raise PlatformError(f"Process {board.pid} has not stopped in {_STOP_SECONDS:.0f} s.")
        time.sleep(0.05)
    print("Stopped.")
    return 0


def status(options: argparse.Namespace) -> int:
    """Print the table of parts; returns 0 when all are ready."""
    home = homes.at(options.home)
    home.require()
    board = running_status(home)
    if board is None:
        print(f"No platform runs on {home.path}; `make up` starts it.")
        return 1
    print(board.table())
    return 0 if board.is_ready else 1


def reset(options: argparse.Namespace) -> int:
    """Delete a home with all its data."""
    home = homes.at(options.home)
    home.require()
    with home.locked():
        _clear_leftovers(home)
        postgres.remove_outside(home)
        home.remove()
    print(f"Deleted {home.path}.")
    return 0


def demo(options: argparse.Namespace) -> int:
    """Send a data set through the platform and show what comes out."""
    from infra.local import demo as demonstration

    return demonstration.run(homes.at(options.home), options.files, keep=options.keep)


def _clear_leftovers(home: Home) -> int:
    """End what a killed supervisor left running; returns how many processes."""
    left = processes.of_home(home)
    if left:
        print(f"Ending {len(left)} processes that a killed platform left.", file=sys.stderr)
        processes.end(left)
    home.description.unlink(missing_ok=True)
    home.state.unlink(missing_ok=True)
    return len(left)


def _tell_outside_data(home: Home, layout: Layout) -> None:
    if layout.external_database_url:
        return
    account = accounts.unprivileged()
    data = postgres.data_folder(home, account)
    if account and home.path not in data.parents:
        print(
            f"PostgreSQL's data is in {data}: its account, {account.name}, cannot enter the home."
        )


def _tell(line: PartStatus) -> None:
    """One line for what a user should know while it happens."""
    if line.state == "restarting":
        clock = time.strftime("%H:%M:%S")
        print(f"{clock} {line.name} restarting: {line.why}", file=sys.stderr, flush=True)
    elif line.state == "ready" and line.restarts:
        print(f"{time.strftime('%H:%M:%S')} {line.name} ready again", file=sys.stderr, flush=True)


def _welcome(home: Home, layout: Layout, board: PlatformStatus, seconds: float) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(board.table())
        print(f"\nReady in {seconds:.1f} s.\n{next_steps(home, layout)}")
        print(f"\nAddresses and secrets for programs: {shown(home.description)}")
        print("Ctrl-C stops the platform; its data stays.", flush=True)
