"""The sample data set, generated from a fixed seed.

It looks like the challenge's own files: three CSV files without headers and with CRLF line ends,
and some hires lack a field.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from shared.lazy import LazyModule

tables = LazyModule("shared.tables")

HIRES = 2_000
INCOMPLETE = 70
_SEED = 2021
_DEPARTMENTS = (
    *("Accounting", "Business Development", "Engineering", "Human Resources", "Legal", "Logistics"),
    *("Maintenance", "Marketing", "Research", "Sales", "Support", "Training"),
)
_LEVELS = ("", "Junior ", "Senior ", "Lead ", "Assistant ", "Chief ")
_CRAFTS = (
    *("Accountant", "Analyst", "Architect", "Auditor", "Biologist", "Buyer", "Chemist", "Clerk"),
    *("Consultant", "Counsel", "Designer", "Developer", "Dispatcher", "Editor", "Electrician"),
    *("Engineer", "Geologist", "Instructor", "Librarian", "Mechanic", "Nurse", "Planner"),
    *("Programmer", "Recruiter", "Representative", "Researcher", "Statistician", "Surveyor"),
    *("Technician", "Translator", "Writer"),
)
_JOBS = 183
_FIRST = (
    *("Ada", "Amara", "Anton", "Beatriz", "Chidi", "Dana", "Elif", "Emre", "Farah", "Goran"),
    *("Hana", "Ines", "Ivo", "Jonas", "Kaia", "Lars", "Leila", "Marta", "Mei", "Nils"),
    *("Noor", "Olga", "Pablo", "Quinn", "Rosa", "Samir", "Tomás", "Uma", "Vera", "Zoë"),
)
_LAST = (
    *("Abara", "Berg", "Castro", "Dimov", "Eriksen", "Fischer", "Gómez", "Haddad", "Ito"),
    *("Jansen", "Kaya", "Lindholm", "Moreau", "Novak", "Okafor", "Petrov", "Quispe", "Rossi"),
    *("Santos", "Tanaka", "Ueda", "Varga", "Weber", "Yılmaz", "Zhang"),
)
_YEARS = (datetime(2021, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC))


def write(folder: Path) -> tuple[Path, ...]:
    """Write the data set's files, hires first."""
    dice = random.Random(_SEED)  # noqa: S311 - reproducible on purpose  # nosec B311 # sample data
    files = {
        "hired_employees.csv": _hires(dice),
        "departments.csv": enumerate(_DEPARTMENTS, start=1),
        "jobs.csv": enumerate(_job_titles(), start=1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\r\n").writerows(rows)
    return tuple(folder / name for name in files)


def example(folder: Path) -> Path | None:
    """Write a small file of jobs to try the platform with; two of its six rows are wrong.

    Returns:
        The file; None if the dictionary has no such table.
    """
    if "jobs" not in tables.all_tables():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "jobs-example.csv"
    path.write_text(
        "id,job\n9001,Beekeeper\n9002,Luthier\n9003,\n9004,Glazier\nabc,Miller\n9006,Cooper\n"
    )
    return path


def _job_titles() -> Sequence[str]:
    return [f"{level}{craft}" for level, craft in product(_LEVELS, _CRAFTS)][:_JOBS]


def _hires(dice: random.Random) -> Iterator[tuple[object, ...]]:
    incomplete = set(dice.sample(range(HIRES), INCOMPLETE))
    for index in range(HIRES):
        row: list[object] = [
            index + 1,
            f"{dice.choice(_FIRST)} {dice.choice(_LAST)}",
            _moment(dice),
            dice.randint(1, len(_DEPARTMENTS)),
            dice.randint(1, _JOBS),
        ]
        if index in incomplete:
            row[dice.randint(1, 4)] = ""
        yield tuple(row)


def _moment(dice: random.Random) -> str:
    first, end = _YEARS
    moment = first + timedelta(seconds=dice.randrange(int((end - first).total_seconds())))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
