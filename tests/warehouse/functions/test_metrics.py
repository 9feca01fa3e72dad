"""The functions of the metrics: their responses, and when they do not query BigQuery again."""

import time

import pytest

from tests.support.problems import assert_problem
from tests.warehouse.functions.callers import METRICS

FUNCTIONS = ["hires_by_quarter", "departments_above_mean"]


@pytest.fixture
def delete_hires(warehouse):
    """Deletes all hires without a sync, so that any new query of BigQuery shows it."""

    def act():
        warehouse.query(f"delete from {warehouse.names.table('fact_hires')} where true")

    return act


def test_hires_by_quarter_as_json(client_of, hired, execute):
    answer = client_of("hires_by_quarter").get("/hires_by_quarter?year=2021", headers=METRICS)

    assert answer.status_code == 200
    body = answer.get_json()
    as_of = execute("select max(finished_at) from loads")[0][0]
    assert body.pop("as_of") == as_of.isoformat().replace("+00:00", "Z")
    assert body == {
        "year": 2021,
        "rows": [
            {"department": 'Sales, "new"', "job": "Welder", "q1": 1, "q2": 0, "q3": 0, "q4": 1}
        ],
    }


def test_departments_above_mean_as_json(client_of, hired):
    answer = client_of("departments_above_mean").get("/", headers=METRICS)

    body = answer.get_json()
    assert answer.status_code == 200
    assert body["as_of"]
    assert (body["year"], body["mean"]) == (2021, 1)
    assert body["rows"] == [{"id": 1, "department": 'Sales, "new"', "hired": 2}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "hires_by_quarter",
            'department,job,q1,q2,q3,q4\r\n"Sales, ""new""",Welder,1,0,0,1\r\n',
        ),
        ("departments_above_mean", 'id,department,hired\r\n1,"Sales, ""new""",2\r\n'),
    ],
)
def test_a_metric_as_csv(client_of, hired, name, text):
    answer = client_of(name).get("/", headers={**METRICS, "Accept": "text/csv"})

    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.text == text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_call_that_a_metric_cannot_answer_is_rejected(client_of, name):
    client = client_of(name)

    assert_problem(client.get("/"), 401, "token-missing")
    for year in ("1899", "2201", "x", ""):
        assert_problem(client.get(f"/?year={year}", headers=METRICS), 400, "unusable-year")
    wrong = client.get("/", headers={**METRICS, "Accept": "image/png"})
    assert_problem(wrong, 406, "not-acceptable")
    assert_problem(client.post("/", headers=METRICS), 405, "method-not-allowed")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_client_with_the_newest_response_gets_a_304_without_a_query(
    client_of, hired, name, delete_hires
):
    client = client_of(name)
    first = client.get("/?year=2021", headers=METRICS)
    delete_hires()

    has = {**METRICS, "If-None-Match": first.headers["ETag"]}
    again = client.get("/?year=2021", headers=has)
    weakly = client.get(
        "/?year=2021", headers={**has, "If-None-Match": f'"x", W/{first.headers["ETag"]}'}
    )
    elsewhere = client_of(name).get("/?year=2021", headers=has)

    assert first.headers["Cache-Control"] == "private, no-cache"
    for answer in (again, weakly, elsewhere):
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_unchanged_warehouse_is_not_queried_again(client_of, hired, name, delete_hires):
    client = client_of(name)
    first = client.get("/", headers=METRICS)
    delete_hires()

    again = client.get("/", headers=METRICS)

    assert (again.status_code, again.data) == (200, first.data)
    for header in ("ETag", "Content-Type", "Vary"):
        assert again.headers[header] == first.headers[header]
    # Another instance does not have it in its cache.
    assert client_of(name).get("/", headers=METRICS).get_json()["rows"] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_new_load_changes_the_response(client_of, hired, drop, sync, name):
    client = client_of(name)
    first = client.get("/", headers=METRICS)
    drop("hired_employees", "3,Cy,2021-05-05T00:00:00Z,1,1\n", minute=1)
    sync.run()

    has = {**METRICS, "If-None-Match": first.headers["ETag"]}
    second = client.get("/", headers=has)

    assert second.status_code == 200
    assert second.headers["ETag"] != first.headers["ETag"]
    assert second.get_json()["as_of"] > first.get_json()["as_of"]
    assert second.get_json()["rows"] != first.get_json()["rows"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_year_and_format_has_its_own_response(client_of, hired, name):
    client = client_of(name)
    asked = [
        client.get(f"/?year={year}", headers={**METRICS, "Accept": accepted})
        for year in (2020, 2021)
        for accepted in ("application/json", "text/csv")
    ]

    assert len({answer.headers["ETag"] for answer in asked}) == 4
    assert len({answer.data for answer in asked}) == 4


def test_a_load_of_a_table_outside_the_metric_changes_nothing(client_of, hired, drop, sync):
    client = client_of("departments_above_mean")
    first = client.get("/", headers=METRICS)
    drop("jobs", "2,Tester\n", minute=1)
    sync.run()

    has = {**METRICS, "If-None-Match": first.headers["ETag"]}
    assert client.get("/", headers=has).status_code == 304


def test_a_metric_is_503_in_time_while_bigquery_hangs(client_of, hired, stand_ins, monkeypatch):
    monkeypatch.setenv("QUERY_SECONDS", "2")
    client = client_of("hires_by_quarter")
    assert client.get("/?year=2021", headers=METRICS).status_code == 200

    with stand_ins.frozen("bigquery"):
        began = time.monotonic()
        answer = client.get("/?year=2020", headers=METRICS)
        seconds = time.monotonic() - began

    assert_problem(answer, 503, "try-again")
    assert seconds < 15
