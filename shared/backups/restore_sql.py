"""Composes the SQL of a restore from the dictionary: names only, never values.

tests/golden/backups/restore_sql.sql has every statement as composed for `hired_employees`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from shared.database.sql import (
    columns,
    composed,
    equal,
    json_object,
    listed,
    literal,
    qualified,
    quoted,
    restore_lock_key,
    row,
)
from shared.tables import stored
from shared.tables.column import StoredColumn
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
    def stored_columns(self) -> Mapping[str, StoredColumn]:
        """The columns of a stored row."""
        return stored.columns(self.table)

    @property
    def target(self) -> str:
        """The table itself."""
        return qualified(self.table.name)

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
        """Create the temporary table of the backup's rows."""
        typed = listed(
            f"{quoted(name)} {column.postgres_type}" for name, column in self.stored_columns.items()
        )
        return self._composed(
            """
            create temporary table {restored} (
                {typed}
            ) on commit drop
            """,
            typed=typed,
        )

    @cached_property
    def copy(self) -> str:
        """Stage rows from COPY text."""
        return self._composed("copy {restored} ({columns})\nfrom stdin (null '')")

    @cached_property
    def copy_binary(self) -> str:
        """Stage rows from COPY's binary format."""
        return self._composed("copy {restored} ({columns})\nfrom stdin (format binary)")

    @cached_property
    def doubled(self) -> str:
        """Select the first keys that occur more than once, and count them."""
        return self._composed("""
            select {key}, count(*) over ()
            from {restored}
            group by {key}
            having count(*) > 1
            order by {key}
            limit {shown}
        """)

    @cached_property
    def lock_out_loads(self) -> str:
        """Make loads of the table wait until the transaction ends."""
        return self._composed("select pg_advisory_xact_lock({restore_lock_key})")

    @cached_property
    def lock(self) -> str:
        """Lock the table against changes by anything but loads."""
        return self._composed("lock table {target}\nin share row exclusive mode")

    def without_parent(self, reference: Reference) -> str:
        """Select the first keys of restored rows that have no parent, and count them."""
        places = [qualified(reference.table)]
        if reference.table == self.table.name:
            # A replaced table has only the restored rows.
            places = [self.restored] if self.mode == "replace" else [*places, self.restored]
        missing = [
            f"restored.{quoted(name)} is not null"
            for name in reference.fields
            if self.table.fields[name].nullable
        ]
        missing += [
            composed(
                """
                not exists (
                    select from {place} as parent
                    where {same_key}
                )
                """,
                place=place,
                same_key=_same(reference, "parent", "restored"),
            )
            for place in places
        ]
        return self._composed(
            """
            select {restored_key}, count(*) over ()
            from {restored} as restored
            where {missing}
            order by {restored_key}
            limit {shown}
            """,
            missing="\nand ".join(missing),
        )

    def not_unique(self, fields: tuple[str, ...]) -> str:
        """Select the first keys of restored rows that share unique values with another row."""
        present = [f"{quoted(n)} is not null" for n in fields if self.table.fields[n].nullable]
        return self._composed(
            """
            select {key}, count(*) over ()
            from (
                select *, count(*) over (partition by {fields}) as "rows with them"
                from (
                    select {compared}, true as "is restored"
                    from {restored}
                    {stored_too}
                ) as together
                {where}
            ) as counted
            where "rows with them" > 1 and "is restored"
            order by {fields}, {key}
            limit {shown}
            """,
            fields=columns(fields),
            compared=self._compared(fields),
            stored_too=self._rows_that_stay(fields) if self.mode == "merge" else "",
            where=f"where {' and '.join(present)}" if present else "",
        )

    def _rows_that_stay(self, fields: tuple[str, ...]) -> str:
        return self._composed(
            """
            union all
            select {compared}, false
            from {target} as stored
            where not exists (
                select from {restored} as restored
                where {stored_is_restored}
            )
            """,
            compared=self._compared(fields),
        )

    def _compared(self, fields: tuple[str, ...]) -> str:
        return columns(dict.fromkeys((*stored.key(self.table), *fields)))

    def left_behind(self, child: Table, reference: Reference) -> str:
        """Select the first keys of a child's rows whose parent would be deleted, and count them."""
        return self._composed(
            """
            select {child_key}, count(*) over ()
            from {child} as child
            join {changes} as changes on {same_key}
            where changes."what changes" = 'deleted'
            order by {child_key}
            limit {shown}
            """,
            child=qualified(child.name),
            child_key=columns(stored.key(child), "child"),
            same_key=_same(reference, "changes", "child"),
        )

    @cached_property
    def compare(self) -> str:
        """Record which keys change: `inserted`, `updated`, `deleted`, or `confirmed`.

        A confirmed row differs only in its load_id and accepted_at.
        """
        key = [
            f"coalesce(restored.{name}, stored.{name}) as {name}"
            for name in map(quoted, stored.key(self.table))
        ]
        return self._composed(
            """
            create temporary table {changes} on commit drop as
            select
                {either_key},
                case
                    when stored.{first} is null then 'inserted'
                    when restored.{first} is null then 'deleted'
                    when {fields_differ} then 'updated'
                    else 'confirmed'
                end as "what changes"
            from {restored} as restored
            {join} join {target} as stored on {stored_is_restored}
            where {fields_differ}
                or {own_columns_differ}
            """,
            either_key=listed(key),
            first=quoted(stored.key(self.table)[0]),
            fields_differ=_differ(self.table.names),
            join="full" if self.mode == "replace" else "left",
            own_columns_differ=_differ(tuple(stored.COLUMNS)),
        )

    @cached_property
    def counts(self) -> str:
        """Count the keys of each change."""
        return self._composed('select "what changes", count(*)\nfrom {changes}\ngroup by 1')

    @cached_property
    def examples(self) -> str:
        """Select the first keys of each change."""
        return self._composed("""
            select "what changes", {key}
            from (
                select
                    *,
                    row_number() over (partition by "what changes" order by {key}) as "the place"
                from {changes}
            ) as numbered
            where "the place" <= {shown} and "what changes" <> 'confirmed'
            order by "what changes", {key}
        """)

    @cached_property
    def unchanged(self) -> str:
        """Select the first keys of restored rows that are the same already."""
        return self._composed("""
            select {restored_key}
            from {restored} as restored
            where not exists (
                select from {changes} as changes
                where {changes_is_restored} and changes."what changes" <> 'confirmed'
            )
            order by {restored_key}
            limit {shown}
        """)

    def keep_versions(self, *, keeps_own: bool) -> str:
        """Copy the rows that the restore updates, confirms or deletes to row_versions.

        Args:
            keeps_own: as for `update`.
        """
        return self._composed(
            """
            insert into row_versions
                (table_name, key, row, {own_columns}, reason, replaced_by)
            select
                {table_name},
                {key_json},
                case when changes."what changes" <> 'confirmed' then {row_json} end,
                {own_values},
                case changes."what changes"
                    when 'updated' then 'replaced' else changes."what changes"
                end,
                cast(:load_id as uuid)
            from {target} as stored
            join {changes} as changes on {changes_is_stored}
            where changes."what changes" in ({changed}, 'deleted')
            """,
            changed=self._updated(keeps_own),
            table_name=literal(self.table.name),
            key_json=json_object(stored.key(self.table), "stored"),
            row_json=json_object(self.table.names, "stored"),
            own_columns=columns(stored.COLUMNS),
            own_values=columns(stored.COLUMNS, "stored"),
        )

    @cached_property
    def insert(self) -> str:
        """Insert the rows that the table lacks."""
        return self._composed(
            """
            insert into {target}
                ({columns})
            select
                {restored_columns}
            from {restored} as restored
            join {changes} as changes on {changes_is_restored}
            where changes."what changes" = 'inserted'
            order by {restored_key}
            """,
            restored_columns=columns(self.stored_columns, "restored"),
        )

    def update(self, *, keeps_own: bool) -> str:
        """Update the rows that differ.

        Args:
            keeps_own: whether the backup's rows have their load_id and accepted_at. A replaced
                table gets these back even if nothing else of a row has changed.
        """
        named = [quoted(name) for name in self.stored_columns if name not in stored.key(self.table)]
        return self._composed(
            """
            update {target} as stored
            set
                {values}
            from {restored} as restored
            join {changes} as changes on {changes_is_restored}
            where {stored_is_restored}
                and changes."what changes" in ({updated})
            """,
            values=listed(f"{name} = restored.{name}" for name in named),
            updated=self._updated(keeps_own),
        )

    @cached_property
    def delete(self) -> str:
        """Delete the rows that the backup does not have."""
        return self._composed("""
            delete from {target} as stored
            using {changes} as changes
            where {changes_is_stored} and changes."what changes" = 'deleted'
        """)

    def _updated(self, keeps_own: bool) -> str:
        whole = keeps_own and self.mode == "replace"
        return "'updated', 'confirmed'" if whole else "'updated'"

    def _composed(self, template: str, **parts: str) -> str:
        key = stored.key(self.table)
        return composed(
            template,
            target=self.target,
            restored=self.restored,
            changes=self.changes,
            restore_lock_key=restore_lock_key(self.table.name),
            columns=columns(self.stored_columns),
            key=columns(key),
            restored_key=columns(key, "restored"),
            stored_is_restored=equal(key, "stored", "restored"),
            changes_is_restored=equal(key, "changes", "restored"),
            changes_is_stored=equal(key, "changes", "stored"),
            shown=str(SHOWN),
            **parts,
        )


def _same(reference: Reference, parent: str, child: str) -> str:
    return " and ".join(
        f"{parent}.{quoted(key)} = {child}.{quoted(field)}" for field, key in reference.pairs
    )


def _differ(names: tuple[str, ...]) -> str:
    return f"{row(names, 'restored')} is distinct from {row(names, 'stored')}"
