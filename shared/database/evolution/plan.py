"""Plans how PostgreSQL's tables become the dictionary's, or finds what must not be done unasked.

What could lose or invent data is refused: with the rows that stand in the way, and the statement
that an operator may run instead. Columns that the dictionary no longer has stay, and may be NULL.
So the release before can go on, and a release can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared import tables
from shared.database.evolution import catalog, columns, constraints
from shared.database.evolution.table import Plan, TableChange, compiled
from shared.database.metadata import metadata
from shared.lazy import sqlalchemy as sa
from shared.tables import stored


def plan(connection: sa.Connection) -> Plan:
    """Compare the dictionary with the database; changes nothing."""
    wanted = tables.all_tables()
    there = catalog.read(connection, wanted)
    types = catalog.types(
        connection,
        [one.postgres_type for table in wanted.values() for one in stored.columns(table).values()],
    )
    found = Plan()
    changes = {
        name: TableChange(connection, found, table, there[name], types)
        for name, table in wanted.items()
        if name in there
    }
    for change in changes.values():
        constraints.drop(change, changes)
    for change in changes.values():
        columns.rename(change)
        constraints.rename(change)
    for name in wanted:
        if name not in there:
            found.statements += _create(name)
    for change in changes.values():
        columns.compare(change)
        constraints.compare_key(change)
    for change in changes.values():
        constraints.add(change, changes)
    return found


def _create(name: str) -> Iterator[str]:
    table = metadata().tables[name]
    yield compiled(sa.schema.CreateTable(table))
    for index in table.indexes:
        yield compiled(sa.schema.CreateIndex(index))
