"""Models that are not the hiring one: each drives the whole platform with tables of its own."""

from contextlib import closing

import pytest

from infra.local.environment import ROOT
from tests.models.sensors.data import SENSORS
from tests.models.shop.data import SHOP
from tests.models.taxi.data import TAXI
from tests.support import company
from tests.support.operator import Operator
from tests.support.platform import running, wait_until

pytestmark = pytest.mark.slow

# On a busy machine, a sync or a reconcile takes a minute.
BUSY_SECONDS = 300


@pytest.fixture(params=[SHOP, TAXI, SENSORS], ids=lambda model: model.name)
def model(request):
    """A company."""
    return request.param


@pytest.fixture
def operator(model, tmp_path, monkeypatch):
    """An operator of a platform with the company's tables and metrics, and no others."""
    root = company.copy(tmp_path / "checkout", model.folder, "functions", "shared", "infra")
    monkeypatch.setenv("TABLEGATE_BIGQUERY_PYTHON", str(ROOT / ".venv-bigquery" / "bin" / "python"))
    with running(root=root) as platform, closing(Operator(platform)) as made:
        made.api.timeout = BUSY_SECONDS
        yield made


def waiting(operator):
    """How many rows wait for their parents."""
    return operator.count("select count(*) from rejected_rows where status = 'waiting'")


def stored(operator, model):
    """The rows of all tables, as PostgreSQL's driver returns them."""
    return {
        table: (
            fields,
            [
                tuple(row.values())
                for row in operator.ask(f"select {fields} from {table} order by 1, 2")
            ],
        )
        for table, (fields, _) in model.stored.items()
    }


def rejects(operator):
    """The faults of all rejected rows."""
    answer = operator.api.get("/rejected_rows", params={"status": "rejected", "limit": 1000})
    return sorted(
        (reject["table"], error["field"], error["code"])
        for reject in answer.json()["rows"]
        for error in reject["errors"]
    )


def reconciled(operator):
    """The rows that differ in the warehouse, by table; they are repaired."""
    answer = operator.api.post("/sync_warehouse/reconcile", json={"repair": True})
    assert answer.status_code == 200, answer.text
    return {
        found["table"]: [
            (difference["key"], sorted(difference["fields"])) for difference in found["differences"]
        ]
        for found in answer.json()["tables"]
        if found["differences"]
    }


def test_a_company_sends_rows_reads_them_and_gets_them_back(model, operator):
    document = operator.api.get("/openapi.json").json()
    assert {path for path in document["paths"] if path.startswith("/read_rows/")} >= {
        f"/read_rows/{table}" for table in model.stored
    }
    assert set(model.stored) <= set(document["components"]["schemas"])
    assert f"/{model.metric_name}" in document["paths"]

    for name, content in model.children:
        operator.dropped(name, content.encode())
    batch = operator.api.post(
        f"/insert_rows/{model.batch.table}",
        json={"rows": model.batch.rows},
        headers={"Prefer": "wait=30"},
    )
    assert (batch.status_code, batch.json()["accepted"]) == (200, model.batch.accepted), batch.text
    assert waiting(operator) == model.waiting
    for name, content in model.parents:
        operator.dropped(name, content.encode())
    wait_until(lambda: waiting(operator) == model.still_waiting, "all released", BUSY_SECONDS)
    assert rejects(operator) == list(model.rejects)
    assert stored(operator, model) == model.stored

    (first, *_) = operator.ask(
        f"select load_id from loads where source like '%/{model.children[0][0]}#%'"
    )
    found = operator.api.get(model.row.path.format(**first)).json()
    assert {name: found[name] for name in model.row.json} == model.row.json
    for table, (_, rows) in model.stored.items():
        assert len(operator.api.get(f"/read_rows/{table}").json()["rows"]) == len(rows)

    operator.synced(BUSY_SECONDS)
    answer = operator.api.get(model.metric.path)
    assert answer.json()["rows"] == model.metric.json
    assert operator.api.get(model.metric.path, headers={"Accept": "text/csv"}).text == model.csv
    assert reconciled(operator) == {}

    backups = operator.api.post("/backup_table/all")
    assert backups.status_code == 201, backups.text
    with operator.engine.begin() as connection:
        for statement in model.damage:
            connection.exec_driver_sql(statement)
    restored = operator.api.post("/restore_table/all", json={"backup": "latest"})
    assert restored.status_code == 200, restored.text
    tables = restored.json()["tables"]
    counts = [
        sum(table[what]["count"] for table in tables) for what in ("inserted", "updated", "deleted")
    ]
    assert tuple(counts) == model.restored
    assert stored(operator, model) == model.stored

    operator.synced(BUSY_SECONDS)
    for difference in model.differences.values():
        statement = difference.statement.format(dataset=operator.dataset)
        operator.bigquery.query(statement).result()
    differing = reconciled(operator)
    assert differing.keys() == model.differences.keys()
    for table, ((key, fields),) in differing.items():
        assert model.differences[table].key.items() <= key.items()
        assert fields == sorted(model.differences[table].fields)
    assert reconciled(operator) == {}
    assert operator.api.get(model.metric.path).json()["rows"] == model.metric.json
