"""Composes the SQL of the fast paths from the dictionary.

tests/golden/loading/fast_path_sql.sql has every statement as composed for `hired_employees`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, lru_cache
from uuid import UUID

from shared.database.sql import columns, composed, literal, qualified, quoted
from shared.tables import stored
from shared.tables.table import Table


def precheck(table: Table) -> str:
    """Count stored keys and parents, lock the parents, and find out if checks may be skipped."""
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
            key=quoted(reference.key[0]),
            number=str(number),
            kind=_type(table, reference.fields[0]),
        )
        for number, reference in enumerate(table.references)
    ]
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
        others=",\n".join([may_skip_checks(table), *parents]),
    )


def may_skip_checks(table: Table) -> str:
    """Compose whether the role may write the table without checks of foreign keys.

    Triggers and foreign keys that an operator has added always run, and so do deferrable
    constraints, which a trigger checks, too.
    """
    if table.unique:
        return "false"
    return composed(
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


@cache
def copy_new(table: Table) -> str:
    """Copy rows into the table, including the columns that the load sets."""
    return composed(
        "copy {target} ({fields})\nfrom stdin (null '')",
        target=qualified(table.name),
        fields=columns(stored.columns(table)),
    )


def can_bulk_load(table: Table) -> str:
    """Find out whether the table is empty and all of its parents have rows."""
    parents = sorted({reference.table for reference in table.references})
    conditions = [f"not exists (select from {qualified(table.name)})"]
    conditions += [f"exists (select from {qualified(parent)})" for parent in parents]
    return composed("select\n    {conditions}", conditions="\nand ".join(conditions))


def lock(table: Table) -> str:
    """Lock the table and its parents exclusively for this transaction."""
    # In the dictionary's order, parents first, in which every load takes its locks.
    names = [*dict.fromkeys(reference.table for reference in table.references), table.name]
    return composed(
        "lock table {tables}\nin access exclusive mode",
        tables=", ".join(map(qualified, names)),
    )


def any_row(table: Table) -> str:
    """Select a row if the table has any."""
    return composed("select 1\nfrom {target}\nlimit 1", target=qualified(table.name))


def set_defaults(table: Table, load_id: UUID, accepted_at: datetime) -> str:
    """Set the columns of the load as defaults for the rows that follow."""
    own = stored.values(accepted_at, load_id)
    texts = {name: stored.COLUMNS[name].copy_text(value) for name, value in own.items()}
    return _alter_own(table, {name: f"set default {literal(text)}" for name, text in texts.items()})


@lru_cache(maxsize=256)
def copy_fields(table: Table, in_order: tuple[str, ...] = ()) -> str:
    """Copy rows into the table, without the columns that the load sets.

    Args:
        table: the table.
        in_order: its fields in the order in which the text has them; without any, its own.
    """
    return composed(
        "copy {target} ({fields})\nfrom stdin (null '')",
        target=qualified(table.name),
        fields=columns(in_order or table.names),
    )


def drop_defaults(table: Table) -> str:
    """Drop the defaults again."""
    return _alter_own(table, dict.fromkeys(stored.COLUMNS, "drop default"))


def drop_constraint(table: Table, name: str) -> str:
    """Drop a constraint."""
    return composed(
        "alter table {target}\ndrop constraint {name}",
        target=qualified(table.name),
        name=quoted(name),
    )


def add_constraint(table: Table, name: str, definition: str) -> str:
    """Create a constraint again, over all rows at once."""
    return composed(
        "alter table {target}\nadd constraint {name} {definition}",
        target=qualified(table.name),
        name=quoted(name),
        definition=definition,
    )


def _alter_own(table: Table, changes: Mapping[str, str]) -> str:
    return composed(
        """
        alter table {target}
            {changes}
        """,
        target=qualified(table.name),
        changes=",\n".join(f"alter {quoted(name)} {change}" for name, change in changes.items()),
    )


def _type(table: Table, field: str) -> str:
    return table.fields[field].postgres_type
