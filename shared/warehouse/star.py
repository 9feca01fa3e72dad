"""Projects the dictionary's tables to the star schema.

A table without an entry in `_STAR` has the same name and columns in the warehouse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared import tables
from shared.tables.table import Table
from shared.warehouse.columns import Column, columns
from shared.warehouse.names import quoted


@dataclass(frozen=True)
class Derived:
    """A column of the target that is computed from the fields of a row.

    Attributes:
        type: its GoogleSQL type.
        bigquery: an expression over the staged fields.
        postgres: the same expression over the fields in PostgreSQL, for reconciling.
    """

    type: str
    bigquery: str
    postgres: str


@dataclass(frozen=True)
class Place:
    """A table's place in the star schema.

    Attributes:
        target: the dimension or fact table, which has a file in `sql/tables`.
        renamed: fields that have another name in the target.
        derived: columns of the target that are computed from fields.
    """

    target: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Derived] = field(default_factory=dict)


_STAR = {
    "departments": Place("dim_departments"),
    "jobs": Place("dim_jobs"),
    "hired_employees": Place(
        "fact_hires",
        renamed={"datetime": "hired_at"},
        # The day in UTC, by which the fact table is partitioned and joined with dim_dates.
        derived={
            "hired_on": Derived(
                "DATE", "date(`datetime`)", "cast(\"datetime\" at time zone 'UTC' as date)"
            )
        },
    ),
}


@dataclass(frozen=True)
class Projection:
    """A table of the dictionary together with its table in the warehouse."""

    table: Table
    place: Place
    in_star: bool

    @property
    def target(self) -> str:
        """Name of the table in the warehouse."""
        return self.place.target

    @property
    def staged(self) -> tuple[Column, ...]:
        """The columns of a staging table: those of a stored row, as in its Avro schema."""
        return columns(self.table)

    @property
    def projected(self) -> tuple[Column, ...]:
        """The columns of the target that a stored row also has, by their names in the target."""
        return tuple(replace(c, name=self.place.renamed.get(c.name, c.name)) for c in self.staged)

    @property
    def key(self) -> tuple[str, ...]:
        """The key, by its names in the target."""
        return tuple(self.place.renamed.get(name, name) for name in self.table.key)

    @property
    def selection(self) -> dict[str, str]:
        """For each column of the target, its expression over the staged columns."""
        own = {self.place.renamed.get(c.name, c.name): quoted(c.name) for c in self.staged}
        return own | {name: derived.bigquery for name, derived in self.place.derived.items()}


def projections() -> tuple[Projection, ...]:
    """Return every table of the dictionary with its place, parents first."""
    return tuple(
        Projection(table, _STAR.get(table.name, Place(table.name)), table.name in _STAR)
        for table in tables.all_tables().values()
    )
