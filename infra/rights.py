"""Grants the database roles their rights on the tables: `python -m infra.rights`.

Run it after each migration, as the account that migrated. It makes one role the owner of all tables
and grants the other roles what they need. It may run at any time, repeatedly.
"""

import sys

import sqlalchemy as sa

from shared.database import engine as engines
from shared.errors import TablegateError
from shared.settings import read

# In this order: once a table has a new owner, only members of that role can grant rights on it.
STATEMENTS = (
    "reassign owned by current_user to tablegate_owner",
    "grant select, insert, update, delete on all tables in schema public to tablegate_writer",
    "grant usage on all sequences in schema public to tablegate_writer",
    "grant select on all tables in schema public to tablegate_reader",
)


def grant(engine: sa.Engine) -> None:
    """Grant every role its rights.

    Raises:
        DatabaseUnavailable, DatabaseBusy: try again later.
        DatabaseRefusal: the roles do not exist, or this account is not an owner; see roles.sql.
    """
    with engines.transaction(engine) as connection:
        for statement in STATEMENTS:
            connection.exec_driver_sql(statement)


def main() -> int:
    """Grant the rights and return the exit status."""
    try:
        grant(engines.create(read()))
    except TablegateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
