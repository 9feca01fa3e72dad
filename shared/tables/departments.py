"""departments: who hires."""

from shared.tables.fields import Integer, Text
from shared.tables.table import Row, Table


class Department(Row):
    """A department of the company."""

    id = Integer(description="Id of the department")
    department = Text(description="Name of the department")


TABLE = Table(name="departments", schema=Department)
