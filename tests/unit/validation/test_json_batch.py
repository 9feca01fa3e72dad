"""JSON batches: malformed ones are refused whole, bad rows are rejected one by one."""

import json
import tracemalloc
from typing import Annotated, Literal

import msgspec
import pytest
from marshmallow.validate import Length, Range

from shared import tables
from shared.tables import Decimal, Integer, Row, Table, Text
from shared.validation import json_batch
from shared.validation.json_batch import BadBatch, check

JOBS = tables.find("jobs")
HIRES = tables.find("hired_employees")


def body(*rows):
    return json.dumps({"rows": rows}).encode()


def job(number, **changes):
    return {"id": number, "job": f"Job {number}", **changes}


def test_a_good_batch_passes_through_unchanged():
    verdict = check(JOBS, body(job(1), job(2)))

    assert verdict.rows == {0: (1, "Job 1"), 1: (2, "Job 2")}
    assert verdict.rejects == []
    assert verdict.raw is None


def test_bad_rows_do_not_hold_up_the_others():
    verdict = check(JOBS, body(job(1), job("2"), job(3, extra=1), 4, job(5)))

    assert sorted(verdict.rows) == [0, 4]
    assert [(r.position, r.reason) for r in verdict.rejects] == [
        (1, "not_an_integer"),
        (2, "unknown_field"),
        (3, "not_an_object"),
    ]
    assert [json.loads(raw)["id"] for raw in verdict.raw] == [1, 5]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_json"),
        (b"nope", "not_json"),
        (b'{"rows": [{"id": 1, "job": "\xff"}]}', "not_json"),
        (b'{"rows": [{"id": 1, "job": "x"}]} x', "not_json"),
        (b"[]", "not_a_batch"),
        (b'{"row": []}', "not_a_batch"),
        (b'{"rows": {}}', "not_a_batch"),
        (b'{"rows": [], "more": 1}', "not_a_batch"),
        (b'{"rows": []}', "empty_batch"),
        (body(*[job(1)] * 1001), "too_many_rows"),
        (b'{"rows": [{"id": 1, "id": 1, "job": "x"}]}', "duplicate_key"),
        (b'{"rows": [{"id": 1, "job": "x", "job": "y\\""}]}', "duplicate_key"),
        (b'{"rows": [], "rows": [{"id": 1, "job": "x"}]}', "duplicate_key"),
        (b'{"rows": [{"id": "x", "job": {"a": 1, "a": 2}}]}', "duplicate_key"),
        (b"[" * 200_000, "too_deep"),
        (b'{"rows": [' + b'{"id":' * 200_000, "too_deep"),
    ],
)
def test_a_malformed_batch_is_refused_whole(content, code):
    with pytest.raises(BadBatch) as caught:
        check(JOBS, content)

    assert caught.value.code == code


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1E400", "-1e999"])
@pytest.mark.parametrize("field", ["id", "job"])
def test_a_number_that_is_not_finite_rejects_its_row_alone(number, field):
    row = {"id": 7, "job": "x"} | {field: 0}
    text = json.dumps(row).replace(": 0", f": {number}")
    content = f'{{"rows": [{{"id": 1, "job": "a"}}, {text} , {{"id": 2, "job": "b"}}]}}'

    verdict = check(JOBS, content.encode())

    assert list(verdict.rows) == [0, 2]
    (reject,) = verdict.rejects
    assert (reject.position, msgspec.json.decode(reject.raw)) == (1, row | {field: number})
    assert [(error.field, error.code) for error in reject.errors] == [(field, "not_finite")]


def test_the_other_faults_of_a_row_with_nan_are_reported_too():
    (reject,) = check(JOBS, b'{"rows": [{"id": [NaN], "job": " ", "more": NaN}]}').rejects

    assert {(error.field, error.code) for error in reject.errors} == {
        *(("id", "not_finite"), ("job", "blank"), ("more", "unknown_field"))
    }


def test_a_row_that_is_nan_is_not_an_object():
    (reject,) = check(JOBS, b'{"rows": [NaN]}').rejects

    assert [error.code for error in reject.errors] == ["not_an_object"]


@pytest.mark.parametrize("number", ["9007199254740993.0", "1e3", "0.1000", "-0.0", "1E+2"])
def test_a_reject_keeps_numbers_as_they_were_sent(number):
    (reject,) = check(JOBS, f'{{"rows": [{{"id": {number}, "job": [{number}]}}]}}'.encode()).rejects

    assert msgspec.json.encode(reject.raw).decode() == f'{{"id":{number},"job":[{number}]}}'


def test_the_error_points_to_its_row():
    with pytest.raises(BadBatch) as caught:
        check(JOBS, b'{"rows": [{"id": 1, "job": "x"}, {"id": 1, "id": 2, "job": "x"}]}')

    assert caught.value.pointer == "/rows/1"


def test_a_lone_surrogate_rejects_only_its_own_row():
    verdict = check(
        JOBS, b'{"rows": [{"id": 1, "job": "\\ud83d"}, {"id": 2, "job": "\\ud83d\\ude00"}]}'
    )

    assert verdict.rows == {1: (2, "😀")}
    assert [(r.position, r.reason) for r in verdict.rejects] == [(0, "not_unicode")]


def test_a_leap_day_is_valid_only_in_a_leap_year():
    good = {"id": 1, "name": "x", "department_id": 1, "job_id": 1}

    verdict = check(
        HIRES,
        body(
            {**good, "datetime": "2024-02-29T00:00:00Z"},
            {**good, "datetime": "2023-02-29T00:00:00Z"},
        ),
    )

    assert list(verdict.rows) == [0]
    assert verdict.rejects[0].reason == "not_a_timestamp"


def test_rows_are_staged_by_their_index():
    block = check(JOBS, body(job("x"), job(2, job='tab\t, back\\slash, "quoted"'))).block(JOBS)

    assert block.copied() == b'1\t2\ttab\\t, back\\\\slash, "quoted"\n'
    assert block.read == 2


@pytest.mark.parametrize("size", [1, json_batch.MAX_ROWS])
def test_a_batch_may_hold_from_one_to_a_thousand_rows(size):
    good, bad = job(1), job("2")

    verdict = check(JOBS, body(*[good] * size))
    with_bad = check(JOBS, body(*[good] * (size - 1), bad))

    assert (verdict.size, len(verdict.rows), verdict.raw) == (size, size, None)
    assert (with_bad.size, len(with_bad.rows)) == (size, size - 1)
    assert [reject.position for reject in with_bad.rejects] == [size - 1]


def test_a_tables_own_rule_is_applied_to_every_row():
    class Even(Row):
        """A row with an even id."""

        id = Integer(minimum=1, validate=Range(min=10, error="Must be 10 or more."))

    table = Table("evens", Even)

    verdict = check(table, body({"id": 12}, {"id": 5}))

    assert list(verdict.rows) == [0]
    assert verdict.rejects[0].errors[0].sentence() == "Must be 10 or more."


def test_one_blank_text_rejects_only_its_own_row():
    verdict = check(JOBS, body(job(1), job(2, job=" "), job(3)))

    assert sorted(verdict.rows) == [0, 2]
    assert verdict.rejects[0].reason == "blank"


def test_a_value_of_two_moments_is_rejected_and_spares_its_neighbours():
    good = {
        "id": 1,
        "name": "x",
        "datetime": "2021-07-27T16:02:08Z",
        "department_id": 1,
        "job_id": 1,
    }
    moments = "2021-07-27T16:02:08Z\n2021-07-27T16:02:08Z"

    verdict = check(HIRES, body(good, {**good, "datetime": moments}, good))

    assert list(verdict.rows) == [0, 2]
    assert [(r.position, r.reason) for r in verdict.rejects] == [(1, "not_a_timestamp")]


def hire(**changes):
    given = {
        "id": 1,
        "name": "x",
        "datetime": "2021-07-27T16:02:08Z",
        "department_id": 1,
        "job_id": 1,
    }
    return {**given, **changes}


@pytest.mark.parametrize("name", ["Zoë", "a\\b \t", '"Zoe"', '\\"', '"', '\\\\"\\'])
@pytest.mark.parametrize("size", [1, 2, 99, 1000])
def test_a_good_batch_is_taken_without_the_rules(asked, name, size):
    content = body(*(hire(id=number, name=name) for number in range(1, size + 1)))

    verdict = check(HIRES, content)

    assert (verdict.size, len(verdict.rows)) == (size, size)
    assert (verdict.rejects, verdict.raw) == ([], None)
    assert asked == []


class Remark(Row):
    """A row with a rule for one field."""

    id = Integer(minimum=1)
    remark = Text(validate=Length(max=12, error="Be brief."))
    author = Text()


@pytest.mark.parametrize("name", ["Ann", 'Ann "A"', "A\\"])
def test_a_field_with_a_rule_of_its_own_leaves_its_own_values_to_the_rules(asked, name):
    remarks = ["", 'a "b" \\', "\\", '"', "x" * 13, "fine"]
    given = [{"id": n, "remark": remark, "author": name} for n, remark in enumerate(remarks, 1)]

    verdict = check(Table("remarks", Remark), body(*given))

    assert [(r.position, r.reason) for r in verdict.rejects] == [(0, "blank"), (4, "rule_broken")]
    assert verdict.rows == {n: tuple(given[n].values()) for n in (1, 2, 3, 5)}
    assert asked == remarks


@pytest.mark.parametrize(
    "declared",
    [
        str,
        Annotated[str, msgspec.Meta(max_length=5)],
        Literal["left", "right"],
        Annotated[Literal["left", "right"], msgspec.Meta(description="A side.")],
    ],
)
def test_a_good_text_is_taken_without_the_rules_however_its_type_is_declared(asked, declared):
    class Side(Text):
        """A text of a declared type."""

        json_type = declared

    class Door(Row):
        """A door."""

        id = Integer(minimum=1)
        side = Side()

    table = Table("doors", Door)

    verdict = check(table, body({"id": 1, "side": "left"}, {"id": 2, "side": "right"}))

    assert verdict.rows == {0: (1, "left"), 1: (2, "right")}
    assert (verdict.raw, asked) == (None, [])


@pytest.mark.parametrize("place", [0, 1, 6, 7, 12])
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("datetime", "2024-02-29T00:00:00Z", None),
        ("datetime", "2021-02-29T00:00:00Z", "not_a_timestamp"),
        ("datetime", "2021-11-31T00:00:00Z", "not_a_timestamp"),
        ("datetime", "0000-01-01T00:00:00Z", "not_a_timestamp"),
        ("datetime", "2021-01-01T24:00:00Z", "not_a_timestamp"),
        ("datetime", "2021-01-01T00:00:60Z", "not_a_timestamp"),
        ("datetime", "2021-01-01T00:00:00.1234567Z", "not_a_timestamp"),
        ("datetime", "2021-01-01T00:00:00Z\n", "not_a_timestamp"),
        ("name", " ", "blank"),
        ("name", "x" * 1001, "too_long"),
        ("name", "a\x00", "nul_character"),
    ],
)
def test_the_rules_are_asked_about_the_doubtful_value_alone(asked, place, field, value, reason):
    rows = [hire() for _ in range(13)]
    rows[place] = hire(**{field: value})

    verdict = check(HIRES, body(*rows))

    rejected = [] if reason is None else [(place, reason)]
    assert [(r.position, r.reason) for r in verdict.rejects] == rejected
    assert list(verdict.rows) == [n for n in range(13) if reason is None or n != place]
    assert asked == [value]


@pytest.mark.parametrize("value", [0, -1, 2**63, 1.5, "1", True, None, [], {"a": 1}])
def test_a_value_of_another_type_sends_its_own_row_to_the_rules(asked, value):
    verdict = check(HIRES, body(hire(), hire(job_id=value), hire()))

    assert list(verdict.rows) == [0, 2]
    assert [(r.position, r.errors[0].field) for r in verdict.rejects] == [(1, "job_id")]
    assert asked == [*hire(job_id=value).values()]
    assert verdict.raw == [json.dumps(hire()).encode()] * 2


@pytest.mark.parametrize("text", ["C:\\temp", "a\\b", "\\N", "\\.", "\\"])
def test_a_backslash_is_stored_as_it_came(text):
    verdict = check(JOBS, body(job(1, job=text), job(2, job="plain")))

    copied = verdict.block(JOBS).copied().decode().split("\n")
    assert copied[0].split("\t") == ["0", "1", text.replace("\\", "\\\\")]


def test_positions_are_those_that_the_rows_had_where_they_came_from():
    verdict = check(JOBS, body(job(1), job("2"), job(3))).moved([10, 20, 30])

    assert list(verdict.rows) == [10, 30]
    assert [reject.position for reject in verdict.rejects] == [20]
    assert verdict.block(JOBS).rows.positions == [10, 30]


def test_a_bad_row_that_is_too_long_is_not_decoded():
    # Decoded, it would take 64 times its size.
    row = b'{"id":1,"job":"x","more":[%b]}' % b",".join([b"[]"] * 400_000)
    body = b'{"rows":[%b,{"id":2,"job":""},{"id":3,"job":"x"}]}' % row

    tracemalloc.start()
    verdict = check(JOBS, body, max_row_bytes=1_000_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 8 * len(body)
    assert list(verdict.rows) == [2]
    long, short = verdict.rejects
    assert [error.code for error in long.errors] == ["row_too_long", "row_cut"]
    assert long.errors[0].facts == {"maximum": 1_000_000}
    assert long.errors[1].facts == {"kept": 10_000, "size": len(row)}
    assert long.raw.encode() == row[:10_000]
    assert short.reason == "blank"


def test_a_good_row_may_have_any_length():
    body = b'{"rows":[{"id":1,"job":"x"%b}]}' % (b" " * 1000)

    assert list(check(JOBS, body, max_row_bytes=100).rows) == [0]


@pytest.mark.parametrize("row", [b"[]", b'{"id":1,"job":"x"}', b"NaN"])
def test_too_many_rows_are_refused_before_they_are_decoded(row):
    body = b'{"rows":[%b]}' % b",".join([row] * (600_000 // len(row)))

    tracemalloc.start()
    with pytest.raises(BadBatch) as caught:
        check(JOBS, body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (caught.value.code, caught.value.pointer) == ("too_many_rows", "/rows")
    assert most < 8 * len(body)


@pytest.mark.parametrize(
    "value", ["1e-99999", "1E+99999", "0.%s1" % ("0" * 20_000), "1" * 140_000, "NaN"]
)
def test_a_number_beyond_jsonb_is_kept_as_a_text_or_as_a_smaller_one(value):
    (reject,) = check(JOBS, b'{"rows":[{"id":1,"job":[%b]}]}' % value.encode()).rejects

    (kept,) = msgspec.json.decode(reject.raw)["job"]
    assert kept == value[:40] or kept == 10**100


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"rows":[{"id":1}],"rows":[{"id":1,"job":"x"}]}', "duplicate_key"),
        (b'{"rows":[NaN],"rows":[{"id":1,"job":"x"}]}', "duplicate_key"),
        (b'{"rows":[NaN', "not_json"),
        (b'{"rows":[NaN NaN]}', "not_json"),
        (b'{"rows":[NaNN]}', "not_json"),
        (b'{"rows":[1]} x', "not_json"),
        (b'{"row":[1], NaM', "not_json"),
        (b'{"rows":["\xff"]}', "not_json"),
        (b'{"rows":[%b]}' % (b"[" * 100_000 + b"]" * 100_000), "too_deep"),
        (b'{"row":[NaN]}', "not_a_batch"),
        (b'{"rows":NaN}', "not_a_batch"),
        (b'{"rows":[],"more":1}', "not_a_batch"),
        (b"[]", "not_a_batch"),
        (b"NaN", "not_a_batch"),
        (b"", "not_json"),
    ],
)
def test_each_body_that_is_no_batch_is_refused_for_its_own_reason(body, code):
    with pytest.raises(BadBatch) as caught:
        check(JOBS, body)

    assert caught.value.code == code


def test_rows_beside_odd_ones_keep_their_own_texts():
    rows = [
        '{"id":NaN,"job":"a NaN \\" Infinity"}',
        "-Infinity",
        '"\\ud83d"',
        '"\\\\ud83d NaN"',
        "[NaN,1]",
    ]

    verdict = check(JOBS, f'{{"rows": [ {" , ".join(rows)} ]}}'.encode())

    assert [msgspec.json.decode(reject.raw) for reject in verdict.rejects] == [
        {"id": "NaN", "job": 'a NaN " Infinity'},
        "-Infinity",
        "\ufffd",
        "\\ud83d NaN",
        ["NaN", 1],
    ]


def test_a_key_that_comes_twice_in_what_was_not_read_is_found_if_it_has_to_be_kept():
    nested = ",".join(["[]"] * 200)
    row = f'{{"id": 1, "job": "", "more": [{nested}, {{"a": 1, "a": 1e100}}]}}'

    with pytest.raises(BadBatch) as caught:
        check(JOBS, f'{{"rows": [{row}]}}'.encode())

    assert (caught.value.code, caught.value.pointer) == ("duplicate_key", "/rows/0")


def test_a_decimal_that_is_no_number_rejects_its_own_row_however_many_lines_it_has():
    schema = type(
        "Price", (Row,), {"id": Integer(), "price": Decimal(), "old": Decimal(optional=True)}
    )
    table = Table("prices", schema)
    good = '{"id": 1, "price": 0.10, "old": null}'
    bad = '{"id": 2, "price": [\n1,\n2], "old": "x"}'

    found = json_batch.check(table, f'{{"rows": [{good}, {bad}, {good}]}}'.encode())
    alone = json_batch.check(table, f'{{"rows": [{bad}]}}'.encode())

    assert {at: list(row) for at, row in found.rows.items()} == {
        0: [1, "0.10", None],
        2: [1, "0.10", None],
    }
    (reject,) = found.rejects
    assert [(e.field, e.code) for e in reject.errors] == [
        ("price", "not_a_decimal"),
        ("old", "not_a_decimal"),
    ]
    assert len(alone.rejects) == 1
