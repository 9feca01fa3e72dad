"""One table of the dictionary, beside the same table in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shared.database.evolution.catalog import StoredTable
from shared.database.sql import columns, composed, literal, qualified, quoted
from shared.lazy import postgresql
from shared.lazy import sqlalchemy as sa
from shared.tables import stored
from shared.tables.column import unescape
from shared.tables.kind import Kind
from shared.tables.table import Table

_SHOWN = 10


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        statements: what changes the tables, in order.
        refusals: why nothing may be done, a sentence each.
        unused: the columns that no field has, as `table.column`.
    """

    statements: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """Some rows of a table.

    Attributes:
        count: how many they are.
        words: the same in words, with the keys of the first.
    """

    count: int
    words: str


class TableChange:
    """What becomes of a table that exists.

    Args:
        connection: inside the transaction of the migration.
        plan: what is to be done; this adds to it.
        table: the table in the dictionary.
        there: the table in PostgreSQL, before anything is done.
        types: the dictionary's types, as PostgreSQL writes them.
    """

    def __init__(
        self,
        connection: sa.Connection,
        plan: Plan,
        table: Table,
        there: StoredTable,
        types: Mapping[str, str],
    ) -> None:
        self._connection, self.plan, self.table = connection, plan, table
        self.there, self.types = there, types
        self.wanted = stored.columns(table)

    @cached_property
    def renamed(self) -> Mapping[str, str]:
        """The old name of each column that is to be renamed, by its new one."""
        found = {}
        for name, kind in self.table.fields.items():
            was = next((one for one in kind.was if one in self.there.columns), None)
            if was is not None and name not in self.there.columns:
                found[name] = was
        return found

    def before(self, name: str) -> str:
        """Return what a column is called before it is renamed."""
        return self.renamed.get(name, name)

    def after(self, name: str) -> str:
        """Return what a column is called once it is renamed."""
        return {was: new for new, was in self.renamed.items()}.get(name, name)

    def field_of(self, name: str) -> str:
        """Return the field that a column holds, which may have the name of the mirror."""
        found = self.after(name)
        mirrors = self.there.mirrors
        was = next((m.was for m in mirrors if m.name == found and m.was in self.wanted), found)
        return found if found in self.wanted else was

    def value(self, name: str) -> str | None:
        """Compose the present value of a field; None if that is NULL in every row."""
        if self.before(name) in self.there.columns:
            return f"child.{quoted(self.before(name))}"
        return default_sql(self.table.fields[name]) or None

    def rows(self, condition: str) -> Rows:
        """Find the rows that fulfil a condition on the columns of `child`, as they are now."""
        where = self.sql("from {target} as child where {condition}", condition=condition)
        count = self._connection.exec_driver_sql(f"select count(*) {where}").scalar_one()
        words = "there is 1 row" if count == 1 else f"there are {count} rows"
        key = self.there.key
        if not count or not key:
            return Rows(count, words)
        names = columns(key, "child")
        found = self._connection.exec_driver_sql(
            f"select {names} {where} order by {names} limit {_SHOWN}"
        )
        rows = [", ".join(map(str, row)) for row in found]
        shown = ", ".join(rows if len(key) == 1 else [f"({row})" for row in rows])
        more = ", …" if count > _SHOWN else ""
        return Rows(count, f"{words} ({', '.join(key)}: {shown}{more})")

    def sql(self, template: str, **parts: str) -> str:
        """Compose a statement on the table, `{target}`."""
        return composed(template, target=qualified(self.table.name), **parts)

    def refuse(self, sentence: str) -> None:
        """Refuse all changes."""
        self.plan.refusals.append(f"{self.table.name}: {sentence}")

    def do(self, *statements: str) -> None:
        """Add statements to the plan."""
        self.plan.statements += statements

    def alter(self, name: str, change: str) -> None:
        """Change a column."""
        template = "alter table {target} alter column {name} {change}"
        self.do(self.sql(template, name=quoted(name), change=change))


def default_sql(field: Kind | None) -> str:
    """Compose the default of a field; empty if it has none."""
    if field is None or field.default is None:
        return ""
    text = unescape(field.copy_text(field.default))
    return f"cast({literal(text)} as {field.postgres_type})"


def compiled(element: sa.schema.ExecutableDDLElement) -> str:
    """Write a statement of SQLAlchemy's as text."""
    return str(element.compile(dialect=postgresql.dialect())).strip()  # type: ignore[no-untyped-call]
