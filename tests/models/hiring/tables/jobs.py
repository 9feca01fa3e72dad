"""jobs: what people are hired for."""

from shared.tables import Integer, Row, Table, Text, Warehouse


class Job(Row):
    """A job that people are hired for."""

    id = Integer(minimum=1, description="Id of the job")
    job = Text(description="Name of the job")


TABLE = Table(name="jobs", schema=Job, warehouse=Warehouse(name="dim_jobs"))
