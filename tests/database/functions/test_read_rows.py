"""GET /read_rows: rows as they are stored, a page at a time, as CSV and NDJSON, and one by key."""

import csv
import io
import json

import pytest

from shared import stored_rows
from shared.tables import Integer, Row, Table, Text
from tests.database.functions.service import HEADERS
from tests.support import apps
from tests.support.problems import assert_problem

HIRE = {"name": "Ann", "datetime": "2021-07-27T16:02:08.5Z", "department_id": 1, "job_id": 1}


@pytest.fixture
def ask(service):
    rows = apps.load("read_rows").app.test_client()

    def get(path, accept=None):
        headers = HEADERS | ({"Accept": accept} if accept else {})
        return rows.get(f"/read_rows/{path}", headers=headers)

    return get


@pytest.fixture
def stored(service):
    def send(table, *rows):
        service.send(table, *rows)
        service.deliver()

    return send


@pytest.fixture
def jobs(stored):
    stored("jobs", *({"id": key, "job": f"Job {key}"} for key in range(1, 8)))


def keys(answer):
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.get_json()["rows"]]


def test_a_row_has_its_values_when_it_was_accepted_and_its_load(stored, ask):
    stored("departments", {"id": 1, "department": "Sales"})
    stored("jobs", {"id": 1, "job": "Clerk"})
    stored("hired_employees", {"id": 2**53 + 1, **HIRE})

    (row,) = ask("hired_employees").get_json()["rows"]

    assert row.pop("accepted_at").endswith("Z")
    assert len(row.pop("load_id")) == 36
    assert row == {**HIRE, "id": 2**53 + 1, "datetime": "2021-07-27T16:02:08.500000Z"}


def test_pages_have_each_row_once_in_the_order_of_the_keys(jobs, ask):
    found, cursor = [], ""
    while cursor is not None:
        answer = ask(f"jobs?limit=3{cursor and f'&cursor={cursor}'}")
        found.append(keys(answer))
        cursor = answer.get_json()["next_cursor"]

    assert found == [[1, 2, 3], [4, 5, 6], [7]]


def test_a_last_page_that_is_full_names_no_other(jobs, ask):
    assert ask("jobs?limit=7").get_json()["next_cursor"] is None


def test_a_range_of_keys_includes_both_ends(jobs, ask):
    assert keys(ask("jobs?from=2&to=4")) == [2, 3, 4]
    assert keys(ask("jobs?from=6")) == [6, 7]
    assert keys(ask("jobs?to=1")) == [1]


def test_since_leaves_out_rows_that_were_accepted_before(jobs, stored, ask):
    stored("jobs", {"id": 3, "job": "Newer"})
    newer = ask("jobs/3").get_json()["accepted_at"]

    assert keys(ask(f"jobs?since={newer}")) == [3]


def test_all_rows_as_csv(stored, ask):
    names = ["=1+1", "a,b", 'c"d', "two\nlines", "Zoë"]
    stored("jobs", *({"id": at, "job": name} for at, name in enumerate(names, 1)))

    answer = ask("jobs", "text/csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, *found = csv.reader(io.StringIO(answer.data.decode(), newline=""))
    assert head == ["id", "job", "accepted_at", "load_id"]
    assert [row[1] for row in found] == ["'=1+1", *names[1:]]
    assert all(row[2].endswith("Z") for row in found)


def test_all_rows_as_ndjson_are_those_of_the_pages(jobs, ask, monkeypatch):
    monkeypatch.setattr(stored_rows, "_ROWS_AT_ONCE", 3)

    answer = ask("jobs", "application/x-ndjson")

    lines = answer.data.splitlines()
    assert list(map(json.loads, lines)) == ask("jobs").get_json()["rows"]
    assert len(ask("jobs?limit=2", "application/x-ndjson").data.splitlines()) == 2


def test_an_empty_table_has_an_empty_page_and_a_header_alone(ask):
    assert ask("jobs").get_json() == {"rows": [], "next_cursor": None}
    assert ask("jobs", "text/csv").data == b"id,job,accepted_at,load_id\r\n"
    assert ask("jobs", "application/x-ndjson").data == b""


def test_one_row_by_its_key(jobs, ask):
    assert ask("jobs/3").get_json()["job"] == "Job 3"
    assert_problem(ask("jobs/8"), 404, "unknown-row")


@pytest.mark.parametrize(
    "path",
    ["jobs?limit=0", "jobs?from=x", "jobs?to=0", "jobs?since=x", "jobs/x"]
    + [f"jobs?cursor={text}" for text in ("x", "0", "1,2", "%00")],
)
def test_what_cannot_be_read_is_a_problem_that_names_it(ask, path):
    assert_problem(ask(path), 400, "unusable-parameter")


def test_other_forms_and_tables_are_refused(ask):
    assert_problem(ask("jobs", "image/png"), 406, "not-acceptable")
    assert_problem(ask("offices"), 404, "unknown-table")
    assert_problem(ask("offices/1"), 404, "unknown-table")


class Price(Row):
    """A price."""

    thing = Text()
    year = Integer(minimum=1)


@pytest.mark.parametrize("thing", ["car", "a,b", 'c"d', "e/f", "g\nh"])
def test_a_key_of_several_fields_is_a_line_of_csv(thing):
    table = Table("prices", Price, key=("thing", "year"))
    text = stored_rows.key_text(table, {"thing": thing, "year": 2020})

    assert stored_rows.parse_key(table, text) == (thing, 2020)


@pytest.mark.parametrize("text", ["car", "car,2020,1", '"car,2020', "car,x", ",2020", ""])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match="is "):
        stored_rows.parse_key(Table("prices", Price, key=("thing", "year")), text)
