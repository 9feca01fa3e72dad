"""customers: who orders."""

from shared.tables import Date, Integer, Row, Table, Text, Warehouse


class Customer(Row):
    """A customer of the shop."""

    id = Integer(description="Id of the customer", minimum=1)
    name = Text(description="Name and surname")
    email = Text(description="Address", pattern=r"[^@ ]+@[^@ ]+", example="ann@example.com")
    born_on = Date(description="Day of birth", minimum="1900-01-01", optional=True)


TABLE = Table("customers", Customer, warehouse=Warehouse(name="dim_customers"))
