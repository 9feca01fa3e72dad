"""Checks this machine and the platform, and prints what a bug report needs."""

from __future__ import annotations

import platform as machine
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from infra.cli import output
from infra.cli.client import Client
from infra.cli.errors import FAILED, OK
from infra.cli.main import Options
from infra.cli.target import command, find, profiles_file
from infra.cli.verb import verb
from infra.local import ports
from infra.local.environment import ROOT
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import last_ports
from infra.local.next_steps import shown
from infra.local.stand_ins import bigquery_python
from infra.local.starting import LEAST_FREE_BYTES, free_bytes, user_of
from infra.local.status import running_status


class Check(msgspec.Struct):
    """Something that was looked at, as `doctor --json` shows it."""

    what: str
    ok: bool
    found: str
    remedy: str = ""


@verb()
def doctor(options: Options) -> int:
    """Check this machine and the platform; a bug report needs the output, which has no secrets."""
    checks = list(_checks(options))
    if not output.answer(options, {"checks": msgspec.to_builtins(checks)}):
        output.table(
            ("", "check", "found"), [("ok" if c.ok else "NOT OK", c.what, c.found) for c in checks]
        )
        for check in checks:
            if not check.ok:
                output.say(f"\n{check.what}: {check.remedy}")
    return OK if all(check.ok for check in checks) else FAILED


def _checks(options: Options) -> Iterator[Check]:
    yield Check("tablegate", True, _version())
    yield Check("system", True, f"{machine.system()} {machine.release()} {machine.machine()}")
    yield Check("Python", True, f"{machine.python_version()} in {shown(Path(sys.prefix))}")
    if options.url or options.profile:
        yield Check("profiles", True, str(profiles_file()))
        yield _answers(options)
        return
    yield _bigquery()
    home = Home.at(options.home)
    free = free_bytes(home.path)
    yield Check(
        "disk",
        free >= LEAST_FREE_BYTES,
        f"{free >> 20} MB free at {shown(home.path)}",
        f"{LEAST_FREE_BYTES >> 20} MB are needed; delete something, or use --home elsewhere.",
    )
    if not home.is_home():
        yield Check("platform", True, f"none at {shown(home.path)} yet")
        return
    status = running_status(home)
    if status is None:
        yield Check("platform", True, f"not running on {shown(home.path)}")
        for name, port in last_ports(home).items():
            if not ports.can_listen(port):
                # Another one is chosen, but links and programs may remember this one.
                found = f"{port}, which it had last time, is in use{user_of(port)}"
                yield Check(f"port of {name}", True, found)
        return
    for part in status.parts:
        found = (
            f"{part.state}{f': {part.why}' if part.why else ''}, restarted {part.restarts} times"
        )
        remedy = f"`{command(options, f'logs {part.name}')}` says more."
        yield Check(part.name, part.is_well, found, remedy)
    yield _answers(options)


def _answers(options: Options) -> Check:
    try:
        target = find(options)
        found = Client(target).get("/freshness")
    except click.ClickException as error:
        return Check("platform", False, "does not answer", error.message)
    behind = max((one["unsynced"] or 0 for one in found["tables"]), default=0)
    return Check("platform", True, f"answers at {target.url}; BigQuery is {behind} loads behind")


def _bigquery() -> Check:
    try:
        return Check("BigQuery stand-in", True, shown(Path(bigquery_python())))
    except PlatformError as error:
        return Check("BigQuery stand-in", True, "not installed yet; `up` installs it", str(error))


def _version() -> str:
    git = shutil.which("git")
    if git is None:
        return "no git, so the commit is unknown"
    words = [git, "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # nosec B603
    return done.stdout.strip() or "not a git checkout"
