"""What a company does with its tables: what it sends, and what must become of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Files = tuple[tuple[str, str], ...]
"""Names of files, and their content."""


@dataclass(frozen=True)
class Batch:
    """Rows that are sent over HTTP.

    Attributes:
        table: their table.
        rows: the rows.
        accepted: how many of them are valid.
    """

    table: str
    rows: tuple[Mapping[str, Any], ...]
    accepted: int


@dataclass(frozen=True)
class Answer:
    """A call, and what it answers.

    Attributes:
        path: its path and query; `{load_id}` stands for the load of the first of the children.
        json: the answer, without the columns that no field of the table is.
    """

    path: str
    json: Any


@dataclass(frozen=True)
class Difference:
    """A row that is changed in the warehouse behind the platform's back.

    Attributes:
        statement: what changes it; `{dataset}` stands for the dataset.
        key: the key of the row, as far as it is known before.
        fields: the fields that differ then.
    """

    statement: str
    key: Mapping[str, Any]
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A company: its folder has its tables and metrics.

    Attributes:
        folder: the folder.
        children: files whose rows wait for their parents.
        batch: a batch whose rows wait, too.
        waiting: how many rows wait before their parents have come.
        parents: the files of the parents.
        still_waiting: how many rows wait afterwards.
        rejects: the faults of rejected rows: table, field and code, in the order of the alphabet.
        stored: for each table its fields, and its rows in the order of the first two.
        row: a call for one row.
        metric: a call of the company's own metric, with the rows of its answer.
        csv: the same answer as CSV.
        damage: statements that spoil the database.
        restored: how many rows a restore then inserts, updates and deletes.
        differences: differences to plant in the warehouse, by table.
    """

    folder: Path
    children: Files
    batch: Batch
    waiting: int
    parents: Files
    still_waiting: int
    rejects: tuple[tuple[str, str, str], ...]
    stored: Mapping[str, tuple[str, list[tuple[Any, ...]]]]
    row: Answer
    metric: Answer
    csv: str
    damage: tuple[str, ...]
    restored: tuple[int, int, int]
    differences: Mapping[str, Difference]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @cached_property
    def metric_name(self) -> str:
        """The name of its metric."""
        (found,) = (path.stem for path in (self.folder / "metrics").glob("*.py"))
        return found
