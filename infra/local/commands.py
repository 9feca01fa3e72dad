"""The commands of `python -m infra.local`."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time

from infra.local import accounts, features, plan, postgres, processes, tokens
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import Layout
from infra.local.next_steps import next_steps, shown
from infra.local.status import PartStatus, PlatformStatus, running_status
from infra.local.supervisor import Supervisor
from infra.local.tabular import table

_STOP_SECONDS = 30.0


def up(options: argparse.Namespace) -> int:
    """Run a platform in the foreground."""
    home = Home.at(options.home)
    home.prepare()
    processes.allow_open_files()
    with home.locked():
        _clear_leftovers(home)
        layout = plan.lay_out(
            home, options.functions.resolve(), options.port, options.database_url, options.listen
        )
        supervisor = Supervisor(home, plan.parts(home, layout), _print_change)
        print(f"Starting the platform on {home.path} (logs in {home.logs})", flush=True)
        _print_outside_data(home, layout)
        if unprotected := features.unprotected():
            print(unprotected, flush=True)
        description = plan.description(home, layout)
        started = time.monotonic()

        def ready() -> None:
            _print_ready(home, layout, supervisor.status, time.monotonic() - started)

        asyncio.run(supervisor.run(layout.ports["gateway"], description, ready))
    print("Stopped.", flush=True)
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the platform that runs on a home, or what a killed one left behind."""
    home = Home.at(options.home)
    home.require()
    running = running_status(home)
    if running is None:
        with home.locked():
            left = _clear_leftovers(home)
        print(f"Ended {left} processes that a killed platform left." if left else "Not running.")
        return 0
    # Pid and start time identify the supervisor, even if another process has reused its pid.
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while processes.find(running.pid, running.began):
        if time.monotonic() > deadline:
            raise PlatformError(f"Process {running.pid} has not stopped in {_STOP_SECONDS:.0f} s.")
        time.sleep(0.05)
    print("Stopped.")
    return 0


def status(options: argparse.Namespace) -> int:
    """Print the table of parts; returns 0 when all are ready."""
    home = Home.at(options.home)
    home.require()
    running = running_status(home)
    if running is None:
        print(f"No platform runs on {home.path}; `./tablegate up` starts it.")
        return 1
    print(running.table())
    return 0 if running.is_ready else 1


def reset(options: argparse.Namespace) -> int:
    """Delete a home with all its data."""
    home = Home.at(options.home)
    home.require()
    with home.locked():
        _clear_leftovers(home)
        postgres.remove_outside(home)
        home.remove()
    print(f"Deleted {home.path}.")
    return 0


def token_new(options: argparse.Namespace) -> int:
    """Create a token and print it."""
    home = Home.at(options.home)
    home.require()
    token = tokens.register(home, options.name, options.scopes, options.expires)
    print(f"Token, shown only once; give it to {options.name}:\n  {token}")
    return 0


def token_list(options: argparse.Namespace) -> int:
    """Print the table of tokens."""
    home = Home.at(options.home)
    home.require()
    rows = [
        (one["name"], ", ".join(one["scopes"]), one["expires"] or "never")
        for one in tokens.entries(home)
    ]
    print(table(("name", "scopes", "expires"), rows))
    return 0


def token_revoke(options: argparse.Namespace) -> int:
    """Revoke a token."""
    home = Home.at(options.home)
    home.require()
    tokens.revoke(home, options.name)
    print(f"The token of {options.name} is revoked.")
    return 0


def _clear_leftovers(home: Home) -> int:
    """End what a killed supervisor left running; returns how many processes."""
    left = processes.of_home(home)
    if left:
        print(f"Ending {len(left)} processes that a killed platform left.", file=sys.stderr)
        processes.end(left)
    home.description.unlink(missing_ok=True)
    home.state.unlink(missing_ok=True)
    return len(left)


def _print_outside_data(home: Home, layout: Layout) -> None:
    if layout.external_database_url:
        return
    account = accounts.unprivileged()
    data = postgres.data_folder(home, account)
    if account and home.path not in data.parents:
        print(
            f"PostgreSQL's data is in {data}: its account, {account.name}, cannot enter the home."
        )


def _print_change(part: PartStatus) -> None:
    """Print a line when a part restarts, and when it is ready again."""
    if part.state == "restarting":
        clock = time.strftime("%H:%M:%S")
        print(f"{clock} {part.name} restarting: {part.why}", file=sys.stderr, flush=True)
    elif part.state == "ready" and part.restarts:
        print(f"{time.strftime('%H:%M:%S')} {part.name} ready again", file=sys.stderr, flush=True)


def _print_ready(home: Home, layout: Layout, status: PlatformStatus, seconds: float) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(status.table())
        print(f"\nReady in {seconds:.1f} s.\n{next_steps(home, layout)}")
        print(f"\nAddresses and secrets for programs: {shown(home.description)}")
        print("Ctrl-C stops the platform; its data stays.", flush=True)
