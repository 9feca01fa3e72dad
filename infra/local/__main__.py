"""Run the embedded platform: python -m infra.local up|down|status|reset|token."""

import argparse
import os
import sys
from pathlib import Path

from infra.local import commands
from infra.local.environment import ROOT
from infra.local.errors import PlatformError
from shared import tokens


def main() -> int:
    """Run the command that the arguments name; returns the exit status."""
    options = _parser().parse_args()
    try:
        return int(options.command(options))
    except PlatformError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader closed the pipe; without this, Python's flush at exit would fail too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    up = _verb(verbs, "up", "run a platform in the foreground until Ctrl-C", commands.up)
    up.add_argument("--port", type=int, help="port of the gateway; a free one by default")
    up.add_argument(
        "--listen",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address of the gateway, which requires the token; every other part stays on "
        "127.0.0.1 (default 127.0.0.1; 0.0.0.0 in a container)",
    )
    _add_start_options(up)
    _verb(verbs, "down", "stop the platform that runs on the home", commands.down)
    _verb(verbs, "status", "print the table of parts", commands.status)
    _verb(verbs, "reset", "delete the home with all its data", commands.reset)
    _add_token(verbs)
    return parser


def _add_token(verbs: object) -> None:
    token = verbs.add_parser("token", help="create, list and revoke tokens")  # type: ignore[attr-defined]
    actions = token.add_subparsers(required=True, metavar="new|list|revoke")
    new = _verb(actions, "new", "create a token", commands.token_new)
    tokens.add_options(new)
    _verb(actions, "list", "print who holds a token", commands.token_list)
    revoke = _verb(actions, "revoke", "revoke a token", commands.token_revoke)
    revoke.add_argument("name", help="who holds it")


def _verb(verbs: object, name: str, sentence: str, command: object) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=sentence)  # type: ignore[attr-defined]
    verb.add_argument(
        "--home", type=Path, default=Path(".local"), help="folder of the data (default .local)"
    )
    verb.set_defaults(command=command)
    return verb


def _add_start_options(up: argparse.ArgumentParser) -> None:
    up.add_argument(
        "--functions",
        type=Path,
        default=ROOT / "functions",
        help="folder of the functions to run (default: this checkout's)",
    )
    up.add_argument(
        "--database-url", default="", help="a PostgreSQL to use instead of the embedded one"
    )


if __name__ == "__main__":
    sys.exit(main())
