"""The embedded platform: start, stop, look at and delete it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from infra.cli import output
from infra.cli.errors import FAILED, OK, Failure
from infra.cli.main import Options
from infra.cli.target import command, embedded, find
from infra.cli.verb import verb
from infra.local import sample, sign_in, starting
from infra.local.home import Home
from infra.local.next_steps import shown
from infra.local.status import PartStatus, PlatformStatus, running_status
from shared.lazy import LazyModule

# Of these verbs only `up` needs the metrics.
metrics = LazyModule("shared.metrics")

_TAIL_LINES, _TAIL_BYTES = 50, 1 << 16
_LOOK_SECONDS = 0.3


class Part(msgspec.Struct):
    """A part of the platform, as `status --json` shows it."""

    part: str
    state: str
    address: str
    why: str
    restarts: int


class Status(msgspec.Struct):
    """The platform, as `up --json` and `status --json` show it."""

    running: bool
    ready: bool
    home: str
    url: str | None
    parts: list[Part]


@verb()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the gateway; any free one if left out."
)
@click.option("--foreground", is_flag=True, help="Keep running here until Ctrl-C.")
def up(options: Options, port: int | None, foreground: bool) -> int:
    """Start the platform on this machine, and show what to do with it.

    It runs until `down`; its data stays.
    """
    home = Home.at(options.home)
    if foreground:
        words = [sys.executable, "-m", "infra.local", "up", "--home", str(home.path)]
        words += ["--port", str(port)] if port else []
        return subprocess.call(words)  # noqa: S603  # nosec B603 # this very program
    if not running_status(home):
        starting.check(home, port)
    status = starting.start(home, port)
    if not output.answer(options, msgspec.to_builtins(_status(home, status))):
        _print_parts(status)
        _print_next(options, home)
    return OK


@verb(has_json=False)
def down(options: Options) -> int:
    """Stop the platform on this machine; its data stays."""
    return _local("down", options)


@verb()
def status(options: Options) -> int:
    """Show the state of each part of the platform on this machine."""
    home = Home.at(options.home)
    found = running_status(home) if home.is_home() else None
    if not output.answer(options, msgspec.to_builtins(_status(home, found))):
        if found is None:
            output.say(
                f"No platform runs on {shown(home.path)}; `{command(options, 'up')}` starts it."
            )
        else:
            _print_parts(found)
            for part in found.parts:
                if part.why and not part.is_well:
                    words = command(options, f"logs {part.name}")
                    output.say(f"{part.name} is {part.state}; `{words}` says more.")
    return OK if found is not None and found.is_ready else FAILED


@verb(name="open")
def open(options: Options) -> int:  # noqa: A001 - the verb's name
    """Open the dashboard in a browser, signed in.

    The link works once, for ten minutes. Without a display it is only printed. For a platform
    elsewhere it is the dashboard's address, which asks for a token.
    """
    target = find(options)
    link = f"{target.url}/dashboard"
    if target.description is not None:
        link = sign_in.link(Home.at(options.home), target.url)
    if not output.answer(options, {"url": link}):
        output.say(link)
    if not options.json:
        _show(link)
    return OK


@verb()
def env(options: Options) -> int:
    """Print the platform's address and token as variables of a shell.

    For curl and other programs: `eval "$(./tablegate env)"`.
    """
    target = find(options)
    variables = {"TABLEGATE_URL": target.url, "TABLEGATE_TOKEN": target.token}
    if not output.answer(options, variables):
        words = (f"{name}={shlex.quote(value)}" for name, value in variables.items())
        output.say(f"export {' '.join(words)}")
    return OK


@verb(has_json=False)
@click.argument("part")
@click.option("--follow", "-f", is_flag=True, help="Go on printing, until Ctrl-C.")
def logs(options: Options, part: str, follow: bool) -> int:
    """Print the last lines that a part has logged; `status` lists the parts."""
    home = Home.at(options.home)
    home.require()
    known = sorted(path.stem for path in home.logs.glob("*.log"))
    if part not in known:
        raise Failure(f"No part {part!r} has logged anything; these have: {', '.join(known)}.")
    with (home.logs / f"{part}.log").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        output.say("\n".join(lines))
        while follow:
            if more := log.read().decode(errors="replace"):
                click.echo(more, nl=False)
            else:
                time.sleep(_LOOK_SECONDS)
    return OK


@verb(has_json=False)
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of your own CSV files.",
)
def demo(options: Options, files: Path | None) -> int:
    """Send a sample data set through the platform, and show what comes out.

    The platform keeps running.
    """
    from infra.local import demo as running

    home = Home.at(options.home)
    if not running_status(home):
        starting.check(home, None)
    starting.start(home, None)
    running.run(home, files)
    _print_next(options, home)
    _show(sign_in.link(home, embedded(options).url))
    return OK


@verb(has_json=False)
@click.option("--yes", is_flag=True, help="Don't ask.")
def reset(options: Options, yes: bool) -> int:
    """Delete all data of the platform on this machine."""
    home = Home.at(options.home)
    home.require()
    if not yes:
        click.confirm(f"Delete {shown(home.path)}, with all tables and files in it?", abort=True)
    return _local("reset", options)


def _local(name: str, options: Options) -> int:
    """Run a command of `python -m infra.local` in this process."""
    from argparse import Namespace

    from infra.local import commands

    done: int = getattr(commands, name)(Namespace(home=options.home))
    return done


def _status(home: Home, status: PlatformStatus | None) -> Status:
    parts = status.parts if status else []
    url = status.part("gateway").address if status else None
    return Status(
        status is not None,
        bool(status and status.is_ready),
        str(home.path),
        url,
        list(map(_part, parts)),
    )


def _part(part: PartStatus) -> Part:
    return Part(part.name, part.state, part.address, part.why, part.restarts)


def _print_parts(status: PlatformStatus) -> None:
    rows = [(part.name, _state(part), part.address or None) for part in status.parts]
    output.table(("part", "state", "address"), rows)


def _state(part: PartStatus) -> str:
    if part.why and not part.is_well:
        return f"{part.state}: {part.why}"
    return f"{part.state}, restarted {part.restarts} times" if part.restarts else part.state


def _print_next(options: Options, home: Home) -> None:
    url = embedded(options).url
    file = sample.example(home.path / "sample")
    steps: Sequence[tuple[str, str]] = (
        *(
            [(f"drop {shown(file)} --wait", "send a file, and see what became of it")]
            if file
            else []
        ),
        ("rejects", "the rows that were wrong, and why"),
        *((f"metrics {name}", "a report") for name in list(metrics.all_metrics())[:1]),
    )
    output.say(
        f"\nDashboard, signed in (the link works once; `{command(options, 'open')}` makes another):"
    )
    output.say(f"  {sign_in.link(home, url)}")
    output.say(f"API: {url}/docs, with the token in {shown(home.token_file)}")
    output.say("\nWhat to try:")
    width = max(len(command(options, words)) for words, _ in steps)
    for words, what in steps:
        output.say(f"  {command(options, words):<{width}}   {what}")
    output.say(f"\nIt keeps running; `{command(options, 'down')}` stops it.")


def _show(link: str) -> None:
    """Open a page if somebody can see it."""
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(link)
