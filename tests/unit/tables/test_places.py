"""A table's place in the warehouse is checked when the dictionary is read."""

import pytest

from shared import tables
from shared.errors import ConfigurationError
from shared.tables import Integer, Row, Table, Text, Timestamp, UtcDay, Warehouse


class Visit(Row):
    """A visit."""

    id = Integer(minimum=1)
    came = Timestamp()
    place = Text()


DAY = UtcDay("came", description="The day")


def read(**place):
    return tables.in_order(
        {
            **tables.all_tables(),
            "visits": Table(name="visits", schema=Visit, warehouse=Warehouse(**place)),
        }
    )


def test_a_table_has_its_own_name_in_the_warehouse_unless_it_says_another():
    assert read()["visits"].warehouse_name == "visits"
    assert read(name="trips")["visits"].warehouse_name == "trips"


def test_a_whole_place_is_accepted():
    place = {
        "rename": {"came": "came_at"},
        "derived": {"came_on": DAY},
        "partition": "came_at",
        "cluster": ("place", "came_on"),
    }

    assert read(**place)["visits"].warehouse.partition == "came_at"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ({"name": "loads"}, "'loads' cannot be used"),
        ({"name": "load_rejects"}, "'load_rejects' cannot be used"),
        ({"name": "dim_dates"}, "'dim_dates' cannot be used"),
        ({"name": "sync_state"}, "'sync_state' cannot be used"),
        ({"name": "applied_views"}, "'applied_views' cannot be used"),
        ({"name": "staging_visits"}, "'staging_visits' cannot be used"),
        ({"name": "Visits"}, "'Visits' cannot be used"),
        ({"name": "fact_hires"}, "has the name 'fact_hires' already"),
        ({"rename": {"cane": "came_at"}}, "'cane' of `rename` is not one of id, came, place"),
        ({"rename": {"came": "place"}}, "two columns are named 'place'"),
        ({"rename": {"came": "a`b"}}, "no column can be named 'a`b'"),
        ({"derived": {"load_id": DAY}}, "two columns are named 'load_id'"),
        (
            {"derived": {"on": UtcDay("place", description="")}},
            "'place' of `derived` is no Timestamp",
        ),
        ({"partition": "place"}, "'place' of `partition` is no Date or Timestamp"),
        ({"partition": "cane"}, "'cane' of `partition` is no Date or Timestamp"),
        ({"rename": {"came": "at"}, "partition": "came"}, "'came' of `partition` is no"),
        ({"cluster": ("cane",)}, "'cane' of `cluster` is not one of id, came, place"),
        ({"cluster": ("id", "came", "place", "load_id", "accepted_at")}, "more than 4 columns"),
    ],
)
def test_a_place_that_bigquery_cannot_give_is_refused_with_its_reason(place, why):
    with pytest.raises(ConfigurationError) as caught:
        read(**place)

    assert "'visits'" in str(caught.value)
    assert why in str(caught.value)
    assert "shared/tables" in str(caught.value)


def test_the_names_of_the_hiring_tables_are_anybodys_now():
    table = Table(name="dim_jobs", schema=Visit)

    assert list(tables.in_order({"dim_jobs": table})) == ["dim_jobs"]
