"""Adding one file adds a table, and the whole platform works with it."""

import shutil
from contextlib import closing

import pytest

from infra.local.environment import ROOT
from tests.support.operator import Operator
from tests.support.platform import running, wait_until

pytestmark = pytest.mark.slow


SALARIES = '''"""The salaries of employees."""

from shared.tables import Integer, Reference, Row, Table, Text, Timestamp


class Salary(Row):
    """The salary of an employee from a certain day."""

    id = Integer(minimum=1, description="Id of the salary")
    currency = Text(description="Code of the currency", max_length=3)
    since = Timestamp(description="When it starts")
    amount = Integer(minimum=1, description="Amount per month")
    hire_id = Integer(minimum=1, description="Id of the hire")


TABLE = Table(
    name="salaries", schema=Salary, references=(Reference("hire_id", "hired_employees"),)
)
'''


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of the checkout with one more table."""
    for folder in ("functions", "shared", "infra"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    (tmp_path / "shared" / "tables" / "salaries.py").write_text(SALARIES)
    monkeypatch.setenv("TABLEGATE_BIGQUERY_PYTHON", str(ROOT / ".venv-bigquery" / "bin" / "python"))
    return tmp_path


@pytest.fixture
def operator(checkout):
    """An operator of a platform with four tables."""
    with running(root=checkout) as platform, closing(Operator(platform)) as made:
        yield made


def test_a_fourth_table_is_loaded_queried_backed_up_and_restored(operator):
    row = {"id": 2, "currency": "EUR", "since": "2021-07-27T16:02:08Z", "amount": 9, "hire_id": 7}

    operator.dropped("salaries.csv", b"1,CHF,2021-07-27T16:02:08+02:00,5,7\n9,FRANCS,2021,x,7\n")
    batch = operator.api.post(
        "/insert_rows/salaries", json={"rows": [row, {**row, "id": 3, "extra": 1}]}
    )
    assert batch.status_code == 202
    assert batch.json()["accepted"] == 1
    assert operator.count("select sum(waiting) from loads") >= 1
    for name, line in (
        ("departments", b"1,Sales\n"),
        ("jobs", b"1,Welder\n"),
        ("hired_employees", b"7,Ann,2021-07-27T16:02:08Z,1,1\n"),
    ):
        operator.dropped(f"{name}.csv", line)
    wait_until(lambda: operator.count("select count(*) from salaries") == 2, "both released")
    operator.synced()

    backup = operator.api.post("/backup_table/salaries")
    assert (backup.status_code, backup.json()["rows"]) == (201, 2)
    operator.ask("delete from salaries where id = 1 returning id")
    restored = operator.api.post("/restore_table/salaries", json={"backup": "latest"})
    assert (restored.status_code, restored.json()["inserted"]["count"]) == (200, 1)
    assert operator.count("select count(*) from salaries") == 2
    asked = {"table": "salaries", "status": "rejected"}
    rejects = operator.api.get("/rejected_rows", params=asked).json()["rows"]
    assert {error["field"] for reject in rejects for error in reject["errors"]} == {
        *("currency", "since", "amount", "extra")
    }
    assert "/insert_rows/salaries" in operator.api.get("/openapi.json").text
    assert operator.api.post("/sync_warehouse/reconcile", json={}).json()["agrees"]
    fresh = operator.api.get("/freshness").json()
    assert fresh["unsynced"] == 0, fresh
