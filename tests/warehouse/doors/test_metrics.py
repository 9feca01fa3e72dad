"""The doors of the metrics: what is answered, and when BigQuery is not asked again."""

import pytest

from tests.support.problems import assert_problem
from tests.warehouse.doors.callers import METRICS

DOORS = ["hires_by_quarter", "departments_above_mean"]


@pytest.fixture
def empty_facts(warehouse):
    """Take all hires away behind the sync's back: whoever asks BigQuery now, sees it."""

    def act():
        warehouse.query(f"delete from {warehouse.names.table('fact_hires')} where true")

    return act


def test_hires_by_quarter_as_json(door, hired, execute):
    answer = door("hires_by_quarter").get("/hires_by_quarter?year=2021", headers=METRICS)

    assert answer.status_code == 200
    said = answer.get_json()
    as_of = execute("select max(finished_at) from loads")[0][0]
    assert said.pop("as_of") == as_of.isoformat().replace("+00:00", "Z")
    assert said == {
        "year": 2021,
        "rows": [
            {"department": 'Sales, "new"', "job": "Welder", "q1": 1, "q2": 0, "q3": 0, "q4": 1}
        ],
    }


def test_departments_above_mean_as_json(door, hired):
    answer = door("departments_above_mean").get("/", headers=METRICS)

    said = answer.get_json()
    assert answer.status_code == 200
    assert said["as_of"]
    assert (said["year"], said["mean"]) == (2021, 1)
    assert said["rows"] == [{"id": 1, "department": 'Sales, "new"', "hired": 2}]


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
def test_a_metric_as_csv(door, hired, name, text):
    answer = door(name).get("/", headers={**METRICS, "Accept": "text/csv"})

    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.text == text


@pytest.mark.parametrize("name", DOORS)
def test_what_a_metric_is_not_asked_with(door, name):
    client = door(name)

    assert_problem(client.get("/"), 401, "token-missing")
    for year in ("1899", "2201", "x", ""):
        assert_problem(client.get(f"/?year={year}", headers=METRICS), 400, "unusable-year")
    wrong = client.get("/", headers={**METRICS, "Accept": "image/png"})
    assert_problem(wrong, 406, "not-acceptable")
    assert_problem(client.post("/", headers=METRICS), 405, "method-not-allowed")


@pytest.mark.parametrize("name", DOORS)
def test_who_has_the_answer_is_told_so_without_a_query(door, hired, name, empty_facts):
    client = door(name)
    first = client.get("/?year=2021", headers=METRICS)
    empty_facts()

    has = {**METRICS, "If-None-Match": first.headers["ETag"]}
    again = client.get("/?year=2021", headers=has)
    weakly = client.get(
        "/?year=2021", headers={**has, "If-None-Match": f'"x", W/{first.headers["ETag"]}'}
    )
    elsewhere = door(name).get("/?year=2021", headers=has)

    assert first.headers["Cache-Control"] == "private, no-cache"
    for answer in (again, weakly, elsewhere):
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("name", DOORS)
def test_an_unchanged_warehouse_is_not_asked_again(door, hired, name, empty_facts):
    client = door(name)
    first = client.get("/", headers=METRICS)
    empty_facts()

    again = client.get("/", headers=METRICS)

    assert (again.status_code, again.data) == (200, first.data)
    for header in ("ETag", "Content-Type", "Vary"):
        assert again.headers[header] == first.headers[header]
    # Another instance has not kept it.
    assert door(name).get("/", headers=METRICS).get_json()["rows"] == []


@pytest.mark.parametrize("name", DOORS)
def test_a_new_load_makes_a_new_answer(door, hired, drop, sync, name):
    client = door(name)
    first = client.get("/", headers=METRICS)
    drop("hired_employees", "3,Cy,2021-05-05T00:00:00Z,1,1\n", minute=1)
    sync.run()

    has = {**METRICS, "If-None-Match": first.headers["ETag"]}
    second = client.get("/", headers=has)

    assert second.status_code == 200
    assert second.headers["ETag"] != first.headers["ETag"]
    assert second.get_json()["as_of"] > first.get_json()["as_of"]
    assert second.get_json()["rows"] != first.get_json()["rows"]


@pytest.mark.parametrize("name", DOORS)
def test_every_year_and_form_has_an_answer_of_its_own(door, hired, name):
    client = door(name)
    asked = [
        client.get(f"/?year={year}", headers={**METRICS, "Accept": accepted})
        for year in (2020, 2021)
        for accepted in ("application/json", "text/csv")
    ]

    assert len({answer.headers["ETag"] for answer in asked}) == 4
    assert len({answer.data for answer in asked}) == 4


def test_a_load_of_a_table_that_is_not_counted_changes_nothing(door, hired, drop, sync):
    client = door("departments_above_mean")
    first = client.get("/", headers=METRICS)
    drop("jobs", "2,Tester\n", minute=1)
    sync.run()

    has = {**METRICS, "If-None-Match": first.headers["ETag"]}
    assert client.get("/", headers=has).status_code == 304
