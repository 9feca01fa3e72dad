"""The metrics computed from the files in plain Python, to compare the platform with."""

import csv
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path


def rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file without header that have all their fields."""
    with path.open(encoding="utf-8", newline="") as source:
        return [row for row in csv.reader(source) if all(row)]


def hires(folder: Path) -> Iterable[tuple[int, int, str, str]]:
    """Year, quarter, department and job of every complete hire, in UTC."""
    departments = dict(rows(folder / "departments.csv"))
    jobs = dict(rows(folder / "jobs.csv"))
    for _, _, moment, department, job in rows(folder / "hired_employees.csv"):
        at = datetime.fromisoformat(moment).astimezone(UTC)
        yield at.year, (at.month + 2) // 3, departments[department], jobs[job]


def by_quarter(folder: Path, year: int) -> list[dict[str, object]]:
    """Hires of a year by department and job, a column a quarter, ordered by code point."""
    found = Counter((d, j, quarter) for y, quarter, d, j in hires(folder) if y == year)
    return [
        {"department": d, "job": j, **{f"q{q}": found[d, j, q] for q in (1, 2, 3, 4)}}
        for d, j in sorted({(d, j) for d, j, _ in found})
    ]


def above_mean(folder: Path, year: int) -> list[dict[str, object]]:
    """Departments that hired more in a year than the mean over all of them, most first."""
    names = {int(number): name for number, name in rows(folder / "departments.csv")}
    found = Counter(department for y, _, department, _ in hires(folder) if y == year)
    mean = sum(found.values()) / len(names)
    above = [
        {"id": number, "department": name, "hired": found[name]}
        for number, name in names.items()
        if found[name] > mean
    ]
    return sorted(above, key=lambda row: (-int(str(row["hired"])), int(str(row["id"]))))
