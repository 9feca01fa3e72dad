"""departments: who hires."""

from shared.tables import Integer, Row, Table, Text, Warehouse


class Department(Row):
    """A department of the company."""

    id = Integer(minimum=1, description="Id of the department")
    department = Text(description="Name of the department")


TABLE = Table(name="departments", schema=Department, warehouse=Warehouse(name="dim_departments"))
