"""Rows and files of another release of the dictionary: renamed and removed fields."""

import io
import json
from uuid import uuid4

import pytest

from shared import tables
from shared.avro import schemas
from shared.errors import ConfigurationError, UnreadableFile
from shared.loading import batches
from shared.tables import Integer, Row, Table, Text
from shared.validation import corrections, csv_rows, json_batch
from shared.validation.row import FieldError, validate_row
from tests.database.moments import NOON
from tests.support.csv_files import staged


class Order(Row):
    """An order; it had a voucher and a level."""

    id = Integer(was=("number", "no"))
    coupon = Text(optional=True, was="voucher")


ORDERS = Table("orders", Order, removed=("level",))
UNKNOWN = (FieldError("voucher", "unknown_field"),)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"id": 1, "coupon": "a"}, {"id": 1, "coupon": "a"}),
        ({"number": 1, "voucher": "a", "level": 5}, {"id": 1, "coupon": "a"}),
        ({"no": 1, "voucher": None}, {"id": 1, "coupon": None}),
        ({"id": 1, "coupon": "a", "voucher": "a"}, UNKNOWN),
        ({"id": 1, "coupon": None, "voucher": "a"}, UNKNOWN),
        ({"no": "x", "voucher": "a"}, (FieldError("id", "not_an_integer"),)),
    ],
)
def test_a_row_may_use_old_names_and_removed_fields_but_no_field_twice(row, verdict):
    assert validate_row(ORDERS, row) == verdict

    found = json_batch.check(ORDERS, json.dumps({"rows": [row, {"id": 9}]}).encode())

    if isinstance(verdict, tuple):
        assert [reject.errors for reject in found.rejects] == [verdict]
        assert json.loads(bytes(found.rejects[0].raw)) == row
    else:
        assert list(found.rows[0]) == list(verdict.values())


def test_a_number_that_is_none_is_found_under_the_old_name_too():
    found = json_batch.check(ORDERS, b'{"rows":[{"number":NaN}]}')

    assert [reject.errors for reject in found.rejects] == [(FieldError("id", "not_finite"),)]


def test_a_message_under_way_is_read_by_the_names_it_was_sent_with(monkeypatch):
    monkeypatch.setattr(tables, "all_tables", lambda: {"orders": ORDERS})
    before = Table(
        "orders", type("Before", (Row,), {"number": Integer(minimum=1), "voucher": Text()})
    )
    body = b'{"rows":[{"number":1,"voucher":"a"},{"number":0,"voucher":"b"}]}'
    sent = batches.Batch(uuid4(), before, "ann", NOON, json_batch.check(before, body))

    received = batches.unpack(*batches.pack(sent, body))

    assert {index: list(row) for index, row in received.verdict.rows.items()} == {0: [1, "a"]}
    assert [reject.position for reject in received.verdict.rejects] == [1]


def read(text):
    return list(csv_rows.blocks(ORDERS, io.BytesIO(text.encode()), 1 << 20))


@pytest.mark.parametrize(
    "text",
    [
        "id,coupon\n1,a\n2,\n",
        "Voucher,NUMBER\na,1\n,2\n",
        "level,no,voucher\nx,1,a\n,2,\n",
        'no,level,voucher\n1,5,"a"\n2,,""\n',
    ],
)
def test_the_header_of_a_file_may_use_old_names_and_removed_fields(text):
    (block,) = read(text)

    assert sorted(staged(ORDERS, block)) == [("2", "1", "a"), ("3", "2", "")]
    assert block.rejects == []


@pytest.mark.parametrize("header", ["id,number,coupon", "id,coupon,voucher"])
def test_a_header_with_both_names_is_refused(header):
    with pytest.raises(UnreadableFile, match="doubled"):
        read(f"{header}\n1,1,1\n")


def test_a_file_of_corrections_has_the_new_names():
    raw = {"number": "x", "voucher": "a", "level": "5"}

    lines = b"".join(corrections.lines(ORDERS, [(7, raw, "wrong")])).decode().splitlines()

    assert lines == ["id,coupon,_line,_reasons", "x,a,7,wrong"]


def test_a_backup_names_the_old_fields_for_the_release_before():
    fields = schemas.of_table(ORDERS).declared["fields"]

    assert [one.get("aliases") for one in fields[:2]] == [["number", "no"], ["voucher"]]


@pytest.mark.parametrize(
    ("fields", "removed", "reused"),
    [
        ({"a": Text(was="id")}, (), "id"),
        ({"a": Text(was="b"), "c": Text(was="b")}, (), "b"),
        ({"a": Text(was="b")}, ("b",), "b"),
        ({"a": Text()}, ("a",), "a"),
        ({"a": Text(was="load_id")}, (), "load_id"),
    ],
)
def test_a_name_that_a_field_had_is_no_other_fields(fields, removed, reused):
    schema = type("Other", (Row,), {"id": Integer(), **fields})

    with pytest.raises(ConfigurationError, match=f"{reused!r} in `was` or `removed` is used twice"):
        tables.in_order({"others": Table("others", schema, removed=removed)})
