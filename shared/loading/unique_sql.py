"""Composes the conditions under which a row breaks a unique constraint.

Constraints are numbered in the order of the table's file. These are parts of statements that
tests/golden/loading/merge_sql.sql has as composed for a table.
"""

from collections.abc import Callable

from shared.database.sql import columns, composed, equal, literal, qualified, quoted, row
from shared.tables.table import Table

# Of the 2704 bytes that a row of an index may have, this leaves some for its header and padding.
_MOST_BYTES = 2600


def taken(table: Table) -> str:
    """Select the rows to be written whose unique values a stored row with another key has."""
    return _for_each(table, _taken)


def taken_and_kept(table: Table) -> str:
    """Select those of which no row to be written gives the stored row other values."""
    return _for_each(table, _taken_and_kept)


def shared(table: Table) -> str:
    """Select the rows to be written whose unique values one of an earlier position has."""
    return _for_each(table, _shared)


def too_long(table: Table) -> str:
    """Select the rows to be written whose unique values an index cannot hold."""
    return "\nunion all\n".join(
        composed(
            """
            select position, {number}, 'unique_too_long'
            from written
            where {sizes} > {most}
            """,
            number=str(number),
            sizes=" + ".join(f"coalesce(pg_column_size({quoted(name)}), 0)" for name in fields),
            most=str(_MOST_BYTES),
        )
        for number, fields in enumerate(table.unique)
    )


def error(table: Table) -> str:
    """Compose the error of a row that breaks a constraint, from the columns `rule` and `code`."""
    rules = list(enumerate(table.unique))
    return composed(
        """
        jsonb_build_object(
            'field', case rule {first} end,
            'code', code,
            'facts', jsonb_build_object('fields', case rule {fields} end)
        )
        """,
        first=" ".join(f"when {n} then {literal(names[0])}" for n, names in rules),
        fields=" ".join(f"when {n} then {literal(', '.join(names))}" for n, names in rules),
    )


def _for_each(table: Table, compose: Callable[[Table, int, tuple[str, ...]], str]) -> str:
    found = (compose(table, number, fields) for number, fields in enumerate(table.unique))
    return "\nunion all\n".join(found)


def _taken(table: Table, number: int, fields: tuple[str, ...]) -> str:
    # Row by row through the index of the constraint: a join would read the whole table if its
    # statistics lag behind.
    return composed(
        """
        select written.position, {number}, 'not_unique'
        from written
        cross join lateral (
            select *
            from {target} as holder
            where {same_values}
                {has_other_key}
            limit 1
        ) as holder
        """,
        number=str(number),
        target=qualified(table.name),
        same_values=equal(fields, "holder", "written"),
        has_other_key=(
            f"and {row(table.key, 'holder')} <> {row(table.key, 'written')}" if table.key else ""
        ),
    )


def _taken_and_kept(table: Table, number: int, fields: tuple[str, ...]) -> str:
    if not table.key:
        return _taken(table, number, fields)
    return composed(
        """
        {taken}
        where not exists (
            select from written as giver
            where {giver_is_holder}
                and {giver_values} is distinct from {holder_values}
        )
        """,
        taken=_taken(table, number, fields),
        giver_is_holder=equal(table.key, "giver", "holder"),
        giver_values=row(fields, "giver"),
        holder_values=row(fields, "holder"),
    )


def _shared(table: Table, number: int, fields: tuple[str, ...]) -> str:
    present = (f"{quoted(name)} is not null" for name in fields if table.fields[name].nullable)
    conditions = " and ".join(present)
    return composed(
        """
        select position, {number}, 'not_unique'
        from (
            select
                position,
                row_number() over (partition by {fields} order by position) as place
            from written
            {where}
        ) as numbered
        where place > 1
        """,
        number=str(number),
        fields=columns(fields),
        where=f"where {conditions}" if conditions else "",
    )
