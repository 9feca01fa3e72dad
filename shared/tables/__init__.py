"""The data dictionary: one file per table, the only place a table is described.

To add a table, add a file here that defines `TABLE`; to add a kind of field, add a file to `kinds`.
A table's file imports all that it needs from here: `Row`, `Table`, `Check`, `Reference`,
`Warehouse`, and every kind by its name.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from shared.errors import ConfigurationError, UnknownTable
from shared.tables import guards, places
from shared.tables.check import Check
from shared.tables.kinds import KINDS
from shared.tables.table import Reference, Row, Table
from shared.tables.warehouse import UtcDay, Warehouse

__all__ = [
    "Check",
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

# The files of this folder that are no tables.
_HOUSE = frozenset(
    (
        "bulk",
        "check",
        "column",
        "guards",
        "iso",
        "kind",
        "kinds",
        "places",
        "refusal",
        "stored",
        "stored_text",
        "table",
        "warehouse",
    )
)


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
    names = [entry.name for entry in iter_modules(__path__) if entry.name not in _HOUSE]
    guards.check_files(names, _TAKEN)
    found: dict[str, Table] = {}
    for name in names:
        module = import_module(f"{__name__}.{name}")
        table = guards.table_of(name, getattr(module, "TABLE", None), found)
        found[table.name] = table
    return in_order(found)


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
            guards.check(table, tables)
            ordered[table.name] = waiting.pop(table.name)
    places.check(ordered.values())
    return ordered


# Before any table's file is imported, which becomes an attribute of this package, too.
_TAKEN = {*globals(), *KINDS}
