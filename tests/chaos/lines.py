"""The rows that schedules send, good and bad, and how they are written as CSV and JSON."""

import csv
import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FIELDS = {
    "departments": ("id", "department"),
    "jobs": ("id", "job"),
    "hired_employees": ("id", "name", "datetime", "department_id", "job_id"),
}
# Each schedule has a thousand keys of its own; it uses these.
KEYS, PARENTS = 25, 3
LATE_PARENT, MISSING_PARENT = 4, 5

Version = tuple[Any, ...]


@dataclass(frozen=True)
class Line:
    """A row as it is sent.

    Attributes:
        row: its fields, as JSON has them.
        good: whether it must be accepted.
    """

    row: dict[str, Any]
    good: bool = True

    @property
    def key(self) -> int:
        """Its id, for a good row."""
        return int(self.row["id"])

    def version(self, table: str) -> Version:
        """Its values as the database stores them."""
        return version(table, self.row)


def version(table: str, row: dict[str, Any]) -> Version:
    """The values of a row without its key, times in UTC."""
    return tuple(
        _moment(row[name]) if name == "datetime" else row[name] for name in FIELDS[table][1:]
    )


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC)


def parents(table: str, base: int, word: str) -> list[Line]:
    """The parents that most hires of a schedule refer to."""
    return [_line(table, base + n, word, n, random.Random(0), base) for n in range(1, PARENTS + 1)]


def late_parent(table: str, base: int, word: str) -> list[Line]:
    """The parent that some hires of a schedule wait for."""
    return [_line(table, base + LATE_PARENT, word, 0, random.Random(0), base)]


def random_lines(
    rng: random.Random, table: str, base: int, word: str, first: int = 0
) -> list[Line]:
    """A few rows with the schedule's keys: some of them bad, some keys used twice.

    Args:
        rng: random numbers.
        table: the table of the rows.
        base: the first of the schedule's keys.
        word: is part of their texts, which makes these unique.
        first: offset of keys that only these rows use; 0 for the keys that all steps share.
    """
    keys = [rng.randint(1, KEYS) + first for _ in range(rng.randint(1, 12))]
    if table != "hired_employees" and not first and rng.random() < 0.7:
        # Other keys than those of the parents, which hires refer to.
        keys = [key + 100 for key in keys]
    made = [_line(table, base + key, word, n, rng, base) for n, key in enumerate(keys)]
    return [_made_bad(line, table, rng) if rng.random() < 0.2 else line for line in made]


def _line(table: str, key: int, word: str, number: int, rng: random.Random, base: int) -> Line:
    text = f"{word} {number}"
    if table != "hired_employees":
        return Line({"id": key, FIELDS[table][1]: text})
    department, job = (base + _parent(rng) for _ in range(2))
    return Line(
        {
            "id": key,
            "name": text,
            "datetime": f"202{number % 3}-0{number % 9 + 1}-11T12:{number:02}:14Z",
            "department_id": department,
            "job_id": job,
        }
    )


def _parent(rng: random.Random) -> int:
    drawn = rng.random()
    if drawn < 0.85:
        return rng.randint(1, PARENTS)
    return LATE_PARENT if drawn < 0.97 else MISSING_PARENT


def _made_bad(line: Line, table: str, rng: random.Random) -> Line:
    bad = {FIELDS[table][1]: ""} if rng.random() < 0.5 else {"id": f"x{line.key}"}
    return Line({**line.row, **bad}, good=False)


def as_csv(table: str, lines: Sequence[Line], *, header: bool) -> bytes:
    """A file of rows."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if header:
        writer.writerow(FIELDS[table])
    writer.writerows([line.row[name] for name in FIELDS[table]] for line in lines)
    return text.getvalue().encode()


def as_json(lines: Sequence[Line]) -> bytes:
    """A batch of rows."""
    return json.dumps({"rows": [line.row for line in lines]}).encode()
