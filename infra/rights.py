"""What the roles may do with the tables: `python -m infra.rights`, after each migration.

Run by the account that migrates. Its new tables are handed to the role that owns all of them, and
the other roles get what is theirs. May be run at any time.
"""

import sys

import sqlalchemy as sa

from shared.database import engine as engines
from shared.errors import TablegateError
from shared.settings import read

# In this order: who has handed a table over may no longer see to its rights but through the role.
STATEMENTS = (
    "reassign owned by current_user to tablegate_owner",
    "grant select, insert, update, delete on all tables in schema public to tablegate_writer",
    "grant usage on all sequences in schema public to tablegate_writer",
    "grant select on all tables in schema public to tablegate_reader",
)


def give(engine: sa.Engine) -> None:
    """Give every role what is its own.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
        DatabaseRefusal: the roles are not there, or whoever runs this is no owner: see roles.sql.
    """
    with engines.transaction(engine) as connection:
        for statement in STATEMENTS:
            connection.exec_driver_sql(statement)


def main() -> int:
    """Give the rights; 0 when it was done."""
    try:
        give(engines.create(read()))
    except TablegateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
