"""How fast both metrics are answered over many hires, compared with the same SQL on PostgreSQL.

    python -m tests.benchmarks.metrics [ROWS]

Each engine generates the hires of ten years itself. A first answer is for a year that was not
queried before; PostgreSQL runs the same statements, translated, with an index on the day.
"""

import statistics
import sys
import time
from collections.abc import Callable

import httpx
import sqlalchemy as sa
import sqlglot
from google.cloud import bigquery

from shared.metrics import all_metrics
from tests.support import hires
from tests.support.operator import Operator
from tests.support.platform import running

FIRST_YEAR, LAST_YEAR = 2012, 2021
DAYS = 3653
ROUNDS = 20
METRICS = ("hires_by_quarter", "departments_above_mean")
# How each engine generates its rows; a number gives the same hire in both.
WAREHOUSE = {
    "dim_departments": f"""
        select n, concat('Department ', cast(n as string)), current_timestamp(), 'x'
        from unnest(generate_array(1, {hires.DEPARTMENTS})) as n""",
    "dim_jobs": f"""
        select n, concat('Job ', cast(n as string)), current_timestamp(), 'x'
        from unnest(generate_array(1, {hires.JOBS})) as n""",
    "fact_hires": f"""
        select
          n, concat('Name ', cast(n as string)),
          timestamp(date_add(date '{FIRST_YEAR}-01-01', interval mod(n * 7919, {DAYS}) day)),
          date_add(date '{FIRST_YEAR}-01-01', interval mod(n * 7919, {DAYS}) day),
          mod(n, {hires.DEPARTMENTS}) + 1, mod(n * 31, {hires.JOBS}) + 1, current_timestamp(), 'x'
        from unnest(generate_array(0, {{thousands}})) as high
        cross join unnest(generate_array(1, 1000)) as low
        cross join unnest([high * 1000 + low]) as n""",
    "sync_state": """
        select name, current_timestamp(), current_timestamp(), null
        from unnest(['departments', 'jobs', 'hired_employees']) as name""",
}
POSTGRES = f"""
    create unlogged table dim_departments as
        select n as id, 'Department ' || n as department
        from generate_series(1, {hires.DEPARTMENTS}) n;
    create unlogged table dim_jobs as
        select n as id, 'Job ' || n as job from generate_series(1, {hires.JOBS}) n;
    create unlogged table sync_state as
        select name as table_name, now() as as_of
        from unnest(array['departments', 'jobs', 'hired_employees']) name;
    create unlogged table fact_hires as
        select
            n as id, 'Name ' || n as name,
            date '{FIRST_YEAR}-01-01' + cast(mod(n * 7919, {DAYS}) as integer) as hired_on,
            mod(n, {hires.DEPARTMENTS}) + 1 as department_id,
            mod(n * 31, {hires.JOBS}) + 1 as job_id
        from generate_series(cast(1 as bigint), {{rows}}) n;
    create index on fact_hires (hired_on);
    analyze;
"""


def main() -> None:
    """Run and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with running() as platform:
        operator = Operator(platform)
        try:
            fill(operator, rows)
            print(f"hires                               {rows:>12,}")
            for metric in METRICS:
                measure(operator, metric)
        finally:
            operator.close()


def fill(operator: Operator, rows: int) -> None:
    """Generate the rows in both engines."""
    for table, select in WAREHOUSE.items():
        made = select.format(thousands=rows // 1000 - 1)
        operator.bigquery.query(f"insert into `{operator.dataset}.{table}` {made}").result()
    with operator.engine.begin() as connection:
        for statement in POSTGRES.format(rows=rows).split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)


def measure(operator: Operator, metric: str) -> None:
    """Print how long a metric takes, and how much of the table it scans."""
    api = operator.api
    # With the first call, the process still imports its libraries.
    api.get(f"/{metric}?year=2200").raise_for_status()
    first = [
        timed(lambda year=year: ask(api, metric, year)) for year in range(FIRST_YEAR, LAST_YEAR + 1)
    ]
    answer = ask(api, metric, LAST_YEAR)
    headers = {"If-None-Match": answer.headers["ETag"]}
    cached = [timed(lambda: ask(api, metric, LAST_YEAR)) for _ in range(ROUNDS)]
    unchanged = [timed(lambda: ask(api, metric, LAST_YEAR, headers, 304)) for _ in range(ROUNDS)]
    years = range(LAST_YEAR - 2, LAST_YEAR + 1)
    theirs = [timed(lambda year=year: in_postgres(operator, metric, year)) for year in years]
    check(operator, metric, answer)
    print(metric)
    print(f"  rows of the answer                {len(answer.json()['rows']):>12,}")
    print(f"  first answer                      {median(first):>12.1f} ms")
    print(f"  cached answer                     {median(cached):>12.1f} ms")
    print(f"  not modified                      {median(unchanged):>12.1f} ms")
    print(f"  the same SQL on PostgreSQL        {median(theirs):>12.1f} ms")
    print(f"  scanned share of the columns      {scanned(operator, metric):>12}")


def ask(
    api: httpx.Client,
    metric: str,
    year: int,
    headers: dict[str, str] | None = None,
    status: int = 200,
) -> httpx.Response:
    """Ask for a metric."""
    answer = api.get(f"/{metric}?year={year}", headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def in_postgres(operator: Operator, metric: str, year: int) -> list[tuple[object, ...]]:
    """The metric's own statement, translated, on the same rows in PostgreSQL."""
    text = statement(metric, year).replace("`warehouse.", "`")
    translated = sqlglot.transpile(text, read="bigquery", write="postgres", comments=False)[0]
    with operator.engine.connect() as connection:
        query = sa.text(translated.replace("DATE_FROM_PARTS", "make_date"))
        return [tuple(row) for row in connection.execute(query)]


def check(operator: Operator, metric: str, answer: httpx.Response) -> None:
    """Assert that both engines give the same rows."""
    mine = [list(row.values()) for row in answer.json()["rows"]]
    theirs = [list(row) for row in in_postgres(operator, metric, LAST_YEAR)]
    # The statements return the fields of the envelope before the listed columns.
    listed = [row[-len(mine[0]) :] for row in theirs if row[-1] is not None] if mine else []
    assert sorted(map(str, mine)) == sorted(map(str, listed)), metric


def scanned(operator: Operator, metric: str) -> str:
    """The share of its columns' bytes that a year's statement reads, according to the engine."""
    dry = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
    of_year = statement(metric, LAST_YEAR)
    # Without the range of the partitioning column all partitions are read.
    of_all = of_year.replace(f"between date({LAST_YEAR}, 1, 1)", "between date(1, 1, 1)").replace(
        f"date({LAST_YEAR}, 12, 31)", "date(9999, 12, 31)"
    )
    assert of_all != of_year
    one, whole = (
        operator.bigquery.query(
            text.replace("`warehouse.", f"`{operator.dataset}."), job_config=dry
        ).total_bytes_processed
        for text in (of_year, of_all)
    )
    return f"{one / whole:.1%}" if whole else "unknown"


def statement(metric: str, year: int) -> str:
    """The metric's statement for a year."""
    return all_metrics()[metric].sql.replace("@year", str(year))


def timed(act: Callable[[], object]) -> float:
    """How long something takes, in seconds."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median(seconds: list[float]) -> float:
    """The median, in milliseconds."""
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    main()
