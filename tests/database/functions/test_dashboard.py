"""The dashboard's API: the state of a load, and rejects counted by reason."""

from uuid import UUID

import pytest

from tests.database.functions.service import HEADERS
from tests.support import apps
from tests.support.problems import assert_problem


@pytest.fixture
def dashboard(service):
    return apps.load("dashboard").app.test_client()


@pytest.fixture
def get(dashboard):
    def get_json(path):
        response = dashboard.get(f"/dashboard{path}", headers=HEADERS)
        assert response.status_code == 200, response.text
        return response.get_json()

    return get_json


def test_a_load_shows_the_outcome_of_its_rows(service, get):
    rows = {"id": 1, "job": "Clerk"}, {"id": 2, "job": " "}
    batch_id = service.send("jobs", *rows).get_json()["batch_id"]

    before = get(f"/loads/{batch_id}")
    service.deliver()
    after = get(f"/loads/{batch_id}")

    assert before == {
        "load_id": batch_id,
        "state": "pending",
        "table": None,
        "counts": None,
        "error": None,
    }
    assert (after["state"], after["table"]) == ("done", "jobs")
    assert (after["counts"]["read"], after["counts"]["rejected"]) == (2, 1)


def test_open_rejects_are_counted_by_table_and_reason(service, get):
    service.send("jobs", *({"id": key, "job": " "} for key in range(1, 4)), {"id": 9, "job": "x"})
    service.send("departments", {"id": 1}, {"id": 2, "department": "Sales"})
    hire = {"id": 1, "name": "A", "datetime": "2021-01-01T00:00:00Z", "department_id": 77}
    service.send("hired_employees", {**hire, "job_id": 9})
    service.deliver()

    found = get("/reasons")["rows"]

    assert found == [
        {
            "table": "jobs",
            "status": "rejected",
            "reason": "blank",
            "title": "Blank text",
            "rows": 3,
        },
        {
            "table": "departments",
            "status": "rejected",
            "reason": "missing",
            "title": "Value missing",
            "rows": 1,
        },
        {
            "table": "hired_employees",
            "status": "waiting",
            "reason": "missing_parent",
            "title": "Parent row missing",
            "rows": 1,
        },
    ]


def test_an_id_that_is_none_is_a_problem(dashboard):
    answer = dashboard.get("/dashboard/loads/not-a-uuid", headers=HEADERS)
    assert_problem(answer, 400, "unusable-parameter")


def test_an_unknown_load_is_pending(get):
    assert get(f"/loads/{UUID(int=7)}")["state"] == "pending"


def test_the_tables_are_described_for_the_page(get):
    found = {table["name"]: table for table in get("/tables")["tables"]}

    assert list(found) == ["departments", "jobs", "hired_employees"]
    kinds = {field["name"]: field["kind"] for field in found["hired_employees"]["fields"]}
    assert kinds["id"] == "integer"
    assert kinds["name"] == "text"
    assert kinds["datetime"] == "timestamp"
