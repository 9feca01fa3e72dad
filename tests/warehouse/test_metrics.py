"""The metrics equal a computation in plain Python."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import astuple

from shared.errors import UnusableParameter
from shared.metrics import departments_above_mean, hires_by_quarter
from shared.metrics.parameters import YEAR
from shared.warehouse.metrics import ask as ask_metric

BYTES = 10**10
# They sort by code point: capitals first, then small letters, then the rest.
NAMES = ["Ábaco", "Zoo", "art", "Art", "10", "9", "_", "Ñandú", "zoo", "Öl", "é", "ﬁn"]
JOBS = ["Tester", "welder", "Welder", "Éclair maker", "Analyst"]


def by_quarter(warehouse, year):
    return ask_metric(warehouse, hires_by_quarter.METRIC, {"year": year}, BYTES)


def above_mean(warehouse, year):
    return ask_metric(warehouse, departments_above_mean.METRIC, {"year": year}, BYTES)


@pytest.fixture
def company(drop, sync):
    """A made-up company: twelve departments, five jobs, 602 hires from late 2020 to early 2022."""
    chance = random.Random(7)
    hires = [
        (
            number,
            datetime(2021, 1, 1, tzinfo=UTC)
            + timedelta(seconds=chance.randint(-(10**6), 33 * 10**6)),
            timezone(timedelta(hours=chance.randint(-12, 14))),
            # The last departments and the last job have no hires.
            min(chance.randint(1, 9), chance.randint(1, 9)),
            chance.randint(1, len(JOBS) - 1),
        )
        for number in range(1, 601)
    ]
    # The first and the last moment of a year.
    for number, moment in enumerate(
        (datetime(2021, 1, 1, tzinfo=UTC), datetime(2021, 12, 31, 23, 59, 59, 999_999, UTC)), 601
    ):
        hires.append((number, moment, UTC, 1, 1))
    drop("departments", _lines((n, name) for n, name in enumerate(NAMES, 1)))
    drop("jobs", _lines((n, name) for n, name in enumerate(JOBS, 1)))
    drop(
        "hired_employees",
        _lines(
            (n, f"Name {n}", moment.astimezone(zone).isoformat(), department, job)
            for n, moment, zone, department, job in hires
        ),
    )
    sync.run()
    return hires


@pytest.mark.parametrize("year", [2020, 2021, 2022])
def test_hires_by_quarter_equal_those_of_plain_python(company, warehouse, year):
    counted = {}
    for _, moment, _, department, job in company:
        if moment.year == year:
            pair = (NAMES[department - 1], JOBS[job - 1])
            counted.setdefault(pair, Counter())[(moment.month + 2) // 3] += 1
    wanted = [(*pair, *(counted[pair][q] for q in (1, 2, 3, 4))) for pair in sorted(counted)]

    metric = by_quarter(warehouse, year)

    assert wanted
    assert [astuple(row) for row in metric.rows] == wanted


@pytest.mark.parametrize("year", [2020, 2021, 2022])
def test_departments_above_the_mean_equal_those_of_plain_python(company, warehouse, year):
    counted = Counter(department for _, moment, _, department, _ in company if moment.year == year)
    mean = counted.total() / len(NAMES)
    wanted = [(d, NAMES[d - 1], hired) for d, hired in counted.items() if hired > mean]

    metric = above_mean(warehouse, year)

    assert wanted
    assert metric.mean == mean
    assert [astuple(row) for row in metric.rows] == sorted(
        wanted, key=lambda row: (-row[2], row[0])
    )


def test_the_reporting_views_agree_for_every_year(company, warehouse, ask):
    for year in (2020, 2021, 2022):
        quarters = by_quarter(warehouse, year)
        above = above_mean(warehouse, year)

        assert ask(
            "select department, job, q1, q2, q3, q4 from `reporting.hires_by_quarter`"
            f" where year = {year} order by department, job"
        ) == [astuple(row) for row in quarters.rows]
        assert ask(
            "select id, department, hired, mean from `reporting.departments_above_mean`"
            f" where year = {year} order by hired desc, id"
        ) == [(*astuple(row), above.mean) for row in above.rows]


def test_a_year_without_hires_has_no_rows_but_an_as_of(company, warehouse, execute):
    newest = execute("select max(finished_at) from loads")[0][0]

    quarters = by_quarter(warehouse, 1900)
    above = above_mean(warehouse, 2200)

    assert (quarters.rows, quarters.as_of) == ([], newest)
    assert (above.rows, above.mean, above.as_of) == ([], 0, newest)


def test_an_empty_warehouse_has_no_mean_and_no_as_of(warehouse):
    quarters = by_quarter(warehouse, 2021)
    above = above_mean(warehouse, 2021)

    assert (quarters.rows, quarters.as_of) == ([], None)
    assert (above.rows, above.mean, above.as_of) == ([], None, None)


def test_a_department_at_the_mean_is_not_above_it(drop, sync, warehouse, ask):
    drop("departments", "1,A\n2,B\n3,C\n")
    drop("jobs", "1,J\n")
    days = [f"{n},N,2021-03-0{n}T00:00:00Z,{n},1\n" for n in (1, 2, 3)]
    drop("hired_employees", "".join(days))
    sync.run()

    above = above_mean(warehouse, 2021)

    assert (above.mean, above.rows) == (1, [])
    assert ask("select id from `reporting.departments_above_mean`") == []


def test_departments_with_equal_hires_are_ordered_by_id(drop, sync, warehouse):
    drop("departments", "9,A\n2,B\n3,C\n")
    drop("jobs", "1,J\n")
    drop("hired_employees", "1,N,2021-03-01T00:00:00Z,9,1\n2,N,2021-03-01T00:00:00Z,2,1\n")
    sync.run()

    above = above_mean(warehouse, 2021)

    assert [astuple(row) for row in above.rows] == [(2, "B", 1), (9, "A", 1)]


@pytest.mark.parametrize("text", ["1900", "2021", "2200"])
def test_a_year_in_range_is_accepted(text):
    assert YEAR.parse(text) == int(text)


def test_the_default_year_is_2021():
    assert YEAR.parse(None) == 2021


@pytest.mark.parametrize(
    "text", ["", "1899", "2201", "x", "２０２１", "2021.0", " 2021", "+2021", "20210", "2e3", "-1"]
)
def test_a_malformed_year_or_one_out_of_range_is_rejected(text):
    with pytest.raises(UnusableParameter, match="from 1900 to 2200"):
        YEAR.parse(text)


def _lines(rows):
    return "".join(",".join(str(cell) for cell in row) + "\n" for row in rows)
