"""BigQuery equals PostgreSQL after a restore on the running platform."""

import json
import subprocess
import sys

import pytest

from tests.support.checkout import ROOT
from tests.support.operator import Operator
from tests.support.platform import Platform

STAR = {
    "departments": ("dim_departments", "id, department, accepted_at, load_id"),
    "jobs": ("dim_jobs", "id, job, accepted_at, load_id"),
    "hired_employees": (
        "fact_hires",
        "id, name, hired_at, department_id, job_id, accepted_at, load_id",
    ),
}


@pytest.fixture
def operator(platform: Platform):
    person = Operator(platform)
    person.clear()
    yield person
    person.clear()
    person.close()


def same_on_both_sides(operator: Operator) -> bool:
    """Whether each table holds the same rows in PostgreSQL and BigQuery, to the last column."""
    operator.synced()
    for table, (target, columns) in STAR.items():
        postgres_rows = [tuple(row.values()) for row in operator.ask(f"select * from {table}")]
        query = f"select {columns} from `{operator.dataset}.{target}`"
        bigquery_rows = [tuple(row.values()) for row in operator.bigquery.query(query).result()]
        if sorted((*row[:-1], str(row[-1])) for row in postgres_rows) != sorted(bigquery_rows):
            return False
    return True


def test_a_restore_is_synced_to_bigquery(operator):
    operator.dropped("departments.csv", b"1,Sales\n2,Legal\n")
    operator.dropped("jobs.csv", b"1,Welder\n2,Tester\n")
    hires = "".join(
        f"{i},Name {i},2021-0{i % 9 + 1}-01T00:00:00Z,1,{i % 2 + 1}\n" for i in range(1, 200)
    )
    operator.dropped("hired_employees.csv", hires.encode())
    assert same_on_both_sides(operator)
    created = operator.api.post("/backup_table/all").raise_for_status().json()
    assert [one["rows"] for one in created["backups"]] == [2, 2, 199]
    operator.dropped(
        "hired_employees-2.csv",
        b"1,Other,2022-01-01T00:00:00Z,2,2\n500,New,2022-01-01T00:00:00Z,2,2\n",
    )
    with operator.engine.begin() as connection:
        connection.exec_driver_sql("delete from hired_employees where id between 50 and 80")
    operator.synced()
    assert not same_on_both_sides(operator)

    answer = operator.api.post("/restore_table/hired_employees", json={"backup": created["id"]})

    done = answer.raise_for_status().json()
    changed = {
        kind: done[kind]["count"] for kind in ("inserted", "updated", "deleted", "unchanged")
    }
    assert changed == {"inserted": 31, "updated": 1, "deleted": 1, "unchanged": 167}
    assert operator.count("select count(*) from hired_employees") == 199
    assert same_on_both_sides(operator)


def test_the_functions_do_not_import_the_bulk_paths_at_startup():
    for name in ("backup_table", "restore_table"):
        script = f"import sys, functions.{name}.main; print(json.dumps(list(sys.modules)))"
        done = subprocess.run(
            [sys.executable, "-c", f"import json; {script}"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        heavy = {"numpy", "fastavro", "cramjam", "isal", "google_crc32c", "google.cloud.storage"}
        assert heavy & set(json.loads(done.stdout)) == set()
