"""NULL in the database: optional fields, defaults, and references that lead to nothing."""

import pytest

from shared.tables import Integer, Reference, Row, Table, Text, Timestamp


class Shop(Row):
    """A shop of a city."""

    city = Text()
    number = Integer(minimum=1)
    owner = Text(optional=True)
    rooms = Integer(minimum=1, default=1)


class Visit(Row):
    """A visit, perhaps to a shop."""

    id = Integer(minimum=1)
    town = Text(optional=True)
    shop = Integer(minimum=1, optional=True)
    at = Timestamp(optional=True)


@pytest.fixture
def shops(add):
    """Loads CSV into a table with a key of two fields."""
    return add(Table("shops", Shop, key=("city", "number")))


@pytest.fixture
def visits(add, shops):
    """Loads CSV into a table that may refer to a shop by both fields."""
    reference = Reference(("town", "shop"), "shops", ("city", "number"))
    return add(Table("visits", Visit, references=(reference,)))


def test_rows_without_values_are_stored_compared_and_updated(shops, rows):
    first = shops("city,number,owner,rooms\nOslo,1,Ana,\nOslo,2,,3\nLima,1,,\n")
    again = shops("city,number\nOslo,1\nOslo,2\nLima,1\n")

    assert first.inserted == 3
    # Oslo 1 loses its owner and Oslo 2 its rooms; Lima has neither.
    assert (again.updated, again.unchanged) == (2, 1)
    assert rows("select city, number, owner, rooms from shops order by 1, 2") == [
        ("Lima", 1, None, 1),
        ("Oslo", 1, None, 1),
        ("Oslo", 2, None, 1),
    ]
    assert rows(
        "select row ->> 'owner' from row_versions where reason = 'replaced' order by 1"
    ) == [
        ("Ana",),
        (None,),
    ]


def test_a_reference_of_two_fields_waits_for_its_parent_unless_one_is_null(shops, visits, rows):
    shops("Oslo,1,,\n")
    counts = visits("1,Oslo,1,\n2,Oslo,2,\n3,,,\n4,Oslo,,\n5,,9,2021-01-01T00:00:00Z\n6,Lima,1,\n")

    assert (counts.inserted, counts.waiting) == (4, 2)
    assert rows("select position, errors -> 0 ->> 'field' from rejected_rows order by 1") == [
        (2, "town"),
        (6, "town"),
    ]

    shops("Oslo,2,,\n")

    assert rows("select id, town, shop from visits order by id") == [
        (1, "Oslo", 1),
        (2, "Oslo", 2),
        (3, None, None),
        (4, "Oslo", None),
        (5, None, 9),
    ]


def test_the_database_itself_checks_a_reference_of_two_fields(visits, rows):
    with pytest.raises(Exception, match="visits_town_shop_fkey"):
        rows(
            "insert into visits (id, town, shop, accepted_at, load_id)"
            " values (1, 'Oslo', 1, now(), gen_random_uuid())"
        )
