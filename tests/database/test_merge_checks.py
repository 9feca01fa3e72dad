"""A merge skips the checks of foreign keys whose parents it has locked, where the role may."""

import io
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database.engine import transaction
from shared.errors import DatabaseBusy
from shared.loading.ledger import Counts, Source
from shared.loading.load import load, load_within
from shared.loading.merge_sql import merge_sql
from shared.tables import Integer, Reference, Row, Table, Text
from shared.validation import csv_rows
from tests.database.moments import NOON

HIRES = tables.find("hired_employees")

PARENTS = {"departments": "1,D\n2,E\n", "jobs": "1,J\n"}
numbers = count()


def source(table, size):
    turn = next(numbers)
    return Source(f"{turn}", "file", table.name, NOON + timedelta(minutes=turn), size_bytes=size)


def blocks(table, text):
    def read(*, numbered=True):
        return csv_rows.blocks(table, io.BytesIO(text.encode()), 1000, numbered=numbered)

    return read


def drop(engine, table, text):
    """Load a file; returns its counts."""
    return load(engine, source(table, len(text)), blocks(table, text)).counts


def hires(*pairs):
    """A file of hires, each with its key and department."""
    return "".join(f"{key},Ann,2021-07-27T16:02:08Z,{department},1\n" for key, department in pairs)


@pytest.fixture(autouse=True)
def parents(engine):
    for name, text in PARENTS.items():
        drop(engine, tables.find(name), text)


@pytest.fixture
def roles(monkeypatch):
    """The session_replication_role in which each statement that writes hires runs."""
    found, role = [], ["origin"]

    def before(_, __, statement, *___):
        if "session_replication_role = " in statement:
            role[0] = statement.split()[-1]
        if 'insert into public."hired_employees"' in statement or "update public" in statement:
            found.append(role[0])

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    yield found
    sa.event.remove(sa.Engine, "before_cursor_execute", before)
    assert role == ["origin"]


def test_rows_whose_parents_are_stored_are_written_without_checks(engine, roles, rows):
    assert drop(engine, HIRES, hires((1, 1), (2, 1))) == Counts(inserted=2)
    assert drop(engine, HIRES, hires((2, 2), (3, 2))) == Counts(inserted=1, updated=1)

    assert roles == ["replica"] * 3
    assert rows("select id, department_id from hired_employees order by id") == [
        (1, 1),
        (2, 2),
        (3, 2),
    ]


def test_a_row_that_lacks_its_parent_waits_and_the_others_are_checked(engine, roles):
    assert drop(engine, HIRES, hires((1, 1), (2, 9))) == Counts(inserted=1, waiting=1)

    assert roles == ["origin"]


def test_an_operators_own_trigger_fires(engine, own_trigger, roles, rows):
    assert drop(engine, HIRES, hires((1, 1), (2, 1))) == Counts(inserted=2)

    assert roles == ["origin"]
    assert rows("select id from seen order by id") == [(1,), (2,)]


def test_a_role_that_may_not_skip_them_has_each_row_checked(as_writer, roles):
    assert drop(as_writer, HIRES, hires((1, 1), (2, 2))) == Counts(inserted=2)
    assert drop(as_writer, HIRES, hires((2, 1), (3, 9))) == Counts(updated=1, waiting=1)

    assert set(roles) == {"origin"}


def test_a_parent_cannot_be_deleted_until_the_merge_commits(engine):
    def remove():
        with transaction(engine, lock_timeout_seconds=1) as other:
            other.exec_driver_sql("delete from departments where id = 2")

    text = hires((1, 2))
    with transaction(engine) as connection:
        load_within(connection, source(HIRES, len(text)), blocks(HIRES, text))
        with pytest.raises(DatabaseBusy, match="lock timeout"):
            remove()
    with pytest.raises(DatabaseBusy, match="foreign key"):
        remove()


class Part(Row):
    """A part, of another part or of none."""

    id = Integer()
    name = Text()
    part_of = Integer(optional=True)


def test_checks_that_no_lock_replaces_are_never_skipped():
    itself = Table("parts", Part, references=(Reference("part_of", "parts"),))
    unique = Table("parts", Part, unique=(("name",),))
    plain = Table("parts", Part)

    asked = [
        "has_parameter_privilege" in merge_sql(table, "probe") for table in (itself, unique, plain)
    ]
    assert asked == [False, False, True]
