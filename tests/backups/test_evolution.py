"""Backups of another release of the dictionary are restored under the names of this one."""

import pytest

from shared.backups.errors import UnusableBackup
from shared.errors import ConfigurationError
from shared.tables import Integer, Row, Table, Text
from tests.backups.rows import LOAD_ID, file

COLUMNS = "id bigint primary key, accepted_at timestamptz not null, load_id uuid not null"


def orders(**fields):
    """The table of orders, with an id and these fields."""
    return Table(
        "orders", type("Order", (Row,), {"__doc__": "An order.", "id": Integer(), **fields})
    )


OLD = orders(voucher=Text(optional=True), amount=Integer())
NEW = orders(coupon=Text(default="none", was="voucher"), level=Integer(default=3))


@pytest.fixture
def stored(database):
    """Makes the table anew, as a release has it, with these rows."""

    def act(table, *rows):
        database.ask("drop table if exists orders")
        database.ask(f"create table orders ({COLUMNS})")
        for name in table.names[1:]:
            field = table.fields[name]
            null = "" if field.nullable else " not null"
            database.ask(f"alter table orders add column {name} {field.postgres_type}{null}")
        for row in rows:
            values = ", ".join("null" if one is None else repr(one) for one in row)
            database.ask(
                f"insert into orders ({', '.join(table.names)}, accepted_at, load_id)"
                f" values ({values}, '2026-01-01 12:00Z', '{LOAD_ID}')"
            )

    yield act
    database.ask("drop table if exists orders")


def test_an_old_backup_is_restored_into_renamed_added_and_without_removed_fields(
    stored, database, backups, restored
):
    stored(OLD, (1, "a", 5), (2, None, 6))
    backups.back_up([OLD], "")
    stored(NEW)

    restored(NEW)

    assert database.ask("select id, coupon, level from orders order by id") == [
        (1, "a", 3),
        (2, "none", 3),
    ]


def test_the_release_before_restores_a_backup_of_the_one_that_was_taken_back(
    stored, database, backups, restored
):
    stored(orders(coupon=Text(was="voucher"), amount=Integer()), (1, "a", 5))
    backups.back_up([orders(coupon=Text(was="voucher"), amount=Integer())], "")
    stored(OLD)

    restored(OLD)

    assert database.ask("select id, voucher, amount from orders") == [(1, "a", 5)]


def test_an_old_backup_with_rows_that_lack_a_required_value_is_refused(
    stored, database, backups, restored
):
    stored(OLD, (1, "a", 5), (2, None, 6))
    backups.back_up([OLD], "")
    required = orders(voucher=Text(), amount=Integer())
    stored(required)

    with pytest.raises(UnusableBackup, match="1 rows of the file break") as caught:
        restored(required)

    assert caught.value.facts["examples"] == [
        {"key": {"id": 2}, "errors": ["voucher: A value is required; give one."]}
    ]


def test_of_a_file_with_both_names_the_new_one_counts(stored, database, restored, upload):
    stored(NEW)
    fields = {"id": "long", "voucher": "string", "coupon": "string"}

    restored(NEW, upload(file(fields, [(1, "old", "new")])))

    assert database.ask("select id, coupon, level from orders") == [(1, "new", 3)]


@pytest.mark.parametrize("required", ["voucher", "amount"])
def test_a_backup_of_rows_that_another_release_left_without_a_value_says_what_to_do(
    stored, backups, required
):
    optional = {"voucher": Text(optional=True), "amount": Integer(optional=True)}
    stored(orders(**optional), (1, "a", None), (2, None, 5))
    kind = Text if required == "voucher" else Integer

    with pytest.raises(ConfigurationError, match=r"python -m shared\.database migrate says which"):
        backups.back_up([orders(**{**optional, required: kind()})], "")
