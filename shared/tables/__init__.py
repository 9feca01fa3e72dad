"""The data dictionary: one file per table, the only place a table is described.

To add a table, add a file here that defines `TABLE`; to add a kind of field, add a file to `kinds`.
A table's file imports all that it needs from here: `Row`, `Table`, `Reference`, `Warehouse`, and
every kind by its name.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from shared.errors import ConfigurationError, UnknownTable
from shared.tables import places, stored
from shared.tables.kinds import KINDS
from shared.tables.table import NAME, Reference, Row, Table
from shared.tables.warehouse import UtcDay, Warehouse

__all__ = [
    "Reference",
    "Row",
    "Table",
    "UtcDay",
    "Warehouse",
    "all_tables",
    "children",
    "find",
    "in_order",
]

# In PostgreSQL; `places` has those of the warehouse.
_OWN_NAMES = frozenset(
    ("loads", "rejected_rows", "row_versions", "load_progress", "batch_keys", "alembic_version")
)
_OWN_FIELDS = {*stored.COLUMNS, "position"}


def __getattr__(name: str) -> Any:
    """Find a kind of field by the name of its class."""
    if name in KINDS:
        return KINDS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def all_tables() -> dict[str, Table]:
    """Return every table by name, parents before the tables that refer to them.

    Raises:
        ConfigurationError: a table's file contradicts itself or another; the text says how.
    """
    found = [
        module.TABLE
        for entry in iter_modules(__path__)
        if hasattr(module := import_module(f"{__name__}.{entry.name}"), "TABLE")
    ]
    return in_order({table.name: table for table in found})


def find(name: str) -> Table:
    """Find the table of that name.

    Raises:
        UnknownTable: there is no such table; the text lists the tables.
    """
    tables = all_tables()
    if name not in tables:
        raise UnknownTable(name, tuple(tables))
    return tables[name]


def children(parent: Table) -> list[Table]:
    """Return the tables that refer to `parent`."""
    return [
        table
        for table in all_tables().values()
        if any(reference.table == parent.name for reference in table.references)
    ]


def in_order(tables: dict[str, Table]) -> dict[str, Table]:
    """Sort the tables: parents before the tables that refer to them.

    Raises:
        ConfigurationError: a table contradicts itself or another; the text says how.
    """
    ordered: dict[str, Table] = {}
    waiting = dict(sorted(tables.items()))
    while waiting:
        free = [
            table
            for table in waiting.values()
            if all(r.table in ordered or r.table == table.name for r in table.references)
        ]
        if not free:
            raise ConfigurationError(
                f"Tables {', '.join(waiting)} refer to each other or to a table that is not in "
                "shared/tables; every reference must lead to a table there, without a circle."
            )
        for table in free:
            _check(table, tables)
            ordered[table.name] = waiting.pop(table.name)
    places.check(ordered.values())
    return ordered


def _check(table: Table, tables: dict[str, Table]) -> None:
    names = (table.name, *table.names)
    bad = [n for n in names if not NAME.fullmatch(n)]
    bad += [n for n in table.names if n in _OWN_FIELDS]
    bad += [table.name] if table.name in _OWN_NAMES else []
    named = (*table.key, *(name for reference in table.references for name in reference.fields))
    unknown = [name for name in named if name not in table.names]
    astray = [
        r.key
        for r in table.references
        if len(r.fields) != len(r.key) or sorted(r.key) != sorted(tables[r.table].key)
    ]
    absent = [name for name in table.key if name in table.names and table.fields[name].nullable]
    if bad or unknown or astray or absent or not table.key:
        raise ConfigurationError(
            f"Table {table.name!r}: names that cannot be used: {bad}; key or reference fields it "
            f"does not have: {unknown}; optional fields in the key: {absent}; references that are "
            f"not the parent's key: {astray}. Correct its file in shared/tables."
        )
