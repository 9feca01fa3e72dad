"""Composes the SQL of staging and merging from the dictionary: names only, never values.

The templates are in sql/merge; tests/golden/loading/merge_sql.sql has every statement as composed
for `hired_employees`.

The load's id, time and sender are read from settings of the transaction. So the statements take no
parameters, and each is one round trip.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from shared.database.sql import (
    columns,
    composed,
    equal,
    json_object,
    json_object_of,
    listed,
    literal,
    qualified,
    quoted,
    restore_lock_key,
    row,
    statement,
)
from shared.loading import fast_path_sql, unique_sql
from shared.tables import stored
from shared.tables.table import Reference, Table

TEMPLATES = Path(__file__).with_name("sql") / "merge"

# The values that the load gives the platform's columns, by name.
_OWN = {
    name: f"cast(current_setting('tablegate.{name}') as {column.postgres_type})"
    for name, column in stored.COLUMNS.items()
}
_LOAD_ID = _OWN[stored.LOAD_ID]
# Waiting rows; each further query passes over the rows of those before.
_MOST_AT_ONCE = 10_000
_SENDER = "nullif(current_setting('tablegate.sender'), '')"


@cache
def merge_sql(table: Table, name: str) -> str:
    """Compose the statement `sql/merge/name.sql` for a table."""
    return composed(statement(TEMPLATES, name), **_parts(table))


@lru_cache(maxsize=256)
def copy_staged(table: Table, in_order: tuple[str, ...] = ()) -> str:
    """Compose `copy` for text that has the table's fields in another order."""
    parts = {**_parts(table), "fields": columns(in_order or table.names)}
    return composed(statement(TEMPLATES, "copy"), **parts)


@cache
def _parts(table: Table) -> Mapping[str, str]:
    key, names = table.key, table.names
    others = [name for name in names if name not in key]
    fields = [f"{quoted(name)} {_type(table, name)}" for name in names]
    return {
        "table_name": literal(table.name),
        "target": qualified(table.name),
        "staging": _staging(table),
        "known": _known(table),
        "restore_lock_key": restore_lock_key(table.name),
        "unique_lock_key": f"hashtext({literal(f'tablegate unique {table.name}')})",
        "load_id": _LOAD_ID,
        "accepted_at": _OWN[stored.ACCEPTED_AT],
        "own_columns": columns(_OWN),
        "own_values": listed(_OWN.values()),
        "key": columns(key),
        "fields": columns(names),
        "staging_columns": listed(fields),
        "known_columns": listed(
            [
                *fields,
                *(f"{quoted(name)} {one.postgres_type}" for name, one in stored.COLUMNS.items()),
                *(f"{_new(name)} {_type(table, name)}" for name in others),
            ]
        ),
        "known_values": listed(
            [
                *(f"stored.{quoted(name)}" for name in (*names, *_OWN)),
                *(f"staged.{quoted(name)}" for name in others),
            ]
        ),
        "known_refused": listed(
            [
                "position",
                "same",
                *map(quoted, key),
                *(f"{_new(name)} as {quoted(name)}" for name in others),
            ]
        ),
        "known_changes": listed(
            [
                *(f"{quoted(name)} = known.{_new(name)}" for name in others),
                *(f"{quoted(name)} = {value}" for name, value in _OWN.items()),
            ]
        ),
        "known_key_json": json_object(key, "known"),
        "known_row_json": json_object(names, "known"),
        "known_new_row_json": json_object_of(
            {name: f"known.{quoted(name) if name in key else _new(name)}" for name in names}
        ),
        "earlier_key_json": json_object(key, "earlier"),
        "earlier_row_json": json_object(names, "earlier"),
        # Of an append-only table, no row repeats the key of another one.
        "staged_key": row(key, "staged") if key else "staged.position",
        "staged_row": row(names, "staged"),
        "stored_row": row(names, "stored"),
        "earliest_row": row(names, "earliest"),
        "stored_is_staged": equal(key, "stored", "staged") if key else "false",
        "stored_is_known": equal(key, "stored", "known"),
        "staged_is_repeated": equal(key, "staged", "repeated"),
        "earliest_is_repeated": equal(key, "earliest", "repeated"),
        "orphaned": _orphaned(table),
        **_parents(table),
        "may_skip_checks": _may_skip_checks(table),
        "waiting_has_parents": _waiting_has_parents(table),
        "most_at_once": str(_MOST_AT_ONCE),
        "park_orphans": _reject(table, "orphans", "waiting", _missing_parents(table)),
        "reject_later": _reject(table, "later", "rejected", _CONFLICT, "where not later.same"),
        "reject_known": _reject(table, "known", "rejected", _CONFLICT, "where not known.same"),
        "unstage_known": _unstage_known(table),
        **_unique_parts(table),
    }


def _staging(table: Table) -> str:
    return quoted(f"staged_{table.name}"[:63])


def _known(table: Table) -> str:
    return quoted(f"known_{table.name}"[:63])


def _new(name: str) -> str:
    return quoted(f"new {name}"[:63])


def _type(table: Table, field: str) -> str:
    return table.fields[field].postgres_type


def _raw_value(table: Table, field: str, of: str) -> str:
    names = (field, *table.fields[field].was)
    values = listed(f"{of}.raw ->> {literal(name)}" for name in names)
    value = values if len(names) == 1 else f"coalesce({values})"
    return f"cast({value} as {_type(table, field)})"


def _exists(place: str, reference: Reference, values: Mapping[str, str]) -> str:
    return composed(
        """
        exists (
            select from {place} as parent
            where {same_key}
        )
        """,
        place=place,
        same_key=" and ".join(
            f"parent.{quoted(key)} = {values[field]}" for field, key in reference.pairs
        ),
    )


def _refers_to_a_row(
    table: Table, reference: Reference, values: Mapping[str, str], *places: str
) -> str:
    """Compose the condition that a reference leads to a row of some places, or to nothing."""
    return _is_null_or_exists(
        reference,
        values,
        [name for name in reference.fields if table.fields[name].nullable],
        *places,
    )


def _is_null_or_exists(
    reference: Reference, values: Mapping[str, str], nullable: Sequence[str], *places: str
) -> str:
    found = [f"{values[name]} is null" for name in nullable]
    found += [_exists(place, reference, values) for place in places]
    return found[0] if len(found) == 1 else f"({' or '.join(found)})"


def _has_parent(table: Table, reference: Reference, of: str) -> str:
    places = [qualified(reference.table)]
    if reference.table == table.name:
        places.append(_staging(table))
    values = {name: f"{of}.{quoted(name)}" for name in reference.fields}
    return _refers_to_a_row(table, reference, values, *places)


def _parents(table: Table) -> dict[str, str]:
    """Compose how many parents the staged rows lack, which locks those that are stored.

    A row's parent may be staged with it if the table refers to itself; then rows are counted.
    """
    wanted, lacking = [], []
    for number, reference in enumerate(table.references):
        if reference.table == table.name:
            orphaned = f"not {_has_parent(table, reference, 'staged')}"
            lacking.append(f"count(*) filter (where {orphaned})")
            continue
        nullable = [name for name in reference.fields if table.fields[name].nullable]
        parts = {
            "name": f"parents_{number}",
            "fields": columns(reference.fields),
            "staging": _staging(table),
            "where": f"where {row(nullable, 'staged')} is not null" if nullable else "",
            "parent": qualified(reference.table),
            "key": row(reference.key, "parent"),
        }
        wanted.append(composed(_WANTED, **parts))
        lacking.append(composed(_LACKING, **parts))
    return {
        "wanted_parents": f"with {listed(wanted)}" if wanted else "",
        "lacking_parents": "\n+ ".join(lacking) or "0",
    }


_WANTED = """
    {name} as materialized (
        select distinct {fields}
        from {staging} as staged
        {where}
    )
"""
_LACKING = """
    (
        select count(*)
        from {name}
    ) - (
        select count(*)
        from (
            select
            from {parent} as parent
            where {key} in (select * from {name})
            order by {key}
            for key share
        ) as locked
    )
"""


def _may_skip_checks(table: Table) -> str:
    # Only the parents that are stored can be locked.
    if any(reference.table == table.name for reference in table.references):
        return "false"
    return fast_path_sql.may_skip_checks(table)


def _orphaned(table: Table) -> str:
    """Compose the condition that a staged row lacks a parent."""
    lacking = [f"not {_has_parent(table, reference, 'staged')}" for reference in table.references]
    return "\nor ".join(lacking) or "false"


def _waiting_has_parents(table: Table) -> str:
    conditions = (
        _is_null_or_exists(
            reference,
            {name: _raw_value(table, name, "waiting") for name in reference.fields},
            # Of a release that did not have the field: the rules say what becomes of it.
            reference.fields,
            qualified(reference.table),
        )
        for reference in table.references
    )
    return "\nand ".join(conditions) or "true"


def _missing_parents(table: Table) -> str:
    """Compose a JSON list of an error for each parent that an orphan lacks."""
    found = [
        composed(
            """
            case
                when {has_parent} then '[]'::jsonb
                else {error}
            end
            """,
            has_parent=_has_parent(table, reference, "orphans"),
            error=_json_error(reference.fields[0], "missing_parent", {"table": reference.table}),
        )
        for reference in table.references
    ]
    return "\n|| ".join(found)


def _reject(
    table: Table, rows: str, status: str, errors: str, where: str = "", found_in: str = ""
) -> str:
    """Insert the rows of `rows` into rejected_rows."""
    return composed(
        """
        insert into rejected_rows
            (load_id, sender, table_name, position, raw, errors, reason, status)
        select
            {load_id},
            {sender},
            {table_name},
            {rows}.position,
            {raw},
            found.errors,
            found.errors -> 0 ->> 'code',
            {status}
        from {rows}
        cross join lateral (
            select
                {errors} as errors
            {found_in}
        ) as found
        {where}
        """,
        load_id=_LOAD_ID,
        sender=_SENDER,
        table_name=literal(table.name),
        rows=rows,
        raw=json_object(table.names, rows),
        errors=errors,
        found_in=found_in,
        status=literal(status),
        where=where,
    )


def _unstage_known(table: Table) -> str:
    return composed(
        """
        unstaged as (
            delete from {staging} as staged
            using known
            where {staged_is_known}
        ),
        emptied as (delete from {known})
        """,
        staging=_staging(table),
        staged_is_known=equal(table.key, "staged", "known"),
        known=_known(table),
    )


def _unique_parts(table: Table) -> dict[str, str]:
    return {
        "written": _written(table),
        "taken": unique_sql.taken(table),
        "taken_and_kept": unique_sql.taken_and_kept(table),
        "shared": unique_sql.shared(table),
        "too_long": unique_sql.too_long(table),
        "refuse": _refuse(table),
    }


def _written(table: Table) -> str:
    """Select the staged rows that will be stored if they break no unique constraint."""
    return composed(
        """
        with written as materialized (
            select staged.*
            from {staging} as staged
            {unless_known}
        ),
        """,
        staging=_staging(table),
        unless_known=_unless_known(table) if table.key else "",
    )


def _unless_known(table: Table) -> str:
    return composed(
        """
        where not exists (
            select from {known} as known
            where {staged_is_known}
                {stays}
        )
        """,
        known=_known(table),
        staged_is_known=equal(table.key, "staged", "known"),
        # A table that rejects conflicts keeps all of its rows.
        stays="and (known.same or known.newer)" if table.on_conflict == "update" else "",
    )


def _refuse(table: Table) -> str:
    """Reject and unstage the rows of `refused`, which has the constraints that each breaks."""
    return composed(
        """
        causes as (
            select
                position,
                jsonb_agg(
                    {error}
                    order by rule, code
                ) as errors
            from refused
            group by position
        ),
        forgotten as (
            delete from {known} as known
            using causes
            where known.position = causes.position
        ),
        unstaged as (
            delete from {staging} as staged
            using causes
            where staged.position = causes.position
            returning staged.*
        )
        {reject}
        """,
        error=unique_sql.error(table),
        known=_known(table),
        staging=_staging(table),
        reject=_reject(
            table,
            "unstaged",
            "rejected",
            "causes.errors",
            found_in="from causes\nwhere causes.position = unstaged.position",
        ),
    )


def _json_error(field: str, code: str, facts: Mapping[str, str]) -> str:
    return composed(
        """
        jsonb_build_array(jsonb_build_object(
            'field', {field},
            'code', {code},
            'facts', jsonb_build_object({facts})
        ))
        """,
        field=literal(field),
        code=literal(code),
        facts=listed(f"{literal(name)}, {literal(value)}" for name, value in facts.items()),
    )


_CONFLICT = _json_error("_row", "conflict", {})
