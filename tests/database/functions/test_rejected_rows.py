"""rejected_rows lists rejects, and replays or discards them."""

import csv
import io
import json
import uuid

import pytest

from shared import tables
from shared.formulas import unshield
from shared.tables import Integer, Row, Table, Text
from tests.database.functions.service import HEADERS
from tests.support.problems import assert_problem

GOOD = {
    "id": 1,
    "name": "Ana",
    "datetime": "2021-07-27T16:02:08Z",
    "department_id": 1,
    "job_id": 1,
}


@pytest.fixture
def get(service):
    def send(path, **query):
        return service.rejects.get(path, query_string=query, headers=HEADERS)

    return send


@pytest.fixture
def post(service):
    def send(path, body):
        # Flask's own client would sort the keys.
        return service.rejects.post(
            path, data=json.dumps(body), content_type="application/json", headers=HEADERS
        )

    return send


@pytest.fixture
def rejects(service):
    """Three rejects of jobs, ids 1 to 3, and one of departments, id 4; returns the batch ids."""
    jobs = [{"id": 1, "job": ""}, {"id": "2", "job": "B"}, {"id": 0, "job": "C"}]
    sent = [
        service.send("jobs", *jobs).get_json()["batch_id"],
        service.send("departments", {"id": 1, "department": 5}).get_json()["batch_id"],
    ]
    service.deliver()
    return sent


def ids(response):
    return [row["reject_id"] for row in response.get_json()["rows"]]


def test_rejects_are_listed_newest_first_with_their_reasons(rejects, get):
    response = get("/rejected_rows")

    assert response.status_code == 200
    assert ids(response) == [4, 3, 2, 1]
    newest = response.get_json()["rows"][0]
    assert newest["table"] == "departments"
    assert newest["source"] == newest["load_id"] == rejects[1]
    assert newest["sender"] == "ann"
    assert newest["raw"] == {"id": 1, "department": 5}
    assert newest["errors"] == [
        {
            "field": "department",
            "code": "not_text",
            "message": "Must be text; put it in quotation marks.",
        }
    ]
    assert (newest["reason"], newest["status"]) == ("not_text", "rejected")


def test_filters_can_be_combined(rejects, get):
    jobs_batch = rejects[0]

    assert ids(get("/", table="jobs")) == [3, 2, 1]
    assert ids(get("/", table="jobs", reason="out_of_range")) == [3]
    assert ids(get("/", source=jobs_batch, status="rejected")) == [3, 2, 1]
    assert ids(get("/", load_id=jobs_batch, reason="blank")) == [1]
    assert ids(get("/", status="replayed")) == []
    assert ids(get("/", load_id=str(uuid.uuid4()))) == []


def test_a_file_is_found_with_and_without_its_generation(rejects, get, engine):
    source = "gs://uploads/jobs%_.csv"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "update loads set source = %s where table_name = 'jobs'", (f"{source}#17",)
        )

    assert ids(get("/", source=source)) == [3, 2, 1]
    assert ids(get("/", source=f"{source}#17")) == [3, 2, 1]
    assert ids(get("/", source="gs://uploads/jobs")) == []


def test_pages_have_no_gaps_or_duplicates(rejects, get):
    found, cursor = [], {}
    while cursor is not None:
        response = get("/", limit=1, **cursor)
        found += ids(response)
        following = response.get_json()["next_cursor"]
        cursor = {"cursor": following} if following else None

    assert found == [4, 3, 2, 1]
    assert get("/", limit=4).get_json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"limit": "0"}, 400, "unusable-parameter"),
        ({"limit": "1001"}, 400, "unusable-parameter"),
        ({"limit": "many"}, 400, "unusable-parameter"),
        ({"limit": "٣"}, 400, "unusable-parameter"),
        ({"cursor": "x"}, 400, "unusable-parameter"),
        ({"cursor": "9" * 19}, 400, "unusable-parameter"),
        ({"cursor": "9" * 5000}, 400, "unusable-parameter"),
        ({"status": "open"}, 400, "unusable-parameter"),
        ({"load_id": "1"}, 400, "unusable-parameter"),
        ({"source": "a\x00b"}, 400, "unusable-parameter"),
        ({"tabel": "jobs"}, 400, "unusable-parameter"),
        ({"table": "offices"}, 404, "unknown-table"),
    ],
)
def test_an_invalid_filter_is_a_problem(get, query, status, slug):
    assert_problem(get("/", **query), status, slug)


def test_the_corrections_file_can_be_edited_and_uploaded_without_loss(get, service):
    awkward = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'x", "''=x", 'a "b", c\nd', "ü"]
    service.send("jobs", *({"id": 0, "job": text} for text in awkward))
    service.deliver()

    response = get("/rejected_rows.csv", table="jobs")

    assert response.content_type == "text/csv; charset=utf-8"
    assert 'filename="jobs-corrected.csv"' in response.headers["Content-Disposition"]
    header, *found = csv.reader(io.StringIO(response.text, newline=""))
    assert header == ["id", "job", "_line", "_reasons"]
    assert [unshield(row[1]) for row in found] == awkward
    assert not any(
        cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in found for cell in row
    )
    assert found[0][3] == (
        "id: Must be from 1 to 9223372036854775807; give a number in that range."
    )


def test_the_corrections_file_holds_the_open_rejects_that_match_the_filter(rejects, get, post):
    post("/discard", {"ids": [2]})

    def lines(**query):
        return len(get("/rejected_rows.csv", **query).text.splitlines()) - 1

    assert lines(table="jobs") == 2
    assert lines(table="jobs", reason="blank") == 1
    assert lines(table="jobs", source=rejects[0]) == 2
    assert lines(table="jobs", load_id=rejects[1]) == 0
    assert_problem(get("/rejected_rows.csv"), 400, "unusable-parameter")
    assert_problem(get("/rejected_rows.csv", table="offices"), 404, "unknown-table")


def test_corrected_rows_are_stored_and_their_rejects_closed(rejects, post, get, rows):
    body = {"rows": {"1": {"id": 1, "job": "A"}, "2": {"id": 2, "job": "B"}}}

    response = post("/replay", body)

    answer = response.get_json()
    assert response.status_code == 200
    assert answer["replayed"] == [1, 2]
    assert answer["rejected"] == answer["not_open"] == []
    (load,) = answer["loads"]
    assert (load["table"], load["counts"]["inserted"]) == ("jobs", 2)
    assert rows("select id, job from jobs order by id") == [(1, "A"), (2, "B")]
    assert ids(get("/", status="replayed")) == [2, 1]
    assert ids(get("/", status="rejected")) == [4, 3]
    assert rows("select kind, sender from loads where kind = 'replay'") == [("replay", "ann")]


def test_a_replay_publishes_that_its_table_has_changed(rejects, post, service):
    service.pull("table-changed")

    post("/replay", {"rows": {"1": {"id": 1, "job": "A"}}})

    assert [m.attributes["table"] for m in service.pull("table-changed")] == ["jobs"]


def test_rows_of_several_tables_are_replayed_in_one_request(rejects, post):
    body = {"rows": {"1": {"id": 1, "job": "A"}, "4": {"id": 1, "department": "D"}}}

    answer = post("/replay", body).get_json()

    assert answer["replayed"] == [1, 4]
    assert {load["table"] for load in answer["loads"]} == {"jobs", "departments"}


def test_a_row_that_is_still_invalid_stays_open(rejects, post, get, rows):
    answer = post("/replay", {"rows": {"1": {"id": 1, "job": " "}}}).get_json()

    assert answer["replayed"] == answer["loads"] == []
    assert answer["rejected"] == [
        {"reject_id": 1, "errors": {"job": ["Must not be blank; give a text."]}}
    ]
    assert 1 in ids(get("/", status="rejected"))
    assert rows("select count(*) from rejected_rows") == [(4,)]


def test_a_reject_is_replayed_once(rejects, post):
    body = {"rows": {"1": {"id": 1, "job": "A"}, "999": {"id": 9, "job": "Z"}}}
    post("/replay", body)

    answer = post("/replay", body).get_json()

    assert answer["replayed"] == []
    assert answer["not_open"] == [
        {"reject_id": 1, "status": "replayed"},
        {"reject_id": 999, "status": None},
    ]


def test_a_repeated_replay_stores_nothing_and_says_so(rejects, post, rows):
    body = {"rows": {"1": {"id": 1, "job": "A"}}}
    assert post("/replay", body).get_json()["replayed"] == [1]

    answer = post("/replay", body).get_json()

    assert answer["not_open"] == [{"reject_id": 1, "status": "replayed"}]
    assert (answer["replayed"], answer["loads"]) == ([], [])
    assert rows("select count(*) from loads where kind = 'replay'") == [(1,)]


def test_a_waiting_row_can_be_corrected_and_the_ledger_counts_it_as_rejected(service, post, rows):
    service.send("departments", {"id": 1, "department": "D"})
    service.send("jobs", {"id": 1, "job": "J"})
    service.send("hired_employees", {**GOOD, "job_id": 77})
    service.deliver()
    ((reject_id,),) = rows("select reject_id from rejected_rows where status = 'waiting'")

    answer = post("/replay", {"rows": {str(reject_id): GOOD}}).get_json()

    assert answer["replayed"] == [reject_id]
    assert rows("select id, job_id from hired_employees") == [(1, 1)]
    assert rows(
        "select rows_read, waiting, rejected from loads "
        "where table_name = 'hired_employees' and kind = 'batch'"
    ) == [(1, 0, 1)]


def test_a_corrected_row_without_its_parent_waits(rejects, service, post, rows):
    service.send("hired_employees", {**GOOD, "name": ""})
    service.deliver()
    ((reject_id,),) = rows(
        "select reject_id from rejected_rows where table_name = 'hired_employees'"
    )

    answer = post("/replay", {"rows": {str(reject_id): GOOD}}).get_json()

    assert (answer["replayed"], answer["waiting"]) == ([], [reject_id])
    assert answer["loads"][0]["counts"]["waiting"] == 1
    load_id = answer["loads"][0]["load_id"]
    assert rows(
        "select reject_id, cast(load_id as text), raw ->> 'name' from rejected_rows"
        " where status = 'waiting'"
    ) == [(reject_id, load_id, "Ana")]
    # The original row is kept with the load that rejected it.
    assert rows(
        "select kind, raw ->> 'name', position from rejected_rows join loads using (load_id)"
        " where status = 'replayed' and rejected_rows.table_name = 'hired_employees'"
    ) == [("batch", "", 0)]

    service.send("departments", {"id": 1, "department": "D"})
    service.send("jobs", {"id": 1, "job": "J"})
    service.deliver()

    assert rows("select name from hired_employees") == [("Ana",)]
    assert rows(f"select status from rejected_rows where reject_id = {reject_id}") == [("loaded",)]
    counts = "select rows_read, inserted, waiting from loads where load_id = cast(:id as uuid)"
    assert rows(counts, id=load_id) == [(1, 1, 0)]


class Price(Row):
    """A price."""

    id = Integer(minimum=1)
    price = Text()


def test_a_corrected_row_that_its_table_refuses_stays_open_under_its_id(service, add, post, rows):
    drop = add(Table("prices", Price, on_conflict="reject"))
    drop("1,5\n2,\n3,\n4,\n")
    (second, third, fourth) = [one for (one,) in rows("select reject_id from rejected_rows")]
    # The first row is stored with another price.
    corrected = {second: [2, "6"], third: [1, "7"], fourth: [3, "8"]}
    body = {
        str(one): dict(zip(("id", "price"), row, strict=True)) for one, row in corrected.items()
    }

    answer = post("/replay", {"rows": body}).get_json()

    assert answer["replayed"] == [second, fourth]
    assert answer["waiting"] == []
    (refused,) = answer["rejected"]
    assert refused["reject_id"] == third
    assert list(refused["errors"]) == ["_row"]
    (load,) = answer["loads"]
    assert (load["counts"]["inserted"], load["counts"]["rejected"]) == (2, 1)
    assert rows("select id, price from prices order by id") == [(1, "5"), (2, "6"), (3, "8")]
    open_row = "select reject_id, cast(load_id as text), raw, reason from rejected_rows"
    assert rows(f"{open_row} where status = 'rejected'") == [
        (third, load["load_id"], {"id": 1, "price": "7"}, "conflict")
    ]
    # The line of the file is kept with the file's load.
    assert rows(
        "select position, status from rejected_rows join loads using (load_id)"
        " where kind = 'file' order by 1"
    ) == [(2, "replayed"), (3, "replayed"), (4, "replayed")]
    assert post("/discard", {"ids": [third]}).get_json()["discarded"] == [third]


def test_a_corrected_row_whose_unique_values_are_taken_stays_open_under_its_id(
    service, add, post, rows
):
    drop = add(Table("prices", Price, unique=(("price",),)))
    drop("1,5\n2,\n3,\n")
    second, third = [one for (one,) in rows("select reject_id from rejected_rows order by 1")]

    body = {"rows": {second: {"id": 2, "price": "5"}, third: {"id": 3, "price": "6"}}}
    answer = post("/replay", body).get_json()

    assert answer["replayed"] == [third]
    (refused,) = answer["rejected"]
    assert refused == {
        "reject_id": second,
        "errors": {"price": ["Another row has the same price, which must be unique; change them."]},
    }
    again = post("/replay", {"rows": {second: {"id": 2, "price": "7"}}}).get_json()
    assert again["replayed"] == [second]
    assert rows("select id, price from prices order by id") == [(1, "5"), (2, "7"), (3, "6")]


def test_a_replay_whose_change_cannot_be_published_is_answered(rejects, post, stand_ins, rows):
    post("/discard", {"ids": [3]})
    with stand_ins.frozen("pubsub"):
        answer = post("/replay", {"rows": {"1": {"id": 1, "job": "A"}}})

    assert answer.get_json()["replayed"] == [1]
    assert rows("select id from jobs") == [(1,)]
    assert rows("select status from rejected_rows where reject_id = 1") == [("replayed",)]


def test_rejects_are_discarded(rejects, post, get):
    answer = post("/discard", {"ids": [3, 1, 1, 999]}).get_json()

    assert answer["discarded"] == [1, 3]
    assert answer["not_open"] == [{"reject_id": 999, "status": None}]
    assert ids(get("/", status="discarded")) == [3, 1]
    largest = post("/discard", {"ids": [2**63 - 1]}).get_json()
    assert largest["not_open"] == [{"reject_id": 2**63 - 1, "status": None}]
    repeated = post("/discard", {"ids": [1]}).get_json()
    assert repeated == {"discarded": [], "not_open": [{"reject_id": 1, "status": "discarded"}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/discard", {"ids": []}),
        ("/discard", {"ids": [0]}),
        ("/discard", {"ids": [2**63]}),
        ("/discard", {"ids": ["1"]}),
        ("/discard", {"ids": list(range(1, 1002))}),
        ("/discard", {}),
        ("/replay", {"rows": {}}),
        ("/replay", {"rows": {"x": {}}}),
        ("/replay", {"rows": {"01": {}}}),
        ("/replay", {"rows": {"1\n": {}}}),
        ("/replay", {"rows": {"٣": {}}}),
        ("/replay", {"rows": {"9" * 19: {}}}),
        ("/replay", {"rows": {"1": GOOD}, "more": 1}),
        ("/replay", []),
    ],
)
def test_an_invalid_body_is_400(post, path, body):
    assert_problem(post(path, body), 400, "invalid-body")


def test_every_table_has_a_corrections_file(get):
    for table in tables.all_tables().values():
        header = get("/rejected_rows.csv", table=table.name).text.splitlines()[0]

        assert header == ",".join([*table.names, "_line", "_reasons"])
