"""The dashboard's API: the state of a load, and rejects counted by reason."""

import io
from uuid import UUID

import pytest

from shared import wiring
from shared.errors import DatabaseUnavailable
from shared.loading import progress
from shared.loading.progress import Progress
from shared.validation.rows import Block
from tests.database.functions.service import HEADERS
from tests.support import apps
from tests.support.problems import assert_problem


@pytest.fixture
def dashboard(service):
    return apps.load("dashboard").app.test_client()


@pytest.fixture
def engine_of_service(service):
    return wiring.engine()


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
        "rows_read": None,
        "bytes_read": None,
        "size_bytes": None,
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


def test_a_large_file_that_is_being_loaded_shows_how_far_it_is(get, engine_of_service, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0)
    stream = io.BytesIO(b"x" * (5 << 20))
    found = Progress(engine_of_service, UUID(int=7), 5 << 20)
    with found.shown():
        for read, _ in enumerate(found.of([Block(read=10), Block(read=10)], stream), 1):
            stream.read(1 << 20)
            shown = get(f"/loads/{UUID(int=7)}")
            assert (shown["state"], shown["rows_read"]) == ("pending", 10 * read)
            assert (shown["bytes_read"], shown["size_bytes"]) == ((read - 1) << 20, 5 << 20)
    assert get(f"/loads/{UUID(int=7)}")["rows_read"] is None


def test_the_progress_of_a_small_file_is_not_recorded(get, engine_of_service):
    found = Progress(engine_of_service, UUID(int=7), 1000)
    for _ in found.of([Block(read=10)], io.BytesIO()):
        assert get(f"/loads/{UUID(int=7)}")["rows_read"] is None


def test_a_load_goes_on_if_its_progress_cannot_be_recorded(service, monkeypatch, capfd):
    def fail(engine):
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(progress, "transaction", fail)
    found = Progress(None, UUID(int=7), 5 << 20)
    with found.shown():
        assert len(list(found.of([Block(read=10)], io.BytesIO()))) == 1
    assert "The progress of a load is not recorded" in capfd.readouterr().out


def test_an_unknown_load_is_pending(get):
    assert get(f"/loads/{UUID(int=7)}")["state"] == "pending"


def test_the_tables_are_described_for_the_page(get):
    found = {table["name"]: table for table in get("/tables")["tables"]}

    assert list(found) == ["departments", "jobs", "hired_employees"]
    kinds = {field["name"]: field["kind"] for field in found["hired_employees"]["fields"]}
    assert kinds["id"] == "integer"
    assert kinds["name"] == "text"
    assert kinds["datetime"] == "timestamp"
