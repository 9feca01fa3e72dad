"""The group of all verbs. A verb's module is imported when the verb is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from infra.cli.errors import FAILED, INTERRUPTED, USAGE

PROGRAM = "tablegate"
_COMMANDS = "infra.cli.commands"

# Where each verb is, and what it does in a few words; `--help` needs no more than this.
VERBS: dict[str, dict[str, tuple[str, str]]] = {
    "The platform on this machine": {
        "up": ("platform", "Start it."),
        "down": ("platform", "Stop it; its data stays."),
        "status": ("platform", "Show the state of each part."),
        "open": ("platform", "Open the dashboard, signed in."),
        "logs": ("platform", "Print what a part has logged."),
        "env": ("platform", "Print address and token as variables of a shell."),
        "demo": ("platform", "Send a sample data set through it."),
        "reset": ("platform", "Delete its data."),
        "token": ("tokens", "Create, list and revoke tokens."),
        "table": ("tables", "Describe a new table."),
        "doctor": ("doctor", "Check this machine and the platform."),
    },
    "Files and rows": {
        "drop": ("files", "Send files, and follow each to its end."),
        "loads": ("loads", "List loads, newest first."),
        "load": ("loads", "Show one load."),
        "rows": ("rows", "Print the rows of a table."),
        "rejects": ("rejects", "List rejected rows, with the reasons."),
        "replay": ("rejects", "Send rejected rows again, corrected."),
        "discard": ("rejects", "Close rejected rows that nobody needs."),
    },
    "Backups and reports": {
        "backup": ("backups", "Back up a table, or all."),
        "restore": ("backups", "Restore a table, or all."),
        "metrics": ("metrics", "Print a metric."),
        "freshness": ("metrics", "Say how far BigQuery is behind."),
        "reconcile": ("metrics", "Compare BigQuery with the tables, and repair it."),
    },
    "This command": {
        "completion": ("completion", "Print the completion script of a shell."),
    },
}

WELCOME = """\
Tablegate takes files and API calls, stores the rows that are right in SQL and in BigQuery within
seconds, and keeps the wrong ones with the reason, easy to correct.

First:  ./tablegate demo            a sample data set, from files to reports
Then:   ./tablegate drop FILE.csv   your own, with --wait to see what became of it
        ./tablegate --help          everything else
"""


@dataclass
class Options:
    """What stands before the verb, or is given to every verb.

    Attributes:
        home: folder of the embedded platform.
        url: address of a platform elsewhere, or "".
        token: the token for it.
        profile: name of a profile that has both, or "".
        json: whether to print JSON instead of tables.
    """

    home: Path = Path(".local")
    url: str = ""
    token: str = ""
    profile: str = ""
    json: bool = False


class Verbs(click.Group):
    """A group that imports a verb's module only when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all verbs in the order of the help."""
        del ctx
        return [name for verbs in VERBS.values() for name in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        del ctx
        for verbs in VERBS.values():
            if cmd_name in verbs:
                module = import_module(f"{_COMMANDS}.{verbs[cmd_name][0]}")
                return getattr(module, cmd_name)  # type: ignore[no-any-return]
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs by purpose, without importing them."""
        del ctx
        for heading, verbs in VERBS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, sentence) for name, (_, sentence) in verbs.items()])


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"max_content_width": 100})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".local"),
    show_default=True,
    help="Folder of the platform on this machine.",
)
@click.option("--url", envvar="TABLEGATE_URL", default="", help="Address of a platform elsewhere.")
@click.option("--token", envvar="TABLEGATE_TOKEN", default="", help="The token for it.")
@click.option(
    "--profile",
    envvar="TABLEGATE_PROFILE",
    default="",
    help="Name of an address and token in profiles.toml; `doctor` says where that is.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.version_option(package_name=None, version="0.1.0", prog_name=PROGRAM)
@click.pass_context
def cli(ctx: click.Context, home: Path, url: str, token: str, profile: str, as_json: bool) -> None:
    """Files and API calls in; right rows in SQL and BigQuery, wrong ones kept with the reason.

    Commands work on the platform on this machine, in the folder .local, unless TABLEGATE_URL and
    TABLEGATE_TOKEN or a profile name another.
    """
    ctx.obj = Options(home, url, token, profile, as_json)
    if ctx.invoked_subcommand is None:
        click.echo(WELCOME, nl=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    try:
        result: Any = cli.main(arguments, PROGRAM, standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nInterrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe; without this, Python's flush at exit would fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return result if isinstance(result, int) else 0
