"""An append-only table through the API: batches, rejects, and rows by load and position."""

import pytest

from shared.tables import Integer, Row, Table, Text
from tests.database.functions.service import HEADERS
from tests.support import apps
from tests.support.problems import assert_problem


class Event(Row):
    """An event."""

    device = Integer()
    what = Text()


ON, BAD = {"device": 1, "what": "on"}, {"device": 1, "what": ""}


@pytest.fixture
def events(service, add):
    """The table, with two rows of a batch; a third one was rejected."""
    add(Table("events", Event, key=()))
    service.send("events", ON, BAD, ON)
    service.deliver()


@pytest.fixture
def ask(service):
    """Read rows."""
    client = apps.load("read_rows").app.test_client()

    def get(path, **query):
        return client.get(f"/read_rows/{path}", query_string=query, headers=HEADERS)

    return get


def test_rows_are_read_by_load_and_position(events, ask):
    page = ask("events", limit=1).get_json()
    (first,) = page["rows"]
    rest = ask("events", cursor=page["next_cursor"]).get_json()
    (second,) = rest["rows"]

    assert (first["position"], second["position"], rest["next_cursor"]) == (0, 2, None)
    assert first == {**second, "position": 0}
    assert ask(f"events/{first['load_id']},2").get_json() == second
    assert_problem(ask(f"events/{first['load_id']},1"), 404, "unknown-row")
    assert_problem(ask("events/1"), 400, "unusable-parameter")
    assert_problem(ask(f"events/{first['load_id']},-1"), 400, "unusable-parameter")
    assert ask("events", **{"from": f"{first['load_id']},1"}).get_json()["rows"] == [second]


def test_a_corrected_row_is_stored(events, service, rows):
    ((reject_id,),) = rows("select reject_id from rejected_rows")

    answer = service.rejects.post(
        "/replay",
        json={"rows": {str(reject_id): {"device": 1, "what": "off"}}},
        headers=HEADERS,
    )

    assert answer.get_json()["replayed"] == [reject_id]
    assert rows("select what, count(distinct load_id) from events group by 1 order by 1") == [
        *(("off", 1), ("on", 1))
    ]


def test_csv_has_the_positions(events, service):
    client = apps.load("read_rows").app.test_client()

    text = client.get("/read_rows/events", headers={**HEADERS, "Accept": "text/csv"}).text

    assert text.splitlines()[0] == "device,what,accepted_at,load_id,position"
