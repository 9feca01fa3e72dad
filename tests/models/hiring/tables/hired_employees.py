"""hired_employees: who was hired, when, where and as what."""

from shared.tables import Integer, Reference, Row, Table, Text, Timestamp, UtcDay, Warehouse


class HiredEmployee(Row):
    """An employee who was hired."""

    id = Integer(minimum=1, description="Id of the employee")
    name = Text(description="Name and surname of the employee")
    datetime = Timestamp(description="When the employee was hired, ISO 8601 with offset")
    department_id = Integer(minimum=1, description="Id of the department the employee was hired by")
    job_id = Integer(minimum=1, description="Id of the job the employee was hired for")


TABLE = Table(
    name="hired_employees",
    schema=HiredEmployee,
    references=(
        Reference("department_id", "departments"),
        Reference("job_id", "jobs"),
    ),
    # A month is a partition; hires before 1960 or after 2159 share one.
    warehouse=Warehouse(
        name="fact_hires",
        rename={"datetime": "hired_at"},
        derived={
            "hired_on": UtcDay("datetime", description="The day of it in UTC, as in dim_dates")
        },
        partition="hired_on",
        partition_by="month",
        cluster=("department_id", "job_id"),
    ),
)
