"""Checks the places of the dictionary's tables in the warehouse."""

from collections.abc import Collection, Iterable, Iterator

from shared.errors import ConfigurationError
from shared.tables import stored
from shared.tables.table import NAME, Table

_OWN_NAMES = frozenset({"applied_views", "dim_dates", "load_rejects", "loads", "sync_state"})
# Of the tables that a sync makes and deletes.
_OWN_PREFIX = "staging_"

PARTITIONED = frozenset({"DATE", "DATETIME", "TIMESTAMP"})
"""The types of columns that a table can be partitioned by."""

UNSORTED = frozenset({"FLOAT64", "JSON", "TIME"})
"""The types of columns that a table cannot be clustered by."""

MOST_SORTED = 4
"""The most columns that a table can be clustered by."""


def check(tables: Iterable[Table]) -> None:
    """Check that every table has a place of its own, which BigQuery can give it.

    Raises:
        ConfigurationError: a place cannot be used; the text names the file and says why.
    """
    owners: dict[str, str] = {}
    for table in tables:
        wrong = list(_wrong(table))
        if (other := owners.setdefault(table.warehouse_name, table.name)) != table.name:
            wrong.append(f"table {other!r} has the name {table.warehouse_name!r} already")
        if wrong:
            raise ConfigurationError(
                f"Table {table.name!r} cannot be kept in the warehouse: {'; '.join(wrong)}. "
                "Correct `warehouse` in its file in shared/tables."
            )


def _wrong(table: Table) -> Iterator[str]:
    place, name = table.warehouse, table.warehouse_name
    if not NAME.fullmatch(name) or name in _OWN_NAMES or name.startswith(_OWN_PREFIX):
        yield f"the name {name!r} cannot be used"
    yield from _unknown("rename", place.rename, table.fields)
    types = {name: one.bigquery_type for name, one in stored.columns(table).items()}
    for day in place.derived.values():
        if types.get(day.of) != "TIMESTAMP":
            yield f"{day.of!r} of `derived` is no Timestamp field"
    names = [*(place.rename.get(one, one) for one in types), *place.derived]
    there = dict(zip(names, [*types.values(), *("DATE" for _ in place.derived)], strict=True))
    yield from (f"two columns are named {one!r}" for one in there if names.count(one) > 1)
    yield from (f"no column can be named {one!r}" for one in there if not NAME.fullmatch(one))
    yield from _unknown("cluster", place.cluster, there)
    yield from (
        f"{one!r} of `cluster` has a type that BigQuery cannot sort by"
        for one in place.cluster
        if there.get(one) in UNSORTED
    )
    if len(place.cluster) > MOST_SORTED:
        yield f"`cluster` has more than {MOST_SORTED} columns"
    if place.partition is not None and there.get(place.partition) not in PARTITIONED:
        yield f"{place.partition!r} of `partition` is no Date or Timestamp column"


def _unknown(what: str, names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    return (
        f"{name!r} of `{what}` is not one of {', '.join(known)}"
        for name in names
        if name not in known
    )
