# ruff: noqa: S608 - composed from names of the dictionary alone, through one quoting function
"""The SQL of a restore, composed from the dictionary: names only, never values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from shared.avro.postgres import column_types
from shared.backups.mapping import OWN_COLUMNS
from shared.database.sql import literal, quoted
from shared.tables.table import Reference, Table

Mode = Literal["replace", "merge"]
SHOWN = 10


@dataclass(frozen=True)
class Statements:
    """Statements for restoring one table.

    Attributes:
        table: the table.
        mode: `replace`, or `merge`, which deletes nothing.
    """

    table: Table
    mode: Mode

    @property
    def types(self) -> Mapping[str, str]:
        """The columns of a stored row and their types."""
        return column_types(self.table)

    @property
    def target(self) -> str:
        """The table itself."""
        return f"public.{quoted(self.table.name)}"

    @property
    def restored(self) -> str:
        """The temporary table of the backup's rows."""
        return quoted(f"restored_{self.table.name}"[:63])

    @property
    def changes(self) -> str:
        """The temporary table of the keys whose rows change, and how."""
        return quoted(f"changes_{self.table.name}"[:63])

    @cached_property
    def create(self) -> str:
        """Make the temporary table of the backup's rows."""
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self.types.items())
        return f"create temporary table {self.restored} ({columns}) on commit drop"

    @cached_property
    def copy(self) -> str:
        """Stage rows from COPY text."""
        return f"copy {self.restored} ({self._columns()}) from stdin"

    @cached_property
    def copy_binary(self) -> str:
        """Stage rows from COPY's binary format."""
        return f"{self.copy} (format binary)"

    @cached_property
    def doubled(self) -> str:
        """The first keys that come more than once, and how many there are."""
        return f"""
            select {self._key()}, count(*) over ()
            from {self.restored}
            group by {self._key()}
            having count(*) > 1
            order by {self._key()}
            limit {SHOWN}
        """

    def without_parent(self, reference: Reference) -> str:
        """The first keys of restored rows that have no parent, and how many there are."""
        parent, key = f"public.{quoted(reference.table)}", quoted(reference.key)
        field = quoted(reference.field)
        there = [f"not exists (select from {parent} p where p.{key} = r.{field})"]
        if reference.table == self.table.name:
            there.append(f"not exists (select from {self.restored} p where p.{key} = r.{field})")
            if self.mode == "replace":
                del there[0]
        return f"""
            select {self._key("r")}, count(*) over ()
            from {self.restored} r
            where {" and ".join(there)}
            order by {self._key("r")}
            limit {SHOWN}
        """

    def left_behind(self, child: Table, reference: Reference) -> str:
        """The first keys of a child's rows whose parent would go, and how many there are."""
        names = ", ".join(f"c.{quoted(name)}" for name in child.key)
        return f"""
            select {names}, count(*) over ()
            from public.{quoted(child.name)} c
            join {self.changes} d on d.{quoted(reference.key)} = c.{quoted(reference.field)}
            where d.change = 'deleted'
            order by {names}
            limit {SHOWN}
        """

    @cached_property
    def compare(self) -> str:
        """Note which keys change: `inserted`, `updated`, `deleted`, or `confirmed`.

        A confirmed row is the same but for accepted_at and load_id.
        """
        join = "full" if self.mode == "replace" else "left"
        key = ", ".join(f"coalesce(r.{c}, t.{c}) as {c}" for c in map(quoted, self.table.key))
        first = quoted(self.table.key[0])
        own = self._row("r", OWN_COLUMNS), self._row("t", OWN_COLUMNS)
        fields = self._row("r", self.table.names), self._row("t", self.table.names)
        return f"""
            create temporary table {self.changes} on commit drop as
            select {key},
                case
                    when t.{first} is null then 'inserted'
                    when r.{first} is null then 'deleted'
                    when {fields[0]} is distinct from {fields[1]} then 'updated'
                    else 'confirmed'
                end as change
            from {self.restored} r
            {join} join {self.target} t on {self._same_key("t", "r")}
            where {fields[0]} is distinct from {fields[1]}
                or {own[0]} is distinct from {own[1]}
        """

    @cached_property
    def counts(self) -> str:
        """How many keys there are of each change."""
        return f"select change, count(*) from {self.changes} group by change"

    @cached_property
    def examples(self) -> str:
        """The first keys of each change."""
        return f"""
            select change, {self._key()}
            from (
                select *, row_number() over (partition by change order by {self._key()}) as place
                from {self.changes}
            ) c
            where place <= {SHOWN} and change <> 'confirmed'
            order by change, {self._key()}
        """

    @cached_property
    def unchanged(self) -> str:
        """The first keys of restored rows that are the same already."""
        return f"""
            select {self._key("r")}
            from {self.restored} r
            where not exists (
                select from {self.changes} d
                where {self._same_key("d", "r")} and d.change <> 'confirmed'
            )
            order by {self._key("r")}
            limit {SHOWN}
        """

    @cached_property
    def keep_replaced(self) -> str:
        """Keep what the restore replaces or deletes."""
        name = literal(self.table.name)
        return f"""
            insert into replaced_rows (table_name, key, row, accepted_at, load_id, replaced_by)
            select {name}, {self._as_json("t", self.table.key)},
                {self._as_json("t", self.table.names)}, t.accepted_at, t.load_id,
                cast(:load_id as uuid)
            from {self.target} t
            join {self.changes} d on {self._same_key("d", "t")}
            where d.change in ('updated', 'deleted')
        """

    @cached_property
    def insert(self) -> str:
        """Insert the rows that are not there."""
        columns = ", ".join(f"r.{quoted(name)}" for name in self.types)
        return f"""
            insert into {self.target} ({self._columns()})
            select {columns}
            from {self.restored} r
            join {self.changes} d on {self._same_key("d", "r")}
            where d.change = 'inserted'
            order by {self._key("r")}
        """

    def update(self, *, keeps_own: bool) -> str:
        """Update the rows that are other ones.

        Args:
            keeps_own: whether the backup's rows say by which load they came, and when. A table that
                is replaced gets that back even where nothing else of a row has changed.
        """
        named = [quoted(name) for name in self.types if name not in self.table.key]
        sets = ", ".join(f"{column} = r.{column}" for column in named)
        whole = keeps_own and self.mode == "replace"
        changes = "'updated', 'confirmed'" if whole else "'updated'"
        return f"""
            update {self.target} t
            set {sets}
            from {self.restored} r
            join {self.changes} d on {self._same_key("d", "r")}
            where {self._same_key("t", "r")} and d.change in ({changes})
        """

    @cached_property
    def delete(self) -> str:
        """Delete the rows that the backup does not have."""
        return f"""
            delete from {self.target} t
            using {self.changes} d
            where {self._same_key("d", "t")} and d.change = 'deleted'
        """

    def _columns(self) -> str:
        return ", ".join(map(quoted, self.types))

    def _key(self, alias: str = "") -> str:
        before = f"{alias}." if alias else ""
        return ", ".join(f"{before}{quoted(name)}" for name in self.table.key)

    def _same_key(self, one: str, other: str) -> str:
        return " and ".join(f"{one}.{c} = {other}.{c}" for c in map(quoted, self.table.key))

    @staticmethod
    def _row(alias: str, names: tuple[str, ...]) -> str:
        return f"({', '.join(f'{alias}.{quoted(name)}' for name in names)})"

    @staticmethod
    def _as_json(alias: str, names: tuple[str, ...]) -> str:
        pairs = ", ".join(f"{literal(name)}, {alias}.{quoted(name)}" for name in names)
        return f"jsonb_build_object({pairs})"
