"""CSV and JSON validation agree on every row with the rules as tests/support/rules.py has them."""

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import tables
from shared.tables.kind import Cell
from shared.validation import csv_rows, json_batch
from shared.validation.json_batch import BadBatch
from shared.validation.row import by_schema, validate_row
from tests.support import rules
from tests.support.csv_files import staged
from tests.support.rules import Wrong

HIRES = tables.find("hired_employees")

INTEGERS = st.one_of(
    st.integers(-2, 2**64).map(str),
    st.sampled_from(
        ["1.0", "1e3", "+1", " 1", "1 ", "007", "00", "１", "٣", "1_0", "nan", "", "-0", "1\x00"]
    ),
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        [
            "",
            " ",
            "\u3000",
            'a"b',
            'a"',
            "a\nb",
            "a\rb",
            "a,b",
            "a\x00",
            "\\N",
            "\\.",
            "C:\\temp",
            "a ",
        ]
    ),
    st.sampled_from(["x" * 1000, "x" * 1001]),
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
        st.sampled_from(
            ["Z", "z", "", "+00:00", "-14:59", "+15:00", "+00:60", "+24:00", "+0200", " +02:00"]
        ),
    ),
    st.sampled_from(["", "2021-1-7T00:00:00Z", "2021-W45-7T00:00:00Z", "2021-01-07 00:00:00Z"]),
)
GOOD_INTEGERS = st.integers(1, 2**63 - 1)
GOOD_TEXTS = st.sampled_from(["Ada", "Zoë Ω", "x" * 1000, "a b", "😀"])
GOOD_TIMESTAMPS = st.builds(
    "{:04}-{:02}-{:02}T{:02}:59:59{}Z".format,
    st.integers(1000, 2999),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.sampled_from(["", ".1", ".123456"]),
)
GOOD = (GOOD_INTEGERS, GOOD_TEXTS, GOOD_TIMESTAMPS, GOOD_INTEGERS, GOOD_INTEGERS)
ODD_CELLS = (INTEGERS, TEXTS, TIMESTAMPS, INTEGERS, INTEGERS)


@st.composite
def nearly_good(draw, odd):
    """A row whose values are plainly good but for one, two or none."""
    places = draw(st.sets(st.integers(0, len(GOOD) - 1), max_size=2))
    return [draw(odd[n] if n in places else GOOD[n]) for n in range(len(GOOD))]


CELLS = st.one_of(
    nearly_good(ODD_CELLS), nearly_good(ODD_CELLS), st.tuples(*ODD_CELLS).map(list)
).map(lambda row: list(map(str, row)))


def errors(reject):
    return [Wrong(error.field, error.code, dict(error.facts)) for error in reject.errors]


def validated(content):
    """By line, the values that PostgreSQL would store, or the errors."""
    found = {}
    for block in csv_rows.blocks(HIRES, io.BytesIO(content), 1 << 20):
        good = staged(HIRES, block)
        assert block.read == block.shaped == len(good) + len(block.rejects)
        for position, *cells in good:
            assert int(position) not in found
            found[int(position)] = rules.of_copy(HIRES, cells)
        for reject in block.rejects:
            assert reject.position not in found
            found[reject.position] = errors(reject)
    return found


def written(rows, end, *, all_quoted):
    def cell(text):
        doubled = text.replace('"', '""')
        return f'"{doubled}"' if all_quoted or set(text) & set(',"\r\n') else text

    return "".join(",".join(map(cell, row)) + end for row in rows).encode()


@settings(max_examples=300)
@given(
    st.lists(CELLS, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()
)
def test_every_row_of_a_file_is_either_staged_or_turned_away_as_the_rules_say(
    rows, end, all_quoted
):
    first = ["1", "Ada", "2021-01-01T00:00:00Z", "1", "1"]

    found = validated(written([first, *rows], end, all_quoted=all_quoted))

    assert [found[line] for line in sorted(found)] == [
        rules.of_cells(HIRES, row) for row in [first, *rows]
    ]


@settings(max_examples=100)
@given(st.lists(CELLS, min_size=1, max_size=8), st.permutations(range(5)))
def test_every_row_below_a_header_is_validated_by_the_order_of_its_names(rows, order):
    shuffled = [[row[place] for place in order] for row in [HIRES.names, *rows]]

    found = validated(written(shuffled, "\n", all_quoted=False))

    assert [found[line] for line in sorted(found)] == [rules.of_cells(HIRES, row) for row in rows]


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
ODD_VALUES = (
    st.one_of(st.integers(1, 2**63), JSON_VALUES),
    st.one_of(TEXTS, JSON_VALUES),
    st.one_of(TIMESTAMPS, JSON_VALUES, GOOD_TIMESTAMPS.map(lambda moment: f"{moment}\n{moment}")),
    st.one_of(st.integers(1, 5), JSON_VALUES),
    st.one_of(st.integers(1, 5), JSON_VALUES),
)
ROWS = st.one_of(
    nearly_good(ODD_VALUES).map(lambda values: dict(zip(HIRES.names, values, strict=True))),
    st.fixed_dictionaries(
        dict(zip(HIRES.names[:4], ODD_VALUES, strict=False)),
        optional={"job_id": st.integers(1, 5), "extra": JSON_VALUES},
    ),
    st.dictionaries(st.text(max_size=3), st.just(1), min_size=19, max_size=27),
    JSON_VALUES,
)


@settings(max_examples=300)
@given(st.lists(ROWS, min_size=1, max_size=8), st.booleans())
def test_every_row_of_a_batch_is_either_taken_or_turned_away_as_the_rules_say(rows, ascii_only):
    text = json.dumps({"rows": rows}, ensure_ascii=ascii_only)
    content = text.encode("utf-8", "surrogatepass")
    try:
        verdict = json_batch.check(HIRES, content)
    except BadBatch as error:
        assert error.code == "not_json"
        assert not ascii_only
        content.decode("utf-8", "replace").encode().decode()
        return

    found = {reject.position: errors(reject) for reject in verdict.rejects}
    for line in verdict.block(HIRES).copied().decode().split("\n")[:-1]:
        index, *cells = line.split("\t")
        assert int(index) not in found
        found[int(index)] = rules.of_copy(HIRES, cells)
    assert [found[index] for index in range(len(rows))] == [
        rules.of_json(HIRES, row) for row in rows
    ]
    if verdict.raw is not None:
        assert [json.loads(raw) for raw in verdict.raw] == [rows[index] for index in verdict.rows]


@settings(max_examples=300)
@given(ROWS)
def test_the_fields_asked_one_by_one_say_what_the_schema_says(row):
    assert validate_row(HIRES, row) == by_schema(HIRES, row)


@settings(max_examples=300)
@given(CELLS)
def test_the_schema_says_what_the_rules_say(row):
    verdict = by_schema(HIRES, {n: Cell(c) for n, c in zip(HIRES.names, row, strict=True)})

    found = (
        [Wrong(error.field, error.code, dict(error.facts)) for error in verdict]
        if isinstance(verdict, tuple)
        else [verdict[name] for name in HIRES.names]
    )
    assert found == rules.of_cells(HIRES, row)
