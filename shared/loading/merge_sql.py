"""The SQL of staging and merging, composed from the dictionary: names only, never values.

The values that a load brings, its id, its time and its sender, are read from settings of the
transaction, so that no statement has parameters: each is sent as it stands, in one round trip.

Every statement works on the table's staging table, a temporary one that each connection makes once
and that empties itself at the end of every transaction.
"""

from dataclasses import dataclass
from functools import cached_property

from shared.database.sql import literal, quoted, turn
from shared.tables.table import Reference, Table

_LOAD_ID = "cast(current_setting('tablegate.load_id') as uuid)"
_ACCEPTED_AT = "cast(current_setting('tablegate.accepted_at') as timestamptz)"
_SENDER = "nullif(current_setting('tablegate.sender'), '')"


@dataclass(frozen=True)
class Staging:
    """Statements for one table."""

    table: Table

    @cached_property
    def name(self) -> str:
        """The staging table."""
        return quoted(f"staged_{self.table.name}"[:63])

    @cached_property
    def known(self) -> str:
        """What the table holds under the staged keys, beside what is staged."""
        return quoted(f"known_{self.table.name}"[:63])

    @cached_property
    def target(self) -> str:
        """The table itself."""
        return f"public.{quoted(self.table.name)}"

    @cached_property
    def hold(self) -> str:
        """Keep restores of the table away until the transaction ends; other loads may go on."""
        return f"select {self._hold}"

    @cached_property
    def begin(self) -> str:
        """The same, and say on whose behalf the transaction works."""
        return f"""
            select set_config('tablegate.load_id', :load_id, true),
                set_config('tablegate.accepted_at', :accepted_at, true),
                set_config('tablegate.sender', :sender, true),
                {self._hold}
        """

    @property
    def _hold(self) -> str:
        return f"pg_advisory_xact_lock_shared({turn(self.table.name)})"

    @cached_property
    def create(self) -> str:
        """Make the staging tables, where this connection has none yet."""
        columns = ", ".join(
            f"{quoted(name)} {self.table.fields[name].postgres_type}" for name in self.table.names
        )
        new = "".join(
            f", {_new(name)} {self.table.fields[name].postgres_type}" for name, _ in self._pairs()
        )
        return f"""
            create temporary table if not exists {self.name} (position bigint, {columns})
                on commit delete rows;
            create temporary table if not exists {self.known} (
                {columns}, accepted_at timestamptz, load_id uuid{new}, same boolean, newer boolean,
                position bigint
            ) on commit delete rows
        """

    @cached_property
    def copy(self) -> str:
        """Stage rows from COPY text."""
        return f"copy {self.name} (position, {self._columns()}) from stdin"

    @cached_property
    def probe(self) -> str:
        """How many staged rows share their key, lack a parent, and are known to the table.

        Where none do, as in most loads, the statements that deal with them need not run.
        """
        orphaned = " or ".join(f"not {self._parent(r)}" for r in self.table.references)
        return f"""
            select count(*) - count(distinct {self._row("s", self.table.key)}),
                count(*) filter (where {orphaned or "false"}),
                count(*) filter (where exists (
                    select from {self.target} t where {self._same_key("t", "s")}
                ))
            from {self.name} s
        """

    @cached_property
    def keep_last(self) -> str:
        """Of rows with the same key keep the last; the others are superseded."""
        return f"""
            delete from {self.name} s
            using (
                select {self._key()}, max(position) as last
                from {self.name}
                group by {self._key()}
                having count(*) > 1
            ) d
            where {self._same_key("s", "d")} and s.position < d.last
        """

    @cached_property
    def keep_first(self) -> str:
        """Of rows with the same key keep the first; the others go to rejected_rows.

        For tables that turn conflicts away. A row that only says the first again is dropped.
        Gives the counts (unchanged, rejected).
        """
        return f"""
            with doubled as (
                select {self._key()}, min(position) as first
                from {self.name}
                group by {self._key()}
                having count(*) > 1
            ),
            later as (
                delete from {self.name} s
                using doubled d, {self.name} f
                where {self._same_key("s", "d")} and s.position > d.first
                    and {self._same_key("f", "d")} and f.position = d.first
                returning s.*, {self._row("s")} is not distinct from {self._row("f")} as same
            ),
            refused as ({self._reject("later", "rejected", self._conflict(), "where not same")})
            select count(*) filter (where same), count(*) filter (where not same) from later
        """

    @cached_property
    def park(self) -> str:
        """Move rows whose parent is missing to rejected_rows, as waiting."""
        orphaned = " or ".join(f"not {self._parent(r)}" for r in self.table.references)
        missing = " || ".join(
            f"case when {self._parent(r, 'o')} then '[]'::jsonb else "
            f"{_json_error(r.field, 'missing_parent', {'table': r.table})} end"
            for r in self.table.references
        )
        return f"""
            with o as (delete from {self.name} s where {orphaned} returning s.*)
            {self._reject("o", "waiting", missing)}
        """

    @cached_property
    def find_known(self) -> str:
        """Lock the rows of the table whose keys are staged, and set them beside the staged ones.

        A statement of its own: the next one sees each row as it was locked, and where nothing is
        known, as in most loads, there is no next one. Row by row through the key's index, in the
        order of the keys: a join would read all of a table whose statistics lag behind.
        """
        return f"""
            insert into {self.known}
            select {self._existing()}, {self._row("t")} is not distinct from {self._row("s")},
                (t.accepted_at, t.load_id) > ({_ACCEPTED_AT}, {_LOAD_ID}), s.position
            from (select * from {self.name} order by {self._key()}) s
            cross join lateral (
                select * from {self.target} t
                where {self._same_key("t", "s")} and t.load_id <> {_LOAD_ID}
                for update
            ) t
        """

    @cached_property
    def merge_known(self) -> str:
        """Merge the staged rows whose key is stored, and unstage them.

        The newest accepted version stays; what an update replaces is kept. Gives the counts
        (unchanged, superseded, updated).
        """
        sets = ", ".join(
            [f"{column} = e.{_new(name)}" for name, column in self._pairs()]
            + [f"accepted_at = {_ACCEPTED_AT}", f"load_id = {_LOAD_ID}"]
        )
        return f"""
            with e as (select * from {self.known}),
            kept as (
                insert into replaced_rows
                    (table_name, key, row, accepted_at, load_id, replaced_by)
                select {literal(self.table.name)}, {self._as_json("e", self.table.key)},
                    {self._as_json("e", self.table.names)}, accepted_at, load_id,
                    {_LOAD_ID}
                from e where not same and not newer
            ),
            changed as (
                update {self.target} t set {sets}
                from e where not e.same and not e.newer and {self._same_key("t", "e")}
            ),
            confirmed as (
                update {self.target} t set accepted_at = {_ACCEPTED_AT}
                from e
                where e.same and e.accepted_at < {_ACCEPTED_AT} and {self._same_key("t", "e")}
            ),
            {self._unstaged()}
            select count(*) filter (where same), count(*) filter (where not same and newer),
                count(*) filter (where not same and not newer)
            from e
        """

    @cached_property
    def refuse_known(self) -> str:
        """Turn away the staged rows whose key is stored with other values, and unstage them.

        For tables that turn conflicts away. Gives the counts (unchanged, rejected).
        """
        new = ", ".join(f"{_new(name)} as {column}" for name, column in self._pairs())
        given = ", ".join(["position", "same", self._key(), *filter(None, [new])])
        return f"""
            with e as (select {given} from {self.known}),
            refused as ({self._reject("e", "rejected", self._conflict(), "where not same")}),
            {self._unstaged()}
            select count(*) filter (where same), count(*) filter (where not same) from e
        """

    @cached_property
    def insert_new(self) -> str:
        """Insert the staged rows; one whose key came in meanwhile is left for the next round."""
        return f"""
            insert into {self.target} ({self._columns()}, accepted_at, load_id)
            select {self._columns()}, {_ACCEPTED_AT}, {_LOAD_ID}
            from {self.name}
            order by {self._key()}
            on conflict ({self._key()}) do nothing
        """

    @cached_property
    def restage(self) -> str:
        """Stage the rows of the load that wait and need to wait no more, and take them off."""
        free = " and ".join(
            f"exists (select from public.{quoted(r.table)} p where p.{quoted(r.key)} = "
            f"{self._waiting_value(r.field)})"
            for r in self.table.references
        )
        values = ", ".join(self._waiting_value(name) for name in self.table.names)
        return f"""
            with free as (
                select reject_id, raw from rejected_rows w
                where status = 'waiting' and table_name = {literal(self.table.name)}
                    and load_id = {_LOAD_ID} and {free}
                for update skip locked
            ),
            taken as (
                update rejected_rows r set status = 'loaded' from free
                where r.reject_id = free.reject_id
            )
            insert into {self.name} (position, {self._columns()})
            select reject_id, {values} from free w
        """

    @cached_property
    def releasable(self) -> str:
        """The loads that have rows waiting without need, oldest accepted first."""
        free = " and ".join(
            f"exists (select from public.{quoted(r.table)} p where p.{quoted(r.key)} = "
            f"{self._waiting_value(r.field)})"
            for r in self.table.references
        )
        return f"""
            select l.load_id, l.accepted_at, l.sender
            from loads l
            where l.load_id in (
                select load_id from rejected_rows w
                where status = 'waiting' and table_name = {literal(self.table.name)} and {free}
            )
            order by l.accepted_at, l.load_id
        """

    def _columns(self) -> str:
        return ", ".join(quoted(name) for name in self.table.names)

    def _pairs(self) -> list[tuple[str, str]]:
        return [(name, quoted(name)) for name in self.table.names if name not in self.table.key]

    def _key(self) -> str:
        return ", ".join(quoted(name) for name in self.table.key)

    def _row(self, alias: str, names: tuple[str, ...] = ()) -> str:
        return f"({', '.join(f'{alias}.{quoted(name)}' for name in names or self.table.names)})"

    def _same_key(self, one: str, other: str) -> str:
        return " and ".join(f"{one}.{quoted(n)} = {other}.{quoted(n)}" for n in self.table.key)

    def _existing(self) -> str:
        stored = [f"t.{quoted(name)}" for name in (*self.table.names, "accepted_at", "load_id")]
        return ", ".join([*stored, *(f"s.{column}" for _, column in self._pairs())])

    def _unstaged(self) -> str:
        same = self._same_key("s", "e")
        return f"""
            unstaged as (delete from {self.name} s using e where {same}),
            emptied as (delete from {self.known})
        """

    def _parent(self, reference: Reference, alias: str = "s") -> str:
        field, key = quoted(reference.field), quoted(reference.key)
        parent = f"public.{quoted(reference.table)}"
        found = f"exists (select from {parent} p where p.{key} = {alias}.{field})"
        if reference.table != self.table.name:
            return found
        return f"({found} or exists (select from {self.name} p where p.{key} = {alias}.{field}))"

    def _waiting_value(self, field: str) -> str:
        return f"cast(w.raw ->> {literal(field)} as {self.table.fields[field].postgres_type})"

    def _conflict(self) -> str:
        return _json_error("_row", "conflict", {})

    @staticmethod
    def _as_json(alias: str, names: tuple[str, ...]) -> str:
        pairs = ", ".join(f"{literal(name)}, {alias}.{quoted(name)}" for name in names)
        return f"jsonb_build_object({pairs})"

    def _reject(self, rows: str, status: str, errors: str, where: str = "") -> str:
        return f"""
            insert into rejected_rows
                (load_id, sender, table_name, position, raw, errors, reason, status)
            select {_LOAD_ID}, {_SENDER}, {literal(self.table.name)}, o.position,
                {self._as_json("o", self.table.names)}, errors, errors -> 0 ->> 'code',
                {literal(status)}
            from {rows} o cross join lateral (select {errors} as errors) x
            {where}
        """


def _new(name: str) -> str:
    return quoted(f"new {name}"[:63])


def _json_error(field: str, code: str, facts: dict[str, str]) -> str:
    pairs = ", ".join(f"{literal(name)}, {literal(value)}" for name, value in facts.items())
    return (
        "jsonb_build_array(jsonb_build_object("
        f"'field', {literal(field)}, 'code', {literal(code)}, "
        f"'facts', jsonb_build_object({pairs})))"
    )
