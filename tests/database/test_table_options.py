"""Table options: rejected conflicts, self-references and composite keys."""

import json

from shared.loading.ledger import Counts
from shared.tables import Integer, Reference, Row, Table, Text
from shared.tables.table import MOST_KEY_BYTES
from tests.support.every_system import load_json


class Part(Row):
    """A part and the part it belongs to."""

    id = Integer(minimum=1)
    name = Text()
    whole_id = Integer(minimum=1)


class Price(Row):
    """A price of a thing in a year."""

    thing = Integer(minimum=1)
    year = Integer(minimum=1)
    price = Text()


def test_a_table_that_rejects_conflicts_preserves_its_rows(add, rows):
    drop = add(Table("prices", Price, key=("thing", "year"), on_conflict="reject"))

    assert drop("1,2020,5\n1,2021,6\n1,2019,4\n") == Counts(inserted=3)
    assert drop("1,2020,7\n1,2021,6\n1,2022,1\n1,2022,2\n1,2022,1\n1,2019,4\n") == Counts(
        inserted=1, unchanged=3, rejected=2
    )

    assert rows("select thing, year, price from prices order by year") == [
        (1, 2019, "4"),
        (1, 2020, "5"),
        (1, 2021, "6"),
        (1, 2022, "1"),
    ]
    assert rows("select raw, reason from rejected_rows order by position") == [
        ({"thing": 1, "year": 2020, "price": "7"}, "conflict"),
        ({"thing": 1, "year": 2022, "price": "2"}, "conflict"),
    ]


def test_the_first_of_several_rows_with_one_key_in_a_file_is_kept_by_a_table_that_rejects_conflicts(
    add, rows
):
    drop = add(Table("prices", Price, key=("thing", "year"), on_conflict="reject"))

    counts = drop(
        "1,2020,a\n"
        "2,2020,b\n"
        "1,2020,b\n"  # differs from line 1
        "3,2020,c\n"
        "2,2020,b\n"  # as line 2
        "1,2021,d\n"
        "1,2020,a\n"  # as line 1
        "2,2020,a\n"  # differs from line 2
        "4,2020,e\n"
        "4,2020,f\n"  # differs from line 9
    )

    assert counts == Counts(inserted=5, unchanged=2, rejected=3)
    assert rows("select thing, year, price from prices order by thing, year") == [
        (1, 2020, "a"),
        (1, 2021, "d"),
        (2, 2020, "b"),
        (3, 2020, "c"),
        (4, 2020, "e"),
    ]
    assert rows("select position, raw ->> 'price' from rejected_rows order by position") == [
        (3, "b"),
        (8, "a"),
        (10, "f"),
    ]


def test_a_table_with_a_composite_key_is_updated_by_the_whole_key(add, rows):
    drop = add(Table("prices", Price, key=("thing", "year")))

    drop("1,2020,5\n2,2020,5\n")

    assert drop("1,2020,6\n1,2021,5\n2,2020,5\n") == Counts(inserted=1, updated=1, unchanged=1)
    assert rows("select key, reason from row_versions order by reason") == [
        ({"thing": 2, "year": 2020}, "confirmed"),
        ({"thing": 1, "year": 2020}, "replaced"),
    ]


def test_a_key_that_is_too_long_for_an_index_rejects_its_row_alone(add, rows, engine):
    class Page(Row):
        """A page of a site."""

        site = Text()
        path = Text()
        title = Text()

    table = Table("pages", Page, key=("site", "path"))
    drop = add(table)
    # No two characters are the same, so PostgreSQL cannot compress them.
    site, path = ("".join(map(chr, range(at, at + 300))) for at in (0x20000, 0x21000))
    assert len((site + path).encode()) == MOST_KEY_BYTES

    for title in ("first", "second"):
        drop(f"{site},{path},{title}\n{site},{path}x,{title}\na,b,{title}\n")
        counts = load_json(
            engine,
            table,
            [
                {"site": json.dumps(site), "path": json.dumps(path), "title": '"last"'},
                {"site": json.dumps(site + "x"), "path": json.dumps(path), "title": '"last"'},
            ],
        )
        assert (counts.updated, counts.rejected) == (1, 1)

    assert rows("select path, title from pages order by path") == [("b", "second"), (path, "last")]
    assert rows("select distinct reason, count(*) from rejected_rows group by reason") == [
        ("check_failed", 4)
    ]


def test_a_table_may_reference_itself(add, rows):
    drop = add(Table("parts", Part, references=(Reference("whole_id", "parts"),)))

    assert drop("2,wheel,1\n1,car,1\n5,bolt,4\n4,door,3\n") == Counts(inserted=2, waiting=2)
    assert drop("3,body,1\n") == Counts(inserted=1)

    assert rows("select id from parts order by id") == [(1,), (2,), (3,), (4,), (5,)]
