"""A kind of field is added by adding one file: every system of the platform works with it."""

import shutil
from contextlib import closing

import pytest

from infra.local.environment import ROOT
from tests.support import toy_kinds
from tests.support.operator import Operator
from tests.support.platform import running, wait_until

pytestmark = pytest.mark.slow


ROOMS = '''"""Rooms, with fields of kinds that the platform does not have."""

from shared.tables import Day, Flag, Integer, Reference, Row, Table


class Room(Row):
    """A room of a department, perhaps with a window."""

    id = Integer(minimum=1, description="Id of the room")
    window = Flag(description="Whether it has a window")
    built = Day(description="When it was built")
    department_id = Integer(minimum=1, description="Id of its department")


TABLE = Table("rooms", Room, references=(Reference("department_id", "departments"),))
'''


@pytest.fixture
def operator(tmp_path, monkeypatch):
    """An operator of a platform with two more kinds of field, and a table that uses them."""
    for folder in ("functions", "shared", "infra"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(toy_kinds.__file__, tmp_path / "shared" / "tables" / "kinds" / "toys.py")
    (tmp_path / "shared" / "tables" / "rooms.py").write_text(ROOMS)
    monkeypatch.setenv("TABLEGATE_BIGQUERY_PYTHON", str(ROOT / ".venv-bigquery" / "bin" / "python"))
    with running(root=tmp_path) as platform, closing(Operator(platform)) as made:
        yield made


def in_bigquery(operator):
    """The rooms in the warehouse."""
    query = f"select id, `window`, cast(built as string) as built from `{operator.dataset}.rooms`"
    return sorted(map(dict, operator.bigquery.query(query).result()), key=lambda room: room["id"])


def differing(operator):
    """The rooms that differ in BigQuery, each with the fields that do; they are repaired."""
    asked = {"table": "rooms", "repair": True}
    (found,) = operator.api.post("/sync_warehouse/reconcile", json=asked).json()["tables"]
    return [(difference["key"], difference["fields"]) for difference in found["differences"]]


def test_a_new_kind_is_loaded_synced_reconciled_backed_up_and_restored(operator):
    row = {"id": 3, "window": False, "built": "2021-07-27", "department_id": 1}
    stored = 'select id, "window", cast(built as text) as built from rooms order by id'
    wanted = [
        {"id": 1, "window": True, "built": "2021-07-27"},
        {"id": 2, "window": False, "built": "1999-12-31"},
        {"id": 3, "window": False, "built": "2021-07-27"},
    ]

    operator.dropped(
        "rooms.csv",
        b'id,built,window,department_id\n1,2021-07-27,true,1\n"2","1999-12-31","false",1\n'
        b"9,2021-02-30,perhaps,1\n",
    )
    batch = operator.api.post("/insert_rows/rooms", json={"rows": [row, {**row, "window": "no"}]})
    assert (batch.status_code, batch.json()["accepted"]) == (202, 1)
    wait_until(
        lambda: operator.count("select count(*) from loads where state = 'done'") == 2,
        "both loaded",
    )
    assert operator.ask(stored) == []
    operator.dropped("departments.csv", b"1,Sales\n")
    wait_until(lambda: operator.count("select count(*) from rooms") == 3, "all released")
    assert operator.ask(stored) == wanted
    operator.synced()
    assert in_bigquery(operator) == wanted
    assert differing(operator) == []

    rejects = operator.api.get("/rejected_rows", params={"table": "rooms", "status": "rejected"})
    errors = [error for reject in rejects.json()["rows"] for error in reject["errors"]]
    assert sorted((error["field"], error["message"]) for error in errors) == [
        ("built", "Must be a day; write it like 2021-07-27."),
        ("window", "Must be true or false; write one of them."),
        ("window", "Must be true or false; write one of them."),
    ]
    schemas = operator.api.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["rooms"]["properties"]["window"]["type"] == "boolean"

    backup = operator.api.post("/backup_table/rooms")
    assert (backup.status_code, backup.json()["rows"]) == (201, 3)
    operator.ask("delete from rooms where id = 1 returning id")
    operator.ask("update rooms set built = '2000-01-01' where id = 2 returning id")
    restored = operator.api.post("/restore_table/rooms", json={"backup": "latest"})
    assert restored.status_code == 200, restored.text
    changes = restored.json()
    assert (changes["inserted"]["count"], changes["updated"]["count"]) == (1, 1)
    assert operator.ask(stored) == wanted
    operator.synced()
    rooms = f"`{operator.dataset}.rooms`"
    operator.bigquery.query(f"update {rooms} set built = '2000-01-01' where id = 2").result()
    operator.bigquery.query(f"update {rooms} set `window` = false where id = 1").result()
    assert differing(operator) == [({"id": 1}, ["window"]), ({"id": 2}, ["built"])]
    assert differing(operator) == []
    assert in_bigquery(operator) == wanted
