"""A value that a row may lack: NULL, or the field's default, whichever way the row comes."""

import io
import json

import pytest

from shared.errors import ConfigurationError
from shared.tables import Integer, Row, Table, Text, Timestamp
from shared.validation import csv_rows, json_batch, json_schema
from tests.support.csv_files import staged_lines
from tests.support.toy_kinds import Day


class Order(Row):
    """An order of a customer."""

    id = Integer(minimum=1, description="Id", aliases=("Order No",))
    coupon = Text(description="Coupon", optional=True, aliases=("Voucher",))
    amount = Integer(minimum=1, description="How many", default=1)
    paid_at = Timestamp(description="When it was paid", optional=True)
    day = Day(description="Day of delivery", optional=True)


ORDERS = Table("orders", Order, missing=("", "NULL", "n/a"))


def from_csv(text):
    found = list(csv_rows.blocks(ORDERS, io.BytesIO(text.encode()), 1 << 20))
    rejects = {r.position: [(e.field, e.code) for e in r.errors] for b in found for r in b.rejects}
    return staged_lines(ORDERS, found), rejects


def from_json(*rows):
    body = json.dumps({"rows": list(rows)}).encode()
    verdict = json_batch.check(ORDERS, body)
    copied = verdict.block(ORDERS).copied().decode() if verdict.rows else ""
    lines = [line.split("\t", 1)[1] for line in copied.splitlines()]
    return lines, {r.position: [(e.field, e.code) for e in r.errors] for r in verdict.rejects}


HEADER = "id,coupon,amount,paid_at,day\n"


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ("7,X,3,2021-01-01T00:00:00Z,2021-07-27", "7\tX\t3\t2021-01-01T00:00:00Z\t2021-07-27"),
        ("7,,3,,", "7\t\t3\t\t"),
        ("7,,,,", "7\t\t1\t\t"),
        ("7,NULL,n/a,NULL,n/a", "7\t\t1\t\t"),
        ("7,NULLS,3,,", "7\tNULLS\t3\t\t"),
        ('7,"NULL",3,"",', "7\t\t3\t\t"),
        ('7,"a, NULL",3,,', "7\ta, NULL\t3\t\t"),
    ],
)
def test_an_empty_cell_or_a_word_for_it_is_null_or_the_default(cells, wanted):
    assert from_csv(f"{HEADER}{cells}\n") == ([wanted], {})
    # Beside plainly good lines, and as the last line without an end.
    assert from_csv(f"{HEADER}1,A,1,,\n{cells}")[0][-1] == wanted


def test_a_required_cell_must_not_be_such_a_word():
    assert from_csv(f"{HEADER}NULL,A,1,,\n,A,1,,\n") == (
        [],
        {2: [("id", "missing")], 3: [("id", "missing")]},
    )


def test_a_file_may_lack_optional_columns_and_name_others_by_their_aliases():
    good, rejects = from_csv("Voucher,order no\nX,7\n,8\n,\n")

    assert good == ["7\tX\t1\t\t", "8\t\t1\t\t"]
    assert rejects == {4: [("id", "missing")]}


def test_a_header_that_lacks_a_required_column_is_refused():
    with pytest.raises(Exception, match=r"missing: 'id'.*coupon, amount, paid_at, day may be left"):
        from_csv("coupon,amount\nX,1\n")


def test_absent_and_null_are_the_same_in_json():
    full = {"id": 7, "coupon": "X", "amount": 3, "paid_at": "2021-01-01T00:00:00Z", "day": None}
    good, rejects = from_json(
        full,
        {"id": 8},
        {"id": 9, "coupon": None, "amount": None, "paid_at": None, "day": "2021-07-27"},
        {"id": None},
        {"id": 10, "coupon": " "},
        {"id": 11, "day": "x"},
    )

    assert good == [
        "7\tX\t3\t2021-01-01T00:00:00Z\t",
        "8\t\t1\t\t",
        "9\t\t1\t\t2021-07-27",
    ]
    assert rejects == {3: [("id", "missing")], 4: [("coupon", "blank")], 5: [("day", "not_a_day")]}


@pytest.mark.parametrize(
    "row", ['{"id": 7, "coupon": "X", "coupon": "Y"}', '{"id": 7, "day": null, "day": null}']
)
def test_a_key_that_comes_twice_is_noticed_in_an_optional_field_too(row):
    with pytest.raises(json_batch.BadBatch, match="occurs twice"):
        json_batch.check(ORDERS, b'{"rows": [%b]}' % row.encode())


def test_the_schema_says_what_may_be_null_and_what_stands_in():
    shape = json_schema.schema(ORDERS)

    assert shape["required"] == ["id"]
    assert shape["properties"]["coupon"]["type"] == ["string", "null"]
    assert shape["properties"]["amount"]["default"] == 1
    assert shape["properties"]["id"]["type"] == "integer"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"allow_none": True}, "takes no allow_none"),
        ({"load_default": 1}, "takes no load_default"),
        ({"data_key": "x"}, "takes no data_key"),
        ({"default": 0, "minimum": 1}, r"0 cannot be the default .*\(out_of_range\)"),
        ({"default": "1"}, r"'1' cannot be the default .*\(not_an_integer\)"),
    ],
)
def test_an_option_that_is_not_honoured_is_refused(options, said):
    with pytest.raises(ConfigurationError, match=said):
        Integer(**options)
