"""The SQL of the fast paths, composed from the dictionary.

tests/golden/loading/fast_path_sql.sql has every statement as it is for `hired_employees`.
"""

from datetime import datetime
from functools import cache
from uuid import UUID

from shared.database.sql import columns, composed, literal, qualified, quoted
from shared.tables.table import Table


def precheck(table: Table) -> str:
    """Count stored keys and parents; locks the parents, and says whether checks may be skipped."""
    parents = [
        composed(
            """
            (
                select count(*)
                from (
                    select
                    from {parent}
                    where {key} = any(cast(:parents_{number} as {kind}[]))
                    order by {key}
                    for key share
                ) as locked
            )
            """,
            parent=qualified(reference.table),
            key=quoted(reference.key),
            number=str(number),
            kind=_type(table, reference.field),
        )
        for number, reference in enumerate(table.references)
    ]
    # Triggers and foreign keys that an operator has added are always run.
    may_skip_checks = composed(
        """
        has_parameter_privilege('session_replication_role', 'set')
            and not exists (
                select
                from pg_trigger
                where tgrelid = {name}::regclass and not tgisinternal
            )
            and {references} = (
                select count(*)
                from pg_constraint
                where conrelid = {name}::regclass and contype = 'f'
            )
        """,
        name=literal(qualified(table.name)),
        references=str(len(table.references)),
    )
    return composed(
        """
        select
            (
                select count(*)
                from {target}
                where {key} = any(cast(:keys as {kind}[]))
            ),
            {others}
        """,
        target=qualified(table.name),
        key=quoted(table.key[0]),
        kind=_type(table, table.key[0]),
        others=",\n".join([may_skip_checks, *parents]),
    )


@cache
def copy_new(table: Table) -> str:
    """Copy rows with their accepted_at and load_id into the table."""
    return composed(
        "copy {target} ({fields}, accepted_at, load_id)\nfrom stdin",
        target=qualified(table.name),
        fields=columns(table.names),
    )


def can_bulk_load(table: Table) -> str:
    """Whether the table is empty and none of its parents is."""
    parents = sorted({reference.table for reference in table.references})
    conditions = [f"not exists (select from {qualified(table.name)})"]
    conditions += [f"exists (select from {qualified(parent)})" for parent in parents]
    return composed("select\n    {conditions}", conditions="\nand ".join(conditions))


def lock(table: Table) -> str:
    """Lock the table and its parents for this transaction alone."""
    # In the dictionary's order, parents first, as every load takes its locks.
    names = [*dict.fromkeys(reference.table for reference in table.references), table.name]
    return composed(
        "lock table {tables}\nin access exclusive mode",
        tables=", ".join(map(qualified, names)),
    )


def any_row(table: Table) -> str:
    """A row if the table has any."""
    return composed("select 1\nfrom {target}\nlimit 1", target=qualified(table.name))


def set_defaults(table: Table, load_id: UUID, accepted_at: datetime) -> str:
    """Give the rows that follow their load_id and accepted_at."""
    return composed(
        """
        alter table {target}
            alter accepted_at set default {accepted_at},
            alter load_id set default {load_id}
        """,
        target=qualified(table.name),
        accepted_at=literal(accepted_at.isoformat()),
        load_id=literal(str(load_id)),
    )


def copy_fields(table: Table) -> str:
    """Copy rows into the table, without accepted_at and load_id."""
    return composed(
        "copy {target} ({fields})\nfrom stdin",
        target=qualified(table.name),
        fields=columns(table.names),
    )


def drop_defaults(table: Table) -> str:
    """Take the defaults off again."""
    return composed(
        """
        alter table {target}
            alter accepted_at drop default,
            alter load_id drop default
        """,
        target=qualified(table.name),
    )


def _type(table: Table, field: str) -> str:
    return table.fields[field].postgres_type
