"""Adds and drops the references and unique constraints of a table; its key is never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.database.evolution.catalog import ForeignKey
from shared.database.evolution.table import TableChange, compiled
from shared.database.metadata import metadata
from shared.database.sql import columns, quoted
from shared.lazy import sqlalchemy as sa
from shared.tables import stored
from shared.tables.table import Reference

_LONGEST_NAME = 63

Changes = Mapping[str, TableChange]


def compare_key(change: TableChange) -> None:
    """Refuse another key: it decides which rows are the same."""
    found, wanted = change.there.key, stored.key(change.table)
    if set(map(change.field_of, found)) == set(wanted):
        return
    drop = f"drop constraint {quoted(change.there.key_name)} cascade, " if found else ""
    statement = change.sql(
        "alter table {target} {drop}add primary key ({key});", drop=drop, key=columns(wanted)
    )
    change.refuse(
        f"its key is {', '.join(found) or 'nothing'} in the database and {', '.join(wanted)} in "
        f"the dictionary, so other rows would be the same. If that is meant: {statement}"
    )


def drop(change: TableChange, others: Changes) -> None:
    """Drop the constraints that the dictionary no longer has, but no operator's own."""
    references = {_wanted_pairs(reference) for reference in change.table.references}
    for key in change.there.references:
        is_ours = _is_name_of(key.name, change, key.columns, "fkey")
        if is_ours and _pairs(key, change, others) not in references:
            _drop(change, key.name)
    unique = [set(key.columns.keys()) for key in _unique(change)]
    for name, names in change.there.unique.items():
        is_ours = _is_name_of(name, change, names, "key")
        if is_ours and set(map(change.field_of, names)) not in unique:
            _drop(change, name)


def rename(change: TableChange) -> None:
    """Give the constraints of renamed columns the names by which they are known as ours."""
    keys = [(key.name, key.columns, "fkey") for key in change.there.references]
    keys += [(name, names, "key") for name, names in change.there.unique.items()]
    for name, names, ending in keys:
        now = tuple(map(change.after, names))
        if now != names and _is_name_of(name, change, names, ending):
            template = "alter table {target} rename constraint {name} to {now}"
            new = _name(change, now, ending)[:_LONGEST_NAME]
            change.do(change.sql(template, name=quoted(name), now=quoted(new)))


def add(change: TableChange, others: Changes) -> None:
    """Add the constraints and indexes that are missing, unless rows break them."""
    unique = [set(map(change.field_of, names)) for names in change.there.unique.values()]
    for key in _unique(change):
        if set(key.columns.keys()) not in unique:
            _add_unique(change, key)
    references = {_pairs(key, change, others) for key in change.there.references}
    for reference in change.table.references:
        if _wanted_pairs(reference) not in references:
            _add_reference(change, reference, others.get(reference.table))
    for index in metadata().tables[change.table.name].indexes:
        if index.name not in change.there.indexes:
            change.do(compiled(sa.schema.CreateIndex(index)))


def _add_unique(change: TableChange, key: sa.UniqueConstraint) -> None:
    names = key.columns.keys()
    values = [value for value in map(change.value, names) if value is not None]
    if len(values) == len(names):
        shared = change.sql(
            "({values}) in (select {values} from {target} as child where {given} "
            "group by {values} having count(*) > 1)",
            values=", ".join(values),
            given=_are_given(values),
        )
        rows = change.rows(shared)
        if rows.count:
            change.refuse(
                f"{', '.join(names)} is to be unique, and {rows.words} with the values of another. "
                f"Correct them: {_select(change, shared)}"
            )
            return
    change.do(_add_sql(key))


def _add_reference(change: TableChange, reference: Reference, parent: TableChange | None) -> None:
    values = {name: change.value(name) for name in reference.fields}
    given = {name: value for name, value in values.items() if value is not None}
    if len(given) == len(values):
        orphaned = f"{_are_given(given.values())} and not {_exists(reference, parent, given)}"
        rows = change.rows(orphaned)
        if rows.count:
            change.refuse(
                f"{', '.join(values)} is to refer to {reference.table}, and {rows.words} without a "
                f"row there. Load these into {reference.table} first, or correct the rows: "
                f"{_select(change, orphaned)}"
            )
            return
    for key in metadata().tables[change.table.name].foreign_key_constraints:
        if tuple(key.column_keys) == reference.fields:
            change.do(_add_sql(key))


def _exists(reference: Reference, parent: TableChange | None, values: Mapping[str, str]) -> str:
    if parent is None:
        # It is new, so it has no rows.
        return "false"
    same = (f"parent.{quoted(parent.before(k))} = {values[name]}" for name, k in reference.pairs)
    return parent.sql(
        "exists (select from {target} as parent where {same})", same=" and ".join(same)
    )


def _select(change: TableChange, condition: str) -> str:
    return change.sql("select * from {target} as child where {condition};", condition=condition)


def _are_given(values: Iterable[str]) -> str:
    return " and ".join(f"{value} is not null" for value in values)


def _drop(change: TableChange, name: str) -> None:
    change.do(change.sql("alter table {target} drop constraint {name}", name=quoted(name)))


def _add_sql(key: sa.Constraint) -> str:
    # Isolated, it would be missing from tables created from the metadata later.
    return compiled(sa.schema.AddConstraint(key, isolate_from_table=False))


def _unique(change: TableChange) -> list[sa.UniqueConstraint]:
    found = metadata().tables[change.table.name].constraints
    return [one for one in found if isinstance(one, sa.UniqueConstraint)]


def _wanted_pairs(reference: Reference) -> tuple[str, frozenset[tuple[str, str]]]:
    return reference.table, frozenset(reference.pairs)


def _pairs(
    key: ForeignKey, change: TableChange, others: Changes
) -> tuple[str, frozenset[tuple[str, str]]]:
    parent = others.get(key.parent)
    theirs = map(parent.field_of, key.parent_columns) if parent else key.parent_columns
    return key.parent, frozenset(zip(map(change.field_of, key.columns), theirs, strict=True))


def _name(change: TableChange, names: Sequence[str], ending: str) -> str:
    return f"{change.table.name}_{'_'.join(names)}_{ending}"


def _is_name_of(name: str, change: TableChange, names: Sequence[str], ending: str) -> bool:
    """Return whether it is the name that we give a constraint of these columns."""
    full = _name(change, names, ending)
    # SQLAlchemy cuts a longer name at this place, and appends a digest.
    return name == full or (len(full) > _LONGEST_NAME and name[:55] == full[:55])
