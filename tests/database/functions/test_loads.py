"""GET /loads: the ledger, a page at a time, and a single load."""

from uuid import UUID

import pytest

from tests.database.functions.service import HEADERS
from tests.support import apps
from tests.support.problems import assert_problem


@pytest.fixture
def ask(service):
    loads = apps.load("loads").app.test_client()
    return lambda path="": loads.get(f"/loads{path}", headers=HEADERS)


@pytest.fixture
def get(ask):
    def get_json(path=""):
        response = ask(path)
        assert response.status_code == 200, response.text
        return response.get_json()

    return get_json


@pytest.fixture
def send(service):
    def stored(table, *rows, **headers):
        batch_id = service.send(table, *rows, **headers).get_json()["batch_id"]
        service.deliver()
        return batch_id

    return stored


def clerk(key):
    return {"id": key, "job": "Clerk"}


def test_pages_list_each_load_once_newest_first(send, get):
    sent = [send("jobs", clerk(key)) for key in range(1, 8)]

    found, cursor = [], ""
    while cursor is not None:
        page = get(f"?limit=3{cursor and f'&cursor={cursor}'}")
        found += [load["load_id"] for load in page["rows"]]
        cursor = page["next_cursor"]

    assert found == sent[::-1]


def ids(page):
    return [load["load_id"] for load in page["rows"]]


def test_a_load_has_its_whole_entry(send, get, ask):
    load_id = send("jobs", clerk(1), {"id": 2, "job": " "})

    found = get(f"/{load_id}")

    assert get()["rows"] == [found]
    assert (found["sender"], found["kind"], found["table"], found["state"]) == (
        *("ann", "batch", "jobs", "done"),
    )
    assert (found["counts"]["read"], found["counts"]["rejected"]) == (2, 1)
    assert_problem(ask(f"/{UUID(int=7)}"), 404, "unknown-load")


def test_every_filter_leaves_out_the_others(send, get):
    jobs = send("jobs", clerk(1))
    department = send("departments", {"id": 1, "department": "Sales"})
    of_bob = send("jobs", clerk(2), X_Token="bob's token")
    middle = get(f"/{department}")["accepted_at"]

    assert ids(get("?table=departments")) == [department]
    assert ids(get("?sender=bob")) == [of_bob]
    assert ids(get("?sender=ann&table=jobs")) == [jobs]
    assert ids(get(f"?since={middle}")) == [of_bob, department]
    assert ids(get("?kind=batch&state=done&limit=1")) == [of_bob]
    assert get("?kind=file")["rows"] == get("?state=failed")["rows"] == []


def test_pages_of_a_filter_hold_only_what_it_matches(send, get):
    sent = [send("jobs", clerk(key)) for key in (1, 2, 3)]
    send("departments", {"id": 1, "department": "Sales"})

    first = get("?table=jobs&limit=2")
    second = get(f"?table=jobs&limit=2&cursor={first['next_cursor']}")

    assert ids(first) + ids(second) == sent[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "cursor=x", "state=x", "kind=x", "since=x", "sender=%00"]
)
def test_an_invalid_query_is_a_problem(ask, query):
    assert_problem(ask(f"?{query}"), 400, "unusable-parameter")


def test_an_unknown_table_is_a_problem(ask):
    assert_problem(ask("?table=offices"), 404, "unknown-table")
