"""hires_by_quarter: hires of a year by department, job and quarter."""

from datetime import UTC, datetime

import msgspec

from shared.metrics.metric import AsOf, Count, Metric, Probe


class HiresOfPair(msgspec.Struct, frozen=True):
    """Hires of a year for one department and job."""

    department: str
    job: str
    q1: Count
    q2: Count
    q3: Count
    q4: Count


class HiresByQuarter(msgspec.Struct, frozen=True):
    """Hires of a year, by department and job in the order of their code points."""

    year: int
    as_of: AsOf
    # Pairs without hires are left out; departments with the same name are one, and so are jobs.
    rows: list[HiresOfPair]


METRIC = Metric(
    name="hires_by_quarter",
    title="Hires by quarter",
    summary="Hires by department, job and quarter",
    counts=("departments", "jobs", "hired_employees"),
    document=HiresByQuarter,
    example=HiresByQuarter(
        year=2021,
        as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        rows=[HiresOfPair("Sales", "Recruiter", 3, 0, 7, 11)],
    ),
    measures=("q1", "q2", "q3", "q4"),
    # Far from any real id, and the same each time. The job has no hires, so no metric shows it.
    probe=Probe("jobs", {"id": 9_000_000_000_000_000_001, "job": "Smoke test {mark}"}),
)
