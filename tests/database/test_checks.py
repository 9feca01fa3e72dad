"""Checks in the database: rows that violate one are rejected, however they come."""

import json
import random
from datetime import UTC, datetime

import pytest

from shared.loading.ledger import Counts, Source
from shared.loading.load import load
from shared.tables import Check, Integer, Row, Table, Text, Timestamp
from shared.validation import json_batch
from shared.validation.row import validate_row
from tests.support import conditions

MESSAGE = "An end is not before its start."
NOON, LATER = "2021-07-27T12:00:00Z", "2021-07-27T12:00:00.5Z"


class Shift(Row):
    """A shift of work."""

    id = Integer()
    name = Text()
    started_at = Timestamp()
    ended_at = Timestamp(optional=True)


SHIFTS = Table("shifts", Shift, checks=(Check("ended_at >= started_at", MESSAGE),))

KEPT = (
    "select position, raw ->> 'id', reason, errors -> 0 ->> 'field',"
    " errors -> 0 -> 'facts' ->> 'sentence' from rejected_rows order by position"
)


@pytest.fixture
def shifts(add):
    """Loads CSV into a table with a check."""
    return add(SHIFTS)


def test_a_row_of_a_file_that_violates_a_check_is_kept_with_the_message(shifts, rows):
    counts = shifts(f'1,a,{NOON},{LATER}\n2,a,{LATER},{NOON}\n3,"b",{LATER},{NOON}\n4,a,{NOON},\n')

    assert counts == Counts(inserted=2, rejected=2)
    assert rows("select id from shifts order by id") == [(1,), (4,)]
    assert rows(KEPT) == [
        (2, "2", "check_failed", "_row", MESSAGE),
        (3, "3", "check_failed", "_row", MESSAGE),
    ]


def test_a_row_of_a_batch_that_violates_a_check_is_kept_with_the_message(shifts, engine, rows):
    batch = [
        {"id": 1, "name": "a", "started_at": NOON, "ended_at": LATER},
        {"id": 2, "name": "a", "started_at": LATER, "ended_at": NOON},
        {"id": 3, "name": "a", "started_at": NOON},
    ]
    verdict = json_batch.check(SHIFTS, json.dumps({"rows": batch}).encode())
    source = Source("batch 1", "batch", "shifts", datetime.now(UTC))

    entry = load(engine, source, lambda: [verdict.block(SHIFTS)])

    assert entry.counts == Counts(inserted=2, rejected=1)
    assert rows("select id from shifts order by id") == [(1,), (3,)]
    assert rows(KEPT) == [(1, "2", "check_failed", "_row", MESSAGE)]


def test_postgresql_finds_the_same_rows_false(engine):
    chance = random.Random(20_210_727)
    made = [conditions.condition(chance) for _ in range(300)]
    given = [conditions.row(chance) for _ in range(40)]
    text = json.dumps(given).replace("'", "''")
    types = "i bigint, j bigint, s text, t text, m timestamptz, n timestamptz"
    judged = ", ".join(f"({one.sql}) is false" for one in made)

    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"select {judged} from rows from (json_to_recordset('{text}') as ({types}))"
            " with ordinality order by ordinality"
        ).all()

    violated = 0
    for place, one in enumerate(made):
        table = Table("things", conditions.Things, checks=(Check(one.text, "No."),))
        verdicts = [isinstance(validate_row(table, row), tuple) for row in given]
        assert verdicts == [row[place] for row in found], one.text
        violated += sum(verdicts)
    assert 1000 < violated < 11_000
