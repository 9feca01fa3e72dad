"""The statements that create and evolve tables outside the star schema."""

from shared.tables import Integer, Row, Table
from shared.warehouse.apply import create_table_sql
from shared.warehouse.names import Names
from shared.warehouse.star import Place, Projection


class Seat(Row):
    """A seat, with its whole address as its key."""

    city = Integer()
    street = Integer()
    house = Integer()
    floor = Integer()
    number = Integer()


def test_a_table_is_clustered_by_at_most_four_columns():
    table = Table(name="seats", schema=Seat, key=("city", "street", "house", "floor", "number"))

    sql = create_table_sql(Names("p", "w", "r"), Projection(table, Place("seats"), in_star=False))

    assert sql.endswith("cluster by `city`, `street`, `house`, `floor`")
