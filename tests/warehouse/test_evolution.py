"""Tables of BigQuery change with the dictionary; a release can be taken back and come again."""

import pytest
import sqlalchemy as sa

from shared import tables
from shared.database.migrate import migrate
from shared.errors import ConfigurationError, WarehouseRefusal
from shared.tables import Integer, Row, Table, Text, Timestamp, Warehouse
from shared.warehouse import objects
from shared.warehouse.apply import apply
from shared.warehouse.evolve import plan
from shared.warehouse.star import projections

NAME = "offices"


def offices(*, place=None, removed=(), **fields):
    """The table of offices, with an id and these fields."""
    schema = type("Office", (Row,), {"__doc__": "An office.", "id": Integer(), **fields})
    return Table(NAME, schema, removed=removed, warehouse=place or Warehouse())


@pytest.fixture
def release(engine, warehouse):
    """Makes a table the dictionary's, as a release with it has it; migrates if told to."""
    known = tables.all_tables()
    before = dict(known)

    def act(table, *, migrates=True):
        known.update(tables.in_order({**before, table.name: table}))
        engine.dispose()
        if migrates:
            migrate(engine)
            apply(warehouse, "US")
            # Until then, the emulator shows the table's columns as they were before.
            warehouse.query(f"create table if not exists {warehouse.names.table(NAME)} (id int64)")

    yield act
    known.clear()
    known.update(before)
    warehouse.drop(NAME)


OLD = offices(city=Text(), rooms=Integer())
NEW = offices(
    town=Text(was="city"), floors=Integer(default=1), note=Text(optional=True), removed=("rooms",)
)


@pytest.fixture
def differs(execute, ask):
    """Whether a field of a row differs between PostgreSQL and BigQuery."""

    def act():
        names = ", ".join(tables.find(NAME).names)
        mine = execute(f"select {names} from {NAME} order by id")
        return mine != ask(f"select {names} from `warehouse.{NAME}` order by id")

    return act


@pytest.fixture
def columns(warehouse):
    """Which columns the table has, and whether they may be NULL."""

    def act():
        table = warehouse.client.get_table(warehouse.names.plain(NAME))
        return {one.name: one.mode for one in table.schema}

    return act


def test_fields_are_renamed_added_and_removed_with_the_rows(release, drop, sync, ask, columns):
    release(OLD)
    drop(NAME, "1,Oslo,5\n2,Lima,6\n")
    sync.sweep()

    release(NEW)

    stored = "select id, town, floors, note from `warehouse.offices` order by id"
    assert ask(stored) == [(1, "Oslo", 1, None), (2, "Lima", 1, None)]
    assert columns() == {
        "id": "REQUIRED",
        "city": "NULLABLE",
        "rooms": "NULLABLE",
        "accepted_at": "REQUIRED",
        "load_id": "REQUIRED",
        "town": "NULLABLE",
        "floors": "NULLABLE",
        "note": "NULLABLE",
    }
    drop(NAME, "id,town,floors,note\n2,Rome,3,x\n3,Bonn,,\n")
    sync.sweep()
    assert ask(stored) == [(1, "Oslo", 1, None), (2, "Rome", 3, "x"), (3, "Bonn", 1, None)]


def test_a_release_is_taken_back_and_comes_again(release, drop, sync, differs, ask):
    release(OLD)
    drop(NAME, "1,Oslo,5\n2,Lima,6\n")
    sync.sweep()
    release(NEW)
    drop(NAME, "id,town\n1,Rome\n")
    sync.sweep()
    assert not differs()

    for migrates in (False, True):
        release(OLD, migrates=migrates)
        drop(NAME, f"2,Bonn,7\n{4 + migrates},Kyiv,8\n", minute=migrates)
        sync.sweep()
        assert ask("select id, city from `warehouse.offices` order by id") == [
            *((1, "Rome"), (2, "Bonn"), (4, "Kyiv")),
            *([(5, "Kyiv")] if migrates else []),
        ]
        assert not differs()

    # It comes again: what the release before has written is there under the new names.
    release(NEW)
    sync.sweep()
    assert not differs()
    assert ask("select id, town, floors from `warehouse.offices` order by id") == [
        *((1, "Rome", 1), (2, "Bonn", 1), (4, "Kyiv", 1), (5, "Kyiv", 1)),
    ]


def test_new_code_leaves_its_loads_pending_until_apply(release, drop, sync, engine, warehouse, ask):
    release(OLD)
    drop(NAME, "1,Oslo,5\n")
    sync.sweep()
    release(NEW, migrates=False)
    migrate(engine)
    drop(NAME, "id,town\n2,Rome\n")
    drop("jobs", "1,Welder\n")

    with pytest.raises(WarehouseRefusal, match=r"run python -m shared\.warehouse apply"):
        sync.sweep()

    assert ask("select id from `warehouse.dim_jobs`") == [(1,)]
    apply(warehouse, "US")
    sync.sweep()
    assert ask("select id, town from `warehouse.offices` order by id") == [(1, "Oslo"), (2, "Rome")]


def test_a_required_field_that_rows_were_given_is_filled_from_postgresql(
    release, drop, sync, engine, differs
):
    release(OLD)
    drop(NAME, "1,Oslo,5\n")
    sync.sweep()
    with engine.begin() as connection:
        connection.exec_driver_sql("alter table offices add column street text")
        connection.exec_driver_sql("update offices set street = 'Main Street'")

    release(offices(city=Text(), rooms=Integer(), street=Text()))
    sync.sweep()

    assert not differs()


def test_a_column_that_nobody_fills_any_more_is_reported_with_the_remedy(release, warehouse):
    release(OLD)
    release(NEW, migrates=False)

    (found,) = [one for one in objects.columns(warehouse) if one.name == NAME]

    assert "city, rooms must have a value, and nobody gives it one" in found.what
    assert found.remedy == (
        "Run python -m shared.warehouse apply, which adds columns and lets them be NULL."
    )


class Wide(Integer):
    """A decimal number."""

    def sqlalchemy_type(self):
        """Numeric."""
        return sa.Numeric()

    postgres_type = "numeric"
    bigquery_type = "BIGNUMERIC"


class Narrow(Wide):
    """A shorter one."""

    bigquery_type = "NUMERIC"


def test_a_number_is_widened_and_nothing_else_changes_its_type(release, warehouse, columns):
    release(offices(rooms=Narrow(), city=Text()))
    release(offices(rooms=Wide(), city=Text()), migrates=False)
    (target,) = [one for one in projections() if one.target == NAME]
    (statement,) = [sql for sql, _ in plan(warehouse, target).statements]
    assert statement.endswith("alter column `rooms` set data type BIGNUMERIC")
    # The emulator takes the statement, and keeps the type.
    apply(warehouse, "US")
    before = columns()

    release(offices(rooms=Text(), town=Text(was="city")), migrates=False)
    with pytest.raises(ConfigurationError) as caught:
        apply(warehouse, "US")

    target = warehouse.names.table(NAME)
    assert str(caught.value) == (
        "Nothing was changed, because of:\n"
        "offices: rooms is NUMERIC in BigQuery and STRING in the dictionary. Give the field "
        "another name; or, if no value is lost, make the table anew, with its partitions and "
        f"clusters: create or replace table {target} as select * replace (cast(`rooms` as STRING)"
        f" as `rooms`) from {target};"
    )
    assert columns() == before


def test_the_column_of_partitions_keeps_its_name(release, warehouse):
    release(offices(place=Warehouse(partition="opened"), opened=Timestamp()))

    started = Timestamp(was="opened")
    release(offices(place=Warehouse(partition="started"), started=started), migrates=False)
    with pytest.raises(ConfigurationError, match=r'Warehouse\(rename=\{"started": "opened"\}\)'):
        apply(warehouse, "US")

    place = Warehouse(partition="opened", rename={"started": "opened"})
    release(offices(place=place, started=started))
