"""`python -m shared.database migrate`: carry the database along with the dictionary."""

import sys
from collections.abc import Iterable

import sqlalchemy as sa

from shared.database import engine, migrate
from shared.errors import TablegateError
from shared.settings import read

_USAGE = "usage: python -m shared.database migrate | downgrade REVISION | drop TABLE.COLUMN\n"


def main(arguments: list[str]) -> int:
    """Run a command; return 0 if it succeeded, 1 if it failed, 2 if it does not exist."""
    command, *rest = arguments or [""]
    if not (command == "migrate" and len(rest) <= 1) and not (
        command in ("downgrade", "drop") and len(rest) == 1
    ):
        sys.stderr.write(_USAGE)
        return 2
    try:
        for line in _run(engine.create(read()), command, rest):
            sys.stdout.write(f"{line}\n")
    except TablegateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(connected: sa.Engine, command: str, rest: list[str]) -> Iterable[str]:
    if command == "downgrade":
        migrate.downgrade(connected, rest[0])
    elif command == "drop":
        table, _, column = rest[0].partition(".")
        migrate.drop(connected, table, column)
    else:
        done = migrate.migrate(connected, *rest)
        yield from (f"{statement};" for statement in done.statements)
        for name in done.unused:
            yield (
                f"-- No field has {name}. When no release needs it any more: "
                f"python -m shared.database drop {name}"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
