"""A table of any shape can be restored: with new fields, new kinds, odd names, other keys."""

from datetime import date

import pytest

from shared import tables
from shared.avro import sent_rows
from shared.backups.errors import Orphans, UnusableBackup
from shared.database.engine import transaction
from shared.tables import Integer, Reference, Row, Table, Text
from tests.backups.rows import LOAD_ID, counts, file
from tests.support.toy_kinds import Day, Flag


@pytest.fixture
def create_table(engine):
    """Create tables outside the dictionary; they are dropped after the test."""
    names = []

    def act(name, columns):
        with transaction(engine) as connection:
            connection.exec_driver_sql(
                f"create table {name} ({columns}, accepted_at timestamptz not null,"
                " load_id uuid not null)"
            )
        names.append(name)

    yield act
    with transaction(engine) as connection:
        for name in reversed(names):
            connection.exec_driver_sql(f"drop table {name}")


class Office(Row):
    """A place people work at."""

    id = Integer(minimum=1)
    city = Text()


class LargerOffice(Office):
    """A later version of the table."""

    floors = Integer(minimum=1, default=7)
    country = Text(default="Nowhere")


def test_a_key_may_have_any_name(create_table, database, backups, restored):
    members = {"change": Text(), "place": Text(), "what": Text()}
    moves = Table("moves", type("Move", (Row,), members), key=("change", "place"))
    create_table("moves", "change text, place text, what text, primary key (change, place)")
    database.fill(moves, [("a", "b", "c"), ("d", "e", "f")])
    backups.back_up([moves], "")
    database.ask("update moves set what = 'x' where change = 'a'")
    database.ask("delete from moves where place = 'e'")

    done = counts(restored(moves))

    assert (done["inserted"], done["updated"]) == (1, 1)
    assert database.ask("select * from moves order by 1")[0][:3] == ("a", "b", "c")


def test_an_old_backup_fills_new_fields_with_their_defaults(
    create_table, database, backups, restored
):
    create_table("offices", "id bigint primary key, city text not null")
    database.fill(Table("offices", Office), [(i, f"City {i}") for i in range(1, 4000)])
    backups.back_up([Table("offices", Office)], "")
    database.ask(
        "alter table offices drop accepted_at, drop load_id, add floors bigint not null default 1,"
        " add country text not null default 'x',"
        " add accepted_at timestamptz not null default now(),"
        " add load_id uuid not null default gen_random_uuid()"
    )

    done = restored(Table("offices", LargerOffice))

    assert counts(done) == {"updated": 3999}
    assert database.ask("select distinct floors, country, load_id from offices") == [
        (7, "Nowhere", LOAD_ID)
    ]


class NewOffice(Office):
    """A version with a new field that has no default."""

    rent = Integer(minimum=1)


def test_an_old_backup_without_a_required_field_is_refused(
    create_table, database, backups, restored
):
    create_table("offices", "id bigint primary key, city text not null")
    backups.back_up([Table("offices", Office)], "")

    with pytest.raises(UnusableBackup, match="it lacks rent") as caught:
        restored(Table("offices", NewOffice))

    assert caught.value.code == "wrong_schema"


class Room(Row):
    """A room, perhaps with a window."""

    id = Integer(minimum=1)
    name = Text()
    window = Flag()


def test_a_kind_without_a_bulk_path_is_restored_row_by_row(
    create_table, database, backups, restored, monkeypatch
):
    monkeypatch.setattr(sent_rows, "_LINES", 100)
    rooms = Table("rooms", Room)
    create_table("rooms", '"id" bigint primary key, name text not null, "window" boolean not null')
    database.fill(rooms, [(i, f"Röom\t{i}", i % 3 == 0) for i in range(1, 1000)])
    before = database.rows(rooms)
    (manifest,) = backups.back_up([rooms], "")
    database.ask("delete from rooms where id < 500")
    database.ask('update rooms set "window" = not "window" where id = 700')

    assert counts(restored(rooms)) == {"inserted": 499, "updated": 1, "unchanged": 499}
    assert database.rows(rooms) == before
    assert backups.verify(manifest).is_verified


class Hall(Row):
    """A hall, with a day that has no quick part at all."""

    id = Integer(minimum=1)
    window = Flag()
    built = Day()


def test_a_file_made_elsewhere_may_hold_kinds_that_the_bulk_paths_do_not_cover(
    create_table, database, upload, restored
):
    halls = Table("halls", Hall)
    create_table("halls", 'id bigint primary key, "window" boolean not null, built date not null')
    day = date(2021, 7, 27)
    fields = {
        "id": "long",
        "window": ["null", "boolean"],
        "built": {"type": "int", "logicalType": "date"},
    }

    restored(halls, upload(file(fields, [(1, True, day), (2, False, date.min)])))
    with pytest.raises(UnusableBackup, match="1 rows") as caught:
        restored(halls, upload(file(fields, [(1, True, day), (3, None, day)])))
    with pytest.raises(UnusableBackup, match="another type for window"):
        restored(halls, upload(file({**fields, "window": "string"}, [])))

    assert caught.value.facts["examples"][0]["key"] == {"id": 3}
    assert database.ask('select id, "window", built from halls order by id') == [
        (1, True, day),
        (2, False, date.min),
    ]


class Round(Row):
    """A round of a contest, with columns named like identifiers in our own queries."""

    first = Integer(minimum=1)
    source = Text()
    ranges = Text()
    rows = Integer(minimum=1)


def test_columns_may_be_named_like_identifiers_in_our_queries(
    create_table, database, backups, restored
):
    rounds = Table("pages", Round, key=("first",))
    create_table(
        "pages", "first bigint primary key, source text not null, ranges text not null, rows bigint"
    )
    database.fill(rounds, [(i, f"a{i}", "b", -i) for i in range(1, 2000)])
    before = database.rows(rounds)
    backups.back_up([rounds], "")
    database.ask("truncate pages")

    assert counts(restored(rounds)) == {"inserted": 1999}
    assert database.rows(rounds) == before


class Person(Row):
    """A person with a superior."""

    id = Integer(minimum=1)
    superior = Integer(minimum=1)


PEOPLE = Table("people", Person, references=(Reference("superior", "people"),))


@pytest.fixture
def people(create_table, monkeypatch):
    """That table, in the database and in the dictionary."""
    monkeypatch.setattr(tables, "all_tables", lambda: {PEOPLE.name: PEOPLE})
    create_table(
        "people",
        "id bigint primary key, superior bigint not null"
        " constraint people_superior_fkey references people",
    )
    return PEOPLE


def test_a_self_referencing_table_is_restored(people, database, backups, restored):
    database.fill(people, [(1, 1), (2, 1), (3, 2)])
    before = database.rows(people)
    backups.back_up([people], "")
    database.ask("truncate people")
    database.fill(people, [(4, 4), (1, 4), (5, 1)])

    done = restored(people, confirmed=2)
    assert counts(done) == {"inserted": 2, "updated": 1, "deleted": 2}
    assert database.rows(people) == before


def test_a_row_whose_superior_only_the_table_has_can_be_merged_but_replaces_nothing(
    people, database, upload, restored
):
    database.fill(people, [(1, 1)])
    name = upload(file({"id": "long", "superior": "long"}, [(2, 1), (3, 2), (4, 4)]))

    with pytest.raises(Orphans, match="1 rows of people would lack their parent in people") as it:
        restored(people, name)
    with pytest.raises(Orphans, match="1 rows of people"):
        restored(people, upload(file({"id": "long", "superior": "long"}, [(9, 8)])), mode="merge")

    assert it.value.found[0]["examples"] == [{"id": 2}]
    assert counts(restored(people, name, mode="merge")) == {"inserted": 3}
    assert database.ask("select id, superior from people order by id") == [
        *((1, 1), (2, 1)),
        *((3, 2), (4, 4)),
    ]


def test_a_composite_key_is_compared_whole(create_table, database, backups, restored):
    pairs = Table("pairs", Person, key=("id", "superior"))
    create_table("pairs", "id bigint, superior bigint, primary key (id, superior)")
    database.fill(pairs, [(1, 1), (1, 2), (2, 1)])
    backups.back_up([pairs], "")
    database.ask("delete from pairs where id = 1 and superior = 2")
    database.fill(pairs, [(2, 2)])

    done = restored(pairs)

    assert counts(done) == {"inserted": 1, "deleted": 1, "unchanged": 2}
    assert done.changes["inserted"].examples == [{"id": 1, "superior": 2}]
