"""Renames, adds, widens, loosens and tightens the columns of a table."""

from __future__ import annotations

import re

from shared.database.evolution import mirrors
from shared.database.evolution.catalog import Column, Mirror
from shared.database.evolution.table import TableChange, default_sql
from shared.database.sql import quoted
from shared.tables.column import StoredColumn

_NUMERIC = re.compile(r"numeric(?:\((\d+),(\d+)\))?")
_VARCHAR = re.compile(r"character varying(?:\((\d+)\))?")
_LARGER = (("smallint", "integer", "bigint"), ("real", "double precision"))

_ADD = "alter table {target} add column {name} {type}{rest}"
_FILL = "update {target} set {name} = {value} where {name} is null"


def rename(change: TableChange) -> None:
    """Rename the columns whose fields have a new name."""
    for name, kind in change.table.fields.items():
        for was in kind.was:
            if {name, was} <= change.there.columns.keys() and not _mirrors_of(change, name):
                _refuse_both(change, name, was)
    for name, was in change.renamed.items():
        for mirror in _mirrors_of(change, was):
            # Of two releases before: that name is no longer kept.
            _forget(change, mirror)
        template = "alter table {target} rename column {was} to {name}"
        change.do(change.sql(template, was=quoted(was), name=quoted(name)))


def compare(change: TableChange) -> None:
    """Change the columns to those of the dictionary; then loosen those that no field has."""
    for name, column in change.wanted.items():
        found = change.there.columns.get(change.before(name))
        if found is None:
            _add(change, name, column)
        else:
            _compare(change, name, column, found)
    for name, was in change.renamed.items():
        _mirror(change, name, was)
    _loosen_unused(change)


def _refuse_both(change: TableChange, name: str, was: str) -> None:
    names = {"name": quoted(name), "was": quoted(was)}
    lost = change.rows(change.sql("{name} is null and {was} is not null", **names))
    if lost.count:
        keep = change.sql(
            "update {target} set {name} = {was} where {name} is null; "
            "alter table {target} drop column {was};",
            **names,
        )
        change.refuse(
            f"it has {name} and {was}, which {name} was before, and {lost.words} with {was} only. "
            f"Keep one: {keep}"
        )


def _add(change: TableChange, name: str, column: StoredColumn) -> None:
    default = default_sql(change.table.fields.get(name))
    rows = change.rows("true")
    parts = {"name": quoted(name), "type": column.postgres_type}
    if column.nullable or default or not rows.count:
        rest = "" if column.nullable else " not null"
        # It stays: rows that the release before stores get it, too.
        rest += f" default {default}" if default and not column.nullable else ""
        change.do(change.sql(_ADD, **parts, rest=rest))
        return
    add, fill = change.sql(_ADD, **parts, rest=""), change.sql(_FILL, **parts, value="…")
    change.refuse(
        f"{name} is new and required, and {rows.words} without it. Make it optional or give it a "
        f"default; or add and fill it: {add}; {fill};"
    )


def _compare(change: TableChange, name: str, column: StoredColumn, found: Column) -> None:
    kind = change.types[column.postgres_type]
    both = {name} | {n for one in _mirrors_of(change, name) for n in (one.name, one.was)}
    if found.type != kind:
        if is_wider(kind, found.type):
            for one in sorted(both):
                change.alter(one, f"type {kind}")
        else:
            template = (
                "alter table {target} alter column {name} type {type} using cast({name} as {type});"
            )
            change.refuse(
                f"{name} is {found.type} in the database and {kind} in the dictionary; values "
                "could be lost. Give the new field another name; or, if none is lost: "
                f"{change.sql(template, name=quoted(name), type=kind)}"
            )
    if column.nullable:
        for one in sorted(both):
            if change.there.columns[change.before(one)].is_not_null:
                change.alter(one, "drop not null")
    elif not found.is_not_null:
        _require(change, name)


def _require(change: TableChange, name: str) -> None:
    """Let a column refuse NULL."""
    default = default_sql(change.table.fields.get(name))
    rows = change.rows(f"{quoted(change.before(name))} is null")
    if rows.count and not default:
        fill = change.sql(_FILL, name=quoted(change.before(name)), value="…")
        change.refuse(
            f"{name} is required, and {rows.words} without it. Make it optional or give it a "
            f"default; or fill it: {fill};"
        )
        return
    if rows.count:
        change.do(change.sql(_FILL, name=quoted(name), value=default))
    if default and name not in change.renamed and not _mirrors_of(change, name):
        change.alter(name, f"set default {default}")
    change.alter(name, "set not null")


def _mirror(change: TableChange, name: str, was: str) -> None:
    field = change.table.fields[name]
    if change.there.columns[was].has_default:
        # Else a row that gives the old column only would seem to give both.
        change.alter(name, "drop default")
    renamed = mirrors.Renamed(
        change.table.name,
        name,
        was,
        field.postgres_type,
        not field.nullable,
        default_sql(field),
        change.there.key if was in change.there.key else (),
    )
    change.do(*mirrors.create_sql(renamed))


def _mirrors_of(change: TableChange, name: str) -> list[Mirror]:
    return [one for one in change.there.mirrors if name in (one.name, one.was)]


def _forget(change: TableChange, mirror: Mirror) -> None:
    change.do(mirrors.drop_sql(mirror))
    for name in (mirror.name, mirror.was):
        if name not in change.wanted and change.there.columns[name].is_not_null:
            change.alter(name, "drop not null")


def _loosen_unused(change: TableChange) -> None:
    known = {*change.wanted, *change.renamed.values()}
    # What a trigger fills is never NULL; a key that changes is refused.
    filled = set(change.there.key)
    for mirror in change.there.mirrors:
        if known.isdisjoint((mirror.name, mirror.was)):
            _forget(change, mirror)
        filled |= {mirror.name, mirror.was}
    for name, found in change.there.columns.items():
        if name not in known:
            change.plan.unused.append(f"{change.table.name}.{name}")
            if found.is_not_null and not found.has_default and name not in filled:
                change.alter(name, "drop not null")
    change.plan.unused += [f"{change.table.name}.{was}" for was in change.renamed.values()]


def is_wider(kind: str, than: str) -> bool:
    """Return whether a type has room for every value of another, and keeps what it means."""
    for sizes in _LARGER:
        if kind in sizes and than in sizes:
            return sizes.index(kind) > sizes.index(than)
    new, old = _NUMERIC.fullmatch(kind), _NUMERIC.fullmatch(than)
    if new and old:
        return new[1] is None or (
            old[1] is not None
            and int(new[2]) >= int(old[2])
            and int(new[1]) - int(new[2]) >= int(old[1]) - int(old[2])
        )
    limit, wider = _VARCHAR.fullmatch(than), _VARCHAR.fullmatch(kind)
    if limit and wider:
        return wider[1] is None or (limit[1] is not None and int(wider[1]) >= int(limit[1]))
    return limit is not None and kind == "text"
