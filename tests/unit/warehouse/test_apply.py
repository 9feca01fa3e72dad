"""The statements that create tables follow the places that the dictionary gives them."""

import pytest
import sqlglot

from shared import tables
from shared.tables import Integer, Row, Table, Text, Timestamp, UtcDay, Warehouse
from shared.warehouse.apply import create_table_sql
from shared.warehouse.names import Names
from shared.warehouse.star import Projection

NAMES = Names("p", "w", "r")


class Seat(Row):
    """A seat, with its whole address as its key."""

    city = Integer(minimum=1)
    street = Integer(minimum=1)
    house = Integer(minimum=1)
    floor = Integer(minimum=1)
    number = Integer(minimum=1)


class Visit(Row):
    """A visitor's visit \\ with a 'quote'."""

    id = Integer(minimum=1, description="Id of the visit")
    came = Timestamp(description="When it was")
    place = Text(description="Where")


def created(**place):
    table = Table(name="visits", schema=Visit, warehouse=Warehouse(**place))
    return create_table_sql(NAMES, Projection(table))


def test_a_table_is_clustered_by_at_most_four_columns():
    table = Table(name="seats", schema=Seat, key=("city", "street", "house", "floor", "number"))

    sql = create_table_sql(NAMES, Projection(table))

    assert "cluster by `city`, `street`, `house`, `floor`\n" in sql


def test_a_table_without_a_place_has_its_own_name_and_no_partitions():
    sql = created()

    assert "`p.w.visits`" in sql
    assert "partition" not in sql
    assert "cluster by `id`" in sql


@pytest.mark.parametrize(
    ("partition", "by", "clause"),
    [
        ("came", "day", "timestamp_trunc(`came`, day)"),
        ("came", "month", "timestamp_trunc(`came`, month)"),
        ("came_on", "day", "`came_on`"),
        ("came_on", "year", "date_trunc(`came_on`, year)"),
    ],
)
def test_a_table_is_partitioned_by_a_moment_or_a_day(partition, by, clause):
    derived = {"came_on": UtcDay("came", description="The day of it")}

    sql = created(derived=derived, partition=partition, partition_by=by)

    assert f"\npartition by {clause}\n" in sql


def test_columns_have_their_names_in_the_warehouse_and_the_derived_one_follows_its_field():
    sql = created(
        name="trips",
        rename={"came": "came_at"},
        derived={"came_on": UtcDay("came", description="The day of it")},
        cluster=("place", "came_at"),
    )

    assert "`p.w.trips`" in sql
    assert sql.index("`came_at`") < sql.index("`came_on` DATE") < sql.index("`place`")
    assert "cluster by `place`, `came_at`" in sql


def test_a_description_is_a_text_whatever_it_holds():
    sql = created()

    assert sql.endswith(r"options (description = 'A visitor\'s visit \\ with a \'quote\'.')")
    (parsed,) = sqlglot.parse(sql, dialect="bigquery")
    (described,) = [one for one in parsed.find_all(sqlglot.exp.Literal) if "visitor" in one.this]
    assert described.this == r"A visitor's visit \ with a 'quote'."


def test_a_day_is_that_of_utc_in_both_databases():
    derived = {"came_on": UtcDay("came", description="The day of it")}
    table = Table(name="visits", schema=Visit, warehouse=Warehouse(derived=derived))

    one = Projection(table).derived["came_on"]

    assert one.bigquery == "date(`came`)"
    assert one.postgres == "cast(\"came\" at time zone 'UTC' as date)"


def test_the_hires_are_kept_as_they_always_were():
    sql = create_table_sql(NAMES, Projection(tables.find("hired_employees")))

    (parsed,) = sqlglot.parse(sql, dialect="bigquery")
    columns = {
        one.name: one.args["kind"].sql("bigquery") for one in parsed.find_all(sqlglot.exp.ColumnDef)
    }
    assert columns == {
        "id": "INT64",
        "name": "STRING",
        "hired_at": "TIMESTAMP",
        "hired_on": "DATE",
        "department_id": "INT64",
        "job_id": "INT64",
        "accepted_at": "TIMESTAMP",
        "load_id": "STRING",
    }
    assert "`p.w.fact_hires`" in sql
    assert "partition by date_trunc(`hired_on`, month)" in sql
    assert "cluster by `department_id`, `job_id`" in sql
