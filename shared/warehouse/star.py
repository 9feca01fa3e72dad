"""Projects the dictionary's tables to the tables of the warehouse, as `Warehouse` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared import tables
from shared.database import sql as postgres
from shared.tables import stored
from shared.tables.kind import Kind
from shared.tables.places import MOST_SORTED, UNSORTED
from shared.tables.table import Table
from shared.tables.warehouse import UtcDay, Warehouse
from shared.warehouse.columns import Column, columns
from shared.warehouse.names import quoted


@dataclass(frozen=True)
class Derived:
    """A column of the target that is computed from the fields of a row.

    Attributes:
        type: its GoogleSQL type.
        description: what it is.
        bigquery: an expression over the staged fields.
        postgres: the same expression over the fields in PostgreSQL, for reconciling.
    """

    type: str
    description: str
    bigquery: str
    postgres: str


@dataclass(frozen=True)
class Projection:
    """A table of the dictionary together with its table in the warehouse."""

    table: Table

    @property
    def place(self) -> Warehouse:
        """How the warehouse keeps it."""
        return self.table.warehouse

    @property
    def target(self) -> str:
        """Name of the table in the warehouse."""
        return self.table.warehouse_name

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of a staging table: those of a stored row, as in its Avro schema."""
        return columns(self.table)

    @property
    def projected(self) -> tuple[Column, ...]:
        """The columns of the target that a stored row also has, by their names in the target."""
        return tuple(replace(c, name=self._named(c.name)) for c in self.staged)

    @property
    def derived(self) -> Mapping[str, Derived]:
        """The columns of the target that are computed from fields, by their names."""
        return {name: _day(one) for name, one in self.place.derived.items()}

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of the target; one that is derived follows the field it is derived from."""
        found = []
        for staged, projected in zip(self.staged, self.projected, strict=True):
            found.append(projected)
            for name, day in self.place.derived.items():
                if day.of == staged.name:
                    derived = self.derived[name]
                    found.append(Column(name, derived.type, derived.description, staged.nullable))
        return tuple(found)

    @property
    def key(self) -> tuple[str, ...]:
        """The key, by its names in the target."""
        return tuple(map(self._named, stored.key(self.table)))

    @property
    def cluster(self) -> tuple[str, ...]:
        """The columns that the target is clustered by."""
        if self.place.cluster:
            return self.place.cluster
        types = {column.name: column.type for column in self.projected}
        return tuple(name for name in self.key if types[name] not in UNSORTED)[:MOST_SORTED]

    @property
    def selection(self) -> dict[str, str]:
        """For each column of the target, its expression over the staged columns."""
        own = {self._named(c.name): quoted(c.name) for c in self.staged}
        return own | {name: derived.bigquery for name, derived in self.derived.items()}

    def field_of(self, column: str) -> Kind | None:
        """Return the field that a column of the target holds, if it is one's."""
        return next((f for n, f in self.table.fields.items() if self._named(n) == column), None)

    def earlier_names(self, column: str) -> Sequence[str]:
        """Return the names that a column of the target had before, newest first."""
        field = self.field_of(column)
        return () if field is None else field.was

    def of_target(self, derived: str) -> str:
        """Return the expression of a derived column over the columns of the target."""
        return _day_of(self._named(self.place.derived[derived].of))

    def _named(self, field: str) -> str:
        return self.place.rename.get(field, field)


def projections() -> tuple[Projection, ...]:
    """Return every table of the dictionary with its place, parents first."""
    return tuple(map(Projection, tables.all_tables().values()))


def _day(of: UtcDay) -> Derived:
    return Derived(
        "DATE",
        of.description,
        _day_of(of.of),
        f"cast({postgres.quoted(of.of)} at time zone 'UTC' as date)",
    )


def _day_of(column: str) -> str:
    return f"date({quoted(column)})"
