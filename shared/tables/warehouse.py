"""A table's place in the warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class UtcDay:
    """A column of the warehouse that no field has: the day in UTC of a Timestamp.

    Attributes:
        of: the Timestamp field.
        description: what the day is.
    """

    of: str
    description: str


@dataclass(frozen=True)
class Warehouse:
    """How the warehouse keeps a table.

    Attributes:
        name: its name there; by default the table's own.
        rename: fields that have another name there.
        derived: columns that are computed from fields, by their names.
        partition: the Date or Timestamp column it is partitioned by, by its name there; None for
            a table that is not.
        partition_by: how much time a partition holds. BigQuery allows 10,000 partitions: 27 years
            of days, 833 of months.
        cluster: at most four columns it is sorted by, by their names there; by default the key.
    """

    name: str = ""
    rename: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, UtcDay] = field(default_factory=dict)
    partition: str | None = None
    partition_by: Literal["day", "month", "year"] = "day"
    cluster: tuple[str, ...] = ()
