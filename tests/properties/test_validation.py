"""CSV and JSON validation agree with the dictionary's rules on every row."""

import csv
import io
import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import tables
from shared.tables.kind import Cell
from shared.validation import csv_rows, json_batch
from shared.validation.json_batch import BadBatch
from shared.validation.row import by_schema, validate_row

HIRES = tables.find("hired_employees")

INTEGERS = st.one_of(
    st.integers(-2, 2**64).map(str),
    st.sampled_from(
        ["1.0", "1e3", "+1", " 1", "1 ", "007", "00", "１", "٣", "1_0", "nan", "", "-0", "1\x00"]
    ),
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["", " ", "\u3000", 'a"b', 'a"', "a\nb", "a\rb", "a,b", "a\x00", "\\N", "\\."]),
    st.just("x" * 1001),
)
TIMESTAMPS = st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    st.builds(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}".format,
        st.sampled_from([0, 1, 2021, 2024, 9999, 10000]),
        st.sampled_from([0, 1, 2, 4, 12, 13]),
        st.sampled_from([0, 1, 28, 29, 30, 31, 32]),
        st.sampled_from([0, 23, 24]),
        st.sampled_from([0, 59, 60]),
        st.sampled_from([0, 59, 60]),
        st.sampled_from(["", ".1", ".123456", ".1234567", ",5"]),
        st.sampled_from(["Z", "z", "", "+00:00", "-14:59", "+15:00", "+24:00", "+0200", " +02:00"]),
    ),
    st.sampled_from(["", "2021-1-7T00:00:00Z", "2021-W45-7T00:00:00Z", "2021-01-07 00:00:00Z"]),
)
CELLS = st.tuples(INTEGERS, TEXTS, TIMESTAMPS, INTEGERS, INTEGERS).map(list)


def copied(values):
    fields = HIRES.fields.values()
    return [field.copy_text(value) for field, value in zip(fields, values, strict=True)]


def expected(row):
    verdict = by_schema(HIRES, row)
    if isinstance(verdict, tuple):
        return [(error.field, error.code) for error in verdict]
    return copied([verdict[name] for name in HIRES.names])


def normalized(staged):
    """The cells of a staged line, in one spelling, so that they can be compared."""
    cells = staged.split("\t")[1:]
    errors = validate_row(HIRES, {"datetime": cells[2].replace("+00:00", "Z")})
    assert "datetime" not in {error.field for error in errors}
    cells[0], cells[3], cells[4] = (str(int(cells[place])) for place in (0, 3, 4))
    cells[2] = datetime.fromisoformat(cells[2]).astimezone(UTC).isoformat()
    return cells


@settings(max_examples=300, deadline=None)
@given(
    st.lists(CELLS, min_size=1, max_size=8),
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)]),
)
def test_every_row_of_a_file_is_staged_or_rejected_as_the_rules_say(rows, style):
    good = ["1", "Ada", "2021-01-01T00:00:00Z", "1", "1"]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=style[0], quoting=style[1]).writerows([good, *rows])
    content = buffer.getvalue().encode()

    found = {}
    for block in csv_rows.blocks(HIRES, io.BytesIO(content), 1 << 20):
        for line in "".join(block.staged).split("\n")[:-1]:
            found[int(line.split("\t")[0])] = normalized(line)
        for reject in block.rejects:
            found[reject.position] = [(error.field, error.code) for error in reject.errors]

    wanted = [expected({n: Cell(c) for n, c in zip(HIRES.names, row, strict=True)}) for row in rows]
    assert [found[line] for line in sorted(found)][1:] == wanted


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    INTEGERS,
    st.text(max_size=8),
    TIMESTAMPS,
    st.just([]),
    st.just({}),
)
ROWS = st.one_of(
    st.fixed_dictionaries(
        {
            "id": st.one_of(st.integers(1, 2**63), JSON_VALUES),
            "name": st.one_of(TEXTS, JSON_VALUES),
            "datetime": st.one_of(TIMESTAMPS, JSON_VALUES),
            "department_id": st.one_of(st.integers(1, 5), JSON_VALUES),
        },
        optional={"job_id": st.integers(1, 5), "extra": JSON_VALUES},
    ),
    JSON_VALUES,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=8), st.booleans())
def test_every_row_of_a_batch_is_accepted_or_rejected_as_the_rules_say(rows, ascii_only):
    text = json.dumps({"rows": rows}, ensure_ascii=ascii_only)
    content = text.encode("utf-8", "surrogatepass")
    try:
        verdict = json_batch.check(HIRES, content)
    except BadBatch as error:
        assert error.code == "not_json"
        assert not ascii_only
        content.decode("utf-8", "replace").encode().decode()
        return

    found = {index: copied(values) for index, values in verdict.rows.items()}
    for index, cells in found.items():
        found[index] = normalized("\t".join([str(index), *cells]))
    for reject in verdict.rejects:
        found[reject.position] = [(error.field, error.code) for error in reject.errors]

    assert [found[index] for index in range(len(rows))] == [expected(row) for row in rows]


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_judging_field_by_field_agrees_with_the_whole_schema(row):
    assert validate_row(HIRES, row) == by_schema(HIRES, row)
