"""Composes the SQL of mirrors: a renamed column stays under its old name, too.

The release before knows only the old name. As long as the mirror is there, each release reads and
writes the column under the name that it knows, and a trigger copies what one writes to the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.database.evolution.catalog import Mirror
from shared.database.sql import columns, composed, literal, qualified, quoted

_LONGEST_NAME = 63


@dataclass(frozen=True)
class Renamed:
    """A column that is being renamed.

    Attributes:
        table: its table.
        name: the new name.
        was: the old name.
        type: its type.
        is_not_null: whether it refuses NULL.
        default: SQL of the value of a row without one; empty if it has none.
        key: the old key, if the column is part of it.
    """

    table: str
    name: str
    was: str
    type: str
    is_not_null: bool
    default: str = ""
    key: Sequence[str] = ()


def create_sql(renamed: Renamed) -> Iterator[str]:
    """Add the old column again, filled, and keep both equal."""
    target, was = qualified(renamed.table), quoted(renamed.was)
    yield f"alter table {target} add column {was} {renamed.type}"
    yield composed(
        "update {target} set {was} = {name}", target=target, was=was, name=quoted(renamed.name)
    )
    if renamed.is_not_null:
        yield f"alter table {target} alter column {was} set not null"
    if renamed.key:
        # The release before names the old columns where keys conflict.
        yield f"create unique index on {target} ({columns(renamed.key)})"
    function = qualified(_function(renamed))
    yield composed(
        """
        create or replace function {function}()
        returns trigger
        language plpgsql
        as $$
        begin
            if tg_op = 'UPDATE' then
                if new.{was} is distinct from old.{was}
                    and new.{name} is not distinct from old.{name}
                then
                    new.{name} := {value};
                end if;
            elsif new.{name} is null then
                new.{name} := {value};
            end if;
            new.{was} := new.{name};
            return new;
        end
        $$
        """,
        function=function,
        name=quoted(renamed.name),
        was=was,
        value=f"coalesce(new.{was}, {renamed.default})" if renamed.default else f"new.{was}",
    )
    yield composed(
        """
        create trigger {trigger}
        before insert or update on {target}
        for each row
        execute function {function}({name}, {was})
        """,
        trigger=quoted(_function(renamed)),
        target=target,
        function=function,
        name=literal(renamed.name),
        was=literal(renamed.was),
    )


def drop_sql(mirror: Mirror) -> str:
    """Let both columns be, and no longer keep them equal."""
    return f"drop function {qualified(mirror.function)}() cascade"


def _function(renamed: Renamed) -> str:
    name = f"tablegate_mirror_{renamed.table}_{renamed.was}"
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: _LONGEST_NAME - 17]}_{digest}"
