"""`python -m shared.database migrate`: migrate the database."""

import sys
from collections.abc import Callable

import sqlalchemy as sa

from shared.database import engine, migrate
from shared.errors import TablegateError
from shared.settings import read


def main(arguments: list[str]) -> int:
    """Run a command; return 0 if it succeeded, 1 if it failed, 2 if it does not exist."""
    if arguments[:1] == ["migrate"] and len(arguments) <= 2:
        act: Callable[[sa.Engine, str], None] = migrate.migrate
        revision = (arguments[1:] or ["head"])[0]
    elif arguments[:1] == ["downgrade"] and len(arguments) == 2:
        act, revision = migrate.downgrade, arguments[1]
    else:
        sys.stderr.write("usage: python -m shared.database migrate | downgrade REVISION\n")
        return 2
    try:
        act(engine.create(read()), revision)
    except TablegateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
